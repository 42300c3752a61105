package pricelist_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/registry/pricelist"
)

// entry is a text model of LiteLLM's with something added to it or put in place of its own.
func entry(name, more string) string {
	fields := []string{}
	for _, f := range [][2]string{{"litellm_provider", `"acme"`}, {"mode", `"chat"`}, {"input_cost_per_token", "1e-06"}, {"output_cost_per_token", "2e-06"}} {
		if !strings.Contains(more, `"`+f[0]+`"`) {
			fields = append(fields, `"`+f[0]+`": `+f[1])
		}
	}
	if more != "" {
		fields = append(fields, more)
	}
	return `"` + name + `": {` + strings.Join(fields, ", ") + `}`
}

func liteLLMOf(t *testing.T, entries ...string) pricelist.List {
	t.Helper()
	l, err := pricelist.ParseLiteLLM([]byte("{" + strings.Join(entries, ", ") + "}"))
	if err != nil {
		t.Fatal(err)
	}
	if l.Read != len(entries) || l.Taken()+len(l.Refused) != l.Read {
		t.Errorf("%d entries: read %d, taken %d, refused %v", len(entries), l.Read, l.Taken(), l.Refused)
	}
	return l
}

func TestLiteLLMPricesPerTokenBecomePricesPerMillion(t *testing.T) {
	l := liteLLMOf(t, entry("acme/writer", `"input_cost_per_token": 1.25e-06, "output_cost_per_token": 0.00001, "cache_read_input_token_cost": 1.25E-7,
		"cache_creation_input_token_cost": 1.5625e-06, "output_cost_per_reasoning_token": 1.2e-05, "input_cost_per_image_token": 5e-6,
		"output_cost_per_image_token": 7e-6, "max_input_tokens": 272000, "max_output_tokens": 128e3, "deprecation_date": "2027-03-01",
		"supports_response_schema": true, "some_new_field": {"a": [1]}`))
	o := offer(t, l, "acme", "writer")
	p := o.Prices
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"input", same(p.Input, usd("1.25"))}, {"output", same(p.Output, usd("10"))}, {"cached input", same(p.CachedInput, usd("0.125"))},
		{"cache write", same(p.CacheWrite, usd("1.5625"))}, {"reasoning", same(p.Reasoning, usd("12"))}, {"image input", same(p.ImageInput, usd("5"))},
		{"image output", same(p.ImageOutput, usd("7"))}, {"cached image input", p.CachedImageInput == nil},
		{"limits", o.MaxOutputTokens == 128000 && o.ContextWindow == 0},
		{"shutdown", o.Shutdown.Equal(time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC))},
		{"schema", o.StrictSchema != nil && *o.StrictSchema}, {"kind", o.Kind == registry.Text}, {"notes", len(o.Notes) == 0},
		{"entries", slices.Equal(o.Entries, []string{"acme/writer"})},
	} {
		if !c.ok {
			t.Errorf("%s is not what the list says: %+v", c.name, o)
		}
	}
	if got := p.Input.String() + " " + p.Output.String(); got != "1.25 10" {
		t.Errorf("the prices are written %s", got)
	}
}

