package registry_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
)

func canonical(t interface {
	Helper()
	Fatal(...any)
}, c registry.Configuration) []byte {
	t.Helper()
	b, err := c.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// configurations draws any, not only those that every rule holds for.
func configurations() *rapid.Generator[registry.Configuration] {
	price := rapid.Custom(func(t *rapid.T) decimal.Decimal {
		return decimal.New(rapid.Int64Range(-10, 100_000_000).Draw(t, "digits"), rapid.Int32Range(-9, 3).Draw(t, "exponent"))
	})
	maybe := rapid.Custom(func(t *rapid.T) *decimal.Decimal {
		if rapid.Bool().Draw(t, "set") {
			d := price.Draw(t, "price")
			return &d
		}
		return nil
	})
	word := rapid.SampledFrom([]string{"", "a", "b", "ä & <c>", "640x640", "800x640"})
	words := rapid.SliceOfN(word, 0, 4)
	raw := rapid.SampledFrom([]string{"1", "1.0", `"x"`, `{"b":[1,{"d":1e400,"c":null}],"a":true}`, "12345678901234567890"})
	return rapid.Custom(func(t *rapid.T) (c registry.Configuration) {
		for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching("[a-d]{1,2}"), 0, 4, rapid.ID[string]).Draw(t, "models") {
			m := registry.Model{Name: name, Kind: rapid.SampledFrom([]registry.Kind{registry.Text, registry.Image}).Draw(t, "kind"),
				Provider: word.Draw(t, "provider"), Active: rapid.Bool().Draw(t, "active"), Default: rapid.Bool().Draw(t, "default"),
				SortOrder: rapid.IntRange(0, 2).Draw(t, "sort"), CostPerImage: maybe.Draw(t, "image"), TokensPerCredit: rapid.Int64Range(0, 2).Draw(t, "ratio"),
				Prices: registry.Prices{Input: maybe.Draw(t, "input"), Output: maybe.Draw(t, "output"), Reasoning: maybe.Draw(t, "reasoning")},
				Sizes:  words.Draw(t, "sizes"), Capabilities: words.Draw(t, "capabilities")}
			for _, size := range rapid.SliceOfNDistinct(word, 0, 3, rapid.ID[string]).Draw(t, "image prices") {
				m.ImagePrices = append(m.ImagePrices, registry.ImagePrice{Size: size, Quality: "q", USD: price.Draw(t, "usd")})
			}
			if rapid.Bool().Draw(t, "ends") {
				at := time.Unix(rapid.Int64Range(0, 1e10).Draw(t, "end"), 1000).UTC()
				m.Shutdown = &at
			}
			m.Profile.Omit = words.Draw(t, "omit")
			for _, p := range words.Draw(t, "parameters") {
				if m.Profile.Parameters == nil {
					m.Profile.Parameters = map[string]json.RawMessage{}
				}
				m.Profile.Parameters[p] = json.RawMessage(raw.Draw(t, "raw"))
			}
			c.Models = append(c.Models, m)
		}
		for _, id := range rapid.SliceOfNDistinct(word, 0, 3, rapid.ID[string]).Draw(t, "providers") {
			c.Providers = append(c.Providers, registry.Provider{ID: id, BaseURL: word.Draw(t, "url"), Active: rapid.Bool().Draw(t, "active")})
		}
		for _, name := range rapid.SliceOfNDistinct(word, 0, 3, rapid.ID[string]).Draw(t, "operations") {
			c.Operations = append(c.Operations, registry.OperationCost{Operation: name, TokensPerCredit: rapid.Int64Range(0, 2).Draw(t, "ratio"),
				MinCredits: credits.Amount(rapid.Int64Range(0, 2).Draw(t, "min")), PricePerCreditUSD: price.Draw(t, "price")})
		}
		c.Settings.Images.Style = word.Draw(t, "style")
		c.Settings.Images.QualityTier = word.Draw(t, "tier of pictures")
		c.Settings.Images.Format = registry.Format(word.Draw(t, "format of pictures"))
		c.Settings.Images.PerArticle = rapid.Ptr(rapid.IntRange(-1, 9), true).Draw(t, "per article")
		for _, name := range words.Draw(t, "functions") {
			if c.Settings.Functions == nil {
				c.Settings.Functions = map[string]registry.FunctionSettings{}
			}
			c.Settings.Functions[name] = registry.FunctionSettings{Model: word.Draw(t, "model"), Temperature: maybe.Draw(t, "temperature"),
				Fallbacks: words.Draw(t, "fallbacks"), MaxTokens: rapid.Int64Range(0, 1).Draw(t, "max")}
		}
		return c
	})
}

