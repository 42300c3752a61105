package registry_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/registry"
)

var catalogues = []string{registry.Seed, registry.Current}

func TestACatalogueThatThereIsNotListsThoseThatThereAre(t *testing.T) {
	for _, name := range []string{"", "newest", "../catalogue/current", "current.json"} {
		c, err := registry.Catalogue(name)
		wantError(t, err, registry.ErrNotFound)
		wantText(t, err, strconv.Quote(name), "there are current, seed-2026-01")
		if !reflect.DeepEqual(c, registry.Configuration{}) {
			t.Errorf("Catalogue(%q) = %+v beside an error", name, c)
		}
	}
}

// TestTheFilesSayNothingThatIsNotRead: a field that is misspelt would be a price that nobody charges.
func TestTheFilesSayNothingThatIsNotRead(t *testing.T) {
	for _, name := range catalogues {
		b, err := os.ReadFile("catalogue/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		var strict registry.Configuration
		if err := d.Decode(&strict); err != nil {
			t.Errorf("catalogue %q: %v", name, err)
		}
		c, err := registry.Catalogue(name)
		if err != nil || !reflect.DeepEqual(c, strict) {
			t.Errorf("Catalogue(%q) is not what its file says (%v)", name, err)
		}
		out, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var again registry.Configuration
		if err := json.Unmarshal(out, &again); err != nil {
			t.Fatal(err)
		}
		if twice, err := json.Marshal(again); err != nil || !bytes.Equal(out, twice) { // as texts: 10 and 10.00 are equal
			t.Errorf("catalogue %q is another one after a round trip through JSON (%v)", name, err)
		}
	}
}

func TestACatalogueIsTheCallersOwn(t *testing.T) {
	a := seed(t)
	a.Models[0].Name = "changed"
	if b := seed(t); b.Models[0].Name == "changed" {
		t.Error("writing to a catalogue changes the next one")
	}
}

// TestTheCataloguesHaveEveryOperationAndBothKinds: what the functions ask for.
func TestTheCataloguesHaveEveryOperationAndBothKinds(t *testing.T) {
	operations := registry.Operations()
	if len(operations) != 8 || !slices.IsSorted(operations) {
		t.Errorf("Operations = %v, want eight, sorted", operations)
	}
	for _, name := range catalogues {
		c, err := registry.Catalogue(name)
		if err != nil {
			t.Fatal(err)
		}
		var have []string
		for _, o := range c.Operations {
			have = append(have, o.Operation)
			if !o.Active {
				t.Errorf("catalogue %q: operation %q is switched off", name, o.Operation)
			}
		}
		if !slices.Equal(have, operations) {
			t.Errorf("catalogue %q has the operations %v, want %v", name, have, operations)
		}
		the(&c, registry.Text)
		the(&c, registry.Image)
		for _, m := range c.Models {
			if name == registry.Seed && m.Shutdown != nil {
				t.Errorf("catalogue %q: model %q has a shutdown date", name, m.Name)
			}
		}
	}
}

// TestNoModelIsNamedInCode: names, prices, sizes and tiers of models are data. It looks at the texts and numbers of the
// whole module.
func TestNoModelIsNamedInCode(t *testing.T) {
	w := catalogueWords(t)
	everyday := map[string]string{
		"providers/dalle/dalle.go": "quality", // a field of the request
		"observe/otel/otel.go":     "0.04",    // a number of seconds, as the convention has it
	}
	files := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); base == "testdata" || path != ".." && (strings.HasPrefix(base, ".") || strings.HasSuffix(base, "test")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		path = strings.TrimPrefix(filepath.ToSlash(path), "../")
		found, err := w.in(path, src)
		for _, f := range found {
			if f.word != everyday[path] {
				t.Errorf("%s names %q: it belongs in a catalogue", f.at, f.word)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Errorf("%d files were read: the walk does not reach the module", files)
	}
}

// words are what belongs in a catalogue.
type words struct {
	anywhere []string          // names and sizes, wherever they occur in a text
	alone    []string          // tiers, where the text is nothing else
	prices   []decimal.Decimal // where a number has a point and is nothing else; whole ones are everyday numbers
}

func catalogueWords(t *testing.T) (w words) {
	t.Helper()
	for _, name := range catalogues {
		c, err := registry.Catalogue(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range c.Models {
			w.anywhere = append(append(w.anywhere, m.Name, m.LandscapeSize, m.SquareSize), m.Sizes...)
			w.alone = append(w.alone, m.QualityTier)
			w.price(m.CostPerImage, m.Prices.Input, m.Prices.CachedInput, m.Prices.CacheWrite, m.Prices.ImageInput, m.Prices.CachedImageInput,
				m.Prices.Output, m.Prices.Reasoning, m.Prices.ImageOutput)
			for _, p := range m.ImagePrices {
				w.price(&p.USD)
			}
		}
	}
	none := func(s string) bool { return s == "" }
	slices.Sort(w.anywhere)
	slices.Sort(w.alone)
	w.anywhere, w.alone = slices.DeleteFunc(slices.Compact(w.anywhere), none), slices.DeleteFunc(slices.Compact(w.alone), none)
	if len(w.anywhere) < 10 || len(w.alone) < 3 || len(w.prices) < 10 {
		t.Errorf("the catalogues have the words %q, %q and %v: too few to look for", w.anywhere, w.alone, w.prices)
	}
	return w
}

func (w *words) price(prices ...*decimal.Decimal) {
	for _, p := range prices {
		if p != nil && !p.IsInteger() {
			w.prices = append(w.prices, *p)
		}
	}
}

// isPrice: 0.04 and 0.040 are one price, in whatever words.
func (w words) isPrice(text string) bool {
	d, err := decimal.NewFromString(strings.ReplaceAll(text, "_", ""))
	return err == nil && slices.ContainsFunc(w.prices, d.Equal)
}

type finding struct {
	at   token.Position
	word string
}

// in returns the words that occur in the texts of a file; a struct tag is none.
func (w words) in(path string, src []byte) (found []finding, err error) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			n.Tag = nil
		case *ast.BasicLit:
			if n.Kind == token.FLOAT && w.isPrice(n.Value) {
				found = append(found, finding{set.Position(n.Pos()), n.Value})
			}
			text, err := strconv.Unquote(n.Value)
			if n.Kind != token.STRING || err != nil {
				break
			}
			if w.isPrice(text) {
				found = append(found, finding{set.Position(n.Pos()), text})
			}
			for _, word := range w.anywhere {
				if strings.Contains(text, word) {
					found = append(found, finding{set.Position(n.Pos()), word})
				}
			}
			if slices.Contains(w.alone, text) {
				found = append(found, finding{set.Position(n.Pos()), text})
			}
		}
		return true
	})
	return found, nil
}

func TestTheCheckFindsWhatItIsFor(t *testing.T) {
	found, err := catalogueWords(t).in("x.go", []byte(`package x

// gpt-5.1 in a comment is no text of the program.
type T struct {
	Premium string `+"`json:\"premium\"`"+`
}

var a, b, c, d = "use gpt-5.1!", "premium", "a premium seat", `+"`1024x1024`"+`

var e, f, g, h = "0.04", 0.040, "at 0.04", 40
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range found {
		got = append(got, f.word)
	}
	if want := []string{"gpt-5.1", "premium", "1024x1024", "0.04", "0.040"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
