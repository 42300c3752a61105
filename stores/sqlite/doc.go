// Package sqlite is a store in one SQLite file: the ledger, the registry's configuration, sealed API keys, the runs of
// the automation and the content. It is for hosts with one writing process, and it needs no server.
//
//	db, err := sqlite.Open(ctx, "/var/lib/shop/scrip.db", nil)
//	if err != nil {
//		return err
//	}
//	defer db.Close()
//	if err := db.Migrate(ctx); err != nil { // the host's explicit step; nothing else alters the schema
//		return err
//	}
//	ledger := db.Ledger() // a credits.Ledger
//	models := db.Models() // a registry.ModelStore
//	keys := db.Keys()     // a secret.KeyStore
//	runs := db.Runs()     // an automation.Store; its schedules are db.Schedules()
//	rows := db.Content()  // a content.Store
//
// A host that has a database of its own hands it to [New] and finds Scrip's tables, which all begin with "scrip_", beside
// its own; [Ledger.In] then works in the host's transactions, and a stage of the host's writes its rows in the transaction that
// completes a task, see [Runs.Complete] and examples/ownpipeline.
//
// # One writer
//
// A handle that writes holds an operating system's lock on FILE.lock, from Open to Close or to the death of the process.
// A second one, in another process or in the same, gets a *[LockedError]. Because the lock proves that every earlier owner
// is gone, opening ends their leases at once: what a killed process was working on can be taken over without waiting.
// The lock belongs to one machine, so the file must not be on a network drive. [Options.ReadOnly] opens beside a writer.
//
// # Durability
//
// A call that returned without an error is on the disk: the write-ahead log is synced at each commit (synchronous=FULL).
// Mutations of the ledger that wait while another is being written share the next commit, so that many callers do not
// wait for many syncs. A canceled context has no effect on the database if the commit was not sent, and none on the answer
// if it was.
//
// Copy the file only with SQLite's own means: FILE-wal belongs to it. The shell's .backup is one, of whatever release;
// statements on the file, VACUUM INTO among them, need SQLite 3.43 or later.
//
// # Schema
//
// [DB.Migrate] applies numbered migrations, each in one transaction, and records them in scrip_migrations. Within a major
// version a migration only adds, so an older release works on a newer schema; one of a newer major version is refused with
// a *[NewerSchemaError]. Until a database has the schema, every call returns [ErrSchema].
//
// # Errors
//
// The errors are those that the interfaces name, and the ones of this package for what happens to a file: [ErrLocked],
// [ErrFull], [ErrBusy], [ErrIO] and the others beside them. A context's error is returned as it is.
//
// # Concurrency
//
// A [DB] and its faces are safe for concurrent use. Writers take turns; readers see the last commit beside them and wait
// for nobody. Sequences are read page by page, so the loop over one may call the store, take its time, or stop early. What
// a call returns is the caller's own.
package sqlite