// TestWhatLiteLLMCannotSayExactlyIsRefused has an entry for each way.
func TestWhatLiteLLMCannotSayExactlyIsRefused(t *testing.T) {
	for _, c := range []struct {
		more   string
		reason pricelist.Reason
		detail string
	}{
		{`"mode": "embedding"`, pricelist.OtherKind, `"embedding"`},
		{`"mode": "image_edit"`, pricelist.OtherKind, `"image_edit"`},
		{`"mode": null`, pricelist.OtherKind, "no mode"},
		{`"mode": 5`, pricelist.OtherKind, "no mode"},
		{`"output_cost_per_audio_token": 1e-05`, pricelist.OtherKind, "output_cost_per_audio_token"},
		{`"input_cost_per_token": null`, pricelist.NoPrice, "input_cost_per_token"},
		{`"output_cost_per_token": null`, pricelist.NoPrice, "output_cost_per_token"},
		{`"input_cost_per_token": 0.0`, pricelist.ZeroPrice, "input_cost_per_token"},
		{`"output_cost_per_token": 0e5`, pricelist.ZeroPrice, "output_cost_per_token"},
		{`"input_cost_per_token": -1e-06`, pricelist.NegativePrice, "input_cost_per_token"},
		{`"cache_read_input_token_cost": -1e-06`, pricelist.NegativePrice, "cache_read_input_token_cost"},
		{`"input_cost_per_token": "1e-06"`, pricelist.NotANumber, "input_cost_per_token"},
		{`"input_cost_per_token": [1e-06]`, pricelist.NotANumber, "input_cost_per_token"},
		{`"output_cost_per_token": true`, pricelist.NotANumber, "output_cost_per_token"},
		{`"output_cost_per_token": 1e999999999`, pricelist.AbsurdPrice, "output_cost_per_token"},
		{`"output_cost_per_token": 1e-999999999`, pricelist.AbsurdPrice, "output_cost_per_token"},
		{`"output_cost_per_token": 1e99999999999999999999`, pricelist.AbsurdPrice, "output_cost_per_token"},
		{`"output_cost_per_token": 0.000001` + strings.Repeat("0", 40), pricelist.AbsurdPrice, "output_cost_per_token"},
		{`"output_cost_per_token": 0.000001` + strings.Repeat("0", 28), pricelist.AbsurdPrice, "output_cost_per_token"},
		{`"output_cost_per_token": 0.` + strings.Repeat("0", 40) + `1e35`, pricelist.AbsurdPrice, "output_cost_per_token"}, // 1e-06 at length
		{`"output_cost_per_token": 1.25`, pricelist.AbsurdPrice, "output_cost_per_token"},                                  // per million by mistake
		{`"output_cost_per_token": 0.0011`, pricelist.AbsurdPrice, "output_cost_per_token"},                                // per thousand
		{`"output_cost_per_token": 1e-12`, pricelist.AbsurdPrice, "output_cost_per_token"},
		{`"input_cost_per_token_above_200k_tokens": 2e-06`, pricelist.ByLength, "input_cost_per_token_above_200k_tokens"},
		{`"output_cost_per_token_above_1m_tokens": 2e-06`, pricelist.ByLength, "output_cost_per_token_above_1m_tokens"},
		{`"tiered_pricing": [{"range": [0, 1000]}]`, pricelist.ByLength, "tiered_pricing"},
		{`"input_cost_per_second": 0.001`, pricelist.OtherRule, "input_cost_per_second"},
		{`"input_cost_per_request": 0.001`, pricelist.OtherRule, "input_cost_per_request"},
		{`"input_cost_per_image": 0.001`, pricelist.OtherRule, "input_cost_per_image"},
		{`"search_context_cost_per_query": {"search_context_size_low": 0.0, "search_context_size_high": 0.01}`, pricelist.OtherRule, "search_context_cost_per_query"},
		{`"output_cost_per_thought": 0.001`, pricelist.OtherRule, "output_cost_per_thought"}, // one day
		{`"\u001b[2Jcost": 1`, pricelist.OtherRule, "\ufffd[2Jcost"},                         // for a terminal
		{`"weekend_price": "double"`, pricelist.OtherRule, "weekend_price"},
		{`"input_cost_per_token_cache_hit": 1e-07, "cache_read_input_token_cost": 2e-07`, pricelist.Contradiction, "input_cost_per_token_cache_hit"},
		{`"mode": "chat", "mode": "embedding"`, pricelist.Malformed, `"mode" is there twice`},
	} {
		l := liteLLMOf(t, entry("acme/writer", c.more))
		want := pricelist.Refusal{Entry: "acme/writer", Provider: "acme", Name: "writer", Reason: c.reason, Detail: c.detail}
		if len(l.Refused) != 1 || l.Refused[0] != want {
			t.Errorf("%s: refused %+v, offers %+v, want %+v", c.more, l.Refused, l.Offers, want)
		}
	}
}

