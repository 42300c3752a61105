package providertest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/scrip-go/scrip/providers"
)

// fault is something that goes wrong on the way or in the answer, and what error it must become. After it the same
// request must succeed: no fault may stay in the adapter.
type fault struct {
	name, rule string
	strike     strike
	kinds      []providers.Kind
	fates      []providers.Fate // those of a lost success if nil
	within     time.Duration    // the deadline of the call; none if 0
}

func (f fault) testCase() suiteCase {
	return suiteCase{f.name, f.rule, false, func(b *bench) { f.run(b) }}
}

// run makes a call that the fault strikes, and one that it does not.
func (f fault) run(b *bench) *providers.Error {
	b.Helper()
	ctx := b.Context()
	if f.within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.within)
		defer cancel()
	}
	b.up.faulty(f.strike)
	r := b.call(ctx, b.ask())
	b.up.faulty(nil)
	e := b.failed(r, f.kinds, b.allowed(f.fates))
	if n := len(b.up.of(r.attempt)); n == 0 {
		b.Errorf("the upstream has seen no request with the attempt's id")
	}
	if b.up.drained.Load() {
		b.Errorf("the adapter has read all of an answer of %d MiB", orElse(b.suite.flood, floodMiB))
	}
	if f.within > 0 && r.took > f.within+atOnce {
		b.Errorf("the call returned %v after its deadline", r.took-f.within)
	}
	b.good(b.ask())
	return e
}

// allowed replaces the fates of a fault: none given are those of a lost success, and a question that failed says nothing
// of the attempt that it was about.
func (b *bench) allowed(f []providers.Fate) []providers.Fate {
	switch {
	case !b.face.bills:
		return oneOf(providers.Unknown)
	case f == nil:
		return b.lost()
	default:
		return f
	}
}

var (
	rejected = oneOf(providers.Rejected)
	unknown  = oneOf(providers.Unknown)
)

// says answers with a status and a body that no adapter knows.
func says(status int, header ...string) strike {
	return func(x *exchange) {
		for i := 0; i < len(header); i += 2 {
			x.Header().Set(header[i], header[i+1])
		}
		x.identify()
		Recorded{Status: status, Body: `{"error":{"message":"something is wrong"}}`}.write(x)
	}
}

