package memory_test

import (
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
	"github.com/scrip-go/scrip/storetest"
)

func TestLedger(t *testing.T) {
	storetest.RunLedger(t, func(t *testing.T, now func() time.Time) credits.Ledger {
		return memory.New(&memory.Options{Now: now}).Ledger()
	})
}

func TestModelStore(t *testing.T) {
	storetest.RunModelStore(t, func(t *testing.T, now func() time.Time) registry.ModelStore {
		return memory.New(&memory.Options{Now: now}).Models()
	})
}

func TestKeyStore(t *testing.T) {
	storetest.RunKeyStore(t, func(t *testing.T, now func() time.Time) secret.KeyStore {
		return memory.New(&memory.Options{Now: now}).Keys()
	})
}

func TestAutomationStore(t *testing.T) { storetest.RunAutomationStore(t, open) }

func TestScheduleStore(t *testing.T) {
	storetest.RunScheduleStore(t, func(t *testing.T, now func() time.Time) automation.ScheduleStore {
		return memory.New(&memory.Options{Now: now}).Schedules()
	})
}

func TestContentStore(t *testing.T) { storetest.RunContentStore(t, open) }

func open(t *testing.T, now func() time.Time) storetest.Faces {
	db := memory.New(&memory.Options{Now: now})
	return storetest.Faces{Runs: db.Runs(), Content: db.Content(), In: db.Content().In}
}
