package postgres

import (
	"fmt"
	"strings"

	"github.com/scrip-go/scrip/credits"
)

// The rows of the ledger: their columns, and the fields that these are read into and written from.

const accountColumns = `account, posted, held, debt, entries, head`

const accountTypes = `text bigint bigint bigint bigint bytea`

func accountFields(a *credits.AccountRow) []any {
	return []any{&a.Account, &a.Posted, &a.Held, &a.Debt, &a.Entries, digest{&a.Head}}
}

const bucketColumns = `account, number, key, kind, priority, expires_at, renewed_at, amount, charged, refunded, expired, paid_debt, pinned`

const bucketTypes = `text bigint text text bigint timestamptz timestamptz bigint bigint bigint bigint bigint bigint`

func bucketFields(b *credits.Bucket) []any {
	return []any{&b.Account, &b.Number, &b.Key, &b.Kind, &b.Priority, instant{&b.ExpiresAt}, instant{&b.RenewedAt}, &b.Amount, &b.Charged,
		&b.Refunded, &b.Expired, &b.PaidDebt, &b.Pinned}
}

const holdColumns = `account, key, operation, scope, state, amount, fingerprint, holder, fence, lease, lease_until, expires_at, pinned, created_at, lots, refunded`

const holdTypes = `text text text text text bigint bytea text bigint bigint timestamptz timestamptz bytea timestamptz json bigint`

func holdFields(h *credits.Hold) []any {
	return []any{&h.Account, &h.Key, &h.Operation, &h.Scope, &h.State, &h.Amount, digest{&h.Fingerprint},
		&h.Holder.ID, &h.Holder.Fence, span{&h.Holder.Lease}, instant{&h.LeaseUntil}, instant{&h.ExpiresAt},
		&h.Pinned, instant{&h.CreatedAt}, list{&h.Lots}, &h.Refunded}
}

const attemptColumns = `account, key, id, scope, holder, provider, model, key_id, job_id, request_id, fate, error, ` + usageColumns +
	`, cost, reported_cost, begun_at, finished_at`

const attemptTypes = `text text text text text text text text text text text text ` + usageTypes + ` numeric numeric timestamptz timestamptz`

const usageTypes = `bigint bigint bigint bigint bigint bigint bigint bigint bigint`

// attempt is a row of the journal. An attempt does not say whose it is.
type attempt struct {
	account credits.Account
	credits.Attempt
}

func attemptFields(a *attempt) []any {
	fields := []any{&a.account, &a.Key, &a.ID, &a.Scope, &a.Holder, &a.Provider, &a.Model, &a.KeyID, &a.JobID, &a.RequestID, &a.Fate, &a.Error}
	fields = append(fields, usageFields(&a.Usage)...)
	return append(fields, &a.Cost, &a.ReportedCost, instant{&a.BegunAt}, instant{&a.FinishedAt})
}

const entryColumns = `account, number, kind, amount, balance_after, key, charge, operation, scope, who, note, lots, at, hash`

const entryTypes = `text bigint text bigint bigint text text text text text text json timestamptz bytea`

func entryFields(e *credits.Entry) []any {
	return []any{&e.Account, &e.Number, &e.Kind, &e.Amount, &e.BalanceAfter, &e.Key, &e.Charge, &e.Operation, &e.Scope, &e.Who, &e.Note,
		list{&e.Lots}, instant{&e.At}, digest{&e.Hash}}
}

const recordColumns = `account, key, entry, operation, scope, provider, model, attempt, ` + usageColumns +
	`, exact, charged, written_off, cost, reported_cost, price_version, at`

const recordTypes = `text text bigint text text text text text ` + usageTypes + ` numeric bigint bigint numeric numeric bigint timestamptz`

func recordFields(r *credits.UsageRecord) []any {
	fields := []any{&r.Account, &r.Key, &r.Entry, &r.Operation, &r.Scope, &r.Provider, &r.Model, &r.Attempt}
	fields = append(fields, usageFields(&r.Usage)...)
	return append(fields, &r.Exact, &r.Charged, &r.WrittenOff, &r.Cost, &r.ReportedCost, &r.PriceVersion, instant{&r.At})
}

const receiptColumns = `account, key, fingerprint, entry, charged, result, digest, pruned`

const receiptTypes = `text text bytea bigint bigint bytea bytea boolean`

func receiptFields(r *credits.Receipt) []any {
	return []any{&r.Record.Account, &r.Key, digest{&r.Fingerprint}, &r.Entry, &r.Charged, &r.Result, digest{&r.Digest}, &r.Pruned}
}

// of returns columns as those of a table in a join.
func of(table, columns string) string {
	return table + "." + strings.ReplaceAll(columns, ", ", ", "+table+".")
}

// insert is a statement that inserts any number of rows: an array for each column. What Go has as text, decimals and
// JSON, is sent as text.
func insert(table, columns, types string) string {
	names, of := strings.Split(columns, ", "), strings.Fields(types)
	arrays, selected := make([]string, len(of)), make([]string, len(of))
	for i, t := range of {
		sent := t
		selected[i] = "u." + names[i]
		if t == "numeric" || t == "json" {
			sent, selected[i] = "text", selected[i]+"::"+t
		}
		arrays[i] = fmt.Sprintf("$%d::%s[]", i+1, sent)
	}
	return "INSERT INTO scrip." + table + " (" + columns + ")\nSELECT " + strings.Join(selected, ", ") +
		"\nFROM unnest(" + strings.Join(arrays, ", ") + ") AS u (" + columns + ")"
}

// overwrite ends an insert that updates the given columns of a row that is there already.
func overwrite(key, columns string) string {
	var sets []string
	for c := range strings.SplitSeq(columns, ", ") {
		sets = append(sets, c+" = excluded."+c)
	}
	return "\nON CONFLICT (" + key + ") DO UPDATE SET " + strings.Join(sets, ", ")
}

// columns turns rows into the arrays of insert.
func columns[T any](rows []*T, fields func(*T) []any) ([]any, error) {
	var arrays [][]any
	for _, r := range rows {
		v, err := values(fields(r))
		if err != nil {
			return nil, err
		}
		if arrays == nil {
			arrays = make([][]any, len(v))
			for i := range arrays {
				arrays[i] = make([]any, 0, len(rows))
			}
		}
		for i := range v {
			arrays[i] = append(arrays[i], v[i])
		}
	}
	out := make([]any, len(arrays))
	for i := range arrays {
		out[i] = arrays[i]
	}
	return out, nil
}
