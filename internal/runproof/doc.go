// Package runproof proves that processes which share a run finish it together, however often they are killed or held up:
// every item is done and charged once, every article is on the site once, and whatever was paid for is there. It consists
// of tests: nothing may import it.
//
// The whole pipeline, with the real engine, adapters and stores, works in two processes at a time. They face the fake
// upstream of package providertest and a site to publish on over loopback, which both outlive them. On PostgreSQL the two
// work side by side; an SQLite file has one writer, so there the second waits for the first one's death. What they leave
// is compared with what one process leaves that nobody disturbs.
//
// Schedulers race there as well: each time of a schedule starts one run.
//
// The tests named Campaign take a count: little in a plain run, a lot under `make prove`.
package runproof
