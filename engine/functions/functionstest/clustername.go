package functionstest

import (
	"fmt"
	"slices"
	"strings"
)

// headings for groups that have no word in common, by kind of question.
var kindNames = map[string][]string{
	"casting":    {"Roles and Performers", "Who Played Whom", "Cast Lists and Credits", "Faces on the Screen", "Memorable Casting", "Actors and Their Parts", "Behind the Characters", "Casting Questions"},
	"song":       {"Songs and Singers", "Voices Behind the Songs", "Originals and Covers", "Who Sang It", "Famous Recordings", "Names Behind the Hits", "Song Credits"},
	"credit":     {"Writers and Makers", "Names Behind the Work", "Authors and Inventors", "Who Made What"},
	"schedule":   {"Dates and Schedules", "Release Dates", "When It Happens", "Seasons and Premieres", "Calendars and Start Dates", "Past and Coming Dates"},
	"place":      {"Places and Locations", "Where It Is", "Where to Find It", "Settings and Surroundings", "Locations Explained"},
	"count":      {"Facts and Figures", "Numbers and Counts", "How Many, How Much", "Sizes and Totals"},
	"definition": {"Terms and Definitions", "What Things Are Called", "Key Terms Explained", "Names and Meanings"},
	"question":   {"Questions and Answers", "Worth Knowing", "Readers' Questions", "Curious Facts"},
	"howto":      {"How-To Guides", "Step by Step", "Practical Skills", "Hands-On Help"},
	"best":       {"Best Picks", "Buying Advice", "How to Choose", "Top Choices"},
	"versus":     {"Head to Head", "Comparisons and Choices", "Which to Choose"},
	"topic":      {"Introductions and Overviews", "Background Reading", "The Essentials", "First Steps"},
	mixed:        {"General Interest", "More Questions Answered", "Everyday Topics", "Short Reads", "Quick Explainers", "Mixed Questions", "Odds and Ends", "A Bit of Everything", "Further Topics", "More to Explore", "Various Subjects", "Reader Requests"},
}

// Endings for a single word, by field, so that a heading has two words.
var fieldEndings = map[string][]string{
	"screen":  {"on Screen", "Cast and Episodes", "Behind the Scenes", "Viewers' Guide"},
	"music":   {"in Song", "Songs and Credits", "on Record"},
	"sport":   {"Season by Season", "Records and Fixtures"},
	"science": {"Explained", "Basics", "Key Facts", "Study Notes"},
	"home":    {"Care", "at Home", "Basics"},
	"food":    {"at Home", "Basics", "Guide"},
	"tech":    {"Software", "Tools", "Explained"},
	"general": {"Explained", "Basics", "Guide", "Questions"},
}

// candidates are the names that a group could have, the best first; the last of them is always free.
func (g *grouping) candidates(c group) []string {
	var texts []string
	for _, m := range c.members {
		texts = append(texts, g.queries[m].text)
	}
	// A site has many groups of a kind: which heading comes first is left to what is in them.
	rng := seeded(texts...)
	var out []string
	if c.stems != nil {
		if name := g.sharedName(c); name != "" {
			words := len(strings.Fields(name))
			if words > 1 {
				out = append(out, name)
			}
			if words < 4 {
				endings := slices.Clone(fieldEndings[c.field.key])
				rng.Shuffle(len(endings), func(i, j int) { endings[i], endings[j] = endings[j], endings[i] })
				for _, e := range append(endings, fieldEndings["general"]...) {
					out = append(out, beside(name, e))
				}
				out = append(out, "More About "+name)
			}
		}
	}
	kind := c.kind
	if kind == "" {
		kind = mixed
	}
	general := slices.Clone(kindNames[kind])
	if kind == inField {
		label := c.field.label
		general = []string{"More on " + label, "Around " + label, label + " Questions", "Further " + label, label + " in Brief"}
		kind = mixed
	}
	if c.field != elsewhere && kind != mixed {
		for i, n := range general {
			if words := len(strings.Fields(n)) + 1 + len(strings.Fields(c.field.label)); !slices.Contains([]string{"casting", "song"}, kind) && words <= 5 && i%2 == 0 {
				general = append(general, c.field.label+": "+n)
			}
		}
	}
	rng.Shuffle(len(general), func(i, j int) { general[i], general[j] = general[j], general[i] })
	out = append(out, general...)
	for n := 2; n <= len(g.groups)+1; n++ {
		out = append(out, fmt.Sprintf("%s, Part %d", kindNames[kind][0], n))
	}
	return out
}

// beside puts an ending behind a name. Before a noun a plural becomes a singular: "Tomato Care", but "Tomatoes at Home".
func beside(name, ending string) string {
	if first := strings.Fields(ending)[0]; first == "Care" || first == "Basics" || first == "Guide" {
		words := strings.Fields(name)
		last := strings.ToLower(words[len(words)-1])
		if st := stem(last); st != last && strings.HasPrefix(last, st[:len(st)-1]) {
			words[len(words)-1] = titled(st)
			name = strings.Join(words, " ")
		}
	}
	return name + " " + ending
}

// sharedName puts the word that a group shares and the words that most of its members have beside it in the order in
// which a member has them.
func (g *grouping) sharedName(c group) string {
	times := map[string]int{}
	for _, m := range c.members {
		for _, s := range g.stems[m] {
			times[s]++
		}
	}
	counts := func(s string) bool { return s == c.stems[0] || times[s] >= 2 && times[s]*2 >= len(c.members) }
	best, most := "", 0
	for _, m := range c.members {
		var row []string
		adjacent := true
		seen := map[string]bool{}
		for _, w := range tokens(g.queries[m].text) {
			s := stem(w)
			switch {
			case counts(s) && !seen[s] && adjacent:
				row = append(row, w)
				seen[s] = true
			case len(row) > 0:
				adjacent = false // a name is a row of neighbours
			}
		}
		if !seen[c.stems[0]] || len(row) > 3 {
			continue
		}
		if len(row) > most {
			best, most = strings.Join(row, " "), len(row)
		}
	}
	if best == "" {
		for _, m := range c.members {
			for _, w := range tokens(g.queries[m].text) {
				if best == "" && stem(w) == c.stems[0] {
					best = w
				}
			}
		}
	}
	return clip(titled(strings.TrimSuffix(best, "'s")), maxName)
}

// describe says in a sentence or two what the readers of a group want to know.
func (g *grouping) describe(c group, name string) string {
	rng := seeded("describe", name, g.queries[c.members[0]].text)
	pick := func(options ...string) string { return options[rng.IntN(len(options))] }
	kind := c.kind
	if kind == "" {
		kind = g.queries[c.members[0]].kind.key
		for _, m := range c.members {
			if g.queries[m].kind.key != kind {
				kind = mixed
			}
		}
	}
	about := pick("Searches gathered under ", "Questions that belong together under ", "A group of searches that share a subject, ") + "“" + name + "”."
	if c.stems == nil {
		about = pick("A group of searches of the same kind.", "Searches that ask the same sort of thing.", "Related searches with one purpose.")
		if kind == inField {
			about = "Searches that have " + c.field.noun + " in common."
		}
		if kind == mixed {
			about = pick("Single questions that stand by themselves.", "A mixed group of searches on separate subjects.")
		}
	}
	if k := kinds[kind]; k != nil {
		return about + " " + pick("Readers want "+k.answer+" and a source for it.", "Their readers are after "+k.answer+" that can be checked.",
			"They come for "+k.answer+", quickly and without detours.")
	}
	return about + " " + pick("Readers want the background in plain words.", "Their readers want clear answers and places to check them.", "They come with different questions and one interest.")
}