// TestWhatLiteLLMSaysBesidesIsIgnoredAndNoted: other services, and a class that is free.
func TestWhatLiteLLMSaysBesidesIsIgnoredAndNoted(t *testing.T) {
	const services = "other services of it (priority, flex, batches, regions, a longer cache) have other prices"
	for _, c := range []struct{ more, note string }{
		{`"input_cost_per_token_priority": 2e-06`, services},
		{`"output_cost_per_token_flex": 1e-06, "output_cost_per_token_batches": 1e-06`, services},
		{`"cache_creation_input_token_cost_above_1hr": 6e-06`, services},
		{`"regional_processing_uplift_multiplier_eu": 1.1`, services},
		{`"provider_specific_entry": {"fast": 6.0}`, services},
		{`"input_cost_per_token_above_272k_tokens_priority": 6e-06`, services},
		{`"input_cost_per_audio_token": 6e-06`, "audio that it reads has another price"},
		{`"cache_read_input_audio_token_cost": 6e-06`, "audio that it reads has another price"},
		{`"mode": "responses"`, "it is listed for the Responses API"},
		{`"deprecation_date": "soon"`, "deprecation_date is not a date: not taken"},
		{`"cache_read_input_token_cost": 0.0`, "cache_read_input_token_cost is 0: not taken, so that what it is for costs what its plain class does"},
		{`"mode": "completion"`, ""},
		{`"input_cost_per_token_above_200k_tokens": 0.0, "input_cost_per_second": null, "search_context_cost_per_query": {"low": 0, "high": [0.0]}`, ""},
		{`"supports_cost_tracking": true, "notes": "a fee", "max_output_tokens": "many", "supports_response_schema": "yes"`, ""},
		{`"max_output_tokens": 1.5`, ""}, {`"max_output_tokens": -1`, ""}, {`"max_output_tokens": 1e30`, ""}, {`"max_output_tokens": 1e13`, ""},
	} {
		o := offer(t, liteLLMOf(t, entry("writer", c.more)), "acme", "writer")
		if strings.Join(o.Notes, "; ") != c.note {
			t.Errorf("%s: notes %q, want %q", c.more, o.Notes, c.note)
		}
		if !same(o.Prices.Input, usd("1")) || !same(o.Prices.Output, usd("2")) || o.Prices.CachedInput != nil || o.Prices.CacheWrite != nil ||
			o.Shutdown != nil || o.MaxOutputTokens != 0 || o.StrictSchema != nil {
			t.Errorf("%s: %+v", c.more, o)
		}
	}
}

func TestEntriesThatAreNoModelsAreRefused(t *testing.T) {
	long := strings.Repeat("é", 200)
	l := liteLLMOf(t, entry("writer", ""), `"sample_spec": {"litellm_provider": "one of many", "mode": "chat"}`, `"rules": {"rules": []}`,
		`"acme/": {"litellm_provider": "acme"}`, `"far": {"litellm_provider": "`+long+`"}`, `"text": "a text"`, `"list": [1, 2]`, `"nothing": null`, `"`+long+`": {"litellm_provider": "acme"}`)
	want := map[string]pricelist.Reason{"sample_spec": pricelist.NotAModel, "rules": pricelist.NotAModel, "text": pricelist.Malformed,
		"acme/": pricelist.Malformed, "far": pricelist.Malformed, "list": pricelist.Malformed, "nothing": pricelist.Malformed, long[:256]: pricelist.Malformed}
	for _, r := range l.Refused {
		if want[r.Entry] != r.Reason || r.Provider != "" {
			t.Errorf("%+v, want %q", r, want[r.Entry])
		}
	}
	if len(l.Refused) != len(want) || len(l.Offers) != 1 {
		t.Errorf("%d are refused and %d offered, want %d and 1", len(l.Refused), len(l.Offers), len(want))
	}
}

