package main

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

// What an operation is about, on both sides.
const (
	held       = 10   // credits
	charged    = 7    // credits
	pinnedSize = 500  // bytes
	resultSize = 1000 // bytes, a short answer of a model
	input      = 100  // tokens
	output     = 50   // tokens
)

var (
	exact  = decimal.New(64, -1) // credits before rounding
	cost   = decimal.New(21, -5) // USD
	pinned = make([]byte, pinnedSize)
	result = make([]byte, resultSize)
)

func keyOf(number int64) credits.Key {
	return credits.Key(fmt.Sprintf("run/stage/item-%d/draft", number))
}

func attemptOf(number int64) string { return fmt.Sprintf("attempt-%d", number) }

// operation is something to do to an account, by either side.
type operation struct {
	name  string // of several
	scrip func(credits.Ledger, []credits.Account) work
	naive func(*naive, []credits.Account) work
}

var (
	charges = operation{"charges", chargeWith, naiveCharge}
	pairs   = operation{"hold + settle pairs", pairWith, naivePair}
)

// turn spreads operations over accounts.
func turn(accounts []credits.Account, number int64) credits.Account {
	return accounts[number%int64(len(accounts))]
}

func chargeWith(l credits.Ledger, accounts []credits.Account) work {
	return func(ctx context.Context, number int64) error {
		_, err := l.Charge(ctx, credits.Charge{Account: turn(accounts, number), Key: keyOf(number), Operation: "op", Scope: "run", Amount: charged,
			Record: record(""), Result: result})
		return err
	}
}

func pairWith(l credits.Ledger, accounts []credits.Account) work {
	return func(ctx context.Context, number int64) error {
		account, key := turn(accounts, number), keyOf(number)
		attempt := credits.Attempt{ID: attemptOf(number), Provider: "p", Model: "m"}
		_, err := l.Hold(ctx, credits.HoldRequest{Account: account, Key: key, Operation: "op", Scope: "run", Amount: held,
			Holder: credits.Holder{ID: "h", Fence: 1, Lease: time.Minute}, TTL: time.Hour, First: attempt, Pinned: pinned})
		if err != nil {
			return err
		}
		attempt.Fate, attempt.Usage, attempt.Cost = "executed", measured(), decimal.NewNullDecimal(cost)
		_, err = l.Settle(ctx, credits.SettleRequest{Account: account, Key: key, Amount: charged, Last: attempt,
			Record: record(attempt.ID), Result: result})
		return err
	}
}

func measured() usage.Usage { return usage.Tokens(input, output) }

func record(attempt string) credits.UsageRecord {
	return credits.UsageRecord{Provider: "p", Model: "m", Attempt: attempt, Usage: measured(), Exact: exact, Cost: cost}
}

// accounts returns so many names.
func accounts(name string, n int) (out []credits.Account) {
	for i := range n {
		out = append(out, credits.Account(fmt.Sprintf("%s-%d", name, i)))
	}
	return out
}

// fund grants each of the accounts more than a run can spend.
func (b *bench) fund(ctx context.Context, l credits.Ledger, accounts ...credits.Account) error {
	todo := make(chan credits.Account, len(accounts))
	for _, a := range accounts {
		todo <- a
	}
	return b.repeat(ctx, min(64, len(accounts)), len(accounts), func(ctx context.Context, _ int64) error {
		_, err := l.Grant(ctx, credits.Grant{Account: <-todo, Key: "grant", Kind: credits.Purchase, Amount: 1 << 50})
		return err
	})
}
