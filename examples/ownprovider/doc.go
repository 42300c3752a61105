// Package ownprovider has two providers as a host would write them for itself, outside of Scrip.
//
// Mistral speaks the wire of OpenAI, so [NewMistral] is package openai with the one difference that the service has. [Anthropic]
// has a wire of its own, Anthropic's Messages API, and is a whole adapter: system texts that are no messages, a schema
// that is sent as a tool, usage in four classes without a total, and a table of errors.
//
// Both keep the contract of package providers, which their tests check with providertest.Run; the package's example makes
// an engine with one of them. docs/writing-a-provider.md is the guide.
package ownprovider
