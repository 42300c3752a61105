package secret_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

// clock is a time that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time // guarded by mu
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// watched is a store that counts what it is asked, and fails when it is told to.
type watched struct {
	secret.KeyStore
	lists, polls atomic.Int64
	fail         atomic.Pointer[error]
	beforePut    func() // nil for nothing
	afterList    func()
}

func (s *watched) failure() error {
	if err := s.fail.Load(); err != nil {
		return *err
	}
	return nil
}

func (s *watched) List(ctx context.Context, q secret.KeyQuery) ([]secret.StoredKey, error) {
	s.lists.Add(1)
	if err := s.failure(); err != nil {
		return nil, err
	}
	found, err := s.KeyStore.List(ctx, q)
	if s.afterList != nil {
		s.afterList()
	}
	return found, err
}

func (s *watched) Changes(ctx context.Context, q secret.ChangeQuery) ([]secret.KeyChange, error) {
	s.polls.Add(1)
	if err := s.failure(); err != nil {
		return nil, err
	}
	return s.KeyStore.Changes(ctx, q)
}

func (s *watched) Put(ctx context.Context, p secret.KeyPut) (secret.StoredKey, error) {
	if s.beforePut != nil {
		s.beforePut()
	}
	return s.KeyStore.Put(ctx, p)
}

var ada = secret.By{Who: "ada", Why: "because"}

