package providertest

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/scrip-go/scrip/providers"
)

// failureCases are the author's recorded failures.
func failureCases(failures []Failure) []suiteCase {
	var cases []suiteCase
	for _, f := range failures {
		cases = append(cases, suiteCase{"Recorded" + f.Name, "a recorded failure has the kind, the fate and the code that its author says", false, func(b *bench) {
			b.up.faulty(func(x *exchange) { f.Recorded.to(x.q.attempt).write(x) })
			e := b.failed(b.call(b.Context(), b.ask()), oneOf(f.Kind), oneOf(f.Fate))
			if e != nil && f.Code != "" && e.Code != f.Code {
				b.Errorf("the error's Code is %q, want %q", e.Code, f.Code)
			}
			if e != nil && f.RetryAfter != 0 && e.RetryAfter != f.RetryAfter {
				b.Errorf("the error's RetryAfter is %v, want %v", e.RetryAfter, f.RetryAfter)
			}
		}})
	}
	return append(cases, suiteCase{"AStatusThatLeavesItOpenWinsOverACode",
		"a code says what went wrong, but behind a 500 not that nothing ran: of code and status the more careful one has the fate", false, func(b *bench) {
			tried := false
			for _, f := range failures {
				if f.Fate != providers.Rejected || f.Recorded.Status/100 != 4 {
					continue
				}
				tried = true
				late := f.Recorded
				late.Status = http.StatusInternalServerError
				b.up.faulty(func(x *exchange) { late.to(x.q.attempt).write(x) })
				b.failed(b.call(b.Context(), b.ask()), nil, unknown)
				if b.Failed() {
					b.Logf("the answer was that of the failure %s", f.Name)
				}
			}
			if !tried {
				b.Skipf("not tested: no failure has a status of 4xx and the fate %q", providers.Rejected)
			}
		}})
}

// pollCases are about the requests that ask for the result of a job, where a wire has such.
func pollCases(h http.Handler) []suiteCase {
	if h == nil {
		return nil
	}
	return []suiteCase{{"AFailedPollLosesNothing", "a poll that fails leaves the job what it was: taken, and billed; so the call is neither not sent nor rejected", false, func(b *bench) {
		for name, s := range map[string]strike{"500": says(500), "404": says(404), "429": says(429), "401": says(401), "null": body("null"), "no answer": func(x *exchange) { x.cut() }} {
			struck := b.up.faultyPolls(s)
			r := b.call(b.Context(), b.ask())
			if !struck() {
				b.Skipf("not tested: the wire polls nothing that is not billable")
			}
			if r.err == nil {
				b.wantGood(r)
			} else {
				b.failed(r, nil, oneOf(providers.Executed, providers.Unknown))
			}
			if b.Failed() {
				b.Logf("every poll was answered with %s", name)
			}
		}
	}}}
}

// recorded is a case about one recorded answer, which is skipped if there is none.
func recorded(name, rule, field string, answer Recorded, k []providers.Kind, f []providers.Fate) suiteCase {
	return suiteCase{name, rule, false, func(b *bench) {
		b.play(field, answer)
		b.failed(b.call(b.Context(), b.ask()), k, b.allowed(f))
	}}
}

// stringIn is a text of JSON.
var stringIn = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// textIn returns where in a body the first piece of a text begins, or -1 if the text is not made of texts of the body in
// their order.
func textIn(body, text string) int {
	at, rest := -1, text
	for _, place := range stringIn.FindAllStringIndex(body, -1) {
		var piece string
		if json.Unmarshal([]byte(body[place[0]:place[1]]), &piece) != nil || piece == "" || !strings.HasPrefix(rest, piece) {
			continue
		}
		if rest = rest[len(piece):]; at < 0 {
			at = place[0] + 1
		}
	}
	if rest != "" {
		return -1
	}
	return at
}

// sameJSON reports whether two texts are the same value of JSON, or the same text if the second is no JSON.
func sameJSON(got, want string) bool {
	if !json.Valid([]byte(want)) {
		return got == want
	}
	return json.Valid([]byte(got)) && reflect.DeepEqual(decoded([]byte(got)), decoded([]byte(want)))
}

// play answers with a recorded answer from now on, or skips the case.
func (b *bench) play(field string, answer Recorded) {
	b.Helper()
	if !answer.given() {
		b.Skipf("not tested: %s is not set", field)
	}
	b.up.faulty(func(x *exchange) { answer.to(x.q.attempt).write(x) })
}

