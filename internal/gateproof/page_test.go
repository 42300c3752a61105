package gateproof_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers/providertest"
)

// command makes the page again.
const command = "go test ./internal/gateproof -run TheFaultMatrix"

// section is a table of the page.
type section struct {
	title, intro string
	dishes       []dish
	cells        []*cell // trial by trial, and in each in the order of the dishes
}

func sections() []*section {
	on := func(route string) []dish {
		return slices.DeleteFunc(slices.Clone(menu), func(d dish) bool { return d.route != route })
	}
	text, openai, runware := on(providertest.RouteText), on(providertest.RouteImage), on(providertest.RouteRunware)
	list := []*section{
		fill(providertest.RouteText, text, "Text functions", "A row stands for every function unless it names some, here and below."),
		fill(providertest.RouteImage, openai, "Pictures by the OpenAI Images API", "It cannot be asked what became of a request."),
		fill(providertest.RouteRunware, runware, "Pictures by Runware", "It can be asked, so nothing is sent in the place of a task that it has."),
		fill(providertest.RouteFile, slices.Concat(openai, runware), "Fetching a picture", "The fault strikes the download. A download is free and is tried again for some seconds."),
		fill(providertest.RoutePoll, runware, "Asking Runware what became of a task", "The answer of the task itself was lost; the fault strikes the questions, which are asked for five seconds here."),
	}
	return list
}

func fill(route string, dishes []dish, title, intro string) *section {
	s := &section{title: title, intro: intro, dishes: dishes}
	for _, t := range trials(route) {
		for _, d := range dishes {
			s.cells = append(s.cells, &cell{dish: d, trial: t})
		}
	}
	return s
}

// meaning says what each kind of fault is, for readers of the page.
var meaning = map[providertest.FaultKind]string{
	providertest.Status401:   "HTTP 401: the key is refused",
	providertest.Status403:   "HTTP 403: the key may not do this",
	providertest.Status429:   "HTTP 429: too many requests",
	providertest.Status500:   "HTTP 500 with the provider's error object",
	providertest.Status502:   "HTTP 502 with a gateway's HTML page",
	providertest.Status503:   "HTTP 503: overloaded",
	providertest.Quota:       "the operator's account at the provider is empty",
	providertest.Redirect:    "HTTP 302 to another address",
	providertest.DropBefore:  "the connection is closed before the request runs",
	providertest.DropAfter:   "the request runs, then the connection is closed",
	providertest.CutBody:     "half of the answer, then the connection is closed",
	providertest.Slow:        "no headers for longer than a request may take",
	providertest.SlowBody:    "headers at once, a body that drips for longer than a request may take",
	providertest.HugeBody:    "HTTP 200 with a gigabyte of blanks",
	providertest.GzipBomb:    "HTTP 200 with gigabytes of blanks, packed",
	providertest.EmptyBody:   "HTTP 200 with nothing",
	providertest.WrongType:   "the right answer, announced as HTML",
	providertest.Twice:       "the right answer, twice in one body",
	providertest.InvalidBody: "HTTP 200 with a body that is not JSON",
	providertest.ErrorIn200:  "HTTP 200 with an error object",
	providertest.Refusal:     "the model, or a filter before it, refuses",
	providertest.NotJSON:     "the completion is prose",
	providertest.WrongShape:  "the completion is JSON of another shape",
	providertest.Length:      "the completion stops halfway, at its token limit",
	providertest.NoUsage:     "the answer does not say what was used",
	providertest.AbsurdUsage: "the usage in the answer does not add up",
	providertest.ExcessUsage: "the usage is ten times what the request allowed",
	providertest.BadPicture:  "the picture cannot be decoded",
}

