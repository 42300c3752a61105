package pricelist

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/scrip-go/scrip/registry"
)

// Options say what a proposal is to have besides new prices. Nil is the zero value.
type Options struct {
	// Add names models that the configuration does not have yet: by the provider's name for them, or as provider/name, with
	// the configuration's id of the provider, where several of its providers offer one; that is what it means if it could be
	// a name as well. They are added inactive, after the
	// others of their kind; what is not in a price list is left to the operator, who activates them.
	Add []string
	// Providers are the configuration's ids of providers by the list's, where they differ. One that is not in it has the
	// same id in both.
	Providers map[string]string
}

// Proposal is what a configuration would be after a list, to be looked at before it is saved. Each model of the
// configuration whose provider the list could know, and each name that was asked for, is in one of Taken, Unchanged,
// Refused and Unlisted.
type Proposal struct {
	// Next is the configuration with what is taken over. It shares with the one that it was made from what is the same in
	// both, so neither must be written to. Nobody has validated it.
	Next        registry.Configuration `json:"next"`
	Differences []registry.Difference  `json:"differences"` // what Next says differently

	Taken     []string  `json:"taken"`     // names of models that change or are added, sorted
	Unchanged []string  `json:"unchanged"` // names of models that say what the list says already, sorted
	Unlisted  []string  `json:"unlisted"`  // names of models that the list does not have, sorted
	Refused   []Refusal `json:"refused"`   // models that are configured or were asked for and stay as they are
	Notes     []Note    `json:"notes"`     // on what is taken and on what stays, by model
}

// Note is something that an operator should know about a model before saving the proposal.
type Note struct {
	Model string `json:"model"`
	Text  string `json:"text"`
}

// String returns a line for people.
func (n Note) String() string { return fmt.Sprintf("model %q: %s", n.Model, n.Text) }

// Propose takes the list over into a configuration. For the models that it has already, by provider and name, the list's
// prices replace those of the same class, size and quality; prices that the list does not mention stay, and a note says so.
// The display name and the limits are filled in where the configuration has none, and so is the shutdown of a model that is
// not active: a date switches a model off, and the list's is one of deprecation, which may have passed or be wrong.
// Where the list has others, a note says so: a limit may be lower because the host wants it so. Everything else of a model
// is the host's own and not touched: whether it is active or the default, its place, its ratio and credits, tier, sizes,
// capabilities and profile. Sizes for which the model is not offered get no price.
//
// The configuration is not written to. Errors: registry.ErrNotFound if o.Providers names a provider that the configuration
// does not have, registry.ErrInvalid if it names one for two of the list's.
func (l List) Propose(c registry.Configuration, o *Options) (Proposal, error) {
	if o == nil {
		o = &Options{}
	}
	ours, err := providers(c, o.Providers)
	if err != nil {
		return Proposal{}, err
	}
	p := proposing{ours: ours, offers: map[key]*Offer{}, refused: map[key][]Refusal{}}
	p.out = Proposal{Next: c, Taken: []string{}, Unchanged: []string{}, Unlisted: []string{}, Refused: []Refusal{}, Notes: []Note{}}
	p.out.Next.Models = slices.Clone(c.Models)
	for i := range l.Offers {
		p.offers[p.key(l.Offers[i].Provider, l.Offers[i].Name)] = &l.Offers[i]
	}
	for _, r := range l.Refused {
		k := p.key(r.Provider, r.Name)
		p.refused[k] = append(p.refused[k], r)
	}
	for i := range c.Models {
		p.update(&p.out.Next.Models[i])
	}
	for _, name := range o.Add {
		p.add(l, name)
	}
	p.finish(c)
	return p.out, nil
}

