package sqlite

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

const selectLatest = `SELECT coalesce(max(version), 0) FROM scrip_configurations`

// Latest implements [registry.ModelStore].
func (m *Models) Latest(ctx context.Context) (number int64, err error) {
	if err := m.db.readable(ctx); err != nil {
		return 0, err
	}
	_, err = one(ctx, m.db.reader, []any{&number}, selectLatest)
	return number, translate("latest version", err)
}

// whereInForce walks back from the newest version: pending ones are few.
const whereInForce = ` FROM scrip_configurations WHERE effective_at <= ? ORDER BY version DESC LIMIT 1`

const selectInForce = `SELECT version` + whereInForce

// InForce implements [registry.ModelStore].
func (m *Models) InForce(ctx context.Context) (number int64, err error) {
	if err := m.db.readable(ctx); err != nil {
		return 0, err
	}
	now := m.db.now()
	_, err = one(ctx, m.db.reader, []any{&number}, selectInForce, instant{&now})
	return number, translate("version in force", err)
}

const versionColumns = `version, at, effective_at, who, why, document`

func versionFields(v *registry.Version) []any {
	return []any{&v.Number, instant{&v.At}, instant{&v.EffectiveAt}, &v.Who, &v.Why, dbstore.List{V: &v.Configuration}}
}

const selectVersion = `SELECT ` + versionColumns + ` FROM scrip_configurations WHERE version = ?`

const selectVersionInForce = `SELECT ` + versionColumns + whereInForce

// Load implements [registry.ModelStore].
func (m *Models) Load(ctx context.Context, number int64) (registry.Version, error) {
	if err := m.db.readable(ctx); err != nil {
		return registry.Version{}, err
	}
	query, arg, what := selectVersion, any(number), fmt.Sprintf("load version %d", number)
	if number == 0 {
		now := m.db.now()
		query, arg, what = selectVersionInForce, instant{&now}, "load the version in force"
	}
	var v registry.Version
	known, err := one(ctx, m.db.reader, versionFields(&v), query, arg)
	switch {
	case err != nil:
		return registry.Version{}, translate(what, err)
	case !known:
		return registry.Version{}, fmt.Errorf("sqlite: %s: %w", what, registry.ErrNotFound)
	}
	return v, nil
}

func versionNumber(v *registry.Version) int64 { return v.Number }

const selectHistory = `SELECT ` + versionColumns + ` FROM scrip_configurations WHERE version < ?
ORDER BY version DESC LIMIT ?`

// History implements [registry.ModelStore].
func (m *Models) History(ctx context.Context, before int64) iter.Seq2[registry.Version, error] {
	return dbstore.Descending(dbstore.Documents, before, versionNumber, func(below int64, limit int) ([]registry.Version, error) {
		if err := m.db.readable(ctx); err != nil {
			return nil, err
		}
		found, err := rows(ctx, m.db.reader, versionFields, selectHistory, below, limit)
		return found, translate("history of versions", err)
	})
}

const insertVersion = `INSERT INTO scrip_configurations (` + versionColumns + `) VALUES (?, ?, ?, ?, ?, ?)`

// Save implements [registry.ModelStore].
func (m *Models) Save(ctx context.Context, c registry.Change) (registry.Version, error) {
	v := registry.Version{Number: c.Base + 1, Who: c.Who, Why: c.Why}
	err := m.db.write(ctx, func(ctx context.Context, t *txn) error {
		v.At = m.db.now()
		if err := c.Validate(v.At, m.newest(ctx, t)); err != nil {
			return err
		}
		v.EffectiveAt = c.EffectiveFrom(v.At)
		document, err := json.Marshal(c.Next)
		if err != nil { // something that Validate does not know to be unwritable
			return fmt.Errorf("sqlite: save a change of version %d: %w: %w", c.Base, registry.ErrInvalid, err)
		}
		if err := json.Unmarshal(document, &v.Configuration); err != nil { // a copy that the caller may write to
			return err
		}
		var latest int64
		if _, err := one(ctx, t, []any{&latest}, selectLatest); err != nil {
			return err
		}
		if c.Base != latest {
			return fmt.Errorf("sqlite: save a change of version %d: %w: the latest is %d", c.Base, registry.ErrConflict, latest)
		}
		_, err = t.ExecContext(ctx, insertVersion, v.Number, instant{&v.At}, instant{&v.EffectiveAt}, v.Who, v.Why, string(document))
		return err
	})
	if err != nil {
		return registry.Version{}, translate("save version", err)
	}
	return v, nil
}
