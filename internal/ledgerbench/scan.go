package main

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
)

// scan reads what Verify reads of an account, a table after the other, into values of Go, and returns how many entries
// there were. The account's buckets and usage totals, a handful of rows, are left out, and a charge has no attempts.
func (n *naive) scan(ctx context.Context, account credits.Account) (entries int64, err error) {
	var (
		e            credits.Entry
		h            credits.Hold
		r            credits.UsageRecord
		receipt      credits.Receipt
		lots         []byte
		hash, digest []byte
		counts       [9]sql.NullInt64
		reported     decimal.NullDecimal
	)
	list := func(into *[]credits.Lot) func() error {
		return func() error {
			*into = nil
			return json.Unmarshal(lots, into)
		}
	}
	for _, table := range []struct {
		query  string
		fields []any
		decode func() error
	}{
		{`SELECT account, number, kind, amount, balance_after, key, charge, operation, scope, who, note, lots, at, hash FROM entries WHERE account = $1`,
			[]any{&e.Account, &e.Number, &e.Kind, &e.Amount, &e.BalanceAfter, &e.Key, &e.Charge, &e.Operation, &e.Scope, &e.Who, &e.Note, &lots, n.at(&e.At), &hash},
			func() error { entries++; return list(&e.Lots)() }},
		{`SELECT account, key, operation, scope, state, amount, fingerprint, created_at, lots, refunded FROM holds WHERE account = $1`,
			[]any{&h.Account, &h.Key, &h.Operation, &h.Scope, &h.State, &h.Amount, &hash, n.at(&h.CreatedAt), &lots, &h.Refunded},
			list(&h.Lots)},
		{`SELECT account, key, entry, operation, scope, provider, model, attempt,
	input, cached_input, cache_write, image_input, cached_image_input, output, reasoning, image_output, images,
	exact, charged, written_off, cost, reported_cost, price_version, at FROM usage_records WHERE account = $1`,
			[]any{&r.Account, &r.Key, &r.Entry, &r.Operation, &r.Scope, &r.Provider, &r.Model, &r.Attempt,
				&counts[0], &counts[1], &counts[2], &counts[3], &counts[4], &counts[5], &counts[6], &counts[7], &counts[8],
				&r.Exact, &r.Charged, &r.WrittenOff, &r.Cost, &reported, &r.PriceVersion, n.at(&r.At)},
			nil},
		{`SELECT key, fingerprint, entry, charged, result, digest, pruned FROM receipts WHERE account = $1`,
			[]any{&receipt.Key, &hash, &receipt.Entry, &receipt.Charged, &receipt.Result, &digest, &receipt.Pruned},
			nil},
	} {
		if err := n.each(ctx, table.query, account, table.fields, table.decode); err != nil {
			return 0, err
		}
	}
	return entries, nil
}

// each reads the rows of a query one at a time, each into the same place.
func (n *naive) each(ctx context.Context, query string, account credits.Account, fields []any, decode func() error) error {
	found, err := n.query(ctx, query, string(account))
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		if err := found.Scan(fields...); err != nil {
			return err
		}
		if decode == nil {
			continue
		}
		if err := decode(); err != nil {
			return err
		}
	}
	return found.Err()
}
