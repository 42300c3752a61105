package functions

import (
	"errors"
	"fmt"
	"strings"

	"github.com/scrip-go/scrip/engine"
)

// MaxIdeas is the most articles that are planned in one call; the original system planned three to seven.
const MaxIdeas = 7

// IdeasInput asks for articles to be planned for a cluster.
type IdeasInput struct {
	Cluster     string  `json:"cluster"` // name
	Description string  `json:"description,omitempty"`
	Keywords    []Query `json:"keywords"` // at least one, numbered from 1
	Count       int     `json:"count"`    // how many articles: 1 to MaxIdeas, and at most one for each keyword
}

// IdeasOutput is exactly as many ideas as were asked for.
type IdeasOutput struct {
	Ideas []Idea `json:"ideas"`
}

// Idea is a planned article.
type Idea struct {
	Title       string    `json:"title"`
	Description string    `json:"description"`
	Type        string    `json:"content_type" jsonschema:"enum=post,enum=page"`
	Structure   string    `json:"content_structure" jsonschema:"enum=article,enum=guide,enum=comparison,enum=review,enum=listicle"`
	Primary     int       `json:"primary_keyword"`    // number of the keyword that it answers first
	Secondary   []int     `json:"secondary_keywords"` // numbers of others that it covers
	Outline     []Section `json:"outline"`
	WordCount   int64     `json:"word_count"`
}

// Section is a heading with the points to be made under it.
type Section struct {
	Heading string   `json:"heading"`
	Points  []string `json:"points"`
}

var ideasDefinition = engine.Definition[IdeasInput, IdeasOutput]{
	Name: GenerateIdeas, Operation: "idea_generation",
	Validate: func(in IdeasInput) error {
		switch {
		case strings.TrimSpace(in.Cluster) == "":
			return errors.New("the cluster has no name")
		case len(in.Keywords) == 0:
			return errors.New("the cluster has no keywords")
		case in.Count < 1 || in.Count > MaxIdeas || in.Count > len(in.Keywords):
			return fmt.Errorf("%d articles for %d keywords: ask for 1 to %d, and at most one for each keyword", in.Count, len(in.Keywords), MaxIdeas)
		}
		return numbered(in.Keywords)
	},
	Text: &engine.Text[IdeasInput, IdeasOutput]{
		Messages:  ask[IdeasInput](GenerateIdeas),
		MaxOutput: func(in IdeasInput) int64 { return 500 + 900*int64(in.Count) },
		Check:     checkIdeas,
	},
}

func checkIdeas(in IdeasInput, out IdeasOutput) error {
	var errs []error
	if len(out.Ideas) != in.Count {
		errs = append(errs, fmt.Errorf("%d ideas, want exactly %d", len(out.Ideas), in.Count))
	}
	first := map[int]bool{}
	for i, idea := range out.Ideas {
		bad := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("idea %d: %s", i+1, fmt.Sprintf(format, args...)))
		}
		if strings.TrimSpace(idea.Title) == "" {
			bad("the title is empty")
		}
		if first[idea.Primary] {
			bad("keyword %d is the first query of another idea", idea.Primary)
		}
		first[idea.Primary] = true
		for _, n := range append([]int{idea.Primary}, idea.Secondary...) {
			if n < 1 || n > len(in.Keywords) {
				bad("there is no keyword %d", n)
			}
		}
		if len(idea.Outline) < 3 || len(idea.Outline) > 12 {
			bad("%d sections, want 6 to 10", len(idea.Outline))
		}
		for _, s := range idea.Outline {
			if strings.TrimSpace(s.Heading) == "" {
				bad("a section has no heading")
			}
		}
		if idea.WordCount < 100 || idea.WordCount > 5000 {
			bad("word_count is %d, want 600 to 1500", idea.WordCount)
		}
	}
	return few(errs)
}
