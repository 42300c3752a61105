package pricelist_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/registry/pricelist"
	"github.com/scrip-go/scrip/usage"
)

// exception is a model of OpenAI that both lists price for text, and of which the prices are not simply compared.
type exception struct {
	liteLLM, modelsDev pricelist.Reason // why it is refused; empty if it is not
	note               string           // what the offer of models.dev says, if it is none of these
	why                string           // as the data has it, and as docs/registry.md says
}

const longPrompts = "both lists have a higher price for prompts above 272,000 tokens, so a million tokens do not cost a million times the price: refused"

var exceptions = map[string]exception{
	"gpt-5.4":     {pricelist.ByLength, pricelist.ByLength, "", longPrompts},
	"gpt-5.4-pro": {pricelist.ByLength, pricelist.ByLength, "", longPrompts + ". LiteLLM also has cached input at a tenth, where models.dev has none"},
	"gpt-5.5":     {pricelist.ByLength, pricelist.ByLength, "", longPrompts},
	"gpt-5.5-pro": {pricelist.ByLength, pricelist.ByLength, "", longPrompts + ". LiteLLM also has cached input at a tenth, where models.dev has none"},
	"gpt-3.5-turbo": {"", "", "cache_read is 0: not taken, so that what it is for costs what its plain class does",
		"models.dev has cached input at 0, LiteLLM has none: the 0 is not taken, and then both agree"},
	"text-embedding-3-large": {pricelist.OtherKind, pricelist.ZeroPrice, "", "an embedding, which models.dev lists as text at an output price of 0: refused"},
	"text-embedding-3-small": {pricelist.OtherKind, pricelist.ZeroPrice, "", "an embedding, which models.dev lists as text at an output price of 0: refused"},
	"text-embedding-ada-002": {pricelist.OtherKind, pricelist.ZeroPrice, "", "an embedding, which models.dev lists as text at an output price of 0: refused"},
	"gpt-image-2": {"", pricelist.TextOrPicture, "",
		"a picture model: LiteLLM has 10 USD for text that it puts out and 30 for pictures, models.dev has 30 for both: refused of models.dev"},
}

// TestBothListsAgreeOnTheTextModelsOfOpenAI prices a million tokens read and a million produced by each list, through the
// registry's own price function, and the same with everything read from the cache.
func TestBothListsAgreeOnTheTextModelsOfOpenAI(t *testing.T) {
	const openai = "openai"
	a, b := whole(t, liteLLM), whole(t, modelsDev)
	priced := func(l pricelist.List) map[string]pricelist.Reason { // those with a price, by name
		out := map[string]pricelist.Reason{}
		for _, o := range l.Offers {
			if o.Provider == openai {
				out[o.Name] = ""
			}
		}
		for _, r := range l.Refused {
			if _, offered := out[r.Name]; !offered && r.Provider == openai && r.Reason != pricelist.NoPrice {
				out[r.Name] = r.Reason
			}
		}
		return out
	}
	inA, inB := priced(a), priced(b)
	met := map[string]bool{}
	compared := 0
	for _, name := range slices.Sorted(maps.Keys(inB)) {
		reason, both := inA[name]
		if !both {
			t.Logf("%-24s is in models.dev only", name)
			continue
		}
		e, excepted := exceptions[name]
		met[name] = excepted
		if reason != e.liteLLM || inB[name] != e.modelsDev {
			t.Errorf("%s is refused for %q of LiteLLM and %q of models.dev, want %q and %q", name, reason, inB[name], e.liteLLM, e.modelsDev)
		}
		if e.note != "" && !slices.Contains(offer(t, b, openai, name).Notes, e.note) {
			t.Errorf("%s has the notes %q, want %q", name, offer(t, b, openai, name).Notes, e.note)
		}
		if reason != "" || inB[name] != "" {
			continue
		}
		compared++
		for _, u := range []usage.Usage{usage.Tokens(1_000_000, 1_000_000), {CachedInput: usage.Exactly(1_000_000), Output: usage.Exactly(1_000_000)}} {
			x, y := cost(t, a, name, u), cost(t, b, name, u)
			if x.String() != y.String() {
				t.Errorf("%s costs %s USD by LiteLLM and %s USD by models.dev for %+v", name, x, y, u)
			}
			if cached := u.CachedInput.Known; cached && x.GreaterThan(cost(t, a, name, usage.Tokens(1_000_000, 1_000_000))) {
				t.Errorf("%s costs more from the cache", name)
			}
		}
		t.Logf("%-24s %8s USD, from the cache %8s USD", name, cost(t, a, name, usage.Tokens(1_000_000, 1_000_000)),
			cost(t, b, name, usage.Usage{CachedInput: usage.Exactly(1_000_000), Output: usage.Exactly(1_000_000)}))
	}
	if compared != 38 {
		t.Errorf("%d models were compared, want 38", compared)
	}
	for name := range exceptions {
		if !met[name] {
			t.Errorf("%s is an exception and not in both lists", name)
		}
	}
}

// cost is what a model costs by a list: added to a configuration as the only one, and quoted there.
func cost(t *testing.T, l pricelist.List, name string, u usage.Usage) decimal.Decimal {
	t.Helper()
	c := registry.Configuration{
		Providers:  []registry.Provider{{ID: "openai", Active: true}},
		Operations: []registry.OperationCost{{Operation: "writing", TokensPerCredit: 1000, PricePerCreditUSD: *usd("0.01"), Active: true}},
	}
	p, err := l.Propose(c, &pricelist.Options{Add: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	price, err := p.Next.Quote("writing", name, u)
	if err != nil {
		t.Fatal(err)
	}
	return price.USD
}
