package providertest

import (
	"slices"
	"sync"
	"time"
)

// The routes, as the journal names them and as a [Fault] chooses them.
const (
	RouteText      = "text"      // POST /v1/chat/completions
	RouteImage     = "image"     // POST /v1/images/generations
	RouteRunware   = "runware"   // POST /v1 with imageInference
	RoutePoll      = "poll"      // POST /v1 with getResponse
	RouteFile      = "file"      // GET /files/{id}; journalled only if a fault was applied or a key was sent along
	RouteElsewhere = "elsewhere" // the target of a redirect; not a route of a Fault
)

// Entry is one request as the upstream saw it.
type Entry struct {
	Seq          int64     `json:"seq"`  // counts from 1
	Time         time.Time `json:"time"` // when the upstream took it
	Route        string    `json:"route"`
	Attempt      string    `json:"attempt,omitempty"` // X-Client-Request-Id, or the taskUUID
	Model        string    `json:"model,omitempty"`
	Status       int       `json:"status"` // HTTP; 0 if the connection was closed without an answer
	Billable     bool      `json:"billable"`
	Fault        string    `json:"fault,omitempty"`
	InputTokens  int64     `json:"input_tokens,omitempty"`
	OutputTokens int64     `json:"output_tokens,omitempty"`
	Images       int       `json:"images,omitempty"`
	Cost         string    `json:"cost,omitempty"` // USD as an exact decimal; empty if not billable or without a price
}

type journal struct {
	mu      sync.Mutex
	entries []Entry
}

func (j *journal) add(e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e.Seq, e.Time = int64(len(j.entries)+1), time.Now().UTC()
	j.entries = append(j.entries, e)
}

// Journal returns a copy of every entry so far, oldest first. A request is entered once it is decided what becomes of
// it, before its answer is sent, so an answered request is always in it. Billable says that a real provider would have
// billed it because it ran, also if the answer was then cut, dropped or unusable.
func (u *Upstream) Journal() []Entry {
	u.journal.mu.Lock()
	defer u.journal.mu.Unlock()
	return slices.Clone(u.journal.entries)
}
