package functionstest

import "strings"

// field is an area of interest, as far as it decides about words.
type field struct {
	key     string
	label   string // as a category
	noun    string // after "in"
	readers string // plural
	sources []string
	words   map[string]bool // stems that speak for it
}

// elsewhere is the field of what belongs to no other.
var elsewhere = &field{"general", "Good to Know", "this area", "readers",
	[]string{"reference works", "official pages", "library catalogues", "specialist handbooks", "public archives"}, nil}

// fields are in the order in which they win a tie.
var fields = []*field{
	{"screen", "Film and TV", "film and television", "viewers",
		[]string{"cast lists", "broadcasters' programme pages", "studio press notes", "film archives", "trade papers"},
		set(`movie film tv show season episode actor actress cast series character filmed premiere finale voice disney netflix trailer
			sequel cartoon hollywood drama sitcom anime batman potter hogwarts marvel wars trek scene kdrama`)},
	{"music", "Music", "music", "listeners",
		[]string{"sleeve notes", "label pages", "songwriters' registers", "chart archives", "radio archives"},
		set(`song sing sang sung singer lyric album band music soundtrack guitar piano drum harmonica concert chorus composer theme tour
			whistling duet recorded musical`)},
	{"sport", "Sport", "sport", "fans",
		[]string{"league records", "official fixture lists", "federation pages", "newspaper archives", "club yearbooks"},
		set(`nba nfl mlb nhl league cricket football baseball basketball soccer cup match team t20 ipl rugby tennis golf olympic
			championship tournament medal super coach stadium`)},
	{"science", "Science", "science", "students",
		[]string{"textbooks", "university course notes", "review articles", "illustrated atlases", "museum pages"},
		set(`cell blood heart body brain dna rna nerve bone muscle protein energy hormone disease medical chemical nucleus skin tissue
			artery acid species organism bacteria electron atom physics chemistry biology plant anatomical gene genetic organ lung enzyme
			membrane nuclear power cranial spinal vessel valve kidney planet solar sunlight syndrome virus vitamin theory epithelium fungus`)},
	{"food", "Food and Drink", "the kitchen", "home cooks",
		[]string{"tested cookbooks", "bakers' handbooks", "cookery schools' notes", "producers' own guides", "food writers' archives"},
		set(`bread sourdough starter recipe bake baking cook cooking flour yeast coffee tea cheese pizza pasta soup sauce cake oven dough
			food meal wine beer chocolate vegan rice kitchen knife espresso grinder roast`)},
	{"home", "Home and Garden", "the home and garden", "readers",
		[]string{"makers' instructions", "gardening societies' guides", "trade handbooks", "seed catalogues", "repair manuals"},
		set(`garden gardening grow growing soil compost seed tomato lawn clean cleaning paint wall furniture roof plumbing repair diy
			houseplant tree flower hedge shed tool wood`)},
	{"tech", "Technology", "computing", "users",
		[]string{"official manuals", "release notes", "developers' documentation", "issue trackers", "standards documents"},
		set(`software computer linux library file data package server client python perl java ruby haskell desktop plugin module
			development documentation app phone laptop internet web browser code program programming database network kernel driver
			utility interface framework engine command system email spreadsheet`)},
	{"travel", "Travel", "travel", "travellers",
		[]string{"national tourist boards", "rail timetables", "detailed maps", "guidebooks", "park authorities' pages"},
		set(`travel trip hotel flight airport beach island hiking trail camping city tourist visa luggage backpack train mountain tent`)},
	{"money", "Money", "personal finance", "readers",
		[]string{"official guidance", "consumer organisations' pages", "terms and conditions", "public statistics", "printed handbooks"},
		set(`money bank credit loan mortgage tax saving budget invest insurance pension salary price cost debt interest`)},
	{"fitness", "Health and Fitness", "health and fitness", "readers",
		[]string{"public health pages", "sports medicine textbooks", "coaching handbooks", "patient leaflets", "review articles"},
		set(`running shoe fitness exercise workout yoga sleep diet weight gym marathon training stretch health headache knee`)},
}

// fieldOf returns the field that most words of the texts speak for.
func fieldOf(texts ...string) *field {
	votes := map[string]int{}
	for _, text := range texts {
		for _, w := range tokens(text) {
			votes[stem(w)]++
			if w != stem(w) {
				votes[w]++
			}
		}
	}
	best, most := elsewhere, 0
	for _, f := range fields {
		n := 0
		for w := range f.words {
			n += votes[w]
		}
		if n > most {
			best, most = f, n
		}
	}
	return best
}

func fieldWithKey(key string) *field {
	for _, f := range fields {
		if f.key == key {
			return f
		}
	}
	return elsewhere
}

// kind is what a query asks for.
type kind struct {
	key    string
	group  string   // question, howto, best, versus or topic
	things []string // what it is about, as the subject of a sentence in the singular
	answer string   // what the reader wants
	label  string   // as a tag
}

var kinds = func() map[string]*kind {
	m := map[string]*kind{}
	for _, k := range []kind{
		{"casting", "question", []string{"the part", "the role", "the credit"}, "a name", "Cast and Credits"},
		{"song", "question", []string{"the credit", "the recording"}, "a name", "Songs and Singers"},
		{"credit", "question", []string{"the credit", "the authorship"}, "a name", "Who Made It"},
		{"schedule", "question", []string{"the date", "the schedule"}, "a date", "Dates and Schedules"},
		{"place", "question", []string{"the location", "the place"}, "a location", "Places"},
		{"count", "question", []string{"the number", "the figure"}, "a number", "Numbers"},
		{"definition", "question", []string{"the term", "the definition"}, "a definition", "Terms Explained"},
		{"question", "question", []string{"the matter", "the point in question"}, "a clear answer", "Questions Answered"},
		{"howto", "howto", []string{"the task", "the job"}, "a method that works", "How-To"},
		{"best", "best", []string{"the choice", "the decision"}, "a short list", "Buying Advice"},
		{"versus", "versus", []string{"the choice", "the decision"}, "a fair comparison", "Comparisons"},
		{"topic", "topic", []string{"the subject", "the topic"}, "a clear overview", "Overviews"},
	} {
		m[k.key] = &k
	}
	return m
}()

func anyOf(words []string, in map[string]bool) bool {
	for _, w := range words {
		if in[strings.Trim(w, ".,?!")] {
			return true
		}
	}
	return false
}
