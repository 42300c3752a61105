// Package registry holds models, providers, prices and settings: what a call costs, and how it is made.
//
// Everything is one [Configuration], and every change of it is a new [Version] with who made it and why. A
// configuration is checked as a whole when it is written ([Configuration.Validate]), in every store, so a default that
// points at a missing model or an active model without a price cannot be stored. A version takes effect at once or at a
// time, [ModelStore.History] lists them, [Diff] says what changed, [Registry.Rollback] goes back, and
// [Configuration.Canonical] is the whole configuration as text to be kept.
//
// A [Registry] answers from an immutable snapshot in memory; a look-up takes no lock and allocates nothing. It is safe
// for concurrent use. What a look-up returns must not be written to.
//
// Accounts may have settings of their own ([AccountSettings]): the model of a function or the quality tier of pictures, prompts,
// limits. [Registry.Effective] resolves what a call is run with, level by level, and [Effective.Explain] says where each value
// comes from.
//
// There is one price function, [Configuration.Quote]. The version that is to come next is the [Snapshot.Candidate] of
// the one in force: by that, [Snapshot.Reprice] says what usage would have come to.
//
// No model name, price, size or tier is in code: they are data, in the catalogues ([Catalogue]) and in the store.
package registry
