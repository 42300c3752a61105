package providertest

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scrip-go/scrip/providers"
)

// basePath is what the base URL has for a path, so that an adapter that drops it is seen.
const basePath = "/base/v7"

// upstreamSide is the world that an adapter under test lives in: it answers with the author's good wire, records every
// request and lets faults strike.
type upstreamSide struct {
	b       *bench
	server  *httptest.Server
	other   *httptest.Server // another host, where the adapter may only go if it is told to
	over    chan struct{}    // closed when the case ends, for handlers that hang
	drained atomic.Bool      // somebody has read all of a huge answer
	once    sync.Once

	mu       sync.Mutex
	attempts []string        // the ids that were given out
	seen     []seen          // guarded by mu
	strike   strike          // guarded by mu; nil lets all pass
	polls    bool            // guarded by mu; it strikes what is not billable, in place of what is
	struck   int             // guarded by mu
	told     map[string]told // guarded by mu; by attempt
}

// told is what an attempt was answered while its caller was there to hear it.
type told struct {
	statuses   []int
	identified bool // with the upstream's id of the request, where the good answer has it
}

// teller is an answer that is taken note of when it begins.
type teller struct {
	http.ResponseWriter
	begins func(status int, h http.Header)
	begun  bool
}

func (t *teller) WriteHeader(status int) {
	if !t.begun {
		t.begun = true
		t.begins(status, t.Header())
	}
	t.ResponseWriter.WriteHeader(status)
}

func (t *teller) Write(b []byte) (int, error) {
	if !t.begun {
		t.WriteHeader(http.StatusOK)
	}
	return t.ResponseWriter.Write(b)
}

// Unwrap is for [http.ResponseController].
func (t *teller) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// tell takes note of an answer to an attempt.
func (u *upstreamSide) tell(attempt string, status int, h http.Header) {
	u.mu.Lock()
	defer u.mu.Unlock()
	t := u.told[attempt]
	t.statuses = append(t.statuses, status)
	if id := u.b.face.requestID; id != "" {
		for _, values := range h {
			t.identified = t.identified || slices.Contains(values, expand(id, attempt))
		}
	}
	u.told[attempt] = t
}

// answered returns what an attempt was answered.
func (u *upstreamSide) answered(attempt string) told {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.told[attempt]
}

// seen is a request as it came.
type seen struct {
	method, host, path, query string
	header                    http.Header
	body                      []byte
	attempt                   string // the id found in it; empty if there is none
	billable                  bool
	elsewhere                 bool // it came to the other host
}

// strike answers a request in place of the good wire.
type strike func(x *exchange)

// exchange is a request that is being answered.
type exchange struct {
	http.ResponseWriter
	r *http.Request
	u *upstreamSide
	q seen
}

// good returns what the good wire would answer.
func (x *exchange) good() Recorded { return x.u.good(x.r, x.q) }

// identify gives an answer the upstream's id of the request, where the good one has it.
func (x *exchange) identify() {
	if name := x.u.b.face.idHeader(); name != "" {
		x.Header().Set(name, expand(x.u.b.face.requestID, x.q.attempt))
	}
}

func (x *exchange) flush() { _ = http.NewResponseController(x.ResponseWriter).Flush() }

// cut closes the connection.
func (x *exchange) cut() { panic(http.ErrAbortHandler) }

// raw writes bytes as they are and closes the connection.
func (x *exchange) raw(bytes string) {
	conn, _, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err != nil {
		x.cut()
	}
	_, _ = io.WriteString(conn, bytes)
	_ = conn.Close()
}

// hang waits until the caller has gone, for as long as an upstream hangs.
func (x *exchange) hang() {
	timer := time.NewTimer(longer)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.r.Context().Done():
	case <-x.u.over:
	}
}

func newUpstreamSide(b *bench) *upstreamSide {
	u := &upstreamSide{b: b, over: make(chan struct{}), told: map[string]told{}}
	u.server = u.listen(false)
	u.other = u.listen(true)
	return u
}

func (u *upstreamSide) listen(elsewhere bool) *httptest.Server {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { u.serve(w, r, elsewhere) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	return s
}

func (u *upstreamSide) base() string { return u.server.URL + basePath }

// close ends what hangs and closes every connection. It may be called more than once.
func (u *upstreamSide) close() {
	u.once.Do(func() {
		close(u.over)
		for _, s := range []*httptest.Server{u.server, u.other} {
			s.CloseClientConnections()
			s.Close()
		}
	})
}

// expect takes note of an attempt, so that its requests are recognised.
func (u *upstreamSide) expect(a providers.Attempt) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.attempts = append(u.attempts, a.ID)
}

// faulty sets what strikes from now on.
func (u *upstreamSide) faulty(s strike) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.strike, u.polls = s, false
}

