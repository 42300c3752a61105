package providertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/shopspring/decimal"
)

// requestLimit bounds the body of a request, in bytes.
const requestLimit = 64 << 20

// Config says how the fake behaves. The zero Config echoes.
type Config struct {
	Responder Responder        // what answers say; Echo if nil
	Latency   time.Duration    // how long a request takes to run, before its answer begins
	APIKey    string           // any other bearer is a 401; if empty, any bearer will do
	Prices    map[string]Price // by model; a model without one costs nothing that could be reported
	// Remember is how many files and how many Runware tasks are kept, 4096 if 0 or less. A file that is forgotten is a 404, a
	// task that is forgotten is taskNotFound and may be submitted again.
	Remember int
}

// Price is what a model costs, in USD.
type Price struct {
	Input  decimal.Decimal // per million tokens
	Output decimal.Decimal // per million tokens
	Image  decimal.Decimal // per picture
}

func (p Price) of(input, output int64, images int) decimal.Decimal {
	million := decimal.New(1, 6)
	return p.Input.Mul(decimal.NewFromInt(input)).Add(p.Output.Mul(decimal.NewFromInt(output))).DivRound(million, 18).
		Add(p.Image.Mul(decimal.NewFromInt(int64(images))))
}

// Upstream is the fake, an [http.Handler].
type Upstream struct {
	cfg     Config
	mux     *http.ServeMux
	journal journal
	rules   rules
	files   remembered[file]
	fileIDs atomic.Int64
	tasks   remembered[*task]
}

var _ http.Handler = (*Upstream)(nil)

// New returns a fake upstream with an empty journal and no faults. It keeps cfg's Prices, which are not to be changed
// any more.
func New(cfg Config) *Upstream {
	if cfg.Responder == nil {
		cfg.Responder = Echo{}
	}
	if cfg.Remember <= 0 {
		cfg.Remember = 4096
	}
	u := &Upstream{cfg: cfg, mux: http.NewServeMux(),
		files: remembered[file]{limit: cfg.Remember}, tasks: remembered[*task]{limit: cfg.Remember}}
	u.mux.HandleFunc("POST /v1/chat/completions", u.text)
	u.mux.HandleFunc("POST /v1/images/generations", u.image)
	u.mux.HandleFunc("GET /v1/models", u.models)
	u.mux.HandleFunc("POST /v1", u.runware)
	u.mux.HandleFunc("GET /files/{id}", u.file)
	u.mux.HandleFunc("GET /journal", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, append([]Entry{}, u.Journal()...)) }) // [] if it is empty
	u.mux.HandleFunc("POST /faults", u.setFaults)
	u.mux.HandleFunc("/elsewhere", u.elsewhere)
	return u
}

// ServeHTTP implements [http.Handler].
func (u *Upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) { u.mux.ServeHTTP(w, r) }

func (u *Upstream) setFaults(w http.ResponseWriter, r *http.Request) {
	var faults []Fault
	err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&faults)
	if err == nil {
		err = u.SetFaults(faults...)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (u *Upstream) models(w http.ResponseWriter, r *http.Request) {
	if !u.admits(r) {
		writeJSON(w, 401, openAIFaults[Status401].body)
		return
	}
	data := []any{}
	for _, id := range slices.Sorted(maps.Keys(u.cfg.Prices)) {
		data = append(data, map[string]any{"id": id, "object": "model", "created": 1, "owned_by": "providertest"})
	}
	writeJSON(w, 200, map[string]any{"object": "list", "data": data})
}

func (u *Upstream) elsewhere(w http.ResponseWriter, r *http.Request) {
	u.journal.add(Entry{Route: RouteElsewhere, Status: 400})
	http.Error(w, "a redirect was followed", 400)
}

// admits reports whether the request brings the key, or any key if none is configured.
func (u *Upstream) admits(r *http.Request) bool {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && key != "" && (u.cfg.APIKey == "" || key == u.cfg.APIKey)
}

// bill fills in what a request that runs would cost.
func (u *Upstream) bill(e *Entry, input, output int64, images int) (cost decimal.Decimal, known bool) {
	e.Billable, e.InputTokens, e.OutputTokens, e.Images = true, input, output, images
	p, known := u.cfg.Prices[e.Model]
	if known {
		cost = p.of(input, output, images)
		e.Cost = cost.String()
	}
	return cost, known
}

// refuse answers a request that a fault keeps from running. It returns false if the fault lets it run.
func (u *Upstream) refuse(w http.ResponseWriter, r *http.Request, f Fault, e Entry, bodies map[FaultKind]canned) bool {
	e.Fault = string(f.Kind)
	c, isStatus := bodies[f.Kind]
	switch {
	case isStatus:
		e.Status = c.status
	case f.Kind == Status502:
		e.Status = 502
	case f.Kind == Redirect:
		e.Status = 302
	case f.Kind == DropBefore:
	default:
		return false
	}
	u.journal.add(e)
	switch {
	case isStatus:
		if f.RetryAfter > 0 && (f.Kind == Status429 || f.Kind == Status503) {
			w.Header().Set("Retry-After", fmt.Sprint(int64((f.RetryAfter+time.Second-1)/time.Second)))
			w.Header().Set("Retry-After-Ms", fmt.Sprint(f.RetryAfter.Milliseconds()))
		}
		writeJSON(w, c.status, c.body)
	case f.Kind == Status502:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(502)
		_, _ = io.WriteString(w, "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n")
	case f.Kind == Redirect:
		http.Redirect(w, r, "http://"+r.Host+"/elsewhere", http.StatusFound)
	default:
		panic(http.ErrAbortHandler)
	}
	return true
}

// deliver sends the answer of a request that ran, after the time to wait. The journal has it already: a caller who does
// not wait is billed all the same.
func (u *Upstream) deliver(w http.ResponseWriter, r *http.Request, f Fault, wait time.Duration, contentType string, body []byte) {
	if f.Kind == Slow {
		wait += f.Delay
	}
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
	}
	switch f.Kind {
	case DropAfter:
		panic(http.ErrAbortHandler)
	case InvalidBody:
		contentType, body = "text/plain", []byte("upstream connect error or disconnect/reset before headers\n")
	case EmptyBody:
		body = nil
	case WrongType:
		contentType = "text/html; charset=utf-8"
	case Twice:
		body = append(append(bytes.Clone(body), '\n'), body...)
	}
	w.Header().Set("Content-Type", contentType)
	if f.Kind == HugeBody || f.Kind == GzipBomb {
		blanks(w, r, f.Kind == GzipBomb)
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(200)
	switch f.Kind {
	case CutBody:
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case SlowBody:
		drip(w, r, body, f.Delay)
	default:
		_, _ = w.Write(body)
	}
}

// answered is the status that the journal gets for a request that runs.
func answered(f Fault) int {
	if f.Kind == DropAfter {
		return 0
	}
	return 200
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encode(v))
}

// encode writes values that are made here and always fit.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