const preface = `# What upstreams do, and what becomes of it

Every function of ` + "`engine/functions`" + ` is run into every fault that the fake upstream of ` + "`providers/providertest`" + ` knows, with
the real adapters over loopback, and this page is what came of it. It is generated; a test makes it again and fails if it differs:

    %[1]s   # compares
    make faults%[2]s   # writes

How to read a row:

- **Fault**: what the upstream did. The kinds are listed at the end. Each strikes every request (*always*), and in another trial only the
  first one (*once*); a row that says neither is what both came to.
- **Outcome**: *delivered*, or the kind of the typed error that the caller gets.
- **Requests**: what was sent to the upstream for the operation, and in **Billed** how many of those a real one would have billed.
- **Attempts**: what the journal says became of each dispatch, with its kind of error. *executed* was billed; *unknown* may have been;
  *rejected* and *not sent* were not.
- **Charge**: what the customer pays. *price* is what the same call costs without a fault, *price + repair* is that and the call that
  mended the answer, *held* is all that was set aside; the last table has the numbers.

In each row, for each function, the test has checked that

1. every request is one journalled attempt, and no attempt is sent or billed twice;
2. an *executed* attempt is on the upstream's invoice exactly once, with the tokens, pictures and cost that were journalled, or, where
   the answer did not tell them, with no more than the worst case that was; a *rejected* or *not sent* one is not on it, and no
   attempt is left open;
3. a failed operation charges nothing, and balance and holds are what they were; what was delivered is charged, once, as the caller was told;
4. the ledger verifies;
5. the same key, after the fault has passed, brings the receipt of what was bought without another request, or buys what had failed;
6. no error, log or journal has an API key, a header or a prompt in it.

The engine makes at most two attempts where a request was refused for now (` + "`Attempts: 2`" + `; three is the default), and one repeat where
it may have run (` + "`AmbiguousRepeats`" + `, the default). No function has a fallback here.

What becomes of operations whose process is killed is not on this page. ` + "`make prove`" + ` runs 100,000 of them, with a fifth of the requests
struck by faults of all kinds, in processes that are killed at random moments, on SQLite and PostgreSQL, and judges them by the same
rules: ` + "`TestCampaignFaultsAndKills`" + `.
`

// makePage makes the page.
func makePage(sections []*section) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, preface, command, strings.Repeat(" ", len(command)-len("make faults")))
	prices := map[string]credits.Amount{}
	for _, s := range sections {
		for _, c := range s.cells {
			if c.trial.kind == "" {
				prices[c.dish.label()] = c.charge
			}
		}
	}
	for _, s := range sections {
		s.write(&b, prices)
	}
	writeCharges(&b, sections[0], sections[1], sections[2])
	b.WriteString("\n## The kinds of fault\n\n| Fault | What the upstream does |\n|---|---|\n")
	for _, kind := range providertest.Kinds() {
		fmt.Fprintf(&b, "| %s | %s |\n", kind, meaning[kind])
	}
	return b.Bytes()
}

func (s *section) write(b *bytes.Buffer, prices map[string]credits.Amount) {
	fmt.Fprintf(b, "\n## %s\n\n%s", s.title, s.intro)
	var names []string
	for _, d := range s.dishes {
		names = append(names, "`"+d.label()+"`")
	}
	fmt.Fprintf(b, "\nFunctions: %s.", strings.Join(names, ", "))
	b.WriteString("\n\n| Fault | Outcome | Requests | Billed | Attempts | Charge |\n|---|---|---|---|---|---|\n")
	for i := 0; i < len(s.cells); {
		end := i
		for end < len(s.cells) && s.cells[end].trial.kind == s.cells[i].trial.kind {
			end += len(s.dishes)
		}
		s.writeKind(b, s.cells[i:end], prices)
		i = end
	}
}

// writeKind writes a row for each way in which functions take a kind of fault. Trials that end in the same way share it.
func (s *section) writeKind(b *bytes.Buffer, cells []*cell, prices map[string]credits.Amount) {
	var order []string
	trials, all := map[string][]trial{}, []trial{}
	for i := 0; i < len(cells); i += len(s.dishes) {
		rows := s.rows(cells[i:i+len(s.dishes)], prices)
		if trials[rows] == nil {
			order = append(order, rows)
		}
		trials[rows] = append(trials[rows], cells[i].trial)
		all = append(all, cells[i].trial)
	}
	for _, rows := range order {
		for row := range strings.Lines(rows) {
			fmt.Fprintf(b, "| %s%s", called(trials[rows], all), row)
		}
	}
}

