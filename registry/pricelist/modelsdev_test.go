package pricelist_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/registry/pricelist"
)

func modelsDevOf(t *testing.T, models string) pricelist.List {
	t.Helper()
	l, err := pricelist.ParseModelsDev([]byte(`{"acme": {"id": "acme", "models": {` + models + `}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if l.Taken()+len(l.Refused) != l.Read {
		t.Errorf("read %d, taken %d, refused %v", l.Read, l.Taken(), l.Refused)
	}
	return l
}

func TestModelsDevPricesAreTakenAsTheyAre(t *testing.T) {
	l := modelsDevOf(t, `"team/writer": {"name": "Writer", "modalities": {"output": ["text"]}, "structured_output": false,
		"cost": {"input": 1.25, "output": 10.00, "cache_read": 0.125, "cache_write": 1.5625, "reasoning": 12, "input_audio": 3, "tiers": []},
		"limit": {"context": 400000, "output": 128000, "input": 272000}, "status": "deprecated",
		"experimental": {"modes": {"fast": {"cost": {"input": 2.5}}}}}`)
	o := offer(t, l, "acme", "team/writer")
	p := o.Prices
	if !same(p.Input, usd("1.25")) || !same(p.Output, usd("10")) || !same(p.CachedInput, usd("0.125")) || !same(p.CacheWrite, usd("1.5625")) ||
		!same(p.Reasoning, usd("12")) || p.ImageInput != nil || p.ImageOutput != nil || p.CachedImageInput != nil {
		t.Errorf("prices %+v", p)
	}
	if o.ContextWindow != 400000 || o.MaxOutputTokens != 128000 || o.DisplayName != "Writer" || o.StrictSchema == nil || *o.StrictSchema ||
		o.Kind != registry.Text || o.Shutdown != nil || !slices.Equal(o.Entries, []string{"acme/team/writer"}) {
		t.Errorf("%+v", o)
	}
	want := []string{"audio that it reads has another price", "other services of it have other prices", "it is deprecated"}
	if !slices.Equal(o.Notes, want) {
		t.Errorf("notes %q, want %q", o.Notes, want)
	}
	l = modelsDevOf(t, `"writer": {"modalities": {"output": ["text"]}, "cost": {"input": 1, "output": 2, "cache_read": 0, "output_audio": 0}, "limit": []}`)
	o = offer(t, l, "acme", "writer")
	if want := []string{"cache_read is 0: not taken, so that what it is for costs what its plain class does"}; o.Prices.CachedInput != nil || !slices.Equal(o.Notes, want) {
		t.Errorf("a cache that is free: %v, notes %q", o.Prices.CachedInput, o.Notes)
	}
}

func TestWhatModelsDevCannotSayExactlyIsRefused(t *testing.T) {
	const text = `"modalities": {"output": ["text"]}, `
	for _, c := range []struct {
		fields string
		reason pricelist.Reason
		detail string
	}{
		{`"cost": {"input": 1, "output": 2}`, pricelist.OtherKind, "it does not say what it makes"},
		{`"modalities": {"output": []}`, pricelist.OtherKind, "it does not say what it makes"},
		{`"modalities": {"output": "text"}`, pricelist.OtherKind, "it does not say what it makes"},
		{`"modalities": {"output": ["text", "audio"]}`, pricelist.OtherKind, `"audio"`},
		{`"modalities": {"output": ["video"]}`, pricelist.OtherKind, `"video"`},
		{`"modalities": {"output": ["text", "image"]}, "cost": {"input": 1, "output": 2}`, pricelist.TextOrPicture, ""},
		{`"modalities": {"output": ["image"]}, "cost": {"input": 0, "output": 0}`, pricelist.ZeroPrice, "input"},
		{text + `"cost": null`, pricelist.NoPrice, "cost"},
		{text + `"name": "x"`, pricelist.NoPrice, "cost"},
		{text + `"cost": []`, pricelist.Malformed, "cost"},
		{text + `"cost": {"input": 1, "input": 2, "output": 2}`, pricelist.Malformed, "cost"},
		{text + `"cost": {"input": 1}`, pricelist.NoPrice, "output"},
		{text + `"cost": {"output": 1}`, pricelist.NoPrice, "input"},
		{text + `"cost": {"input": 1, "output": 0.0}`, pricelist.ZeroPrice, "output"},
		{text + `"cost": {"input": -1, "output": 2}`, pricelist.NegativePrice, "input"},
		{text + `"cost": {"input": "1", "output": 2}`, pricelist.NotANumber, "input"},
		{text + `"cost": {"input": 1e300, "output": 2}`, pricelist.AbsurdPrice, "input"},
		{text + `"cost": {"input": 0.00000125, "output": 2}`, pricelist.AbsurdPrice, "input"}, // per token by mistake
		{text + `"cost": {"input": 1, "output": 2, "tiers": [{"input": 2, "tier": {"size": 200000}}]}`, pricelist.ByLength, "tiers"},
		{text + `"cost": {"input": 1, "output": 2, "context_over_200k": {"input": 2}}`, pricelist.ByLength, "context_over_200k"},
		{text + `"cost": {"input": 1, "output": 2, "output_audio": 3}`, pricelist.OtherKind, "output_audio"},
		{text + `"cost": {"input": 1, "output": 2, "request": 5}`, pricelist.OtherRule, "request"},
		{text + `"cost": {"input": 1, "output": 2, "cached_input": 0.1}`, pricelist.OtherRule, "cached_input"}, // misspelt
		{text + `"cost": {"input": 1, "output": 2}, "cost": {"input": 1, "output": 2}`, pricelist.Malformed, `"cost" is there twice`},
	} {
		l := modelsDevOf(t, `"writer": {`+c.fields+`}`)
		want := pricelist.Refusal{Entry: "acme/writer", Provider: "acme", Name: "writer", Reason: c.reason, Detail: c.detail}
		if len(l.Refused) != 1 || l.Refused[0] != want {
			t.Errorf("%s: refused %+v, offers %+v, want %+v", c.fields, l.Refused, l.Offers, want)
		}
	}
	l := modelsDevOf(t, `"": {}, "`+strings.Repeat("x", 300)+`": {}, "text": "a text"`)
	if by := l.RefusedBy(); l.Read != 3 || by[pricelist.Malformed] != 3 {
		t.Errorf("%+v", l)
	}
}

func TestProvidersThatAreNoneAreAnError(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{`{"acme": []}`, `provider "acme" is not one`},
		{`{"": {"models": {}}}`, `provider "" is not one`},
		{`{"acme": {"models": {}, "models": {}}}`, `provider "acme" is not one`},
		{`{"acme": {}}`, `provider "acme" has no models`},
		{`{"acme": {"models": []}}`, `provider "acme" has no models`},
		{`{"acme": {"models": {"writer": {}, "writer": {}}}}`, `provider "acme" has "writer" twice`},
	} {
		_, err := pricelist.ParseModelsDev([]byte(c.text))
		wantError(t, err, pricelist.ErrList, c.says)
	}
}
