package pricelist

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/scrip-go/scrip/registry"
)

const modelsDev = "models.dev"

// ParseModelsDev reads the catalogue of models.dev, api.json: an object of providers by id, each with its models, with
// prices per million tokens. An entry is a model of a provider, and is called provider/model.
//
// Pictures are refused: the list has one price for what a model puts out, and a model that makes pictures has one for
// their tokens and another for those of text.
//
// Errors: ErrList.
func ParseModelsDev(text []byte) (List, error) {
	all, err := top(modelsDev, text)
	if err != nil {
		return List{}, err
	}
	list := List{Source: modelsDev}
	for _, provider := range all.names() {
		o, repeated, err := members(all[provider])
		if err != nil || repeated != "" || provider == "" || len(provider) > maxName {
			return List{}, bad(modelsDev, "provider %.60q is not one", provider)
		}
		models, repeated, err := members(o["models"])
		if err != nil {
			return List{}, bad(modelsDev, "provider %.60q has no models", provider)
		}
		if repeated != "" {
			return List{}, bad(modelsDev, "provider %.60q has %.60q twice", provider, repeated)
		}
		list.Read += len(models)
		for _, name := range models.names() {
			p, problem := modelsDevEntry(provider, name, models[name])
			if problem != nil {
				list.Refused = append(list.Refused, p.refuse(problem))
				continue
			}
			p.offer.Entries = []string{p.entry}
			list.Offers = append(list.Offers, p.offer)
		}
	}
	list.sort()
	return list, nil
}

var (
	modelsDevInput  = tokenPrice{"input", input}
	modelsDevOutput = tokenPrice{"output", output}

	modelsDevTokens = []tokenPrice{modelsDevInput, modelsDevOutput, {"cache_read", cachedInput}, {"cache_write", cacheWrite},
		{"reasoning", reasoning}}
)

func modelsDevEntry(provider, name string, raw []byte) (part, *problem) {
	p := part{entry: provider + "/" + name, offer: Offer{Provider: provider, Name: name, Kind: registry.Text}}
	if name == "" || len(name) > maxName {
		p.offer.Name = strings.ToValidUTF8(name[:min(len(name), maxName)], "")
		p.entry = provider + "/" + p.offer.Name
		return p, refuse(Malformed, "its name has %d bytes", len(name))
	}
	o, repeated, err := members(raw)
	switch {
	case err != nil:
		return p, refuse(Malformed, "%v", err)
	case repeated != "":
		return p, refuse(Malformed, "%.60q is there twice", repeated)
	}
	var makes struct{ Output []string }
	if json.Unmarshal(o["modalities"], &makes) != nil || len(makes.Output) == 0 {
		return p, refuse(OtherKind, "it does not say what it makes")
	}
	pictures := false
	for _, what := range makes.Output {
		switch what {
		case "text":
		case "image":
			pictures = true
		default:
			return p, refuse(OtherKind, "%.40q", what)
		}
	}
	if o.missing("cost") {
		return p, refuse(NoPrice, "cost")
	}
	cost, repeated, err := members(o["cost"])
	if err != nil || repeated != "" {
		return p, refuse(Malformed, "cost")
	}
	if problem := p.cost(cost); problem != nil {
		return p, problem
	}
	if pictures {
		return p, refuse(TextOrPicture, "")
	}

	p.offer.DisplayName = o.text("name")
	p.offer.StrictSchema = o.flag("structured_output")
	if limit, _, err := members(o["limit"]); err == nil {
		p.offer.ContextWindow, p.offer.MaxOutputTokens = limit.limit("context"), limit.limit("output")
	}
	if experiment, _, err := members(o["experimental"]); err == nil && !experiment.missing("modes") {
		p.note("other services of it have other prices")
	}
	if o.text("status") == "deprecated" {
		p.note("it is deprecated")
	}
	return p, nil
}

// cost reads the prices. Whatever is a member of them is one, so what is not known refuses the model.
func (p *part) cost(cost object) *problem {
	for _, field := range cost.names() {
		switch {
		case slices.ContainsFunc(modelsDevTokens, func(t tokenPrice) bool { return t.field == field }) || !nonzero(cost[field]):
		case field == "tiers" || strings.HasPrefix(field, "context_over_"):
			return refuse(ByLength, "%.60s", field)
		case field == "input_audio":
			p.note("audio that it reads has another price")
		case field == "output_audio":
			return refuse(OtherKind, "%s", field)
		default:
			return refuse(OtherRule, "%.60s", field)
		}
	}
	prices, free, problem := cost.tokenPrices(modelsDevTokens, 0)
	if problem != nil {
		return problem
	}
	notes, problem := textPrices(prices, free, modelsDevInput, modelsDevOutput)
	p.offer.Prices = prices
	p.note(notes...)
	return problem
}
