package secret

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// VaultOptions are the options of [StoreKeys]; nil means all defaults.
type VaultOptions struct {
	// MaxAge is how old what the vault knows of the store may be when it returns a key; 500 ms if zero, at most 1 s.
	MaxAge time.Duration
	// Entries is how many answers are kept, for pairs of account and provider; 10,000 if zero.
	Entries int
	// Now is the clock of MaxAge; time.Now if nil. The store has its own for what it writes.
	Now func() time.Time
}

// Vault is a [KeyStore] with the ring that seals its keys: a [KeySource] for the engine, and what an operator does with
// keys. It is safe for concurrent use and has no goroutine.
type Vault struct {
	store   KeyStore
	ring    *Ring
	maxAge  time.Duration
	entries int
	now     func() time.Time

	turn chan struct{} // held by the one who asks the store for changes

	mu         sync.Mutex
	generation int64           // guarded by mu, as all below: how often what was known was forgotten
	newest     int64           // the number of the newest change that was seen
	asked      time.Time       // when the store was last asked for it; zero if it never answered
	known      map[slot]answer // as of generation
}

type slot struct{ account, provider string }

// answer is a key, or the error that there is none.
type answer struct {
	key Key
	err error
}

// StoreKeys returns a KeySource over the keys of a store.
//
// An account's own active key wins over the system's. Of several active ones of the same account and provider, that
// wins which was added last, so a new key takes over when it is added, and the one before it when that is made inactive.
// The [Key.ID] is the id of a system's key and "ACCOUNT/ID" of an account's own, so that a limit or a breaker of one
// customer's key is nobody else's.
//
// Answers are kept in memory, and the store is asked for its newest change when that was last done MaxAge ago. So a key
// that was made inactive, replaced or deleted, by whatever process, is not returned by a call of Key that begins a second
// later, and by this vault not by one that begins after its own change. If the store cannot be asked, Key returns
// the store's error rather than what may have been revoked.
//
// Errors: [ErrInvalid] if the store or the ring is missing.
func StoreKeys(store KeyStore, ring *Ring, o *VaultOptions) (*Vault, error) {
	if store == nil || ring == nil {
		return nil, fmt.Errorf("secret: vault: %w: store and ring must be set", ErrInvalid)
	}
	v := &Vault{store: store, ring: ring, maxAge: 500 * time.Millisecond, entries: 10_000, now: time.Now,
		turn: make(chan struct{}, 1), known: map[slot]answer{}}
	if o != nil {
		if o.MaxAge > 0 {
			v.maxAge = min(o.MaxAge, time.Second)
		}
		if o.Entries > 0 {
			v.entries = o.Entries
		}
		if o.Now != nil {
			v.now = o.Now
		}
	}
	return v, nil
}

var _ KeySource = (*Vault)(nil)

// Key implements [KeySource]. Errors: ErrNoKey if there is no active key; *[NoRingKeyError] and [ErrSealed] if the one there is
// does not open; the store's own.
func (v *Vault) Key(ctx context.Context, account, provider string) (Key, error) {
	if err := v.refresh(ctx); err != nil {
		return Key{}, fmt.Errorf("secret: provider %q: %w", provider, err)
	}
	at := slot{account, provider}
	v.mu.Lock()
	a, known := v.known[at]
	generation := v.generation
	v.mu.Unlock()
	if !known {
		a.key, a.err = v.find(ctx, account, provider)
		if a.err == nil || errors.Is(a.err, ErrNoKey) {
			v.remember(generation, at, a)
		}
	}
	return a.key, a.err
}

// refresh asks the store for its newest change if that was last done too long ago.
func (v *Vault) refresh(ctx context.Context) error {
	if v.isFresh() {
		return ctx.Err()
	}
	select {
	case v.turn <- struct{}{}:
		defer func() { <-v.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if v.isFresh() { // who had the turn before has asked
		return nil
	}
	asked := v.now() // and not when the answer came: it is as old as the question
	changes, err := v.store.Changes(ctx, ChangeQuery{Limit: 1})
	if err != nil {
		return err
	}
	var newest int64
	if len(changes) > 0 {
		newest = changes[0].Number
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if newest != v.newest { // a lower one is a store that was restored
		v.forget()
	}
	v.newest, v.asked = newest, asked
	return nil
}

func (v *Vault) isFresh() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return !v.asked.IsZero() && v.now().Sub(v.asked) < v.maxAge
}

// forget is called with mu.
func (v *Vault) forget() {
	v.generation++
	clear(v.known)
}

// remember keeps an answer that was read from the store, unless what was known when it was asked for was forgotten since.
func (v *Vault) remember(generation int64, at slot, a answer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if generation != v.generation {
		return
	}
	if len(v.known) >= v.entries {
		for other := range v.known { // any one: what is in use is soon back
			delete(v.known, other)
			break
		}
	}
	v.known[at] = a
}

// find reads the key of an account from the store, its own or else the system's.
func (v *Vault) find(ctx context.Context, account, provider string) (Key, error) {
	owners := []string{account, ""}
	if account == "" {
		owners = owners[:1]
	}
	for _, owner := range owners {
		row, ok, err := v.active(ctx, owner, provider)
		if err != nil {
			return Key{}, fmt.Errorf("secret: provider %q: %w", provider, err)
		}
		if !ok {
			continue
		}
		text, err := v.ring.Open(row.Sealed, row.Place)
		if err != nil {
			return Key{}, err
		}
		id := row.ID
		if owner != "" {
			id = owner + "/" + id
		}
		return Key{ID: id, Secret: text}, nil
	}
	return Key{}, fmt.Errorf("secret: provider %q: %w: put an active one into the store, for account %q or for all", provider, ErrNoKey, account)
}

// active returns the active key of an owner that was added last.
func (v *Vault) active(ctx context.Context, owner, provider string) (found StoredKey, ok bool, err error) {
	err = v.each(ctx, KeyQuery{Provider: provider, Account: owner}, func(row StoredKey) error {
		if row.Active && (!ok || row.Added > found.Added) {
			found, ok = row, true
		}
		return nil
	})
	return found, ok, err
}

// each calls fn with every key that a query names, page by page. A key that is added meanwhile may be left out.
func (v *Vault) each(ctx context.Context, q KeyQuery, fn func(StoredKey) error) error {
	for {
		page, err := v.store.List(ctx, q)
		if err != nil {
			return err
		}
		for _, row := range page {
			if err := fn(row); err != nil {
				return err
			}
		}
		if len(page) < q.Rows() {
			return nil
		}
		q.After = page[len(page)-1].Place
	}
}
