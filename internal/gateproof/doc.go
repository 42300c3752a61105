// Package gateproof proves that no upstream loses a charge, doubles one, or leaks a key, whatever it does and whenever the
// process that called it is killed. It consists of tests: nothing may import it.
//
// The real engine, the real adapters, all functions and a real store face the fake upstream of package providertest over
// loopback. What the upstream would have billed is compared with what the ledger says, by the rules of one judge.
//
//   - Every kind of fault × every function is a row of docs/faults.md, which a test makes again and compares.
//   - A campaign runs operations with faults of every kind, in processes that are killed at random moments, on SQLite
//     and on PostgreSQL. The upstream outlives them, and so does its invoice.
//   - Nothing that the operations leave behind, in errors, logs, rows or the upstream's journal, has an API key in it.
//
// The tests named Campaign take a count: little in a plain run, a lot under `make prove`.
package gateproof
