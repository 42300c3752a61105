package sqlite

import (
	"context"
	"fmt"
	"math"

	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

var _ secret.KeyStore = (*Keys)(nil)

// Keys is the [secret.KeyStore] of a [DB]. It is safe for concurrent use.
type Keys struct{ db *DB }

func keyFields(k *secret.StoredKey) []any { return dbstore.KeyFields(k, at) }

func keyChangeFields(c *secret.KeyChange) []any { return dbstore.KeyChangeFields(c, at) }

const selectKeys = `SELECT provider, account, id, version, added, active, sealed, who, why, at FROM scrip_keys`

const selectKey = selectKeys + ` WHERE provider = ? AND account = ? AND id = ?`

// Get implements [secret.KeyStore].
func (k *Keys) Get(ctx context.Context, at secret.Place) (secret.StoredKey, error) {
	if err := k.db.readable(ctx); err != nil {
		return secret.StoredKey{}, err
	}
	var row secret.StoredKey
	known, err := one(ctx, k.db.reader, keyFields(&row), selectKey, at.Provider, at.Account, at.ID)
	switch {
	case err != nil:
		return secret.StoredKey{}, translate("get key", err)
	case !known:
		return secret.StoredKey{}, fmt.Errorf("sqlite: %s: %w", at.Name(), secret.ErrNoKey)
	}
	return row, nil
}

const (
	selectAllKeys = selectKeys + ` WHERE (provider, account, id) > (?, ?, ?) ORDER BY provider, account, id LIMIT ?`
	selectKeysOf  = selectKeys + ` WHERE provider = ? AND account = ? AND (provider, account, id) > (?, ?, ?) ORDER BY id LIMIT ?`
)

// List implements [secret.KeyStore].
func (k *Keys) List(ctx context.Context, q secret.KeyQuery) ([]secret.StoredKey, error) {
	if err := k.db.readable(ctx); err != nil {
		return nil, err
	}
	text, args := selectAllKeys, []any{q.After.Provider, q.After.Account, q.After.ID, q.Rows()}
	if !q.All {
		text, args = selectKeysOf, append([]any{q.Provider, q.Account}, args...)
	}
	found, err := rows(ctx, k.db.reader, keyFields, text, args...)
	return found, translate("list keys", err)
}

const selectLastKeyChange = `SELECT coalesce(max(number), 0) FROM scrip_key_changes`

const insertKeyChange = `INSERT INTO scrip_key_changes (number, provider, account, id, action, active, ring_key, who, why, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const upsertKey = `INSERT INTO scrip_keys (provider, account, id, version, added, active, sealed, who, why, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version, active = excluded.active,
	sealed = excluded.sealed, who = excluded.who, why = excluded.why, at = excluded.at`

// Put implements [secret.KeyStore].
func (k *Keys) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	if err := p.Validate(); err != nil && ctx.Err() == nil {
		return secret.StoredKey{}, err
	}
	var row secret.StoredKey
	err := k.change(ctx, p.Place, func(ctx context.Context, t *txn, old secret.StoredKey, number int64) (err error) {
		var change secret.KeyChange
		if row, change, err = dbstore.PutKey(p, old, number); err != nil {
			return fmt.Errorf("sqlite: %w", err)
		}
		row.At = k.db.now()
		change.At = row.At
		if err := execute(ctx, t, insertKeyChange, keyChangeFields(&change)); err != nil {
			return err
		}
		return execute(ctx, t, upsertKey, keyFields(&row))
	})
	if err != nil {
		return secret.StoredKey{}, translate("put key", err)
	}
	return row, nil
}

const deleteKey = `DELETE FROM scrip_keys WHERE provider = ? AND account = ? AND id = ?`

// Delete implements [secret.KeyStore].
func (k *Keys) Delete(ctx context.Context, d secret.KeyDelete) error {
	if err := d.Validate(); err != nil && ctx.Err() == nil {
		return err
	}
	err := k.change(ctx, d.Place, func(ctx context.Context, t *txn, old secret.StoredKey, number int64) error {
		change, err := dbstore.DeleteKey(d, old, number)
		if err != nil {
			return fmt.Errorf("sqlite: %w", err)
		}
		change.At = k.db.now()
		if err := execute(ctx, t, insertKeyChange, keyChangeFields(&change)); err != nil {
			return err
		}
		_, err = t.ExecContext(ctx, deleteKey, d.Provider, d.Account, d.ID)
		return err
	})
	return translate("delete key", err)
}

// change runs fn in a transaction with the key that a place has, which is of version 0 if there is none, and the number
// of the next change.
func (k *Keys) change(ctx context.Context, at secret.Place, fn func(context.Context, *txn, secret.StoredKey, int64) error) error {
	return k.db.write(ctx, func(ctx context.Context, t *txn) error {
		var old secret.StoredKey
		if _, err := one(ctx, t, keyFields(&old), selectKey, at.Provider, at.Account, at.ID); err != nil {
			return err
		}
		var last int64
		if _, err := one(ctx, t, []any{&last}, selectLastKeyChange); err != nil {
			return err
		}
		return fn(ctx, t, old, last+1)
	})
}

const selectKeyChanges = `SELECT number, provider, account, id, action, active, ring_key, who, why, at FROM scrip_key_changes
WHERE number < ? ORDER BY number DESC LIMIT ?`

// Changes implements [secret.KeyStore].
func (k *Keys) Changes(ctx context.Context, q secret.ChangeQuery) ([]secret.KeyChange, error) {
	if err := k.db.readable(ctx); err != nil {
		return nil, err
	}
	before := q.Before
	if before == 0 {
		before = math.MaxInt64
	}
	found, err := rows(ctx, k.db.reader, keyChangeFields, selectKeyChanges, before, q.Rows())
	return found, translate("list changes of keys", err)
}

// execute runs a statement with the fields of a row as its arguments.
func execute(ctx context.Context, t *txn, text string, fields []any) error {
	if err := values(fields); err != nil {
		return err
	}
	_, err := t.ExecContext(ctx, text, fields...)
	return err
}
