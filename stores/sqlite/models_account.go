package sqlite

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

const selectLatestAccount = `SELECT coalesce(max(number), 0) FROM scrip_account_settings`

// LatestAccount implements [registry.ModelStore].
func (m *Models) LatestAccount(ctx context.Context) (number int64, err error) {
	if err := m.db.readable(ctx); err != nil {
		return 0, err
	}
	_, err = one(ctx, m.db.reader, []any{&number}, selectLatestAccount)
	return number, translate("latest settings of accounts", err)
}

const settingsColumns = `number, account, at, who, why, settings`

func settingsFields(s *registry.AccountSettings) []any {
	return []any{&s.Number, &s.Account, instant{&s.At}, &s.Who, &s.Why, dbstore.List{V: &s.Settings}}
}

func settingsNumber(s *registry.AccountSettings) int64 { return s.Number }

const selectSettings = `SELECT ` + settingsColumns + ` FROM scrip_account_settings WHERE account = ? AND number < ?
ORDER BY number DESC LIMIT ?`

// Account implements [registry.ModelStore].
func (m *Models) Account(ctx context.Context, account credits.Account) (registry.AccountSettings, error) {
	if err := m.db.readable(ctx); err != nil {
		return registry.AccountSettings{}, err
	}
	s := registry.AccountSettings{Account: account}
	_, err := one(ctx, m.db.reader, settingsFields(&s), selectSettings, account, int64(math.MaxInt64), 1)
	return s, translate("settings of an account", err)
}

// AccountHistory implements [registry.ModelStore].
func (m *Models) AccountHistory(ctx context.Context, account credits.Account, before int64) iter.Seq2[registry.AccountSettings, error] {
	return dbstore.Descending(dbstore.Documents, before, settingsNumber, func(below int64, limit int) ([]registry.AccountSettings, error) {
		if err := m.db.readable(ctx); err != nil {
			return nil, err
		}
		found, err := rows(ctx, m.db.reader, settingsFields, selectSettings, account, below, limit)
		return found, translate("history of settings", err)
	})
}

const insertSettings = `INSERT INTO scrip_account_settings (` + settingsColumns + `) VALUES (?, ?, ?, ?, ?, ?)`

// SaveAccount implements [registry.ModelStore].
func (m *Models) SaveAccount(ctx context.Context, c registry.AccountChange) (registry.AccountSettings, error) {
	s := registry.AccountSettings{Account: c.Account, Who: c.Who, Why: c.Why}
	err := m.db.write(ctx, func(ctx context.Context, t *txn) error {
		s.At = m.db.now()
		if err := c.Validate(s.At, dbstore.Descending(1, 0, versionNumber, func(below int64, limit int) ([]registry.Version, error) {
			return rows(ctx, t, versionFields, selectHistory, below, limit)
		})); err != nil {
			return err
		}
		var newest registry.AccountSettings
		if _, err := one(ctx, t, settingsFields(&newest), selectSettings, c.Account, int64(math.MaxInt64), 1); err != nil {
			return err
		}
		if newest.Number != c.Base {
			return fmt.Errorf("sqlite: save a change of settings %d of account %q: %w: the newest are %d", c.Base, c.Account, registry.ErrConflict, newest.Number)
		}
		document, err := json.Marshal(c.Next)
		if err != nil { // something that Validate does not know to be unwritable
			return fmt.Errorf("sqlite: save settings of account %q: %w: %w", c.Account, registry.ErrInvalid, err)
		}
		if err := json.Unmarshal(document, &s.Settings); err != nil { // a copy that the caller may write to
			return err
		}
		if _, err := one(ctx, t, []any{&s.Number}, selectLatestAccount); err != nil {
			return err
		}
		s.Number++
		_, err = t.ExecContext(ctx, insertSettings, s.Number, s.Account, instant{&s.At}, s.Who, s.Why, string(document))
		return err
	})
	if err != nil {
		return registry.AccountSettings{}, translate("save settings", err)
	}
	return s, nil
}

// selectNewest reads the newest settings of accounts in the order of their names.
const selectNewest = `SELECT ` + settingsColumns + ` FROM scrip_account_settings WHERE number IN
	(SELECT max(number) FROM scrip_account_settings WHERE account > ? GROUP BY account ORDER BY account LIMIT ?)
ORDER BY account`

// newest yields the newest settings of each account.
func (m *Models) newest(ctx context.Context, t *txn) iter.Seq2[registry.AccountSettings, error] {
	return dbstore.Pages(0, func(last *registry.AccountSettings, limit int) ([]registry.AccountSettings, error) {
		after := credits.Account("")
		if last != nil {
			after = last.Account
		}
		return rows(ctx, t, settingsFields, selectNewest, after, limit)
	})
}
