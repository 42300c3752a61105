package registry_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/usage"
)

// drawing is a model of 5 credits per image, in an operation of 2.
func drawing() registry.Rate {
	return registry.Rate{Version: 1, Size: "64x48", Quality: "best",
		Model: registry.Model{Name: "painter", Kind: registry.Image, SquareSize: "48x48", LandscapeSize: "64x48", CreditsPerImage: 5,
			ImagePrices: []registry.ImagePrice{{Size: "64x48", Quality: "best", USD: decimal.New(4, -2)}, {Size: "48x48", USD: decimal.New(3, -2)}}},
		Operation: registry.OperationCost{Operation: "draw", TokensPerCredit: 100, MinCredits: 2}}
}

// after returns the candidate that a change of the rates of text and drawing makes, as version 2 of a registry.
func after(t testing.TB, change func(write, draw *registry.Rate)) *registry.Snapshot {
	t.Helper()
	w, d := text(), drawing()
	w.Model.Active, d.Model.Active, w.Operation.Active, d.Operation.Active = true, true, true, true
	change(&w, &d)
	return registry.NewSnapshot(registry.Version{Number: 2, Configuration: registry.Configuration{
		Models: []registry.Model{w.Model, d.Model}, Operations: []registry.OperationCost{w.Operation, d.Operation}}})
}

func wrote(tokens int64) registry.Priced {
	return registry.Priced{Rate: text(), Usage: usage.Tokens(tokens, 0)}
}

func drew(n int64) registry.Priced {
	return registry.Priced{Rate: drawing(), Usage: usage.Images(n)}
}

