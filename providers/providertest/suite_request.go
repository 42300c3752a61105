package providertest

import (
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/secret"
)

// sent makes a good call and returns its billable request.
func (b *bench) sent(q ask) seen {
	b.Helper()
	r := b.good(q)
	return b.request(r.attempt)
}

func (b *bench) request(attempt string) seen {
	b.Helper()
	list := b.up.of(attempt)
	for _, q := range list {
		if q.billable == b.face.bills {
			return q
		}
	}
	b.Fatalf("the upstream has seen no request of the attempt among %d", len(list))
	return seen{}
}

// refusesOrSends makes a call with a request that the wire may not be able to carry: then it is refused before it is
// sent. The request is sent otherwise, and returned.
func (b *bench) refusesOrSends(q ask) (seen, bool) {
	b.Helper()
	r := b.call(b.Context(), q)
	if r.err != nil {
		b.refused(r, providers.Unsupported, providers.Invalid)
		return seen{}, false
	}
	return b.request(r.attempt), true
}

func (b *bench) refused(r result, k ...providers.Kind) {
	b.Helper()
	b.failed(r, k, b.allowed(oneOf(providers.NotSent)))
	if n := len(b.up.of(r.attempt)); n > 0 {
		b.Errorf("the upstream has seen %d requests of a call that was to be refused", n)
	}
}

// requestCases are about what is sent, whatever the capability.
var requestCases = []suiteCase{
	{"SendsTheAttemptsID", "the attempt's id travels to the upstream, in a header or in the body, or nobody can ask about it", false, func(b *bench) {
		for range 2 {
			q := b.ask()
			r := b.good(q)
			if got := b.up.of(r.attempt); len(got) == 0 || got[0].attempt != r.attempt {
				b.Errorf("no request has the id %q", r.attempt)
			}
		}
	}},
	{"SendsTheKeyAndOnlyInTheRequest", "the attempt's key travels in a header or in the body, never in the address, which every proxy writes down", false, func(b *bench) {
		q := b.sent(b.ask())
		if strings.Contains(q.path+q.query, b.key) {
			b.Errorf("the key is in the address of the request")
		}
		if !strings.Contains(q.everything(), b.key) {
			b.Errorf("the key is not in the request")
		}
		other := b.ask()
		a := b.attempt()
		a.Key = secret.Key{ID: "other", Secret: secret.New("sk-other-" + random(12))}
		other.setAttempt(a)
		if all := b.sent(other).everything(); strings.Contains(all, b.key) || !strings.Contains(all, a.Key.Secret.Reveal()) {
			b.Errorf("a second attempt with another key does not send that one alone")
		}
	}},
	{"SendsNoIdempotencyKey", "net/http sends a request with an Idempotency-Key again when a connection dies, also after it was read", false, func(b *bench) {
		for name := range b.sent(b.ask()).header {
			if strings.HasSuffix(name, "Idempotency-Key") {
				b.Errorf("the request has the header %s", name)
			}
		}
	}},
	{"KeepsThePathOfTheBaseURL", "a base URL may have a path: of a version, of a deployment", false, func(b *bench) {
		for _, slash := range []string{"", "/"} {
			p := b.make(b.up.base() + slash)
			q := b.ask()
			b.wantGood(b.callOn(b.Context(), p, q))
			if path := b.request(q.attempt().ID).path; !strings.HasPrefix(path, basePath) || strings.Contains(path, "//") {
				b.Errorf("with the base URL's path %q the request goes to %q", basePath+slash, path)
			}
		}
	}},
	{"GoesToTheAttemptsBaseURL", "an attempt's own base URL wins over the adapter's, for this attempt alone", false, func(b *bench) {
		q := b.ask()
		a := b.attempt()
		a.BaseURL = b.up.other.URL + "/other/v9"
		q.setAttempt(a)
		b.good(q)
		for _, seen := range b.up.of(a.ID) {
			if !seen.elsewhere || !strings.HasPrefix(seen.path, "/other/v9") {
				b.Errorf("the request went to %s%s, want it under %s", seen.host, seen.path, a.BaseURL)
			}
		}
		if q := b.sent(b.ask()); q.elsewhere {
			b.Errorf("the next attempt went there too")
		}
	}},
	{"SendsTheSameAgain", "the same request is the same bytes but for the attempt: nothing is kept from one call to the next", false, func(b *bench) {
		shape := func() string {
			q := b.ask()
			s := b.sent(q)
			return strings.ReplaceAll(s.method+" "+s.path+" "+s.query+"\n"+string(s.body), q.attempt().ID, "{{attempt}}")
		}
		first := shape()
		if b.face.bills {
			q := b.ask()
			q.profile(map[string]json.RawMessage{"suite_parameter": json.RawMessage(`1`)})
			b.call(b.Context(), q)
		}
		b.up.faulty(says(500))
		b.call(b.Context(), b.ask())
		b.up.faulty(nil)
		if again := shape(); again != first {
			b.Errorf("the request was\n%s\nand is now\n%s", strings.ReplaceAll(first, b.key, "KEY"), strings.ReplaceAll(again, b.key, "KEY"))
		}
	}},
	{"RefusesACallWithoutAUsableKey", "a call without a key, or with one that a header cannot carry, is refused before anything is sent", false, func(b *bench) {
		for _, key := range []string{"", "sk-broken\r\nX-Injected: 1", "sk-broken\n"} {
			q := b.ask()
			a := b.attempt()
			a.Key.Secret = secret.New(key)
			q.setAttempt(a)
			b.refused(b.call(b.Context(), q), providers.Auth, providers.Invalid)
		}
	}},
}

