package functionstest

import (
	"slices"
	"strings"
)

var (
	media = set(`movie film tv show series song book novel play musical cartoon sitcom drama game television new old original first last
		next current soap opera episode of season italian live action the a an theme for`)
	dangling = set(`filmed located found situated used made shot set come comes out start starts starting started begin begins end ends air
		airs airing aired premiere released release coming on in opened open take takes place filming begun film lyrics song credits movie
		tv show series season from first play plays being be resume finish over running`)
	measures  = set("many much long old tall they it there")
	articles  = set("the a an")
	roleWords = set("role part voice first original new young old real")
	// vague are words that a title would not have: the rest of the query describes the work instead of naming it.
	vague = set("song songs who movie show version album line most theme anthem lyrics number singing goes commercial")
)

// setName finds what the query is about. What it finds is put into headings, so it is better short than complete.
func (q *query) setName(hints []string) {
	switch q.kind.key {
	case "casting":
		q.nameCasting()
	case "song", "credit":
		q.nameWork()
	case "schedule", "place", "count":
		q.nameOccasion()
	case "versus":
		q.nameVersus()
	case "howto":
		q.about = q.kind.things[0]
		if rest := q.words[2:]; len(rest) > 0 && !strings.HasSuffix(rest[0], "ly") && len(q.text) <= 70 {
			q.about = sentenced(strings.Join(append([]string{gerund(rest[0])}, rest[1:]...), " "))
		}
	case "best":
		if q.about = sentenced(strings.Join(q.words, " ")); !q.starts("the") {
			q.about = "the " + q.about
		}
		if len(q.about) > 70 {
			q.about = q.kind.things[0]
		}
	case "topic":
		if q.name = q.dress(strings.Join(q.words, " ")); len(q.words) > 6 || len(q.text) > maxName {
			q.name = ""
		} else if len(q.words) > 4 || len(significant(q.text)) == 0 { // it may be a sentence, which fits into another one only as a quotation
			q.name = "“" + q.name + "”"
		}
	}
	if q.name == "" {
		q.name = q.dress(strings.Join(run(q.words), " "))
	}
	for _, h := range hints {
		if q.name == "" && len(significant(h)) > 0 {
			q.name = clip(titled(clean(h)), maxName)
		}
	}
	if q.name == "" {
		q.name = "the subject"
	}
	q.name = clip(q.name, maxName)
	switch {
	case q.about != "":
	case q.kind.group == "topic", q.kind.key == "definition":
		q.about = q.name
	default:
		q.about = "questions of this kind"
	}
}

// doubled are verbs that double their last letter.
var doubled = set("cut get run set stop plan put dig swim sit chop trim fit let win begin wrap knit strip tap grip drop ship spot rip hem")

// gerund turns the verb after "how to" into a noun.
func gerund(verb string) string {
	switch {
	case doubled[verb]:
		return verb + verb[len(verb)-1:] + "ing"
	case strings.HasSuffix(verb, "ie"):
		return verb[:len(verb)-2] + "ying"
	case strings.HasSuffix(verb, "e") && len(verb) > 2 && !strings.HasSuffix(verb, "ee") && !strings.HasSuffix(verb, "ye") && !strings.HasSuffix(verb, "oe"):
		return verb[:len(verb)-1] + "ing"
	}
	return verb + "ing"
}

// dress gives a name the capitals of its field: titles and characters have them, terms do not.
func (q *query) dress(name string) string {
	if q.field.key == "screen" || q.field.key == "music" {
		return titled(name)
	}
	return sentenced(name)
}

// work strips the words that say what a work is, so that its title is left; "" if nothing or too much is.
func work(words []string) string {
	for len(words) > 0 && (media[words[0]] || isYear(words[0])) {
		if n := len(words); n > 2 && (words[0] == "season" || words[0] == "episode" || words[0] == "series") && strings.Trim(words[1], "0123456789") == "" {
			words = words[2:]
			continue
		}
		// An article may belong to a title, unless a word such as "movie" or a year follows.
		if articles[words[0]] && (len(words) == 1 || !media[words[1]] && !isYear(words[1])) {
			break
		}
		words = words[1:]
	}
	for len(words) > 1 && (dangling[words[len(words)-1]] || isYear(words[len(words)-1])) {
		words = words[:len(words)-1]
	}
	if len(words) > 7 {
		return ""
	}
	return strings.Join(words, " ")
}

func isYear(w string) bool {
	return len(w) == 4 && (w[:2] == "19" || w[:2] == "20") && strings.Trim(w, "0123456789") == ""
}

