package pricelist

// Reason says why an entry of a list is refused. The constants are all there are.
type Reason string

// Why an entry cannot be read into an offer.
const (
	NotAModel     Reason = "not_a_model"     // a sample, or rules of the list's own software
	Malformed     Reason = "malformed"       // not an object, or one with a field twice
	OtherKind     Reason = "other_kind"      // neither text nor new pictures
	NoPrice       Reason = "no_price"        // input, output or pictures have no price
	ZeroPrice     Reason = "zero_price"      // input, output or pictures are free
	NegativePrice Reason = "negative_price"  // a discount is no price
	NotANumber    Reason = "not_a_number"    // a text, a list, an object
	AbsurdPrice   Reason = "absurd_price"    // too many digits, or a price in the wrong unit
	ByLength      Reason = "by_length"       // the price depends on the length of the prompt
	OtherRule     Reason = "other_rule"      // by the second, query, request, session …
	TooCoarse     Reason = "too_coarse"      // a price by the pixel with too few digits for one by the picture
	TextOrPicture Reason = "text_or_picture" // tokens of pictures are not told apart from those of text
	Contradiction Reason = "contradiction"   // said twice, and differently
)

// Why a model that is configured or asked for is not taken over.
const (
	NotListed        Reason = "not_listed"        // the list has no such model
	UnknownProvider  Reason = "unknown_provider"  // the configuration has no such provider
	SeveralProviders Reason = "several_providers" // more than one provider offers the name
	NameTaken        Reason = "name_taken"        // another model of the configuration has the name
	KindDiffers      Reason = "kind_differs"      // one makes text, the other pictures
	Incomplete       Reason = "incomplete"        // an active model could not be priced any more
)

var words = map[Reason]string{
	NotAModel:        "it is no model, but a sample or a rule of the list's own software",
	Malformed:        "it is not written as the list's entries are",
	OtherKind:        "it is of a kind that has no prices here: neither text nor new pictures",
	NoPrice:          "it has no price for input, for output or for pictures",
	ZeroPrice:        "input, output or pictures are free, which no price is taken to be",
	NegativePrice:    "a price is negative",
	NotANumber:       "a price is not a number",
	AbsurdPrice:      "a price has too many digits or cannot be in the list's unit",
	ByLength:         "the price depends on the length of the prompt, and a model has one price for a class",
	OtherRule:        "something is billed by a rule that there is not: by the second, the query, the request",
	TooCoarse:        "the price by the pixel has too few digits to tell the price of a picture",
	TextOrPicture:    "pictures are priced by tokens that are not told apart from those of text",
	Contradiction:    "the list says two different prices for the same",
	NotListed:        "the list does not have it",
	UnknownProvider:  "the configuration has no provider of that id: add it, or map the list's id to yours",
	SeveralProviders: "several providers offer it: ask for it as provider/name",
	NameTaken:        "the configuration has a model of that name at another provider",
	KindDiffers:      "the configuration and the list have it as different kinds",
	Incomplete:       "it is active and could not be priced with these prices: set the missing ones first",
}

// Words returns the reason as a sentence.
func (r Reason) Words() string { return words[r] }

// Reasons returns all reasons: those of lists first, then those of proposals.
func Reasons() []Reason {
	return []Reason{NotAModel, Malformed, OtherKind, NoPrice, ZeroPrice, NegativePrice, NotANumber, AbsurdPrice, ByLength, OtherRule,
		TooCoarse, TextOrPicture, Contradiction, NotListed, UnknownProvider, SeveralProviders, NameTaken, KindDiffers, Incomplete}
}
