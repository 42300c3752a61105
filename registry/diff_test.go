package registry_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/registry"
)

func TestDiffTellsWhatChanged(t *testing.T) {
	before, after := seed(t), seed(t)
	text, image := the(&after, registry.Text), the(&after, registry.Image)
	text.Prices.Input = usd("1.50")
	text.Prices.CachedInput = usd("0.125")
	text.MaxOutputTokens = 0
	text.Capabilities = append(text.Capabilities, "vision")
	image.CostPerImage = usd("0.04") // was 0.040
	image.ImagePrices = []registry.ImagePrice{{Size: "1024x1024", Quality: "hd", USD: *usd("0.08")}, {USD: *usd("0.1")}}
	image.Profile.Parameters = map[string]json.RawMessage{"response_format": json.RawMessage(`"b64_json"`)}
	after.Models = append(after.Models, registry.Model{Name: "new", Kind: registry.Text, Provider: "openai", Prices: registry.Prices{Input: usd("2.0")}})
	after.Models = append(after.Models[:1], after.Models[2:]...)
	after.Providers[0].BaseURL = "https://proxy.test/v1"
	after.Operations[0].MinCredits = 0
	after.Operations[0].Active = false
	after.Settings.Functions = map[string]registry.FunctionSettings{"write": {Model: "gpt-5.1", Temperature: usd("0")}}
	after.Settings.Images.PerArticle = new(0)
	var got []string
	for _, d := range registry.Diff(before, after) {
		got = append(got, d.String())
	}
	want := []string{
		`model "dall-e-3": image_prices[1024x1024 hd]: not set → 0.08`,
		`model "dall-e-3": image_prices[]: not set → 0.1`,
		`model "dall-e-3": profile.parameters.response_format: "url" → "b64_json"`,
		`model "gpt-5.1": capabilities: ["strict_schema"] → ["strict_schema","vision"]`,
		`model "gpt-5.1": max_output_tokens: 16384 → not set`,
		`model "gpt-5.1": prices.cached_input: not set → 0.125`,
		`model "gpt-5.1": prices.input: 1.25 → 1.5`,
		`model "new": added: {kind: "text", name: "new", prices.input: 2, provider: "openai"}`,
		`model "runware:97@1": removed: {active: true, cost_per_image: 0.012, credits_per_image: 1, display_name: "HiDream I1 Full", kind: "image", landscape_size: "1280x768", name: "runware:97@1", profile.parameters.CFGScale: 7, profile.parameters.steps: 20, provider: "runware", quality_tier: "basic", sort_order: 2, square_size: "1024x1024"}`,
		`provider "openai": base_url: not set → "https://proxy.test/v1"`,
		`operation "clustering": active: true → false`,
		`operation "clustering": min_credits: 2 → 0`,
		`function "write": added: {model: "gpt-5.1", temperature: 0}`,
		`images: per_article: 2 → 0`,
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("Diff =\n%s\nwant\n%s", g, w)
	}
	for i, d := range registry.Diff(after, before) { // the other way round, with the values changed over
		if f := registry.Diff(before, after)[i]; d.Kind != f.Kind || d.Name != f.Name || d.Field != f.Field || d.Old != f.New || d.New != f.Old {
			t.Errorf("the other way round %v is %v", f, d)
		}
	}
}

func TestDiffTellsASizeFromAQuality(t *testing.T) {
	a, b := seed(t), seed(t)
	the(&a, registry.Image).ImagePrices = []registry.ImagePrice{{Quality: "1024x1024", USD: *usd("0.08")}}
	the(&b, registry.Image).ImagePrices = []registry.ImagePrice{{Size: "1024x1024", USD: *usd("0.08")}}
	got := fmt.Sprint(registry.Diff(a, b))
	if want := `[model "dall-e-3": image_prices[* 1024x1024]: 0.08 → not set model "dall-e-3": image_prices[1024x1024]: not set → 0.08]`; got != want {
		t.Errorf("Diff = %s, want %s", got, want)
	}
}

