// Package postgres is a store in a PostgreSQL database: the ledger, the registry's configuration, sealed API keys,
// the runs of the automation and the content. It is for hosts with several processes, or with a server that they have
// anyway.
//
//	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL")) // the host's
//	if err != nil {
//		return err
//	}
//	defer pool.Close()
//	db, err := postgres.New(ctx, pool, nil)
//	if err != nil {
//		return err
//	}
//	if err := db.Migrate(ctx); err != nil { // the host's explicit step; nothing else alters the schema
//		return err
//	}
//	ledger := db.Ledger() // a credits.Ledger
//	models := db.Models() // a registry.ModelStore
//	keys := db.Keys()     // a secret.KeyStore
//	runs := db.Runs()     // an automation.Store; its schedules are db.Schedules()
//	rows := db.Content()  // a content.Store
//
// [Ledger.In] works in the host's own transactions on the same database.
//
// # Many processes
//
// Any number of processes, and of handles in one, may work on the same schema at once. What they decide about an account
// is decided under a lock on its row; tasks are claimed with FOR UPDATE SKIP LOCKED, so that each gets other ones and
// none waits. Times are the database's, so that all agree about leases and expiries.
//
// # Durability
//
// A call that returned without an error is as durable as the server makes a commit: leave its fsync and
// synchronous_commit on. Mutations of the ledger that wait while another is being written share the next transaction, so
// that many callers do not wait for many syncs; one transaction takes two round trips, whether it has one mutation or
// hundreds, and a third where an account has caps or a key was used before. If the connection is lost while a commit is under way, the ledger asks what became of it: it answers as decided
// if that was committed, and decides again if it was not. If nobody is there to ask it returns [ErrUnavailable], as the
// other faces do at once, and the caller looks what is stored.
//
// The end of a call's context before its transaction began leaves no effect. A mutation of the ledger whose transaction
// is under way, with others, waits for its answer, some seconds at most.
//
// # Schema
//
// The tables are in a schema of their own, "scrip" unless [Options.Schema] says otherwise, and so they have plain names:
// accounts, entries, runs, keywords. Do not share it with tables of the host, which may refer to these with foreign keys.
// The pool's role needs its USAGE and the rights to read and write the tables; for [DB.Migrate] also to create them, and
// the schema itself if it is not there.
//
// [DB.Migrate] applies numbered migrations, each in one transaction, and records them in the table migrations. Within a
// major version a migration only adds, so an older release works on a newer schema; one of a newer major version is
// refused with a *[NewerSchemaError]. Until a database has the schema, every call returns [ErrSchema].
//
// PostgreSQL keeps text that is UTF-8 without NUL. Ids, keys and other names that are not are refused as invalid; in
// texts that people read, what cannot be kept is replaced by U+FFFD.
//
// # Connections
//
// A call needs one connection of the pool for as long as it takes, and the ledger's mutations one together. A function
// given to [Runs.Complete] has one while it runs; if it calls the store past its transaction it needs a second, so give
// the pool more connections than there are workers. The pool must use prepared statements or descriptions, as pgx does
// by default; behind PgBouncer that takes its version 1.21 or later, or DefaultQueryExecMode cache_describe.
//
// # Errors
//
// The errors are those that the interfaces name, and the ones of this package for what happens to a database:
// [ErrUnavailable], [ErrBusy], [ErrFull] and the others beside them. They never name the host, the user or the database. A
// context's error is returned as it is.
//
// # Concurrency
//
// A [DB] and its faces are safe for concurrent use. Sequences are read page by page, and between two pages no connection
// is held: the loop over one may call the store, take its time, or stop early. What a call returns is the caller's own.
package postgres
