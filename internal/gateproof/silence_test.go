package gateproof_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

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

func silent(tb testing.TB, err error) {
	if found := leaksOf(err); found != nil {
		tb.Errorf("an error gives %q away", found)
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

func (l *logbook) silent(tb testing.TB) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if found := leaks(l.lines.String(), false); found != nil {
		tb.Errorf("the log gives %q away", found)
	}
	if l.lines.Len() == 0 {
		tb.Error("nothing was logged")
	}
}

// silent looks at the upstream's journal, as its page shows it.
func (s *server) silent(tb testing.TB) {
	b, err := json.Marshal(s.Journal())
	if err != nil {
		tb.Error(err)
	}
	if found := leaks(string(b), false); found != nil {
		tb.Errorf("the upstream's journal gives %q away", found)
	}
}

// observer writes the engine's own log at every level to a file that several processes append to.
type observer struct{ w io.Writer }

// Observe implements [engine.Observer].
func (o observer) Observe(ctx context.Context, e engine.Event) {
	engine.Log(slog.New(slog.NewJSONHandler(o.w, &slog.HandlerOptions{Level: slog.LevelDebug}))).Observe(ctx, e)
}