func TestReprice(t *testing.T) {
	const missing = registry.ReasonMissing
	ratio := func(n int64) func(w, d *registry.Rate) {
		return func(w, d *registry.Rate) { w.Model.TokensPerCredit = n }
	}
	for _, c := range []struct {
		says   string
		change func(w, d *registry.Rate)
		calls  []registry.Priced
		want   credits.Amount
		reason registry.Reason
	}{
		{"NothingHasChanged", func(w, d *registry.Rate) {}, []registry.Priced{wrote(10_000)}, 10, ""},
		{"TheCandidatesRatio", ratio(500), []registry.Priced{wrote(10_000)}, 20, "ratio"},
		{"ARatioOfOneTokenLess", ratio(999), []registry.Priced{wrote(9_000)}, 10, "ratio"},
		{"ARatioBelowTheMinimum", ratio(900), []registry.Priced{wrote(1000)}, 3, ""},
		{"TheOperationsRatioWhereTheModelHasNone", ratio(0), []registry.Priced{wrote(10_000)}, 100, "ratio"},
		{"TheSameRatioInTheOtherRow", func(w, d *registry.Rate) { w.Model.TokensPerCredit, w.Operation.TokensPerCredit = 0, 1000 }, []registry.Priced{wrote(10_000)}, 10, ""},
		{"TheCandidatesMinimum", func(w, d *registry.Rate) { w.Operation.MinCredits = 7 }, []registry.Priced{wrote(1000)}, 7, "minimum"},
		{"AMinimumThatIsPassedAnyway", func(w, d *registry.Rate) { w.Operation.MinCredits = 7 }, []registry.Priced{wrote(7000)}, 7, ""},
		{"OnlyTheRatioDecides", func(w, d *registry.Rate) { w.Model.TokensPerCredit, w.Operation.MinCredits = 500, 12 }, []registry.Priced{wrote(10_000)}, 20, "ratio"},
		{"OnlyTheMinimumDecides", func(w, d *registry.Rate) { w.Model.TokensPerCredit, w.Operation.MinCredits = 500, 12 }, []registry.Priced{wrote(1000)}, 12, "minimum"},
		{"WithoutEitherItWouldBeAnotherAmount", func(w, d *registry.Rate) { w.Model.TokensPerCredit, w.Operation.MinCredits = 2000, 2 }, []registry.Priced{wrote(3000)}, 2, "ratio+minimum"},
		{"EitherAloneWouldHaveDone", func(w, d *registry.Rate) { w.Model.TokensPerCredit, w.Operation.MinCredits = 500, 8 }, []registry.Priced{wrote(4000)}, 8, "ratio+minimum"},
		{"LessByTheRatioAndHeldUpByTheMinimum", func(w, d *registry.Rate) { w.Model.TokensPerCredit, w.Operation.MinCredits = 2000, 7 }, []registry.Priced{wrote(10_000)}, 7, "ratio+minimum"},
		{"OtherPricesInUSDAreNoMismatch", func(w, d *registry.Rate) { w.Model.Prices.Input = usd("99") }, []registry.Priced{wrote(10_000)}, 10, ""},

		{"CallsAreAddedBeforeTheyAreRounded", ratio(3000), []registry.Priced{wrote(10_000), wrote(10_000)}, 7, "ratio"},
		{"AThirdAndTwoThirdsAreOneCreditLess", ratio(900), []registry.Priced{wrote(3000), wrote(3300)}, 7, ""},
		{"TheMinimumIsOfTheOperationNotOfACall", func(w, d *registry.Rate) { w.Operation.MinCredits = 9 }, []registry.Priced{wrote(4000), wrote(4000)}, 9, "minimum"},

		{"TheCandidatesCreditsPerImage", func(w, d *registry.Rate) { d.Model.CreditsPerImage = 8 }, []registry.Priced{drew(3)}, 24, "per_image"},
		{"TheOperationsMinimumPerImageWhereTheModelHasNone", func(w, d *registry.Rate) { d.Model.CreditsPerImage = 0 }, []registry.Priced{drew(3)}, 6, "per_image"},
		{"TheSamePerImageInTheOtherRow", func(w, d *registry.Rate) { d.Model.CreditsPerImage, d.Operation.MinCredits = 0, 5 }, []registry.Priced{drew(3)}, 15, ""},
		{"AMinimumThatPicturesDoNotCost", func(w, d *registry.Rate) { d.Operation.MinCredits = 100 }, []registry.Priced{drew(3)}, 15, ""},
		{"PicturesOfAnotherSizeThatHasItsOwnPrice", func(w, d *registry.Rate) {
			d.Model.SquareSize, d.Model.LandscapeSize, d.Model.CreditsPerImage = "32x32", "40x32", 6
			d.Model.ImagePrices = []registry.ImagePrice{{Size: "32x32", USD: decimal.New(1, -2)}, {Size: "40x32", USD: decimal.New(1, -2)}}
		}, []registry.Priced{drew(3)}, 18, "per_image"},
		{"TextAndPicturesInOneOperation", func(w, d *registry.Rate) { w.Model.TokensPerCredit, d.Model.CreditsPerImage = 500, 8 }, []registry.Priced{wrote(10_000), drew(3)}, 44, "ratio+per_image"},

		{"NoSuchModel", func(w, d *registry.Rate) { w.Model.Name = "other" }, []registry.Priced{wrote(10_000)}, 0, missing},
		{"NoSuchOperation", func(w, d *registry.Rate) { w.Operation.Operation = "other" }, []registry.Priced{wrote(10_000)}, 0, missing},
		{"TheModelIsSwitchedOff", func(w, d *registry.Rate) { w.Model.Active = false }, []registry.Priced{wrote(10_000)}, 0, missing},
		{"TheOperationIsSwitchedOff", func(w, d *registry.Rate) { w.Operation.Active = false }, []registry.Priced{wrote(10_000)}, 0, missing},
		{"AnotherKindOfModel", func(w, d *registry.Rate) { w.Model.Kind, w.Model.CreditsPerImage = registry.Image, 1 }, []registry.Priced{wrote(10_000)}, 0, missing},
		{"TextUnderTheNameOfAModelForPictures", func(w, d *registry.Rate) { d.Model.Kind, d.Model.TokensPerCredit = registry.Text, 10 }, []registry.Priced{drew(3)}, 0, missing},
		{"NoPrice", func(w, d *registry.Rate) { w.Model.Prices.Input = nil }, []registry.Priced{wrote(10_000)}, 0, missing},
		{"OneOfTwoModelsIsMissing", func(w, d *registry.Rate) { d.Model.Active = false }, []registry.Priced{wrote(10_000), drew(1)}, 0, missing},
		{"MoreThanAnAmountCanBe", func(w, d *registry.Rate) { d.Model.CreditsPerImage = math.MaxInt64 }, []registry.Priced{drew(2)}, 0, missing},
	} {
		t.Run(c.says, func(t *testing.T) {
			before := c.calls[0].Rate
			got, err := after(t, c.change).Reprice(c.calls...)
			if want := (credits.Shadow{Version: 2, Credits: c.want, Reason: string(c.reason)}); err != nil || got != want {
				t.Errorf("Reprice = %+v, %v, want %+v", got, err, want)
			}
			if c.calls[0].Rate.Version != before.Version || c.calls[0].Rate.Model.TokensPerCredit != before.Model.TokensPerCredit {
				t.Error("Reprice writes to the calls that it was given")
			}
		})
	}
	t.Run("WhatCannotHaveBeenBilledIsAnError", func(t *testing.T) {
		s := after(t, func(w, d *registry.Rate) {})
		unpriced := wrote(10)
		unpriced.Rate.Model.Prices.Input = nil
		_, err := s.Reprice(unpriced)
		wantError(t, err, registry.ErrNoPrice)
		_, err = s.Reprice(wrote(-1))
		wantError(t, err, usage.ErrInvalid)
		dear := drew(2)
		dear.Rate.Model.CreditsPerImage = math.MaxInt64
		_, err = s.Reprice(dear)
		wantError(t, err, credits.ErrOverflow)
	})
}