// faultyPolls sets what strikes the requests that are not billable, and returns what says whether it did.
func (u *upstreamSide) faultyPolls(s strike) (struck func() bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.strike, u.polls, u.struck = s, true, 0
	return func() bool {
		u.mu.Lock()
		defer u.mu.Unlock()
		return u.struck > 0
	}
}

func (u *upstreamSide) serve(w http.ResponseWriter, r *http.Request, elsewhere bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestLimit))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	q := seen{method: r.Method, host: r.Host, path: r.URL.Path, query: r.URL.RawQuery, header: r.Header.Clone(), body: body, elsewhere: elsewhere}
	u.mu.Lock()
	q.attempt = u.find(q)
	q.billable = u.billable(r, body)
	u.seen = append(u.seen, q)
	hit := u.strike
	if u.b.face == nil || u.b.face.bills && q.billable == u.polls {
		hit = nil
	}
	if hit != nil {
		u.struck++
	}
	u.mu.Unlock()
	x := &exchange{&teller{ResponseWriter: w, begins: func(status int, h http.Header) {
		if u.b.face != nil && r.Context().Err() == nil { // nobody hears it otherwise
			u.tell(q.attempt, status, h)
		}
	}}, r, u, q}
	if hit != nil {
		hit(x)
		return
	}
	x.good().write(x)
}

func (u *upstreamSide) billable(r *http.Request, body []byte) bool {
	if f := u.b.suite.Billable; f != nil {
		return f(r, body)
	}
	return r.Method == http.MethodPost
}

// find returns the id of the attempt that a request names anywhere.
func (u *upstreamSide) find(q seen) string {
	var all strings.Builder
	all.WriteString(q.path + "\n" + q.query + "\n")
	for _, values := range q.header {
		all.WriteString(strings.Join(values, "\n") + "\n")
	}
	all.Write(q.body)
	text := strings.ToLower(all.String())
	for _, id := range u.attempts {
		if strings.Contains(text, id) {
			return id
		}
	}
	return ""
}

// good is the answer of the author's wire.
func (u *upstreamSide) good(r *http.Request, q seen) Recorded {
	if u.b.face == nil {
		return Recorded{Status: 404}
	}
	if h := u.b.face.handler; h != nil {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return Recorded{Status: w.Code, Header: w.Header(), Body: w.Body.String()}
	}
	if s := u.b.face.structured; s.given() && bytes.Contains(q.body, []byte(suiteProperty)) {
		return s.to(q.attempt)
	}
	return u.b.face.success.to(q.attempt)
}

// requests returns all requests so far.
func (u *upstreamSide) requests() []seen {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]seen(nil), u.seen...)
}

// of returns the requests that name an attempt, and those that name none: nobody else makes requests here.
func (u *upstreamSide) of(attempt string) []seen {
	var list []seen
	for _, q := range u.requests() {
		if q.attempt == attempt || q.attempt == "" {
			list = append(list, q)
		}
	}
	return list
}

// audit checks what holds after every case: what the other host saw, and that no attempt was billable twice.
func (u *upstreamSide) audit() {
	u.b.Helper()
	if u.b.face == nil {
		return
	}
	times := map[string]int{}
	for _, q := range u.requests() {
		if q.billable {
			times[q.attempt]++
		}
	}
	for attempt, n := range times {
		switch {
		case !u.b.face.bills:
			u.b.Errorf("a question about an attempt caused %d billable requests, want none (is it a POST? then set Suite.Billable)", n)
		case attempt != "" && n > 1:
			u.b.Errorf("one call caused %d billable requests, want at most 1", n)
		}
	}
	u.mu.Lock()
	calls := len(u.attempts)
	u.mu.Unlock()
	if u.b.face.bills && times[""] > calls {
		u.b.Errorf("%d calls caused %d billable requests without an attempt's id", calls, times[""])
	}
}

// to returns the answer to an attempt.
func (r Recorded) to(attempt string) Recorded {
	out := Recorded{Status: r.Status, Header: r.Header.Clone(), Body: expand(r.Body, attempt)}
	for _, values := range out.Header {
		for i := range values {
			values[i] = expand(values[i], attempt)
		}
	}
	return out
}

func expand(text, attempt string) string { return strings.ReplaceAll(text, "{{attempt}}", attempt) }

// head writes the headers. Those of the fault go before the answer's own.
func (r Recorded) head(w http.ResponseWriter) {
	for name, values := range r.Header {
		name = http.CanonicalHeaderKey(name)
		if _, set := w.Header()[name]; !set && name != "Content-Length" { // a fault may change the body
			w.Header()[name] = values
		}
	}
	if _, set := w.Header()["Content-Type"]; !set {
		w.Header().Set("Content-Type", "application/json")
	}
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	w.WriteHeader(r.Status)
}

func (r Recorded) write(w http.ResponseWriter) {
	r.head(w)
	_, _ = io.WriteString(w, r.Body)
}
