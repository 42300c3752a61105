package registry_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
)

// seed returns a configuration that every rule holds for.
func seed(t testing.TB) registry.Configuration {
	t.Helper()
	c, err := registry.Catalogue(registry.Seed)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// the returns the default model of a kind, to be broken.
func the(c *registry.Configuration, kind registry.Kind) *registry.Model {
	for i := range c.Models {
		if c.Models[i].Kind == kind && c.Models[i].Default {
			return &c.Models[i]
		}
	}
	panic("the catalogue has no default")
}

func TestBothCataloguesAreValid(t *testing.T) {
	for name, at := range map[string]time.Time{registry.Seed: seedTime, registry.Current: currentTime} {
		c, err := registry.Catalogue(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Validate(at); err != nil {
			t.Errorf("catalogue %q at %s: %v", name, at.Format(time.DateOnly), err)
		}
	}
}

func TestWhatIsWrongIsRefusedByName(t *testing.T) {
	text := func(f func(*registry.Model)) func(*registry.Configuration) {
		return func(c *registry.Configuration) { f(the(c, registry.Text)) }
	}
	image := func(f func(*registry.Model)) func(*registry.Configuration) {
		return func(c *registry.Configuration) { f(the(c, registry.Image)) }
	}
	provider := func(f func(*registry.Provider)) func(*registry.Configuration) {
		return func(c *registry.Configuration) { f(&c.Providers[0]) }
	}
	operation := func(f func(*registry.OperationCost)) func(*registry.Configuration) {
		return func(c *registry.Configuration) { f(&c.Operations[0]) }
	}
	function := func(f registry.FunctionSettings) func(*registry.Configuration) {
		return func(c *registry.Configuration) {
			c.Settings.Functions = map[string]registry.FunctionSettings{"write": f}
		}
	}
	negative := usd("-0.01")
	endless, tiny := decimal.New(1, 999_999_999), decimal.New(1, -999_999_999)
	gone := seedTime
	for _, c := range []struct {
		rule   string
		breaks func(*registry.Configuration)
		says   string
	}{
		{"AProviderWithoutAnID", func(c *registry.Configuration) { c.Providers = append(c.Providers, registry.Provider{}) }, "provider: invalid configuration: the id of row 2 is empty"},
		{"AProviderTwice", func(c *registry.Configuration) { c.Providers = append(c.Providers, c.Providers[0]) }, `provider "openai": invalid configuration: it is listed twice`},
		{"ABaseURLWithAUser", provider(func(p *registry.Provider) { p.BaseURL = "https://me@proxy.test" }), `provider "openai": invalid configuration: base_url must be`},
		{"ABaseURLWithAQuery", provider(func(p *registry.Provider) { p.BaseURL = "https://proxy.test/v1?key=1" }), "base_url must be"},
		{"ABaseURLWithAFragment", provider(func(p *registry.Provider) { p.BaseURL = "https://proxy.test/v1#key" }), "base_url must be"},
		{"ABaseURLOfAFile", provider(func(p *registry.Provider) { p.BaseURL = "file:///etc" }), "base_url must be"},
		{"ABaseURLWithoutAHost", provider(func(p *registry.Provider) { p.BaseURL = "https:///v1" }), "base_url must be"},
		{"ABaseURLThatIsAPath", provider(func(p *registry.Provider) { p.BaseURL = "/v1" }), "base_url must be"},
		{"ABaseURLThatIsNone", provider(func(p *registry.Provider) { p.BaseURL = "https://proxy.test:x" }), "base_url must be"},

		{"AModelWithoutAName", func(c *registry.Configuration) { c.Models = append(c.Models, registry.Model{Kind: registry.Text}) }, "the name of row 6 is empty"},
		{"AModelTwice", func(c *registry.Configuration) {
			m := c.Models[1]
			m.Default = false
			c.Models = append(c.Models, m)
		}, `model "runware:97@1": invalid configuration: it is listed twice`},
		// A name that the ledger does not keep would be told at the settle, when the call is made and billed.
		{"AModelWhoseNameTheLedgerDoesNotKeep", func(c *registry.Configuration) { c.Models[0].Name = strings.Repeat("m", credits.MaxName+1) }, "the name of row 0 has 201 bytes, at most 200 are allowed"},
		{"AnUnknownKind", func(c *registry.Configuration) { c.Models = append(c.Models, registry.Model{Name: "x", Kind: "video"}) }, `model "x": invalid configuration: unknown kind "video"`},
		{"NoDefault", text(func(m *registry.Model) { m.Default = false }), "default text model: invalid configuration: exactly one active model must be the default: 0 are"},
		{"TwoDefaults", func(c *registry.Configuration) { c.Models[1].Default = true }, "default image model: invalid configuration: exactly one active model must be the default: 2 are"},
		{"ADefaultThatIsSwitchedOff", text(func(m *registry.Model) { m.Active = false }), `model "gpt-5.1": invalid configuration: it is the default but not active`},
		{"ADefaultThatWasShutDown", text(func(m *registry.Model) { m.Shutdown = &gone }), "it is the default but was shut down on 2026-01-15"},
		{"AModelOfAProviderThatDoesNotExist", text(func(m *registry.Model) { m.Provider = "nobody" }), `its provider "nobody" does not exist`},
		{"AModelOfAProviderThatIsSwitchedOff", func(c *registry.Configuration) { c.Providers[1].Active = false }, `model "runware:97@1": invalid configuration: its provider "runware" is not active`},
		{"ATextModelWithoutAPriceForInput", text(func(m *registry.Model) { m.Prices.Input = nil }), "without prices for input and output"},
		{"ATextModelWithoutAPriceForOutput", text(func(m *registry.Model) { m.Prices.Output = nil }), "without prices for input and output"},
		{"ATextModelWithoutABound", text(func(m *registry.Model) { m.MaxOutputTokens = 0 }), "without max_output_tokens"},
		{"AnImageModelWithoutAPrice", image(func(m *registry.Model) { m.CostPerImage = nil }), `model "dall-e-3": invalid configuration: it is active without a price per image for size "1792x1024" and quality "standard": set cost_per_image`},
		{"AnImageModelWithAPriceForOneOfItsSizesOnly", image(func(m *registry.Model) {
			m.CostPerImage, m.ImagePrices = nil, []registry.ImagePrice{{Size: m.SquareSize, USD: *usd("0.04")}}
		}), `for size "1792x1024"`},
		{"AnImageModelWithAPriceForAnotherQuality", image(func(m *registry.Model) {
			m.CostPerImage, m.ImagePrices = nil, []registry.ImagePrice{{Quality: "hd", USD: *usd("0.08")}}
		}), `quality "standard"`},
		{"AnImageModelPricedByTokensAlone", image(func(m *registry.Model) {
			m.CostPerImage, m.Prices = nil, registry.Prices{Input: usd("5"), ImageOutput: usd("30")}
		}), "without a price per image"},
		{"AnImageModelWithoutAPriceForTheTokensOfItsPrompt", image(func(m *registry.Model) {
			m.Prices = registry.Prices{Output: usd("10"), ImageOutput: usd("30")}
		}), "it has a price for image_output but not for input and output"},
		{"AnImageModelWithoutAPriceForTheTokensOfAText", image(func(m *registry.Model) {
			m.Prices = registry.Prices{Input: usd("5"), ImageOutput: usd("30")}
		}), "it has a price for image_output but not for input and output"},
		{"AnImageModelWithoutALandscape", image(func(m *registry.Model) { m.LandscapeSize = "" }), "without landscape_size and square_size"},
		{"AnImageModelWithoutASquare", image(func(m *registry.Model) { m.SquareSize = "" }), "without landscape_size and square_size"},
		{"ALandscapeThatIsNotOneOfTheSizes", image(func(m *registry.Model) { m.LandscapeSize = "640x480" }), `landscape_size: "640x480" is not one of valid_sizes`},
		{"ASquareThatIsNotOneOfTheSizes", image(func(m *registry.Model) { m.SquareSize = "640x640" }), `square_size: "640x640" is not one of valid_sizes`},
		{"ASizeThatIsNone", image(func(m *registry.Model) { m.Sizes = append(m.Sizes, "large") }), `valid_sizes: "large" is not WIDTHxHEIGHT`},
		{"ALandscapeThatIsNone", image(func(m *registry.Model) { m.LandscapeSize = "wide" }), `landscape_size: "wide" is not WIDTHxHEIGHT`},
		{"APriceOfASizeThatIsNone", image(func(m *registry.Model) { m.ImagePrices = []registry.ImagePrice{{Size: "big"}} }), `image_prices: "big" is not WIDTHxHEIGHT`},
		{"APriceOfASizeThatTheModelDoesNotHave", image(func(m *registry.Model) { m.ImagePrices = []registry.ImagePrice{{Size: "512x512"}} }), `image_prices: "512x512" is not one of valid_sizes`},
		{"TwoPricesOfOnePicture", image(func(m *registry.Model) {
			m.ImagePrices = []registry.ImagePrice{{Quality: "hd", USD: *usd("0.04")}, {Size: "1024x1024", USD: *usd("1")}, {Quality: "hd", USD: *usd("0.08")}}
		}), `image_prices: size "" and quality "hd" have two prices: remove one`},
		{"AParameterThatIsNotUTF8", image(func(m *registry.Model) { m.Profile.Parameters["p"] = json.RawMessage("\"\xff\"") }), `the value of "p" is not JSON`},
		{"ANegativePriceOfASize", image(func(m *registry.Model) { m.ImagePrices = []registry.ImagePrice{{Size: "1024x1024", USD: *negative}} }), `image_prices: the price of "1024x1024" is negative`},
		{"ANegativeCostPerImage", image(func(m *registry.Model) { m.CostPerImage = negative }), "cost_per_image is negative"},
		{"ANegativePriceOfInput", text(func(m *registry.Model) { m.Prices.Input = negative }), "prices.input is negative"},
		{"ANegativePriceOfCachedInput", text(func(m *registry.Model) { m.Prices.CachedInput = negative }), "prices.cached_input is negative"},
		{"ANegativePriceOfCacheWrites", text(func(m *registry.Model) { m.Prices.CacheWrite = negative }), "prices.cache_write is negative"},
		{"ANegativePriceOfImageInput", text(func(m *registry.Model) { m.Prices.ImageInput = negative }), "prices.image_input is negative"},
		{"ANegativePriceOfCachedImageInput", text(func(m *registry.Model) { m.Prices.CachedImageInput = negative }), "prices.cached_image_input is negative"},
		{"ANegativePriceOfOutput", text(func(m *registry.Model) { m.Prices.Output = negative }), "prices.output is negative"},
		{"ANegativePriceOfReasoning", text(func(m *registry.Model) { m.Prices.Reasoning = negative }), "prices.reasoning is negative"},
		{"ANegativePriceOfImageOutput", text(func(m *registry.Model) { m.Prices.ImageOutput = negative }), "prices.image_output is negative"},
		{"ANegativeRatio", text(func(m *registry.Model) { m.TokensPerCredit = -1 }), "tokens_per_credit is -1: set a positive number, or leave it out"},
		{"NegativeCreditsPerImage", image(func(m *registry.Model) { m.CreditsPerImage = -1 }), "credits_per_image is -1: set a positive number, or leave it out"},
		{"ANegativeContextWindow", text(func(m *registry.Model) { m.ContextWindow = -1 }), "context_window is -1: set a positive number, or leave it out"},
		{"ANegativeBound", text(func(m *registry.Model) { m.MaxOutputTokens = -1 }), "max_output_tokens is -1: set a positive number, or leave it out"},
		{"ANegativeArea", image(func(m *registry.Model) { m.Profile.MinArea = -1 }), "profile.min_area is -1: set a positive number, or leave it out"},

		{"APriceOfAGigabyteOfDigits", text(func(m *registry.Model) { m.Prices.Output = &endless }), "prices.output has the exponent 999999999: write it out"},
		{"APriceOfAGigabyteOfZeros", text(func(m *registry.Model) { m.Prices.Output = &tiny }), "prices.output has the exponent -999999999: write it out"},
		{"ACostPerImageOfAGigabyteOfDigits", image(func(m *registry.Model) { m.CostPerImage = &endless }), "cost_per_image has the exponent"},
		{"APriceOfASizeOfAGigabyteOfDigits", image(func(m *registry.Model) { m.ImagePrices = []registry.ImagePrice{{USD: endless}} }), `the price of "" has the exponent`},
		{"APricePerCreditOfAGigabyteOfDigits", operation(func(o *registry.OperationCost) { o.PricePerCreditUSD = endless }), "price_per_credit_usd has the exponent"},

		{"AnOperationWithoutAName", operation(func(o *registry.OperationCost) { o.Operation = "" }), "operation: invalid configuration: the name of row 0 is empty"},
		{"AnOperationTwice", func(c *registry.Configuration) { c.Operations = append(c.Operations, c.Operations[0]) }, `operation "clustering": invalid configuration: it is listed twice`},
		{"AnOperationWithoutARatio", operation(func(o *registry.OperationCost) { o.TokensPerCredit = 0 }), `operation "clustering": invalid configuration: tokens_per_credit is 0, want at least 1`},
		{"AnOperationOfNegativeCredits", operation(func(o *registry.OperationCost) { o.MinCredits = -1 }), "min_credits is -1"},
		{"AnOperationThatSellsForNothing", operation(func(o *registry.OperationCost) { o.PricePerCreditUSD = decimal.New(9, -5) }), "price_per_credit_usd is 0.00009, want at least 0.0001"},

		{"AFunctionOfAModelThatDoesNotExist", function(registry.FunctionSettings{Model: "bria:10@1"}), `settings of function "write": invalid configuration: model "bria:10@1" does not exist`},
		{"AFunctionOfAModelThatIsSwitchedOff", function(registry.FunctionSettings{Model: "gpt-4o"}), `model "gpt-4o" is not active`},
		{"AFunctionOfAModelThatWasShutDown", func(c *registry.Configuration) {
			c.Models[4].Shutdown = &gone
			function(registry.FunctionSettings{Model: c.Models[4].Name})(c)
		}, `model "gpt-4o-mini" is not active`},
		{"AFallbackThatDoesNotExist", function(registry.FunctionSettings{Fallbacks: []string{"gpt-9"}}), `settings of function "write": invalid configuration: model "gpt-9" does not exist`},
		{"AFallbackThatIsSwitchedOff", function(registry.FunctionSettings{Fallbacks: []string{"gpt-4o"}}), `model "gpt-4o" is not active`},
		{"AFallbackToTheSame", func(c *registry.Configuration) {
			name := the(c, registry.Text).Name
			function(registry.FunctionSettings{Model: name, Fallbacks: []string{name}})(c)
		}, `is named twice`},
		{"AFallbackOfAnotherKind", func(c *registry.Configuration) {
			function(registry.FunctionSettings{Model: the(c, registry.Text).Name, Fallbacks: []string{the(c, registry.Image).Name}})(c)
		}, `makes image, and the one before it text`},
		{"AFunctionOfNegativeTokens", function(registry.FunctionSettings{MaxTokens: -1}), "max_tokens is -1"},
		{"AFunctionThatIsTooCold", function(registry.FunctionSettings{Temperature: usd("-0.1")}), "temperature is -0.1, want 0 to 2"},
		{"AFunctionThatIsTooHot", function(registry.FunctionSettings{Temperature: usd("2.01")}), "temperature is 2.01, want 0 to 2"},
		{"AFunctionOfAGigabyteOfDigits", function(registry.FunctionSettings{Temperature: &endless}), "temperature has the exponent 999999999"},
		{"ATierThatNoModelIsOf", func(c *registry.Configuration) { c.Settings.Images.QualityTier = "royal" }, `no active image model is of the quality_tier "royal"`},
		{"ATierOfAModelThatIsOff", func(c *registry.Configuration) {
			c.Settings.Images.QualityTier = "premium"
			c.Models[2].Active = false
		}, `no active image model is of the quality_tier "premium"`},
		{"AFormatThatThereIsNot", func(c *registry.Configuration) { c.Settings.Images.Format = "gif" }, `format is "gif": set png, jpeg or webp, or leave it out`},
		{"AFormatInAnotherCase", func(c *registry.Configuration) { c.Settings.Images.Format = "PNG" }, `format is "PNG": set png, jpeg or webp`},
		{"NegativePicturesPerArticle", func(c *registry.Configuration) { c.Settings.Images.PerArticle = new(-1) }, "per_article is -1, want 0 to 8"},
		{"TooManyPicturesPerArticle", func(c *registry.Configuration) { c.Settings.Images.PerArticle = new(9) }, "per_article is 9, want 0 to 8"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			configuration := seed(t)
			c.breaks(&configuration)
			err := configuration.Validate(seedTime)
			wantError(t, err, registry.ErrInvalid)
			wantText(t, err, c.says)
			again := configuration.Validate(seedTime)
			if err != nil && err.Error() != again.Error() {
				t.Errorf("the mistakes are told in another order the second time:\n%v\n%v", err, again)
			}
		})
	}
}

func TestWhatIsUnusualIsNotRefused(t *testing.T) {
	later := seedTime.Add(time.Microsecond)
	for rule, change := range map[string]func(*registry.Configuration){
		"ADefaultThatWillBeShutDown": func(c *registry.Configuration) { the(c, registry.Text).Shutdown = &later },
		"AModelThatIsOffAndWithoutPrices": func(c *registry.Configuration) {
			c.Models[5].Prices, c.Models[5].Provider = registry.Prices{}, "nobody"
		},
		"AnotherModelThatWasShutDown": func(c *registry.Configuration) { gone := seedTime; c.Models[4].Shutdown = &gone },
		"NoImageModelAtAll":           func(c *registry.Configuration) { c.Models = c.Models[3:] },
		"NothingAtAll":                func(c *registry.Configuration) { *c = registry.Configuration{} },
		"AnImageModelPricedForBothOfItsSizes": func(c *registry.Configuration) {
			m := the(c, registry.Image)
			m.CostPerImage, m.ImagePrices = nil, []registry.ImagePrice{{Size: m.SquareSize, USD: *usd("0.04")}, {Size: m.LandscapeSize, Quality: "standard", USD: *usd("0.08")}}
		},
		"AnImageModelPricedByTokensAndByPicture": func(c *registry.Configuration) {
			the(c, registry.Image).Prices = registry.Prices{Input: usd("5"), Output: usd("30"), ImageOutput: usd("30")}
		},
		"AFunctionWithEverySetting": func(c *registry.Configuration) {
			c.Settings.Functions = map[string]registry.FunctionSettings{"write": {Model: the(c, registry.Text).Name, Temperature: usd("2"), MaxTokens: 1, Prompt: "p"}}
		},
	} {
		t.Run(rule, func(t *testing.T) {
			c := seed(t)
			change(&c)
			if err := c.Validate(seedTime); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAChangeSaysWhoAndWhy(t *testing.T) {
	change := registry.Change{Who: " ", Next: seed(t)}
	change.Next.Providers[0].ID = ""
	err := change.Validate(seedTime, nil)
	wantError(t, err, registry.ErrInvalid)
	wantText(t, err, "change: invalid configuration: who must be set", "why must be set", "the id of row 0 is empty", `its provider "openai" does not exist`)
	if n := len(strings.Split(err.Error(), "\n")); n < 4 {
		t.Errorf("%d mistakes are told, want all of them", n)
	}
	for _, mistake := range err.(interface{ Unwrap() []error }).Unwrap() {
		if !errors.Is(mistake, registry.ErrInvalid) {
			t.Errorf("%v does not match ErrInvalid", mistake)
		}
	}
	if err := (registry.Change{Who: "ada", Why: "first", Next: seed(t)}).Validate(seedTime, nil); err != nil {
		t.Error(err)
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string][2]int{"1280x768": {1280, 768}, "1x1": {1, 1}, "32768x32768": {32768, 32768}} {
		if w, h, err := registry.ParseSize(s); err != nil || w != want[0] || h != want[1] {
			t.Errorf("ParseSize(%q) = %d, %d, %v; want %v", s, w, h, err, want)
		}
	}
	for _, s := range []string{"", "x", "1024", "1024x", "x1024", "0x1", "1x0", "-1x1", "+1x1", "01x1", "1x01", "1X1", "1x1x1", " 1x1", "1x1 ", "32769x1", "1x32769",
		"99999999999999999999x1", "1e3x1", "1×1"} {
		w, h, err := registry.ParseSize(s)
		if w != 0 || h != 0 {
			t.Errorf("ParseSize(%q) = %d, %d, want an error", s, w, h)
		}
		wantError(t, err, registry.ErrInvalid)
		wantText(t, err, "want WIDTHxHEIGHT")
	}
}
