package storetest_test

import (
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/stores/memory"
	"github.com/scrip-go/scrip/storetest"
)

// In the tests of a store of your own, give each case a fresh, empty ledger that takes the time from now.
func ExampleRunLedger() {
	_ = func(t *testing.T) { // func TestLedger(t *testing.T)
		storetest.RunLedger(t, func(_ *testing.T, now func() time.Time) credits.Ledger {
			return memory.New(&memory.Options{Now: now}).Ledger()
		})
	}
}

// The same for the versions of models and prices.
func ExampleRunModelStore() {
	_ = func(t *testing.T) { // func TestModels(t *testing.T)
		storetest.RunModelStore(t, func(_ *testing.T, now func() time.Time) registry.ModelStore {
			return memory.New(&memory.Options{Now: now}).Models()
		})
	}
}
