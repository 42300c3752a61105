// Package providertest has two things for tests: the contract of an adapter as cases, for whoever writes one, and a fake
// upstream for whoever uses one.
//
// # The contract of an adapter
//
// [Run] checks an adapter of any wire against the contract of package providers. Its author provides
//
//   - New, which makes the adapter for a base URL;
//   - for each capability one recorded success and what it must be read as: the text or the pictures, the usage, the
//     request id, the model, the cost. A wire that polls brings an [http.Handler] in place of the recording, and one that
//     answers a schema in another form than prose a second recording;
//   - recorded answers that arrive with HTTP 200 and are no success: a refusal, a stop at the token limit, an answer
//     without usage, one whose usage does not add up, one without text, an error object. A case without its recording is
//     skipped and says which field to set;
//   - recorded errors of the upstream, with the kind, the fate and the code that they must become;
//   - Billable, if not every POST, and nothing but a POST, is what a real upstream would bill.
//
// The suite brings the rest of the world, and each case prints its rule in words when it fails. If the recorded success is
// not read as it should be, nothing else of the capability is run. The cases are about:
//
//   - one billable request for a call, whatever happens: errors of every status, redirects, connections that are refused,
//     die, hang or are found dead, answers that are cut, slow, huge, packed, empty, doubled or something else;
//   - the kind and the fate of each of these, in [providers.Error], which holds neither key nor header nor prompt, and has
//     the status and the request id of the answer that it came after;
//   - the attempt's id, key and base URL, the model, the messages, the bound, the schema, the temperature, the format of pictures,
//     Parameters and Omit in the request; nothing of the environment; and the caller's slices and maps left alone;
//   - a canceled context, two hundred calls at once, the same call after each failure, no goroutine left, nothing logged.
//
// What the author cannot be asked for is not tested: whether a role is the right one for the wire, and whether the wire is
// what the upstream really speaks. docs/writing-a-provider.md is the guide, and examples/acme an adapter that passes.
//
// # The fake upstream
//
// The fake upstream listens on loopback, speaks the wire of OpenAI and of Runware, misbehaves when told to, and keeps the
// invoice a real provider would send. It is for tests, for examples, and for trying a host without a key. What its
// answers say comes from a [Responder]; the package knows no domain.
//
// In a test, [Start] runs one for as long as the test lasts:
//
//	up := providertest.Start(t, providertest.Config{})
//	p, err := openai.New(openai.Config{BaseURL: up.BaseURL})
//
// [Listen] does the same outside of tests, and [New] makes the bare [http.Handler].
//
// # Routes
//
//	POST /v1/chat/completions    OpenAI: text
//	POST /v1/images/generations  OpenAI: pictures
//	GET  /v1/models              OpenAI: the models that have a price
//	POST /v1                     Runware: imageInference and getResponse, an array of tasks
//	GET  /files/{id}             a picture that an answer pointed to; refuses a request that brings an API key
//	GET  /journal                the [Entry] list as JSON
//	POST /faults                 a JSON array of [Fault] that replaces the rules
//	     /elsewhere              where the redirect fault points; journalled, and refused
//
// # What it invents
//
// The input tokens of a request are its bytes of text divided by four, rounded up, and so are the output tokens of an
// answer. An answer longer than the request's bound stops there with the finish reason length. A picture is answered as
// base64 if response_format says b64_json, and otherwise as an address; usage is reported for pictures unless the
// request has a response_format, because the models that take one report none. They refuse an output_format too. A
// picture has the format that was asked for; see [Encode].
//
// # What it keeps
//
// A file or a Runware task is kept as the parameters it was asked for, and drawn again whenever it is fetched; the
// oldest are forgotten, see [Config]. The journal keeps a small entry for every request.
//
// # Concurrency
//
// Everything here is safe for concurrent use. A fault that closes a connection does so by the panic that net/http
// defines for it, so such faults need a real server, not a recorder.
package providertest
