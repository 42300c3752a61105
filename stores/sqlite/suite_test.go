package sqlite_test

import (
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/sqlite"
	"github.com/scrip-go/scrip/storetest"
)

func TestLedger(t *testing.T) {
	storetest.RunLedger(t, func(t *testing.T, now func() time.Time) credits.Ledger {
		return open(t, tempFile(t), &sqlite.Options{Now: now}).Ledger()
	})
}

func TestModels(t *testing.T) {
	storetest.RunModelStore(t, func(t *testing.T, now func() time.Time) registry.ModelStore {
		return open(t, tempFile(t), &sqlite.Options{Now: now}).Models()
	})
}

func TestKeys(t *testing.T) {
	storetest.RunKeyStore(t, func(t *testing.T, now func() time.Time) secret.KeyStore {
		return open(t, tempFile(t), &sqlite.Options{Now: now}).Keys()
	})
}

func TestRuns(t *testing.T) { storetest.RunAutomationStore(t, faces) }

func TestSchedules(t *testing.T) {
	storetest.RunScheduleStore(t, func(t *testing.T, now func() time.Time) automation.ScheduleStore {
		return open(t, tempFile(t), &sqlite.Options{Now: now}).Schedules()
	})
}

func TestContent(t *testing.T) { storetest.RunContentStore(t, faces) }

func faces(t *testing.T, now func() time.Time) storetest.Faces {
	db := open(t, tempFile(t), &sqlite.Options{Now: now})
	return storetest.Faces{Runs: db.Runs(), Content: db.Content(), In: db.Content().In}
}
