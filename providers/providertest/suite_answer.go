package providertest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/scrip-go/scrip/providers"
)

// answerCases are about how answers are read, whatever the capability.
var answerCases = []suiteCase{
	{"ReadsTheAnswer", "a whole answer is a success with everything that the upstream said", false, func(b *bench) {
		first := b.good(b.ask())
		b.good(b.ask())
		if b.face.bills {
			n := 0
			for _, q := range b.up.of(first.attempt) {
				if q.billable {
					n++
				}
			}
			if n != 1 {
				b.Errorf("the call made %d billable requests, want 1 (is it no POST? then set Suite.Billable)", n)
			}
		}
	}},
	{"IgnoresTheContentType", "servers and gateways announce what they like: a right answer is a success, for it was paid", false, func(b *bench) {
		for _, kind := range []string{"text/html; charset=utf-8", "text/plain", "application/octet-stream", ""} {
			b.up.faulty(func(x *exchange) {
				x.Header()["Content-Type"] = []string{kind}
				if kind == "" {
					x.Header()["Content-Type"] = nil
				}
				x.good().write(x)
			})
			b.good(b.ask())
		}
	}},
	{"ReadsAPackedAnswer", "an answer that is packed because the adapter asked for it is read", false, func(b *bench) {
		b.up.faulty(func(x *exchange) {
			g := x.good()
			if !strings.Contains(x.q.header.Get("Accept-Encoding"), "gzip") {
				g.write(x)
				return
			}
			x.Header().Set("Content-Encoding", "gzip")
			g.head(x)
			_, _ = x.Write(packed([]byte(g.Body)))
		})
		b.good(b.ask())
	}},
	{"ReadsAnAnswerInPieces", "an answer comes in pieces, with blanks around it", false, func(b *bench) {
		b.up.faulty(func(x *exchange) {
			g := x.good()
			g.head(x)
			for _, part := range []string{"\r\n ", half(g.Body), g.Body[len(g.Body)/2:], "\r\n\r\n"} {
				_, _ = io.WriteString(x, part)
				x.flush()
				time.Sleep(5 * time.Millisecond)
			}
		})
		b.good(b.ask())
	}},
	{"TwoAnswersAreMalformed", "an answer that is followed by another one is none: which of them was billed?", false, func(b *bench) {
		for _, between := range []string{"", "\n"} {
			b.up.faulty(func(x *exchange) {
				g := x.good()
				g.Body += between + g.Body
				g.write(x)
			})
			b.failed(b.call(b.Context(), b.ask()), oneOf(providers.Malformed), b.allowed(nil))
		}
	}},
	{"NoContentIsNoSuccess", "204 is a success that brings nothing, and what was asked for was something", false, func(b *bench) {
		b.up.faulty(func(x *exchange) { x.WriteHeader(http.StatusNoContent) })
		b.failed(b.call(b.Context(), b.ask()), oneOf(providers.Malformed, providers.Incomplete), b.allowed(nil))
	}},
	{"AHugeErrorIsBounded", "the body of an error is bounded too, and the status says enough", false, func(b *bench) {
		whole := make(chan bool, 1)
		b.up.faulty(func(x *exchange) {
			Recorded{Status: 500}.head(x)
			for range x.floodMiB() {
				if _, err := x.Write(flood(false)); err != nil {
					whole <- false
					return
				}
			}
			whole <- true
		})
		b.failed(b.call(b.Context(), b.ask()), oneOf(providers.Upstream), b.allowed(unknown))
		select {
		case all := <-whole:
			if all {
				b.Errorf("the adapter has read all of an error of %d MiB", orElse(b.suite.flood, floodMiB))
			}
		case <-time.After(longer):
			b.Errorf("the adapter has returned and left the answer open: close the body")
		}
	}},
	{"TellsHowLongToWait", "Retry-After is told, whether it is in seconds or a date; without one the adapter invents none", false, func(b *bench) {
		soon := 90 * time.Second
		for _, tt := range []struct {
			status   int
			header   func() string
			from, to time.Duration
		}{
			{429, func() string { return "7" }, 7 * time.Second, 7 * time.Second},
			{503, func() string { return "3600" }, time.Hour, time.Hour},
			{429, func() string { return time.Now().Add(soon).UTC().Format(http.TimeFormat) }, soon - 10*time.Second, soon + time.Second},
			{429, func() string { return time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat) }, 0, 0},
			{429, func() string { return "" }, 0, 0},
		} {
			value := tt.header()
			b.up.faulty(func(x *exchange) {
				if value != "" {
					x.Header().Set("Retry-After", value)
				}
				says(tt.status)(x)
			})
			e := b.failed(b.call(b.Context(), b.ask()), nil, b.allowed(rejected))
			if e != nil && (e.RetryAfter < tt.from || e.RetryAfter > tt.to) {
				b.Errorf("RetryAfter of status %d with Retry-After %q is %v, want %v to %v", tt.status, value, e.RetryAfter, tt.from, tt.to)
			}
		}
	}},
	{"SurvivesAnAbsurdRetryAfter", "a Retry-After that makes no sense is none, and a very long one does not become a short one", false, func(b *bench) {
		for value, least := range map[string]time.Duration{"soon": 0, "-5": 0, "7 seconds": 0, "99999999999": time.Hour, "99999999999999999999999": 0} {
			b.up.faulty(says(429, "Retry-After", value))
			e := b.failed(b.call(b.Context(), b.ask()), nil, b.allowed(rejected))
			if e != nil && e.RetryAfter != 0 && (e.RetryAfter < least || least == 0 && e.RetryAfter < time.Hour) {
				b.Errorf("RetryAfter of %q is %v", value, e.RetryAfter)
			}
		}
	}},
	{"ReturnsARateLimitAtOnce", "an adapter neither waits nor tries again: the engine does, which knows about the hold", false, func(b *bench) {
		for _, status := range []int{429, 503, 500} {
			b.up.faulty(says(status, "Retry-After", "2"))
			r := b.call(b.Context(), b.ask())
			b.failed(r, nil, b.allowed(oneOf(providers.Rejected, providers.Unknown)))
			if r.took > atOnce {
				b.Fatalf("the call took %v with status %d, want it to return at once", r.took, status)
			}
		}
	}},
	{"FollowsNoRedirectToAnotherHost", "a redirect is not followed: it would carry the key to another host", false, func(b *bench) {
		b.redirected(b.up.other.URL)
		for _, q := range b.up.requests() {
			if q.elsewhere {
				b.Errorf("the other host got a %s request; with the key: %t", q.method, strings.Contains(q.everything(), b.key))
			}
		}
	}},
	{"FollowsNoRedirectOnTheSameHost", "a redirect is not followed on the same host either: it would be a second request", false, func(b *bench) {
		b.redirected(b.up.server.URL)
		for _, q := range b.up.requests() {
			if strings.HasSuffix(q.path, "/elsewhere") {
				b.Errorf("a redirect was followed with a %s request", q.method)
			}
		}
	}},
	{"TellsOfTheAnswerInErrors", "an error that came after an answer has its status, a 200 too, and the upstream's id of the request where the success shows one: " +
		"by them the request is found in the upstream's logs", false, func(b *bench) {
		tell := func(name string, s strike, within time.Duration) bool {
			ctx, cancel := context.WithTimeout(b.Context(), orElse(within, patience))
			defer cancel()
			b.up.faulty(s)
			r := b.call(ctx, b.ask())
			var e *providers.Error
			if errors.As(r.err, &e) && e != nil {
				b.names(e, r.attempt)
			}
			if b.Failed() {
				b.Logf("the answer was that of %s", name)
			}
			return !b.Failed() // what is forgotten once is mostly forgotten always
		}
		for _, f := range slices.Concat(statusFaults, transportFaults) {
			if !tell(f.name, f.strike, f.within) {
				return
			}
		}
		for _, f := range bodyFaults {
			if !tell(f.name, body(f.bodies[0]), 0) {
				return
			}
		}
		for _, f := range b.face.failures {
			if f.Recorded.given() && !tell(f.Name, func(x *exchange) { f.Recorded.to(x.q.attempt).write(x) }, 0) {
				return
			}
		}
	}},
	{"KeepsTheRequestOutOfErrors", "an upstream that quotes the request in its error does not bring key, header or prompt into ours", false, func(b *bench) {
		for _, status := range []int{200, 400, 401, 403, 404, 422, 429, 500, 503} {
			if status == 404 && !b.face.bills { // some upstreams say so that they do not know the attempt
				continue
			}
			for _, html := range []bool{false, true} {
				b.up.faulty(func(x *exchange) { x.quote(status, html) })
				b.failed(b.call(b.Context(), b.ask()), nil, b.allowed(oneOf(providers.Rejected, providers.Executed, providers.Unknown)))
			}
		}
	}},
}

