package providertest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/providers"
)

// suiteProperty is a name that is in a request only as a part of the schema.
const suiteProperty = "lamp_keeper_7919"

func suiteSchema() *providers.Schema {
	return &providers.Schema{Name: "suite_answer", JSON: json.RawMessage(
		`{"type":"object","properties":{"` + suiteProperty + `":{"type":"string"}},"required":["` + suiteProperty + `"],"additionalProperties":false}`)}
}

var textRequestCases = []suiteCase{
	{"SendsTheMessagesInOrder", "all messages travel, each with its exact text and in their order; only the system's may have a place of their own, in their own order", false, func(b *bench) {
		q := b.ask()
		q.text.Messages = slices.Concat(q.text.Messages[:1],
			[]providers.Message{{Role: providers.System, Text: b.marker + " adds: \"in\u00a0Latin\" <if> you can."}}, q.text.Messages[1:],
			[]providers.Message{{Role: providers.Assistant, Text: b.marker + " answered {\"n\": 1}\t\\o/"},
				{Role: providers.User, Text: b.marker + " asks again \u2028 日本語 🗼"}})
		type place struct{ leaf, at int } // of a text in the body
		all := leaves(b.sent(q).body)
		last := map[bool]place{true: {-1, 0}, false: {-1, 0}} // of the system's texts, and of the turns
		for i, m := range q.text.Messages {
			var p place
			p.leaf = slices.IndexFunc(all, func(l leaf) bool { p.at = strings.Index(l.value, m.Text); return p.at >= 0 })
			system := m.Role == providers.System
			switch before := last[system]; {
			case p.leaf < 0:
				b.Errorf("message %d (%s) does not arrive as it was", i, m.Role)
			case p.leaf < before.leaf || p.leaf == before.leaf && p.at < before.at:
				b.Errorf("message %d (%s) comes before the one that it follows", i, m.Role)
			default:
				last[system] = p
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
	{"SendsTheSchema", "a schema travels, whole and as JSON; an adapter whose wire has none refuses it before anything is sent", false, func(b *bench) {
		q := b.ask()
		q.text.Schema = suiteSchema()
		r := b.call(b.Context(), q)
		switch e := providers.AsError("", r.err); {
		case r.err == nil:
		case e.Fate == providers.NotSent:
			b.refused(r, providers.Unsupported, providers.Invalid)
			return
		case e.Kind == providers.Malformed && b.face.handler == nil && !b.face.structured.given():
			b.Logf("TextWire.Success is no answer to a schema for this adapter: record one in TextWire.Structured, so that it is tested")
		default:
			b.Errorf("the call = %v: the request was sent, and answered as a request with a schema is", shown(r.err))
		}
		s := b.request(r.attempt)
		for _, part := range []string{suiteProperty, "additionalProperties", "required"} {
			if !bytes.Contains(s.body, []byte(part)) {
				b.Errorf("the schema's %q does not travel", part)
			}
		}
		if bytes.Contains(s.body, []byte(suiteProperty)) && !s.has(suiteProperty) {
			b.Errorf("the schema travels inside of a text, want an object of JSON")
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
	{"SendsTheFormat", "a format travels in the wire's own word, or is left out: all the request is then as it is without one", false, func(b *bench) {
		sends := 0
		for format := range formatWords {
			s, _ := b.withFormat(format)
			switch _, says := s.fieldOf(format); {
			case says:
				sends++
			case b.bodyOf(s) != b.bodyOf(b.sent(b.ask())):
				b.Errorf("no field of the body is the format %q, and yet the body is another one", format)
			}
		}
		if sends == 0 && !b.Failed() {
			b.Skipf("not tested: the wire has no format")
		}
	}},
	{"KeepsTheFormatAgainstTheProfile", "a format is left out for a model that refuses its field; Parameters that want another are refused", false, func(b *bench) {
		s, q := b.withFormat(providers.JPEG)
		field, says := s.fieldOf(providers.JPEG)
		other, _ := b.withFormat(providers.WebP)
		word, another := other.value(field)
		if !says || !another {
			b.Skipf("not tested: the wire has no format, or no two of them")
		}
		q.setAttempt(b.attempt())
		q.profile(nil, field)
		if b.sent(q).has(field) {
			b.Errorf("the field %q is in the request, and in Omit", field)
		}
		q.setAttempt(b.attempt())
		q.profile(map[string]json.RawMessage{field: json.RawMessage(asJSON(word))})
		b.refused(b.call(b.Context(), q), providers.Invalid)
	}},
}

// formatWords are what wires call the formats, in any case.
var formatWords = map[providers.Format][]string{
	providers.PNG:  {"png", "image/png"},
	providers.JPEG: {"jpeg", "jpg", "image/jpeg"},
	providers.WebP: {"webp", "image/webp"},
}

// fieldOf returns the name of the field that says a format.
func (q seen) fieldOf(format providers.Format) (field string, found bool) {
	for _, l := range leaves(q.body) {
		if slices.Contains(formatWords[format], strings.ToLower(l.value)) {
			return l.field, true
		}
	}
	return "", false
}

// withFormat makes a good call for pictures of a format.
func (b *bench) withFormat(format providers.Format) (seen, ask) {
	b.Helper()
	q := b.ask()
	q.image.Format = format
	return b.sent(q), q
}

// bodyOf is the body of a request but for the attempt.
func (b *bench) bodyOf(q seen) string {
	return strings.ReplaceAll(string(q.body), q.attempt, "{{attempt}}")
}
