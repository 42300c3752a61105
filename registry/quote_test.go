package registry_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/usage"
)

func usd(s string) *decimal.Decimal {
	d := decimal.RequireFromString(s)
	return &d
}

// text is a model of 1,000 tokens per credit, in an operation of 100 and at least 3 credits.
func text() registry.Rate {
	return registry.Rate{Version: 1,
		Model:     registry.Model{Name: "writer", Kind: registry.Text, Prices: registry.Prices{Input: usd("1.25"), Output: usd("10")}, TokensPerCredit: 1000},
		Operation: registry.OperationCost{Operation: "write", TokensPerCredit: 100, MinCredits: 3}}
}

func TestTextCostsTokensDividedByTheRatioRoundedUp(t *testing.T) {
	for _, c := range []struct {
		rule    string
		change  func(*registry.Rate)
		usage   usage.Usage
		credits credits.Amount
		exact   string
		usd     string
	}{
		{"InputAndOutputWeighTheSame", nil, usage.Tokens(2000, 3000), 5, "5", "0.0325"},
		{"OneTokenMoreIsOneCreditMore", nil, usage.Tokens(2000, 3001), 6, "5.001", "0.03251"},
		{"TheMinimumIsTheLeast", nil, usage.Tokens(1, 0), 3, "0.001", "0.00000125"},
		{"ZeroTokensAreTheMinimum", nil, usage.Tokens(0, 0), 3, "0", "0"},
		{"AMinimumOfZeroLetsZeroTokensBeFree", func(r *registry.Rate) { r.Operation.MinCredits = 0 }, usage.Tokens(0, 0), 0, "0", "0"},
		{"TheModelsRatioComesFirst", nil, usage.Tokens(10_000, 0), 10, "10", "0.0125"},
		{"TheOperationsRatioIsTheFallback", func(r *registry.Rate) { r.Model.TokensPerCredit = 0 }, usage.Tokens(10_000, 0), 100, "100", "0.0125"},
		{"HiddenReasoningIsOutput", nil, usage.Usage{Output: usage.Exactly(1000), Reasoning: usage.Exactly(4000)}, 5, "5", "0.05"},
		{"CachedTokensAreInput", nil, usage.Usage{Input: usage.Exactly(1000), CachedInput: usage.Exactly(2000), CacheWrite: usage.Exactly(1000)}, 4, "4", "0.005"},
		{"PicturesReadAreInputAndDrawnAreOutput", nil, usage.Usage{ImageInput: usage.Exactly(1000), CachedImageInput: usage.Exactly(1000), ImageOutput: usage.Exactly(3000)}, 5, "5", "0.0325"},
		{"EachClassHasItsPrice", func(r *registry.Rate) {
			r.Model.Prices = registry.Prices{Input: usd("1"), CachedInput: usd("0.1"), CacheWrite: usd("2"), ImageInput: usd("3"),
				CachedImageInput: usd("0.3"), Output: usd("10"), Reasoning: usd("20"), ImageOutput: usd("30")}
		}, usage.Usage{Input: usage.Exactly(1e6), CachedInput: usage.Exactly(1e6), CacheWrite: usage.Exactly(1e6), ImageInput: usage.Exactly(1e6),
			CachedImageInput: usage.Exactly(1e6), Output: usage.Exactly(1e6), Reasoning: usage.Exactly(1e6), ImageOutput: usage.Exactly(1e6)}, 8000, "8000", "66.4"},
		{"CachedPicturesCostAsPicturesBeforeAsText", func(r *registry.Rate) { r.Model.Prices.ImageInput = usd("4") },
			usage.Usage{CachedImageInput: usage.Exactly(1e6)}, 1000, "1000", "4"},
		{"AnUnknownClassIsNotPriced", nil, usage.Usage{Input: usage.Exactly(1000), CachedInput: usage.Count{N: 7}}, 3, "1", "0.00125"},
		{"PicturesBesideATextAreNotPriced", nil, usage.Usage{Input: usage.Exactly(4000), Output: usage.Exactly(0), Images: usage.Exactly(9)}, 4, "4", "0.005"},
		{"AThirdIsCutOffNotRounded", func(r *registry.Rate) { r.Model.TokensPerCredit = 3 }, usage.Tokens(2, 0), 3, "0.666666666666666666", "0.0000025"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := text()
			if c.change != nil {
				c.change(&r)
			}
			wantPrice(t, r, c.usage, c.credits, c.exact, c.usd)
		})
	}
}

