package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
)

type shadowCommands struct {
	Report shadowReportCommand `cmd:"" help:"Compare what was priced with what it would have come to, by account, operation, model and reason."`
}

type shadowReportCommand struct {
	Version int64           `arg:"" optional:"" help:"The version to compare with; the one that comes into force next if it is not given."`
	Account credits.Account `placeholder:"ACCOUNT" help:"Of this account; of all if it is not given."`
	From    string          `placeholder:"TIME" help:"Charged at or after: 2026-05-01 (in UTC) or 2026-05-01T08:00:00+02:00."`
	To      string          `placeholder:"TIME" help:"Charged before: 2026-06-01 is until the end of May."`
	Sum     bool            `help:"Add up over accounts, operations and models: one row for each reason."`
}

// shadowReport is what shadow report prints.
type shadowReport struct {
	Version int64               `json:"version"`
	Account credits.Account     `json:"account,omitempty"` // of all accounts if empty
	From    time.Time           `json:"from,omitzero"`
	To      time.Time           `json:"to,omitzero"`
	Rows    []credits.ShadowRow `json:"rows"`
}

func (c *shadowReportCommand) Run(a *app) error {
	q := credits.ShadowQuery{Version: c.Version, Account: c.Account}
	var errFrom, errTo error
	q.From, errFrom = parseTime(c.From, time.UTC)
	q.To, errTo = parseTime(c.To, time.UTC)
	if err := errors.Join(errFrom, errTo); err != nil {
		return &exit{misused, err}
	}
	return a.with(reading, func(db *database) (err error) {
		if q.Version == 0 {
			if q.Version, err = candidate(a, db); err != nil {
				return err
			}
		}
		rows, err := db.ledger.Shadow(a.ctx, q)
		if err != nil {
			return err
		}
		if c.Sum {
			if rows, err = byReason(rows); err != nil {
				return err
			}
		}
		if a.JSON {
			return a.document(shadowReport{q.Version, q.Account, q.From, q.To, append([]credits.ShadowRow{}, rows...)})
		}
		return a.shadow(q.Version, rows)
	})
}

// candidate is the version that comes into force next, as a host sees it.
func candidate(a *app, db *database) (int64, error) {
	r, err := registry.Open(a.ctx, db.models, &registry.Options{Now: a.now})
	if err != nil {
		return 0, err
	}
	defer r.Close()
	next := r.Snapshot().Candidate()
	if next == nil {
		return 0, errors.New("no version is still to come: name the one that is meant (scrip models history)")
	}
	return next.Version, nil
}

// byReason adds rows up.
func byReason(rows []credits.ShadowRow) ([]credits.ShadowRow, error) {
	sums := map[string]credits.ShadowRow{}
	for _, r := range rows {
		s := sums[r.Reason]
		s.Reason = r.Reason
		var err1, err2, err3 error
		s.Records += r.Records
		s.Current, err1 = s.Current.Add(r.Current)
		s.Candidate, err2 = s.Candidate.Add(r.Candidate)
		s.Difference, err3 = s.Difference.Add(r.Difference)
		if err := errors.Join(err1, err2, err3); err != nil {
			return nil, err
		}
		sums[r.Reason] = s
	}
	out := []credits.ShadowRow{}
	for _, reason := range sortedKeys(sums) {
		out = append(out, sums[reason])
	}
	return out, nil
}

func (a *app) shadow(version int64, rows []credits.ShadowRow) error {
	a.say("Charges that were also priced by version %d:", version)
	t := a.table("ACCOUNT", "OPERATION", "MODEL", "REASON", "RECORDS", "CURRENT", "CANDIDATE", "DIFFERENCE")
	for _, r := range rows {
		reason := r.Reason
		if reason == "" {
			reason = "same"
		}
		come, difference := fmt.Sprint(r.Candidate), fmt.Sprint(r.Difference)
		if r.Reason == credits.ShadowMissing { // it is not known
			come, difference = "", ""
		}
		t.row(r.Account, r.Operation, r.Model, reason, r.Records, r.Current, come, difference)
	}
	return t.end()
}
