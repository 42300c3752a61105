package scrip_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheLedgerPageNamesTestsThatThereAre holds docs/ledger.md to the tests that it calls proofs.
func TestTheLedgerPageNamesTestsThatThereAre(t *testing.T) {
	page, err := os.ReadFile("docs/ledger.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(|^\t\{"(\w+)", "`) // a test, or a case of storetest
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			known[m[1]+m[2]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, m := range regexp.MustCompile("`([A-Z]\\w+)`").FindAllStringSubmatch(string(page), -1) {
		if len(m[1]) < 10 { // a field, not a sentence
			continue
		}
		named++
		if !known[m[1]] {
			t.Errorf("docs/ledger.md names %s, and there is no such test", m[1])
		}
	}
	if named < 50 {
		t.Errorf("docs/ledger.md names %d tests: the page or this test has changed its form", named)
	}
}
