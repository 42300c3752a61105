package storetest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/registry"
)

// modelRule is a rule that is held at write time.
type modelRule struct {
	name   string // what is refused; the case is named Refuses and this
	says   string // the error, which names the row and the mend
	breaks func(c *registry.Change)
}

func ruleCases() (out []testCase[*modelTest]) {
	for _, r := range modelRules() {
		out = append(out, testCase[*modelTest]{"Refuses" + r.name, "what Validate refuses is not saved: the error matches ErrInvalid and says: " + r.says,
			func(t *modelTest) {
				t.save(0, "a")
				c := t.change(1, "b")
				r.breaks(&c)
				_, err := t.Save(t.Context(), c)
				wantErr(t, err, registry.ErrInvalid, "Save")
				told := false
				if err != nil {
					for line := range strings.Lines(err.Error() + "\n") {
						told = told || strings.HasSuffix(line, r.says+"\n")
					}
				}
				if !told {
					t.Errorf("Save = %v, want a line %s", err, r.says)
				}
				t.wantLatest(1)
				t.wantInForce(1)
			}})
	}
	return out
}

// modelRules are all of them, as broken in a change of small.
func modelRules() []modelRule {
	on := func(name string, f func(*registry.Model)) func(*registry.Change) {
		return func(c *registry.Change) { f(model(&c.Next, name)) }
	}
	writer := func(f func(*registry.Model)) func(*registry.Change) { return on("writer", f) }
	painter := func(f func(*registry.Model)) func(*registry.Change) { return on("painter", f) }
	operation := func(f func(*registry.OperationCost)) func(*registry.Change) {
		return func(c *registry.Change) { f(&c.Next.Operations[0]) }
	}
	function := func(f registry.FunctionSettings) func(*registry.Change) {
		return func(c *registry.Change) { c.Next.Settings.Functions["write"] = f }
	}
	usd := func(s string) *decimal.Decimal { d := decimal.RequireFromString(s); return &d }
	negative, long := usd("-0.01"), decimal.New(1, 21)
	now := newClock().now() // when a case begins
	farOff := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)

	return []modelRule{
		{"AChangeByNobody", `registry: change: invalid configuration: who must be set: say who changes it`,
			func(c *registry.Change) { c.Who = " " }},
		{"AChangeWithoutAReason", `registry: change: invalid configuration: why must be set: say what the change is for`,
			func(c *registry.Change) { c.Why = "" }},
		{"AChangeOfThePast", `registry: change: invalid configuration: effective_at 2026-03-01T11:59:59.999999Z has passed: leave it out for a change that takes effect at once`,
			func(c *registry.Change) { c.EffectiveAt = now.Add(-time.Microsecond) }},
		{"AChangeThatNeverComes", `registry: change: invalid configuration: effective_at is in the year 10000: set one that comes`,
			func(c *registry.Change) { c.EffectiveAt = farOff }},

		{"AProviderWithoutAnID", `registry: provider: invalid configuration: the id of row 2 is empty: give it one`,
			func(c *registry.Change) { c.Next.Providers = append(c.Next.Providers, registry.Provider{}) }},
		{"AProviderOfALongName", `registry: provider: invalid configuration: the id of row 2 has 201 bytes, at most 200 are allowed: shorten it`,
			func(c *registry.Change) {
				c.Next.Providers = append(c.Next.Providers, registry.Provider{ID: strings.Repeat("p", 201)})
			}},
		{"AProviderTwice", `registry: provider "closed": invalid configuration: it is listed twice: remove one`,
			func(c *registry.Change) { c.Next.Providers = append(c.Next.Providers, c.Next.Providers[0]) }},
		{"AKeyInABaseURL", `registry: provider "house": invalid configuration: base_url must be http or https with a host, and without user, password, query and fragment: correct it`,
			func(c *registry.Change) { c.Next.Providers[1].BaseURL = "https://user:password@house.test/v1" }},

		{"AModelWithoutAName", `registry: model: invalid configuration: the name of row 4 is empty: give it one`,
			func(c *registry.Change) { c.Next.Models = append(c.Next.Models, registry.Model{Kind: registry.Text}) }},
		{"AModelOfALongName", `registry: model: invalid configuration: the name of row 4 has 201 bytes, at most 200 are allowed: shorten it`,
			func(c *registry.Change) {
				c.Next.Models = append(c.Next.Models, registry.Model{Name: strings.Repeat("m", 201), Kind: registry.Text})
			}},
		{"AModelTwice", `registry: model "editor": invalid configuration: it is listed twice: remove one`,
			func(c *registry.Change) { c.Next.Models = append(c.Next.Models, *model(&c.Next, "editor")) }},
		{"AnUnknownKind", `registry: model "retired": invalid configuration: unknown kind "video": set "text" or "image"`,
			on("retired", func(m *registry.Model) { m.Kind = "video" })},
		{"NoDefault", `registry: default text model: invalid configuration: exactly one active model must be the default: 0 are: mark one`,
			writer(func(m *registry.Model) { m.Default = false })},
		{"TwoDefaults", `registry: default text model: invalid configuration: exactly one active model must be the default: 2 are: mark one`,
			on("editor", func(m *registry.Model) { m.Default = true })},
		{"ADefaultThatIsNotActive", `registry: model "writer": invalid configuration: it is the default but not active: activate it, or mark another one`,
			writer(func(m *registry.Model) { m.Active = false })},
		{"ADefaultThatWasShutDown", `registry: model "writer": invalid configuration: it is the default but was shut down on 2026-03-01: mark another one`,
			writer(func(m *registry.Model) { m.Shutdown = &now })},
		{"AShutdownThatCannotBeTold", `registry: model "writer": invalid configuration: shutdown is in the year 10000: leave it out`,
			writer(func(m *registry.Model) { m.Shutdown = &farOff })},
		{"AModelOfAProviderThatDoesNotExist", `registry: model "writer": invalid configuration: its provider "nobody" does not exist: add it, or name another one`,
			writer(func(m *registry.Model) { m.Provider = "nobody" })},
		{"AModelOfAProviderThatIsNotActive", `registry: model "writer": invalid configuration: its provider "closed" is not active: activate it, or switch the model off`,
			writer(func(m *registry.Model) { m.Provider = "closed" })},
		{"ATextModelWithoutAPrice", `registry: model "writer": invalid configuration: it is active without prices for input and output: set both, or switch it off`,
			writer(func(m *registry.Model) { m.Prices.Output = nil })},
		{"ATextModelWithoutABound", `registry: model "writer": invalid configuration: it is active without max_output_tokens, by which a hold is sized: set it, or switch the model off`,
			writer(func(m *registry.Model) { m.MaxOutputTokens = 0 })},
		{"AnImageModelWithoutAPrice", `registry: model "painter": invalid configuration: it is active without a price per image for size "800x640" and quality "best": set cost_per_image`,
			painter(func(m *registry.Model) { m.CostPerImage = nil })},
		{"AnImageModelWithAPriceForOneOfItsSizesOnly", `registry: model "painter": invalid configuration: it is active without a price per image for size "640x640" and quality "best": set cost_per_image`,
			painter(func(m *registry.Model) {
				m.CostPerImage, m.ImagePrices = nil, []registry.ImagePrice{{Size: "800x640", USD: *usd("0.04")}}
			})},
		{"AnImageModelWithoutAPriceForWhatItReads", `registry: model "painter": invalid configuration: it has a price for image_output but not for input and output, which answers have too: set both`,
			painter(func(m *registry.Model) { m.Prices = registry.Prices{Output: usd("10"), ImageOutput: usd("30")} })},
		{"AnImageModelWithoutItsSizes", `registry: model "painter": invalid configuration: it is active without landscape_size and square_size: set both, or switch it off`,
			painter(func(m *registry.Model) { m.SquareSize = "" })},
		{"ALandscapeThatIsNotOneOfTheSizes", `registry: model "painter": invalid configuration: landscape_size: "900x640" is not one of valid_sizes: add it there, or set one that is`,
			painter(func(m *registry.Model) { m.LandscapeSize = "900x640" })},
		{"ASquareThatIsNotOneOfTheSizes", `registry: model "painter": invalid configuration: square_size: "900x900" is not one of valid_sizes: add it there, or set one that is`,
			painter(func(m *registry.Model) { m.SquareSize = "900x900" })},
		{"APriceOfASizeThatTheModelDoesNotHave", `registry: model "painter": invalid configuration: image_prices: "900x900" is not one of valid_sizes: add it there, or remove the price`,
			painter(func(m *registry.Model) { m.ImagePrices = []registry.ImagePrice{{Size: "900x900", USD: *usd("1")}} })},
		{"TwoPricesOfOnePicture", `registry: model "painter": invalid configuration: image_prices: size "640x640" and quality "best" have two prices: remove one`,
			painter(func(m *registry.Model) {
				m.ImagePrices = []registry.ImagePrice{{Size: "640x640", Quality: "best", USD: *usd("1")}, {Size: "640x640", Quality: "best", USD: *usd("2")}}
			})},
		{"ASizeThatIsNone", `registry: model "painter": invalid configuration: valid_sizes: "large" is not WIDTHxHEIGHT in pixels: correct it`,
			painter(func(m *registry.Model) { m.Sizes = append(m.Sizes, "large") })},
		{"ANegativePrice", `registry: model "writer": invalid configuration: prices.input is negative: set what the provider charges`,
			writer(func(m *registry.Model) { m.Prices.Input = negative })},
		{"APriceWithAnExponent", `registry: model "writer": invalid configuration: prices.input has the exponent 21: write it out`,
			writer(func(m *registry.Model) { m.Prices.Input = &long })},
		{"APriceOfManyDigits", `registry: model "writer": invalid configuration: prices.input has 61 digits, at most 60 are allowed`,
			writer(func(m *registry.Model) { m.Prices.Input = usd(strings.Repeat("7", 61)) })},
		{"ANegativeCostPerImage", `registry: model "painter": invalid configuration: cost_per_image is negative: set what the provider charges`,
			painter(func(m *registry.Model) { m.CostPerImage = negative })},
		{"ANegativePriceOfASize", `registry: model "painter": invalid configuration: image_prices: the price of "640x640" is negative: set what the provider charges`,
			painter(func(m *registry.Model) { m.ImagePrices = []registry.ImagePrice{{Size: "640x640", USD: *negative}} })},
		{"APriceOfASizeWithAnExponent", `registry: model "painter": invalid configuration: image_prices: the price of "640x640" has the exponent 21: write it out`,
			painter(func(m *registry.Model) { m.ImagePrices = []registry.ImagePrice{{Size: "640x640", USD: long}} })},
		{"ANegativeRatio", `registry: model "writer": invalid configuration: tokens_per_credit is -1: set a positive number, or leave it out`,
			writer(func(m *registry.Model) { m.TokensPerCredit = -1 })},
		{"NegativeCreditsPerImage", `registry: model "painter": invalid configuration: credits_per_image is -1: set a positive number, or leave it out`,
			painter(func(m *registry.Model) { m.CreditsPerImage = -1 })},
		{"ANegativeLimit", `registry: model "writer": invalid configuration: context_window is -1: set a positive number, or leave it out`,
			writer(func(m *registry.Model) { m.ContextWindow = -1 })},
		{"AParameterThatIsNotJSON", `registry: model "painter": invalid configuration: profile.parameters: the value of "steps" is not JSON: correct it`,
			painter(func(m *registry.Model) { m.Profile.Parameters["steps"] = json.RawMessage("{") })},

		{"AnOperationWithoutAName", `registry: operation: invalid configuration: the name of row 0 is empty: give it one`,
			operation(func(o *registry.OperationCost) { o.Operation = "" })},
		{"AnOperationOfALongName", `registry: operation: invalid configuration: the name of row 0 has 201 bytes, at most 200 are allowed: shorten it`,
			operation(func(o *registry.OperationCost) { o.Operation = strings.Repeat("o", 201) })},
		{"AnOperationTwice", `registry: operation "clustering": invalid configuration: it is listed twice: remove one`,
			func(c *registry.Change) { c.Next.Operations = append(c.Next.Operations, c.Next.Operations[0]) }},
		{"AnOperationByAnotherName", `registry: operation "linking": invalid configuration: an operation has one name: call it "internal_linking"`,
			operation(func(o *registry.OperationCost) { o.Operation = "linking" })},
		{"AnOperationInAnotherCase", `registry: operation "Clustering": invalid configuration: it is not in lower case with underscores: rename it`,
			operation(func(o *registry.OperationCost) { o.Operation = "Clustering" })},
		{"AnOperationWithoutARatio", `registry: operation "clustering": invalid configuration: tokens_per_credit is 0, want at least 1`,
			operation(func(o *registry.OperationCost) { o.TokensPerCredit = 0 })},
		{"AnOperationOfNegativeCredits", `registry: operation "clustering": invalid configuration: min_credits is -1, want at least 0`,
			operation(func(o *registry.OperationCost) { o.MinCredits = -1 })},
		{"AnOperationThatSellsForNothing", `registry: operation "clustering": invalid configuration: price_per_credit_usd is 0, want at least 0.0001`,
			operation(func(o *registry.OperationCost) { o.PricePerCreditUSD = decimal.Zero })},
		{"APricePerCreditWithAnExponent", `registry: operation "clustering": invalid configuration: price_per_credit_usd has the exponent 21: write it out`,
			operation(func(o *registry.OperationCost) { o.PricePerCreditUSD = long })},

		{"AFunctionOfAModelThatDoesNotExist", `registry: settings of function "write": invalid configuration: model "nothing" does not exist: add it, or name another one`,
			function(registry.FunctionSettings{Model: "nothing"})},
		{"AFunctionOfAModelThatIsNotActive", `registry: settings of function "write": invalid configuration: model "retired" is not active: name one that is`,
			function(registry.FunctionSettings{Model: "retired"})},
		{"AFunctionOfAModelThatWasShutDown", `registry: settings of function "write": invalid configuration: model "editor" is not active: name one that is`,
			on("editor", func(m *registry.Model) { m.Shutdown = &now })},
		{"AFallbackThatDoesNotExist", `registry: settings of function "write": invalid configuration: model "nowhere" does not exist: add it, or name another one`,
			function(registry.FunctionSettings{Model: "writer", Fallbacks: []string{"nowhere"}})},
		{"AFallbackToTheSame", `registry: settings of function "write": invalid configuration: model "writer" is named twice: remove one`,
			function(registry.FunctionSettings{Model: "writer", Fallbacks: []string{"writer"}})},
		{"AFallbackOfAnotherKind", `registry: settings of function "write": invalid configuration: model "painter" makes image, and the one before it text: name one of the same kind`,
			function(registry.FunctionSettings{Model: "writer", Fallbacks: []string{"painter"}})},
		{"AFunctionOfNegativeTokens", `registry: settings of function "write": invalid configuration: max_tokens is -1: set a positive number, or leave it out`,
			function(registry.FunctionSettings{MaxTokens: -1})},
		{"AFunctionThatIsTooHot", `registry: settings of function "write": invalid configuration: temperature is 2.01, want 0 to 2`,
			function(registry.FunctionSettings{Temperature: usd("2.01")})},
		{"ATemperatureWithAnExponent", `registry: settings of function "write": invalid configuration: temperature has the exponent 21: write it out`,
			function(registry.FunctionSettings{Temperature: &long})},
		{"ATierThatNoModelIsOf", `registry: settings of images: invalid configuration: no active image model is of the quality_tier "coarse": name one that a model is of`,
			func(c *registry.Change) { c.Next.Settings.Images.QualityTier = "coarse" }},
		{"AFormatThatThereIsNot", `registry: settings of images: invalid configuration: format is "gif": set png, jpeg or webp, or leave it out`,
			func(c *registry.Change) { c.Next.Settings.Images.Format = "gif" }},
		{"TooManyPicturesPerArticle", `registry: settings of images: invalid configuration: per_article is 9, want 0 to 8`,
			func(c *registry.Change) { c.Next.Settings.Images.PerArticle = new(9) }},
	}
}
