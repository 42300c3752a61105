package sqlite

import (
	"context"
	"database/sql"

	"github.com/scrip-go/scrip/credits"
)

// Verify implements [credits.Ledger]. It reads one snapshot, row by row, beside writers; its memory does not grow with the
// account.
func (l *Ledger) Verify(ctx context.Context, account credits.Account) (credits.Report, error) {
	var report credits.Report
	err := l.snapshot(ctx, func(r reader) error {
		row := credits.AccountRow{Account: account}
		if _, err := one(ctx, r, []any{&row.Posted, &row.Held, &row.Entries}, selectAccount, account); err != nil {
			return err
		}
		audit := credits.NewAudit(row)
		if err := auditLines(ctx, r, audit, account); err != nil {
			return err
		}
		if err := auditHolds(ctx, r, audit, account); err != nil {
			return err
		}
		var grants, records, receipts int64
		if _, err := one(ctx, r, []any{&grants, &records, &receipts}, countLedger, account); err != nil {
			return err
		}
		audit.Counts(grants, records, receipts)
		report = audit.Report()
		return nil
	})
	return report, translate("verify", err)
}

const countLedger = `SELECT (SELECT count(*) FROM scrip_grants WHERE account = ?1),
	(SELECT count(*) FROM scrip_usage_records WHERE account = ?1),
	(SELECT count(*) FROM scrip_receipts WHERE account = ?1)`

// selectLines joins each entry with what belongs to it. Every join is by a primary key, so that it stays one walk.
const selectLines = `SELECT e.account, e.number, e.kind, e.amount, e.balance_after, e.key, e.operation, e.scope, e.note, e.at,
	g.kind, g.amount, g.entry,
	h.state, h.operation, h.scope, h.amount,
	u.key, u.operation, u.scope, u.attempt, u.charged, u.written_off,
	r.entry,
	a.id, a.fate
FROM scrip_entries e
LEFT JOIN scrip_grants g ON g.account = e.account AND g.key = e.key
LEFT JOIN scrip_holds h ON h.account = e.account AND h.key = e.key
LEFT JOIN scrip_usage_records u ON u.account = e.account AND u.entry = e.number
LEFT JOIN scrip_receipts r ON r.account = e.account AND r.key = e.key
LEFT JOIN scrip_attempts a ON a.account = e.account AND a.key = e.key AND a.id = u.attempt
WHERE e.account = ? ORDER BY e.number`

// joined is a row of selectLines. What a join did not find is not valid.
type joined struct {
	grantKind                                              sql.Null[credits.GrantKind]
	grantAmount, grantEntry                                sql.NullInt64
	holdState                                              sql.Null[credits.HoldState]
	holdOperation, holdScope                               sql.NullString
	holdAmount                                             sql.NullInt64
	recordKey, recordOperation, recordScope, recordAttempt sql.NullString
	recordCharged, recordWrittenOff, receiptEntry          sql.NullInt64
	attemptID, attemptFate                                 sql.NullString
}

func (j *joined) fields() []any {
	return []any{&j.grantKind, &j.grantAmount, &j.grantEntry,
		&j.holdState, &j.holdOperation, &j.holdScope, &j.holdAmount,
		&j.recordKey, &j.recordOperation, &j.recordScope, &j.recordAttempt, &j.recordCharged, &j.recordWrittenOff,
		&j.receiptEntry, &j.attemptID, &j.attemptFate}
}

func auditLines(ctx context.Context, r reader, audit *credits.Audit, account credits.Account) error {
	found, err := r.QueryContext(ctx, selectLines, account)
	if err != nil {
		return err
	}
	defer found.Close()
	var e credits.Entry
	var j joined
	dest := append(entryFields(&e), j.fields()...)
	for found.Next() {
		if err := found.Scan(dest...); err != nil {
			return err
		}
		audit.Line(j.line(e))
	}
	return found.Err()
}

// line carries of each row what identifies it and what it says about amounts and states; the long fields stay on disk.
func (j *joined) line(e credits.Entry) credits.Line {
	line := credits.Line{Entry: e, Receipt: j.receiptEntry.Valid}
	if j.grantKind.Valid {
		line.Grant = &credits.GrantRow{
			Grant: credits.Grant{Account: e.Account, Key: e.Key, Kind: j.grantKind.V, Amount: credits.Amount(j.grantAmount.Int64)},
			Entry: credits.Entry{Account: e.Account, Key: e.Key, Number: j.grantEntry.Int64},
		}
	}
	if j.holdState.Valid {
		line.Hold = &credits.Hold{Account: e.Account, Key: e.Key, State: j.holdState.V, Operation: j.holdOperation.String,
			Scope: j.holdScope.String, Amount: credits.Amount(j.holdAmount.Int64)}
	}
	if j.recordKey.Valid {
		line.Record = &credits.UsageRecord{Account: e.Account, Entry: e.Number, Key: credits.Key(j.recordKey.String),
			Operation: j.recordOperation.String, Scope: j.recordScope.String, Attempt: j.recordAttempt.String,
			Charged: credits.Amount(j.recordCharged.Int64), WrittenOff: credits.Amount(j.recordWrittenOff.Int64)}
	}
	if j.attemptID.Valid {
		line.Winner = &credits.Attempt{ID: j.attemptID.String, Key: e.Key, Fate: j.attemptFate.String}
	}
	return line
}

const selectHoldAmounts = `SELECT account, key, state, amount FROM scrip_holds WHERE account = ?`

func auditHolds(ctx context.Context, r reader, audit *credits.Audit, account credits.Account) error {
	found, err := r.QueryContext(ctx, selectHoldAmounts, account)
	if err != nil {
		return err
	}
	defer found.Close()
	var h credits.Hold
	for found.Next() {
		if err := found.Scan(&h.Account, &h.Key, &h.State, &h.Amount); err != nil {
			return err
		}
		audit.Hold(h)
	}
	return found.Err()
}
