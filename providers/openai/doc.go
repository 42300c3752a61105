// Package openai generates text with OpenAI's chat completions, or with a server that speaks the same wire.
//
// Make a [Provider] with [New] and register it with the engine, or call [Provider.GenerateText] directly:
//
//	p, err := openai.New(openai.Config{})
//
// # Requests
//
// A request always has the fields model, messages (each with role and content) and the bound on the output, which is
// max_completion_tokens or what Config.BoundField says; a schema adds response_format, a strict one, and a temperature
// temperature. Nothing else is sent but the model's Parameters, which go into the request as they are, except for those
// that would undo the bound or change the shape of the answer: model, messages, the bound under any name, n, stream and
// stream_options. A model that refuses max_completion_tokens has it in the request's Omit and gets max_tokens instead.
//
// The header X-Client-Request-Id carries the attempt's id, and X-Request-Id of the answer is read as the request's id.
//
// # Compatible servers
//
// A server that speaks this wire is reached by Config.BaseURL or by the base URL of the registry's provider. Azure's has
// the path /openai/v1, and takes its own keys in the header that Config.KeyHeader names:
//
//	p, err := openai.New(openai.Config{Name: "azure", BaseURL: "https://NAME.openai.azure.com/openai/v1", KeyHeader: "api-key"})
//
// One that knows the bound as max_tokens only is told so by Config.BoundField:
//
//	p, err := openai.New(openai.Config{Name: "mistral", BaseURL: "https://api.mistral.ai/v1", BoundField: "max_tokens"})
//
// Error codes may be numbers, an error may be the answer itself in place of its field error, a service tier may be missing,
// and a server whose finish reason is null or a word of its own is understood with Config.Finishes. Usage may not be
// missing: a completion without it cannot be charged.
//
// # Errors
//
// Every error is a [*providers.Error]. Its kind is that of the upstream's code, and that of the status only when the code
// says nothing; its fate is Unknown if either of the two leaves open whether the request ran. What arrives with HTTP 200
// was executed, and is billed, whether or not it is of use:
//
//   - a refusal or the finish reason content_filter is Blocked;
//   - the finish reason length or model_length, a missing one, and a cut answer are Incomplete; error is Upstream;
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
