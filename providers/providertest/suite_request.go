package providertest

import (
	"bytes"
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/secret"
)

// leaf is a text, a number or a truth value in the body of a request.
type leaf struct {
	field string // the nearest name above it
	value string // the text, or the number as it was written
}

// leaves returns what is in a body of JSON, in its order. Any other body is one leaf.
func leaves(body []byte) []leaf {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var list []leaf
	var walk func(field string) error
	walk = func(field string) error {
		t, err := d.Token()
		if err != nil {
			return err
		}
		delim, open := t.(json.Delim)
		if !open {
			if s, ok := t.(string); ok {
				list = append(list, leaf{field, s})
			} else if b, err := json.Marshal(t); err == nil {
				list = append(list, leaf{field, string(b)})
			}
			return nil
		}
		for d.More() {
			name := field
			if delim == '{' {
				key, err := d.Token()
				if err != nil {
					return err
				}
				name, _ = key.(string)
			}
			if err := walk(name); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return err
	}
	if walk("") != nil {
		return []leaf{{"", string(body)}}
	}
	return list
}

// fieldWith returns the name of the field whose value has a text in it.
func (q seen) fieldWith(text string) (field string, found bool) {
	for _, l := range leaves(q.body) {
		if strings.Contains(l.value, text) {
			return l.field, true
		}
	}
	return "", false
}

// fieldThatIs returns the name of the field whose whole value is a text or a number.
func (q seen) fieldThatIs(value string) (field string, found bool) {
	for _, l := range leaves(q.body) {
		if l.value == value || sameNumber(l.value, value) {
			return l.field, true
		}
	}
	return "", false
}

func sameNumber(a, b string) bool {
	x, err := decimal.NewFromString(a)
	if err != nil || len(a) > 40 {
		return false
	}
	y, err := decimal.NewFromString(b)
	return err == nil && x.Equal(y)
}

// has reports whether a field of this name is anywhere in the body.
func (q seen) has(field string) bool {
	_, found := q.value(field)
	return found
}

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

// decoded is JSON with its numbers as they were written.
func decoded(b []byte) (v any) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	_ = d.Decode(&v) // nil for what is not JSON
	return v
}

// value returns what a field of the body has, wherever the field is.
func (q seen) value(field string) (value any, found bool) {
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if inner, ok := v[field]; ok {
				value, found = inner, true
			}
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(decoded(q.body))
	return value, found
}

// suiteProperty is a name that is in a request only as a part of the schema.
const suiteProperty = "lamp_keeper_7919"

func suiteSchema() *providers.Schema {
	return &providers.Schema{Name: "suite_answer", JSON: json.RawMessage(
		`{"type":"object","properties":{"` + suiteProperty + `":{"type":"string"}},"required":["` + suiteProperty + `"],"additionalProperties":false}`)}
}

