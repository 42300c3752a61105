package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/scrip-go/scrip/secret"
)

var _ secret.KeyStore = (*Keys)(nil)

// Keys is the [secret.KeyStore] of a [DB].
type Keys struct {
	now func() time.Time

	mu      sync.Mutex
	rows    map[secret.Place]secret.StoredKey // guarded by mu
	changes []secret.KeyChange                // guarded by mu; changes[i] has the number i+1
}

// Get implements [secret.KeyStore].
func (k *Keys) Get(ctx context.Context, at secret.Place) (secret.StoredKey, error) {
	if err := ctx.Err(); err != nil {
		return secret.StoredKey{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	row, ok := k.rows[at]
	if !ok {
		return secret.StoredKey{}, fmt.Errorf("memory: %s: %w", at.Name(), secret.ErrNoKey)
	}
	return apart(row), nil
}

// List implements [secret.KeyStore].
func (k *Keys) List(ctx context.Context, q secret.KeyQuery) ([]secret.StoredKey, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var found []secret.StoredKey
	for at, row := range k.rows {
		if (q.All || at.Provider == q.Provider && at.Account == q.Account) && comparePlaces(at, q.After) > 0 {
			found = append(found, row)
		}
	}
	slices.SortFunc(found, func(a, b secret.StoredKey) int { return comparePlaces(a.Place, b.Place) })
	found = found[:min(len(found), q.Rows())]
	for i := range found {
		found[i] = apart(found[i])
	}
	return found, nil
}

// Put implements [secret.KeyStore].
func (k *Keys) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	if err := ctx.Err(); err != nil {
		return secret.StoredKey{}, err
	}
	if err := p.Validate(); err != nil {
		return secret.StoredKey{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	old := k.rows[p.Place] // of version 0 if there is none
	if p.Base != old.Version {
		return secret.StoredKey{}, conflict(p.Place, p.Base, old.Version)
	}
	row := secret.StoredKey{Place: p.Place, Version: k.next(), Added: old.Added, Active: p.Active, Sealed: p.Sealed, Who: p.Who, Why: p.Why, At: k.now()}
	action := secret.KeyReplaced
	if old.Version == 0 {
		row.Added, action = row.Version, secret.KeyAdded
	}
	row = apart(row)
	k.rows[p.Place] = row
	k.changes = append(k.changes, secret.KeyChange{Number: row.Version, Place: row.Place, Action: action, Active: row.Active,
		RingKey: row.Sealed.RingKey(), Who: row.Who, Why: row.Why, At: row.At})
	return apart(row), nil
}

// Delete implements [secret.KeyStore].
func (k *Keys) Delete(ctx context.Context, d secret.KeyDelete) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := d.Validate(); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	old, ok := k.rows[d.Place]
	switch {
	case !ok:
		return fmt.Errorf("memory: delete %s: %w", d.Place.Name(), secret.ErrNoKey)
	case d.Base != old.Version:
		return conflict(d.Place, d.Base, old.Version)
	}
	delete(k.rows, d.Place)
	k.changes = append(k.changes, secret.KeyChange{Number: k.next(), Place: d.Place, Action: secret.KeyDeleted, Who: d.Who, Why: d.Why, At: k.now()})
	return nil
}

// Changes implements [secret.KeyStore].
func (k *Keys) Changes(ctx context.Context, q secret.ChangeQuery) ([]secret.KeyChange, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	end := int64(len(k.changes))
	if q.Before != 0 {
		end = min(end, max(q.Before-1, 0))
	}
	found := slices.Clone(k.changes[max(end-int64(q.Rows()), 0):end])
	slices.Reverse(found)
	return found, nil
}

// next is called with mu.
func (k *Keys) next() int64 { return int64(len(k.changes)) + 1 }

func conflict(at secret.Place, base, version int64) error {
	return fmt.Errorf("memory: change version %d of %s: %w: the present one is %d", base, at.Name(), secret.ErrConflict, version)
}

func comparePlaces(a, b secret.Place) int {
	return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Account, b.Account), cmp.Compare(a.ID, b.ID))
}

// apart returns a row that shares no bytes with the given one.
func apart(row secret.StoredKey) secret.StoredKey {
	row.Sealed = slices.Clone(row.Sealed)
	return row
}
