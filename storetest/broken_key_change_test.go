package storetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/scrip-go/scrip/secret"
)

// brokenKeyChanges are mistakes with what becomes of a key, and with what is told of it later.
var brokenKeyChanges = []brokenKeyStore{
	{"AddsWhatItShouldReplace", "RefusesToReplaceWhatIsNotThere", func(s secret.KeyStore) secret.KeyStore { return &obligingKeys{s} }},
	{"LooksAtTheVersionAndThenDeletes", "DeletesOrReplacesAtOnce", func(s secret.KeyStore) secret.KeyStore { return &slowDelete{s} }},
	{"DeletesWhatIsNotThere", "DeletesNothingThatIsNotThere", func(s secret.KeyStore) secret.KeyStore { return &polite{s} }},
	{"RemembersTheAgeOfADeletedKey", "AddsADeletedKeyAnew", func(s secret.KeyStore) secret.KeyStore {
		return &remembering{KeyStore: s, added: map[secret.Place]int64{}}
	}},
	{"NumbersWhatItRefuses", "RefusesToReplaceWhatIsNotThere", func(s secret.KeyStore) secret.KeyStore { return &sequence{KeyStore: s} }},
	{"LosesTheTimeOfAChange", "AddsAKey", func(s secret.KeyStore) secret.KeyStore { return &timeless{s} }},
	{"KeepsEveryKeyActive", "KeepsWhetherAKeyIsActive", func(s secret.KeyStore) secret.KeyStore { return &eager{s} }},
	{"TrimsReasons", "KeepsNamesExactly", func(s secret.KeyStore) secret.KeyStore { return &trimming{s} }},
	{"RewritesTheHistory", "KeepsTheHistory", func(s secret.KeyStore) secret.KeyStore { return &joining{s} }},
	{"ReadsTheNewestChangesAlways", "ReadsTheHistoryPageByPage", func(s secret.KeyStore) secret.KeyStore { return &topical{s} }},
	{"ListsAllKeysAtOnce", "ListsAHundredUnlessAsked", func(s secret.KeyStore) secret.KeyStore { return &boundless{s} }},
	{"DeletesUnderACancelledContext", "DoesNothingWithACancelledContext", func(s secret.KeyStore) secret.KeyStore { return &deafDelete{s} }},
}

// obligingKeys adds a key that should be there and is not.
type obligingKeys struct{ secret.KeyStore }

func (s *obligingKeys) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	if _, err := s.Get(ctx, p.Place); errors.Is(err, secret.ErrNoKey) {
		p.Base = 0
	}
	return s.KeyStore.Put(ctx, p)
}

// slowDelete compares the version in one step and deletes in another.
type slowDelete struct{ secret.KeyStore }

func (s *slowDelete) Delete(ctx context.Context, d secret.KeyDelete) error {
	if row, err := s.Get(ctx, d.Place); err == nil && row.Version == d.Base {
		time.Sleep(time.Millisecond)
		if row, err = s.Get(ctx, d.Place); err == nil {
			d.Base = row.Version
		}
	}
	return s.KeyStore.Delete(ctx, d)
}

// polite does not say that there was nothing to delete.
type polite struct{ secret.KeyStore }

func (s *polite) Delete(ctx context.Context, d secret.KeyDelete) error {
	if err := s.KeyStore.Delete(ctx, d); !errors.Is(err, secret.ErrNoKey) {
		return err
	}
	return nil
}

// remembering takes a key for the one that its place had before.
type remembering struct {
	secret.KeyStore
	mu    sync.Mutex
	added map[secret.Place]int64 // guarded by mu
}

func (s *remembering) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	row, err := s.KeyStore.Put(ctx, p)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.added[p.Place] == 0 {
			s.added[p.Place] = row.Added
		}
		row.Added = s.added[p.Place]
	}
	return row, err
}

// sequence numbers changes as a sequence does that a refused transaction has moved on.
type sequence struct {
	secret.KeyStore
	mu      sync.Mutex
	refused int64 // guarded by mu
}

func (s *sequence) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	row, err := s.KeyStore.Put(ctx, p)
	if errors.Is(err, secret.ErrConflict) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.refused++
	}
	return row, err
}

func (s *sequence) Changes(ctx context.Context, q secret.ChangeQuery) ([]secret.KeyChange, error) {
	found, err := s.KeyStore.Changes(ctx, q)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range found {
		found[i].Number += s.refused
	}
	return found, err
}

// timeless does not say when a key was changed.
type timeless struct{ secret.KeyStore }

func (s *timeless) Get(ctx context.Context, at secret.Place) (secret.StoredKey, error) {
	row, err := s.KeyStore.Get(ctx, at)
	row.At = time.Time{}
	return row, err
}

// eager uses every key.
type eager struct{ secret.KeyStore }

func (s *eager) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	p.Active = true
	return s.KeyStore.Put(ctx, p)
}

// trimming keeps one line of why.
type trimming struct{ secret.KeyStore }

func (s *trimming) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	p.Why = strings.Join(strings.Fields(p.Why), " ")
	return s.KeyStore.Put(ctx, p)
}

// joining reads the history with what the keys are now.
type joining struct{ secret.KeyStore }

func (s *joining) Changes(ctx context.Context, q secret.ChangeQuery) ([]secret.KeyChange, error) {
	found, err := s.KeyStore.Changes(ctx, q)
	for i := range found {
		if row, err := s.Get(ctx, found[i].Place); err == nil {
			found[i].RingKey = row.Sealed.RingKey()
		}
	}
	return found, err
}

// topical does not look where a page of the history begins.
type topical struct{ secret.KeyStore }

func (s *topical) Changes(ctx context.Context, q secret.ChangeQuery) ([]secret.KeyChange, error) {
	q.Before = 0
	return s.KeyStore.Changes(ctx, q)
}

// boundless lists all that there is to whoever does not say how much.
type boundless struct{ secret.KeyStore }

func (s *boundless) List(ctx context.Context, q secret.KeyQuery) ([]secret.StoredKey, error) {
	if q.Limit <= 0 {
		q.Limit = 1000
	}
	return s.KeyStore.List(ctx, q)
}

// deafDelete deletes when nobody waits for it any more.
type deafDelete struct{ secret.KeyStore }

func (s *deafDelete) Delete(ctx context.Context, d secret.KeyDelete) error {
	return errors.Join(s.KeyStore.Delete(context.WithoutCancel(ctx), d), ctx.Err())
}
