package gateproof_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"sync"

	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/internal/reach"
)

// secrets are texts that belong into a request and nowhere else: the keys, and what is part of any header that has one.
var secrets = []string{openaiKey, runwareKey, "gateproof-", "Bearer", "Authorization"}

// leaks returns what of the secrets, and of a prompt unless it may be there, is in a text.
func leaks(text string, prompts bool) (found []string) {
	for _, s := range secrets {
		if strings.Contains(strings.ToLower(text), strings.ToLower(s)) {
			found = append(found, s)
		}
	}
	if !prompts && strings.Contains(strings.ToLower(text), canary) {
		found = append(found, canary)
	}
	return found
}

// leaksOf returns the same for an error: formatted, as JSON, and walked by reflection.
func leaksOf(err error) (found []string) {
	if err == nil {
		return nil
	}
	asJSON, _ := json.Marshal(err)
	for _, printed := range []string{fmt.Sprintf("%v", err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err), fmt.Sprintf("%q", err), string(asJSON)} {
		found = append(found, leaks(printed, false)...)
	}
	for _, s := range append([]string{canary}, secrets...) {
		if reach.Reaches(err, s) {
			found = append(found, s+" by reflection")
		}
	}
	return found
}

// leaksOfFile returns what leaks returns for the lines of a log that processes have written.
func leaksOfFile(name string) (found []string, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for in := bufio.NewReader(file); ; {
		line, err := in.ReadString('\n')
		found = append(found, leaks(line, false)...)
		if err == io.EOF {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// logbook is what the observer that logs has written, at every level.
type logbook struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

// Observe implements [engine.Observer]: the engine's own logger, and every event as it is.
func (l *logbook) Observe(ctx context.Context, e engine.Event) {
	engine.Log(slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))).Observe(ctx, e)
	fmt.Fprintf(l, "%+v\n", e)
}

// leaks returns what is in the log that must not be.
func (l *logbook) leaks() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines.Len() == 0 {
		return []string{"nothing, because nothing was logged"}
	}
	return leaks(l.lines.String(), false)
}

// leaks returns what is in the upstream's journal, as its page shows it, that must not be.
func (s *server) leaks() []string {
	page := httptest.NewRecorder()
	s.ServeHTTP(page, httptest.NewRequest("GET", "/journal", nil))
	if !strings.Contains(page.Body.String(), `"seq":1,`) {
		return []string{"nothing, because there is no journal"}
	}
	return leaks(page.Body.String(), false)
}

// observer writes the engine's own log at every level to a file that several processes append to.
type observer struct{ w io.Writer }

// Observe implements [engine.Observer].
func (o observer) Observe(ctx context.Context, e engine.Event) {
	engine.Log(slog.New(slog.NewJSONHandler(o.w, &slog.HandlerOptions{Level: slog.LevelDebug}))).Observe(ctx, e)
}
