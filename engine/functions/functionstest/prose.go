package functionstest

import (
	"embed"
	"math/rand/v2"
	"slices"
	"strings"
)

// The prepared sentences. A heading "# theme tag tag" begins the sentences of a theme, for queries that have one of the
// tags if there are any. "> " marks a sentence that can open a paragraph, "- " one for its middle, "< " one that can close
// it. [a|b] is a choice, and {slot} is filled from the query.
//
//go:embed prose/*.txt
var proseFiles embed.FS

type sentence struct {
	id   int
	text string
	tags []string
}

// pool is the sentences of a theme, by their mark.
type pool map[byte][]sentence

var themes = func() map[string]pool {
	m := map[string]pool{}
	n := 0
	for _, s := range readProse() {
		if s.file == "outlines" {
			continue
		}
		if m[s.theme] == nil {
			m[s.theme] = pool{}
		}
		for _, line := range s.lines {
			n++
			m[s.theme][line[0]] = append(m[s.theme][line[0]], sentence{n, line[2:], s.tags})
		}
	}
	return m
}()

type proseSection struct {
	file, theme string
	tags, lines []string
}

// readProse reads every file; a line that is neither a heading nor marked is a defect that the tests find.
func readProse() (out []proseSection) {
	files, err := proseFiles.ReadDir("prose")
	if err != nil {
		panic(err) // the files are embedded
	}
	for _, f := range files {
		b, err := proseFiles.ReadFile("prose/" + f.Name())
		if err != nil {
			panic(err)
		}
		for _, line := range strings.Split(string(b), "\n") {
			switch heading, ok := strings.CutPrefix(line, "# "); {
			case ok:
				words := strings.Fields(heading)
				out = append(out, proseSection{strings.TrimSuffix(f.Name(), ".txt"), words[0], words[1:], nil})
			case line != "":
				last := &out[len(out)-1]
				last.lines = append(last.lines, line)
			}
		}
	}
	return out
}

// writer writes about one query. It uses no sentence twice. It belongs to one goroutine.
type writer struct {
	q       query
	rng     *rand.Rand
	used    map[int]bool
	escape  func(string) string // of what comes from the input
	sources []string            // the field's, in an order of this writer's own
	said    map[string]int      // how often a slot was filled
}

func newWriter(q query, rng *rand.Rand, escape func(string) string) *writer {
	w := &writer{q: q, rng: rng, used: map[int]bool{}, escape: escape, said: map[string]int{}}
	for _, i := range rng.Perm(len(q.field.sources)) {
		w.sources = append(w.sources, q.field.sources[i])
	}
	return w
}

// say returns a sentence of a theme that was not used yet; ok is false if there is none. Sentences that are meant for this
// kind of query and no other come first more often than not: they say more.
func (w *writer) say(theme string, mark byte) (text string, ok bool) {
	var special, plain []sentence
	tags := w.q.tags()
	for _, s := range themes[theme][mark] {
		switch {
		case w.used[s.id]:
		case len(s.tags) == 0:
			plain = append(plain, s)
		case slices.ContainsFunc(s.tags, func(t string) bool { return slices.Contains(tags, t) }):
			special = append(special, s)
		}
	}
	from := plain
	if len(special) > 0 && (len(plain) == 0 || w.rng.IntN(5) < 3) {
		from = special
	}
	if len(from) == 0 {
		return "", false
	}
	s := from[w.rng.IntN(len(from))]
	w.used[s.id] = true
	return w.fill(w.choose(s.text)), true
}

// line is for themes that have a sentence for every query.
func (w *writer) line(theme string, mark byte) string {
	s, _ := w.say(theme, mark)
	return s
}

// choose settles the choices of a text. It comes before the slots are filled, so that brackets of the input stay.
func (w *writer) choose(text string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "[")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		inside, after, _ := strings.Cut(rest, "]")
		options := strings.Split(inside, "|")
		b.WriteString(options[w.rng.IntN(len(options))])
		text = after
	}
}

// fill puts what is known of the query into the slots of a text.
func (w *writer) fill(text string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		slot, after, _ := strings.Cut(rest, "}")
		b.WriteString(w.slot(slot))
		text = after
	}
}

func (w *writer) slot(name string) string {
	lower := strings.ToLower(name)
	value := ""
	switch q := &w.q; lower {
	case "query":
		value = w.escape(q.quoted())
	case "name":
		value = w.escape(q.name)
	case "about":
		value = w.escape(q.about)
		if w.said[lower]++; w.said[lower]%3 == 0 { // the same words again and again would grate
			value = "this"
			if q.kind.group == "question" {
				value = "such questions"
			}
		}
	case "thing":
		value = q.kind.things[w.rng.IntN(len(q.kind.things))]
	case "answer":
		value = q.kind.answer
	case "readers":
		value = q.field.readers
	case "field":
		value = q.field.noun
	case "src":
		value = w.sources[w.said[lower]%len(w.sources)]
		w.said[lower]++
	}
	if lower != name {
		value = upperFirst(value)
	}
	return value
}
