// Command ledgerbench measures the ledger of every store beside what a host would write itself, and prints one table in
// Markdown. Run it with make bench-ledger; it takes some minutes.
//
// The naive side has a transaction for each operation, on the same tables with the same keys and checks, and writes the
// rows that Scrip writes; [naive] says what it leaves out. The sides of a comparison take turns in every round, so that
// what else the machine does at the time falls on both, and a ratio is the median of the ratios of the rounds. Only
// ratios mean anything on another machine, and on the same one at another hour.
//
// Data is on a disk: PostgreSQL in a cluster of its own, or where DATABASE_URL says, and SQLite in a file.
package main
