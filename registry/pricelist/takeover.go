package pricelist

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/registry"
)

// takeOver returns the model with what the offer says of it, and notes on what is left as it was. It writes to nothing
// that the two are given with.
func takeOver(m registry.Model, o *Offer) (_ registry.Model, notes []string) {
	note := func(text string, args ...any) { notes = append(notes, fmt.Sprintf(text, args...)) }
	take := func(name string, at **decimal.Decimal, usd *decimal.Decimal) {
		switch {
		case usd == nil && *at != nil:
			note("%s: the list has none: %s stays", name, *at)
		case usd != nil && !same(*at, usd): // one that is written in another way stays as it is written
			own := *usd
			*at = &own
		}
	}
	offered := o.Prices
	for _, c := range classes {
		take(c.name, c.of(&m.Prices), *c.of(&offered))
	}
	take("cost_per_image", &m.CostPerImage, o.CostPerImage)

	rows := slices.Clone(m.ImagePrices)
	for _, r := range rows {
		if !slices.ContainsFunc(o.ImagePrices, func(x registry.ImagePrice) bool { return samePictures(x, r) }) {
			note("image_prices: the list has none for %s: %s stays", pictures(r), r.USD)
		}
	}
	for _, r := range o.ImagePrices {
		if len(m.Sizes) > 0 && !slices.Contains(m.Sizes, r.Size) {
			note("image_prices: %s is not one of its valid_sizes: not taken", pictures(r))
			continue
		}
		at := slices.IndexFunc(rows, func(x registry.ImagePrice) bool { return samePictures(x, r) })
		switch {
		case at < 0:
			rows = append(rows, r)
		case !rows[at].USD.Equal(r.USD):
			rows[at].USD = r.USD
		}
	}
	m.ImagePrices = rows

	if m.DisplayName == "" {
		m.DisplayName = o.DisplayName
	}
	fill := func(name string, at *int64, listed int64) {
		if *at == 0 {
			*at = listed
		} else if listed != 0 && listed != *at {
			note("%s: the list has %d: %d stays", name, listed, *at)
		}
	}
	fill("context_window", &m.ContextWindow, o.ContextWindow)
	fill("max_output_tokens", &m.MaxOutputTokens, o.MaxOutputTokens)
	switch {
	case o.Shutdown == nil:
	case m.Shutdown == nil && m.Active:
		note("shutdown: the list has %s: none is set while it is active", o.Shutdown.Format(time.DateOnly))
	case m.Shutdown == nil:
		at := *o.Shutdown
		m.Shutdown = &at
	case !m.Shutdown.Equal(*o.Shutdown):
		note("shutdown: the list has %s: %s stays", o.Shutdown.Format(time.DateOnly), m.Shutdown.UTC().Format(time.RFC3339))
	}
	return m, notes
}

func samePictures(a, b registry.ImagePrice) bool { return a.Size == b.Size && a.Quality == b.Quality }

// pictures names what a row is for.
func pictures(r registry.ImagePrice) string {
	return "[" + strings.TrimSpace(r.Size+" "+r.Quality) + "]"
}
