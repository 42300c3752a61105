package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/scrip-go/scrip/credits"
)

// maxAccounts is how many accounts' settings are remembered: some hundred bytes each, as most have few.
const maxAccounts = 10_000

// accounts remembers settings that were asked for, until somebody changes any.
type accounts struct {
	mu     sync.Mutex
	latest int64 // the number of the newest settings that are known of, guarded by mu
	known  map[credits.Account]AccountSettings
}

// seen notes the number of the newest settings of any account. What was remembered may be older, if it is a new one.
func (a *accounts) seen(latest int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if latest > a.latest {
		a.latest, a.known = latest, nil
	}
}

// get returns the settings of an account and whether they are known, and what to keep others by.
func (a *accounts) get(account credits.Account) (s AccountSettings, known bool, latest int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, known = a.known[account]
	return s, known, a.latest
}

// keep remembers settings that were loaded since latest was the newest number: if it is not any more, they may have been
// loaded before the change that is known of now.
func (a *accounts) keep(s AccountSettings, latest int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if latest != a.latest {
		return
	}
	if a.known == nil || len(a.known) >= maxAccounts {
		a.known = map[credits.Account]AccountSettings{}
	}
	a.known[s.Account] = s
}

// Account returns an account's own settings, from memory if they were asked for before; a change of another process is
// seen as soon as the store is asked for changes. Do not write to them. The empty account has none. Errors: those of the
// store.
func (r *Registry) Account(ctx context.Context, account credits.Account) (AccountSettings, error) {
	if account == "" { // nobody's: the system's settings alone
		return AccountSettings{}, nil
	}
	s, known, latest := r.accounts.get(account)
	if known {
		return s, nil
	}
	s, err := r.store.Account(ctx, account)
	if err != nil {
		return AccountSettings{}, fmt.Errorf("registry: settings of account %q: %w", account, err)
	}
	s.Account = account
	r.accounts.keep(s, latest)
	return s, nil
}

// SaveAccount writes a change of an account's own settings and answers by it at once. Errors: those of
// [ModelStore.SaveAccount].
func (r *Registry) SaveAccount(ctx context.Context, c AccountChange) (AccountSettings, error) {
	s, err := r.store.SaveAccount(ctx, c)
	if err != nil {
		return AccountSettings{}, err
	}
	r.accounts.seen(s.Number)
	return s, nil
}

// Effective resolves the settings of a call with the version in force and the account's own settings; see
// [Snapshot.Effective]. Errors: those, and the store's.
func (r *Registry) Effective(ctx context.Context, a Ask) (*Effective, error) {
	e, err := r.effective(ctx, a)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrInactive) {
		// What is written fits together, and of what other processes wrote a moment ago one part may be seen and the other not
		// yet: the settings and not the version with their model, or the version without it and not the settings. If the store
		// cannot be asked, the error stays what it is.
		_ = r.look(ctx)
		e, err = r.effective(ctx, a)
	}
	return e, err
}

func (r *Registry) effective(ctx context.Context, a Ask) (*Effective, error) {
	own, err := r.Account(ctx, a.Account)
	if err != nil {
		return nil, err
	}
	return r.Snapshot().Effective(own, a)
}

// Images returns the settings of pictures of an account; see [Snapshot.Images]. Do not write to them. Errors: those of the store.
func (r *Registry) Images(ctx context.Context, account credits.Account) (ImageSettings, error) {
	own, err := r.Account(ctx, account)
	if err != nil {
		return ImageSettings{}, err
	}
	return r.Snapshot().Images(own), nil
}
