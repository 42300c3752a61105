package credits_test

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/scrip-go/scrip/credits"
)

func ExampleAmount() {
	a, err := credits.ParseAmount("40")
	fmt.Println(a, err)
	sum, err := a.Add(2)
	fmt.Println(sum, err)
	_, err = credits.Amount(math.MaxInt64).Add(1)
	fmt.Println(errors.Is(err, credits.ErrOverflow), err)
	_, err = credits.ParseAmount("1.5")
	fmt.Println(err)
	// Output:
	// 40 <nil>
	// 42 <nil>
	// true credits: 9223372036854775807 + 1: amount overflows
	// credits: amount "1.5": invalid request: want a whole number of credits
}

// A store locks and loads the rows that the mutations name, applies them in order, and saves what changed.
func ExampleState_Apply() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	account := credits.AccountRow{Account: "acme", Posted: 100, Entries: 1} // as it is stored

	s := credits.NewState()
	s.LoadAccount(account)
	s.LoadBucket(credits.Bucket{Account: "acme", Number: 1, Kind: credits.Purchase, Amount: 100}) // what it has left, by bucket
	ops := []credits.Op{
		credits.HoldRequest{Account: "acme", Key: "article-7", Operation: "content_generation", Amount: 30,
			Holder: credits.Holder{ID: "worker-1", Lease: time.Minute}, TTL: time.Hour},
		credits.SettleRequest{Account: "acme", Key: "article-7", Amount: 12, Result: []byte("the article")},
		credits.HoldRequest{Account: "acme", Key: "article-8", Operation: "content_generation", Amount: 90,
			Holder: credits.Holder{ID: "worker-1", Lease: time.Minute}, TTL: time.Hour},
	}
	for _, op := range ops {
		if err := op.Validate(); err != nil { // before anything is locked
			fmt.Println(err)
			return
		}
		_, err := s.Apply(op, now)
		fmt.Println(err)
	}
	for _, e := range s.Changes().Entries {
		fmt.Printf("entry %d: %s %d, balance %d\n", e.Number, e.Kind, e.Amount, e.BalanceAfter)
	}
	row := s.Changes().Accounts["acme"]
	fmt.Printf("account: posted %d, held %d; %d hold and %d receipt to save\n", row.Posted, row.Held, len(s.Changes().Holds), len(s.Changes().Receipts))
	// Output:
	// <nil>
	// <nil>
	// credits: account "acme": insufficient credits: need 90, available 88, in open holds 0: grant more
	// entry 2: settle -12, balance 88
	// account: posted 88, held 0; 1 hold and 1 receipt to save
}

func ExampleInsufficientError() {
	s := credits.NewState()
	_, err := s.Apply(credits.HoldRequest{Account: "acme", Key: "article-7", Operation: "content_generation", Amount: 30,
		Holder: credits.Holder{ID: "worker-1", Lease: time.Minute}, TTL: time.Hour}, time.Now())

	var short *credits.InsufficientError
	if errors.As(err, &short) {
		fmt.Printf("%s is %d credits short\n", short.Account, short.Need-short.Available)
	}
	fmt.Println(errors.Is(err, credits.ErrInsufficient))
	// Output:
	// acme is 30 credits short
	// true
}

func ExampleInProgressError() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := credits.NewState()
	s.LoadAccount(credits.AccountRow{Account: "acme", Posted: 100, Entries: 1})
	s.LoadBucket(credits.Bucket{Account: "acme", Number: 1, Kind: credits.Purchase, Amount: 100})
	var err error
	for _, worker := range []string{"worker-1", "worker-2"} {
		_, err = s.Apply(credits.HoldRequest{Account: "acme", Key: "article-7", Operation: "content_generation", Amount: 30,
			Holder: credits.Holder{ID: worker, Lease: time.Minute}, TTL: time.Hour}, now)
	}
	var busy *credits.InProgressError
	if errors.As(err, &busy) {
		fmt.Printf("%s has it for another %s\n", busy.Holder, busy.Until.Sub(now))
	}
	// Output:
	// worker-1 has it for another 1m0s
}

// A store feeds an audit every row of an account, read from one snapshot.
func ExampleAudit() {
	s := credits.NewState()
	_, err := s.Apply(credits.Grant{Account: "acme", Key: "march", Kind: credits.Plan, Amount: 100}, time.Now())
	if err != nil {
		fmt.Println(err)
		return
	}
	account := *s.Changes().Accounts["acme"]
	account.Posted = 90 // somebody edits the row

	audit := credits.NewAudit(account)
	for _, e := range s.Changes().Entries {
		audit.Line(credits.Line{Entry: e, Bucket: s.Changes().Buckets[credits.BucketRef{Account: "acme", Number: e.Number}]})
	}
	for _, b := range s.Changes().Buckets {
		audit.Bucket(*b)
	}
	audit.Counts(0, 0)

	report := audit.Report()
	fmt.Println(report.OK())
	for _, p := range report.Problems {
		fmt.Printf("%s: %s\n", p.Row, p.Rule)
	}
	// Output:
	// false
	// account: posted is the sum of entries: it says 90, the sum is 100
	// account: posted is what remains of the buckets, less debt: it says 90, 100 remain and the debt is 0
}

