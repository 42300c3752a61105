// Package dalle makes pictures with the OpenAI Images API: the dall-e and the GPT image models, and servers that speak
// the same wire.
//
// Make a [Provider] with [New] and register it with the engine beside package openai's, under the same name: one
// serves the pictures and the other the text of the registry's provider "openai".
//
// # Requests
//
// The request has model, prompt, n, size as WIDTHxHEIGHT and, if they are given, quality and the format as output_format.
// The dall-e models refuse output_format, which belongs in their Omit. Whether the answer holds addresses or the pictures
// themselves is response_format, which belongs in the model's Parameters: the dall-e models take it, and the GPT image
// models, which always send the pictures, refuse it. Parameters go into the request as they are, except for model, prompt,
// n, stream, and an output_format that is not the request's Format. This API has no negative prompt; the request's is left
// out.
//
// # Answers
//
// Usage.Images is the number of pictures delivered, always. Token classes are known where the answer has a usage
// object, which the dall-e models do not send: text and picture, in and out, and what of the input came from the cache if
// the answer tells it apart.
//
// # Azure
//
// Azure's base URL has the path /openai/v1, and its keys go into the header that Config.KeyHeader names, api-key.
//
// # Errors
//
// Every error is a [*providers.Error]. Its kind is that of the upstream's code, and that of the status only when the code
// says nothing; its fate is Unknown if either of the two leaves open whether the request ran. What arrives with HTTP 200
// was executed: a cut answer is Incomplete, one without a picture and one whose usage does not add up are
// Malformed, and an error object is typed by its code. A refusal by the safety system that has no code is Blocked.
//
// # Concurrency
//
// A Provider is immutable and safe for concurrent use. It makes one request per call, follows no redirect, fetches no
// picture and reads no environment variable.
package dalle
