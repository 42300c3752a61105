package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

// brokenKeyStore is a mistake that a store could make, with the case that has to catch it.
type brokenKeyStore struct {
	name string
	by   string
	open func(sound secret.KeyStore) secret.KeyStore
}

var brokenKeyStores = append(brokenKeyChanges, []brokenKeyStore{
	{"PutsWhateverTheVersion", "RefusesAChangeOfAnotherVersion", func(s secret.KeyStore) secret.KeyStore { return &lastWins{KeyStore: s} }},
	{"AddsOverWhatIsThere", "RefusesToAddWhatIsThere", func(s secret.KeyStore) secret.KeyStore { return &overwriting{KeyStore: s} }},
	{"DeletesWhateverTheVersion", "RefusesAChangeOfAnotherVersion", func(s secret.KeyStore) secret.KeyStore { return &hastyDelete{KeyStore: s} }},
	{"LooksAtTheVersionAndThenActs", "ReplacesOneOfManyAtOnce", func(s secret.KeyStore) secret.KeyStore { return &unguarded{KeyStore: s} }},
	{"DeletesByPuttingInactive", "DeletesAKey", func(s secret.KeyStore) secret.KeyStore { return &hiding{KeyStore: s} }},
	{"ForgetsWhenAKeyWasAdded", "ReplacesAKey", func(s secret.KeyStore) secret.KeyStore { return &ageless{KeyStore: s} }},
	{"FoldsTheCaseOfIDs", "KeepsPlacesApart", func(s secret.KeyStore) secret.KeyStore { return &folding{KeyStore: s} }},
	{"ListsTheSystemsKeysToAccounts", "ListsAnOwnersKeys", func(s secret.KeyStore) secret.KeyStore { return &generousList{KeyStore: s} }},
	{"ListsActiveKeysOnly", "ListsInactiveKeys", func(s secret.KeyStore) secret.KeyStore { return &activeOnly{KeyStore: s} }},
	{"ListsFromTheBeginning", "ListsPageByPage", func(s secret.KeyStore) secret.KeyStore { return &pageless{KeyStore: s} }},
	{"OrdersByTheIDAlone", "ListsEveryKeyInOrder", func(s secret.KeyStore) secret.KeyStore { return &byID{KeyStore: s} }},
	{"SharesWhatIsSealed", "KeepsBytesApart", func(s secret.KeyStore) secret.KeyStore {
		return &sharingKeys{KeyStore: s, given: map[secret.Place]secret.Sealed{}}
	}},
	{"TellsTheHistoryFromTheBeginning", "KeepsTheHistory", func(s secret.KeyStore) secret.KeyStore { return &oldestFirst{KeyStore: s} }},
	{"KeepsNoDeletions", "AddsADeletedKeyAnew", func(s secret.KeyStore) secret.KeyStore { return &whitewashing{KeyStore: s} }},
	{"ChecksNoRule", "RefusesWhatBreaksARule", func(s secret.KeyStore) secret.KeyStore { return &permissive{KeyStore: s} }},
	{"IgnoresTheContextOfKeys", "DoesNothingWithACancelledContext", func(s secret.KeyStore) secret.KeyStore { return &deafKeys{KeyStore: s} }},
	{"PutsWhatIsSealedIntoErrors", "TellsNothingThatIsSealed", func(s secret.KeyStore) secret.KeyStore { return &talkative{KeyStore: s} }},
	{"ShowsAChangeBeforeItsKey", "ShowsChangesInOrder", func(s secret.KeyStore) secret.KeyStore {
		return &lagging{KeyStore: s, old: map[secret.Place]secret.StoredKey{}}
	}},
}...)

func TestCatchesBrokenKeyStores(t *testing.T) {
	for _, broken := range brokenKeyStores {
		t.Run(broken.name, func(t *testing.T) {
			caught := map[string][]string{}
			for _, c := range keyCases() {
				got := keyFailures(t.Context(), c, func(now func() time.Time) secret.KeyStore { return broken.open(soundKeys(now)) })
				if len(got) > 0 {
					caught[c.name] = got
				}
			}
			if len(caught[broken.by]) == 0 {
				t.Errorf("case %s does not catch it; %d others do: %q", broken.by, len(caught), caught)
			}
			t.Logf("%d cases catch it; %s: %q", len(caught), broken.by, caught[broken.by])
		})
	}
}

