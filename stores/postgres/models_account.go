package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

const selectLatestAccount = `SELECT coalesce(max(number), 0) FROM scrip.account_settings`

// LatestAccount implements [registry.ModelStore].
func (m *Models) LatestAccount(ctx context.Context) (number int64, err error) {
	if err := m.db.readable(ctx); err != nil {
		return 0, err
	}
	_, err = one(ctx, m.db.pool, []any{&number}, m.db.sql(selectLatestAccount))
	return number, translate(ctx, "latest settings of accounts", err)
}

const settingsColumns = `number, account, at, who, why, settings`

func settingsFields(s *registry.AccountSettings) []any {
	return []any{&s.Number, &s.Account, instant{&s.At}, &s.Who, &s.Why, dbstore.List{V: &s.Settings}}
}

func settingsNumber(s *registry.AccountSettings) int64 { return s.Number }

const selectSettings = `SELECT ` + settingsColumns + ` FROM scrip.account_settings WHERE account = $1 AND number < $2
ORDER BY number DESC LIMIT $3`

// Account implements [registry.ModelStore].
func (m *Models) Account(ctx context.Context, account credits.Account) (registry.AccountSettings, error) {
	if err := m.db.readable(ctx); err != nil {
		return registry.AccountSettings{}, err
	}
	s := registry.AccountSettings{Account: account}
	_, err := one(ctx, m.db.pool, settingsFields(&s), m.db.sql(selectSettings), name(string(account)), int64(math.MaxInt64), 1)
	return s, translate(ctx, "settings of an account", err)
}

// AccountHistory implements [registry.ModelStore].
func (m *Models) AccountHistory(ctx context.Context, account credits.Account, before int64) iter.Seq2[registry.AccountSettings, error] {
	return dbstore.Descending(dbstore.Documents, before, settingsNumber, func(below int64, limit int) ([]registry.AccountSettings, error) {
		if err := m.db.readable(ctx); err != nil {
			return nil, err
		}
		found, err := rows(ctx, m.db.pool, settingsFields, m.db.sql(selectSettings), name(string(account)), below, limit)
		return found, translate(ctx, "history of settings", err)
	})
}

// lockModels makes changes of the configuration and of accounts' settings take turns, because each is judged against
// what the others made. The first number tells these locks from a host's own, from the migrations' and from the keys'.
const lockModels = `SELECT pg_advisory_xact_lock(1935897195, hashtext($1))`

const insertSettings = `INSERT INTO scrip.account_settings (` + settingsColumns + `) VALUES ($1, $2, $3, $4, $5, $6)`

// SaveAccount implements [registry.ModelStore].
func (m *Models) SaveAccount(ctx context.Context, c registry.AccountChange) (registry.AccountSettings, error) {
	s := registry.AccountSettings{Account: c.Account, Who: clean(c.Who), Why: clean(c.Why)}
	if !storable(string(c.Account)) {
		return s, fmt.Errorf("postgres: settings of account %q: %w: its name must be UTF-8 without NUL", c.Account, registry.ErrInvalid)
	}
	err := m.db.write(ctx, func(ctx context.Context, t *txn) error {
		if err := m.begin(ctx, t, instant{&s.At}); err != nil {
			return err
		}
		if err := c.Validate(s.At, dbstore.Descending(1, 0, versionNumber, func(below int64, limit int) ([]registry.Version, error) {
			return rows(ctx, t, versionFields, m.db.sql(selectHistory), below, limit)
		})); err != nil {
			return err
		}
		var newest registry.AccountSettings
		if _, err := one(ctx, t, settingsFields(&newest), m.db.sql(selectSettings), c.Account, int64(math.MaxInt64), 1); err != nil {
			return err
		}
		if newest.Number != c.Base {
			return fmt.Errorf("postgres: save a change of settings %d of account %q: %w: the newest are %d", c.Base, c.Account, registry.ErrConflict, newest.Number)
		}
		document, err := json.Marshal(c.Next)
		if err != nil { // something that Validate does not know to be unwritable
			return fmt.Errorf("postgres: save settings of account %q: %w: %w", c.Account, registry.ErrInvalid, err)
		}
		if err := json.Unmarshal(document, &s.Settings); err != nil { // a copy that the caller may write to
			return err
		}
		if _, err := one(ctx, t, []any{&s.Number}, m.db.sql(selectLatestAccount)); err != nil {
			return err
		}
		s.Number++
		_, err = exec(ctx, t, m.db.sql(insertSettings), s.Number, s.Account, s.At, s.Who, s.Why, string(document))
		return err
	})
	if err != nil {
		return registry.AccountSettings{}, translate(ctx, "save settings", err)
	}
	return s, nil
}

// begin waits for its turn and then takes the time of the decision.
func (m *Models) begin(ctx context.Context, t *txn, now any) error {
	if _, err := exec(ctx, t, lockModels, m.db.schema); err != nil {
		return err
	}
	_, err := one(ctx, t, []any{now}, selectNow, m.db.at())
	return err
}

// selectNewest reads the newest settings of accounts in the order of their names.
const selectNewest = `SELECT ` + settingsColumns + ` FROM scrip.account_settings WHERE number IN
	(SELECT max(number) FROM scrip.account_settings WHERE account > $1 GROUP BY account ORDER BY account LIMIT $2)
ORDER BY account`

// newest yields the newest settings of each account.
func (m *Models) newest(ctx context.Context, t *txn) iter.Seq2[registry.AccountSettings, error] {
	return dbstore.Pages(0, func(last *registry.AccountSettings, limit int) ([]registry.AccountSettings, error) {
		after := credits.Account("")
		if last != nil {
			after = last.Account
		}
		return rows(ctx, t, settingsFields, m.db.sql(selectNewest), after, limit)
	})
}