// profileCases are about the model's request profile.
var profileCases = []suiteCase{
	{"SendsTheModel", "the model that is asked for travels", false, func(b *bench) {
		q := b.sent(b.ask())
		path, err := url.PathUnescape(q.path)
		if _, ok := q.fieldThatIs(b.face.model); !ok && (err != nil || !strings.Contains(path, b.face.model)) {
			b.Errorf("the model %q is neither in the body nor in the address", b.face.model)
		}
	}},
	{"SendsTheParameters", "Parameters go into the upstream's request as they are", false, func(b *bench) {
		q := b.ask()
		q.profile(map[string]json.RawMessage{
			"suite_parameter": json.RawMessage(`{"deep":[1,2.50,"<x>"],"none":null}`), "suite_number": json.RawMessage(`12345678901234567890`)})
		s := b.sent(q)
		for name, want := range q.text.Parameters {
			if got, ok := s.value(name); !ok || !reflect.DeepEqual(got, decoded(want)) {
				b.Errorf("the body has %s as %s, want %s", name, asJSON(got), want)
			}
		}
	}},
	{"LeavesOutAParameterToOmit", "Omit names fields that the model refuses, whoever brought them", false, func(b *bench) {
		q := b.ask()
		q.profile(map[string]json.RawMessage{"suite_parameter": json.RawMessage(`1`), "suite_other": json.RawMessage(`2`)}, "suite_parameter", "suite_nothing")
		if s, sent := b.refusesOrSends(q); sent && (s.has("suite_parameter") || !s.has("suite_other")) {
			b.Errorf("suite_parameter is there: %t, want it left out; suite_other is there: %t, want it sent", s.has("suite_parameter"), s.has("suite_other"))
		}
	}},
	{"LeavesTheCallersRequestAlone", "slices and maps of a request belong to the caller: they are not written to, not even behind their length", false, func(b *bench) {
		q := b.ask()
		messages := append(slices.Clone(q.text.Messages), providers.Message{Role: "spare", Text: "spare"})
		q.text.Messages = messages[:len(messages)-1]
		omit := []string{"zeta", "alpha", "spare"}
		parameters := map[string]json.RawMessage{"suite_parameter": json.RawMessage(`[1, 2]`), "alpha": json.RawMessage(`1`)}
		q.profile(parameters, omit[:2]...)
		q.text.Schema = suiteSchema()
		wantMessages, wantOmit := slices.Clone(messages), slices.Clone(omit)
		b.call(b.Context(), q)
		if !reflect.DeepEqual(messages, wantMessages) {
			b.Errorf("the messages have become %+v", messages)
		}
		if !reflect.DeepEqual(omit, wantOmit) {
			b.Errorf("Omit has become %q, want %q", omit, wantOmit)
		}
		if want := (map[string]json.RawMessage{"suite_parameter": json.RawMessage(`[1, 2]`), "alpha": json.RawMessage(`1`)}); !reflect.DeepEqual(parameters, want) {
			b.Errorf("Parameters have become %s", asJSON(parameters))
		}
		if !reflect.DeepEqual(q.text.Schema, suiteSchema()) {
			b.Errorf("the schema has become %s", q.text.Schema.JSON)
		}
	}},
}
