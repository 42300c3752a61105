package ownstore_test

import (
	"os"
	"strings"
	"testing"
)

// TestTheGuideShowsCodeThatCompiles looks up every block of the guide in the files that it is from.
func TestTheGuideShowsCodeThatCompiles(t *testing.T) {
	page, err := os.ReadFile("../../docs/writing-a-store.md")
	if err != nil {
		t.Fatal(err)
	}
	var files strings.Builder
	for _, name := range []string{"ledger.go", "suite_test.go"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files.Write(b)
	}
	blocks := strings.Split(string(page), "```go\n")[1:]
	if len(blocks) != 2 {
		t.Errorf("the guide has %d blocks of Go, want the three duties and the test", len(blocks))
	}
	for i, block := range blocks {
		code, _, closed := strings.Cut(block, "```")
		if !closed || !strings.Contains(files.String(), code) {
			t.Errorf("block %d of the guide, which begins %.60q, is in no file", i, code)
		}
	}
}
