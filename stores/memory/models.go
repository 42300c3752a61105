package memory

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
)

var _ registry.ModelStore = (*Models)(nil)

// Models is the [registry.ModelStore] of a [DB].
type Models struct {
	now func() time.Time

	mu sync.Mutex
	// versions[i] is version i+1, guarded by mu. A configuration is kept encoded: it has maps and pointers all through,
	// and decoding is the copy that a caller may write to.
	versions []encodedVersion
	accounts []encodedAccount // accounts[i] has number i+1, guarded by mu
}

type encodedAccount struct {
	settings registry.AccountSettings // without the settings
	document []byte
}

type encodedVersion struct {
	version       registry.Version // without the configuration
	configuration []byte
}

// Latest implements [registry.ModelStore].
func (m *Models) Latest(ctx context.Context) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.versions)), nil
}

// InForce implements [registry.ModelStore].
func (m *Models) InForce(ctx context.Context) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.inForce(), nil
}

// inForce is the number of the version in force, 0 if there is none. The lock is held.
func (m *Models) inForce() int64 {
	now := m.now()
	for i, v := range slices.Backward(m.versions) {
		if !v.version.EffectiveAt.After(now) {
			return int64(i) + 1
		}
	}
	return 0
}

// Load implements [registry.ModelStore].
func (m *Models) Load(ctx context.Context, number int64) (registry.Version, error) {
	if err := ctx.Err(); err != nil {
		return registry.Version{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if number == 0 {
		if number = m.inForce(); number == 0 {
			return registry.Version{}, fmt.Errorf("memory: load the version in force: %w: none is", registry.ErrNotFound)
		}
	}
	if latest := int64(len(m.versions)); number < 1 || number > latest {
		return registry.Version{}, fmt.Errorf("memory: load version %d: %w: the latest is %d", number, registry.ErrNotFound, latest)
	}
	return m.versions[number-1].decode()
}

// History implements [registry.ModelStore].
func (m *Models) History(ctx context.Context, before int64) iter.Seq2[registry.Version, error] {
	return func(yield func(registry.Version, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(registry.Version{}, err)
			return
		}
		m.mu.Lock()
		versions := m.versions // appended to and never written to
		m.mu.Unlock()
		if before != 0 {
			versions = versions[:min(max(before-1, 0), int64(len(versions)))]
		}
		for v, err := range backwards(versions) {
			if err == nil {
				err = ctx.Err()
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// Save implements [registry.ModelStore].
func (m *Models) Save(ctx context.Context, c registry.Change) (registry.Version, error) {
	if err := ctx.Err(); err != nil {
		return registry.Version{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if err := c.Validate(now, m.newest()); err != nil {
		return registry.Version{}, err
	}
	latest := int64(len(m.versions))
	if c.Base != latest {
		return registry.Version{}, fmt.Errorf("memory: save a change of version %d: %w: the latest is %d", c.Base, registry.ErrConflict, latest)
	}
	configuration, err := json.Marshal(c.Next)
	if err != nil { // something that Validate does not know to be unwritable
		return registry.Version{}, fmt.Errorf("memory: save a change of version %d: %w: %w", c.Base, registry.ErrInvalid, err)
	}
	v := encodedVersion{registry.Version{Number: latest + 1, At: now, EffectiveAt: c.EffectiveFrom(now), Who: c.Who, Why: c.Why}, configuration}
	out, err := v.decode()
	if err != nil {
		return registry.Version{}, err
	}
	m.versions = append(m.versions, v)
	return out, nil
}

func (e encodedVersion) decode() (registry.Version, error) {
	v := e.version
	if err := json.Unmarshal(e.configuration, &v.Configuration); err != nil {
		return registry.Version{}, fmt.Errorf("memory: version %d: %w", v.Number, err)
	}
	return v, nil
}

// backwards yields versions, newest first.
func backwards(versions []encodedVersion) iter.Seq2[registry.Version, error] {
	return func(yield func(registry.Version, error) bool) {
		for _, e := range slices.Backward(versions) {
			if v, err := e.decode(); !yield(v, err) {
				return
			}
		}
	}
}

// LatestAccount implements [registry.ModelStore].
func (m *Models) LatestAccount(ctx context.Context) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.accounts)), nil
}

// Account implements [registry.ModelStore].
func (m *Models) Account(ctx context.Context, account credits.Account) (registry.AccountSettings, error) {
	for s, err := range m.AccountHistory(ctx, account, 0) {
		return s, err
	}
	return registry.AccountSettings{Account: account}, nil
}

// SaveAccount implements [registry.ModelStore].
func (m *Models) SaveAccount(ctx context.Context, c registry.AccountChange) (registry.AccountSettings, error) {
	if err := ctx.Err(); err != nil {
		return registry.AccountSettings{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if err := c.Validate(now, backwards(m.versions)); err != nil {
		return registry.AccountSettings{}, err
	}
	newest := int64(0)
	for _, e := range slices.Backward(m.accounts) {
		if e.settings.Account == c.Account {
			newest = e.settings.Number
			break
		}
	}
	if c.Base != newest {
		return registry.AccountSettings{}, fmt.Errorf("memory: save a change of settings %d of account %q: %w: the newest are %d", c.Base, c.Account, registry.ErrConflict, newest)
	}
	document, err := json.Marshal(c.Next)
	if err != nil { // something that Validate does not know to be unwritable
		return registry.AccountSettings{}, fmt.Errorf("memory: save settings of account %q: %w: %w", c.Account, registry.ErrInvalid, err)
	}
	e := encodedAccount{registry.AccountSettings{Number: int64(len(m.accounts)) + 1, Account: c.Account, At: now, Who: c.Who, Why: c.Why}, document}
	out, err := e.decode()
	if err != nil {
		return registry.AccountSettings{}, err
	}
	m.accounts = append(m.accounts, e)
	return out, nil
}

// AccountHistory implements [registry.ModelStore].
func (m *Models) AccountHistory(ctx context.Context, account credits.Account, before int64) iter.Seq2[registry.AccountSettings, error] {
	return func(yield func(registry.AccountSettings, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(registry.AccountSettings{}, err)
			return
		}
		m.mu.Lock()
		all := m.accounts // appended to and never written to
		m.mu.Unlock()
		for _, e := range slices.Backward(all) {
			if e.settings.Account != account || before != 0 && e.settings.Number >= before {
				continue
			}
			s, err := e.decode()
			if err == nil {
				err = ctx.Err()
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// newest yields the newest settings of each account. The lock is held.
func (m *Models) newest() iter.Seq2[registry.AccountSettings, error] {
	return func(yield func(registry.AccountSettings, error) bool) {
		seen := map[credits.Account]bool{}
		for _, e := range slices.Backward(m.accounts) {
			if seen[e.settings.Account] {
				continue
			}
			seen[e.settings.Account] = true
			if s, err := e.decode(); !yield(s, err) {
				return
			}
		}
	}
}

func (e encodedAccount) decode() (registry.AccountSettings, error) {
	s := e.settings
	if err := json.Unmarshal(e.document, &s.Settings); err != nil {
		return registry.AccountSettings{}, fmt.Errorf("memory: settings %d: %w", s.Number, err)
	}
	return s, nil
}
