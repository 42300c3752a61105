// Package providertest is a fake upstream on loopback that speaks the wire of OpenAI and of Runware, misbehaves when
// told to, and keeps the invoice a real provider would send. It is for tests, for examples, and for trying a host
// without a key. What its answers say comes from a [Responder]; the package knows no domain.
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
// request has a response_format, because the models that take one report none.
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