func TestPassesASoundKeyStore(t *testing.T) {
	for _, c := range keyCases() {
		if got := keyFailures(t.Context(), c, soundKeys); len(got) > 0 {
			t.Errorf("case %s fails with the memory store: %q", c.name, got)
		}
	}
}

func soundKeys(now func() time.Time) secret.KeyStore {
	return memory.New(&memory.Options{Now: now}).Keys()
}

// keyFailures runs a case against a store and returns what it complains of.
func keyFailures(ctx context.Context, c testCase[*keyTest], open func(now func() time.Time) secret.KeyStore) []string {
	clk := newClock()
	return complaints(ctx, func(r *recorder) { c.do(&keyTest{tb: r, KeyStore: open(clk.now), clock: clk}, (*keyTest).history) })
}

// lastWins takes every put for one of the present version.
type lastWins struct{ secret.KeyStore }

func (s *lastWins) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	if row, err := s.Get(ctx, p.Place); err == nil {
		p.Base = row.Version
	}
	return s.KeyStore.Put(ctx, p)
}

// overwriting takes an addition for a replacement.
type overwriting struct{ secret.KeyStore }

func (s *overwriting) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	if row, err := s.Get(ctx, p.Place); err == nil && p.Base == 0 {
		p.Base = row.Version
	}
	return s.KeyStore.Put(ctx, p)
}

// hastyDelete deletes whatever there is.
type hastyDelete struct{ secret.KeyStore }

func (s *hastyDelete) Delete(ctx context.Context, d secret.KeyDelete) error {
	if row, err := s.Get(ctx, d.Place); err == nil {
		d.Base = row.Version
	}
	return s.KeyStore.Delete(ctx, d)
}

// unguarded compares the version in one step and puts in another.
type unguarded struct{ secret.KeyStore }

func (s *unguarded) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	row, err := s.Get(ctx, p.Place)
	if err != nil && !errors.Is(err, secret.ErrNoKey) || row.Version != p.Base {
		return s.KeyStore.Put(ctx, p)
	}
	time.Sleep(time.Millisecond)
	for {
		stored, err := s.KeyStore.Put(ctx, p)
		if !errors.Is(err, secret.ErrConflict) {
			return stored, err
		}
		row, _ := s.Get(ctx, p.Place)
		p.Base = row.Version
	}
}

// hiding leaves a deleted key where it was.
type hiding struct{ secret.KeyStore }

func (s *hiding) Delete(ctx context.Context, d secret.KeyDelete) error {
	row, err := s.Get(ctx, d.Place)
	if err != nil || row.Version != d.Base {
		return s.KeyStore.Delete(ctx, d)
	}
	_, err = s.Put(ctx, secret.KeyPut{Place: d.Place, Base: d.Base, Sealed: row.Sealed, Who: d.Who, Why: d.Why})
	return err
}

// ageless says that a key was added by its last change.
type ageless struct{ secret.KeyStore }

func (s *ageless) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	row, err := s.KeyStore.Put(ctx, p)
	row.Added = row.Version
	return row, err
}

// folding compares ids as some databases do.
type folding struct{ secret.KeyStore }

func (s *folding) Get(ctx context.Context, at secret.Place) (secret.StoredKey, error) {
	at.ID = strings.ToLower(at.ID)
	return s.KeyStore.Get(ctx, at)
}

func (s *folding) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	p.ID = strings.ToLower(p.ID)
	return s.KeyStore.Put(ctx, p)
}

// generousList gives an account the system's keys too.
type generousList struct{ secret.KeyStore }

func (s *generousList) List(ctx context.Context, q secret.KeyQuery) ([]secret.StoredKey, error) {
	own, err := s.KeyStore.List(ctx, q)
	if q.All || q.Account == "" || err != nil {
		return own, err
	}
	q.Account = ""
	shared, err := s.KeyStore.List(ctx, q)
	return append(own, shared...), err
}

