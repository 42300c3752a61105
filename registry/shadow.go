package registry

import (
	"slices"
	"strings"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

// Reason says why a candidate comes to other credits than what was billed: one of the constants, or the causes among them
// joined by "+" in the order in which they stand here.
type Reason string

// The reasons of a mismatch.
const (
	// ReasonNone is no mismatch: the candidate comes to the same credits, whatever it has in its rows.
	ReasonNone Reason = ""
	// ReasonRatio is another number of tokens per credit, of the model or, where that has none, of the operation.
	ReasonRatio Reason = "ratio"
	// ReasonMinimum is another minimum of the operation.
	ReasonMinimum Reason = "minimum"
	// ReasonPerImage is other credits for a picture, of the model or, where that has none, by the operation's minimum.
	ReasonPerImage Reason = "per_image"
	// ReasonMissing is no price at all: the candidate does not have the model or the operation, or has one of them switched
	// off, or another kind of model under the name, or a price that is larger than an amount can be. Nothing else is said
	// then, because there is no amount to compare.
	ReasonMissing Reason = credits.ShadowMissing
)

// Priced is a call of an operation as it was priced.
type Priced struct {
	Rate  Rate
	Usage usage.Usage
}

// Reprice says what the calls of one operation would have come to by this snapshot, which need not be in force: its own
// rows of the same names price the same usage. As in [Price.Add] the calls are added before they are rounded. Credits
// are compared as they are quoted, before any hold limits what is charged of them.
//
// The reason is reckoned and not guessed from what differs in the rows. A cause is named if the snapshot would come to other
// credits with what was billed in this one cause's place: without it, the amount would not be what it is. If there is no
// such cause, because each of several alone would have brought the amount about, all that differ are named.
//
// Errors: those of [Rate.Quote] and [Price.Credits] for what was billed.
func (s *Snapshot) Reprice(calls ...Priced) (credits.Shadow, error) {
	billed, err := quoted(calls)
	if err != nil {
		return credits.Shadow{}, err
	}
	missing := credits.Shadow{Version: s.Version, Reason: string(ReasonMissing)}
	candidate := slices.Clone(calls)
	for i := range candidate {
		if !s.rerate(&candidate[i].Rate) {
			return missing, nil
		}
	}
	amount, err := quoted(candidate)
	if err != nil {
		return missing, nil
	}
	shadow := credits.Shadow{Version: s.Version, Credits: amount}
	if amount != billed {
		shadow.Reason = string(why(calls, candidate, amount))
	}
	return shadow, nil
}

// rerate puts the snapshot's rows into a rate, and reports whether it has them.
func (s *Snapshot) rerate(r *Rate) bool {
	m, o := s.models[r.Model.Name], s.operations[r.Operation.Operation]
	if m == nil || o == nil || !m.Active || !o.Active || m.Kind != r.Model.Kind {
		return false
	}
	// Credits do not depend on the size and the quality; a model has a price in USD for its own, and need not for another's.
	*r = Rate{Version: s.Version, Model: *m, Operation: *o, Size: m.SquareSize, Quality: m.Profile.Quality}
	return true
}

// quoted is what calls come to together.
func quoted(calls []Priced) (credits.Amount, error) {
	var sum Price
	for _, c := range calls {
		p, err := c.Rate.Quote(c.Usage)
		if err != nil {
			return 0, err
		}
		sum = sum.Add(p)
	}
	return sum.Credits()
}

// rule is what decides the credits of a call, each thing in one place.
type rule struct {
	ratio             int64
	minimum, perImage credits.Amount
}

func (r *Rate) rule() rule {
	if r.Model.Kind == Image {
		return rule{perImage: r.perImage()}
	}
	return rule{ratio: r.ratio(), minimum: r.Operation.MinCredits}
}

// causes are what a rule can differ in, each with how it is taken over from another rule.
var causes = []struct {
	reason Reason
	take   func(to *rule, from rule)
}{
	{ReasonRatio, func(to *rule, from rule) { to.ratio = from.ratio }},
	{ReasonMinimum, func(to *rule, from rule) { to.minimum = from.minimum }},
	{ReasonPerImage, func(to *rule, from rule) { to.perImage = from.perImage }},
}

// why returns the reason for which the candidate's calls come to an amount that the billed ones do not come to.
func why(billed, candidate []Priced, amount credits.Amount) Reason {
	var decisive, different []string
	for _, cause := range causes {
		mixed, differs := slices.Clone(candidate), false
		for i := range mixed {
			theirs := candidate[i].Rate.rule()
			mix := theirs
			cause.take(&mix, billed[i].Rate.rule())
			differs = differs || mix != theirs
			r := &mixed[i].Rate
			r.Model.TokensPerCredit, r.Operation.MinCredits, r.Model.CreditsPerImage = mix.ratio, mix.minimum, mix.perImage
		}
		if !differs {
			continue
		}
		different = append(different, string(cause.reason))
		if without, err := quoted(mixed); err != nil || without != amount {
			decisive = append(decisive, string(cause.reason))
		}
	}
	if len(decisive) == 0 {
		decisive = different
	}
	return Reason(strings.Join(decisive, "+"))
}
