// Package pgtest gives tests a PostgreSQL to run against: the one that DATABASE_URL names, or else a throwaway cluster
// that is started from the programs of this machine, once for each test process. It never skips: a test that did not run
// says nothing.
//
// A throwaway cluster listens on a socket in a private directory, lies in memory where the machine has a file system for
// that, and is removed when the test process ends, however it ends: a watcher waits on a pipe that only dies with it.
package pgtest
