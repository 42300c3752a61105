package scrip_test

import (
	"os"
	"strings"
	"testing"
)

func TestTheReadmesProgramIsTheExample(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(readme)
	if n := strings.Count(text, "\n"); n >= 200 {
		t.Errorf("the README has %d lines, want fewer than 200", n)
	}
	_, rest, ok := strings.Cut(text, "```go\n")
	program, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("the README has no Go program")
	}
	example, err := os.ReadFile("examples/first/main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(example), "package main\n") // without its comment
	if program != "package main\n"+code {
		t.Error("the README's program and examples/first/main.go differ")
	}
}

func TestTheMapNamesEveryPackage(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range rules {
		if pkg == "." || strings.Contains(pkg, "internal") || strings.HasPrefix(pkg, "providers/") && pkg != "providers/providertest" || strings.HasSuffix(pkg, "functionstest") {
			continue
		}
		if !strings.Contains(string(doc), module+"/"+pkg+"]") {
			t.Errorf("doc.go does not name package %s", pkg)
		}
	}
}
