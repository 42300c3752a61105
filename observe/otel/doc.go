// Package otel observes the operations of an engine with OpenTelemetry: traces and metrics by the GenAI semantic
// conventions, and the credits beside them. It is a module of its own, so that a host without telemetry does not get any.
//
//	observer, err := otel.New(otel.Options{})
//	e, err := engine.New(engine.Config{Observer: observer, …})
//
// # Spans
//
// An operation is a span of kind internal, "scrip {operation}", with what was held and charged. Each dispatch to a
// provider is a span of kind client within it, "{gen_ai.operation.name} {gen_ai.request.model}", with what was used; its
// trace context is in the context of the provider's call, so that an instrumented HTTP client makes its spans within it.
// A failed span has error.type: the kind of a providers.Error, or else what [ErrorType] says.
//
// # Metrics
//
//   - gen_ai.client.operation.duration, a histogram in seconds, of dispatches
//   - gen_ai.client.token.usage, a histogram in tokens, of dispatches that reported theirs, by input and output
//   - scrip.operations, a counter, by operation, function and outcome: done, replayed or failed
//   - scrip.operation.duration, a histogram in seconds, by operation and outcome
//   - scrip.credits.charged, a counter in credits, by operation, provider and model; what a replay returns was charged before
//
// Accounts and keys are on spans only: as attributes of a metric they would make a series for each.
//
// No prompt, no answer, no API key and no header is ever in an attribute. The conventions call for prompts only as an
// option, and the engine's events have none.
//
// # Version of the conventions
//
// The names are those of the semantic conventions 1.41.0, where all of GenAI is still in development. In the
// conventions, input tokens include those read from a cache or written to it, and output tokens include reasoning; the
// classes of package usage are disjoint and are added up here.
package otel
