package otel

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/semconv/v1.41.0/genaiconv"
	"go.opentelemetry.io/otel/trace"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/usage"
)

// begunKey is the key of when an attempt began, in its context.
type begunKey struct{}

func (o *Observer) beginAttempt(ctx context.Context, e engine.Event) context.Context {
	ctx, _ = o.tracer.Start(ctx, string(operationName(e))+" "+e.Model, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		semconv.GenAIOperationNameKey.String(string(operationName(e))), semconv.GenAIProviderNameKey.String(e.Provider),
		semconv.GenAIRequestModel(e.Model), attribute.String("scrip.attempt", e.Attempt)))
	return context.WithValue(ctx, begunKey{}, time.Now())
}

// operationName is what the conventions call a request. They have no word for pictures but the one for content of any
// kind.
func operationName(e engine.Event) genaiconv.OperationNameAttr {
	if e.Kind == registry.Image {
		return genaiconv.OperationNameGenerateContent
	}
	return genaiconv.OperationNameChat
}

func (o *Observer) endAttempt(ctx context.Context, e engine.Event) {
	span := trace.SpanFromContext(ctx)
	input, output, err := e.Usage.TokenSums()
	inputKnown := err == nil && known(e.Usage.Input, e.Usage.CachedInput, e.Usage.CacheWrite, e.Usage.ImageInput, e.Usage.CachedImageInput)
	outputKnown := err == nil && known(e.Usage.Output, e.Usage.Reasoning, e.Usage.ImageOutput)
	if inputKnown {
		span.SetAttributes(semconv.GenAIUsageInputTokensKey.Int64(input))
	}
	if outputKnown {
		span.SetAttributes(semconv.GenAIUsageOutputTokensKey.Int64(output))
	}
	for _, c := range []struct {
		key    attribute.Key
		tokens usage.Count
	}{
		{semconv.GenAIUsageCacheReadInputTokensKey, e.Usage.CachedInput},
		{semconv.GenAIUsageCacheCreationInputTokensKey, e.Usage.CacheWrite},
		{semconv.GenAIUsageReasoningOutputTokensKey, e.Usage.Reasoning},
		{"scrip.usage.images", e.Usage.Images},
	} {
		if c.tokens.Known {
			span.SetAttributes(c.key.Int64(c.tokens.N))
		}
	}
	fail(span, e.Err)
	span.End()

	attrs := []attribute.KeyValue{semconv.GenAIRequestModel(e.Model)}
	provider := genaiconv.ProviderNameAttr(e.Provider)
	if inputKnown {
		o.tokens.Record(ctx, input, operationName(e), provider, genaiconv.TokenTypeInput, attrs...)
	}
	if outputKnown {
		o.tokens.Record(ctx, output, operationName(e), provider, genaiconv.TokenTypeOutput, attrs...)
	}
	if e.Err != nil {
		attrs = append(attrs, ErrorType(e.Err))
	}
	if began, ok := ctx.Value(begunKey{}).(time.Time); ok {
		o.attempts.Record(ctx, time.Since(began).Seconds(), operationName(e), provider, attrs...)
	}
}

func known(counts ...usage.Count) bool {
	for _, c := range counts {
		if c.Known {
			return true
		}
	}
	return false
}

// ErrorType is the attribute error.type of an error of an operation or of an attempt: the kind of a [providers.Error], or
// else one of a few words for what the ledger refused, or else the type of the error.
func ErrorType(err error) attribute.KeyValue {
	if failure := (*providers.Error)(nil); errors.As(err, &failure) {
		return semconv.ErrorTypeKey.String(string(failure.Kind))
	}
	for _, known := range []struct {
		err  error
		name string
	}{
		{credits.ErrInsufficient, "insufficient_credits"},
		{credits.ErrCap, "cap_reached"},
		{credits.ErrInProgress, "in_progress"},
		{credits.ErrKeyReused, "key_reused"},
		{credits.ErrResultPruned, "result_pruned"},
		{context.Canceled, "canceled"},
		{context.DeadlineExceeded, "timeout"},
	} {
		if errors.Is(err, known.err) {
			return semconv.ErrorTypeKey.String(known.name)
		}
	}
	return semconv.ErrorType(err)
}
