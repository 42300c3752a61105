package functionstest

import (
	"slices"
	"strings"

	"github.com/scrip-go/scrip/engine/functions"
)

// The size of a cluster, where the keywords allow it.
const (
	fewest = 3
	most   = 10
)

// group is a cluster in the making.
type group struct {
	members []int    // indexes of keywords, ascending
	stems   []string // that the members were brought together by; none for a group of one kind of question
	kind    string
	field   *field
}

// cluster groups keywords by the words they share, then by the kind of question they ask, and puts what is left over
// where it fits best.
func cluster(in functions.ClusterInput, _ int) functions.ClusterOutput {
	g := newGrouping(in.Keywords)
	g.byWord(fewest)
	g.byLikeness(func(q query) (string, *field) { return q.kind.key, q.field })
	g.byLikeness(func(q query) (string, *field) { return inField, q.field })
	g.byWord(2)
	g.leftovers()
	g.fewer()
	slices.SortStableFunc(g.groups, func(a, b group) int { return a.members[0] - b.members[0] })
	out := functions.ClusterOutput{Clusters: []functions.ClusterGroup{}}
	names := g.names()
	for i, c := range g.groups {
		numbers := []int{}
		for _, m := range c.members {
			numbers = append(numbers, in.Keywords[m].N)
		}
		out.Clusters = append(out.Clusters, functions.ClusterGroup{Name: names[i], Description: g.describe(c, names[i]), Keywords: numbers})
	}
	return out
}

type grouping struct {
	queries []query
	stems   [][]string
	free    []bool
	groups  []group
}

func newGrouping(keywords []functions.Query) *grouping {
	g := &grouping{}
	for _, k := range keywords {
		g.queries = append(g.queries, understand(k.Text))
		g.stems = append(g.stems, significant(k.Text))
		g.free = append(g.free, true)
	}
	return g
}

// byWord takes the word that most of the free keywords share, as long as enough of them share one.
func (g *grouping) byWord(enough int) {
	for {
		var order []string // by first appearance, so that a tie has an answer
		holders := map[string][]int{}
		for i, stems := range g.stems {
			if !g.free[i] {
				continue
			}
			for _, s := range stems {
				if holders[s] == nil {
					order = append(order, s)
				}
				holders[s] = append(holders[s], i)
			}
		}
		best := ""
		for _, s := range order {
			if len(holders[s]) > len(holders[best]) {
				best = s
			}
		}
		if len(holders[best]) < enough {
			return
		}
		g.take(holders[best], []string{best}, "")
	}
}

// The kinds of group beside those of a query.
const (
	inField = "field" // its members have a field in common
	mixed   = "mixed" // its members have nothing in common
)

// byLikeness takes the free keywords that are alike in kind and field.
func (g *grouping) byLikeness(of func(query) (kind string, f *field)) {
	type like struct {
		kind  string
		field *field
	}
	var order []like
	holders := map[like][]int{}
	for i, q := range g.queries {
		kind, f := of(q)
		if !g.free[i] || f == elsewhere && (kind == inField || kind == "topic") {
			continue
		}
		l := like{kind, f}
		if holders[l] == nil {
			order = append(order, l)
		}
		holders[l] = append(holders[l], i)
	}
	for _, l := range order {
		if len(holders[l]) >= fewest {
			g.take(holders[l], nil, l.kind)
		}
	}
}

// take makes groups of nearly equal size out of keywords that belong together.
func (g *grouping) take(members []int, stems []string, kind string) {
	parts := (len(members) + most - 1) / most
	for part := range parts {
		chunk := members[part*len(members)/parts : (part+1)*len(members)/parts]
		var texts []string
		for _, m := range chunk {
			g.free[m] = false
			texts = append(texts, g.queries[m].text)
		}
		f := g.queries[chunk[0]].field
		if kind == "" {
			f = fieldOf(texts...)
		}
		g.groups = append(g.groups, group{members: slices.Clone(chunk), stems: stems, kind: kind, field: f})
	}
}

// leftovers joins the keywords that are still free to the nearest cluster with room; those that have none make groups of
// their own, as few as possible.
func (g *grouping) leftovers() {
	var rest []int
	for i := range g.queries {
		if !g.free[i] {
			continue
		}
		if to := g.nearest(i, -1, 4); to >= 0 {
			g.join(i, to)
		} else {
			rest = append(rest, i)
		}
	}
	if len(rest) > 0 {
		g.take(rest, nil, mixed)
	}
}

// fewer dissolves groups that are too small: each keyword that has anything in common with a group with room joins it.
func (g *grouping) fewer() {
	for i := 0; i < len(g.groups); i++ {
		if len(g.groups[i].members) >= fewest {
			continue
		}
		var stay []int
		for _, m := range g.groups[i].members {
			if to := g.nearest(m, i, 1); to >= 0 {
				g.join(m, to)
			} else {
				stay = append(stay, m)
			}
		}
		if g.groups[i].members = stay; len(stay) == 0 {
			g.groups = slices.Delete(g.groups, i, i+1)
			i--
		}
	}
}

func (g *grouping) join(keyword, to int) {
	c := &g.groups[to]
	c.members = append(c.members, keyword)
	slices.Sort(c.members)
	g.free[keyword] = false
}

// nearest returns the group with room that a keyword is closest to, if it is at least so close; -1 if there is none.
func (g *grouping) nearest(keyword, except, least int) int {
	best, closest := -1, 100*least-1
	for j, c := range g.groups {
		if n := g.closeness(keyword, c); j != except && len(c.members) < most && n > closest {
			best, closest = j, n
		}
	}
	return best
}

// closeness says how well a keyword fits a group, in hundredths for each member; 0 is not at all.
func (g *grouping) closeness(i int, c group) (n int) {
	q := g.queries[i]
	for _, m := range c.members {
		other := g.queries[m]
		n += 10 * shared(g.stems[i], g.stems[m])
		if q.kind == other.kind && q.kind.group != "topic" {
			n += 2
		}
		if q.field == other.field && q.field != elsewhere {
			n += 3
		}
		for _, w := range tokens(q.text) {
			if weakWords[w] && slices.Contains(tokens(other.text), w) {
				n++
			}
		}
	}
	return n * 100 / len(c.members)
}

// names gives each group a name of its own, of two to five words.
func (g *grouping) names() []string {
	taken := map[string]bool{}
	var out []string
	for _, c := range g.groups {
		name := ""
		for _, candidate := range g.candidates(c) {
			if key := strings.ToLower(candidate); !taken[key] {
				taken[key] = true
				name = candidate
				break
			}
		}
		out = append(out, name)
	}
	return out
}
