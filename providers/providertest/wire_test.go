package providertest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/providers/providertest"
)

const attempt = "8b1f9c8e-6a56-4a3c-9c1e-0d6f0f4d2a11"

// readLimit bounds what is read of an answer, in bytes.
const readLimit = 4 << 20

// answer is what came over the wire.
type answer struct {
	status        int // 0 if the connection ended without an answer
	header        http.Header
	body          []byte
	cut           bool          // the body ended before its announced length
	headers, took time.Duration // until the headers came, until the body was read
}

// post sends one request as any client would, on a connection of its own, and follows no redirect.
func post(t testing.TB, up *providertest.Server, path, key, body string) answer {
	t.Helper()
	return send(t, http.MethodPost, up.URL+path, key, body)
}

func send(t testing.TB, method, url, key, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	r.Header.Set("X-Client-Request-Id", attempt)
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	begun := time.Now()
	resp, err := c.Do(r)
	if err != nil {
		if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !strings.Contains(err.Error(), "connection reset") {
			t.Fatalf("the request failed, not the connection: %v", err)
		}
		return answer{}
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header, headers: time.Since(begun)}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, readLimit))
	a.took, a.cut = time.Since(begun), err != nil
	return a
}

func (a answer) decode(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("the body %.100q: %v", a.body, err)
	}
}

// A request on each of the billed routes, and the way to a picture's file.
const (
	textPath, imagePath, runwarePath = "/v1/chat/completions", "/v1/images/generations", "/v1"

	textBody  = `{"model":"m","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"good morning"}],"max_completion_tokens":100}`
	imageBody = `{"model":"m","prompt":"a lighthouse","n":2,"size":"64x32"}`
)

func task(uuid, more string) string {
	return fmt.Sprintf(`[{"taskType":"imageInference","taskUUID":%q,"model":"m","positivePrompt":"a lighthouse","width":64,"height":32,"numberResults":2,"includeCost":true%s}]`, uuid, more)
}

func poll(uuid string) string {
	return fmt.Sprintf(`[{"taskType":"getResponse","taskUUID":%q}]`, uuid)
}

func setFaults(t testing.TB, up *providertest.Server, faults ...providertest.Fault) {
	t.Helper()
	if err := up.SetFaults(faults...); err != nil {
		t.Fatal(err)
	}
}

// last returns the one entry that was added since the journal had n.
func last(t testing.TB, up *providertest.Server, n int) providertest.Entry {
	t.Helper()
	entries := up.Journal()
	if len(entries) != n+1 {
		t.Fatalf("the journal grew by %d entries, want 1: %+v", len(entries)-n, entries[n:])
	}
	return entries[n]
}

func isPNG(b []byte) bool { return bytes.HasPrefix(b, []byte("\x89PNG\r\n")) }
