// Command runbench measures runs of the pipeline and prints one table in Markdown. Run it with make bench-runs; it takes some
// minutes.
//
// The models are a fake upstream in a process of its own, on loopback, that speaks the real wire; everything else is what a host
// has: the engine with its gate, the ledger, the automation and the content in one database on a disk. A run does one stage
// over rows that were put there for it, so that what is measured is that stage.
package main
