package postgres

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

const selectKeys = `SELECT provider, account, id, version, added, active, sealed, who, why, at FROM scrip.keys`

const selectKey = selectKeys + ` WHERE provider = $1 AND account = $2 AND id = $3`

// Get implements [secret.KeyStore].
func (k *Keys) Get(ctx context.Context, at secret.Place) (secret.StoredKey, error) {
	if err := k.db.readable(ctx); err != nil {
		return secret.StoredKey{}, err
	}
	var row secret.StoredKey
	known, err := one(ctx, k.db.pool, keyFields(&row), k.db.sql(selectKey), name(at.Provider), name(at.Account), name(at.ID))
	switch {
	case err != nil:
		return secret.StoredKey{}, translate(ctx, "get key", err)
	case !known:
		return secret.StoredKey{}, fmt.Errorf("postgres: %s: %w", at.Name(), secret.ErrNoKey)
	}
	return row, nil
}

const (
	selectAllKeys = selectKeys + ` WHERE (provider, account, id) > ($1, $2, $3) ORDER BY provider, account, id LIMIT $4`
	selectKeysOf  = selectKeys + ` WHERE provider = $5 AND account = $6 AND (provider, account, id) > ($1, $2, $3)
ORDER BY provider, account, id LIMIT $4`
)

// List implements [secret.KeyStore].
func (k *Keys) List(ctx context.Context, q secret.KeyQuery) ([]secret.StoredKey, error) {
	if err := k.db.readable(ctx); err != nil {
		return nil, err
	}
	text, args := selectAllKeys, []any{name(q.After.Provider), name(q.After.Account), name(q.After.ID), q.Rows()}
	if !q.All {
		text, args = selectKeysOf, append(args, name(q.Provider), name(q.Account))
	}
	found, err := rows(ctx, k.db.pool, keyFields, k.db.sql(text), args...)
	return found, translate(ctx, "list keys", err)
}

// lockKeys makes changes of keys take turns, so that their numbers have no gaps and are committed in order. They are
// rare. The first number tells these locks from a host's own and from the migrations'.
const lockKeys = `SELECT pg_advisory_xact_lock(1935897194, hashtext($1))`

const selectLastKeyChange = `SELECT coalesce(max(number), 0) FROM scrip.key_changes`

const insertKeyChange = `INSERT INTO scrip.key_changes (number, provider, account, id, action, active, ring_key, who, why, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

const upsertKey = `INSERT INTO scrip.keys (provider, account, id, version, added, active, sealed, who, why, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (provider, account, id) DO UPDATE SET version = excluded.version,
	active = excluded.active, sealed = excluded.sealed, who = excluded.who, why = excluded.why, at = excluded.at`

// Put implements [secret.KeyStore].
func (k *Keys) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	if err := p.Validate(); err != nil && ctx.Err() == nil {
		return secret.StoredKey{}, err
	}
	var row secret.StoredKey
	err := k.change(ctx, p.Place, func(ctx context.Context, t *txn, old, next secret.StoredKey) (err error) {
		var change secret.KeyChange
		if row, change, err = dbstore.PutKey(p, old, next.Version); err != nil {
			return fmt.Errorf("postgres: %w", err)
		}
		row.At, change.At = next.At, next.At
		if err := k.execute(ctx, t, insertKeyChange, keyChangeFields(&change)); err != nil {
			return err
		}
		return k.execute(ctx, t, upsertKey, keyFields(&row))
	})
	if err != nil {
		return secret.StoredKey{}, translate(ctx, "put key", err)
	}
	return row, nil
}

const deleteKey = `DELETE FROM scrip.keys WHERE provider = $1 AND account = $2 AND id = $3`

// Delete implements [secret.KeyStore].
func (k *Keys) Delete(ctx context.Context, d secret.KeyDelete) error {
	if err := d.Validate(); err != nil && ctx.Err() == nil {
		return err
	}
	err := k.change(ctx, d.Place, func(ctx context.Context, t *txn, old, next secret.StoredKey) error {
		change, err := dbstore.DeleteKey(d, old, next.Version)
		if err != nil {
			return fmt.Errorf("postgres: %w", err)
		}
		change.At = next.At
		if err := k.execute(ctx, t, insertKeyChange, keyChangeFields(&change)); err != nil {
			return err
		}
		_, err = exec(ctx, t, k.db.sql(deleteKey), d.Provider, d.Account, d.ID)
		return err
	})
	return translate(ctx, "delete key", err)
}

// change runs fn in a transaction that no other change of a key runs beside. fn gets the key that a place has, which is
// of version 0 if there is none, and the version and the time of the change.
func (k *Keys) change(ctx context.Context, at secret.Place, fn func(ctx context.Context, t *txn, old, next secret.StoredKey) error) error {
	return k.db.write(ctx, func(ctx context.Context, t *txn) error {
		if _, err := t.Exec(ctx, lockKeys, k.db.schema); err != nil {
			return err
		}
		var old, next secret.StoredKey
		if _, err := one(ctx, t, []any{instant{&next.At}}, selectNow, k.db.at()); err != nil {
			return err
		}
		if _, err := one(ctx, t, keyFields(&old), k.db.sql(selectKey), at.Provider, at.Account, at.ID); err != nil {
			return err
		}
		if _, err := one(ctx, t, []any{&next.Version}, k.db.sql(selectLastKeyChange)); err != nil {
			return err
		}
		next.Version++
		return fn(ctx, t, old, next)
	})
}

const selectKeyChanges = `SELECT number, provider, account, id, action, active, ring_key, who, why, at FROM scrip.key_changes
WHERE number < $1 ORDER BY number DESC LIMIT $2`

// Changes implements [secret.KeyStore].
func (k *Keys) Changes(ctx context.Context, q secret.ChangeQuery) ([]secret.KeyChange, error) {
	if err := k.db.readable(ctx); err != nil {
		return nil, err
	}
	before := q.Before
	if before == 0 {
		before = math.MaxInt64
	}
	found, err := rows(ctx, k.db.pool, keyChangeFields, k.db.sql(selectKeyChanges), before, q.Rows())
	return found, translate(ctx, "list changes of keys", err)
}

// execute runs a statement with the fields of a row as its arguments.
func (k *Keys) execute(ctx context.Context, t *txn, text string, fields []any) error {
	args, err := values(fields)
	if err != nil {
		return err
	}
	_, err = exec(ctx, t, k.db.sql(text), args...)
	return err
}
