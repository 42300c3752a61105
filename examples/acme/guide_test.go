package acme_test

import (
	"os"
	"strings"
	"testing"
)

// TestTheGuideShowsCodeThatCompiles looks up every block of the guide in the files that it is from.
func TestTheGuideShowsCodeThatCompiles(t *testing.T) {
	page, err := os.ReadFile("../../docs/writing-a-provider.md")
	if err != nil {
		t.Fatal(err)
	}
	var files strings.Builder
	for _, name := range []string{"acme.go", "acme_test.go", "example_test.go", "../ownprovider/mistral.go", "../../providers/provider.go"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files.Write(b)
	}
	blocks := strings.Split(string(page), "```go\n")[1:]
	if len(blocks) != 5 {
		t.Errorf("the guide has %d blocks of Go, want a constructor, the interfaces, the adapter, its test and its use", len(blocks))
	}
	for i, block := range blocks {
		code, _, closed := strings.Cut(block, "```")
		if !closed || !strings.Contains(files.String(), code) {
			t.Errorf("block %d of the guide, which begins %.60q, is in no file", i, code)
		}
	}
}
