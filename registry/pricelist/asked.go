package pricelist

import (
	"cmp"
	"strings"

	"github.com/scrip-go/scrip/registry"
)

// add takes a model that was asked for. Names have slashes too, and where one reads like provider/name of another model, it
// is that model.
func (p *proposing) add(l List, asked string) {
	var found, behind []*Offer
	for i := range l.Offers {
		o := &l.Offers[i]
		if p.ours(o.Provider) == "" || !p.means(asked, o.Provider, o.Name) {
			continue
		}
		found = append(found, o)
		if asked != o.Name {
			behind = append(behind, o)
		}
	}
	if len(behind) == 1 {
		found = behind
	}
	switch len(found) {
	case 1:
		p.addOffer(found[0])
	case 0:
		p.out.Refused = append(p.out.Refused, p.whyNot(l, asked)...)
	default:
		var ids []string
		for _, o := range found {
			ids = append(ids, p.ours(o.Provider))
		}
		p.out.Refused = append(p.out.Refused, Refusal{Entry: asked, Reason: SeveralProviders, Detail: strings.Join(ids, ", ")})
	}
}

// means reports whether what was asked for is the model: by its name, or behind the provider's id, which is the list's for
// one that the configuration does not have.
func (p *proposing) means(asked, provider, name string) bool {
	return asked == name || asked == cmp.Or(p.ours(provider), provider)+"/"+name
}

// whyNot says why nothing was found: it is refused, it is of another provider, or it is not there.
func (p *proposing) whyNot(l List, asked string) (out []Refusal) {
	no := Refusal{Entry: asked, Reason: NotListed}
	other := func(provider, name string) {
		no = Refusal{Entry: asked, Provider: provider, Name: name, Reason: UnknownProvider, Detail: printable(provider)}
	}
	for _, o := range l.Offers {
		if p.means(asked, o.Provider, o.Name) {
			other(o.Provider, o.Name)
		}
	}
	for _, r := range l.Refused {
		switch {
		case !p.means(asked, r.Provider, r.Name):
		case p.ours(r.Provider) != "":
			out = append(out, r)
		case r.Provider != "":
			other(r.Provider, r.Name)
		}
	}
	if out == nil {
		out = []Refusal{no}
	}
	return out
}

func (p *proposing) addOffer(o *Offer) {
	id := p.ours(o.Provider)
	place := 0
	for _, m := range p.out.Next.Models {
		switch {
		case m.Name == o.Name && m.Provider == id:
			return // it has it, and update has dealt with it
		case m.Name == o.Name:
			p.refuse(o, NameTaken, m.Provider)
			return
		case m.Kind == o.Kind:
			place = max(place, m.SortOrder)
		}
	}
	m, notes := takeOver(registry.Model{Name: o.Name, Kind: o.Kind, Provider: id, SortOrder: place + 1}, o)
	if o.StrictSchema != nil && *o.StrictSchema {
		m.Capabilities = []string{registry.StrictSchema}
	}
	p.out.Next.Models = append(p.out.Next.Models, m)
	p.took(m.Name, o, notes)
}
