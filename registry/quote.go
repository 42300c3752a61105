package registry

import (
	"cmp"
	"fmt"
	"math"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

// Rate is the pair of rows that price a call, as of one version. A hold pins it, so that the call is charged by the
// prices it was quoted by.
type Rate struct {
	Version   int64         `json:"version"`
	Model     Model         `json:"model"`
	Operation OperationCost `json:"operation"`
	// Size and Quality choose among the model's image prices; both are empty for text.
	Size    string `json:"size,omitempty"`
	Quality string `json:"quality,omitempty"`
}

// Price is what usage costs. Prices of several calls of one operation are added before they are rounded, once.
type Price struct {
	Exact   decimal.Decimal // credits, before rounding and minimum
	Minimum credits.Amount  // the least that the operation costs, however many calls it took
	USD     decimal.Decimal // what it costs the operator
}

// Add returns the price of both together.
func (p Price) Add(q Price) Price {
	return Price{Exact: p.Exact.Add(q.Exact), Minimum: max(p.Minimum, q.Minimum), USD: p.USD.Add(q.USD)}
}

// Credits returns the price in whole credits: rounded up, and at least the minimum. It returns an error that matches
// credits.ErrOverflow if it does not fit.
func (p Price) Credits() (credits.Amount, error) {
	up := p.Exact.Ceil()
	if up.GreaterThan(decimal.NewFromInt(math.MaxInt64)) {
		return 0, fmt.Errorf("registry: price of %s credits: %w", up, credits.ErrOverflow)
	}
	return max(credits.Amount(up.IntPart()), p.Minimum), nil
}

// Quote prices usage by the rows of an operation and a model; see [Rate.Quote]. A picture is taken to have the model's
// square size and the quality of its profile. Errors: ErrNotFound, and those of Rate.Quote.
func (c *Configuration) Quote(operation, model string, u usage.Usage) (Price, error) {
	r := Rate{}
	for i := range c.Models {
		if c.Models[i].Name == model {
			r.Model = c.Models[i]
			r.Size, r.Quality = r.Model.SquareSize, r.Model.Profile.Quality
		}
	}
	for _, o := range c.Operations {
		if o.Operation == operation {
			r.Operation = o
		}
	}
	if r.Model.Name == "" {
		return Price{}, fmt.Errorf("registry: model %q: %w", model, ErrNotFound)
	}
	if r.Operation.Operation == "" {
		return Price{}, fmt.Errorf("registry: operation %q: %w", operation, ErrNotFound)
	}
	return r.Quote(u)
}

// Quote prices usage. Text costs one credit for each tokens-per-credit tokens, read and produced alike, by the model's
// ratio or else the operation's, and at least the operation's minimum. Pictures cost the model's credits per image, or
// else the operation's minimum, for each picture delivered.
//
// In USD each class of tokens has its price; a class without one of its own costs as its plain class does (cached
// input and cache writes as input, reasoning as output, image tokens as text tokens). An image model with token prices
// costs those; one without, or an answer that reports no tokens, costs its price per picture. Pictures whose number is
// unknown have no price.
//
// Errors: ErrNoPrice, and usage.ErrInvalid.
func (r Rate) Quote(u usage.Usage) (Price, error) {
	if err := u.Validate(); err != nil {
		return Price{}, fmt.Errorf("registry: quote model %q: %w", r.Model.Name, err)
	}
	if r.Model.Kind == Image {
		return r.quoteImages(u)
	}
	return r.quoteText(u)
}

// ratio is the tokens that make one credit.
func (r *Rate) ratio() int64 { return cmp.Or(r.Model.TokensPerCredit, r.Operation.TokensPerCredit) }

// perImage is the credits for one picture.
func (r *Rate) perImage() credits.Amount {
	return cmp.Or(r.Model.CreditsPerImage, r.Operation.MinCredits)
}

func (r Rate) quoteText(u usage.Usage) (Price, error) {
	ratio := r.ratio()
	if ratio < 1 {
		return Price{}, r.noPrice("tokens per credit")
	}
	input, output, err := u.TokenSums()
	if err != nil {
		return Price{}, fmt.Errorf("registry: quote model %q: %w", r.Model.Name, err)
	}
	usd, err := r.tokenCost(u)
	if err != nil {
		return Price{}, err
	}
	// The sum of both fits, or TokenSums would have refused it. Cut off, not rounded: thirds that were rounded up would, once added, come to a credit that nobody used.
	exact, _ := decimal.NewFromInt(input+output).QuoRem(decimal.NewFromInt(ratio), 18)
	return Price{Exact: exact, Minimum: r.Operation.MinCredits, USD: usd}, nil
}

func (r Rate) quoteImages(u usage.Usage) (Price, error) {
	each := r.perImage()
	if each < 1 {
		return Price{}, r.noPrice("credits per image")
	}
	if !u.Images.Known {
		return Price{}, fmt.Errorf("registry: quote model %q: %w: the number of pictures is unknown", r.Model.Name, ErrNoPrice)
	}
	n := decimal.NewFromInt(u.Images.N)
	price := Price{Exact: n.Mul(decimal.NewFromInt(int64(each)))}
	var err error
	if r.Model.Prices.ImageOutput != nil && u.ImageOutput.Known {
		price.USD, err = r.tokenCost(u)
		return price, err
	}
	one, err := r.imageCost()
	if err != nil {
		return Price{}, err
	}
	price.USD = one.Mul(n)
	return price, nil
}

// imageCost is USD for one picture: the most exact row that fits, or else the model's own.
func (r Rate) imageCost() (decimal.Decimal, error) {
	best, found := -1, decimal.Decimal{}
	for _, p := range r.Model.ImagePrices {
		if (p.Size != "" && p.Size != r.Size) || (p.Quality != "" && p.Quality != r.Quality) {
			continue
		}
		score := 0
		if p.Size != "" {
			score++
		}
		if p.Quality != "" {
			score += 2
		}
		if score > best {
			best, found = score, p.USD
		}
	}
	switch {
	case best >= 0:
		return found, nil
	case r.Model.CostPerImage != nil:
		return *r.Model.CostPerImage, nil
	}
	return decimal.Zero, r.noPrice(fmt.Sprintf("a picture of size %q and quality %q", r.Size, r.Quality))
}

func (r Rate) tokenCost(u usage.Usage) (decimal.Decimal, error) {
	p := r.Model.Prices
	total := decimal.Zero
	for _, class := range []struct {
		name   string
		tokens usage.Count
		prices [3]*decimal.Decimal // its own first
	}{
		{"input", u.Input, [3]*decimal.Decimal{p.Input}},
		{"cached input", u.CachedInput, [3]*decimal.Decimal{p.CachedInput, p.Input}},
		{"cache write", u.CacheWrite, [3]*decimal.Decimal{p.CacheWrite, p.Input}},
		{"image input", u.ImageInput, [3]*decimal.Decimal{p.ImageInput, p.Input}},
		{"cached image input", u.CachedImageInput, [3]*decimal.Decimal{p.CachedImageInput, p.ImageInput, p.Input}},
		{"output", u.Output, [3]*decimal.Decimal{p.Output}},
		{"reasoning", u.Reasoning, [3]*decimal.Decimal{p.Reasoning, p.Output}},
		{"image output", u.ImageOutput, [3]*decimal.Decimal{p.ImageOutput, p.Output}},
	} {
		if !class.tokens.Known || class.tokens.N == 0 {
			continue
		}
		price := firstSet(class.prices)
		if price == nil {
			return decimal.Zero, r.noPrice(class.name)
		}
		total = total.Add(decimal.NewFromInt(class.tokens.N).Mul(*price))
	}
	return total.Shift(-6), nil
}

func firstSet(prices [3]*decimal.Decimal) *decimal.Decimal {
	for _, p := range prices {
		if p != nil {
			return p
		}
	}
	return nil
}

func (r Rate) noPrice(what string) error {
	return fmt.Errorf("registry: model %q, operation %q: %w: set %s", r.Model.Name, r.Operation.Operation, ErrNoPrice, what)
}

// Worst prices the dearest way to use at most so many tokens, or to be delivered so many pictures: what a hold is sized
// by, and what a call of unknown fate is taken to have cost. Tokens read and produced are of their dearest class,
// pictures cost their price per picture. Errors: those of Rate.Quote.
func (r Rate) Worst(input, output, images int64) (Price, error) {
	if r.Model.Kind == Image {
		return r.Quote(usage.Images(images))
	}
	var u usage.Usage
	p := r.Model.Prices
	*dearest(&u.Input, p.Input, []class{{&u.CachedInput, p.CachedInput}, {&u.CacheWrite, p.CacheWrite},
		{&u.ImageInput, p.ImageInput}, {&u.CachedImageInput, p.CachedImageInput}}) = usage.Exactly(input)
	*dearest(&u.Output, p.Output, []class{{&u.Reasoning, p.Reasoning}, {&u.ImageOutput, p.ImageOutput}}) = usage.Exactly(output)
	return r.Quote(u)
}

type class struct {
	tokens *usage.Count
	price  *decimal.Decimal
}

// dearest returns the class with the highest price: the plain one, unless another has a price that is higher. A plain
// class without a price stays: the usage cannot be priced then.
func dearest(plain *usage.Count, price *decimal.Decimal, others []class) *usage.Count {
	if price == nil {
		return plain
	}
	for _, c := range others {
		if c.price != nil && c.price.GreaterThan(*price) {
			plain, price = c.tokens, c.price
		}
	}
	return plain
}