var textRequestCases = []suiteCase{
	{"SendsTheMessagesInOrder", "all messages travel, each with its exact text and in their order; only a system message may have a place of its own", false, func(b *bench) {
		q := b.ask()
		q.text.Messages = append(q.text.Messages,
			providers.Message{Role: providers.Assistant, Text: b.marker + " answered {\"n\": 1}\t\\o/"},
			providers.Message{Role: providers.User, Text: b.marker + " asks again \u2028 日本語 🗼"})
		s := b.sent(q)
		all := leaves(s.body)
		last := -1
		for i, m := range q.text.Messages {
			at := slices.IndexFunc(all, func(l leaf) bool { return strings.Contains(l.value, m.Text) })
			switch {
			case at < 0:
				b.Errorf("message %d (%s) does not arrive as it was", i, m.Role)
			case m.Role != providers.System && at < last:
				b.Errorf("message %d (%s) comes before the one that it follows", i, m.Role)
			case m.Role != providers.System:
				last = at
			}
		}
	}},
	{"SendsTheBound", "MaxOutput travels: the hold is sized by it", false, func(b *bench) {
		if _, ok := b.sent(b.ask()).fieldThatIs("7919"); !ok {
			b.Errorf("no field of the body is the bound, %d", bound)
		}
	}},
	{"RefusesACallWithoutABound", "a call without a positive MaxOutput is refused before anything is sent: its cost has no bound", false, func(b *bench) {
		for _, n := range []int64{0, -1} {
			q := b.ask()
			q.text.MaxOutput = n
			b.refused(b.call(b.Context(), q), providers.Invalid, providers.Unsupported)
		}
	}},
	{"KeepsTheBoundAgainstTheProfile", "neither Parameters nor Omit take the bound out of a request or raise it", false, func(b *bench) {
		field, ok := b.sent(b.ask()).fieldThatIs("7919")
		if !ok {
			b.Fatalf("no field of the body is the bound, %d", bound)
		}
		q := b.ask()
		q.profile(nil, field)
		if s, sent := b.refusesOrSends(q); sent {
			if _, ok := s.fieldThatIs("7919"); !ok {
				b.Errorf("with %q in Omit the request has no bound", field)
			}
		}
		q = b.ask()
		q.profile(map[string]json.RawMessage{field: json.RawMessage(`500000`)})
		if s, sent := b.refusesOrSends(q); sent {
			if _, ok := s.fieldThatIs("500000"); ok {
				b.Errorf("with %q in Parameters the request has another bound", field)
			}
		}
	}},
	{"SendsTheTemperature", "a temperature travels as a number, exactly, and is left to the provider if there is none", false, func(b *bench) {
		q := b.ask()
		q.text.Temperature = decimal.NewNullDecimal(decimal.RequireFromString("0.37"))
		s, sent := b.refusesOrSends(q)
		if !sent {
			return
		}
		field, ok := s.fieldThatIs("0.37")
		if !ok || strings.Contains(string(s.body), `"0.37"`) {
			b.Errorf("no number of the body is the temperature, 0.37")
			return
		}
		if b.sent(b.ask()).has(field) {
			b.Errorf("a request without a temperature has the field %q", field)
		}
		q = b.ask()
		q.text.Temperature = decimal.NewNullDecimal(decimal.Decimal{})
		if s := b.sent(q); !s.has(field) {
			b.Errorf("a temperature of 0 is left out")
		}
	}},
	{"HonoursOmit", "a field that the model's profile omits is left out, whatever asks for it", false, func(b *bench) {
		q := b.ask()
		q.text.Temperature = decimal.NewNullDecimal(decimal.RequireFromString("0.37"))
		s, sent := b.refusesOrSends(q)
		if !sent {
			b.Skipf("not tested: the wire has no temperature")
		}
		field, _ := s.fieldThatIs("0.37")
		q.setAttempt(b.attempt())
		q.profile(nil, field)
		if b.sent(q).has(field) {
			b.Errorf("the field %q is in the request, and in Omit", field)
		}
	}},
	{"SendsTheSchema", "a schema travels, whole; an adapter whose wire has none refuses it before anything is sent", false, func(b *bench) {
		q := b.ask()
		q.text.Schema = suiteSchema()
		s, sent := b.refusesOrSends(q)
		if !sent {
			return
		}
		for _, part := range []string{suiteProperty, "additionalProperties", "required"} {
			if !bytes.Contains(s.body, []byte(part)) {
				b.Errorf("the schema's %q does not travel", part)
			}
		}
		if bytes.Contains(b.sent(b.ask()).body, []byte(suiteProperty)) {
			b.Errorf("a request without a schema has the one of an earlier request")
		}
	}},
}

var imageRequestCases = []suiteCase{
	{"SendsThePrompt", "the prompt travels as it is", false, func(b *bench) {
		q := b.ask()
		if _, ok := b.sent(q).fieldWith(q.image.Prompt); !ok {
			b.Errorf("no field of the body is the prompt")
		}
	}},
	{"SendsTheSize", "width and height travel", false, func(b *bench) {
		q := b.ask()
		s := b.sent(q)
		for _, side := range []int{q.image.Width, q.image.Height} {
			if _, ok := s.fieldWith(decimal.NewFromInt(int64(side)).String()); !ok {
				b.Errorf("no field of the body has the side %d", side)
			}
		}
	}},
	{"SendsTheNumber", "the number of pictures travels, in one request for all; who makes one at a time refuses more", false, func(b *bench) {
		q := b.ask()
		q.image.N = 3
		s, sent := b.refusesOrSends(q)
		if _, ok := s.fieldThatIs("3"); sent && !ok {
			b.Errorf("no field of the body is the number of pictures, 3")
		}
	}},
	{"RefusesACallForNoPicture", "a call for no picture, or for one without a size or a prompt, is refused before anything is sent", false, func(b *bench) {
		for _, spoil := range []func(*providers.ImageRequest){
			func(r *providers.ImageRequest) { r.N = 0 }, func(r *providers.ImageRequest) { r.N = -1 },
			func(r *providers.ImageRequest) { r.Width = 0 }, func(r *providers.ImageRequest) { r.Height = -1 },
			func(r *providers.ImageRequest) { r.Prompt = "" }} {
			q := b.ask()
			spoil(&q.image)
			b.refused(b.call(b.Context(), q), providers.Invalid, providers.Unsupported)
		}
	}},
	{"HonoursOmit", "a field that the model's profile omits is left out, whatever asks for it", false, func(b *bench) {
		q := b.ask()
		field, _ := b.sent(q).fieldWith(decimal.NewFromInt(int64(q.image.Width)).String())
		q.setAttempt(b.attempt())
		q.profile(nil, field)
		if s, sent := b.refusesOrSends(q); sent && s.has(field) {
			b.Errorf("the field %q is in the request, and in Omit", field)
		}
	}},
}
