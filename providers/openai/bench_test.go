package openai_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/wiretest"
	"github.com/scrip-go/scrip/providers/openai"
)

// floor is the least that a call costs: net/http, encoding/json and the same two structs, with no check of anything.
type floor struct {
	client *http.Client
	url    string
}

type floorRequest struct {
	Model     string         `json:"model"`
	Messages  []floorMessage `json:"messages"`
	MaxOutput int64          `json:"max_completion_tokens"`
	Format    *floorFormat   `json:"response_format,omitempty"`
}

type floorMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type floorFormat struct {
	Type   string `json:"type"`
	Schema struct {
		Name   string          `json:"name"`
		Strict bool            `json:"strict"`
		Schema json.RawMessage `json:"schema"`
	} `json:"json_schema"`
}

type floorAnswer struct {
	Model   string `json:"model"`
	Tier    string `json:"service_tier"`
	Choices []struct {
		Finish  string `json:"finish_reason"`
		Message struct {
			Content string `json:"content"`
			Refusal string `json:"refusal"`
		} `json:"message"`
	} `json:"choices"`
	Usage struct {
		Prompt        int64 `json:"prompt_tokens"`
		Completion    int64 `json:"completion_tokens"`
		Total         int64 `json:"total_tokens"`
		PromptDetails struct {
			Cached     int64 `json:"cached_tokens"`
			CacheWrite int64 `json:"cache_write_tokens"`
		} `json:"prompt_tokens_details"`
		CompletionDetails struct {
			Reasoning int64 `json:"reasoning_tokens"`
		} `json:"completion_tokens_details"`
	} `json:"usage"`
}

func (f floor) call(ctx context.Context, r providers.TextRequest) (string, error) {
	q := floorRequest{Model: r.Model, MaxOutput: r.MaxOutput}
	for _, m := range r.Messages {
		q.Messages = append(q.Messages, floorMessage{string(m.Role), m.Text})
	}
	if r.Schema != nil {
		q.Format = &floorFormat{Type: "json_schema"}
		q.Format.Schema.Name, q.Format.Schema.Strict, q.Format.Schema.Schema = r.Schema.Name, true, r.Schema.JSON
	}
	body, err := json.Marshal(q)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+r.Attempt.Key.Secret.Reveal())
	req.Header.Set("Content-Type", "application/json")
	resp, err := f.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var a floorAnswer
	if err := json.Unmarshal(b, &a); err != nil {
		return "", err
	}
	return a.Choices[0].Message.Content, nil
}

// pair is the adapter and the floor, before the same upstream.
type pair struct {
	adapter func() error
	floor   func() error
}

func pairOf(t testing.TB, client *http.Client, base string) pair {
	t.Helper()
	p := provider(t, openai.Config{BaseURL: base, HTTPClient: client})
	f := floor{client, base + "/chat/completions"}
	r := textRequest()
	r.Schema = &providers.Schema{Name: "echo", JSON: json.RawMessage(`{"type":"object","properties":{"echo":{"type":"string"}},"required":["echo"],"additionalProperties":false}`)}
	r.Messages[1].Text = strings.Repeat(wiretest.Prompt+". ", 40) // some two thousand bytes, as a small function sends
	ctx := context.Background()
	return pair{
		adapter: func() error { _, err := p.GenerateText(ctx, r); return err },
		floor:   func() error { _, err := f.call(ctx, r); return err },
	}
}

// answering is the client's end of a connection whose other end answers every request with the same bytes, and does
// nothing else: whatever is allocated is the client's, transport included.
type answering struct {
	answer  []byte
	request []byte        // what came of it so far
	whole   chan struct{} // a request is complete
	left    []byte        // of the answer, to be read
}

