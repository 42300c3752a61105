package pricelist_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"github.com/scrip-go/scrip/registry/pricelist"
)

// TestReasonsAreAllThatAreDeclared: none is without words or left out of Reasons.
func TestReasonsAreAllThatAreDeclared(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var declared []pricelist.Reason
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "Reason" {
			text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			declared = append(declared, pricelist.Reason(text))
		}
		return true
	})
	if got := pricelist.Reasons(); !slices.Equal(got, declared) || len(got) != 19 {
		t.Errorf("Reasons are %q, declared %q", got, declared)
	}
	for _, r := range declared {
		if r.Words() == "" {
			t.Errorf("%q has no words", r)
		}
	}
	if w := pricelist.Reason("whim").Words(); w != "" {
		t.Errorf("a reason that there is not has the words %q", w)
	}
}
