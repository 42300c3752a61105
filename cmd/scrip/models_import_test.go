package main

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/registry/pricelist"
)

// list unpacks one of the public price lists into a directory and returns its path.
func list(t *testing.T, dir, name string) string {
	t.Helper()
	packed, err := os.Open(filepath.Join(lists, name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	path := filepath.Join(dir, name)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// lists is found before a test goes elsewhere.
var lists = func() string {
	path, err := filepath.Abs("../../registry/pricelist/testdata")
	if err != nil {
		panic(err)
	}
	return path
}()

// A few entries, as the lists have them; the page has a whole list.
const (
	fewOfLiteLLM = `{
		"gpt-5.4-mini": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 7.5e-07, "cache_read_input_token_cost": 7.5e-08, "output_cost_per_token": 4.5e-06},
		"gpt-4o-mini": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07, "max_output_tokens": 16384},
		"long": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06, "input_cost_per_token_above_200k_tokens": 2e-06, "output_cost_per_token": 1e-06}}`
	fewOfModelsDev = `{"openai": {"id": "openai", "name": "OpenAI", "models": {
		"gpt-5.4-mini": {"id": "gpt-5.4-mini", "name": "GPT-5.4 mini", "modalities": {"input": ["text"], "output": ["text"]}, "cost": {"input": 0.75, "output": 4.5, "cache_read": 0.075}},
		"free": {"id": "free", "name": "Free", "modalities": {"input": ["text"], "output": ["text"]}, "cost": {"input": 0, "output": 0}}}}}`
)

func TestImport(t *testing.T) {
	onEach(t, func(t *testing.T, s *shop) {
		s.must("models", "apply", "--catalogue", "current", "--why", "the first prices", "--yes")
		s.must("models", "set", "gpt-5.4-mini", "prices.input=9", "prices.cached_input=", "--why", "a slip", "--yes")

		// Nothing is written without somebody who agrees, and everything is told.
		s.stdin = fewOfLiteLLM
		r := s.refused(failed, "nothing was written", "models", "import", "litellm", "-", "--add", "gpt-4o-mini", "--why", "today's")
		for _, want := range []string{"3 entries read, 2 can be priced exactly, 1 are refused:", "by_length", "New or changed: gpt-4o-mini, gpt-5.4-mini",
			`model "gpt-5.4-mini": prices.input: 9 → 0.75`, `model "gpt-5.4-mini": prices.cached_input: not set → 0.075`, `model "gpt-4o-mini": added: {`} {
			if !strings.Contains(r.out, want) {
				t.Errorf("%q is not told:\n%s", want, r.out)
			}
		}
		if s.latest() != 2 {
			t.Errorf("version %d was written", s.latest())
		}

		s.stdin = fewOfModelsDev
		got := decoded[changed](s, "models", "import", "models.dev", "-", "--why", "today's", "--yes")
		if !got.Written || got.Version.Number != 3 || got.Import.Source == "" || got.Import.Read != 2 || got.Import.RefusedBy[pricelist.ZeroPrice] != 1 ||
			len(got.Import.Taken) != 1 || got.Import.Taken[0] != "gpt-5.4-mini" {
			t.Errorf("import = %+v, of %+v", got, got.Import)
		}
		if out := s.must("models", "show", "gpt-5.4-mini"); !strings.Contains(out, "prices.input                         0.75\n") {
			t.Errorf("after the import it is\n%s", out)
		}
		if out := s.must("models", "import", "models.dev", "-", "--why", "again"); !strings.Contains(out, "As the list has them: gpt-5.4-mini") || !strings.Contains(out, "Nothing would change") {
			t.Errorf("the same list again says\n%s", out)
		}
	})
}

func TestImportOfWhatIsNoList(t *testing.T) {
	s := newShop(t)
	s.migrate()
	s.must("models", "apply", "--catalogue", "current", "--why", "the first prices", "--yes")
	s.stdin = "[]"
	s.refused(failed, "not a price list", "models", "import", "litellm", "-", "--why", "x", "--yes")
	s.refused(failed, "no such file", "models", "import", "litellm", "nowhere.json", "--why", "x", "--yes")
	s.refused(misused, "litellm", "models", "import", "openrouter", "-", "--why", "x", "--yes")
	s.stdin = `{"m": {"litellm_provider": "azure"}}`
	s.refused(failed, `provider "nobody"`, "models", "import", "litellm", "-", "--provider", "azure=nobody", "--why", "x", "--yes")
	if s.latest() != 1 {
		t.Errorf("version %d was written", s.latest())
	}
}
