// Package ledgerproof proves that a ledger neither loses, doubles nor overspends, under concurrency and under kills, over
// any store. It consists of tests: nothing may import it.
//
// One vocabulary serves all of them. An op is a call as data, an answer is what it said, and account is a model of the
// rules that was written from their description and not from the code that it judges. A backend is a store; another one
// is one more value in backends.
//
//   - Histories of concurrent calls are linearizable: some order of them explains every answer.
//   - However many callers race for the last credits, they get exactly those.
//   - A writer that is killed at any moment leaves every acknowledged call done, and no call done twice or by half.
//   - A database server that crashes, again and again, loses nothing that its writers were told, and they go on.
//   - A disk that is full, or a file that became read-only, is a typed error without effect, and passes.
//   - The same calls have the same answers on every store.
//
// The tests named Campaign take a count: little in a plain run, a lot under `make prove`.
package ledgerproof