// redirected makes a call for each kind of redirect.
func (b *bench) redirected(host string) {
	b.Helper()
	for _, status := range []int{301, 302, 303, 307, 308} {
		b.up.faulty(func(x *exchange) { http.Redirect(x.ResponseWriter, x.r, host+basePath+"/elsewhere", status) })
		b.failed(b.call(b.Context(), b.ask()), oneOf(providers.Upstream), b.allowed(oneOf(providers.Rejected, providers.Unknown)))
	}
}

// quote answers with an error that says the whole request again wherever it can.
func (x *exchange) quote(status int, html bool) {
	key, said := x.u.b.key, x.q.everything()
	x.Header().Set("X-Request-Id", key)
	x.Header().Set("Request-Id", "req_"+key)
	if html {
		x.Header().Set("Content-Type", "text/html")
		x.WriteHeader(status)
		_, _ = io.WriteString(x, "<html><body><pre>"+said+"</pre></body></html>")
		return
	}
	problem := object{"message": said, "code": key, "type": "refused_" + key, "param": key, "parameter": key, "status": said, "detail": said, "request_id": key,
		"taskUUID": x.q.attempt}
	Recorded{Status: status, Body: string(encode(object{"error": problem, "errors": []object{problem}, "message": said, "detail": said,
		"code": key, "id": key, "request_id": key}))}.write(x)
}

// everything is the whole request as text.
func (q seen) everything() string {
	var s strings.Builder
	s.WriteString(q.method + " " + q.path + "?" + q.query + "\n")
	_ = q.header.Write(&s)
	s.WriteString("\n")
	s.Write(q.body)
	return s.String()
}