// activeOnly lists what is in use.
type activeOnly struct{ secret.KeyStore }

func (s *activeOnly) List(ctx context.Context, q secret.KeyQuery) ([]secret.StoredKey, error) {
	found, err := s.KeyStore.List(ctx, q)
	return slices.DeleteFunc(found, func(row secret.StoredKey) bool { return !row.Active }), err
}

// pageless gives the first page again and again.
type pageless struct{ secret.KeyStore }

func (s *pageless) List(ctx context.Context, q secret.KeyQuery) ([]secret.StoredKey, error) {
	q.After = secret.Place{}
	return s.KeyStore.List(ctx, q)
}

// byID orders a page by the id.
type byID struct{ secret.KeyStore }

func (s *byID) List(ctx context.Context, q secret.KeyQuery) ([]secret.StoredKey, error) {
	found, err := s.KeyStore.List(ctx, q)
	slices.SortStableFunc(found, func(a, b secret.StoredKey) int { return strings.Compare(a.ID, b.ID) })
	return found, err
}

// sharingKeys keeps the caller's bytes and not a copy of them.
type sharingKeys struct {
	secret.KeyStore
	mu    sync.Mutex
	given map[secret.Place]secret.Sealed // guarded by mu
}

func (s *sharingKeys) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	row, err := s.KeyStore.Put(ctx, p)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.given[p.Place] = p.Sealed
	}
	return row, err
}

func (s *sharingKeys) Get(ctx context.Context, at secret.Place) (secret.StoredKey, error) {
	row, err := s.KeyStore.Get(ctx, at)
	s.mu.Lock()
	defer s.mu.Unlock()
	if given := s.given[at]; err == nil && given != nil {
		row.Sealed = given
	}
	return row, err
}

// oldestFirst tells the history in the order in which it happened.
type oldestFirst struct{ secret.KeyStore }

func (s *oldestFirst) Changes(ctx context.Context, q secret.ChangeQuery) ([]secret.KeyChange, error) {
	found, err := s.KeyStore.Changes(ctx, q)
	slices.Reverse(found)
	return found, err
}

// whitewashing leaves deletions out of the history.
type whitewashing struct{ secret.KeyStore }

func (s *whitewashing) Changes(ctx context.Context, q secret.ChangeQuery) ([]secret.KeyChange, error) {
	found, err := s.KeyStore.Changes(ctx, q)
	return slices.DeleteFunc(found, func(c secret.KeyChange) bool { return c.Action == secret.KeyDeleted }), err
}

// permissive says for the caller what the caller did not.
type permissive struct{ secret.KeyStore }

func (s *permissive) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	if strings.TrimSpace(p.Who) == "" {
		p.Who = "somebody"
	}
	return s.KeyStore.Put(ctx, p)
}

// deafKeys does what it is asked to when nobody waits for it any more.
type deafKeys struct{ secret.KeyStore }

func (s *deafKeys) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	return s.KeyStore.Put(context.WithoutCancel(ctx), p)
}

// talkative says which row it could not write, as drivers do.
type talkative struct{ secret.KeyStore }

type rowError struct {
	error
	row string
}

func (e *rowError) Error() string { return e.error.Error() + ": " + e.row }
func (e *rowError) Unwrap() error { return e.error }

func (s *talkative) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	row, err := s.KeyStore.Put(ctx, p)
	if err != nil {
		err = &rowError{err, string(p.Sealed)}
	}
	return row, err
}

// lagging reads keys from a copy that comes later than the history.
type lagging struct {
	secret.KeyStore
	mu  sync.Mutex
	old map[secret.Place]secret.StoredKey // guarded by mu: what the copy has
}

func (s *lagging) Get(ctx context.Context, at secret.Place) (secret.StoredKey, error) {
	row, err := s.KeyStore.Get(ctx, at)
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.old[at]
	if err == nil {
		s.old[at] = row
	}
	if ok && err == nil {
		return old, nil
	}
	return row, err
}
