// Package engine runs AI functions through the one gate that every billable call passes.
//
// A host builds an [Engine] from a ledger, a registry, providers and a key source, defines a [Function] (or takes those
// of package functions), and calls [Run]:
//
//	validate → quote → hold (worst case) → attempt → provider call → parse → settle → result
//	                     │                             │
//	                     └ insufficient: error         └ fails: release
//
// The hold covers the worst case of the call, so an account cannot spend what it does not have. The settle charges what
// was used, writes the usage record and keeps the result, in one transaction: a result that exists is charged, and what
// is charged exists. There is no exported way to call a provider and skip the gate.
//
// # Keys
//
// Each call is named by a key that the caller chose ([Call.Key]). The same key again, in this process or after a crash
// in another, returns what the first one bought and calls no provider. What a hold needs to be settled (model, prices,
// prompt, settings) is pinned on it, so a change of configuration between a crash and the next try strands nothing.
//
// # Pictures
//
// A picture counts when it is downloaded, decoded to its end and kept in [Config.Blobs]. The settings may ask for a format
// (registry.ImageSettings.Format), which a model that refuses to be asked is not told; [Picture.Type] is what was decoded. A
// program decodes PNG, JPEG and GIF, and WebP if it imports golang.org/x/image/webp: without it, a call that would ask for
// WebP is refused as [ErrConfig] before anything is held.
//
// # Upstreams that fail
//
// A request that was refused for now, or never arrived, is sent again after a pause, [Config.Attempts] times in all. Then
// the next model of the function's settings is asked (registry.FunctionSettings.Fallbacks); a dearer one extends the hold
// first, and the customer pays the price of the model that answered. Requests wait within [Config.Limits], before anything
// is held for them; what an upstream asks to wait, all calls wait; and a model that fails [Breaker.Failures] times in a row
// is left alone for a while. A request that may have run is repeated at most [Config.AmbiguousRepeats] times, unless its
// provider can be asked what became of it, and never falls back.
//
// # Errors
//
// [Run] returns errors of the ledger (credits.ErrInsufficient, credits.ErrCap, credits.ErrInProgress, credits.ErrKeyReused), of the
// registry, of providers (*providers.Error), and its own: [ErrInput], [ErrAnswer], [ErrConfig]. A failed operation costs
// the customer nothing; what it cost the operator is on its attempts.
//
// # Concurrency
//
// An Engine and a Function are safe for concurrent use and have no goroutines of their own.
package engine
