package functions_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scrip-go/scrip/engine/functions"
)

func pages(list ...functions.Page) functions.StructureOutput {
	for i := range list {
		list[i].N, list[i].Title = i+1, "a page"
	}
	return functions.StructureOutput{Pages: list}
}

func TestPagesMakeATree(t *testing.T) {
	root, err := pages(functions.Page{}, functions.Page{Parent: 1, Slug: "guides"}, functions.Page{Parent: 2, Slug: "rye-bread"},
		functions.Page{Parent: 1, Slug: "about"}, functions.Page{Parent: 2, Slug: "about"}).Tree()
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	var walk func(*functions.Node)
	walk = func(n *functions.Node) {
		paths = append(paths, n.Path)
		for _, c := range n.Children {
			walk(c)
		}
	}
	walk(root)
	if d := cmp.Diff([]string{"/", "/guides", "/guides/rye-bread", "/guides/about", "/about"}, paths); d != "" {
		t.Errorf("paths (-want +got):\n%s", d)
	}
}

func TestPagesThatMakeNoTreeAreRefused(t *testing.T) {
	for _, c := range []struct {
		rule string
		out  functions.StructureOutput
		want string
	}{
		{"no pages", functions.StructureOutput{}, "there is no front page"},
		{"no front page", pages(functions.Page{Parent: 1, Slug: "a"}), "there is no front page"},
		{"two front pages", pages(functions.Page{}, functions.Page{}), "page 2: it is a second front page"},
		{"a front page with a slug", pages(functions.Page{Slug: "home"}), "page 1: the front page has no slug"},
		{"a parent that comes later", pages(functions.Page{}, functions.Page{Parent: 3, Slug: "a"}, functions.Page{Parent: 1, Slug: "b"}), "page 2: there is no page 3 before it"},
		{"a page above itself", pages(functions.Page{}, functions.Page{Parent: 2, Slug: "a"}), "page 2: there is no page 2 before it"},
		{"a slug with a slash", pages(functions.Page{}, functions.Page{Parent: 1, Slug: "a/b"}), "page 2: its slug"},
		{"no slug", pages(functions.Page{}, functions.Page{Parent: 1}), "page 2: its slug"},
		{"the same path", pages(functions.Page{}, functions.Page{Parent: 1, Slug: "a"}, functions.Page{Parent: 1, Slug: "a"}), "page 3: its path is that of page 2"},
		{"too deep", pages(functions.Page{}, functions.Page{Parent: 1, Slug: "a"}, functions.Page{Parent: 2, Slug: "b"}, functions.Page{Parent: 3, Slug: "c"},
			functions.Page{Parent: 4, Slug: "d"}, functions.Page{Parent: 5, Slug: "e"}), "page 6: it is more than 4 pages below"},
		{"no title", functions.StructureOutput{Pages: []functions.Page{{N: 1}}}, "page 1: it has no title"},
		{"wrong numbers", functions.StructureOutput{Pages: []functions.Page{{N: 2, Title: "t"}}}, "page 1: its number is 2"},
	} {
		if n, err := c.out.Tree(); err == nil || n != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v, want %q", c.rule, n, err, c.want)
		}
	}
}

func ExampleStructureOutput_Tree() {
	out := functions.StructureOutput{Pages: []functions.Page{
		{N: 1, Title: "Bread for Beginners", Type: "home"},
		{N: 2, Parent: 1, Title: "Guides", Slug: "guides", Type: "section"},
		{N: 3, Parent: 2, Title: "Rye Bread", Slug: "rye-bread", Type: "article"},
	}}
	home, err := out.Tree()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(home.Title, "→", home.Children[0].Children[0].Path)
	// Output:
	// Bread for Beginners → /guides/rye-bread
}