// TestAModelThatIsListedTwiceMustBeTheSame: with and without the provider's prefix.
func TestAModelThatIsListedTwiceMustBeTheSame(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		taken int
	}{
		{"", "", 2},
		{"", `"input_cost_per_token": 1.0E-6`, 2},
		{"", `"input_cost_per_token": 1.1e-06`, 0},
		{"", `"cache_read_input_token_cost": 1e-07`, 0},
		{`"output_cost_per_image_token": 1e-05`, `"output_cost_per_image_token": 1e-05`, 2},
		{`"output_cost_per_image_token": 1e-05`, `"output_cost_per_image_token": 1e-05, "mode": "image_generation"`, 0},
	} {
		l := liteLLMOf(t, entry("acme/writer", c.a), entry("writer", c.b))
		if l.Taken() != c.taken || len(l.Offers) != c.taken/2 {
			t.Errorf("%s beside %s: taken %d, refused %v", c.a, c.b, l.Taken(), l.Refused)
		}
		for _, r := range l.Refused {
			if r.Reason != pricelist.Contradiction || r.Detail != "acme/writer and writer" {
				t.Errorf("%+v, want %s", r, pricelist.Contradiction)
			}
		}
	}

	l := liteLLMOf(t, entry("acme/writer", `"max_output_tokens": 1000, "deprecation_date": "2027-03-02", "supports_response_schema": true`),
		entry("writer", `"max_output_tokens": 2000, "deprecation_date": "2027-03-01", "supports_response_schema": false`))
	o := offer(t, l, "acme", "writer")
	if o.MaxOutputTokens != 0 || o.StrictSchema != nil || o.Shutdown.Format(time.DateOnly) != "2027-03-01" || len(o.Notes) != 1 ||
		!slices.Equal(o.Entries, []string{"acme/writer", "writer"}) {
		t.Errorf("what the entries differ in is taken: %+v", o)
	}
	l = liteLLMOf(t, entry("acme/writer", `"max_output_tokens": 1000, "supports_response_schema": true`),
		entry("writer", `"max_output_tokens": 1000, "deprecation_date": "2027-03-01", "supports_response_schema": true`))
	if o := offer(t, l, "acme", "writer"); o.MaxOutputTokens != 1000 || !*o.StrictSchema || o.Shutdown == nil || len(o.Notes) != 0 {
		t.Errorf("what the entries have in common is not taken: %+v", o)
	}
}

// TestWhatIsNotTheListIsAnError has a text for each way, for both lists.
func TestWhatIsNotTheListIsAnError(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{"", "not an object"},
		{"[]", "not an object"},
		{`"text"`, "not an object"},
		{"null", "not an object"},
		{"{", "EOF"},
		{`{"a"`, "EOF"},
		{`{"a": {}`, "EOF"},
		{`{"a": {}]`, "invalid character"},
		{`{"a": {"b"}}`, "invalid character"},
		{`{a: 1}`, "invalid character"},
		{"{}", "it is empty"},
		{entryList("writer") + "{}", "something behind it"},
		{entryList("writer") + "x", "something behind it"},
		{`{"writer": {}, "writer": {}}`, `"writer" is there twice`},
		{strings.Repeat(`{"a":`, 20_000), "exceeded max depth"},
	} {
		l, err := pricelist.ParseLiteLLM([]byte(c.text))
		wantError(t, err, pricelist.ErrList, "pricelist: LiteLLM: ", c.says)
		m, err := pricelist.ParseModelsDev([]byte(c.text))
		wantError(t, err, pricelist.ErrList, "pricelist: models.dev: ", c.says)
		if l.Read+m.Read+len(l.Refused)+len(m.Refused) > 0 {
			t.Errorf("%.40q: a list beside an error", c.text)
		}
	}
	_, err := pricelist.ParseLiteLLM(make([]byte, 64<<20+1))
	wantError(t, err, pricelist.ErrList, "67108865 bytes")

	// Each is not the other.
	_, err = parse("models.dev.json.gz", pricelist.ParseLiteLLM)
	wantError(t, err, pricelist.ErrList, "no entry names its provider")
	_, err = parse("litellm.json.gz", pricelist.ParseModelsDev)
	wantError(t, err, pricelist.ErrList, "has no models")
}

func entryList(name string) string { return fmt.Sprintf("{%s}", entry(name, "")) }
