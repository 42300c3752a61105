package scrip_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// calls are the types of package providers with which a provider is called. What a host gets of the packages above it must
// have none of them, or there is a way around the gate.
var calls = map[string]bool{"Provider": true, "Binding": true, "TextGenerator": true, "ImageGenerator": true, "Reconciler": true,
	"TextRequest": true, "TextResult": true, "ImageRequest": true, "ImageResult": true, "ReconcileRequest": true, "Reconciled": true}

// waysAround returns the exported declarations of a file that have one of the types in them, by the name.
func waysAround(f *ast.File) (found []string) {
	look := func(name string, declared ast.Node) {
		ast.Inspect(declared, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Field:
				if len(n.Names) > 0 && !ast.IsExported(n.Names[0].Name) {
					_, isField := declared.(*ast.StructType)
					return !isField // a parameter's name is no way to keep its type to oneself
				}
			case *ast.SelectorExpr:
				if pkg, ok := n.X.(*ast.Ident); ok && pkg.Name == "providers" && calls[n.Sel.Name] {
					found = append(found, name+" has providers."+n.Sel.Name)
				}
			}
			return true
		})
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() {
				look(d.Name.Name, d.Type)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() {
						look(s.Name.Name, s.Type)
					}
				case *ast.ValueSpec:
					if s.Names[0].IsExported() {
						look(s.Names[0].Name, s)
					}
				}
			}
		}
	}
	return found
}

// TestThereIsNoWayAroundTheGate holds the engine, its functions and the automation to that they show nobody a provider. The
// one field is the host's own list, which goes in.
func TestThereIsNoWayAroundTheGate(t *testing.T) {
	files := 0
	for _, dir := range []string{"engine", "automation"} {
		err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "functionstest": // which plays the upstream
				return filepath.SkipDir
			case !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
				return nil
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			files++
			for _, way := range waysAround(f) {
				if file != filepath.Join("engine", "engine.go") || way != "Config has providers.Provider" {
					t.Errorf("%s: %s", file, way)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 40 {
		t.Errorf("%d files were read: the walk does not reach the packages", files)
	}
}

// TestWaysAroundAreFound shows that the test above would catch what it is for.
func TestWaysAroundAreFound(t *testing.T) {
	for source, ways := range map[string]int{
		`func Bind(p string) providers.Binding { return providers.Binding{} }`:                     1,
		`func (e *Engine) Ask(r providers.TextRequest) (providers.TextResult, error) { panic(0) }`: 2,
		`type Hook func(call providers.TextGenerator)`:                                             1,
		`type Config struct { Providers []providers.Provider }`:                                    1,
		`var Default = providers.Binding{}`:                                                        1,
		`func bind() (b providers.Binding) { return }`:                                             0,
		`type Engine struct { bound map[string]providers.Binding }`:                                0,
		`func Ask(m []providers.Message) { var b providers.Binding; _ = b }`:                       0,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if found := waysAround(f); len(found) != ways {
			t.Errorf("%s: found %q, want %d", source, found, ways)
		}
	}
}