func (c *answering) Write(b []byte) (int, error) {
	c.request = append(c.request, b...)
	const length = "\r\nContent-Length: "
	head := bytes.Index(c.request, []byte("\r\n\r\n"))
	at := bytes.Index(c.request, []byte(length))
	if head < 0 || at < 0 || at > head {
		return len(b), nil
	}
	n := 0
	for _, digit := range c.request[at+len(length):] {
		if digit < '0' || digit > '9' {
			break
		}
		n = n*10 + int(digit-'0')
	}
	if len(c.request) == head+4+n {
		c.request = c.request[:0]
		c.whole <- struct{}{}
	}
	return len(b), nil
}

func (c *answering) Read(b []byte) (int, error) {
	if len(c.left) == 0 {
		if _, open := <-c.whole; !open {
			return 0, io.EOF
		}
		c.left = c.answer
	}
	n := copy(b, c.left)
	c.left = c.left[n:]
	return n, nil
}

func (c *answering) Close() error                     { return nil }
func (c *answering) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *answering) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *answering) SetDeadline(time.Time) error      { return nil }
func (c *answering) SetReadDeadline(time.Time) error  { return nil }
func (c *answering) SetWriteDeadline(time.Time) error { return nil }

// alone is an upstream without a server.
func alone(t testing.TB) pair {
	answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: req_1\r\n"+
		"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: %d\r\n\r\n%s", len(good), good)
	c := &answering{answer: []byte(answer), request: make([]byte, 0, 64<<10), whole: make(chan struct{}, 1)}
	t.Cleanup(func() { close(c.whole) })
	return pairOf(t, &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return c, nil
	}}}, "http://upstream.test")
}

// listening is an upstream on loopback that gives everybody the same answer.
func listening(t testing.TB) pair {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Request-Id", "req_1")
		_, _ = io.WriteString(w, good)
	}))
	t.Cleanup(s.Close)
	return pairOf(t, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}, s.URL)
}

// BenchmarkText compares one call of the adapter with the floor: against a server on loopback, and without a server, where
// there is nothing but the client's own work. The two take turns, a call each, so that what else the machine does falls on
// both; the ratio is that of the medians. It fails if the ratio on loopback is beyond its bar.
func BenchmarkText(b *testing.B) {
	b.Run("Loopback", func(b *testing.B) {
		if ratio := compare(b, listening(b)); ratio > maxRatio && b.N > 1000 {
			b.Errorf("a call takes %.2f times the floor, want at most %v", ratio, maxRatio)
		}
	})
	b.Run("WithoutAServer", func(b *testing.B) { compare(b, alone(b)) })
}

// maxRatio is how long a call may take, in times of the floor.
const maxRatio = 1.25

func compare(b *testing.B, p pair) float64 {
	var adapter, floor []time.Duration
	timed := func(call func() error) time.Duration {
		start := time.Now()
		if err := call(); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	for b.Loop() {
		adapter = append(adapter, timed(p.adapter))
		floor = append(floor, timed(p.floor))
	}
	a, f := median(adapter), median(floor)
	ratio := float64(a) / float64(f)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(a.Nanoseconds()), "adapter-ns")
	b.ReportMetric(float64(f.Nanoseconds()), "floor-ns")
	b.ReportMetric(ratio, "ratio")
	return ratio
}

// maxAllocations is how many allocations a call may make, those of net/http included.
const maxAllocations = 75

func TestACallMakesFewAllocations(t *testing.T) {
	p := alone(t)
	count := func(call func() error) float64 {
		return testing.AllocsPerRun(200, func() {
			if err := call(); err != nil {
				t.Fatal(err)
			}
		})
	}
	floor, adapter := count(p.floor), count(p.adapter)
	t.Logf("allocations of a call: %.0f; of the floor: %.0f", adapter, floor)
	limit := float64(maxAllocations)
	if raced() {
		limit = floor * 1.1 // the pools of net/http forget at random under the race detector, in both
	}
	if adapter > limit {
		t.Errorf("%.0f allocations, want at most %.0f", adapter, limit)
	}
}

func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
