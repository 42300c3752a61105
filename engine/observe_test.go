package engine_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/internal/reach"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
)

// diary is an observer that keeps what it hears.
type diary struct {
	mu     sync.Mutex
	events []engine.Event
}

func (d *diary) Observe(_ context.Context, e engine.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, e)
}

func (d *diary) phases() string {
	var list []string
	for _, e := range d.events {
		list = append(list, string(e.Phase))
	}
	return strings.Join(list, " ")
}

func TestTheStepsOfAnOperationAreHeardInOrder(t *testing.T) {
	for _, tt := range []struct {
		name   string
		flow   flow
		grant  credits.Amount
		before bool // the key was settled before
		want   string
	}{
		{"Success", flow{}, 0, false, "INIT PREP AI_CALL PARSE SAVE DONE"},
		{"Picture", flow{model: runwareModel}, 0, false, "INIT PREP AI_CALL PARSE SAVE DONE"},
		{"Replay", flow{}, 0, true, "INIT DONE"},
		{"Failure", flow{faults: []providertest.Fault{{Kind: providertest.Status401}}}, 0, false, "INIT PREP AI_CALL PARSE FAILED"},
		{"Retry", flow{faults: []providertest.Fault{{Kind: providertest.Status429, Count: 1}}}, 0, false,
			"INIT PREP AI_CALL PARSE AI_CALL PARSE SAVE DONE"},
		{"Repair", flow{faults: []providertest.Fault{{Kind: providertest.NotJSON, Count: 1}}}, 0, false,
			"INIT PREP AI_CALL PARSE AI_CALL PARSE SAVE DONE"},
		{"Insufficient", flow{}, 1, false, "INIT FAILED"},
		{"AModelThatDoesNotExist", flow{model: "gpt-9"}, 0, false, "INIT FAILED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{inProcess: true, grant: tt.grant})
				if tt.before {
					h.fatal(h.echo("k"))
				}
				h.faults(tt.flow.faults...)
				d := &diary{}
				charged, replayed, err := tt.flow.run(h, h.another(func(c *engine.Config) { c.Observer = d }), credits.Holder{})
				if got := d.phases(); got != tt.want {
					t.Fatalf("phases %q, want %q", got, tt.want)
				}
				first, last := d.events[0], d.events[len(d.events)-1]
				if first.Account != account || first.Key != "k" || first.Function == "" || first.Operation == "" {
					t.Errorf("the first event %+v does not say whose it is", first)
				}
				if (last.Err != nil) != (err != nil) || err != nil && !errors.Is(err, last.Err) || last.Charged != charged || last.Replayed != replayed {
					t.Errorf("the last event %+v differs from the result: %d, %t, %v", last, charged, replayed, err)
				}
				attempts := map[string]bool{}
				for _, e := range d.events {
					if e.Phase == engine.PhaseAICall {
						attempts[e.Attempt] = true
						if e.Attempt == "" || e.Held <= 0 || e.Attempts != len(attempts) || e.Model == "" || e.Provider == "" {
							t.Errorf("event %+v lacks something", e)
						}
					}
					if reach.Reaches(e, apiKey) || reach.Reaches(e, prompt) {
						t.Errorf("event %+v carries the API key or the prompt", e)
					}
				}
				if len(attempts) != len(h.attempts("k")) && !tt.before {
					t.Errorf("heard of %d attempts, %d are journalled", len(attempts), len(h.attempts("k")))
				}
			})
		})
	}
}

// nesting is a tracer that notes in whose context each step is heard.
type nesting struct{ heard []string }

type insideKey struct{}

func (n *nesting) Begin(ctx context.Context, e engine.Event) context.Context {
	n.Observe(ctx, e)
	inside, _ := ctx.Value(insideKey{}).(string)
	return context.WithValue(ctx, insideKey{}, inside+"/"+string(e.Phase))
}

func (n *nesting) Observe(ctx context.Context, e engine.Event) {
	inside, _ := ctx.Value(insideKey{}).(string)
	n.heard = append(n.heard, inside+"/"+string(e.Phase))
}

func TestATracersContextReachesWhatHappensWithin(t *testing.T) {
	var called []string
	h := newHost(t, setup{engine: with(text(func(ctx context.Context, r providers.TextRequest) (providers.TextResult, error) {
		inside, _ := ctx.Value(insideKey{}).(string)
		called = append(called, inside)
		if len(called) == 1 {
			return providers.TextResult{}, failure(providers.RateLimited, providers.Rejected)
		}
		return says(`{"echo":"x"}`)
	}))})
	n := &nesting{}
	e := h.another(func(c *engine.Config) { c.Observer = n })
	_, err := engine.Run(t.Context(), e, echoing, engine.Call{Account: account, Key: "k"}, ask{prompt})
	h.fatal(nil, err)
	want := []string{"/INIT", "/INIT/PREP", "/INIT/AI_CALL", "/INIT/AI_CALL/PARSE", "/INIT/AI_CALL", "/INIT/AI_CALL/PARSE", "/INIT/SAVE", "/INIT/DONE"}
	if !slices.Equal(n.heard, want) {
		t.Errorf("heard %q, want %q", n.heard, want)
	}
	if want := []string{"/INIT/AI_CALL", "/INIT/AI_CALL"}; !slices.Equal(called, want) {
		t.Errorf("the provider was called within %q, want %q", called, want)
	}
}

func TestTheLogSaysHowItEndedAndNothingOfWhatWasSaid(t *testing.T) {
	h := newHost(t, setup{})
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	e := h.another(func(c *engine.Config) { c.Observer = engine.Log(log) })
	call := engine.Call{Account: account, Key: "good"}
	_, err := engine.Run(t.Context(), e, echoing, call, ask{prompt})
	h.fatal(nil, err)
	h.faults(providertest.Fault{Kind: providertest.NotJSON})
	call.Key = "bad"
	if _, err := engine.Run(t.Context(), e, echoing, call, ask{prompt}); !errors.Is(err, engine.ErrAnswer) {
		t.Fatal(err)
	}
	for _, want := range []string{"level=INFO", "phase=DONE", "key=good", "charged=3", "level=WARN", "phase=FAILED", "key=bad", "level=DEBUG", "phase=AI_CALL"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, &out)
		}
	}
	for _, secret := range []string{apiKey, prompt, "lighthouse", "Sure! Here is what"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the log contains %q:\n%s", secret, &out)
		}
	}
	out.Reset()
	quiet := h.another(func(c *engine.Config) {
		c.Observer = engine.Log(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn})))
	})
	h.faults()
	if _, err := engine.Run(t.Context(), quiet, echoing, call, ask{prompt}); err != nil || out.Len() > 0 {
		t.Errorf("%v; at level Warn a success logs nothing, it logged %q", err, &out)
	}
}