func (q *query) nameCasting() {
	q.about = "questions of casting"
	verb := slices.IndexFunc(q.words, func(w string) bool { return playVerbs[w] })
	if q.has("cast") {
		verb = slices.Index(q.words, "cast")
	}
	if verb < 0 {
		return
	}
	rest := q.words[verb+1:]
	at := -1
	for i, w := range rest {
		if w == "in" || w == "on" || i == 0 && w == "of" {
			at = i
			break
		}
	}
	if at >= 0 {
		if w := work(rest[at+1:]); w != "" && len(w) <= maxName && (len(significant(w)) > 0 || len(strings.Fields(w)) > 2) {
			q.name = titled(w)
			q.about = "the cast of " + q.name
			return
		}
		rest = rest[:at]
	}
	for len(rest) > 0 && (smallWords[rest[0]] || roleWords[rest[0]]) {
		rest = rest[1:]
	}
	if name := strings.Join(rest, " "); len(rest) > 0 && len(rest) <= 5 && len(name) <= maxName-14 {
		q.name = "the part of " + titled(name)
		q.about = q.name
	}
}

func (q *query) nameWork() {
	verb := slices.IndexFunc(q.words, func(w string) bool { return singVerbs[w] || makeVerbs[w] })
	q.about = "credits of this kind"
	if q.kind.key == "song" {
		q.name, q.about = "the song", "the song in question"
	}
	if verb < 0 || verb+1 >= len(q.words) || q.field.key == "science" || q.words[0] == "in" {
		return
	}
	title := work(q.words[verb+1:])
	if title == "" || len(title) > maxName-6 || anyOf(strings.Fields(title), vague) {
		return
	}
	q.name = "“" + titled(title) + "”"
	if q.about = q.name; q.kind.key == "song" {
		q.about = "the song " + q.name
	}
}

func (q *query) nameOccasion() {
	words := q.words
	for len(words) > 0 && (questionWords[words[0]] || measures[words[0]]) {
		words = words[1:]
	}
	if len(words) > 2 && anyOf(words[:1], set("often long much far many")) {
		words = words[1:]
	}
	if len(words) > 2 && words[0] == "to" { // "how often to replace …": the verb is no part of the thing
		words = words[2:]
	}
	switch screen := q.field.key == "screen"; {
	case q.kind.key == "place" && screen:
		q.about = "filming locations"
	case q.kind.key == "schedule" && (screen || q.field.key == "music"):
		q.about = "release dates"
	case q.kind.key == "schedule":
		q.about = "dates of this kind"
	case q.kind.key == "count" && screen:
		q.about = "figures of this kind"
	default:
		q.name = sentenced(strings.Join(run(words), " "))
		q.about = q.name
	}
	if q.field.key != "screen" && q.field.key != "music" {
		return // a run of significant words names a thing better than a title would
	}
	if q.kind.key == "count" {
		return
	}
	if w := work(words); w != "" && len(w) <= maxName && len(strings.Fields(w)) <= 6 {
		q.name = titled(w)
	}
}

func (q *query) nameVersus() {
	text := " " + strings.Join(q.words, " ") + " "
	for _, sep := range []string{" vs ", " vs. ", " versus ", " and "} {
		a, b, ok := strings.Cut(text, sep)
		if a = strings.TrimPrefix(strings.TrimSpace(a), "difference between "); !ok || a == "" || strings.TrimSpace(b) == "" {
			continue
		}
		if about := "the choice between " + sentenced(a) + " and " + sentenced(b); len(about) <= 80 {
			q.about = about
		}
		return
	}
}

// run returns the longest row of words that say something, joined by "of" and "and" at most.
func run(words []string) []string {
	var best, row []string
	weight, most := 0, 0
	end := func() {
		for len(row) > 0 && smallWords[row[len(row)-1]] {
			row = row[:len(row)-1]
		}
		if weight > most {
			best, most = slices.Clone(row), weight
		}
		row, weight = nil, 0
	}
	for _, w := range words {
		w = strings.Trim(w, ".,;:!?()“”\"")
		switch {
		case len(row) > 0 && (w == "of" || w == "and"):
			row = append(row, w)
		case w == "" || stopWords[w] || questionWords[w] || smallWords[w]:
			end()
		default:
			if weight == 4 {
				end()
			}
			row = append(row, w)
			weight++
		}
	}
	end()
	if len(best) == 1 && weakWords[best[0]] {
		return nil
	}
	return best
}