func vault(t testing.TB, store secret.KeyStore, r *secret.Ring, o *secret.VaultOptions) *secret.Vault {
	t.Helper()
	v, err := secret.StoreKeys(store, r, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func set(t testing.TB, v *secret.Vault, at secret.Place, plain string) secret.StoredKey {
	t.Helper()
	row, err := v.Set(t.Context(), at, secret.New(plain), ada)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func setActive(t testing.TB, v *secret.Vault, at secret.Place, active bool) {
	t.Helper()
	if row, err := v.SetActive(t.Context(), at, active, ada); err != nil || row.Active != active {
		t.Fatalf("SetActive(%s, %t) = %+v, %v", at.Name(), active, row, err)
	}
}

// wantKey looks for a key by its id and its text; no text wants ErrNoKey.
func wantKey(t testing.TB, keys secret.KeySource, account, provider, id, plain string) {
	t.Helper()
	k, err := keys.Key(t.Context(), account, provider)
	if plain == "" {
		if !errors.Is(err, secret.ErrNoKey) || !k.Secret.IsZero() || !strings.Contains(err.Error(), fmt.Sprintf("provider %q", provider)) {
			t.Errorf("Key(%q, %q) = %+v, %v, want ErrNoKey that names the provider", account, provider, k, err)
		}
		return
	}
	if err != nil || k.ID != id || k.Secret.Reveal() != plain {
		t.Errorf("Key(%q, %q) = %q with the text %q, %v, want %q with %q", account, provider, k.ID, k.Secret.Reveal(), err, id, plain)
	}
}

func TestAnAccountsOwnKeyWins(t *testing.T) {
	v := vault(t, memory.New(nil).Keys(), ring(t, 1), nil)
	system := secret.Place{Provider: "openai", ID: "main"}
	wantKey(t, v, "acme", "openai", "", "")
	set(t, v, system, "sk-of-the-system")
	wantKey(t, v, "acme", "openai", "main", "sk-of-the-system")
	wantKey(t, v, "", "openai", "main", "sk-of-the-system")
	wantKey(t, v, "acme", "runware", "", "")
	set(t, v, home, "sk-of-acme")
	wantKey(t, v, "acme", "openai", "acme/main", "sk-of-acme")
	wantKey(t, v, "globex", "openai", "main", "sk-of-the-system")
	wantKey(t, v, "", "openai", "main", "sk-of-the-system")
	setActive(t, v, home, false)
	wantKey(t, v, "acme", "openai", "main", "sk-of-the-system")
	setActive(t, v, home, true)
	wantKey(t, v, "acme", "openai", "acme/main", "sk-of-acme")
	if err := v.Delete(t.Context(), home, ada); err != nil {
		t.Fatal(err)
	}
	wantKey(t, v, "acme", "openai", "main", "sk-of-the-system")
	setActive(t, v, system, false)
	wantKey(t, v, "acme", "openai", "", "")
}

func TestTheKeyThatWasAddedLastWins(t *testing.T) {
	v := vault(t, memory.New(nil).Keys(), ring(t, 1), nil)
	old, fresh := secret.Place{Provider: "openai", ID: "z"}, secret.Place{Provider: "openai", ID: "a"}
	set(t, v, old, "sk-of-z-version-1")
	set(t, v, fresh, "sk-of-a")
	wantKey(t, v, "acme", "openai", "a", "sk-of-a")
	set(t, v, old, "sk-of-z-version-2") // replaced, not added
	wantKey(t, v, "acme", "openai", "a", "sk-of-a")
	setActive(t, v, fresh, false)
	wantKey(t, v, "acme", "openai", "z", "sk-of-z-version-2")
	setActive(t, v, fresh, true)
	wantKey(t, v, "acme", "openai", "a", "sk-of-a")
}

func TestFindsAKeyBehindPagesOfInactiveOnes(t *testing.T) {
	store := memory.New(nil).Keys()
	v := vault(t, store, ring(t, 1), nil)
	for i := range 120 {
		at := secret.Place{Provider: "openai", ID: fmt.Sprintf("k%03d", i)}
		set(t, v, at, "sk-number-"+at.ID)
		setActive(t, v, at, i == 110)
	}
	wantKey(t, v, "acme", "openai", "k110", "sk-number-k110")
}

func TestARevokedKeyStopsBeingUsedWithinASecond(t *testing.T) {
	for name, revoke := range map[string]func(*testing.T, *secret.Vault){
		"Inactive": func(t *testing.T, v *secret.Vault) { setActive(t, v, home, false) },
		"Deleted": func(t *testing.T, v *secret.Vault) {
			if err := v.Delete(t.Context(), home, ada); err != nil {
				t.Fatal(err)
			}
		},
		"Replaced": func(t *testing.T, v *secret.Vault) { set(t, v, home, "sk-another-one") },
	} {
		t.Run(name, func(t *testing.T) {
			for _, o := range []secret.VaultOptions{{}, {MaxAge: time.Hour}} {
				c := newClock()
				o.Now = c.now
				store := memory.New(nil).Keys()
				operator := vault(t, store, ring(t, 1), &o)
				engine := vault(t, store, ring(t, 1), &o) // of another process
				set(t, operator, home, text)
				wantKey(t, engine, "acme", "openai", "acme/main", text)
				wantKey(t, operator, "acme", "openai", "acme/main", text)
				revoke(t, operator)
				if k, _ := operator.Key(t.Context(), "acme", "openai"); k.Secret.Reveal() == text {
					t.Error("the vault that revoked the key returns it")
				}
				c.advance(time.Second)
				if k, _ := engine.Key(t.Context(), "acme", "openai"); k.Secret.Reveal() == text {
					t.Error("another vault returns the key a second later")
				}
			}
		})
	}
}

func TestAKeyThatIsAddedIsSeenWithinASecond(t *testing.T) {
	c := newClock()
	store := memory.New(nil).Keys()
	v := vault(t, store, ring(t, 1), &secret.VaultOptions{Now: c.now})
	wantKey(t, v, "acme", "openai", "", "") // which is kept too
	set(t, vault(t, store, ring(t, 1), nil), home, text)
	c.advance(time.Second)
	wantKey(t, v, "acme", "openai", "acme/main", text)
}

func TestAnswersAreKept(t *testing.T) {
	c := newClock()
	store := &watched{KeyStore: memory.New(nil).Keys()}
	v := vault(t, store, ring(t, 1), &secret.VaultOptions{Now: c.now})
	set(t, v, home, text)
	for range 100 {
		wantKey(t, v, "acme", "openai", "acme/main", text)
		wantKey(t, v, "acme", "runware", "", "")
	}
	if lists, polls := store.lists.Load(), store.polls.Load(); lists != 3 || polls != 1 { // one for the key, two for none
		t.Errorf("200 calls read %d lists and looked %d times for changes, want 3 and 1", lists, polls)
	}
	for range 10 {
		c.advance(500 * time.Millisecond)
		wantKey(t, v, "acme", "openai", "acme/main", text)
	}
	if lists, polls := store.lists.Load(), store.polls.Load(); lists != 3 || polls != 11 {
		t.Errorf("10 further calls, half a second apart, leave it at %d lists and %d looks, want 3 and 11", lists, polls)
	}
}

func TestKeepsABoundedNumberOfAnswers(t *testing.T) {
	c := newClock()
	store := &watched{KeyStore: memory.New(nil).Keys()}
	v := vault(t, store, ring(t, 1), &secret.VaultOptions{Now: c.now, Entries: 4})
	set(t, v, secret.Place{Provider: "openai", ID: "main"}, text)
	ask := func(accounts int) (lists int64) {
		before := store.lists.Load()
		for i := range accounts {
			wantKey(t, v, fmt.Sprint("a", i), "openai", "main", text)
		}
		return store.lists.Load() - before
	}
	ask(4)
	if lists := ask(4); lists != 0 {
		t.Errorf("4 answers that are kept took %d lists", lists)
	}
	ask(100)
	if lists := ask(100); lists < 2*(100-4) {
		t.Errorf("100 answers took %d lists where 4 may be kept, want 192 or more", lists)
	}
}

// TestAnAnswerThatWasOvertakenIsNotKept has a change happen, and be seen, while a key is read that the change replaces.
func TestAnAnswerThatWasOvertakenIsNotKept(t *testing.T) {
	c := newClock()
	inner := memory.New(nil).Keys()
	store := &watched{KeyStore: inner}
	v := vault(t, store, ring(t, 1), &secret.VaultOptions{Now: c.now})
	operator := vault(t, inner, ring(t, 1), nil)
	set(t, operator, home, text)
	first := true
	store.afterList = func() {
		if first { // the list was read: now revoke, and have another caller look for changes
			first = false
			setActive(t, operator, home, false)
			c.advance(time.Second)
			wantKey(t, v, "globex", "openai", "", "")
		}
	}
	_, _ = v.Key(t.Context(), "acme", "openai") // may return either: it began before
	if k, err := v.Key(t.Context(), "acme", "openai"); !errors.Is(err, secret.ErrNoKey) {
		t.Errorf("a call afterwards = %q, %v, want ErrNoKey", k.ID, err)
	}
}

func TestAStoreThatCannotBeAskedIsAnError(t *testing.T) {
	c := newClock()
	store := &watched{KeyStore: memory.New(nil).Keys()}
	v := vault(t, store, ring(t, 1), &secret.VaultOptions{Now: c.now})
	set(t, v, home, text)
	wantKey(t, v, "acme", "openai", "acme/main", text)
	down := errors.New("the store is down")
	store.fail.Store(&down)
	wantKey(t, v, "acme", "openai", "acme/main", text) // for as long as it is fresh
	if _, err := v.Key(t.Context(), "globex", "openai"); !errors.Is(err, down) || errors.Is(err, secret.ErrNoKey) {
		t.Errorf("Key that must be read = %v, want the store's error", err)
	}
	c.advance(time.Second)
	if k, err := v.Key(t.Context(), "acme", "openai"); !errors.Is(err, down) || errors.Is(err, secret.ErrNoKey) || !k.Secret.IsZero() {
		t.Errorf("Key that may have been revoked = %+v, %v, want the store's error", k, err)
	}
	store.fail.Store(nil)
	wantKey(t, v, "acme", "openai", "acme/main", text)
	wantKey(t, v, "globex", "openai", "", "")
}

func TestAKeyThatDoesNotOpenIsNotAMissingKey(t *testing.T) {
	store := memory.New(nil).Keys()
	old := vault(t, store, ring(t, 1), nil)
	set(t, old, home, text)
	set(t, old, secret.Place{Provider: "openai", ID: "main"}, "sk-of-the-system")

	_, err := vault(t, store, ring(t, 2), nil).Key(t.Context(), "acme", "openai")
	var missing *secret.NoRingKeyError
	if !errors.As(err, &missing) || missing.ID != "k1" || errors.Is(err, secret.ErrNoKey) {
		t.Errorf("Key without its ring key = %v, want a NoRingKeyError that names k1, and not the system's key", err)
	}
	quiet(t, err)

	row, err := store.Get(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	stolen := secret.Place{Provider: "openai", Account: "mallory", ID: "main"} // the row, copied to another account
	if _, err := store.Put(t.Context(), secret.KeyPut{Place: stolen, Active: true, Sealed: row.Sealed, Who: "mallory", Why: "free calls"}); err != nil {
		t.Fatal(err)
	}
	k, err := vault(t, store, ring(t, 1), nil).Key(t.Context(), "mallory", "openai")
	if !errors.Is(err, secret.ErrSealed) || !k.Secret.IsZero() {
		t.Errorf("Key of a row that was copied = %+v, %v, want ErrSealed", k, err)
	}
	quiet(t, err)
}

func TestSetRefuses(t *testing.T) {
	store := memory.New(nil).Keys()
	v := vault(t, store, ring(t, 1), nil)
	for name, c := range map[string]struct {
		at  secret.Place
		key string
		by  secret.By
	}{
		"AnEmptyKey":              {home, "", ada},
		"ABlankKey":               {home, " \n", ada},
		"AKeyWithALineEnd":        {home, text + "\n", ada},
		"AKeyWithALineEndWithin":  {home, "sk-\r\n" + text, ada},
		"AKeyWithASpaceBefore":    {home, " " + text, ada},
		"ALongKey":                {home, text + strings.Repeat("x", 8192), ada},
		"AKeyAsItsID":             {secret.Place{Provider: "openai", ID: text}, text, ada},
		"AKeyAsItsIDAndALineEnd":  {secret.Place{Provider: "openai", ID: text}, text + "\n", ada},
		"AKeyInItsProvider":       {secret.Place{Provider: "openai " + text, ID: "main"}, text, ada},
		"AKeyInItsAccount":        {secret.Place{Provider: "openai", Account: text, ID: "main"}, text, ada},
		"AKeyInTheReason":         {home, text, secret.By{Who: "ada", Why: "the new key is " + text}},
		"AKeyInTheName":           {home, text, secret.By{Who: "ada:" + text, Why: "because"}},
		"AnIDThatCannotBeOne":     {secret.Place{Provider: "openai", ID: "a/b"}, text, ada},
		"NoProvider":              {secret.Place{ID: "main"}, text, ada},
		"Nobody":                  {home, text, secret.By{Why: "because"}},
		"NoReason":                {home, text, secret.By{Who: "ada"}},
		"AnAccountThatIsNotUTF-8": {secret.Place{Provider: "openai", Account: "\xff", ID: "main"}, text, ada},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := v.Set(t.Context(), c.at, secret.New(c.key), c.by)
			if !errors.Is(err, secret.ErrInvalid) {
				t.Errorf("Set = %v, want ErrInvalid", err)
			}
			quiet(t, err)
		})
	}
	if changes, err := store.Changes(t.Context(), secret.ChangeQuery{}); err != nil || len(changes) > 0 {
		t.Errorf("the history has %d changes, %v, want none", len(changes), err)
	}
	for _, err := range []error{
		second(v.SetActive(t.Context(), home, true, ada)), v.Delete(t.Context(), home, ada),
	} {
		if !errors.Is(err, secret.ErrNoKey) {
			t.Errorf("a change of a key that is not there = %v, want ErrNoKey", err)
		}
	}
	for name, make := range map[string]func() (*secret.Vault, error){
		"NoStore": func() (*secret.Vault, error) { return secret.StoreKeys(nil, ring(t, 1), nil) },
		"NoRing":  func() (*secret.Vault, error) { return secret.StoreKeys(store, nil, nil) },
	} {
		if v, err := make(); !errors.Is(err, secret.ErrInvalid) || v != nil {
			t.Errorf("%s: StoreKeys = %v, %v, want ErrInvalid", name, v, err)
		}
	}
}

func TestChangesNothingThatIsSoAlready(t *testing.T) {
	store := memory.New(nil).Keys()
	v := vault(t, store, ring(t, 1), nil)
	if row := set(t, v, home, text); !row.Active || row.Version != 1 {
		t.Errorf("Set = %+v", row)
	}
	setActive(t, v, home, true)
	if changes, err := store.Changes(t.Context(), secret.ChangeQuery{}); err != nil || len(changes) != 1 {
		t.Errorf("the history has %d changes, %v, want 1", len(changes), err)
	}
}

func TestManyCallersBesideChanges(t *testing.T) {
	store := memory.New(nil).Keys()
	v := vault(t, store, ring(t, 1), &secret.VaultOptions{MaxAge: time.Nanosecond})
	operator := vault(t, store, ring(t, 2, 1), nil)
	set(t, v, home, "sk-number-0")
	reader := vault(t, store, ring(t, 1, 2), &secret.VaultOptions{MaxAge: time.Nanosecond})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var latest atomic.Int64 // the number of the key that was set last, for certain
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				least := latest.Load()
				k, err := reader.Key(t.Context(), "acme", "openai")
				var number int64
				if _, scan := fmt.Sscanf(k.Secret.Reveal(), "sk-number-%d", &number); err != nil || scan != nil || number < least {
					t.Errorf("Key = number %d, %v, want %d or later", number, err, least)
					return
				}
			}
		})
	}
	for i := int64(1); i <= 200; i++ {
		set(t, operator, home, fmt.Sprint("sk-number-", i))
		latest.Store(i)
	}
	close(stop)
	wg.Wait()
}

func second[T any](_ T, err error) error { return err }