func wantPrice(t *testing.T, r registry.Rate, u usage.Usage, want credits.Amount, exact, cost string) {
	t.Helper()
	p, err := r.Quote(u)
	if err != nil {
		t.Fatalf("Quote(%+v) = %v", u, err)
	}
	got, err := p.Credits()
	if err != nil || got != want || !p.Exact.Equal(*usd(exact)) || !p.USD.Equal(*usd(cost)) {
		t.Errorf("Quote(%+v) = %d credits (exactly %s) and %s USD, %v; want %d (%s) and %s", u, got, p.Exact, p.USD, err, want, exact, cost)
	}
}

// drawer is a model of 5 credits per picture at 0.04 USD, in an operation of at least 2 credits.
func drawer() registry.Rate {
	return registry.Rate{
		Model:     registry.Model{Name: "drawer", Kind: registry.Image, CostPerImage: usd("0.04"), CreditsPerImage: 5},
		Operation: registry.OperationCost{Operation: "draw", TokensPerCredit: 100, MinCredits: 2},
		Size:      "1024x1024", Quality: "fine"}
}

func TestPicturesCostCreditsEach(t *testing.T) {
	tokens := usage.Usage{Input: usage.Exactly(1e6), ImageOutput: usage.Exactly(1e6), Images: usage.Exactly(2)}
	byTokens := func(r *registry.Rate) {
		r.Model.Prices = registry.Prices{Input: usd("5"), Output: usd("10"), ImageOutput: usd("30")}
	}
	for _, c := range []struct {
		rule    string
		change  func(*registry.Rate)
		usage   usage.Usage
		credits credits.Amount
		usd     string
	}{
		{"ForEachThatWasDelivered", nil, usage.Images(3), 15, "0.12"},
		{"AndNothingForNone", nil, usage.Images(0), 0, "0"},
		{"OrElseTheOperationsMinimumForEach", func(r *registry.Rate) { r.Model.CreditsPerImage = 0 }, usage.Images(3), 6, "0.12"},
		{"WhateverTheTokens", nil, tokens, 10, "0.08"},
		{"AndTheOperatorTokensWhereThoseArePriced", byTokens, tokens, 10, "35"},
		{"AndTheOperatorThePictureWhereTheAnswerTellsNoTokens", byTokens, usage.Images(2), 10, "0.08"},
		{"TheModelsOwnPriceIsForWhatNoRowFits", rows("2048x2048/fine=9"), usage.Images(1), 5, "0.04"},
		{"ARowForAnythingFits", rows("/=1"), usage.Images(1), 5, "1"},
		{"ARowOfTheSizeFitsBetter", rows("/=1", "1024x1024/=2"), usage.Images(1), 5, "2"},
		{"ARowOfTheQualityFitsBetterThanOneOfTheSize", rows("1024x1024/=2", "/fine=3"), usage.Images(1), 5, "3"},
		{"ARowOfBothFitsBest", rows("/fine=3", "1024x1024/fine=4", "1024x1024/=2", "/=1"), usage.Images(1), 5, "4"},
		{"TheFirstOfTwoLikeRowsIsTaken", rows("/fine=3", "/fine=4"), usage.Images(1), 5, "3"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := drawer()
			if c.change != nil {
				c.change(&r)
			}
			each := max(int64(r.Model.CreditsPerImage), 2)
			wantPrice(t, r, c.usage, c.credits, decimal.NewFromInt(each*c.usage.Images.N).String(), c.usd)
		})
	}
}

