package providertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/scrip-go/scrip/internal/reach"
	"github.com/scrip-go/scrip/providers"
)

// sentinels are the causes that may leave an adapter.
var sentinels = []error{nil, context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, io.ErrNoProgress}

var allKinds = oneOf(providers.RateLimited, providers.Quota, providers.Auth, providers.Permission, providers.Invalid,
	providers.ContextTooLong, providers.Blocked, providers.NotFound, providers.Unsupported, providers.Overloaded, providers.Upstream,
	providers.Network, providers.Timeout, providers.Canceled, providers.Malformed, providers.Incomplete)

// examine checks what holds for every error of every call.
func (b *bench) examine(r result, q ask) {
	b.Helper()
	b.silent(r.err, q)
	var e *providers.Error
	if !errors.As(r.err, &e) || e == nil {
		b.Errorf("the error is a %T, want a *providers.Error%s", r.err, nilInside(r.err))
		return
	}
	if name := b.adapter.Describe().Name; e.Provider != name {
		b.Errorf("the error's Provider is %q, want %q as described", e.Provider, name)
	}
	if !slices.Contains(allKinds, e.Kind) {
		b.Errorf("the error's Kind is %q, want one of package providers", e.Kind)
	}
	if !slices.Contains(oneOf(providers.NotSent, providers.Rejected, providers.Executed, providers.Unknown), e.Fate) {
		b.Errorf("the error's Fate is %q, want one of package providers", e.Fate)
	}
	for field, text := range map[string]string{"Code": e.Code, "Param": e.Param, "RequestID": e.RequestID} {
		if providers.Identifier(text) != text {
			b.Errorf("the error's %s is not an identifier: pass it through providers.Identifier", field)
		}
	}
	if !slices.Contains(sentinels, e.Cause) {
		b.Errorf("the error's Cause is a %T, want nil or a sentinel of context or io: it may hold the request", e.Cause)
	}
	if e.RetryAfter < 0 {
		b.Errorf("the error's RetryAfter is %v", e.RetryAfter)
	}
	if err := e.Usage.Validate(); err != nil {
		b.Errorf("the error's Usage: %v", err)
	}
	if n := len(b.up.of(r.attempt)); e.Fate == providers.NotSent && n > 0 && b.face.bills {
		b.Errorf("the error's Fate is %q, but the upstream has seen %d requests of the attempt", e.Fate, n)
	}
}

// names checks that an error after an answer names it: by its status, and by the upstream's id of the request where the
// adapter is known to read that.
func (b *bench) names(e *providers.Error, attempt string) {
	b.Helper()
	t := b.up.answered(attempt)
	if len(t.statuses) == 0 || !heard(e, t, len(b.up.of(attempt))) {
		return
	}
	if !slices.Contains(t.statuses, e.Status) {
		b.Errorf("the error's Status is %d, want %d, that of the answer", e.Status, t.statuses[len(t.statuses)-1])
	}
	if want := expand(b.face.requestID, attempt); t.identified && e.RequestID != want {
		b.Errorf("the error's RequestID is %q, want %q, that of the answer", e.RequestID, want)
	}
}

// heard reports whether an error shows that the adapter has seen an answer. One that ended early may have been on its way
// to the first or to another one.
func heard(e *providers.Error, t told, requests int) bool {
	switch e.Kind {
	case providers.Network:
		return false
	case providers.Canceled, providers.Timeout:
		return requests == 1 && (e.Fate == providers.Executed || e.Fate == providers.Rejected || t.statuses[0]/100 != 2)
	default:
		return e.Fate != providers.NotSent
	}
}

// silent checks that neither the key nor a prompt nor a header can be got out of an error: by printing, by JSON, or by a
// walk over it and over everything that it wraps.
func (b *bench) silent(err error, q ask) {
	b.Helper()
	secrets := map[string]string{"the API key": q.attempt().Key.Secret.Reveal(), "the prompt": b.marker, "the header with the key": "Bearer "}
	asJSON, _ := json.Marshal(err)
	forms := map[string]string{"%v": fmt.Sprintf("%v", err), "%+v": fmt.Sprintf("%+v", err), "%#v": fmt.Sprintf("%#v", err), "JSON": string(asJSON)}
	for what, text := range secrets {
		if strings.TrimSpace(text) == "" {
			continue
		}
		for form, printed := range forms {
			if strings.Contains(printed, text) {
				b.Errorf("the error printed as %s shows %s", form, what)
			}
		}
		for _, e := range chain(err) {
			if strings.Contains(e.Error(), text) || reach.Reaches(e, text) {
				b.Errorf("the error holds %s: reflection finds it in a %T", what, e)
			}
		}
	}
}

// chain returns an error and all that it wraps.
func chain(err error) []error {
	if err == nil {
		return nil
	}
	list := []error{err}
	switch e := err.(type) {
	case *providers.Error:
		if e == nil {
			return nil
		}
		return append(list, chain(e.Cause)...)
	case interface{ Unwrap() error }:
		return append(list, chain(e.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			list = append(list, chain(inner)...)
		}
	}
	return list
}

// shown prints an error that may be a nil pointer.
func shown(err error) (s string) {
	defer func() {
		if recover() != nil {
			s = fmt.Sprintf("a nil %T", err)
		}
	}()
	return err.Error()
}
