// Package storetest holds the contracts of Scrip's store interfaces as tests, for whoever implements one.
//
//	func TestLedger(t *testing.T) {
//		storetest.RunLedger(t, func(t *testing.T, now func() time.Time) credits.Ledger {
//			return mystore.Open(t.TempDir(), now).Ledger()
//		})
//	}
//
// Each case is a subtest whose name is the behaviour and which prints the rule in words when it fails. It gets an
// instance of its own, so open must return an empty store each time. The store takes the time from the function it is
// given: the suite moves that clock by hand, so that leases and expiries are tested without waiting. Run the suites with
// -race: some cases call the store from many goroutines at once.
//
// A store that has no content can still run [RunAutomationStore]; see [Faces].
//
// The package uses the standard library, Scrip's interfaces and the decimal type that these carry.
package storetest
