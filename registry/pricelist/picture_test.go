package pricelist_test

import (
	"slices"
	"testing"

	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/registry/pricelist"
)

// picture is an image model of LiteLLM's.
func picture(name, prices string) string {
	return `"` + name + `": {"litellm_provider": "acme", "mode": "image_generation", ` + prices + `}`
}

func rows(o pricelist.Offer) (out []string) {
	for _, r := range o.ImagePrices {
		out = append(out, r.Size+" "+r.Quality+" "+r.USD.String())
	}
	slices.Sort(out)
	return out
}

func TestSizesAndQualitiesOfAModelBecomeOneOffer(t *testing.T) {
	l := liteLLMOf(t,
		picture("acme/painter", `"input_cost_per_image": 0.04, "output_cost_per_pixel": 0.0`),
		picture("acme/fine/1024-x-1024/painter", `"input_cost_per_pixel": 7.629e-08, "output_cost_per_pixel": 0.0`),
		picture("plain/1024-x-1024/painter", `"output_cost_per_image": 0.04`),
		picture("plain/1792-x-1024/painter", `"input_cost_per_pixel": 4.359e-08`),
		picture("512-x-512/painter", `"output_cost_per_image": 0.018`))
	o := offer(t, l, "acme", "painter")
	want := []string{"1024x1024 fine 0.08", "1024x1024 plain 0.04", "1792x1024 plain 0.08", "512x512  0.018"}
	if got := rows(o); !slices.Equal(got, want) || !same(o.CostPerImage, usd("0.04")) || o.Kind != registry.Image || len(l.Offers) != 1 {
		t.Errorf("rows %q, cost per image %v, want %q and 0.04: %+v", got, o.CostPerImage, want, l)
	}
	if want := []string{"cost_per_image 0.04 is for pictures that no row fits, and some rows are dearer"}; !slices.Equal(o.Notes, want) {
		t.Errorf("notes %q, want %q", o.Notes, want)
	}
	if want := []string{"512-x-512/painter", "acme/fine/1024-x-1024/painter", "acme/painter", "plain/1024-x-1024/painter", "plain/1792-x-1024/painter"}; !slices.Equal(o.Entries, want) {
		t.Errorf("entries %q, want %q", o.Entries, want)
	}
}

// TestAPriceByThePixelIsTheShortestThatItCanBe: figures that were cut off, and one that was rounded up, are what they were
// made of.
func TestAPriceByThePixelIsTheShortestThatItCanBe(t *testing.T) {
	for _, c := range []struct{ size, perPixel, usd string }{
		{"1024-x-1024", "3.81469e-08", "0.04"},
		{"256-x-256", "2.4414e-07", "0.016"},
		{"512-x-512", "6.86e-08", "0.018"},
		{"1024-x-1792", "6.539e-08", "0.12"},
		{"1792-x-1024", "4.359e-08", "0.08"},
		{"1024-x-1024", "1.59263611e-07", "0.167"}, // rounded up
		{"1024-x-1024", "2.0751953125e-09", "0.002176"},
		{"1536-x-1024", "2.0345052083e-09", "0.0032"},
		{"1024-x-1000", "0.000001", ""}, // one digit
		{"1000-x-1000", "1.0e-06", ""},
		{"1000-x-1000", "1.000e-06", "1"},
		{"1000-x-1000", "1.23456e-06", "1.23456"},
		{"1024-x-1024", "1.9e-08", ""},
	} {
		l := liteLLMOf(t, picture(c.size+"/painter", `"output_cost_per_pixel": `+c.perPixel))
		switch {
		case c.usd == "" && (len(l.Refused) != 1 || l.Refused[0].Reason != pricelist.TooCoarse):
			t.Errorf("%s for %s: %+v, want %s", c.perPixel, c.size, l, pricelist.TooCoarse)
		case c.usd != "" && (len(l.Offers) != 1 || l.Offers[0].ImagePrices[0].USD.String() != c.usd):
			t.Errorf("%s for %s: %+v, want %s", c.perPixel, c.size, l, c.usd)
		}
	}
}

func TestPicturesThatCannotBePricedExactlyAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, prices string
		reason       pricelist.Reason
		detail       string
	}{
		{"painter", `"a": 1`, pricelist.NoPrice, "pictures"},
		{"painter", `"input_cost_per_image": 0.0`, pricelist.ZeroPrice, "pictures"},
		{"8-x-8/painter", `"output_cost_per_pixel": 0.0`, pricelist.ZeroPrice, "pictures"},
		{"painter", `"input_cost_per_token": 0.0`, pricelist.ZeroPrice, "pictures"},
		{"painter", `"output_cost_per_pixel": 1.2345e-08`, pricelist.OtherRule, "by the pixel, and the name has no size"},
		{"painter", `"input_cost_per_image": 0.001, "output_cost_per_image": 0.04`, pricelist.OtherRule, "pictures that are read by the piece"},
		{"painter", `"input_cost_per_token": 1e-06, "output_cost_per_image": 0.04`, pricelist.OtherRule, "the prompt by the token and the picture by the piece"},
		{"painter", `"input_cost_per_token": 1e-06, "output_cost_per_token": 1e-05`, pricelist.NoPrice, "pictures"},
		{"8-x-8/painter", `"output_cost_per_image": 0.04, "output_cost_per_image_token": 1e-05`, pricelist.OtherRule, "tokens that cost more for one size than for another"},
		{"8-x-8/50-steps/painter", `"output_cost_per_image": 0.04`, pricelist.OtherRule, "its name has more than a quality and a size"},
		{"0-x-8/painter", `"output_cost_per_image": 0.04`, pricelist.OtherRule, "a size of 0x8"},
		{"8-x-99999/painter", `"output_cost_per_image": 0.04`, pricelist.OtherRule, "a size of 8x99999"},
		{"painter", `"output_cost_per_image": "0.04"`, pricelist.NotANumber, "output_cost_per_image"},
		{"painter", `"input_cost_per_image": -0.04`, pricelist.NegativePrice, "input_cost_per_image"},
		{"painter", `"output_cost_per_image": 40000`, pricelist.AbsurdPrice, "output_cost_per_image"},
		{"8-x-8/painter", `"output_cost_per_pixel": 40`, pricelist.AbsurdPrice, "output_cost_per_pixel"},
		{"painter", `"output_cost_per_image_token": "x"`, pricelist.NotANumber, "output_cost_per_image_token"},
		{"painter", `"output_cost_per_image": 0.04, "output_cost_per_second": 0.01`, pricelist.OtherRule, "output_cost_per_second"},
		{"1000-x-1000/painter", `"output_cost_per_image": 0.04, "output_cost_per_pixel": 5.0000e-08`, pricelist.Contradiction, "0.04 by the piece and about 0.05 by the pixel"},
		{"1000-x-1000/painter", `"output_cost_per_image": 0.06, "output_cost_per_pixel": 5.0000e-08`, pricelist.Contradiction, "0.06 by the piece and about 0.05 by the pixel"},
	} {
		l := liteLLMOf(t, picture(c.name, c.prices))
		if len(l.Refused) != 1 || l.Refused[0].Reason != c.reason || l.Refused[0].Detail != c.detail {
			t.Errorf("%s %s: refused %+v, offers %+v, want %s (%s)", c.name, c.prices, l.Refused, l.Offers, c.reason, c.detail)
		}
	}
	// What both prices agree on is taken as it is by the piece.
	l := liteLLMOf(t, picture("fine/1024-x-1024/painter", `"input_cost_per_image": 0.167, "input_cost_per_pixel": 1.59263611e-07`))
	if got := rows(offer(t, l, "acme", "painter")); !slices.Equal(got, []string{"1024x1024 fine 0.167"}) {
		t.Errorf("rows %q", got)
	}
	l = liteLLMOf(t, picture("painter", `"input_cost_per_token": 5e-06, "cache_read_input_token_cost": 0, "output_cost_per_image_token": 4e-05, "output_cost_per_image": 0.05`))
	if o := offer(t, l, "acme", "painter"); !same(o.Prices.ImageOutput, usd("40")) || !same(o.CostPerImage, usd("0.05")) || !slices.Equal(o.Notes, []string{"cache_read_input_token_cost is 0: not taken"}) {
		t.Errorf("%+v", o)
	}
}

// TestRowsThatContradictEachOtherAreRefused: a row for any quality is not believed where one for a quality is dearer.
func TestRowsThatContradictEachOtherAreRefused(t *testing.T) {
	l := liteLLMOf(t,
		picture("8-x-8/painter", `"output_cost_per_image": 0.01`),
		picture("low/8-x-8/painter", `"output_cost_per_image": 0.01`),
		picture("high/8-x-8/painter", `"output_cost_per_image": 0.2`),
		picture("acme/low/9-x-9/painter", `"output_cost_per_image": 0.01`),
		picture("low/9-x-9/painter", `"output_cost_per_image": 0.02`),
		picture("acme/low/7-x-7/painter", `"output_cost_per_image": 0.03`),
		picture("low/7-x-7/painter", `"output_cost_per_image": 0.030`),
		picture("6-x-6/painter", `"output_cost_per_image": 0.3`),
		picture("low/6-x-6/painter", `"output_cost_per_image": 0.1`))
	o := offer(t, l, "acme", "painter")
	if got, want := rows(o), []string{"6x6  0.3", "6x6 low 0.1", "7x7 low 0.03", "8x8 high 0.2", "8x8 low 0.01"}; !slices.Equal(got, want) {
		t.Errorf("rows %q, want %q", got, want)
	}
	var refused []string
	for _, r := range l.Refused {
		refused = append(refused, string(r.Reason)+" "+r.Detail)
	}
	if want := []string{"contradiction 8-x-8/painter and high/8-x-8/painter", "contradiction acme/low/9-x-9/painter and low/9-x-9/painter",
		"contradiction low/9-x-9/painter and acme/low/9-x-9/painter"}; !slices.Equal(refused, want) {
		t.Errorf("refused %q, want %q", refused, want)
	}

	// A model whose own entries contradict each other is refused with its rows.
	l = liteLLMOf(t, picture("painter", `"output_cost_per_image": 0.01`), picture("acme/painter", `"output_cost_per_image": 0.02`),
		picture("8-x-8/painter", `"output_cost_per_image": 0.01`))
	if len(l.Offers) != 0 || len(l.Refused) != 3 {
		t.Errorf("%+v", l)
	}
	// Rows that are all refused are no offer.
	l = liteLLMOf(t, picture("8-x-8/painter", `"output_cost_per_image": 0.01`), picture("acme/8-x-8/painter", `"output_cost_per_image": 0.02`))
	if len(l.Offers) != 0 || len(l.Refused) != 2 {
		t.Errorf("%+v", l)
	}
}
