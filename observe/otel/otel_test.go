package otel_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/observe/otel"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
)

const (
	apiKey = "sk-otel-5c1e7a90"
	prompt = "a lighthouse that nobody else would describe"
)

type (
	ask  struct{ Text string }
	echo struct {
		Echo string `json:"echo"`
	}
)

// host is an observed engine on a fake upstream, with what it exports.
type host struct {
	*engine.Engine
	function *engine.Function[ask, echo]
	ledger   credits.Ledger
	up       *providertest.Server
	spans    *tracetest.InMemoryExporter
	metrics  *metric.ManualReader
	tracer   oteltrace.Tracer // the host's own
	sent     *sending
}

// sending keeps the trace context in which requests are sent.
type sending struct{ contexts []oteltrace.SpanContext }

func (s *sending) RoundTrip(r *http.Request) (*http.Response, error) {
	s.contexts = append(s.contexts, oteltrace.SpanContextFromContext(r.Context()))
	return http.DefaultTransport.RoundTrip(r)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newHost(tb testing.TB, grant credits.Amount) *host {
	tb.Helper()
	h := &host{up: providertest.Start(tb, providertest.Config{APIKey: apiKey}), spans: tracetest.NewInMemoryExporter(), metrics: metric.NewManualReader(), sent: &sending{}}
	traces := trace.NewTracerProvider(trace.WithSyncer(h.spans))
	h.tracer = traces.Tracer("host")
	observer := must(otel.New(otel.Options{TracerProvider: traces, MeterProvider: metric.NewMeterProvider(metric.WithReader(h.metrics))}))
	db := memory.New(nil)
	catalogue := must(registry.Catalogue(registry.Seed))
	must(db.Models().Save(tb.Context(), registry.Change{Who: "test", Why: "test", Next: catalogue}))
	models := must(registry.Open(tb.Context(), db.Models(), nil))
	tb.Cleanup(models.Close)
	h.ledger = db.Ledger()
	must(h.ledger.Grant(tb.Context(), credits.Grant{Account: "acme", Key: "g", Kind: credits.Purchase, Amount: grant}))
	h.Engine = must(engine.New(engine.Config{Ledger: h.ledger, Registry: models, Observer: observer,
		Keys:      secret.Static{"openai": {ID: "main", Secret: secret.New(apiKey)}},
		Providers: []providers.Provider{must(openai.New(openai.Config{BaseURL: h.up.BaseURL, HTTPClient: &http.Client{Transport: h.sent}}))}}))
	h.function = must(engine.Define(engine.Definition[ask, echo]{Name: "echo", Operation: "idea_generation",
		Text: &engine.Text[ask, echo]{
			Messages: func(_ engine.Env, in ask) ([]providers.Message, error) {
				return []providers.Message{{Role: providers.User, Text: in.Text}}, nil
			},
			MaxOutput: func(ask) int64 { return 100 },
		}}))
	return h
}

// run is a call within a span of the host's.
func (h *host) run(tb testing.TB, key credits.Key) error {
	ctx, span := h.tracer.Start(tb.Context(), "button")
	defer span.End()
	_, err := engine.Run(ctx, h.Engine, h.function, engine.Call{Account: "acme", Key: key, Scope: "run-1"}, ask{prompt})
	return err
}

// tree writes the spans as they lie in each other.
func (h *host) tree() string {
	var out strings.Builder
	all := h.spans.GetSpans()
	slices.SortFunc(all, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	var write func(parent oteltrace.SpanID, indent string)
	write = func(parent oteltrace.SpanID, indent string) {
		for _, s := range all {
			if s.Parent.SpanID() == parent {
				fmt.Fprintf(&out, "%s%s, %s, %s\n", indent, s.Name, s.SpanKind, s.Status.Code)
				write(s.SpanContext.SpanID(), indent+"  ")
			}
		}
	}
	write(oteltrace.SpanID{}, "")
	return out.String()
}

// attributes are those of the spans of a name, the last one's if there are several.
func (h *host) attributes(name string) map[attribute.Key]any {
	out := map[attribute.Key]any{}
	for _, s := range h.spans.GetSpans() {
		if s.Name == name {
			for _, a := range s.Attributes {
				out[a.Key] = a.Value.AsInterface()
			}
		}
	}
	return out
}

func TestAnOperationIsASpanAndItsDispatchesAreSpansWithin(t *testing.T) {
	h := newHost(t, 1000)
	if err := h.up.SetFaults(providertest.Fault{Kind: providertest.Status429, Count: 1}); err != nil {
		t.Fatal(err)
	}
	if err := h.run(t, "k"); err != nil {
		t.Fatal(err)
	}
	want := `button, internal, Unset
  scrip idea_generation, internal, Unset
    chat gpt-5.1, client, Error
    chat gpt-5.1, client, Unset
`
	if diff := cmp.Diff(want, h.tree()); diff != "" {
		t.Error(diff)
	}
	for i, c := range h.sent.contexts {
		if !c.IsValid() || !slices.ContainsFunc(h.spans.GetSpans(), func(s tracetest.SpanStub) bool {
			return s.SpanContext.SpanID() == c.SpanID() && s.SpanKind == oteltrace.SpanKindClient
		}) {
			t.Errorf("request %d was sent outside the span of its attempt", i)
		}
	}
	journal := h.up.Journal()
	last := journal[len(journal)-1]
	operation, attempt := h.attributes("scrip idea_generation"), h.attributes("chat gpt-5.1")
	for key, want := range map[attribute.Key]any{"scrip.account": "acme", "scrip.key": "k", "scrip.scope": "run-1", "scrip.function": "echo",
		"scrip.operation": "idea_generation", "scrip.outcome": "done", "scrip.attempts": int64(2)} {
		if operation[key] != want {
			t.Errorf("the operation's %s is %v, want %v", key, operation[key], want)
		}
	}
	for key, want := range map[attribute.Key]any{"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5.1",
		"gen_ai.usage.input_tokens": last.InputTokens, "gen_ai.usage.output_tokens": last.OutputTokens, "scrip.attempt": last.Attempt,
		"error.type": "rate_limited"} { // the first attempt's, which alone has one
		if attempt[key] != want {
			t.Errorf("the attempts' %s is %v, want %v", key, attempt[key], want)
		}
	}
}

func TestAFailedOperationSaysWhatFailed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		grant credits.Amount
		fault providertest.FaultKind
		want  string
	}{
		{"Provider", 1000, providertest.Status401, "auth"},
		{"Credits", 1, "", "insufficient_credits"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, tt.grant)
			if tt.fault != "" {
				if err := h.up.SetFaults(providertest.Fault{Kind: tt.fault}); err != nil {
					t.Fatal(err)
				}
			}
			if tt.fault == "" { // the only credit there is
				if err := h.run(t, "before"); err != nil {
					t.Fatal(err)
				}
			}
			if err := h.run(t, "k"); err == nil {
				t.Fatal("the call succeeded")
			}
			got := h.attributes("scrip idea_generation")
			if got["error.type"] != tt.want || got["scrip.outcome"] != "failed" || got["scrip.credits.charged"] != int64(0) {
				t.Errorf("attributes = %v, want error.type %s", got, tt.want)
			}
			if spans := h.spans.GetSpans(); !slices.ContainsFunc(spans, func(s tracetest.SpanStub) bool {
				return s.Name == "scrip idea_generation" && s.Status.Code == codes.Error
			}) {
				t.Error("no operation's span has the status of an error")
			}
		})
	}
}

