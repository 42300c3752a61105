package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

var _ registry.ModelStore = (*Models)(nil)

// Models is the [registry.ModelStore] of a [DB]. It is safe for concurrent use.
type Models struct{ db *DB }

const selectLatest = `SELECT coalesce(max(version), 0) FROM scrip.configurations`

// Latest implements [registry.ModelStore].
func (m *Models) Latest(ctx context.Context) (number int64, err error) {
	if err := m.db.readable(ctx); err != nil {
		return 0, err
	}
	_, err = one(ctx, m.db.pool, []any{&number}, m.db.sql(selectLatest))
	return number, translate(ctx, "latest version", err)
}

// whereInForce walks back from the newest version: pending ones are few.
const whereInForce = ` FROM scrip.configurations WHERE effective_at <= coalesce($1::timestamptz, clock_timestamp()) ORDER BY version DESC LIMIT 1`

const selectInForce = `SELECT version` + whereInForce

// InForce implements [registry.ModelStore].
func (m *Models) InForce(ctx context.Context) (number int64, err error) {
	if err := m.db.readable(ctx); err != nil {
		return 0, err
	}
	_, err = one(ctx, m.db.pool, []any{&number}, m.db.sql(selectInForce), m.db.at())
	return number, translate(ctx, "version in force", err)
}

const versionColumns = `version, at, effective_at, who, why, document`

func versionFields(v *registry.Version) []any {
	return []any{&v.Number, instant{&v.At}, instant{&v.EffectiveAt}, &v.Who, &v.Why, dbstore.List{V: &v.Configuration}}
}

const selectVersion = `SELECT ` + versionColumns + ` FROM scrip.configurations WHERE version = $1`

const selectVersionInForce = `SELECT ` + versionColumns + whereInForce

// Load implements [registry.ModelStore].
func (m *Models) Load(ctx context.Context, number int64) (registry.Version, error) {
	if err := m.db.readable(ctx); err != nil {
		return registry.Version{}, err
	}
	query, arg, what := selectVersion, any(number), fmt.Sprintf("load version %d", number)
	if number == 0 {
		query, arg, what = selectVersionInForce, m.db.at(), "load the version in force"
	}
	var v registry.Version
	known, err := one(ctx, m.db.pool, versionFields(&v), m.db.sql(query), arg)
	switch {
	case err != nil:
		return registry.Version{}, translate(ctx, what, err)
	case !known:
		return registry.Version{}, fmt.Errorf("postgres: %s: %w", what, registry.ErrNotFound)
	}
	return v, nil
}

func versionNumber(v *registry.Version) int64 { return v.Number }

const selectHistory = `SELECT ` + versionColumns + ` FROM scrip.configurations WHERE version < $1
ORDER BY version DESC LIMIT $2`

// History implements [registry.ModelStore].
func (m *Models) History(ctx context.Context, before int64) iter.Seq2[registry.Version, error] {
	return dbstore.Descending(dbstore.Documents, before, versionNumber, func(below int64, limit int) ([]registry.Version, error) {
		if err := m.db.readable(ctx); err != nil {
			return nil, err
		}
		found, err := rows(ctx, m.db.pool, versionFields, m.db.sql(selectHistory), below, limit)
		return found, translate(ctx, "history of versions", err)
	})
}

// selectNow is the time of a decision, asked for after the locks that it waited for.
const selectNow = `SELECT coalesce($1::timestamptz, clock_timestamp())`

// insertVersion inserts nothing if the version is there: of those who made it from the same one the first wins.
const insertVersion = `INSERT INTO scrip.configurations (` + versionColumns + `) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING`

// Save implements [registry.ModelStore].
func (m *Models) Save(ctx context.Context, c registry.Change) (registry.Version, error) {
	v := registry.Version{Number: c.Base + 1, Who: clean(c.Who), Why: clean(c.Why)}
	err := m.db.write(ctx, func(ctx context.Context, t *txn) error {
		if err := m.begin(ctx, t, instant{&v.At}); err != nil {
			return err
		}
		if err := c.Validate(v.At, m.newest(ctx, t)); err != nil {
			return err
		}
		v.EffectiveAt = c.EffectiveFrom(v.At)
		document, err := json.Marshal(c.Next)
		if err != nil { // something that Validate does not know to be unwritable
			return fmt.Errorf("postgres: save a change of version %d: %w: %w", c.Base, registry.ErrInvalid, err)
		}
		if err := json.Unmarshal(document, &v.Configuration); err != nil { // a copy that the caller may write to
			return err
		}
		var latest int64
		if _, err := one(ctx, t, []any{&latest}, m.db.sql(selectLatest)); err != nil {
			return err
		}
		conflict := func(why string) error {
			return fmt.Errorf("postgres: save a change of version %d: %w: %s", c.Base, registry.ErrConflict, why)
		}
		if c.Base != latest {
			return conflict(fmt.Sprintf("the latest is %d", latest))
		}
		n, err := exec(ctx, t, m.db.sql(insertVersion), v.Number, v.At, v.EffectiveAt, v.Who, v.Why, string(document))
		if err == nil && n == 0 {
			err = conflict("another was saved just now")
		}
		return err
	})
	if err != nil {
		return registry.Version{}, translate(ctx, "save version", err)
	}
	return v, nil
}
