package scrip_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestThePagesNameTestsThatThereAre holds the pages about what is promised to the tests that they call proofs.
func TestThePagesNameTestsThatThereAre(t *testing.T) {
	known := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(|^\t\{"(\w+)", "|^\t\t\{"(\w+)", ` + "`registry: ") // a test, a case of storetest, or one of its rules
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			if m[3] != "" {
				m[3] = "Refuses" + m[3]
			}
			known[m[1]+m[2]+m[3]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for file, least := range map[string]int{"docs/ledger.md": 50, "docs/registry.md": 80, "docs/automation.md": 30} {
		page, err := os.ReadFile(file)
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
				t.Errorf("%s names %s, and there is no such test", file, m[1])
			}
		}
		if named < least {
			t.Errorf("%s names %d tests: the page or this test has changed its form", file, named)
		}
	}
}

// TestTheDevelopmentPageNamesWhatThereIs holds docs/development.md to the files and targets that it names.
func TestTheDevelopmentPageNamesWhatThereIs(t *testing.T) {
	page, err := os.ReadFile("docs/development.md")
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	paths, targets := 0, 0
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(string(page), -1) {
		name := m[1]
		if target, ok := strings.CutPrefix(name, "make "); ok {
			targets++
			if !strings.Contains(string(makefile), "\n"+target+":") {
				t.Errorf("the page names %q, and there is no such target", name)
			}
		} else if strings.Contains(name, "/") || strings.HasSuffix(name, ".go") {
			paths++
			if _, err := os.Stat(name); err != nil && name != "guide_test.go" {
				t.Errorf("the page names %s: %v", name, err)
			}
		}
	}
	if paths < 30 || targets < 8 {
		t.Errorf("the page names %d files and %d targets: it or this test has changed its form", paths, targets)
	}
}
