package credits

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Shadow is what a charge would have come to by prices that were not in force: those of a change that is to come. It is an
// observation of the time of the charge. Nobody pays by it, the hash chain does not cover it, and [Audit] does not judge
// it. The ledger keeps it and adds it up; what it means is its maker's.
type Shadow struct {
	Version int64  `json:"version"` // the registry version that priced it; 0 if there was none, and then there is nothing else
	Credits Amount `json:"credits"` // as priced, before any hold limits what is charged of them
	// Reason says why Credits are not what was priced for the charge, that is charged and written off: empty if they are,
	// [ShadowMissing] if there are none to compare, and Credits are 0 then.
	Reason string `json:"reason,omitempty"`
}

// ShadowMissing is the reason of a [Shadow] that has no amount, because its version could not price what was measured.
const ShadowMissing = "missing"

// maxReason is what a reason may have at most, in bytes.
const maxReason = 100

// invalid returns why a shadow cannot be kept.
func (s Shadow) invalid() string {
	switch {
	case s == Shadow{}:
		return ""
	case s.Version < 1:
		return fmt.Sprintf("the record's shadow is of version %d, want at least 1", s.Version)
	case s.Credits < 0:
		return fmt.Sprintf("the record's shadow is of %d credits", s.Credits)
	case s.Reason == ShadowMissing && s.Credits != 0:
		return fmt.Sprintf("the record's shadow has %d credits, and says that it has none", s.Credits)
	case len(s.Reason) > maxReason:
		return fmt.Sprintf("the reason of the record's shadow has %d bytes, at most %d are allowed", len(s.Reason), maxReason)
	}
	return ""
}

// ShadowQuery selects usage records that have a shadow.
type ShadowQuery struct {
	Version  int64     // of the shadows; required
	Account  Account   // of this account; empty for all
	From, To time.Time // charged at or after From and before To; a zero time does not bound
}

// Validate returns an error that matches ErrInvalid if the query names no version.
func (q ShadowQuery) Validate() error {
	if q.Version < 1 {
		return fmt.Errorf("credits: shadow: %w: the version is %d, want the number of one", ErrInvalid, q.Version)
	}
	return nil
}

// ShadowGroup says which records a row of a shadow report adds up.
type ShadowGroup struct {
	Account   Account `json:"account"`
	Operation string  `json:"operation"`
	Model     string  `json:"model"`
	Reason    string  `json:"reason"` // of the shadows; empty for those that are what was priced
}

// ShadowRow is what the charges of a group come to, and what they would have come to. Refunds are left out on both sides:
// they are of what was charged, and say nothing about prices.
type ShadowRow struct {
	ShadowGroup
	Records    int64  `json:"records"`
	Current    Amount `json:"current"`    // credits as priced: charged and written off
	Candidate  Amount `json:"candidate"`  // credits of the shadows; 0 in a group that is missing
	Difference Amount `json:"difference"` // Candidate − Current; 0 in a group that is missing, because it is not known
}

// ShadowSum is a group as a store adds it up, or a part of it: sums of amounts that may not fit one.
type ShadowSum struct {
	ShadowGroup
	Records            int64
	Current, Candidate decimal.Decimal
}

// ShadowSum returns the sum of the record alone.
func (r *UsageRecord) ShadowSum() ShadowSum {
	return ShadowSum{ShadowGroup: ShadowGroup{r.Account, r.Operation, r.Model, r.Shadow.Reason}, Records: 1,
		Current:   decimal.NewFromInt(int64(r.Charged)).Add(decimal.NewFromInt(int64(r.WrittenOff))),
		Candidate: decimal.NewFromInt(int64(r.Shadow.Credits))}
}

// ShadowRows makes the rows of a report of its sums, ordered by account, operation, model and reason, and ends after the
// first error of them. Errors: ErrOverflow if a total does not fit.
func ShadowRows(sums iter.Seq2[ShadowSum, error]) ([]ShadowRow, error) {
	groups := map[ShadowGroup]ShadowSum{}
	for sum, err := range sums {
		if err != nil {
			return nil, err
		}
		if known, ok := groups[sum.ShadowGroup]; ok {
			sum.Records += known.Records
			sum.Current, sum.Candidate = sum.Current.Add(known.Current), sum.Candidate.Add(known.Candidate)
		}
		groups[sum.ShadowGroup] = sum
	}
	rows := make([]ShadowRow, 0, len(groups))
	for _, sum := range groups {
		row := ShadowRow{ShadowGroup: sum.ShadowGroup, Records: sum.Records}
		var err error
		if row.Current, err = whole(sum.Current); err != nil {
			return nil, err
		}
		if row.Reason != ShadowMissing {
			if row.Candidate, err = whole(sum.Candidate); err != nil {
				return nil, err
			}
			row.Difference = row.Candidate - row.Current // neither is negative
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b ShadowRow) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Operation, b.Operation),
			cmp.Compare(a.Model, b.Model), cmp.Compare(a.Reason, b.Reason))
	})
	return rows, nil
}

func whole(sum decimal.Decimal) (Amount, error) {
	if sum.GreaterThan(decimal.NewFromInt(math.MaxInt64)) {
		return 0, fmt.Errorf("credits: shadow: a total of %s: %w", sum, ErrOverflow)
	}
	return Amount(sum.IntPart()), nil
}
