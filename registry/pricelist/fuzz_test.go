package pricelist_test

import (
	"errors"
	"testing"

	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/registry/pricelist"
)

func FuzzParseLiteLLM(f *testing.F) {
	for _, entries := range []string{entry("acme/writer", ""), entry("writer", `"output_cost_per_token": 1e999999999`), entry("writer", `"mode": "chat", "mode": "chat"`),
		entry("writer", `"tiered_pricing": [{"range": [0, 1]}]`), picture("fine/8-x-8/painter", `"input_cost_per_pixel": 3.81469e-08`),
		picture("acme/painter", `"output_cost_per_image": 0.04`) + ", " + picture("painter", `"output_cost_per_image": 0.05`),
		`"sample_spec": {}`, `"a": [], "b": null`} {
		f.Add([]byte("{" + entries + "}"))
	}
	f.Add([]byte(`{"a": {}} x`))
	f.Fuzz(func(t *testing.T, text []byte) { check(t, pricelist.ParseLiteLLM, text) })
}

func FuzzParseModelsDev(f *testing.F) {
	for _, model := range []string{`"modalities": {"output": ["text"]}, "cost": {"input": 1.25, "output": 10, "cache_read": 0}`,
		`"modalities": {"output": ["image"]}, "cost": {"input": 1e-999999999, "output": 10}`, `"cost": {"tiers": [{}]}`, `"cost": {}, "cost": {}`, ``} {
		f.Add([]byte(`{"acme": {"models": {"writer": {` + model + `}, "": 5}}}`))
	}
	f.Add([]byte(`{"acme": {"models": {}}, "acme": {}}`))
	f.Fuzz(func(t *testing.T, text []byte) { check(t, pricelist.ParseModelsDev, text) })
}

// check holds a parser to its promises, whatever the text: it returns a list or ErrList, counts each entry once, and what
// it offers can be proposed and stored.
func check(t *testing.T, parse func([]byte) (pricelist.List, error), text []byte) {
	l, err := parse(text)
	if err != nil {
		if !errors.Is(err, pricelist.ErrList) {
			t.Fatalf("error %v", err)
		}
		return
	}
	if l.Read != l.Taken()+len(l.Refused) {
		t.Fatalf("read %d, taken %d, refused %d", l.Read, l.Taken(), len(l.Refused))
	}
	c := registry.Configuration{}
	o := pricelist.Options{}
	known := map[string]bool{}
	for _, offer := range l.Offers {
		if !known[offer.Provider] {
			known[offer.Provider] = true
			c.Providers = append(c.Providers, registry.Provider{ID: offer.Provider})
		}
		o.Add = append(o.Add, offer.Provider+"/"+offer.Name)
	}
	for _, r := range l.Refused {
		if r.Reason.Words() == "" {
			t.Fatalf("refused for %q", r.Reason)
		}
	}
	p, err := l.Propose(c, &o)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Next.Validate(clock[registry.Current]); err != nil {
		t.Fatalf("%v, of %+v", err, l.Offers)
	}
}