// rows gives the model image prices, written SIZE/QUALITY=USD.
func rows(list ...string) func(*registry.Rate) {
	return func(r *registry.Rate) {
		for _, s := range list {
			var p registry.ImagePrice
			rest, price, _ := strings.Cut(s, "=")
			p.Size, p.Quality, _ = strings.Cut(rest, "/")
			p.USD = *usd(price)
			r.Model.ImagePrices = append(r.Model.ImagePrices, p)
		}
	}
}

func TestNothingIsPricedAtZeroBecauseSomethingIsMissing(t *testing.T) {
	one := usage.Exactly(1)
	none := registry.Prices{}
	for _, c := range []struct {
		rule   string
		rate   registry.Rate
		change func(*registry.Rate)
		usage  usage.Usage
		want   error
		says   string
	}{
		{"TextWithoutARatio", text(), func(r *registry.Rate) { r.Model.TokensPerCredit, r.Operation.TokensPerCredit = 0, 0 }, usage.Tokens(1, 1), registry.ErrNoPrice, "set tokens per credit"},
		{"ANegativeRatio", text(), func(r *registry.Rate) { r.Model.TokensPerCredit = -1 }, usage.Tokens(1, 1), registry.ErrNoPrice, "set tokens per credit"},
		{"Input", text(), func(r *registry.Rate) { r.Model.Prices = none }, usage.Usage{Input: one}, registry.ErrNoPrice, "set input"},
		{"CachedInput", text(), func(r *registry.Rate) { r.Model.Prices = none }, usage.Usage{CachedInput: one}, registry.ErrNoPrice, "set cached input"},
		{"CacheWrite", text(), func(r *registry.Rate) { r.Model.Prices = none }, usage.Usage{CacheWrite: one}, registry.ErrNoPrice, "set cache write"},
		{"ImageInput", text(), func(r *registry.Rate) { r.Model.Prices = none }, usage.Usage{ImageInput: one}, registry.ErrNoPrice, "set image input"},
		{"CachedImageInput", text(), func(r *registry.Rate) { r.Model.Prices = none }, usage.Usage{CachedImageInput: one}, registry.ErrNoPrice, "set cached image input"},
		{"Output", text(), func(r *registry.Rate) { r.Model.Prices.Output = nil }, usage.Usage{Output: one}, registry.ErrNoPrice, "set output"},
		{"Reasoning", text(), func(r *registry.Rate) { r.Model.Prices.Output = nil }, usage.Usage{Reasoning: one}, registry.ErrNoPrice, "set reasoning"},
		{"ImageOutput", text(), func(r *registry.Rate) { r.Model.Prices.Output = nil }, usage.Usage{ImageOutput: one}, registry.ErrNoPrice, "set image output"},
		{"ANegativeCount", text(), nil, usage.Tokens(-1, 0), usage.ErrInvalid, `model "writer"`},
		{"MoreTokensThanCanBeCounted", text(), nil, usage.Tokens(math.MaxInt64, 1), usage.ErrInvalid, `model "writer"`},
		{"PicturesWithoutCredits", drawer(), func(r *registry.Rate) { r.Model.CreditsPerImage, r.Operation.MinCredits = 0, 0 }, usage.Images(1), registry.ErrNoPrice, "set credits per image"},
		{"PicturesOfUnknownNumber", drawer(), nil, usage.Tokens(10, 10), registry.ErrNoPrice, "the number of pictures is unknown"},
		{"PicturesWithoutAPrice", drawer(), func(r *registry.Rate) { r.Model.CostPerImage = nil }, usage.Images(1), registry.ErrNoPrice, `a picture of size "1024x1024" and quality "fine"`},
		{"PicturesOfASizeWithoutAPrice", drawer(), func(r *registry.Rate) { r.Model.CostPerImage = nil; rows("512x512/=1")(r) }, usage.Images(1), registry.ErrNoPrice, `size "1024x1024"`},
		{"PicturesPricedByTokensThatNobodyTold", drawer(), func(r *registry.Rate) {
			r.Model.CostPerImage, r.Model.Prices = nil, registry.Prices{Input: usd("5"), ImageOutput: usd("30")}
		}, usage.Images(1), registry.ErrNoPrice, "a picture of size"},
		{"PicturesWhoseTextHasNoPrice", drawer(), func(r *registry.Rate) { r.Model.Prices.ImageOutput = usd("30") },
			usage.Usage{Input: one, ImageOutput: one, Images: one}, registry.ErrNoPrice, "set input"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if c.change != nil {
				c.change(&c.rate)
			}
			p, err := c.rate.Quote(c.usage)
			wantError(t, err, c.want)
			wantText(t, err, "registry:", c.says)
			if c.want == registry.ErrNoPrice {
				wantText(t, err, `model "`+c.rate.Model.Name+`"`)
			}
			if !p.USD.IsZero() || p.Minimum != 0 {
				t.Errorf("Quote = %+v beside the error", p)
			}
		})
	}
}

