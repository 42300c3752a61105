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

func ExampleTotals() {
	records := func(yield func(credits.UsageRecord, error) bool) {
		for _, r := range []credits.UsageRecord{
			{Operation: "content_generation", Charged: 12}, {Operation: "clustering", Charged: 2}, {Operation: "content_generation", Charged: 9},
		} {
			if !yield(r, nil) {
				return
			}
		}
	}
	rows, err := credits.Totals(records, credits.UsageQuery{GroupBy: []credits.Dimension{credits.ByOperation}})
	for _, r := range rows {
		fmt.Println(r.Operation, r.Records, r.Charged)
	}
	fmt.Println(err)
	// Output:
	// clustering 1 2
	// content_generation 2 21
	// <nil>
}
