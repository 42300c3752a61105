package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/scrip-go/scrip/credits"
)

type usageCommand struct {
	Account     credits.Account `arg:"" optional:"" help:"Whose usage."`
	AllAccounts bool            `help:"Of all accounts, instead of one."`
	From        string          `placeholder:"TIME" help:"Charged at or after: 2026-05-01 (in the zone) or 2026-05-01T08:00:00+02:00."`
	To          string          `placeholder:"TIME" help:"Charged before: 2026-06-01 is until the end of May."`
	By          []string        `placeholder:"DIMENSION,..." help:"Group by account, operation, model, provider, scope, day."`
	Scope       string          `placeholder:"SCOPE" help:"Of this scope only, such as a run."`
	Zone        string          `default:"UTC" placeholder:"ZONE" help:"The IANA zone whose days are meant, such as Europe/Berlin. UTC if it is not given."`
}

// usageReport is what usage prints.
type usageReport struct {
	Account credits.Account     `json:"account,omitempty"` // of all accounts if empty
	Scope   string              `json:"scope,omitempty"`
	From    time.Time           `json:"from,omitzero"`
	To      time.Time           `json:"to,omitzero"`
	Zone    string              `json:"zone"`
	By      []credits.Dimension `json:"by"`
	Rows    []credits.UsageRow  `json:"rows"`
}

func (c *usageCommand) Run(a *app) error {
	q, err := c.query()
	if err != nil {
		return &exit{misused, err}
	}
	return a.with(reading, func(db *database) error {
		rows, err := db.ledger.Usage(a.ctx, q)
		if err != nil {
			return err
		}
		if a.JSON {
			return a.document(usageReport{q.Account, q.Scope, q.From, q.To, q.Zone, append([]credits.Dimension{}, q.GroupBy...), append([]credits.UsageRow{}, rows...)})
		}
		return a.usage(q.GroupBy, rows)
	})
}

// query returns what is asked for, or what is wrong with the question.
func (c *usageCommand) query() (credits.UsageQuery, error) {
	if (c.Account == "") != c.AllAccounts {
		return credits.UsageQuery{}, misuse("want either an account or --all-accounts")
	}
	q := credits.UsageQuery{Account: c.Account, AllAccounts: c.AllAccounts, Scope: c.Scope, Zone: c.Zone}
	for _, d := range c.By {
		q.GroupBy = append(q.GroupBy, credits.Dimension(d))
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return q, misuse("--zone: %.40q is no zone of the IANA database", c.Zone)
	}
	var errFrom, errTo error
	q.From, errFrom = parseTime(c.From, zone)
	q.To, errTo = parseTime(c.To, zone)
	_, err = q.Plan()
	return q, errors.Join(errFrom, errTo, err)
}

func (a *app) usage(by []credits.Dimension, rows []credits.UsageRow) error {
	var head []string
	for _, d := range by {
		head = append(head, strings.ToUpper(string(d)))
	}
	t := a.table(append(head, "RECORDS", "CHARGED", "REFUNDED", "WRITTEN OFF", "COST USD", "TOKENS IN", "TOKENS OUT", "IMAGES")...)
	for _, r := range rows {
		var cells []any
		for _, d := range by {
			cells = append(cells, dimension(r.UsageGroup, d))
		}
		in, out, err := r.Usage.TokenSums()
		if err != nil {
			return err
		}
		t.row(append(cells, r.Records, r.Charged, r.Refunded, r.WrittenOff, r.Cost, in, out, r.Usage.Images.N)...)
	}
	return t.end()
}

func dimension(g credits.UsageGroup, d credits.Dimension) string {
	i := slices.Index([]credits.Dimension{credits.ByAccount, credits.ByOperation, credits.ByModel, credits.ByProvider, credits.ByScope, credits.ByDay}, d)
	return []string{string(g.Account), g.Operation, g.Model, g.Provider, g.Scope, g.Day}[i]
}
