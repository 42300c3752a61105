package providertest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/scrip-go/scrip/providers"
)

// tb is what a case needs of a *testing.T. It is an interface so that the suite itself can be tested: its own tests run
// cases against broken adapters and look whether they fail.
type tb interface {
	Helper()
	Context() context.Context
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
	Failed() bool
}

// suiteCase is one behaviour.
type suiteCase struct {
	name  string // a sentence
	rule  string // what the contract says, in words; printed before the first complaint
	alone bool   // it looks at the process, so nothing else may run
	run   func(b *bench)
}

// do runs the case on an adapter and an upstream of its own. f is nil if it is about no capability.
func (c suiteCase) do(t tb, s *Suite, f *face) {
	t.Helper()
	b := &bench{tb: &ruled{tb: t, rule: c.rule}, suite: s, face: f, key: "sk-suite-" + random(12), marker: "quagga" + random(6)}
	b.up = newUpstreamSide(b)
	defer b.up.close()
	b.adapter = b.make(b.up.base())
	c.run(b)
	b.up.audit()
}

// ruled puts the rule before the first complaint.
type ruled struct {
	tb
	rule string
	said atomic.Bool
}

func (r *ruled) say() {
	r.Helper()
	if r.said.CompareAndSwap(false, true) {
		r.Logf("the rule: %s", r.rule)
	}
}

func (r *ruled) Errorf(format string, args ...any) {
	r.Helper()
	r.say()
	r.tb.Errorf(format, args...)
}

func (r *ruled) Fatalf(format string, args ...any) {
	r.Helper()
	r.say()
	r.tb.Fatalf(format, args...)
}

// bench is what a case works with.
type bench struct {
	tb
	suite   *Suite
	face    *face
	up      *upstreamSide
	adapter providers.Provider

	key    string // of every attempt, unless the case says otherwise
	marker string // a word in every prompt, that is found in no error
}

func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// uuid returns a UUIDv4, as the engine makes them.
func uuid() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// make returns the adapter for an upstream.
func (b *bench) make(base string) providers.Provider {
	b.Helper()
	if b.suite.New == nil {
		b.Fatalf("Suite.New is nil: set it to a function that makes the adapter")
	}
	p, err := b.suite.New(base)
	if err != nil || p == nil {
		b.Fatalf("New(%q) = %v, %v", base, p, err)
	}
	return p
}

const (
	patience = 30 * time.Second        // with a call that does not return, in any case
	atOnce   = time.Second             // what counts as at once on a machine that is busy with other tests
	longer   = 1500 * time.Millisecond // how long an upstream hangs that is to be left
)

// result is what a call brought.
type result struct {
	attempt string
	outcome outcome
	err     error
	took    time.Duration
}

// call makes one call. It checks what holds for every error, whatever the case is about.
func (b *bench) call(ctx context.Context, q ask) result {
	b.Helper()
	return b.callOn(ctx, b.adapter, q)
}

func (b *bench) callOn(ctx context.Context, p providers.Provider, q ask) result {
	b.Helper()
	r, wrong := b.try(ctx, p, q)
	if wrong != "" {
		b.Fatalf("%s", wrong)
	}
	return r
}

// try makes one call, from any goroutine. The text says why there is no result.
func (b *bench) try(ctx context.Context, p providers.Provider, q ask) (r result, wrong string) {
	b.Helper()
	b.up.expect(q.attempt())
	type back struct {
		result
		panicked any
	}
	done := make(chan back, 1)
	begun := time.Now()
	go func() {
		r := back{result: result{attempt: q.attempt().ID}}
		defer func() {
			r.panicked, r.took = recover(), time.Since(begun)
			done <- r
		}()
		r.outcome, r.err = b.face.do(ctx, p, q)
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case r := <-done:
		if r.panicked != nil {
			return result{}, fmt.Sprintf("the adapter panicked: %v", r.panicked)
		}
		if r.err != nil {
			b.examine(r.result, q)
		}
		return r.result, ""
	case <-timer.C:
		return result{}, fmt.Sprintf("the call did not return within %v", patience)
	}
}

// good makes a call that must succeed.
func (b *bench) good(q ask) result {
	b.Helper()
	r := b.call(b.Context(), q)
	b.wantGood(r)
	return r
}

func (b *bench) wantGood(r result) {
	b.Helper()
	if r.err != nil {
		b.Errorf("the call = %v, want no error%s", shown(r.err), nilInside(r.err))
		return
	}
	b.face.same(b, r)
}

func nilInside(err error) string {
	var e *providers.Error
	if errors.As(err, &e) && e == nil {
		return " (a nil *providers.Error in an error is not nil: return a plain nil)"
	}
	return ""
}

// failed checks what error a call became. Each list says what is allowed.
func (b *bench) failed(r result, kinds []providers.Kind, fates []providers.Fate) *providers.Error {
	b.Helper()
	if r.err == nil {
		b.Errorf("the call brought %v, want an error of %s", r.outcome, anyOf("kind", kinds))
		return nil
	}
	var e *providers.Error
	if !errors.As(r.err, &e) || e == nil {
		return nil // examine has said so
	}
	if kinds != nil && !slices.Contains(kinds, e.Kind) {
		b.Errorf("the error is %v of kind %q, want %s", shown(r.err), e.Kind, anyOf("kind", kinds))
	}
	if !slices.Contains(fates, e.Fate) {
		b.Errorf("the error is %v with fate %q, want %s", shown(r.err), e.Fate, anyOf("fate", fates))
	}
	return e
}

// anyOf words what is allowed.
func anyOf[T ~string](what string, allowed []T) string {
	if len(allowed) == 0 {
		return "any " + what
	}
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = fmt.Sprintf("%q", string(a))
	}
	return what + " " + strings.Join(words, " or ")
}

// lost are the fates of a success whose answer cannot be used: the upstream ran the request. Only an adapter that can ask
// what became of it may leave that open.
func (b *bench) lost() []providers.Fate {
	if b.adapter.Describe().Reconcile {
		return []providers.Fate{providers.Executed, providers.Unknown}
	}
	return []providers.Fate{providers.Executed}
}

// oneOf says what is allowed.
func oneOf[T any](v ...T) []T { return v }
