// Package providers is what the author of an adapter reads: the small interfaces that a provider of AI calls
// implements, the requests and results they exchange, and the one typed [Error] with its [Fate].
//
// # Writing an adapter
//
// An adapter is a value with a [Provider.Describe] method and at least one of the capability interfaces,
// [TextGenerator] and [ImageGenerator]. The engine turns it into a [Binding] once, at registration, so that a
// wrapper put around it later cannot hide a capability.
//
// The rules an adapter keeps, which providertest.Run checks, are below; docs/writing-a-provider.md is the guide, with a
// whole adapter (examples/acme):
//
//   - At most one billable request per call. It never retries, never sleeps, never logs, never reads the environment.
//   - The id of the [Attempt] travels to the upstream in whatever field the upstream has for it.
//   - Every read of the upstream's answer is bounded.
//   - A cancelled context ends the call at once.
//   - [usage.Usage] classes are disjoint and add up to the provider's own total; where they do not, the call failed
//     with [Malformed] and fate [Executed]. A finish without usage is not a success of zero tokens.
//   - Every error is an [*Error]. It carries no key, no header and no prompt.
//
// # Concurrency
//
// All interfaces here are called from many goroutines at once.
package providers
