package pricelist

import (
	"regexp"
	"strings"
	"time"

	"github.com/scrip-go/scrip/registry"
)

const liteLLM = "LiteLLM"

// perMillion moves a price per token to one per million tokens.
const perMillion = 6

// ParseLiteLLM reads LiteLLM's price map, model_prices_and_context_window.json: an object of models by name, with prices
// per token, per picture and per pixel. The name of a model is without the prefix for its provider, and the entries that a
// model has for the sizes and qualities of its pictures become one offer.
//
// The list says how many tokens a model reads at most, which for some models is the context window and for others what is
// left of it; so offers have no context window. It says when a model is deprecated, which is taken as its shutdown.
//
// Errors: ErrList.
func ParseLiteLLM(text []byte) (List, error) {
	all, err := top(liteLLM, text)
	if err != nil {
		return List{}, err
	}
	list := List{Source: liteLLM, Read: len(all)}
	var parts []part
	models := 0
	for _, name := range all.names() {
		p, problem := liteLLMEntry(name, all[name])
		if p.offer.Provider != "" {
			models++
		}
		if problem != nil {
			list.Refused = append(list.Refused, p.refuse(problem))
			continue
		}
		parts = append(parts, p)
	}
	if models == 0 {
		return List{}, bad(liteLLM, "no entry names its provider")
	}
	list.merge(parts)
	list.sort()
	return list, nil
}

func liteLLMEntry(name string, raw []byte) (p part, problem *problem) {
	p = part{entry: name}
	if len(name) > maxName {
		p.entry = strings.ToValidUTF8(name[:maxName], "")
		return p, refuse(Malformed, "its name has %d bytes", len(name))
	}
	o, repeated, err := members(raw)
	if err != nil {
		return p, refuse(Malformed, "%v", err)
	}
	provider := o.text("litellm_provider")
	if name == "sample_spec" || provider == "" {
		return p, refuse(NotAModel, "")
	}
	if p.offer.Name = strings.TrimPrefix(name, provider+"/"); p.offer.Name == "" || len(provider) > maxName {
		return p, refuse(Malformed, "its name has %d bytes, its provider's %d", len(p.offer.Name), len(provider))
	}
	p.offer.Provider = provider
	if repeated != "" {
		return p, refuse(Malformed, "%.60q is there twice", repeated)
	}
	switch mode := o.text("mode"); mode {
	case "chat", "completion":
		p.offer.Kind = registry.Text
	case "responses":
		p.offer.Kind = registry.Text
		p.note("it is listed for the Responses API")
	case "image_generation":
		p.offer.Kind = registry.Image
	case "":
		return p, refuse(OtherKind, "no mode")
	default:
		return p, refuse(OtherKind, "%.40q", mode)
	}
	if problem := p.rules(o); problem != nil {
		return p, problem
	}
	if p.offer.Kind == registry.Image {
		problem = p.picturePrices(o)
	} else {
		problem = p.textPrices(o)
	}
	p.facts(o)
	return p, problem
}

var (
	liteLLMInput  = tokenPrice{"input_cost_per_token", input}
	liteLLMOutput = tokenPrice{"output_cost_per_token", output}

	liteLLMTokens = []tokenPrice{liteLLMInput, liteLLMOutput,
		{"cache_read_input_token_cost", cachedInput},
		{"input_cost_per_token_cache_hit", cachedInput}, // the same by an older name
		{"cache_creation_input_token_cost", cacheWrite},
		{"input_cost_per_image_token", imageInput},
		{"output_cost_per_image_token", imageOutput},
		{"output_cost_per_reasoning_token", reasoning},
	}
)

// The fields for pictures, which only models that make some may have.
const (
	perPictureRead = "input_cost_per_image"
	perPicture     = "output_cost_per_image"
	perPixelRead   = "input_cost_per_pixel"
	perPixel       = "output_cost_per_pixel"
)

var (
	// speaksOfAPrice finds fields that may be prices, also such as the list will have one day.
	speaksOfAPrice = regexp.MustCompile(`cost|pric|fee|charge|uplift|multiplier|usd|^provider_specific_entry$`)
	byLength       = regexp.MustCompile(`_above_[0-9]+[km]?_tokens|^tiered_pricing$`)
	// otherService is at another price because it is another service: faster, slower, in a region, with a longer cache. A
	// request must ask for it.
	otherService = regexp.MustCompile(`_(priority|flex|batch|batches)$|_above_1hr|^regional_processing_uplift|^provider_specific_entry$`)
	// audioRead is what a request must bring along; audio made is another kind of model.
	audioRead = regexp.MustCompile(`^(input|cache)_.*audio`)
	audioMade = regexp.MustCompile(`^output_.*audio`)
)

// rules looks at every field that speaks of a price, and refuses the entry for those that cannot be said here.
func (p *part) rules(o object) *problem {
	taken := map[string]bool{}
	for _, f := range liteLLMTokens {
		taken[f.field] = true
	}
	if p.offer.Kind == registry.Image {
		taken[perPictureRead], taken[perPicture], taken[perPixelRead], taken[perPixel] = true, true, true, true
	}
	for _, field := range o.names() {
		switch {
		case taken[field] || !speaksOfAPrice.MatchString(field) || !nonzero(o[field]):
		case otherService.MatchString(field):
			p.note("other services of it (priority, flex, batches, regions, a longer cache) have other prices")
		case audioRead.MatchString(field):
			p.note("audio that it reads has another price")
		case audioMade.MatchString(field):
			return refuse(OtherKind, "%s", field)
		case byLength.MatchString(field):
			return refuse(ByLength, "%s", field)
		default:
			return refuse(OtherRule, "%.60s", field)
		}
	}
	return nil
}

func (p *part) textPrices(o object) *problem {
	prices, free, problem := o.tokenPrices(liteLLMTokens, perMillion)
	if problem != nil {
		return problem
	}
	notes, problem := textPrices(prices, free, liteLLMInput, liteLLMOutput)
	p.offer.Prices = prices
	p.note(notes...)
	return problem
}

// facts are what is not about prices. One that is not understood is not taken.
func (p *part) facts(o object) {
	p.offer.MaxOutputTokens = o.limit("max_output_tokens")
	p.offer.StrictSchema = o.flag("supports_response_schema")
	if date := o.text("deprecation_date"); date != "" {
		at, err := time.Parse(time.DateOnly, date)
		if err != nil {
			p.note("deprecation_date is not a date: not taken")
			return
		}
		p.offer.Shutdown = &at
	}
}
