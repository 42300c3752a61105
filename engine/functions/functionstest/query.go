package functionstest

import (
	"slices"
	"strings"
)

// query is a keyword as it was understood, which need not be right: it decides about wording, never about facts.
type query struct {
	text     string   // cleaned
	words    []string // lower case, without words that lead nowhere at either end
	question bool
	kind     *kind
	field    *field
	name     string // what it is about, short enough for a heading
	about    string // the same as it stands after "about"
}

const (
	maxName  = 48  // bytes
	maxQuote = 110 // bytes
)

var (
	playVerbs   = set("played plays play portrayed portrays voiced voices starred starring")
	singVerbs   = set("sings sang sung sing singing singer")
	makeVerbs   = set("wrote writes written produced discovered invented made created composed directed developed founded designed built proposed")
	instruments = set("piano guitar harmonica drums bass violin organ saxophone trumpet flute cello banjo")
	orders      = set("describe explain list define name mention identify discuss state")
	auxiliaries = set("is are was were do does did will can could should would has have had")
)

// understand reads a keyword; hints are other texts that say which field it belongs to.
func understand(text string, hints ...string) query {
	q := query{text: clean(text)}
	q.words = strings.Fields(strings.ToLower(strings.Trim(q.text, " .?!,;:")))
	if len(q.words) > 2 && orders[q.words[0]] {
		q.words = q.words[1:]
	}
	asked := len(q.words) > 0 && questionWords[q.words[0]]
	for len(q.words) > 3 { // "… is the", left for the reader to complete
		last := q.words[len(q.words)-1]
		if last != "the" && last != "a" && last != "an" && (asked || !smallWords[last] && !auxiliaries[last]) {
			break
		}
		q.words = q.words[:len(q.words)-1]
	}
	for i, w := range q.words {
		asks := questionWords[w] && !auxiliaries[w]
		if i == 0 && questionWords[w] && !q.starts("how to") || asks && i+1 < len(q.words) && auxiliaries[q.words[i+1]] {
			q.question = true
		}
	}
	q.field = fieldOf(q.text)
	if q.field == elsewhere {
		q.field = fieldOf(hints...)
	}
	q.kind = kinds[q.kindKey()]
	switch {
	case q.kind.key == "casting" && q.field.key != "music":
		q.field = fieldWithKey("screen")
	case q.kind.key == "song":
		q.field = fieldWithKey("music")
	}
	q.setName(hints)
	return q
}

func (q *query) has(phrase string) bool {
	return strings.Contains(" "+strings.Join(q.words, " ")+" ", " "+phrase+" ")
}

func (q *query) starts(phrases ...string) bool {
	text := strings.Join(q.words, " ") + " "
	return slices.ContainsFunc(phrases, func(p string) bool { return strings.HasPrefix(text, p+" ") })
}

func (q *query) kindKey() string {
	w := q.words
	switch {
	case q.has("vs") || q.has("vs.") || q.has("versus") || q.starts("difference between", "the difference between"):
		return "versus"
	case q.starts("how to"):
		return "howto"
	case !q.question && (q.starts("best", "the best", "top")):
		return "best"
	case q.starts("when", "what year", "what date", "what day", "what time") || q.has("release date"):
		return "schedule"
	case q.starts("where", "where's"):
		return "place"
	case q.starts("how many", "how much", "how long", "how old", "how tall", "how big", "how far", "how often", "what percentage"):
		return "count"
	case q.starts("who sings", "who sang", "who sung"):
		return "song"
	case q.field.key != "sport" && !anyOf(w, instruments) && !q.has("play a role") && !q.has("plays a role") && !q.has("play a part") && (anyOf(w, playVerbs) && (q.question || q.field.key == "screen" || q.has("who")) ||
		q.starts("cast of", "the cast", "who does the voice", "who did the voice", "who did the voices") || q.field.key == "screen" && q.has("cast")):
		return "casting"
	case q.question && anyOf(w, singVerbs):
		return "song"
	case q.starts("who", "who's") && anyOf(w, makeVerbs):
		return "credit"
	case q.starts("what is", "what are", "what does", "what's", "the study", "the name", "another name", "medical term") && q.field.key != "screen" && q.field.key != "sport",
		!q.question && q.field.key == "science" && (q.has("called") || q.has("term")):
		return "definition"
	case q.question:
		return "question"
	}
	return "topic"
}

// title returns the query as a title.
func (q *query) title() string {
	t := titled(strings.Join(q.words, " "))
	if q.text != strings.ToLower(q.text) { // keep letters that somebody chose
		t = titled(strings.Trim(q.text, " .?!,;:"))
	}
	t = clip(t, 120)
	if q.question && !q.indirect() && !strings.HasSuffix(t, "…") {
		t += "?"
	}
	return t
}

// indirect reports whether a question is none by its grammar: "when to plant", "how many to buy".
func (q *query) indirect() bool {
	beginning := q.words[:min(4, len(q.words))]
	return slices.Contains(beginning, "to") && !anyOf(beginning, auxiliaries)
}

// quoted returns the query between quotation marks.
func (q *query) quoted() string { return "“" + clip(q.text, maxQuote) + "”" }

// tags are what a prepared text may be meant for.
func (q *query) tags() []string { return []string{q.kind.key, q.kind.group, q.field.key} }
