package functionstest

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

var (
	questionWords = set("who what when where which why how whose whom who's what's where's when's how's is are was were do does did can could should will would has have had")
	// small words stay lower-case inside a title, and end no phrase.
	smallWords = set("a an the and or but nor of in on at to for from by with as into onto over vs v per via")
	// stopWords say nothing about the subject.
	stopWords = set(`a an the and or but nor of in on at to for from by with as into onto over vs v per via than then that this
		these those there here it its it's he she they them his her their i i'm i've you your you're we our us me my mine be been
		being am not no don't does doesn't do did done can could should would will shall may might must has have had having s t
		who what when where which why how whose whom who's what's where's is are was were if so up out off down about after
		before during between through under again all any each most much many more some such only own same other another also
		one two three first second last next new old get got go goes going went gone come comes came coming make makes made
		take takes took give gives given let want wants need needs know known say says said see seen use used using find found
		located called name names named mean means type types kind kinds part parts play plays played playing sing sings sang
		sung write writes wrote written star stars starred happen happens happened start starts started begin begins end ends
		ended air airs aired airing release released people long old far often best top good better way ways thing things
		isn't wasn't didn't wanna gonna list situated tend tends run runs cross crosses occur occurs forming opened lie lies exit contain contains describe mention explain define absorbed captured stored discovered
		proved proposed established developed produced die dies died kill killed win won wins every ever never now still just
		time times year years day days world end lives live number because like back full real big little young`)
	// weakWords are shared by questions that have nothing else in common.
	weakWords = set(`movie movies film films song songs tv show shows season seasons episode episodes series actor actors actress
		actresses cast character characters singer voice role theme lyrics music album original album book books game games
		story version part line girl boy man woman guy mother father brother sister wife husband filmed located human word
		words term terms process question questions main different common following grow growing plant plants planted planting
		pot pots container containers small home indoors outside`)
)

// clean returns what a person would see of a text: one line, no control characters and nothing invisible.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError, unicode.Is(unicode.Cc, r), r != '\u200d' && unicode.Is(unicode.Cf, r):
			return -1 // the joiner alone has a visible effect: it makes one emoji of several
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// tokens splits a text into lower-case words of letters and digits of any script; an apostrophe stays in its word.
func tokens(s string) []string {
	words := strings.FieldsFunc(strings.ToLower(strings.ReplaceAll(s, "’", "'")), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) && !unicode.Is(unicode.So, r) && r != '\''
	})
	out := words[:0]
	for _, w := range words {
		if w = strings.Trim(w, "'"); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// stem makes singular and plural the same, lightly: it is only ever compared, never shown.
func stem(w string) string {
	w = strings.TrimSuffix(w, "'s")
	switch {
	case len(w) < 4 || strings.HasSuffix(w, "ss") || strings.HasSuffix(w, "us") || strings.HasSuffix(w, "is"):
		return w
	case strings.HasSuffix(w, "ies") && len(w) > 4:
		return w[:len(w)-3] + "y"
	case strings.HasSuffix(w, "ches"), strings.HasSuffix(w, "shes"), strings.HasSuffix(w, "xes"), strings.HasSuffix(w, "sses"), strings.HasSuffix(w, "toes"):
		return w[:len(w)-2]
	}
	return strings.TrimSuffix(w, "s")
}

// significant returns the stems of a text that say what it is about, each once, in order.
func significant(s string) []string {
	var out []string
	seen := map[string]bool{}
	for _, w := range tokens(s) {
		bare := strings.TrimSuffix(w, "'s")
		if r, size := utf8.DecodeRuneInString(w); size == len(w) && r < utf8.RuneSelf || stopWords[w] || stopWords[bare] || weakWords[bare] {
			continue
		}
		if st := stem(w); !seen[st] {
			seen[st] = true
			out = append(out, st)
		}
	}
	return out
}

// clip shortens a text to at most n bytes, at a space if one is near, and marks the cut.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	cut := n - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	head := s[:cut]
	if i := strings.LastIndexByte(head, ' '); i > cut/2 {
		head = head[:i]
	}
	return strings.TrimRight(head, " ,;:.-–") + "…"
}

// short cuts a text to at most n characters without a mark, as a title tag or a heading wants it.
func short(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	head := string([]rune(s)[:n+1])
	if i := strings.LastIndexByte(head, ' '); i > n/3 {
		head = head[:i]
	} else {
		head = string([]rune(s)[:n])
	}
	words := strings.Fields(head)
	for len(words) > 1 && smallWords[strings.ToLower(words[len(words)-1])] {
		words = words[:len(words)-1]
	}
	return strings.TrimRight(strings.Join(words, " "), " ,;:.-–(“")
}
