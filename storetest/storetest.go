package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// tb is what a case needs of a *testing.T. It is an interface so that the suite itself can be tested: its own tests run
// cases against broken stores and look whether they fail.
type tb interface {
	Helper()
	Context() context.Context
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
	Failed() bool
}

var _ tb = (*testing.T)(nil)

// testCase is one behaviour.
type testCase[T tb] struct {
	name string // a sentence
	rule string // what the contract says, in words; printed when the case fails
	run  func(t T)
}

// do runs a case. Check is what must hold after every case.
func (c testCase[T]) do(t T, check func(T)) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("the rule: %s", c.rule)
		}
	}()
	c.run(t)
	if check != nil {
		check(t)
	}
}

// clock is the time of a case. It stands still until the case moves it.
type clock struct {
	mu sync.Mutex
	at time.Time // guarded by mu
}

func newClock() *clock {
	return &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

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

// wantErr fails unless err matches target; a nil target wants no error.
func wantErr(t tb, err, target error, call string) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s = %v, want %v", call, err, target)
	}
}

// must fails the case at once if a step that is only on the way to the point went wrong.
func must(t tb, err error, call string) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s = %v, want no error", call, err)
	}
}

// together runs f n times together and returns the errors, by number.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start // or the first would be done before the last began
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// matching counts the errors that match target; nil counts those that are none.
func matching(errs []error, target error) int {
	n := 0
	for _, err := range errs {
		if errors.Is(err, target) {
			n++
		}
	}
	return n
}

// cancelled returns a context that is over already.
func cancelled(t tb) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