func TestWorstIsOfTheDearestClass(t *testing.T) {
	for _, c := range []struct {
		rule   string
		change func(*registry.Prices)
		usd    string // of 1,000,000 tokens read and produced
	}{
		{"ThePlainOne", func(*registry.Prices) {}, "11.25"},
		{"CachesAreCheaper", func(p *registry.Prices) { p.CachedInput = usd("0.1") }, "11.25"},
		{"ACacheWriteIsDearer", func(p *registry.Prices) { p.CacheWrite = usd("2") }, "12"},
		{"ACachedTokenIsDearer", func(p *registry.Prices) { p.CachedInput = usd("3") }, "13"},
		{"PicturesAreDearer", func(p *registry.Prices) {
			p.ImageInput, p.CachedImageInput, p.ImageOutput = usd("8"), usd("9"), usd("30")
		}, "39"},
		{"ReasoningIsDearer", func(p *registry.Prices) { p.Reasoning = usd("20") }, "21.25"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := text()
			c.change(&r.Model.Prices)
			p, err := r.Worst(1e6, 1e6, 0)
			if n, _ := p.Credits(); err != nil || !p.USD.Equal(*usd(c.usd)) || n != 2000 {
				t.Errorf("Worst = %s USD, %d credits, %v; want %s", p.USD, n, err, c.usd)
			}
		})
	}
	t.Run("OfPicturesIsAllOfThem", func(t *testing.T) {
		p, err := drawer().Worst(0, 0, 4)
		if n, _ := p.Credits(); err != nil || n != 20 || !p.USD.Equal(*usd("0.16")) {
			t.Errorf("Worst = %+v, %v; want 20 credits and 0.16 USD", p, err)
		}
	})
	t.Run("OfAnUnpricedModelIsAnErrorBeforeTheCall", func(t *testing.T) {
		r := text()
		r.Model.Prices.Input, r.Model.Prices.CachedInput = nil, usd("1")
		_, err := r.Worst(1, 1, 0)
		wantError(t, err, registry.ErrNoPrice)
		r = drawer()
		r.Model.CostPerImage, r.Model.Prices.ImageOutput = nil, usd("30")
		_, err = r.Worst(0, 0, 1)
		wantError(t, err, registry.ErrNoPrice)
	})
}

