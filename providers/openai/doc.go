// Package openai generates text with OpenAI's chat completions, or with a server that speaks the same wire.
//
// Make a [Provider] with [New] and register it with the engine, or call [Provider.GenerateText] directly:
//
//	p, err := openai.New(openai.Config{})
//
// # Requests
//
// A schema is sent as a strict response format, the bound on the output as max_completion_tokens. A model that refuses
// that field has it in the request's Omit and gets max_tokens instead. Parameters go into the request as they are,
// except for those that would undo the bound or change the shape of the answer: model, messages, the bound under either
// name, n, stream and stream_options.
//
// # Compatible servers
//
// A server that speaks this wire is reached by Config.BaseURL or by the base URL of the registry's provider. Azure's has
// the path /openai/v1, and takes its own keys in the header that Config.KeyHeader names:
//
//	p, err := openai.New(openai.Config{Name: "azure", BaseURL: "https://NAME.openai.azure.com/openai/v1", KeyHeader: "api-key"})
//
// Error codes may be numbers, a service tier may be missing, and a server whose finish reason is null or a word of its own
// is understood with Config.Finishes. Usage may not be missing: a completion without it cannot be charged.
//
// # Errors
//
// Every error is a [*providers.Error]. A status is looked at only when the upstream's code says nothing. What arrives
// with HTTP 200 was executed, and is billed, whether or not it is of use:
//
//   - a refusal or the finish reason content_filter is Blocked;
//   - the finish reason length, a missing one, and a cut answer are Incomplete;
//   - no usage, usage that does not add up, no text, another finish reason, or anything else but the documented JSON is Malformed;
//   - an error object is typed by its code.
//
// These errors carry the usage as far as it is known.
//
// # Concurrency
//
// A Provider is immutable and safe for concurrent use. It makes one request per call, follows no redirect and reads no
// environment variable; a host that needs a proxy passes an HTTP client of its own.
package openai