// reworded says the same in other words: rows and sets in another order, decimals with other exponents, times in another
// zone, parameters with other blanks.
func reworded(t *rapid.T, c registry.Configuration) (out registry.Configuration) {
	b, err := json.MarshalIndent(c, "", "    ") // a copy
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	shuffle(random, out.Models)
	shuffle(random, out.Providers)
	shuffle(random, out.Operations)
	var visit func(reflect.Value)
	visit = func(v reflect.Value) {
		switch x := v.Addr().Interface().(type) {
		case *decimal.Decimal:
			*x = decimal.NewFromBigInt(x.Shift(20).BigInt(), -20) // 1 as 1.00000000000000000000
		case *time.Time:
			*x = x.In(time.FixedZone("there", 3600))
		case *[]string:
			if random.IntN(2) == 0 && len(*x) == 0 {
				*x = []string{}
			}
		default:
			switch v.Kind() {
			case reflect.Pointer:
				if !v.IsNil() {
					visit(v.Elem())
				}
			case reflect.Struct:
				for i := range v.NumField() {
					visit(v.Field(i))
				}
			case reflect.Slice:
				for i := range v.Len() {
					visit(v.Index(i))
				}
			}
		}
	}
	visit(reflect.ValueOf(&out).Elem())
	for i := range out.Models {
		m := &out.Models[i]
		for _, set := range []*[]string{&m.Sizes, &m.Capabilities, &m.Profile.Omit} {
			if len(*set) > 0 {
				*set = append(*set, (*set)[0])
			}
			shuffle(random, *set)
		}
		shuffle(random, m.ImagePrices)
	}
	if out.Settings.Functions == nil {
		out.Settings.Functions = map[string]registry.FunctionSettings{}
	}
	out.Settings.Functions["says nothing"] = registry.FunctionSettings{}
	return out
}

func shuffle[T any](r *rand.Rand, list []T) {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

func TestEqualConfigurationsHaveOneCanonicalForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := configurations().Draw(t, "a")
		text := canonical(t, a)
		back, err := registry.ParseConfiguration(text)
		if err != nil {
			t.Fatal(err)
		}
		if again := canonical(t, back); !bytes.Equal(text, again) {
			t.Fatalf("after a round trip it is\n%s\nwant\n%s", again, text)
		}
		same := reworded(t, a)
		if got := canonical(t, same); !bytes.Equal(got, text) {
			t.Fatalf("in other words it is\n%s\nwant\n%s", got, text)
		}
		for _, other := range []registry.Configuration{back, same} {
			if d := append(registry.Diff(a, other), registry.Diff(other, a)...); len(d) > 0 {
				t.Fatalf("there are differences: %v", d)
			}
		}
		b := configurations().Draw(t, "b")
		differences, equal := registry.Diff(a, b), bytes.Equal(text, canonical(t, b))
		if equal != (len(differences) == 0) {
			t.Fatalf("the texts are equal: %v, and the differences %v", equal, differences)
		}
		if back := registry.Diff(b, a); len(back) != len(differences) {
			t.Fatalf("there are %d differences one way, and %d the other", len(differences), len(back))
		}
	})
}

func TestTheCanonicalFormChangesNothing(t *testing.T) {
	c := seed(t)
	slices.Reverse(c.Models)
	m := &c.Models[0]
	m.Sizes = []string{"b", "a"}
	m.ImagePrices = []registry.ImagePrice{{Size: "b"}, {Size: "a"}}
	m.Profile.Parameters = map[string]json.RawMessage{"p": json.RawMessage(`{"b": 1, "a": 2}`)}
	c.Settings.Functions = map[string]registry.FunctionSettings{"empty": {}}
	before, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	canonical(t, c)
	registry.Diff(c, seed(t))
	if after, err := json.Marshal(c); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the configuration is now %s (%v)", after, err)
	}
}

