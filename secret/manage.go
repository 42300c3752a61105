package secret

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// By says who changes a key, and why. Both are required and kept.
type By struct{ Who, Why string }

// Set puts an active key at a place, in the stead of what is there. Use another id for a new key, and the old one stays
// to go back to. A key may not begin or end with white space, nor have control characters, and neither its id nor who
// and why may have it in them, because they are shown. Errors: [ErrInvalid], [ErrConflict], the store's own.
func (v *Vault) Set(ctx context.Context, at Place, key Secret, by By) (StoredKey, error) {
	text := key.Reveal()
	bare := strings.TrimSpace(text)
	if bare == "" {
		return StoredKey{}, fmt.Errorf("secret: %w: the key to set is empty", ErrInvalid)
	}
	for _, shown := range []string{at.ID, at.Provider, at.Account, by.Who, by.Why} {
		if strings.Contains(shown, bare) { // before anything of it is shown
			return StoredKey{}, fmt.Errorf("secret: %w: the key is in its id, its provider, its account, or who and why", ErrInvalid)
		}
	}
	if err := at.validate(); err != nil {
		return StoredKey{}, err
	}
	if bare != text || strings.ContainsFunc(text, unicode.IsControl) {
		return StoredKey{}, fmt.Errorf("secret: set %s: %w: it begins or ends with white space, or has control characters", at.Name(), ErrInvalid)
	}
	sealed, err := v.ring.Seal(key, at)
	if err != nil {
		return StoredKey{}, err
	}
	old, err := v.store.Get(ctx, at)
	if err != nil && !errors.Is(err, ErrNoKey) {
		return StoredKey{}, err
	}
	return v.put(ctx, KeyPut{Place: at, Base: old.Version, Active: true, Sealed: sealed, Who: by.Who, Why: by.Why})
}

// SetActive makes a key active, or inactive: revoked, but not deleted. If it is so already nothing is changed. Errors:
// [ErrNoKey], [ErrInvalid], [ErrConflict], the store's own.
func (v *Vault) SetActive(ctx context.Context, at Place, active bool, by By) (StoredKey, error) {
	old, err := v.store.Get(ctx, at)
	if err != nil || old.Active == active {
		return old, err
	}
	return v.put(ctx, KeyPut{Place: at, Base: old.Version, Active: active, Sealed: old.Sealed, Who: by.Who, Why: by.Why})
}

// Delete removes a key. Errors: [ErrNoKey], [ErrInvalid], [ErrConflict], the store's own.
func (v *Vault) Delete(ctx context.Context, at Place, by By) error {
	old, err := v.store.Get(ctx, at)
	if err != nil {
		return err
	}
	defer v.changed()
	return v.store.Delete(ctx, KeyDelete{Place: at, Base: old.Version, Who: by.Who, Why: by.Why})
}

func (v *Vault) put(ctx context.Context, p KeyPut) (StoredKey, error) {
	defer v.changed() // also after an error: the answer of a change that happened may be lost
	return v.store.Put(ctx, p)
}

// changed forgets what is known, for the vault's own changes.
func (v *Vault) changed() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.forget()
}

// Resealed says what [Vault.Reseal] did.
type Resealed struct {
	Resealed int `json:"resealed"` // keys that are sealed with the ring's sealing key now
	Already  int `json:"already"`  // keys that were before, or that somebody else resealed or deleted meanwhile
	Failed   int `json:"failed"`   // keys that are as they were
}

const (
	reseals  = 10 // how often a key is taken up again that somebody else changed meanwhile
	maxNamed = 10 // how many failures an error names
)

// Reseal seals every key of the store, active or not, with the ring's sealing key, one transaction for each. It may be
// stopped at any point and called again, and run beside others and beside changes: a key that is sealed so already is left
// alone, and one that somebody else changes meanwhile keeps their change. A key that does not open is left as it is; the
// error names up to ten of them, matches what was wrong ([ErrNoRingKey], [ErrSealed]), and comes after all the others were
// sealed. Other errors, the context's among them, end it at once; the counts are then those so far.
func (v *Vault) Reseal(ctx context.Context, by By) (Resealed, error) {
	var done Resealed
	var failures []error
	err := v.each(ctx, KeyQuery{All: true}, func(row StoredKey) error {
		resealed, err := v.reseal(ctx, row, by)
		switch {
		case errors.Is(err, ErrNoRingKey), errors.Is(err, ErrSealed):
			done.Failed++
			if len(failures) < maxNamed {
				failures = append(failures, err)
			}
		case err != nil:
			return err
		case resealed:
			done.Resealed++
		default:
			done.Already++
		}
		return nil
	})
	return done, errors.Join(append(failures, err)...)
}

// reseal reports whether it sealed the row anew.
func (v *Vault) reseal(ctx context.Context, row StoredKey, by By) (bool, error) {
	for n := 1; ; n++ {
		if row.Sealed.RingKey() == v.ring.Sealing() {
			return false, nil
		}
		text, err := v.ring.Open(row.Sealed, row.Place)
		if err != nil {
			return false, err
		}
		sealed, err := v.ring.Seal(text, row.Place)
		if err != nil {
			return false, err
		}
		_, err = v.put(ctx, KeyPut{Place: row.Place, Base: row.Version, Active: row.Active, Sealed: sealed, Who: by.Who, Why: by.Why})
		if !errors.Is(err, ErrConflict) || n == reseals {
			return err == nil, err
		}
		switch row, err = v.store.Get(ctx, row.Place); {
		case errors.Is(err, ErrNoKey):
			return false, nil
		case err != nil:
			return false, err
		}
	}
}

// RingKeys returns how many keys of the store, active or not, each ring key seals. One that is not in it and that no
// process seals with any more can be dropped from the ring.
func (v *Vault) RingKeys(ctx context.Context) (map[string]int, error) {
	sealed := map[string]int{}
	err := v.each(ctx, KeyQuery{All: true}, func(row StoredKey) error {
		sealed[row.Sealed.RingKey()]++
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sealed, nil
}
