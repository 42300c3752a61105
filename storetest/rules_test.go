package storetest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestEveryRuleThatIsWrittenHasACase reads what the registry says when it refuses something, and looks for a rule of the
// suite that demands each of these texts.
func TestEveryRuleThatIsWrittenHasACase(t *testing.T) {
	texts := append(refusals(t, "../registry/validate.go"), refusals(t, "../registry/account.go")...)
	if len(texts) < 40 {
		t.Fatalf("%d texts were found: registry/validate.go or this test has changed its form", len(texts))
	}
	verb := regexp.MustCompile(`%(\\\.\d+)?[a-z]`)
	for _, text := range texts {
		like := regexp.MustCompile(": " + verb.ReplaceAllString(regexp.QuoteMeta(text), ".*") + "$")
		held := false
		for _, rule := range modelRules() {
			held = held || like.MatchString(rule.says)
		}
		for _, rule := range accountRules() {
			held = held || like.MatchString(rule.says)
		}
		switch text {
		case "want WIDTHxHEIGHT", // what ParseSize says to others than the rules
			"there are more than these %d": // which the case KeepsWhatAccountsStandOn demands
			continue
		}
		if !held {
			t.Errorf("no rule of the suite demands %q", text)
		}
	}
}

// refusals are the texts of the calls of bad and invalid.
func refusals(t *testing.T, file string) (out []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := ""
		switch fun := call.Fun.(type) {
		case *ast.Ident:
			name = fun.Name
		case *ast.SelectorExpr:
			name = fun.Sel.Name
		}
		at := map[string]int{"bad": 2, "invalid": 2}[name] // after kind and name
		if _, closure := call.Fun.(*ast.Ident); name == "bad" && closure {
			at = 0
		}
		if name != "bad" && name != "invalid" || len(call.Args) <= at {
			return true
		}
		if literal, ok := call.Args[at].(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, strings.TrimSpace(text))
		}
		return true
	})
	return out
}