// sums adds up a metric by the attributes named.
func (h *host) sums(t *testing.T, name string, by ...attribute.Key) map[string]float64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := h.metrics.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	add := func(set attribute.Set, n float64) {
		var parts []string
		for _, key := range by {
			v, _ := set.Value(key)
			parts = append(parts, v.Emit())
		}
		out[strings.Join(parts, " ")] += n
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name != name {
				continue
			}
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, float64(p.Value))
				}
			case metricdata.Histogram[int64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, float64(p.Sum))
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, float64(p.Count))
				}
			}
		}
	}
	return out
}

// What the metrics say is what the ledger and the upstream say, and a replay is charged once.
func TestMetricsAddUpToTheLedgerAndTheInvoice(t *testing.T) {
	h := newHost(t, 1000)
	for _, key := range []credits.Key{"a", "b", "a"} {
		if err := h.run(t, key); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.up.SetFaults(providertest.Fault{Kind: providertest.Length}); err != nil {
		t.Fatal(err)
	}
	if err := h.run(t, "c"); err == nil {
		t.Fatal("a cut answer is a success")
	}
	var input, output float64
	for _, e := range h.up.Journal() {
		input, output = input+float64(e.InputTokens), output+float64(e.OutputTokens)
	}
	balance := must(h.ledger.Balance(t.Context(), "acme"))
	for _, c := range []struct {
		name string
		by   []attribute.Key
		want map[string]float64
	}{
		{"scrip.operations", []attribute.Key{"scrip.operation", "scrip.outcome"},
			map[string]float64{"idea_generation done": 2, "idea_generation replayed": 1, "idea_generation failed": 1}},
		{"scrip.credits.charged", []attribute.Key{"gen_ai.provider.name", "gen_ai.request.model"}, map[string]float64{"openai gpt-5.1": float64(1000 - balance.Posted)}},
		{"scrip.operation.duration", []attribute.Key{"scrip.outcome"}, map[string]float64{"done": 2, "replayed": 1, "failed": 1}},
		{"gen_ai.client.token.usage", []attribute.Key{"gen_ai.token.type"}, map[string]float64{"input": input, "output": output}},
		{"gen_ai.client.operation.duration", []attribute.Key{"gen_ai.request.model", "error.type"},
			map[string]float64{"gpt-5.1 ": 2, "gpt-5.1 incomplete": 1}},
	} {
		if diff := cmp.Diff(c.want, h.sums(t, c.name, c.by...)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

// Nothing that is exported has a key or a prompt in it, and the search would find one.
func TestNothingExportedHasAKeyOrAPrompt(t *testing.T) {
	h := newHost(t, 1000)
	for _, kind := range []providertest.FaultKind{"", providertest.Status401, providertest.Status500, providertest.InvalidBody, providertest.Refusal, providertest.NotJSON} {
		if kind != "" {
			if err := h.up.SetFaults(providertest.Fault{Kind: kind}); err != nil {
				t.Fatal(err)
			}
		}
		_ = h.run(t, credits.Key("k"+string(kind))) // most of them fail
	}
	var metrics metricdata.ResourceMetrics
	if err := h.metrics.Collect(t.Context(), &metrics); err != nil {
		t.Fatal(err)
	}
	exported := fmt.Sprintf("%+v\n%+v", h.spans.GetSpans(), metrics)
	for _, s := range h.spans.GetSpans() {
		exported += fmt.Sprintf("%v %v %v\n", s.Attributes, s.Events, s.Status)
	}
	if !strings.Contains(exported, "gpt-5.1") || !strings.Contains(exported, "acme") {
		t.Fatal("the search looks at nothing")
	}
	for _, secret := range []string{apiKey, prompt, "Bearer"} {
		if strings.Contains(exported, secret) {
			t.Errorf("%q is exported", secret)
		}
	}
}

func TestErrorType(t *testing.T) {
	for want, err := range map[string]error{
		"rate_limited":         fmt.Errorf("engine: %w", &providers.Error{Kind: providers.RateLimited}),
		"insufficient_credits": &credits.InsufficientError{},
		"cap_reached":          &credits.CapError{},
		"in_progress":          fmt.Errorf("x: %w", credits.ErrInProgress),
		"canceled":             context.Canceled,
		"timeout":              context.DeadlineExceeded,
		"*errors.errorString":  errors.New("else"),
	} {
		if got := otel.ErrorType(err).Value.AsString(); got != want {
			t.Errorf("ErrorType(%v) = %s, want %s", err, got, want)
		}
	}
}
