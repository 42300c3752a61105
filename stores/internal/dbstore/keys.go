package dbstore

import (
	"fmt"
	"slices"

	"github.com/scrip-go/scrip/secret"
)

// KeyFields are the columns of a sealed API key: provider, account, id, version, added, active, sealed, who, why, at.
func KeyFields(k *secret.StoredKey, at Instant) []any {
	return []any{&k.Provider, &k.Account, &k.ID, &k.Version, &k.Added, &k.Active, (*[]byte)(&k.Sealed), &k.Who, &k.Why, at(&k.At)}
}

// KeyChangeFields are the columns of a change: number, provider, account, id, action, active, ring_key, who, why, at.
func KeyChangeFields(c *secret.KeyChange, at Instant) []any {
	return []any{&c.Number, &c.Provider, &c.Account, &c.ID, &c.Action, &c.Active, &c.RingKey, &c.Who, &c.Why, at(&c.At)}
}

// PutKey is what a put makes of the key that a place has, which is of version 0 if there is none: the row and the change,
// of this number and without their times.
func PutKey(p secret.KeyPut, old secret.StoredKey, number int64) (secret.StoredKey, secret.KeyChange, error) {
	if p.Base != old.Version {
		return secret.StoredKey{}, secret.KeyChange{}, changed(p.Place, p.Base, old.Version)
	}
	row := secret.StoredKey{Place: p.Place, Version: number, Added: old.Added, Active: p.Active, Sealed: slices.Clone(p.Sealed), Who: p.Who, Why: p.Why}
	action := secret.KeyReplaced
	if old.Version == 0 {
		row.Added, action = number, secret.KeyAdded
	}
	return row, secret.KeyChange{Number: number, Place: p.Place, Action: action, Active: p.Active, RingKey: p.Sealed.RingKey(), Who: p.Who, Why: p.Why}, nil
}

// DeleteKey is the change that a deletion is.
func DeleteKey(d secret.KeyDelete, old secret.StoredKey, number int64) (secret.KeyChange, error) {
	switch {
	case old.Version == 0:
		return secret.KeyChange{}, fmt.Errorf("delete %s: %w", d.Place.Name(), secret.ErrNoKey)
	case d.Base != old.Version:
		return secret.KeyChange{}, changed(d.Place, d.Base, old.Version)
	}
	return secret.KeyChange{Number: number, Place: d.Place, Action: secret.KeyDeleted, Who: d.Who, Why: d.Why}, nil
}

func changed(at secret.Place, base, version int64) error {
	return fmt.Errorf("change version %d of %s: %w: the present one is %d", base, at.Name(), secret.ErrConflict, version)
}
