package main

import (
	"strings"
	"testing"
)

func TestFindsWhatPostgresProgramsSay(t *testing.T) {
	const syncs = `Compare file sync methods using one 8kB write:
        open_datasync                      2252.018 ops/sec     444 usecs/op
        fdatasync                          1337.039 ops/sec     748 usecs/op
        fsync_writethrough                              n/a
Compare file sync methods using two 8kB writes:
        fdatasync                           700.000 ops/sec     748 usecs/op
`
	if got, err := findSyncs(strings.NewReader(syncs), "fdatasync"); err != nil || got != 1337.039 {
		t.Errorf("findSyncs = %v, %v, want the rate of one block", got, err)
	}
	if got, err := findSyncs(strings.NewReader(syncs), "fsync_writethrough"); err == nil {
		t.Errorf("findSyncs = %v of what is not available", got)
	}
	if got, err := findTPS("latency average = 3 ms\ntps = 268.123 (without initial connection time)\n"); err != nil || got != 268.123 {
		t.Errorf("findTPS = %v, %v", got, err)
	}
	if got, err := findTPS("number of transactions actually processed: 0\nnumber of failed transactions: 0 (NaN%)\n"); err != nil || got != 0 {
		t.Errorf("findTPS = %v, %v where nothing was done, want 0", got, err)
	}
	if _, err := findTPS("pgbench: error"); err == nil {
		t.Error("findTPS finds a rate where there is none")
	}
}