// TestTheCanonicalForm is what is kept outside and compared: a change of this text is a change of every snapshot.
func TestTheCanonicalForm(t *testing.T) {
	at := time.Date(2026, 3, 1, 1, 0, 0, 0, time.FixedZone("", 3600))
	c := registry.Configuration{
		Models: []registry.Model{{Name: "b", Kind: registry.Text, Provider: "p", Prices: registry.Prices{Input: usd("1.50")}, Shutdown: &at},
			{Name: "a", Kind: registry.Text, Provider: "p", Sizes: []string{"2x2", "1x1", "2x2"},
				Profile: registry.Profile{Parameters: map[string]json.RawMessage{"p": json.RawMessage(`{ "b": 1.0, "a": "<" }`)}}}},
	}
	const want = `{
  "models": [
    {
      "name": "a",
      "kind": "text",
      "provider": "p",
      "active": false,
      "valid_sizes": [
        "1x1",
        "2x2"
      ],
      "profile": {
        "parameters": {
          "p": {
            "a": "<",
            "b": 1.0
          }
        }
      }
    },
    {
      "name": "b",
      "kind": "text",
      "provider": "p",
      "active": false,
      "prices": {
        "input": "1.5"
      },
      "shutdown": "2026-03-01T00:00:00Z"
    }
  ],
  "providers": [],
  "operations": [],
  "settings": {}
}
`
	if got := canonical(t, c); string(got) != want {
		t.Errorf("the canonical form is\n%s\nwant\n%s", got, want)
	}
	c.Models[0].Profile.Parameters = map[string]json.RawMessage{"p": json.RawMessage(`1 2`)}
	_, err := c.Canonical()
	wantError(t, err, registry.ErrInvalid)
	wantText(t, err, `model "b"`, `"p" is not JSON`)
}

// TestAFieldThatThereIsNotIsRefused: the original's prices were renamed in one place, and charged by nobody.
func TestAFieldThatThereIsNotIsRefused(t *testing.T) {
	for text, says := range map[string]string{
		`{"models": [{"name": "m", "cost_per_1k_input": "1"}]}`:                `unknown field "cost_per_1k_input"`,
		`{"models": [{"prices": {"imput": "1"}}]}`:                             `unknown field "imput"`,
		`{"models": [{"sort_order": "x"}]}`:                                    "sort_order",
		`{"models": [{"cost_per_image": "dear"}]}`:                             "dear",
		`{"models": []} {}`:                                                    "something behind it",
		`{"models": [{"active": true}], "models": [{}]}`:                       `"models" is there twice`, // the second row was active
		`{"models": [{"prices": {"input": 1, "input": "2"}}]}`:                 `"input" is there twice`,
		`{"settings": {"functions": {"f": {}, "f": {}}}}`:                      `"f" is there twice`,
		`{"models": [{"profile": {"parameters": {"p": [{"q": 1, "q": 1}]}}}]}`: `"q" is there twice`,
		`{"models": [}`: "invalid character",
		``:              "EOF",
	} {
		c, err := registry.ParseConfiguration([]byte(text))
		wantError(t, err, registry.ErrInvalid)
		wantText(t, err, "registry: configuration: ", says)
		if !reflect.DeepEqual(c, registry.Configuration{}) {
			t.Errorf("ParseConfiguration(%s) = %+v beside an error", text, c)
		}
	}
}

// TestAConfigurationHasNoSecrets: it is exported, printed and compared, so a key has no field to be in. A field that is
// added is looked at by its name, here by a person.
func TestAConfigurationHasNoSecrets(t *testing.T) {
	known := strings.Fields(`Active BaseURL CacheWrite CachedImageInput CachedInput Capabilities ContextWindow CostPerImage CreditsPerImage Default
		DisplayName Fallbacks Format Functions ID ImageInput ImageOutput ImagePrices Images Input Kind LandscapeSize MaxOutputTokens MaxTokens MinArea MinCredits
		Model Models Name Omit Operation Operations Output Parameters PerArticle PricePerCreditUSD Prices Profile Prompt Provider Providers Quality QualityTier
		Reasoning Settings Shutdown Size Sizes SortOrder SquareSize Style Temperature TokensPerCredit USD`)
	secretive := regexp.MustCompile(`(?i)key|secret|password|credential|bearer|auth`)
	fields := 0
	var visit func(reflect.Type)
	visit = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			visit(typ.Elem())
		case reflect.Struct:
			if typ == reflect.TypeFor[decimal.Decimal]() || typ == reflect.TypeFor[time.Time]() {
				return
			}
			for i := range typ.NumField() {
				f := typ.Field(i)
				fields++
				if secretive.MatchString(f.Name) || secretive.MatchString(f.Tag.Get("json")) || !slices.Contains(known, f.Name) {
					t.Errorf("%s.%s is not known to be without secrets", typ.Name(), f.Name)
				}
				visit(f.Type)
			}
		case reflect.Interface:
			t.Errorf("%v could hold anything", typ)
		}
	}
	visit(reflect.TypeFor[registry.Configuration]())
	if fields < 50 {
		t.Errorf("%d fields were looked at", fields)
	}
}
