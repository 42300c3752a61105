package ownstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/examples/ownstore"
	"github.com/scrip-go/scrip/storetest"
)

func TestKeepsTheContract(t *testing.T) {
	storetest.RunLedger(t, func(t *testing.T, now func() time.Time) credits.Ledger {
		path := filepath.Join(t.TempDir(), "credits.journal")
		ledger, err := ownstore.Open(path, now)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { // whatever the case did, it is there again
			if err := ledger.Close(); err != nil {
				t.Error(err)
			}
			again, err := ownstore.Open(path, now)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if !ownstore.Same(ledger, again) {
				t.Error("the rows that were read are not those that were there")
			}
		})
		return ledger
	})
}
