package functionstest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scrip-go/scrip/engine/functions"
)

// ideas plans as many articles as are asked for, each led by a query of its own.
func ideas(in functions.IdeasInput, tight int) functions.IdeasOutput {
	out := functions.IdeasOutput{Ideas: []functions.Idea{}}
	titles := map[string]bool{}
	first := leading(in)
	for i, n := range first {
		q := understand(in.Keywords[n-1].Text, in.Cluster, in.Description)
		w := newWriter(q, seeded("idea", in.Cluster, q.text), func(s string) string { return s })
		idea := functions.Idea{Title: w.title(titles), Description: w.line("idea", '-'), Type: "post", Structure: structure(q),
			Primary: n, Secondary: []int{}, WordCount: int64(700 + 50*w.rng.IntN(9))}
		idea.Outline = w.outline(8-min(tight, 2), max(1, 3-tight))
		for j, k := range covering(in, first) {
			if k == i {
				idea.Secondary = append(idea.Secondary, j+1)
			}
		}
		out.Ideas = append(out.Ideas, idea)
	}
	return out
}

// leading returns the numbers of the queries that lead an article: those that are searched for most, and among equals
// those that differ from the ones before them.
func leading(in functions.IdeasInput) []int {
	var order []int
	for _, k := range in.Keywords {
		order = append(order, k.N)
	}
	volume := func(n int) int64 {
		if v := in.Keywords[n-1].Volume; v != nil {
			return *v
		}
		return 0
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(min(1, max(-1, volume(b)-volume(a)))) })
	seen := map[string]bool{}
	var distinct, again []int
	for _, n := range order {
		if key := strings.Join(significant(in.Keywords[n-1].Text), " "); seen[key] {
			again = append(again, n)
		} else {
			seen[key] = true
			distinct = append(distinct, n)
		}
	}
	return append(distinct, again...)[:min(in.Count, len(order))]
}

// covering says for each query that leads nothing which article covers it, by its index; -1 for the others. The most
// words shared decide, and then the fewest queries covered.
func covering(in functions.IdeasInput, first []int) []int {
	out := make([]int, len(in.Keywords))
	load := make([]int, len(first))
	for j, k := range in.Keywords {
		out[j] = -1
		if slices.Contains(first, k.N) {
			continue
		}
		best, most := 0, -1
		mine := significant(k.Text)
		for i, n := range first {
			score := 100*shared(mine, significant(in.Keywords[n-1].Text)) - load[i]
			if i == 0 || score > most {
				best, most = i, score
			}
		}
		out[j] = best
		load[best]++
	}
	return out
}

func shared(a, b []string) (n int) {
	for _, w := range a {
		if slices.Contains(b, w) {
			n++
		}
	}
	return n
}

// structure is the form that suits a query.
func structure(q query) string {
	switch q.kind.key {
	case "howto":
		return "guide"
	case "best":
		return "listicle"
	case "versus":
		return "comparison"
	}
	return "article"
}

// additions stand behind a query in a title.
var additions = map[string][]string{
	"casting":    {"How to Check the Cast", "Finding the Right Name", "A Guide to the Credits", "Reading the Credits"},
	"song":       {"Finding the Original", "Reading the Credits", "The Voice Behind It", "Originals and Covers"},
	"credit":     {"Finding the Right Name", "How the Credit Is Recorded", "Following the Record"},
	"schedule":   {"Where to Check the Date", "Keeping Track of the Date", "Dates and How to Check Them"},
	"place":      {"How to Find Out", "Where to Look", "A Short Guide"},
	"count":      {"Finding a Reliable Figure", "How It Is Counted", "Checking the Number"},
	"definition": {"The Term Explained", "A Short Explanation", "What to Know"},
	"question":   {"What to Know", "How to Find Out", "A Closer Look", "Where to Look"},
	"howto":      {"A Plain Guide", "Step by Step", "What to Know First"},
	"best":       {"How to Choose", "What to Look For", "Finding the Right One"},
	"versus":     {"How to Choose", "What Sets Them Apart", "A Fair Comparison"},
	"topic":      {"A Short Guide", "What to Know", "An Introduction", "The Essentials", "Where to Begin"},
}

// title returns a title that was not taken, and takes it.
func (w *writer) title(taken map[string]bool) string {
	title := w.q.title()
	if title == "" {
		title = "🙂" // nothing of the query can be shown
	}
	free := func(t string) bool {
		key := strings.ToLower(t)
		if taken[key] {
			return false
		}
		taken[key] = true
		return true
	}
	join := ": "
	if w.q.question && strings.HasSuffix(title, "?") {
		join = " "
	}
	if strings.HasSuffix(title, "…") {
		join = " – "
	}
	options := slices.Clone(additions[w.q.kind.key])
	w.rng.Shuffle(len(options), func(i, j int) { options[i], options[j] = options[j], options[i] })
	// A question stands well alone; a bare phrase does not.
	if long := len(title) > 60; long || w.q.question && w.rng.IntN(3) == 0 {
		options = slices.Insert(options, 0, "")
	}
	for _, o := range options {
		t := title + join + o
		if o == "" {
			t = title
		}
		if free(t) {
			return t
		}
	}
	for n := 2; ; n++ {
		if t := fmt.Sprintf("%s%sPart %d", title, join, n); free(t) {
			return t
		}
	}
}

// outlines are the prepared sections of an article, by kind of query.
var outlines = func() map[string][]functions.Section {
	m := map[string][]functions.Section{}
	for _, s := range readProse() {
		if s.file != "outlines" {
			continue
		}
		var sections []functions.Section
		for _, line := range s.lines {
			if line[0] == '>' {
				sections = append(sections, functions.Section{Heading: line[2:]})
			} else {
				last := &sections[len(sections)-1]
				last.Points = append(last.Points, line[2:])
			}
		}
		m[s.theme] = sections
	}
	return m
}()

// outline returns six sections or more, at most so many, in their order: the first always, others left out by chance.
func (w *writer) outline(most, points int) []functions.Section {
	all := outlines[w.q.kind.key]
	n := min(6+w.rng.IntN(3), most)
	left := w.rng.Perm(len(all) - 1)[:len(all)-n]
	var out []functions.Section
	for i, s := range all {
		if i > 0 && slices.Contains(left, i-1) {
			continue
		}
		keep := min(points, len(s.Points), 2+w.rng.IntN(2))
		out = append(out, functions.Section{Heading: upperFirst(w.fill(w.choose(s.Heading))), Points: slices.Clone(s.Points[:keep])})
	}
	return out
}
