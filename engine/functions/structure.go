package functions

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/scrip-go/scrip/engine"
)

// MaxPages is the most pages that a site is planned with in one call, and maxDepth how far below the front page they are.
const (
	MaxPages = 60
	maxDepth = 4
)

// StructureInput asks for the pages of a site to be planned.
type StructureInput struct {
	Name     string   `json:"name"`
	About    string   `json:"about"`              // what the site is for, in a few sentences
	Audience string   `json:"audience,omitempty"` // whom it speaks to
	Topics   []string `json:"topics,omitempty"`   // that it must cover, such as the names of clusters
	Max      int      `json:"max_pages"`          // 1 to MaxPages
}

// StructureOutput is the pages of a site; [StructureOutput.Tree] puts them in order.
type StructureOutput struct {
	Pages []Page `json:"pages"`
}

// Page is a planned page. Pages name the one above them by its number, because a strict schema has no trees.
type Page struct {
	N        int      `json:"n"`      // 1, 2, 3 …
	Parent   int      `json:"parent"` // number of the page above; 0 for the front page
	Title    string   `json:"title"`
	Slug     string   `json:"slug"` // lower-case letters, digits and hyphens; empty for the front page
	Type     string   `json:"type" jsonschema:"enum=home,enum=section,enum=article,enum=product,enum=service,enum=about,enum=contact,enum=legal"`
	Purpose  string   `json:"purpose"`
	Sections []string `json:"sections"` // headings
}

// Node is a page with those below it.
type Node struct {
	Page
	Path     string // "/guides/rye-bread"; "/" for the front page
	Children []*Node
}

var structureDefinition = engine.Definition[StructureInput, StructureOutput]{
	Name: GenerateSiteStructure, Operation: "site_structure_generation",
	Validate: func(in StructureInput) error {
		switch {
		case strings.TrimSpace(in.Name) == "":
			return errors.New("the site has no name")
		case strings.TrimSpace(in.About) == "":
			return errors.New("it is not said what the site is about")
		case in.Max < 1 || in.Max > MaxPages:
			return fmt.Errorf("%d pages: ask for 1 to %d", in.Max, MaxPages)
		}
		return nil
	},
	Text: &engine.Text[StructureInput, StructureOutput]{
		Messages:  ask[StructureInput](GenerateSiteStructure),
		MaxOutput: func(in StructureInput) int64 { return 400 + 160*int64(in.Max) },
		Check: func(in StructureInput, out StructureOutput) error {
			if n := len(out.Pages); n < 1 || n > in.Max {
				return fmt.Errorf("%d pages, want 1 to %d", n, in.Max)
			}
			_, err := out.Tree()
			return err
		},
	},
}

// slug is how a page is called in a path.
var slug = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Tree returns the front page with all others below it. Errors name the pages that have no place in a tree: whose number
// or parent is wrong, or whose path another one has.
func (out StructureOutput) Tree() (*Node, error) {
	var errs []error
	var root *Node
	paths := map[string]int{}
	nodes := make([]*Node, len(out.Pages))
	for i, p := range out.Pages {
		bad := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("page %d: %s", i+1, fmt.Sprintf(format, args...)))
		}
		n := &Node{Page: p}
		nodes[i] = n
		switch {
		case p.N != i+1:
			bad("its number is %d: number them from 1, each behind the one above it", p.N)
			continue
		case strings.TrimSpace(p.Title) == "":
			bad("it has no title")
		case p.Parent == 0 && root != nil:
			bad("it is a second front page")
		case p.Parent == 0 && p.Slug != "":
			bad("the front page has no slug")
		case p.Parent == 0:
			root, n.Path = n, "/"
		case p.Parent < 1 || p.Parent >= p.N || nodes[p.Parent-1].Path == "":
			bad("there is no page %d before it", p.Parent)
		case !slug.MatchString(p.Slug):
			bad("its slug is not lower-case letters, digits and single hyphens")
		default:
			above := nodes[p.Parent-1]
			n.Path = strings.TrimSuffix(above.Path, "/") + "/" + p.Slug
			above.Children = append(above.Children, n)
			if strings.Count(n.Path, "/") > maxDepth {
				bad("it is more than %d pages below the front page", maxDepth)
			}
			if other := paths[n.Path]; other != 0 {
				bad("its path is that of page %d", other)
			}
		}
		paths[n.Path] = p.N
	}
	if root == nil {
		errs = append(errs, errors.New("there is no front page: its parent is 0"))
	}
	if err := few(errs); err != nil {
		return nil, err
	}
	return root, nil
}