func TestDiffOfWhatIsInvalid(t *testing.T) {
	a, b := seed(t), seed(t)
	a.Models[0].Profile.Parameters = map[string]json.RawMessage{"p": json.RawMessage("{")}
	b.Models[0].Profile.Parameters = map[string]json.RawMessage{"p": json.RawMessage("1")}
	b.Providers = append(b.Providers, b.Providers[0])
	b.Providers[2].Active = false
	got := fmt.Sprint(registry.Diff(a, b))
	if want := `[model "dall-e-3": profile.parameters.p: "not JSON: {" → 1 provider "openai": added: {display_name: "OpenAI", id: "openai"}]`; got != want {
		t.Errorf("Diff = %s, want %s", got, want)
	}
	a.Models[0].Profile.Parameters["p"], b.Models[0].Profile.Parameters["p"] = json.RawMessage("{\x01"), json.RawMessage("\"\xff\"")
	b.Providers = b.Providers[:2]
	got = fmt.Sprint(registry.Diff(a, b))
	if want := `[model "dall-e-3": profile.parameters.p: "not JSON: {\u0001" → "not JSON: \"�\""]`; got != want {
		t.Errorf("Diff = %s, want %s", got, want)
	}
	if d := registry.Diff(a, a); len(d) > 0 {
		t.Errorf("a configuration with a parameter that is not JSON differs from itself: %v", d)
	}
}

// TestEveryFieldMakesADifference changes each field of a full configuration by itself: one that is added to the types later
// is compared and exported too, or this fails.
func TestEveryFieldMakesADifference(t *testing.T) {
	full := func() registry.Configuration {
		at := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
		c := seed(t)
		c.Models, c.Providers, c.Operations = c.Models[:1], c.Providers[:1], c.Operations[:1]
		m := &c.Models[0]
		m.Prices = registry.Prices{Input: usd("1"), CachedInput: usd("1"), CacheWrite: usd("1"), ImageInput: usd("1"), CachedImageInput: usd("1"),
			Output: usd("1"), Reasoning: usd("1"), ImageOutput: usd("1")}
		m.ImagePrices = []registry.ImagePrice{{Size: "1024x1024", Quality: "hd", USD: *usd("1")}}
		m.Capabilities, m.Profile.Omit, m.Shutdown = []string{"c"}, []string{"o"}, &at
		c.Settings.Functions = map[string]registry.FunctionSettings{"f": {Model: "m", Fallbacks: []string{"n"}, Temperature: usd("1"), MaxTokens: 1, Prompt: "p"}}
		return c
	}
	fields := 0
	// change alters the n-th leaf and says which it is.
	change := func(c *registry.Configuration, n int) (changed string) {
		var visit func(reflect.Value, string)
		visit = func(v reflect.Value, path string) {
			if changed != "" {
				return
			}
			hit := func(f func()) {
				if n--; n == -1 {
					f()
					changed = path
				}
			}
			if x, ok := v.Interface().(decimal.Decimal); ok {
				hit(func() { v.Set(reflect.ValueOf(x.Add(decimal.New(1, -12)))) })
				return
			}
			if x, ok := v.Interface().(time.Time); ok {
				hit(func() { v.Set(reflect.ValueOf(x.Add(time.Nanosecond))) })
				return
			}
			if x, ok := v.Interface().(json.RawMessage); ok {
				hit(func() { v.Set(reflect.ValueOf(append(json.RawMessage("["), append(x, ']')...))) })
				return
			}
			switch v.Kind() {
			case reflect.Pointer:
				visit(v.Elem(), path)
			case reflect.Struct:
				for i := range v.NumField() {
					visit(v.Field(i), path+"."+v.Type().Field(i).Name)
				}
			case reflect.Slice:
				for i := range v.Len() {
					visit(v.Index(i), fmt.Sprint(path, i))
				}
			case reflect.Map:
				for _, k := range v.MapKeys() {
					held := reflect.New(v.Type().Elem()).Elem() // what is in a map cannot be written to
					held.Set(v.MapIndex(k))
					visit(held, path+"."+k.String())
					v.SetMapIndex(k, held)
				}
			case reflect.String:
				hit(func() { v.SetString(v.String() + "x") })
			case reflect.Bool:
				hit(func() { v.SetBool(!v.Bool()) })
			default:
				hit(func() { v.SetInt(v.Int() + 1) })
			}
		}
		visit(reflect.ValueOf(c).Elem(), "")
		return changed
	}
	plain := canonical(t, full())
	for n := 0; ; n++ {
		c := full()
		changed := change(&c, n)
		if changed == "" {
			break
		}
		fields++
		if len(registry.Diff(full(), c)) == 0 {
			t.Errorf("Diff does not see a change of %s", changed)
		}
		if string(canonical(t, c)) == string(plain) {
			t.Errorf("Canonical does not tell a change of %s", changed)
		}
	}
	if fields < 50 {
		t.Errorf("%d fields were changed", fields)
	}
}