// TestRepriceAgreesWithTheQuote whatever is changed: the amount is what the candidate's own rows come to, a reason is given
// if and only if that is another amount, and it names only what differs.
func TestRepriceAgreesWithTheQuote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.Int64Range(1, 12)
		w := text()
		w.Model.TokensPerCredit, w.Operation.TokensPerCredit = small.Draw(t, "ratio")-1, small.Draw(t, "operation's ratio")
		w.Operation.MinCredits = credits.Amount(small.Draw(t, "minimum"))
		next := w
		next.Version, next.Model.Active, next.Operation.Active = 2, true, true
		if rapid.Bool().Draw(t, "another ratio") {
			next.Model.TokensPerCredit = small.Draw(t, "next ratio") - 1
		}
		if rapid.Bool().Draw(t, "another minimum") {
			next.Operation.MinCredits = credits.Amount(small.Draw(t, "next minimum"))
		}
		var calls []registry.Priced
		var billed, would registry.Price
		for range rapid.IntRange(1, 3).Draw(t, "calls") {
			u := usage.Tokens(rapid.Int64Range(0, 60).Draw(t, "in"), rapid.Int64Range(0, 60).Draw(t, "out"))
			calls = append(calls, registry.Priced{Rate: w, Usage: u})
			p, err := w.Quote(u)
			q, nextErr := next.Quote(u)
			if err := errors.Join(err, nextErr); err != nil {
				t.Fatal(err)
			}
			billed, would = billed.Add(p), would.Add(q)
		}
		was, err := billed.Credits()
		want, nextErr := would.Credits()
		if err := errors.Join(err, nextErr); err != nil {
			t.Fatal(err)
		}
		s := registry.NewSnapshot(registry.Version{Number: 2, Configuration: registry.Configuration{
			Models: []registry.Model{next.Model}, Operations: []registry.OperationCost{next.Operation}}})
		got, err := s.Reprice(calls...)
		if err != nil || got.Version != 2 || got.Credits != want || (got.Reason == "") != (was == want) {
			t.Fatalf("Reprice = %+v, %v, want %d credits beside %d", got, err, want, was)
		}
		ratio := func(r registry.Rate) int64 {
			if r.Model.TokensPerCredit > 0 {
				return r.Model.TokensPerCredit
			}
			return r.Operation.TokensPerCredit
		}
		differs := map[string]bool{"ratio": ratio(next) != ratio(w), "minimum": next.Operation.MinCredits != w.Operation.MinCredits}
		for reason := range strings.SplitSeq(got.Reason, "+") {
			if reason != "" && !differs[reason] {
				t.Fatalf("Reprice says %q, and that is the same", reason)
			}
		}
	})
}

func BenchmarkReprice(b *testing.B) {
	s := after(b, func(w, d *registry.Rate) { w.Model.TokensPerCredit = 500 })
	call := wrote(10_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Reprice(call); err != nil {
			b.Fatal(err)
		}
	}
}
