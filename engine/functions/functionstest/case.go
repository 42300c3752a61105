package functionstest

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cased holds words whose letters are not simply a capital and small ones.
var cased = func() map[string]string {
	m := map[string]string{"i": "I", "i'm": "I'm", "i've": "I've", "i'd": "I'd", "i'll": "I'll", "ok": "OK", "mcdonalds": "McDonald's",
		"iphone": "iPhone", "ipad": "iPad", "youtube": "YouTube", "y&r": "Y&R", "r&b": "R&B"}
	for _, w := range strings.Fields(`tv dna rna nba nfl mlb nhl ufc wwe wwf usa uk uae bbc hbo mtv cbs espn fifa ipl odi atp adp emg ecg
		mri bmw ac dc dc's cd dvd vhs ii iii iv vi vii viii ix xi xii fbi cia nasa ncis csi nypd snl lgbt html css usb svu ahs pc cpu gpu t20 ufo`) {
		m[w] = strings.ToUpper(w)
	}
	return m
}()

// properWords are capitalised wherever they stand.
var properWords = set(`january february april june july august september october november december monday tuesday wednesday thursday
	friday saturday sunday christmas easter halloween america american britain british england english france french germany german
	italy italian spain spanish russia russian china chinese japan japanese india indian africa african europe european asia asian
	australia australian canada canadian mexico mexican ireland irish scotland scottish london paris york texas california hollywood
	bollywood broadway disney netflix marvel google olympic olympics latin greek roman greece uruguay philippines sweden costa rica
	florida chicago boston philadelphia washington hawaii alaska atlantic pacific earth`)

// capital makes the first letter a capital, and knows the words that are written otherwise.
func capital(word string) string {
	// Punctuation around a word, such as a quotation mark, is not a part of it.
	start := strings.IndexFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
	if start < 0 {
		return word
	}
	end := strings.LastIndexFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
	_, size := utf8.DecodeRuneInString(word[end:])
	end += size
	core := word[start:end]
	base, tail := core, ""
	if strings.HasSuffix(core, "'s") {
		base, tail = core[:len(core)-2], "'s"
	}
	switch {
	case core != strings.ToLower(core): // somebody chose the letters already
	case cased[core] != "":
		core = cased[core]
	case cased[base] != "":
		core = cased[base] + tail
	case strings.HasPrefix(core, "mc") && len(core) > 4:
		core = "Mc" + upperFirst(core[2:])
	default:
		core = upperFirst(core)
	}
	return word[:start] + core + word[end:]
}

func upperFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

// titled returns a text in title case: small words inside it stay small, and both halves of a hyphenated word count.
func titled(s string) string {
	words := strings.Fields(s)
	begins := true // a title, or a new sentence within it
	for i, w := range words {
		lower := strings.ToLower(w)
		afterThe := i > 0 && strings.EqualFold(words[i-1], "the")
		switch {
		case afterThe && lower == "us":
			words[i] = "US"
			continue
		case !begins && i < len(words)-1 && smallWords[lower] && !(afterThe && lower == "a"): // "the A Team"
			words[i] = lower
			continue
		}
		halves := strings.Split(w, "-")
		for j := range halves {
			if j == 0 || !smallWords[halves[j]] {
				halves[j] = capital(halves[j])
			}
		}
		words[i] = strings.Join(halves, "-")
		begins = strings.HasSuffix(w, ".") || strings.HasSuffix(w, "?") || strings.HasSuffix(w, "!") || strings.HasSuffix(w, ":")
	}
	return strings.Join(words, " ")
}

// sentenced corrects the letters of a phrase that stands inside a sentence: acronyms and proper names, nothing else.
func sentenced(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		bare := strings.TrimSuffix(strings.Trim(w, ".,;:!?()"), "'s")
		if _, known := cased[bare]; known || properWords[bare] {
			words[i] = capital(w)
		}
	}
	return strings.Join(words, " ")
}