// TestWorstBoundsEveryQuote: a hold of the worst case covers whatever the provider then says, within the bound.
func TestWorstBoundsEveryQuote(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		price := func(label string) *decimal.Decimal {
			if label != "input" && label != "output" && rapid.Bool().Draw(rt, label+" is not priced") {
				return nil
			}
			d := decimal.New(rapid.Int64Range(0, 1e6).Draw(rt, label), -4)
			return &d
		}
		r := text()
		r.Model.TokensPerCredit = rapid.Int64Range(0, 5000).Draw(rt, "tokens per credit")
		r.Operation.MinCredits = credits.Amount(rapid.Int64Range(0, 5).Draw(rt, "minimum"))
		r.Model.Prices = registry.Prices{Input: price("input"), CachedInput: price("cached"), CacheWrite: price("write"), ImageInput: price("image"),
			CachedImageInput: price("cached image"), Output: price("output"), Reasoning: price("reasoning"), ImageOutput: price("image output")}
		var in, out int64
		count := func(label string, sum *int64) usage.Count {
			n := rapid.Int64Range(0, 1e6).Draw(rt, label)
			*sum += n
			return usage.Exactly(n)
		}
		u := usage.Usage{Input: count("i", &in), CachedInput: count("c", &in), CacheWrite: count("w", &in), ImageInput: count("p", &in),
			CachedImageInput: count("cp", &in), Output: count("o", &out), Reasoning: count("r", &out), ImageOutput: count("po", &out)}
		worst, err := r.Worst(in+rapid.Int64Range(0, 9).Draw(rt, "spare"), out, 0)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := r.Quote(u)
		if err != nil {
			rt.Fatal(err)
		}
		most, err1 := worst.Credits()
		n, err2 := got.Credits()
		if err1 != nil || err2 != nil || n > most || got.USD.GreaterThan(worst.USD) {
			rt.Fatalf("Quote(%+v) = %d credits and %s USD, above the worst %d and %s", u, n, got.USD, most, worst.USD)
		}
	})
}

