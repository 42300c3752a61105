package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

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

const selectVersion = `SELECT version, at, who, why, document FROM scrip_configurations 
WHERE version = iif(?1 = 0, (SELECT max(version) FROM scrip_configurations), ?1)`

// Load implements [registry.ModelStore].
func (m *Models) Load(ctx context.Context, number int64) (registry.Version, error) {
	if err := m.db.readable(ctx); err != nil {
		return registry.Version{}, err
	}
	var v registry.Version
	known, err := one(ctx, m.db.reader, []any{&v.Number, instant{&v.At}, &v.Who, &v.Why, dbstore.List{V: &v.Configuration}}, selectVersion, number)
	switch {
	case err != nil:
		return registry.Version{}, translate("load version", err)
	case !known:
		return registry.Version{}, fmt.Errorf("sqlite: load version %d: %w", number, registry.ErrNotFound)
	}
	return v, nil
}

const insertVersion = `INSERT INTO scrip_configurations (version, at, who, why, document) VALUES (?, ?, ?, ?, ?)`

// Save implements [registry.ModelStore].
func (m *Models) Save(ctx context.Context, c registry.Change) (registry.Version, error) {
	v := registry.Version{Number: c.Base + 1, Who: c.Who, Why: c.Why}
	err := m.db.write(ctx, func(ctx context.Context, t *txn) error {
		v.At = m.db.now()
		if err := c.Validate(v.At); err != nil {
			return err
		}
		document, err := json.Marshal(c.Next)
		if err != nil { // a raw parameter that is not JSON
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
		_, err = t.ExecContext(ctx, insertVersion, v.Number, instant{&v.At}, v.Who, v.Why, string(document))
		return err
	})
	if err != nil {
		return registry.Version{}, translate("save version", err)
	}
	return v, nil
}
