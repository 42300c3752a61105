// Package ownstore is a ledger as a host would write it for itself, outside of Scrip: the rules of package credits over a medium
// of its own, which is one file that is only ever appended to. It uses nothing of Scrip but what is exported.
//
//	ledger, err := ownstore.Open("credits.journal", nil)
//	if err != nil { … }
//	defer ledger.Close()
//
// # How it works
//
// What is to be decided on is in memory, in rows. A mutation is decided by [credits.State] on the rows that it names; the rows
// that this changed are one line of the journal, with a checksum; the line is written and synced, and only then do the rows in
// memory change and does the caller get an answer. Mutations that arrive while a line is being synced go together into
// the next. [Open] reads the lines in their order and has the rows again. The journal keeps what was decided and not what was
// asked, so that a later release of the rules decides nothing in the past anew.
//
// It keeps the whole contract of [credits.Ledger], which its tests check with storetest.RunLedger, and what was acknowledged
// survives the kill of the process at any moment. docs/writing-a-store.md is the guide.
//
// # What it is not
//
// It is to be read, and would do for a tool of one process. Beyond that:
//
//   - All rows are in memory, and Open reads the whole journal: both grow with the history.
//   - The journal never gets shorter. [Ledger.Prune] lets results go from memory and from every answer, and their bytes stay in
//     the file.
//   - One process has it at a time. The lock is flock's, which the kernel gives up with the process; on a system without
//     it, Open refuses. A network file system may have one that means nothing.
//   - A line that cannot be written or synced ends the ledger until it is opened again: after an error of fsync nobody can say what
//     the disk has. Callers who got the error are in doubt, and resolve it with the same call.
//   - A last line whose checksum is wrong is taken for one that was being written when the machine stopped, and is dropped.
//     That is right for every crash, and wrong if the disk damaged the last line long after it was acknowledged; compare the
//     head of each account with one that was kept elsewhere (see [credits.Report]). A wrong line with others behind it is refused.
//   - There is no transaction that it shares with rows of the host.
package ownstore
