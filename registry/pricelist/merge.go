package pricelist

import (
	"fmt"
	"slices"

	"github.com/scrip-go/scrip/registry"
)

// part is an entry of a list: an offer, or a row of one for pictures of a size.
type part struct {
	entry string
	offer Offer
	row   *registry.ImagePrice // what the entry is about, if not about the model as such
}

func (p *part) refuse(why *problem) Refusal {
	return Refusal{Entry: p.entry, Provider: p.offer.Provider, Name: p.offer.Name, Reason: why.reason, Detail: why.detail}
}

func (p *part) note(notes ...string) { p.offer.Notes = addNotes(p.offer.Notes, notes...) }

func addNotes(notes []string, more ...string) []string {
	for _, n := range more {
		if !slices.Contains(notes, n) {
			notes = append(notes, n)
		}
	}
	return notes
}

// merge makes one offer of the entries for a model, which come in the order of their names, and refuses those that
// contradict each other.
func (l *List) merge(parts []part) {
	type model struct{ provider, name string }
	byModel := map[model][]part{}
	var order []model
	for _, p := range parts {
		m := model{p.offer.Provider, p.offer.Name}
		if byModel[m] == nil {
			order = append(order, m)
		}
		byModel[m] = append(byModel[m], p)
	}
	for _, m := range order {
		l.mergeModel(byModel[m])
	}
}

func (l *List) mergeModel(parts []part) {
	var offer *Offer
	var rows []part
	for _, p := range parts {
		if p.row != nil {
			rows = append(rows, p)
			continue
		}
		if offer == nil {
			offer = &p.offer
			offer.Entries = []string{p.entry}
			continue
		}
		if offer.Kind != p.offer.Kind || !samePrices(offer.Prices, p.offer.Prices) || !same(offer.CostPerImage, p.offer.CostPerImage) {
			other := p.entry
			for _, p := range parts { // nobody knows which is right
				l.Refused = append(l.Refused, p.refuse(refuse(Contradiction, "%s and %s", offer.Entries[0], other)))
			}
			return
		}
		offer.add(p)
	}
	for i, p := range rows {
		if at := slices.IndexFunc(rows, func(q part) bool { return overrules(q, p) }); at >= 0 {
			l.Refused = append(l.Refused, p.refuse(refuse(Contradiction, "%s and %s", p.entry, rows[at].entry)))
			continue
		}
		if offer == nil {
			offer = &rows[i].offer
		} else {
			offer.Notes = addNotes(offer.Notes, p.offer.Notes...)
		}
		offer.Entries = append(offer.Entries, p.entry)
		if !slices.ContainsFunc(offer.ImagePrices, func(r registry.ImagePrice) bool { return samePictures(r, *p.row) }) {
			offer.ImagePrices = append(offer.ImagePrices, *p.row)
		}
	}
	if offer == nil {
		return
	}
	for _, r := range offer.ImagePrices {
		if offer.CostPerImage != nil && offer.CostPerImage.LessThan(r.USD) {
			offer.Notes = addNotes(offer.Notes,
				fmt.Sprintf("cost_per_image %s is for pictures that no row fits, and some rows are dearer", offer.CostPerImage))
		}
	}
	slices.Sort(offer.Entries)
	l.Offers = append(l.Offers, *offer)
}

// overrules reports whether q makes the price of p doubtful: it is another one for the same pictures, or p is said for
// any quality and q has a higher one for a quality of the same size. A picture of a quality that has no row would then be
// accounted for at a price that the list itself has as too low.
func overrules(q, p part) bool {
	if q.row.Size != p.row.Size || q.row.USD.Equal(p.row.USD) {
		return false
	}
	return q.row.Quality == p.row.Quality || p.row.Quality == "" && q.row.USD.GreaterThan(p.row.USD)
}

// add takes another entry for the same model at the same prices. What else they differ in is not taken.
func (o *Offer) add(p part) {
	o.Entries = append(o.Entries, p.entry)
	o.Notes = addNotes(o.Notes, p.offer.Notes...)
	if o.MaxOutputTokens != p.offer.MaxOutputTokens {
		o.MaxOutputTokens = 0
		o.Notes = addNotes(o.Notes, "its entries differ in the most tokens of an answer: not taken")
	}
	if a, b := o.Shutdown, p.offer.Shutdown; a == nil || b != nil && b.Before(*a) {
		o.Shutdown = b
	}
	if a, b := o.StrictSchema, p.offer.StrictSchema; a == nil || b == nil || *a != *b {
		o.StrictSchema = nil
	}
}