// called names some of the trials of a kind.
func called(some, all []trial) string {
	name := string(some[0].kind)
	if name == "" {
		return "none"
	}
	if len(some) == len(all) {
		return name
	}
	for strikes, once := range map[string]bool{"always": false, "once": true} {
		other := func(t trial) bool { return t.once != once }
		if len(some) == len(slices.DeleteFunc(slices.Clone(all), other)) && !slices.ContainsFunc(some, other) {
			return name + ", " + strikes
		}
	}
	var variants []string
	for i, t := range some {
		twice := func(u trial) bool { return u.variant == t.variant && u.once != t.once }
		said := t.variant
		if !slices.ContainsFunc(some, twice) {
			said = strings.TrimPrefix(said+map[bool]string{true: ", once", false: ", always"}[t.once], ", ")
		} else if slices.ContainsFunc(some[:i], twice) {
			continue
		}
		variants = append(variants, said)
	}
	return name + ", " + strings.Join(variants, "; ")
}

// rows are the rows of a trial without its name, one for each way in which functions take it.
func (s *section) rows(cells []*cell, prices map[string]credits.Amount) string {
	var order []string
	takers := map[string][]string{}
	for _, c := range cells {
		row := fmt.Sprintf("%s | %d | %d | %d: %s | %s", c.outcome, c.requests, c.billed, c.attempts, c.fates, c.pays(prices))
		if takers[row] == nil {
			order = append(order, row)
		}
		takers[row] = append(takers[row], c.dish.label())
	}
	var b strings.Builder
	for _, row := range order {
		who := ""
		if len(order) > 1 {
			who = " (" + strings.Join(takers[row], ", ") + ")"
		}
		fmt.Fprintf(&b, "%s | %s |\n", who, row)
	}
	return b.String()
}

// pays puts a charge into words.
func (c *cell) pays(prices map[string]credits.Amount) string {
	price := prices[c.dish.label()]
	switch {
	case c.charge == 0:
		return "0"
	case c.charge == price:
		return "price"
	case c.trial.kind == providertest.ExcessUsage:
		return "held"
	case c.charge > price:
		return "price + repair"
	}
	return fmt.Sprint(c.charge)
}

// writeCharges writes the numbers behind the words: each function's price, and what faults make of it.
func writeCharges(b *bytes.Buffer, text *section, others ...*section) {
	var columns []trial
	charges := map[string]map[string]credits.Amount{} // by function and trial
	for _, s := range append([]*section{text}, others...) {
		for _, c := range s.cells {
			name := c.dish.label()
			if charges[name] == nil {
				charges[name] = map[string]credits.Amount{"none": c.charge} // the first trial is without a fault
			}
			charges[name][c.trial.String()] = c.charge
			known := func(t trial) bool { return t.String() == c.trial.String() }
			if (c.trial.kind == "" || c.charge != 0 && c.charge != charges[name]["none"]) && !slices.ContainsFunc(columns, known) {
				columns = append(columns, c.trial)
			}
		}
	}
	b.WriteString("\n## Charges\n\nIn credits, at prices that make small calls cost several.\n\n| Function |")
	for _, t := range columns {
		fmt.Fprintf(b, " %s |", t)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	for _, s := range append([]*section{text}, others...) {
		for _, d := range s.dishes {
			fmt.Fprintf(b, "| %s |", d.label())
			for _, t := range columns {
				if charged, there := charges[d.label()][t.String()]; there {
					fmt.Fprintf(b, " %d |", charged)
				} else {
					b.WriteString(" – |")
				}
			}
			b.WriteString("\n")
		}
	}
}