// providers returns the configuration's ids by the list's.
func providers(c registry.Configuration, mapped map[string]string) (func(theirs string) string, error) {
	known, source := map[string]bool{}, map[string]string{}
	for _, p := range c.Providers {
		known[p.ID] = true
	}
	for theirs, id := range mapped {
		if !known[id] {
			return nil, fmt.Errorf("pricelist: provider %q for %.60q of the list: %w", id, theirs, registry.ErrNotFound)
		}
		if other, twice := source[id]; twice {
			return nil, fmt.Errorf("pricelist: %w: provider %q is mapped from %.60q and %.60q: name one",
				registry.ErrInvalid, id, min(theirs, other), max(theirs, other))
		}
		source[id] = theirs
	}
	return func(theirs string) string {
		if id, ok := mapped[theirs]; ok {
			return id
		}
		if _, taken := source[theirs]; taken || !known[theirs] {
			return "" // another one of the list's stands for it, or it is not there
		}
		return theirs
	}, nil
}

// key is a model in the configuration's words. Those of other providers have none, and are told apart by the list's.
type key struct{ provider, name string }

type proposing struct {
	ours    func(theirs string) string
	offers  map[key]*Offer
	refused map[key][]Refusal
	out     Proposal
	same    []string // models that were looked at, changed or not
}

// elsewhere is before the list's id of a provider that the configuration does not have. No id begins with it.
const elsewhere = "\x00"

func (p *proposing) key(provider, name string) key {
	if id := p.ours(provider); id != "" {
		return key{id, name}
	}
	return key{elsewhere + provider, name}
}

func (p *proposing) note(model, text string, args ...any) {
	p.out.Notes = append(p.out.Notes, Note{model, fmt.Sprintf(text, args...)})
}

// update takes the prices of a model that the configuration has.
func (p *proposing) update(m *registry.Model) {
	k := key{m.Provider, m.Name}
	o := p.offers[k]
	switch {
	case o == nil && len(p.refused[k]) > 0:
		p.out.Refused = append(p.out.Refused, p.refused[k]...)
		return
	case o == nil:
		p.out.Unlisted = append(p.out.Unlisted, m.Name)
		return
	case o.Kind != m.Kind:
		p.refuse(o, KindDiffers, fmt.Sprintf("%s here, %s there", m.Kind, o.Kind))
		return
	}
	next, notes := takeOver(*m, o)
	if next.Active && next.Prices.ImageOutput != nil && (next.Prices.Input == nil || next.Prices.Output == nil) {
		p.refuse(o, Incomplete, "image_output without input and output")
		return
	}
	*m = next
	p.took(m.Name, o, notes)
}

func (p *proposing) took(model string, o *Offer, notes []string) {
	p.same = append(p.same, model)
	for _, n := range append(slices.Clone(o.Notes), notes...) {
		p.note(model, "%s", n)
	}
	for _, r := range p.refused[p.key(o.Provider, o.Name)] { // some of its sizes
		p.note(model, "not taken: %s", r)
	}
}

func (p *proposing) refuse(o *Offer, why Reason, detail string) {
	p.out.Refused = append(p.out.Refused, Refusal{Entry: o.Entries[0], Provider: o.Provider, Name: o.Name, Reason: why, Detail: detail})
}

// finish tells what changed.
func (p *proposing) finish(c registry.Configuration) {
	slices.SortStableFunc(p.out.Next.Models, func(a, b registry.Model) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.SortOrder, b.SortOrder), cmp.Compare(a.Name, b.Name))
	})
	p.out.Differences = append([]registry.Difference{}, registry.Diff(c, p.out.Next)...)
	changed := map[string]bool{}
	for _, d := range p.out.Differences {
		changed[d.Name] = true
	}
	for _, name := range p.same {
		if changed[name] {
			p.out.Taken = append(p.out.Taken, name)
		} else {
			p.out.Unchanged = append(p.out.Unchanged, name)
		}
	}
	slices.Sort(p.out.Taken)
	slices.Sort(p.out.Unchanged)
	slices.Sort(p.out.Unlisted)
	slices.SortStableFunc(p.out.Notes, func(a, b Note) int { return cmp.Compare(a.Model, b.Model) })
	slices.SortFunc(p.out.Refused, func(a, b Refusal) int { return cmp.Or(cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.Reason, b.Reason)) })
	p.out.Refused = slices.Compact(p.out.Refused) // a model may be configured and asked for
}
