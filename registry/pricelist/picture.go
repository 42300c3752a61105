package pricelist

import (
	"regexp"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/registry"
)

var (
	// keyed is the name of an entry for one size, and perhaps one quality, of a model's pictures: "hd/64-x-48/painter".
	keyed = regexp.MustCompile(`^(?:([A-Za-z_]+)/)?([0-9]+)-x-([0-9]+)/([^/]+)$`)
	sized = regexp.MustCompile(`[0-9]+-x-[0-9]+`)
)

// picturePrices reads what an image model costs: by the token, by the picture, or by the pixel of the size in its name.
func (p *part) picturePrices(o object) *problem {
	var pixels int64
	if m := keyed.FindStringSubmatch(p.offer.Name); m != nil {
		size := m[2] + "x" + m[3]
		width, height, err := registry.ParseSize(size)
		if err != nil {
			return refuse(OtherRule, "a size of %.20s", size)
		}
		pixels = int64(width) * int64(height)
		p.offer.Name, p.row = m[4], &registry.ImagePrice{Size: size, Quality: m[1]}
	} else if sized.MatchString(p.offer.Name) {
		return refuse(OtherRule, "its name has more than a quality and a size")
	}

	prices, free, problem := o.tokenPrices(liteLLMTokens, perMillion)
	if problem != nil {
		return problem
	}
	each, problem := eachPicture(o, pixels)
	switch {
	case problem != nil:
		return problem
	case each == nil && prices.ImageOutput == nil:
		if len(free) > 0 || !o.missing(perPicture) || !o.missing(perPictureRead) || !o.missing(perPixel) || !o.missing(perPixelRead) {
			return refuse(ZeroPrice, "pictures")
		}
		return refuse(NoPrice, "pictures")
	case prices.ImageOutput == nil && !samePrices(prices, registry.Prices{}):
		// A model without a price for image tokens is billed by the picture alone.
		return refuse(OtherRule, "the prompt by the token and the picture by the piece")
	case p.row != nil && prices.ImageOutput != nil:
		return refuse(OtherRule, "tokens that cost more for one size than for another")
	}
	p.offer.Prices = prices
	for _, field := range free {
		p.note(field + " is 0: not taken")
	}
	if p.row != nil {
		p.row.USD = *each
	} else {
		p.offer.CostPerImage = each
	}
	return nil
}

// eachPicture is USD for one picture, nil if it has no such price. Where there is a price for what is made, the one for
// what is read is about pictures that a request brings along; where there is none, the list means the picture made.
func eachPicture(o object, pixels int64) (*decimal.Decimal, *problem) {
	piece, problem := either(o, perPicture, perPictureRead)
	if problem != nil {
		return nil, problem
	}
	pixel, problem := either(o, perPixel, perPixelRead)
	if problem != nil || pixel == nil {
		return piece, problem
	}
	if pixels == 0 {
		return nil, refuse(OtherRule, "by the pixel, and the name has no size")
	}
	least, limit, exact := span(*pixel, pixels)
	switch {
	case piece != nil && (piece.LessThan(least) || piece.GreaterThan(limit)):
		return nil, refuse(Contradiction, "%s by the piece and about %s by the pixel", piece, exact)
	case piece != nil:
		return piece, nil
	}
	return byPixel(*pixel, pixels)
}

func either(o object, made, read string) (*decimal.Decimal, *problem) {
	places := int32(0)
	if made == perPixel {
		places = perMillion // only so that it is within what prices may be
	}
	m, problem := o.price(made, places)
	if problem != nil {
		return nil, problem
	}
	r, problem := o.price(read, places)
	switch {
	case problem != nil:
		return nil, problem
	case m != nil && m.IsZero():
		m = nil
	}
	if r == nil || r.IsZero() {
		return m, nil
	}
	if m != nil {
		return nil, refuse(OtherRule, "pictures that are read by the piece")
	}
	return r, nil
}

// coarse is the most that the last digit of a price by the pixel may be of it.
var coarse = decimal.New(1, -2)

// byPixel returns the price of a picture from the price of a million of its pixels.
//
// The list's figures are the price of the picture divided by its pixels, and then cut off or rounded somewhere, so the
// product is near the price: 3.81469e-08 for 1,048,576 pixels is 0.03999992…, and was 0.04. What it was is within half a
// digit below the figure (it was rounded up) and a whole one above (it was cut off), and is taken to be the shortest
// decimal in there, upwards first: a price has few digits. A figure whose last digit is more than a hundredth of it
// leaves room for more than one such price, and is refused.
func byPixel(million decimal.Decimal, pixels int64) (*decimal.Decimal, *problem) {
	if digit(million).GreaterThan(million.Mul(coarse)) {
		return nil, refuse(TooCoarse, "%s USD for a million of %d pixels", million, pixels)
	}
	least, limit, exact := span(million, pixels)
	for places := int32(0); ; places++ { // ends with all the places of exact
		if up := exact.RoundCeil(places); up.LessThan(limit) {
			return &up, nil
		}
		if down := exact.RoundFloor(places); down.GreaterThan(least) {
			return &down, nil
		}
	}
}

// span returns between what prices of a picture a price by the pixel was made of, and what it says to the letter.
func span(million decimal.Decimal, pixels int64) (least, limit, exact decimal.Decimal) {
	n := decimal.New(pixels, -perMillion)
	d := digit(million)
	return million.Sub(d.Mul(decimal.New(5, -1))).Mul(n), million.Add(d).Mul(n), million.Mul(n)
}

// digit is one in the last place that is written.
func digit(d decimal.Decimal) decimal.Decimal { return decimal.New(1, d.Exponent()) }
