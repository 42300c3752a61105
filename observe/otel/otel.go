package otel

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/semconv/v1.41.0/genaiconv"
	"go.opentelemetry.io/otel/trace"

	"github.com/scrip-go/scrip/engine"
)

// scope names the instrumentation.
const scope = "github.com/scrip-go/scrip/observe/otel"

// Options are the options of [New]. The zero Options use the global providers.
type Options struct {
	TracerProvider trace.TracerProvider // otel.GetTracerProvider() if nil
	MeterProvider  metric.MeterProvider // otel.GetMeterProvider() if nil
}

// Observer is an [engine.Tracer]. It is safe for concurrent use.
type Observer struct {
	tracer trace.Tracer

	attempts   genaiconv.ClientOperationDuration
	tokens     genaiconv.ClientTokenUsage
	operations metric.Int64Counter
	durations  metric.Float64Histogram
	charged    metric.Int64Counter
}

var _ engine.Tracer = (*Observer)(nil)

// The boundaries that the conventions advise.
var (
	secondBounds = []float64{0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92}
	tokenBounds  = []float64{1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864}
)

// New returns an Observer. The error joins those of the meter provider.
func New(o Options) (*Observer, error) {
	if o.TracerProvider == nil {
		o.TracerProvider = otel.GetTracerProvider()
	}
	if o.MeterProvider == nil {
		o.MeterProvider = otel.GetMeterProvider()
	}
	meter := o.MeterProvider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))
	out := &Observer{tracer: o.TracerProvider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))}
	var errs [5]error
	out.attempts, errs[0] = genaiconv.NewClientOperationDuration(meter, metric.WithExplicitBucketBoundaries(secondBounds...))
	out.tokens, errs[1] = genaiconv.NewClientTokenUsage(meter, metric.WithExplicitBucketBoundaries(tokenBounds...))
	out.operations, errs[2] = meter.Int64Counter("scrip.operations", metric.WithUnit("{operation}"),
		metric.WithDescription("Operations that went through the gate."))
	out.durations, errs[3] = meter.Float64Histogram("scrip.operation.duration", metric.WithUnit("s"),
		metric.WithDescription("How long operations took, retries and downloads included."), metric.WithExplicitBucketBoundaries(secondBounds...))
	out.charged, errs[4] = meter.Int64Counter("scrip.credits.charged", metric.WithUnit("{credit}"),
		metric.WithDescription("Credits charged for operations."))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return out, nil
}

// Begin implements [engine.Tracer].
func (o *Observer) Begin(ctx context.Context, e engine.Event) context.Context {
	if e.Phase == engine.PhaseAICall {
		return o.beginAttempt(ctx, e)
	}
	ctx, _ = o.tracer.Start(ctx, "scrip "+e.Operation, trace.WithSpanKind(trace.SpanKindInternal), trace.WithAttributes(
		attribute.String("scrip.account", string(e.Account)), attribute.String("scrip.key", string(e.Key)),
		attribute.String("scrip.function", e.Function), attribute.String("scrip.operation", e.Operation)))
	if e.Scope != "" {
		trace.SpanFromContext(ctx).SetAttributes(attribute.String("scrip.scope", e.Scope))
	}
	return ctx
}

// Observe implements [engine.Observer].
func (o *Observer) Observe(ctx context.Context, e engine.Event) {
	switch e.Phase {
	case engine.PhaseParse:
		o.endAttempt(ctx, e)
	case engine.PhaseDone, engine.PhaseFailed:
		o.endOperation(ctx, e)
	default:
		trace.SpanFromContext(ctx).AddEvent(string(e.Phase))
	}
}

func (o *Observer) endOperation(ctx context.Context, e engine.Event) {
	outcome := "done"
	switch {
	case e.Err != nil:
		outcome = "failed"
	case e.Replayed:
		outcome = "replayed"
	}
	span := trace.SpanFromContext(ctx)
	span.SetAttributes(attribute.String("scrip.outcome", outcome), attribute.Int("scrip.attempts", e.Attempts),
		attribute.Int64("scrip.credits.held", int64(e.Held)), attribute.Int64("scrip.credits.charged", int64(e.Charged)))
	fail(span, e.Err)
	span.End()

	operation := attribute.String("scrip.operation", e.Operation)
	o.operations.Add(ctx, 1, metric.WithAttributes(operation, attribute.String("scrip.function", e.Function), attribute.String("scrip.outcome", outcome)))
	o.durations.Record(ctx, e.Elapsed.Seconds(), metric.WithAttributes(operation, attribute.String("scrip.outcome", outcome)))
	if outcome == "done" {
		o.charged.Add(ctx, int64(e.Charged), metric.WithAttributes(operation,
			semconv.GenAIProviderNameKey.String(e.Provider), semconv.GenAIRequestModel(e.Model)))
	}
}

// fail marks a span as failed.
func fail(span trace.Span, err error) {
	if err == nil {
		return
	}
	span.SetAttributes(ErrorType(err))
	span.SetStatus(codes.Error, err.Error())
}
