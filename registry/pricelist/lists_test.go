package pricelist_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/registry/pricelist"
)

// TestTheWholeListsAreReadAndCounted pins what is taken and refused of the lists in testdata, and why.
func TestTheWholeListsAreReadAndCounted(t *testing.T) {
	for _, c := range []struct {
		list                func() (pricelist.List, error)
		read, taken, offers int
		text, image         int
		refused             map[pricelist.Reason]int
	}{
		{liteLLM, 2986, 2024, 1944, 1850, 94, map[pricelist.Reason]int{
			pricelist.NotAModel: 2, pricelist.OtherKind: 383, pricelist.NoPrice: 103, pricelist.ZeroPrice: 88, pricelist.AbsurdPrice: 16,
			pricelist.ByLength: 121, pricelist.OtherRule: 242, pricelist.TooCoarse: 1, pricelist.Contradiction: 6}},
		{modelsDev, 5276, 4118, 4118, 4118, 0, map[pricelist.Reason]int{
			pricelist.OtherKind: 117, pricelist.NoPrice: 324, pricelist.ZeroPrice: 459, pricelist.ByLength: 190, pricelist.OtherRule: 17,
			pricelist.TextOrPicture: 51}},
	} {
		l := whole(t, c.list)
		t.Logf("%s: %d read, %d taken in %d offers, %d refused", l.Source, l.Read, l.Taken(), len(l.Offers), len(l.Refused))
		by := l.RefusedBy()
		for _, r := range pricelist.Reasons() {
			if by[r] > 0 {
				t.Logf("%6d %s: %s", by[r], r, r.Words())
			}
		}
		kinds := map[registry.Kind]int{}
		for _, o := range l.Offers {
			kinds[o.Kind]++
		}
		if l.Read != c.read || l.Taken() != c.taken || len(l.Offers) != c.offers || kinds[registry.Text] != c.text || kinds[registry.Image] != c.image {
			t.Errorf("%s: read %d, taken %d, offers %d, %v: want %d, %d, %d, %d, %d", l.Source, l.Read, l.Taken(), len(l.Offers), kinds, c.read, c.taken, c.offers, c.text, c.image)
		}
		if !maps.Equal(by, c.refused) {
			t.Errorf("%s refuses %v, want %v", l.Source, by, c.refused)
		}
	}
}

// TestEveryEntryIsCountedOnce: nothing of a list gets lost between what is taken and what is refused.
func TestEveryEntryIsCountedOnce(t *testing.T) {
	for _, list := range []func() (pricelist.List, error){liteLLM, modelsDev} {
		l := whole(t, list)
		seen := map[string]int{}
		for _, o := range l.Offers {
			for _, e := range o.Entries {
				seen[e]++
			}
		}
		for _, r := range l.Refused {
			seen[r.Entry]++
			if r.Reason.Words() == "" {
				t.Errorf("%s: %q is refused for %q, which has no words", l.Source, r.Entry, r.Reason)
			}
		}
		for e, n := range seen {
			if n != 1 {
				t.Errorf("%s: %q is counted %d times", l.Source, e, n)
			}
		}
		if len(seen) != l.Read || l.Taken()+len(l.Refused) != l.Read {
			t.Errorf("%s: %d entries seen, %d taken and %d refused of %d", l.Source, len(seen), l.Taken(), len(l.Refused), l.Read)
		}
	}
}

// TestWhatIsTakenCanBePriced: an offer has the prices that its kind is billed by, and none of them is free.
func TestWhatIsTakenCanBePriced(t *testing.T) {
	for _, list := range []func() (pricelist.List, error){liteLLM, modelsDev} {
		l := whole(t, list)
		for i, o := range l.Offers {
			switch {
			case o.Kind == registry.Text && (o.Prices.Input == nil || o.Prices.Output == nil || o.CostPerImage != nil || o.ImagePrices != nil):
				t.Errorf("%s: %q is not priced as text: %+v", l.Source, o.Name, o)
			case o.Kind == registry.Image && o.Prices.ImageOutput == nil && o.CostPerImage == nil && o.ImagePrices == nil:
				t.Errorf("%s: %q is not priced as pictures: %+v", l.Source, o.Name, o)
			}
			p := o.Prices
			for _, d := range append([]*decimal.Decimal{p.Input, p.CachedInput, p.CacheWrite, p.ImageInput, p.Output, p.Reasoning, p.ImageOutput}, o.CostPerImage) {
				if d != nil && !d.IsPositive() {
					t.Errorf("%s: %q has a price of %s", l.Source, o.Name, d)
				}
			}
			if i > 0 && l.Offers[i-1].Provider+"\x00"+l.Offers[i-1].Name >= o.Provider+"\x00"+o.Name {
				t.Errorf("%s: %q is not in its place, or there twice", l.Source, o.Name)
			}
		}
	}
}

// TestTheTestdataIsWhatItsReadmeSays holds the packed lists to the digests beside them.
func TestTheTestdataIsWhatItsReadmeSays(t *testing.T) {
	readme, err := os.ReadFile("testdata/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"litellm.json", "models.dev.json"} {
		text, err := unpack(file + ".gz")
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(text)
		if line := hex.EncodeToString(sum[:]) + "  " + file + "\n"; !strings.Contains(string(readme), line) {
			t.Errorf("README.md does not say %q", line)
		}
	}
}

// TestThePageHasTheCounts holds docs/registry.md to what the lists give.
func TestThePageHasTheCounts(t *testing.T) {
	page, err := os.ReadFile("../../docs/registry.md")
	if err != nil {
		t.Fatal(err)
	}
	a, b := whole(t, liteLLM), whole(t, modelsDev)
	lines := []string{"| | LiteLLM | models.dev |", "|---|---:|---:|",
		fmt.Sprintf("| entries read | %d | %d |", a.Read, b.Read),
		fmt.Sprintf("| taken | %d | %d |", a.Taken(), b.Taken()),
		fmt.Sprintf("| in offers | %d | %d |", len(a.Offers), len(b.Offers)),
		fmt.Sprintf("| refused | %d | %d |", len(a.Refused), len(b.Refused))}
	for _, r := range pricelist.Reasons() {
		if x, y := a.RefusedBy()[r], b.RefusedBy()[r]; x+y > 0 {
			lines = append(lines, fmt.Sprintf("| %s: %s | %d | %d |", r, r.Words(), x, y))
		}
	}
	if table := strings.Join(lines, "\n") + "\n"; !strings.Contains(string(page), table) {
		t.Errorf("docs/registry.md does not have the table\n%s", table)
	}
	for _, name := range slices.Sorted(maps.Keys(exceptions)) {
		if line := fmt.Sprintf("| %s | %s |\n", name, exceptions[name].why); !strings.Contains(string(page), line) {
			t.Errorf("docs/registry.md does not have the exception\n%s", line)
		}
	}
}
