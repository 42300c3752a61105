package pricelist

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/registry"
)

// ErrList is a text that is not the list that it should be: no JSON object, something behind it, a name twice at its top,
// or another list.
var ErrList = errors.New("not a price list")

// List is a price list as it was read. Each of its entries is in exactly one offer, or refused.
type List struct {
	Source  string    `json:"source"`  // which list it is
	Read    int       `json:"read"`    // entries of the list
	Offers  []Offer   `json:"offers"`  // ordered by provider and name
	Refused []Refusal `json:"refused"` // ordered by entry
}

// Taken returns how many entries are in an offer: one for each, and more where a model has an entry for each size of its
// pictures. Read is Taken and the number of refusals together.
func (l List) Taken() int {
	n := 0
	for _, o := range l.Offers {
		n += len(o.Entries)
	}
	return n
}

// RefusedBy counts refusals by their reason.
func (l List) RefusedBy() map[Reason]int {
	out := map[Reason]int{}
	for _, r := range l.Refused {
		out[r.Reason]++
	}
	return out
}

// Offer is a model with the prices that a list has for it. What is not set is what the list does not say.
type Offer struct {
	Entries  []string      `json:"entries"`  // what the list calls it: one name, or one for each size of its pictures
	Provider string        `json:"provider"` // the list's id of the provider
	Name     string        `json:"name"`     // the provider's id of the model
	Kind     registry.Kind `json:"kind"`

	Prices       registry.Prices       `json:"prices,omitzero"`          // USD for 1,000,000 tokens
	CostPerImage *decimal.Decimal      `json:"cost_per_image,omitempty"` // USD for a picture that no row of ImagePrices fits
	ImagePrices  []registry.ImagePrice `json:"image_prices,omitempty"`   // USD for a picture

	DisplayName     string     `json:"display_name,omitempty"`
	ContextWindow   int64      `json:"context_window,omitempty"`    // tokens
	MaxOutputTokens int64      `json:"max_output_tokens,omitempty"` // tokens
	Shutdown        *time.Time `json:"shutdown,omitempty"`          // the beginning of the day, in UTC
	StrictSchema    *bool      `json:"strict_schema,omitempty"`     // whether it takes a JSON schema as a strict response format

	Notes []string `json:"notes,omitempty"` // what the list says besides, and was not taken
}

// Refusal is an entry of a list, or a model of a proposal, that is not taken.
type Refusal struct {
	Entry    string `json:"entry"`              // what the list calls it; in a proposal of what the list does not have, what was asked for
	Provider string `json:"provider,omitempty"` // the list's id of the provider, as far as it is known
	Name     string `json:"name,omitempty"`     // the provider's id of the model, as far as it is known
	Reason   Reason `json:"reason"`
	Detail   string `json:"detail,omitempty"` // the field, or what else there is to say
}

// String returns a line for people.
func (r Refusal) String() string {
	out := fmt.Sprintf("%q: %s", r.Entry, r.Reason.Words())
	if r.Detail != "" {
		out += " (" + r.Detail + ")"
	}
	return out
}

// class is one of the prices of tokens, with its name in JSON.
type class struct {
	name string
	of   func(*registry.Prices) **decimal.Decimal
}

var (
	input            = class{"prices.input", func(p *registry.Prices) **decimal.Decimal { return &p.Input }}
	cachedInput      = class{"prices.cached_input", func(p *registry.Prices) **decimal.Decimal { return &p.CachedInput }}
	cacheWrite       = class{"prices.cache_write", func(p *registry.Prices) **decimal.Decimal { return &p.CacheWrite }}
	imageInput       = class{"prices.image_input", func(p *registry.Prices) **decimal.Decimal { return &p.ImageInput }}
	cachedImageInput = class{"prices.cached_image_input", func(p *registry.Prices) **decimal.Decimal { return &p.CachedImageInput }}
	output           = class{"prices.output", func(p *registry.Prices) **decimal.Decimal { return &p.Output }}
	reasoning        = class{"prices.reasoning", func(p *registry.Prices) **decimal.Decimal { return &p.Reasoning }}
	imageOutput      = class{"prices.image_output", func(p *registry.Prices) **decimal.Decimal { return &p.ImageOutput }}

	classes = []class{input, cachedInput, cacheWrite, imageInput, cachedImageInput, output, reasoning, imageOutput}
)

func samePrices(a, b registry.Prices) bool {
	return !slices.ContainsFunc(classes, func(c class) bool { return !same(*c.of(&a), *c.of(&b)) })
}

// same compares as numbers: 1.5 and 1.50 are one price.
func same(a, b *decimal.Decimal) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// sort puts offers and refusals in their order; a list without any has an empty one, also in JSON.
func (l *List) sort() {
	l.Offers, l.Refused = append([]Offer{}, l.Offers...), append([]Refusal{}, l.Refused...)
	slices.SortFunc(l.Offers, func(a, b Offer) int { return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Name, b.Name)) })
	slices.SortFunc(l.Refused, func(a, b Refusal) int { return cmp.Compare(a.Entry, b.Entry) })
}
