package pricelist

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/registry"
)

// maxText is far above what the lists weigh (1 and 4 MB), and below what would hurt a host that reads one.
const maxText = 64 << 20

// maxName is the longest name that an entry may have, in bytes.
const maxName = 256

func bad(source, why string, args ...any) error {
	return fmt.Errorf("pricelist: %s: %w: %s", source, ErrList, fmt.Sprintf(why, args...))
}

// object is a JSON object. It is read by hand and not into a struct or a map, because encoding/json lets the last of
// two equal names win and takes names in any case.
type object map[string]json.RawMessage

// members reads an object. repeated is a name that it has twice, if it has one.
func members(text []byte) (o object, repeated string, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, "", fmt.Errorf("it is not an object")
	}
	o = object{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, "", err
		}
		name, _ := t.(string) // what else a name could be is refused by the decoder
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, "", err
		}
		if _, twice := o[name]; twice {
			repeated = name
		}
		o[name] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, "", err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, "", fmt.Errorf("there is something behind it")
	}
	return o, repeated, nil
}

// top reads what a list has at its top.
func top(source string, text []byte) (object, error) {
	if len(text) > maxText {
		return nil, bad(source, "it has %d bytes, want at most %d", len(text), maxText)
	}
	o, repeated, err := members(text)
	switch {
	case err != nil:
		return nil, bad(source, "%v", err)
	case repeated != "":
		return nil, bad(source, "%.60q is there twice", repeated)
	case len(o) == 0:
		return nil, bad(source, "it is empty")
	}
	return o, nil
}

func (o object) names() []string { return slices.Sorted(maps.Keys(o)) }

// text returns a field that is a text, and "" for anything else.
func (o object) text(field string) string {
	var s string
	if json.Unmarshal(o[field], &s) != nil {
		return ""
	}
	return s
}

func (o object) flag(field string) *bool {
	var b *bool
	if json.Unmarshal(o[field], &b) != nil {
		return nil
	}
	return b
}

// limit returns a number of tokens, 0 if the list says none that could be one. A whole number may be written as 2e6.
func (o object) limit(field string) int64 {
	d, problem := number(o[field])
	if problem != nil || d.IsNegative() || !d.IsInteger() || d.GreaterThan(decimal.New(1, 12)) {
		return 0
	}
	return d.IntPart()
}

// missing reports whether a field has no value.
func (o object) missing(field string) bool { return len(o[field]) == 0 || string(o[field]) == "null" }

// nonzero reports whether a price of whatever form charges anything: a number that is not 0, a text, or something that
// has one in it. A text is taken to: what is not understood is not free.
func nonzero(raw json.RawMessage) bool {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	return d.Decode(&v) == nil && charges(v)
}

func charges(v any) bool {
	switch v := v.(type) {
	case json.Number:
		mantissa, _, _ := strings.Cut(strings.ToLower(v.String()), "e")
		return strings.ContainsAny(mantissa, "123456789")
	case string:
		return v != ""
	case []any:
		return slices.ContainsFunc(v, charges)
	case map[string]any:
		for _, member := range v {
			if charges(member) {
				return true
			}
		}
	}
	return false
}

// problem is why an entry is refused.
type problem struct {
	reason Reason
	detail string
}

func refuse(reason Reason, detail string, args ...any) *problem {
	return &problem{reason, printable(fmt.Sprintf(detail, args...))}
}

// printable leaves nothing in a text of the list's that a terminal would obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// number reads a JSON number by its text. It has at most 40 characters and an exponent that can be written out.
func number(raw json.RawMessage) (decimal.Decimal, *problem) {
	text := string(raw)
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return decimal.Zero, &problem{reason: NotANumber}
	}
	if len(text) > 40 {
		return decimal.Zero, &problem{reason: AbsurdPrice}
	}
	d, err := decimal.NewFromString(text)
	if err != nil || d.Exponent() < -30 || d.Exponent() > 12 {
		return decimal.Zero, &problem{reason: AbsurdPrice}
	}
	return d, nil
}

// The least and the most that a million tokens or a picture may cost, in USD. What lies beyond them was written in another
// unit: by the token for the million or the thousand, or the other way round. The lists have sixteen of these, and the
// dearest model besides them costs 600.
var (
	leastUSD = decimal.New(1, -4)
	mostUSD  = decimal.New(1000, 0)
)

// price reads a field that is a price, moved by so many places. It is nil if the field has no value.
func (o object) price(field string, places int32) (*decimal.Decimal, *problem) {
	if o.missing(field) {
		return nil, nil
	}
	d, p := number(o[field])
	if p == nil {
		d = d.Shift(places)
		switch {
		case d.IsNegative():
			p = &problem{reason: NegativePrice}
		case !d.IsZero() && (d.LessThan(leastUSD) || d.GreaterThan(mostUSD)):
			p = &problem{reason: AbsurdPrice}
		}
	}
	if p != nil {
		p.detail = field
		return nil, p
	}
	return &d, nil
}

// tokenPrices reads the prices of tokens; free are the fields that say 0. A class of its own at 0 is not taken: it would
// cost nothing, where it now costs what its plain class does.
func (o object) tokenPrices(fields []tokenPrice, places int32) (prices registry.Prices, free []string, p *problem) {
	for _, f := range fields {
		usd, p := o.price(f.field, places)
		switch {
		case p != nil:
			return prices, nil, p
		case usd == nil:
		case usd.IsZero():
			free = append(free, f.field)
		default:
			at := f.class.of(&prices)
			if *at != nil && !same(*at, usd) {
				return prices, nil, refuse(Contradiction, "%s", f.field)
			}
			*at = usd
		}
	}
	return prices, free, nil
}

// tokenPrice is a list's field for a class.
type tokenPrice struct {
	field string
	class class
}

// textPrices demands what a text model needs, and says which other classes are free by the list.
func textPrices(prices registry.Prices, free []string, in, out tokenPrice) (notes []string, p *problem) {
	for _, f := range []tokenPrice{in, out} {
		switch {
		case *f.class.of(&prices) != nil:
		case slices.Contains(free, f.field):
			return nil, refuse(ZeroPrice, "%s", f.field)
		default:
			return nil, refuse(NoPrice, "%s", f.field)
		}
	}
	for _, field := range free {
		notes = append(notes, field+" is 0: not taken, so that what it is for costs what its plain class does")
	}
	return notes, nil
}
