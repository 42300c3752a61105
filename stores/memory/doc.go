// Package memory is a store that keeps everything in the memory of one process: the ledger, the registry's
// configuration, sealed API keys, the runs of the automation and the content. It is for tests, for examples and for hosts
// that can do without what they had when the process ends; it is also the shortest reading of the contracts for who writes
// a store of their own.
//
//	db := memory.New(nil)
//	ledger := db.Ledger() // a credits.Ledger
//	models := db.Models() // a registry.ModelStore
//	keys := db.Keys()     // a secret.KeyStore
//	runs := db.Runs()     // an automation.Store; its schedules are db.Schedules()
//	rows := db.Content()  // a content.Store
//
// # Rules
//
// The rules are those of the interfaces, and the package passes the suites of package storetest. It decides money with
// the same state machine as every other store, [credits.State].
//
// # Transactions
//
// Each call is one transaction. The function given to [Runs.Complete] runs inside one: [Content.In] gives the content
// store within it, and everything saved through that is undone if the function or the completion fails. While the
// function runs, every other call on the runs and the content of the same DB waits, so it must use nothing but its
// transaction: a call past it would wait for ever. The ledger, the configuration and the keys have locks of
// their own.
//
// # Errors
//
// Errors are those that the interfaces name. A cancelled context is returned as it is, and leaves no effect.
//
// # Concurrency
//
// A [DB] and its faces are safe for concurrent use. What a call returns is the caller's own, and what a call was given
// is copied: writing to a slice afterwards changes nothing that is stored. Sequences are read from a snapshot; the loop
// over one may call the store.
package memory