// TestSeveralCallsAreRoundedOnce: an operation of several calls costs what one call with all their tokens would.
func TestSeveralCallsAreRoundedOnce(t *testing.T) {
	t.Run("ThreeTimesTwoThirdsAreTwo", func(t *testing.T) {
		r := text()
		r.Model.TokensPerCredit, r.Operation.MinCredits = 3, 0
		p, err := r.Quote(usage.Tokens(1, 1))
		if n, _ := p.Add(p).Add(p).Credits(); err != nil || n != 2 {
			t.Errorf("three calls of 2/3 credits cost %d, want 2", n)
		}
	})
	t.Run("TheMinimumIsOnce", func(t *testing.T) {
		p, err := text().Quote(usage.Tokens(100, 0))
		if n, _ := p.Add(p).Credits(); err != nil || n != 3 {
			t.Errorf("two calls of 0.1 credits cost %d, want the minimum of one operation, 3", n)
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		r := text()
		r.Model.TokensPerCredit = rapid.Int64Range(1, 20_000).Draw(rt, "tokens per credit")
		var sum registry.Price
		var total int64
		for range rapid.IntRange(1, 8).Draw(rt, "calls") {
			n := rapid.Int64Range(0, 100_000).Draw(rt, "tokens")
			p, err := r.Quote(usage.Tokens(n, 0))
			if err != nil {
				rt.Fatal(err)
			}
			sum, total = sum.Add(p), total+n
		}
		want := max(credits.Amount((total+r.Model.TokensPerCredit-1)/r.Model.TokensPerCredit), 3) // integer maths, as the original's
		got, err := sum.Credits()
		once, _ := r.Quote(usage.Tokens(total, 0))
		if err != nil || got != want || !sum.USD.Equal(once.USD) {
			rt.Fatalf("%d tokens in several calls cost %d credits and %s USD, %v; want %d and %s", total, got, sum.USD, err, want, once.USD)
		}
	})
}

func TestAPriceThatDoesNotFitIsAnError(t *testing.T) {
	most := registry.Price{Exact: decimal.NewFromInt(math.MaxInt64)}
	if n, err := most.Credits(); n != math.MaxInt64 || err != nil {
		t.Errorf("Credits = %d, %v; want the largest amount", n, err)
	}
	_, err := most.Add(registry.Price{Exact: decimal.New(1, -18)}).Credits()
	wantError(t, err, credits.ErrOverflow)
}

func TestConfigurationQuote(t *testing.T) {
	r := drawer()
	sized := r.Model
	sized.Name, sized.CostPerImage, sized.SquareSize, sized.Profile.Quality = "sized", nil, "1024x1024", "fine"
	sized.ImagePrices = []registry.ImagePrice{{Size: "1024x1024", Quality: "fine", USD: *usd("0.5")}}
	c := registry.Configuration{Models: []registry.Model{text().Model, r.Model, sized}, Operations: []registry.OperationCost{text().Operation, r.Operation}}
	for _, q := range []struct {
		operation, model string
		usage            usage.Usage
		want             credits.Amount
		usd              string
	}{
		{"write", "writer", usage.Tokens(4000, 1), 5, "0.00501"},
		{"draw", "drawer", usage.Images(2), 10, "0.08"},
		{"draw", "sized", usage.Images(2), 10, "1"},
		{"draw", "writer", usage.Tokens(0, 0), 2, "0"},
	} {
		p, err := c.Quote(q.operation, q.model, q.usage)
		if n, _ := p.Credits(); err != nil || n != q.want || !p.USD.Equal(*usd(q.usd)) {
			t.Errorf("Quote(%q, %q, %+v) = %d credits and %s USD, %v; want %d and %s", q.operation, q.model, q.usage, n, p.USD, err, q.want, q.usd)
		}
	}
	_, err := c.Quote("write", "poet", usage.Tokens(1, 1))
	wantError(t, err, registry.ErrNotFound)
	wantText(t, err, `model "poet"`)
	_, err = c.Quote("sing", "writer", usage.Tokens(1, 1))
	wantError(t, err, registry.ErrNotFound)
	wantText(t, err, `operation "sing"`)
}

// TestWhatIsValidCanBePriced: a configuration that was let in has a price for whatever an answer may report, so that an
// answer that came is never without one.
func TestWhatIsValidCanBePriced(t *testing.T) {
	for name, at := range map[string]time.Time{registry.Seed: seedTime, registry.Current: currentTime} {
		c, err := registry.Catalogue(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.Models {
			if c.Models[i].Kind == registry.Image { // the hardest case: priced by tokens
				c.Models[i].Prices = registry.Prices{Input: usd("5"), Output: usd("10"), ImageOutput: usd("30")}
			}
		}
		if err := c.Validate(at); err != nil {
			t.Fatal(err)
		}
		n := usage.Exactly(1000)
		for _, m := range c.Models {
			for _, o := range c.Operations {
				for _, size := range []string{m.SquareSize, m.LandscapeSize} {
					r := registry.Rate{Model: m, Operation: o, Size: size, Quality: m.Profile.Quality}
					for class, u := range map[string]usage.Usage{"input": {Input: n}, "cached": {CachedInput: n}, "cache write": {CacheWrite: n}, "image input": {ImageInput: n},
						"cached image input": {CachedImageInput: n}, "output": {Output: n}, "reasoning": {Reasoning: n}, "image output": {ImageOutput: n}, "nothing": {}} {
						u.Images = usage.Exactly(1)
						p, err := r.Quote(u)
						credits, overflow := p.Credits()
						if err != nil || overflow != nil || credits < 1 || class != "nothing" && !p.USD.IsPositive() {
							t.Errorf("catalogue %q: %s of model %q in %q costs %d credits and %s USD, %v", name, class, m.Name, o.Operation, credits, p.USD, err)
						}
					}
				}
			}
		}
	}
}

// A price that a version may have never makes a cost that the ledger refuses: a settle would be refused with it.
func TestWhatAnyPriceComesToCanBeKept(t *testing.T) {
	high, err := decimal.NewFromString(strings.Repeat("7", 60) + "e20")
	if err != nil {
		t.Fatal(err)
	}
	low := high.Shift(-60)
	r := registry.Rate{Model: registry.Model{Kind: registry.Text, Prices: registry.Prices{Input: &high, Output: &low}},
		Operation: registry.OperationCost{TokensPerCredit: 1}}
	price, err := r.Quote(usage.Tokens(math.MaxInt64/2, math.MaxInt64/2))
	if err != nil || !credits.Keepable(price.USD) || !credits.Keepable(price.Exact) {
		t.Errorf("%d and %d digits, %v: want some that can be kept", price.USD.NumDigits(), price.Exact.NumDigits(), err)
	}
}