// statusFaults are what an HTTP status means when nothing else in the answer says more.
var statusFaults = []fault{
	{"Status400IsInvalid", "400 says that the request is wrong; nothing ran", says(400), oneOf(providers.Invalid), rejected, 0},
	{"Status401IsAuth", "401 says that the key is refused; nothing ran", says(401), oneOf(providers.Auth), rejected, 0},
	{"Status402IsQuota", "402 says that the account is out of money; nothing ran", says(402), oneOf(providers.Quota), rejected, 0},
	{"Status403IsPermission", "403 says that the key may not do this; nothing ran", says(403), oneOf(providers.Permission), rejected, 0},
	{"Status404IsNotFound", "404 says that there is no such model or route; nothing ran", says(404), oneOf(providers.NotFound), rejected, 0},
	{"Status408IsATimeout", "408 is a timeout, and a gateway may say so while the model is at work", says(408), oneOf(providers.Timeout), unknown, 0},
	{"Status409IsNotRetryable", "409 is no rate limit: the request is refused, or, where ids are used up, may have run", says(409),
		oneOf(providers.Invalid, providers.Upstream), oneOf(providers.Rejected, providers.Unknown), 0},
	{"Status413IsTooLong", "413 says that the request is too long; nothing ran", says(413), oneOf(providers.ContextTooLong, providers.Invalid), rejected, 0},
	{"Status422IsInvalid", "422 says that the request is wrong; nothing ran", says(422), oneOf(providers.Invalid), rejected, 0},
	{"Status429IsARateLimit", "429 says that there are too many requests; nothing ran", says(429), oneOf(providers.RateLimited), rejected, 0},
	{"Status500IsUnknown", "500 says that the upstream failed, which may have been after it ran the request", says(500), oneOf(providers.Upstream), unknown, 0},
	{"Status502AsHTMLIsUnknown", "502 is a gateway's, in HTML, and the upstream behind it may have run the request",
		func(x *exchange) {
			Recorded{Status: 502, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html><body><h1>502 Bad Gateway</h1></body></html>\n"}.write(x)
		}, oneOf(providers.Upstream), unknown, 0},
	{"Status503IsOverloaded", "503 says that the upstream is too busy to take the request", says(503), oneOf(providers.Overloaded), rejected, 0},
	{"Status504IsUnknown", "504 says that a gateway did not wait any longer: the request may have run",
		says(504), oneOf(providers.Upstream, providers.Timeout), unknown, 0},
	{"Status529IsOverloaded", "529 is some upstreams' word for too busy; who does not know it takes it for a failure of the upstream",
		says(529), oneOf(providers.Overloaded, providers.Upstream), oneOf(providers.Rejected, providers.Unknown), 0},
}

// floodMiB is how many mebibytes a huge answer has. An adapter's bound is below.
const floodMiB = 96

func (x *exchange) floodMiB() int { return orElse(x.u.b.suite.flood, floodMiB) }

// transportFaults are what goes wrong with the connection once the request was read.
var transportFaults = []fault{
	{"AConnectionClosedAfterTheRequestIsUnknown", "a connection that closes without an answer after the request was read leaves open whether it ran",
		func(x *exchange) { x.cut() }, oneOf(providers.Network), unknown, 0},
	{"AnAnswerCutInItsHeadersIsUnknown", "an answer that is cut in its headers says nothing: the request may have run",
		func(x *exchange) {
			x.raw("HTTP/1.1 200 OK\r\nContent-Type: applicat")
		}, oneOf(providers.Network, providers.Incomplete), unknown, 0},
	{"AnAnswerThatIsNotHTTPIsUnknown", "what is not HTTP is no answer: the request may have run",
		func(x *exchange) {
			x.raw("220 mail.example ESMTP\r\n500 what?\r\n")
		}, oneOf(providers.Network, providers.Malformed), unknown, 0},
	{"ACutBodyIsIncomplete", "a success whose body ends before its announced length was executed, and is no success",
		func(x *exchange) {
			g := x.good()
			x.Header().Set("Content-Length", fmt.Sprint(len(g.Body)))
			g.head(x)
			_, _ = io.WriteString(x, half(g.Body))
			x.flush()
			x.cut()
		}, oneOf(providers.Incomplete), nil, 0},
	{"ACutBodyOfUnknownLengthIsIncomplete", "a success whose chunks end before the last one was executed, and is no success",
		func(x *exchange) {
			g := x.good()
			g.head(x)
			_, _ = io.WriteString(x, half(g.Body))
			x.flush()
			x.cut()
		}, oneOf(providers.Incomplete), nil, 0},
	{"ABodyCutWithoutASignIsNoSuccess", "a success whose body is cut without the connection saying so is not whole JSON, and was executed",
		func(x *exchange) {
			x.raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + half(x.good().Body))
		}, oneOf(providers.Malformed, providers.Incomplete), nil, 0},
	{"SlowHeadersAreATimeout", "an answer that does not begin before the deadline is a timeout, and the request may have run",
		func(x *exchange) { x.hang(); x.good().write(x) }, oneOf(providers.Timeout), unknown, 150 * time.Millisecond},
	{"ASlowBodyIsATimeout", "a success whose body does not come before the deadline is a timeout, and was executed",
		func(x *exchange) {
			g := x.good()
			g.head(x)
			x.flush()
			x.hang()
			_, _ = io.WriteString(x, g.Body)
		}, oneOf(providers.Timeout), nil, 150 * time.Millisecond},
	{"AHugeBodyIsMalformed", fmt.Sprintf("reads are bounded, below %d MiB: an answer that is longer was executed and is no success", floodMiB),
		func(x *exchange) {
			g := x.good()
			g.head(x)
			for range x.floodMiB() {
				if _, err := x.Write(flood(false)); err != nil {
					return
				}
			}
			x.u.drained.Store(true)
			_, _ = io.WriteString(x, g.Body)
		}, oneOf(providers.Malformed), nil, 0},
	{"AGzipBombIsMalformed", "the bound is on what is read, not on what came over the wire: an answer may be packed",
		func(x *exchange) {
			x.Header().Set("Content-Encoding", "gzip")
			g := x.good()
			g.head(x)
			for range x.floodMiB() {
				if _, err := x.Write(flood(true)); err != nil {
					return
				}
			}
			_, _ = x.Write(packed([]byte(g.Body)))
		}, oneOf(providers.Malformed), nil, 0},
}

func half(body string) string { return body[:len(body)/2] }

// body answers a success with another body.
func body(text string) strike {
	return func(x *exchange) {
		g := x.good()
		g.Body = text
		g.write(x)
	}
}

// bodyFault is a success whose body is of no use.
type bodyFault struct {
	name, rule string
	bodies     []string
}

var bodyFaults = []bodyFault{
	{"AnEmptyBodyIsMalformed", "a success without a body was executed and is no success", []string{"", "\n"}},
	{"NullIsMalformed", "null is JSON and no answer", []string{"null", "null\n"}},
	{"AnArrayIsMalformed", "an array is JSON and no answer", []string{"[]", "[null]", "[[]]", "[{}]"}},
	{"AnEmptyObjectIsMalformed", "an object without fields is JSON and no answer", []string{"{}"}},
	{"AScalarIsMalformed", "a text, a number or a truth value is JSON and no answer", []string{`"text"`, "7", "-1e999", "true"}},
	{"InvalidJSONIsMalformed", "what is not JSON is no answer", []string{"upstream connect error", "<html><body>OK</body></html>", `{"a":`, "{'a':1}", strings.Repeat("[", 20_000)}},
	{"InvalidUTF8IsMalformed", "bytes that are no text are no answer", []string{"\xff\xfe{\x00}\x00", "\x1f\x8b\x08\x00\x00"}},
	{"AnotherShapeIsMalformed", "valid JSON of another shape is no answer", []string{
		`{"status":"ok","result":{"items":[],"count":0}}`, `{"message":"Welcome to the API"}`, `{"data":null,"choices":null,"output":null,"usage":null,"content":null}`}},
}

func (f bodyFault) testCase() suiteCase {
	return suiteCase{f.name, f.rule + "; it arrived with a success, so the request ran", false, func(b *bench) {
		for _, text := range f.bodies {
			b.up.faulty(body(text))
			r := b.call(b.Context(), b.ask())
			b.failed(r, oneOf(providers.Malformed), b.allowed(nil))
			if b.Failed() {
				b.Logf("the body was %.60q", text)
			}
		}
		b.up.faulty(nil)
		b.good(b.ask())
	}}
}