// A store loads an account's caps with the account, and saves what they count with the rest.
func ExampleCap() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	daily := credits.Cap{Account: "acme", Name: "daily", Scope: "run-7", Window: credits.PerDay, Zone: "Europe/Berlin", Limit: 50}

	s := credits.NewState()
	s.LoadAccount(credits.AccountRow{Account: "acme", Posted: 100, Entries: 1})
	s.LoadBucket(credits.Bucket{Account: "acme", Number: 1, Kind: credits.Purchase, Amount: 100})
	s.LoadUse(daily, 20) // what the holds say that were made today
	ops := []credits.Op{
		daily,
		credits.Charge{Account: "acme", Key: "article-7", Operation: "content_generation", Scope: "run-7", Amount: 25},
		credits.Charge{Account: "acme", Key: "article-8", Operation: "content_generation", Scope: "run-7", Amount: 25},
		credits.Charge{Account: "acme", Key: "article-9", Operation: "content_generation", Scope: "run-8", Amount: 25}, // is not counted
	}
	for _, op := range ops {
		_, err := s.Apply(op, now)
		var full *credits.CapError
		if errors.As(err, &full) {
			fmt.Printf("%s has %d left until %s\n", full.Cap, full.Limit-full.Used, full.Until.Format(time.DateTime))
			continue
		}
		fmt.Println(err)
	}
	for _, c := range s.Caps("acme", now) {
		fmt.Printf("%s: %d of %d\n", c.Name, c.Used, c.Limit)
	}
	// Output:
	// <nil>
	// <nil>
	// daily has 5 left until 2026-03-01 23:00:00
	// <nil>
	// daily: 45 of 50
}

// What a host may want to act on is among the changes of the mutation that caused it.
func ExampleAlert() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := credits.NewState()
	for _, op := range []credits.Op{
		credits.Grant{Account: "acme", Key: "march", Kind: credits.Plan, Amount: 100},
		credits.Alert{Account: "acme", Below: 50},
		credits.Charge{Account: "acme", Key: "article-7", Operation: "content_generation", Amount: 60},
		credits.Charge{Account: "acme", Key: "article-8", Operation: "content_generation", Amount: 10}, // is still low
	} {
		if _, err := s.Apply(op, now); err != nil {
			fmt.Println(err)
		}
	}
	for _, e := range s.Changes().Events {
		fmt.Printf("event %d of %s: %s by %s, %d is below %d\n", e.Number, e.Account, e.Kind, e.Key, e.Now, e.Amount)
	}
	// Output:
	// event 1 of acme: low_balance by article-7, 40 is below 50
}

// A store answers a query with the totals of whole quarters of an hour, and the records of those that it cuts.
func ExampleUsageQuery_Plan() {
	at := func(hour, minute int) time.Time { return time.Date(2026, 3, 1, hour, minute, 0, 0, time.UTC) }
	plan, err := credits.UsageQuery{Account: "acme", From: at(9, 10), To: at(17, 0), GroupBy: []credits.Dimension{credits.ByOperation}}.Plan()
	if err != nil {
		fmt.Println(err)
		return
	}
	span := func(s credits.Span) string { return s.From.Format("15:04") + " to " + s.To.Format("15:04") }
	fmt.Println("totals of", span(plan.Slots))
	for _, edge := range plan.Edges {
		fmt.Println("records of", span(edge))
	}

	totals := func(yield func(credits.UsageTotal, error) bool) { // as it read them
		_ = yield(credits.UsageTotal{Account: "acme", Slot: at(9, 15), Operation: "clustering", Records: 2, Charged: 4}, nil) &&
			yield(credits.UsageTotal{Account: "acme", Slot: at(12, 0), Operation: "content_generation", Records: 3, Charged: 30}, nil)
	}
	records := func(yield func(credits.UsageRecord, error) bool) {
		yield(credits.UsageRecord{Account: "acme", At: at(9, 12), Operation: "content_generation", Charged: 12}, nil)
	}
	rows, err := plan.Rows(totals, records)
	for _, r := range rows {
		fmt.Println(r.Operation, r.Records, r.Charged)
	}
	fmt.Println(err)
	// Output:
	// totals of 09:15 to 17:00
	// records of 09:10 to 09:15
	// clustering 2 4
	// content_generation 4 42
	// <nil>
}