func textAnswerCases(w *TextWire) []suiteCase {
	return []suiteCase{
		{"UsageAddsUp", "the classes of usage are disjoint: they add up to what the provider says it counted", false, func(b *bench) {
			r := b.good(b.ask())
			input, output, err := r.outcome.text.Usage.TokenSums()
			if err != nil || input+output != w.Total {
				b.Errorf("the classes add up to %d + %d = %d tokens (%v), want %d: %s", input, output, input+output, err, w.Total, asJSON(r.outcome.text.Usage))
			}
		}},
		recorded("ARefusalIsBlocked", "a refusal and a filtered answer were executed, and are no success", "TextWire.Refusal", w.Refusal, oneOf(providers.Blocked), nil),
		recorded("ALengthStopIsIncomplete", "a text that stopped at the token limit was executed, and is no success", "TextWire.Length", w.Length, oneOf(providers.Incomplete), nil),
		{"ALengthStopTellsWhatWasUsed", "an error of an answer that was executed tells what is known of its usage: it is what the failure cost us", false, func(b *bench) {
			b.play("TextWire.Length", w.Length)
			if e := b.failed(b.call(b.Context(), b.ask()), nil, b.lost()); e != nil && e.Usage.IsZero() {
				b.Errorf("the error's Usage is unknown")
			}
		}},
		recorded("NoUsageIsMalformed", "a finish without usage is not a success of zero tokens", "TextWire.NoUsage", w.NoUsage, oneOf(providers.Malformed), nil),
		recorded("UsageThatDoesNotAddUpIsMalformed", "usage that does not add up cannot be charged", "TextWire.BadUsage", w.BadUsage, oneOf(providers.Malformed), nil),
		recorded("NoTextIsMalformed", "a success has a text", "TextWire.NoText", w.NoText, oneOf(providers.Malformed), nil),
		recorded("AnErrorInASuccessIsAnError", "an error inside HTTP 200 is an error, and was executed unless it says that nothing ran", "TextWire.ErrorIn200",
			w.ErrorIn200, nil, oneOf(providers.Executed, providers.Rejected)),
		{"DeliversValidUTF8", "a text that is delivered is valid UTF-8, whatever bytes came", false, func(b *bench) {
			for _, set := range []func(strike){b.up.faulty, func(s strike) { b.up.faultyPolls(s) }} { // the text may come with a poll
				var spoiled atomic.Bool
				set(func(x *exchange) {
					g := x.good()
					if at := textIn(g.Body, expand(w.Want.Text, x.q.attempt)); at >= 0 {
						g.Body = g.Body[:at] + "\xff\xfe" + g.Body[at:]
						spoiled.Store(true)
					}
					g.write(x)
				})
				r := b.call(b.Context(), b.ask())
				if !spoiled.Load() {
					continue
				}
				if r.err != nil {
					b.failed(r, oneOf(providers.Malformed), b.allowed(nil))
				} else if !utf8.ValidString(r.outcome.text.Text) {
					b.Errorf("the text is %q", r.outcome.text.Text)
				}
				return
			}
			b.Skipf("not tested: TextWire.Want.Text is not made of texts of the good answer, in their order")
		}},
		{"ReadsAStructuredAnswer", "the answer to a request with a schema is the JSON that fits it", false, func(b *bench) {
			if w.WantStructured == "" {
				b.Skipf("not tested: TextWire.Structured and TextWire.WantStructured are not set")
			}
			q := b.ask()
			q.text.Schema = suiteSchema()
			r := b.call(b.Context(), q)
			if r.err != nil {
				b.Errorf("the call = %v, want no error: the schema was answered with TextWire.Structured, or by TextWire.Handler", shown(r.err))
				return
			}
			if got, want := r.outcome.text.Text, expand(w.WantStructured, r.attempt); !sameJSON(got, want) {
				b.Errorf("the text is %q, want %q", got, want)
			}
		}},
	}
}

func imageAnswerCases(w *ImageWire) []suiteCase {
	return []suiteCase{
		{"FewerPicturesAreASuccess", "fewer pictures than asked for, but at least one, are a success with usage as delivered", false, func(b *bench) {
			b.play("ImageWire.Fewer", w.Fewer)
			r := b.call(b.Context(), b.ask())
			if r.err != nil {
				b.Errorf("the call = %v, want a success", shown(r.err))
				return
			}
			got := r.outcome.image
			if n := got.Usage.Images; len(got.Images) == 0 || len(got.Images) >= len(w.Want.Images) || n.N != int64(len(got.Images)) || !n.Known {
				b.Errorf("%d pictures with usage %s, want fewer than %d and usage as delivered", len(got.Images), asJSON(got.Usage), len(w.Want.Images))
			}
		}},
		recorded("NoPictureIsMalformed", "a success has at least one picture", "ImageWire.NoPicture", w.NoPicture, oneOf(providers.Malformed), nil),
		recorded("AnErrorInASuccessIsAnError", "an error inside HTTP 200 is an error", "ImageWire.ErrorIn200", w.ErrorIn200, nil,
			oneOf(providers.Executed, providers.Rejected, providers.Unknown)),
	}
}

func reconcileCases(w *ReconcileWire) []suiteCase {
	became := func(name, rule, field string, answer Recorded, fate providers.Fate) suiteCase {
		return suiteCase{name, rule, false, func(b *bench) {
			b.play(field, answer)
			q := b.ask()
			r := b.call(b.Context(), q)
			if r.err != nil {
				b.Errorf("Reconcile = %v, want no error", shown(r.err))
				return
			}
			if got := r.outcome.became; got.Fate != fate || got.Text != nil || got.Image != nil {
				b.Errorf("Reconcile = fate %q, a text %t, pictures %t; want fate %q without a result", got.Fate, got.Text != nil, got.Image != nil, fate)
			} else if got.Failure != nil {
				b.examine(result{attempt: r.attempt, err: got.Failure}, q)
				if got.Failure.Fate != fate {
					b.Errorf("the fate is %q, and that of its Failure %q", fate, got.Failure.Fate)
				}
			}
		}}
	}
	return []suiteCase{
		became("WorkIsUnknown", "an attempt that is being worked on is unknown, without an error: it is asked about again", "ReconcileWire.Working", w.Working, providers.Unknown),
		became("AMissingAttemptIsNotSent", "an attempt that the upstream never saw may be sent again", "ReconcileWire.Missing", w.Missing, providers.NotSent),
		became("ALostResultIsExecuted", "an attempt that ran and left nothing is executed, without a result", "ReconcileWire.Lost", w.Lost, providers.Executed),
		became("ARefusedAttemptIsRejected", "an attempt that was refused when it came ran nothing", "ReconcileWire.Refused", w.Refused, providers.Rejected),
	}
}
