package main

import (
	"bytes"
	"image"
	_ "image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/scrip-go/scrip/providers/providertest"
)

func TestMakesASiteAndAccountsForEveryCredit(t *testing.T) {
	up := startUpstream(t, providertest.Config{})
	p := newProgram(t, up, "-limit", "20")
	r := p.want(exitDone)
	s := r.summary
	if s.Status != "done" || s.Reason != "" || !s.LedgerVerified || s.Published == 0 || len(s.Stages) != 7 {
		t.Errorf("summary = %+v, want it done, verified and published in seven stages", s)
	}
	if c := s.Credits; c.Granted != 20_000 || c.Used == 0 || c.Held != 0 || c.Available != c.Granted-c.Used {
		t.Errorf("credits = %+v, want what was granted to be used or available", c)
	}
	var total int64
	for _, st := range s.Stages {
		total += int64(st.Credits)
		if st.Processed == 0 || st.Failed != 0 {
			t.Errorf("stage %+v, want items and no failure", st)
		}
	}
	if total != int64(s.Credits.Used) {
		t.Errorf("the stages cost %d, the account was charged %d", total, s.Credits.Used)
	}
	f := p.audit(up.Journal())
	if got := s.ProviderCalls.Text + s.ProviderCalls.Image; got != int64(f.billable) || f.settled != f.billable {
		t.Errorf("%d calls, %d billable requests, %d settled keys: want one of each for each", got, f.billable, f.settled)
	}
	checkSite(t, p.out(), int(s.Published))

	again := p.want(exitDone)
	if len(up.Journal()) != f.requests || !strings.Contains(again.stderr, "done already") {
		t.Errorf("a finished run made %d requests more, and said %q", len(up.Journal())-f.requests, again.stderr)
	}
}

// checkSite reads every page: its links lead to files, its pictures decode, its headings are in order, and it is text.
func checkSite(t *testing.T, dir string, articles int) {
	t.Helper()
	site := tree(t, dir)
	n := 0
	for _, page := range pages(site) {
		if strings.HasPrefix(page, "articles/") {
			n++
		}
		b, err := os.ReadFile(filepath.Join(dir, page))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := html.Parse(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		level := 0
		for node := range doc.Descendants() {
			switch node.DataAtom {
			case atom.H1, atom.H2, atom.H3, atom.H4:
				next := int(node.Data[1] - '0')
				if next > level+1 {
					t.Errorf("%s: a heading of level %d follows one of level %d", page, next, level)
				}
				level = next
			case atom.A, atom.Link:
				checkLink(t, dir, page, attr(node, "href"))
			case atom.Img:
				checkPicture(t, filepath.Join(dir, filepath.Dir(page), attr(node, "src")))
			case atom.Script, atom.Iframe, atom.Form:
				t.Errorf("%s has a %s", page, node.Data)
			}
		}
	}
	if n != articles {
		t.Errorf("the site has %d article pages, want %d", n, articles)
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func checkLink(t *testing.T, dir, page, href string) {
	t.Helper()
	if strings.Contains(href, ":") {
		return
	}
	if _, err := os.Stat(filepath.Join(dir, filepath.Dir(page), href)); err != nil {
		t.Errorf("%s links to %q: %v", page, href, err)
	}
}

func checkPicture(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err == nil {
		_, _, err = image.Decode(bytes.NewReader(b))
	}
	if err != nil {
		t.Errorf("picture %s: %v", file, err)
	}
}

func TestPausesWhenTheCreditsRunOutAndGoesOnWithMore(t *testing.T) {
	up := startUpstream(t, providertest.Config{})
	whole := newProgram(t, up, "-limit", "30", "-images", "0")
	want := whole.want(exitDone)

	p := newProgram(t, up, "-limit", "30", "-images", "0")
	before := len(up.Journal())
	r := p.want(exitCredits, "-credits", "20")
	s := r.summary
	if s.Status != "paused" || !strings.Contains(s.Reason, "insufficient credits") {
		t.Errorf("summary = %s, %q, want it paused for want of credits", s.Status, s.Reason)
	}
	if c := s.Credits; c.Granted != 20 || c.Used == 0 || c.Used > 20 || c.Held != 0 || c.Available != 20-c.Used {
		t.Errorf("credits = %+v, want some of 20 used, none held", c)
	}
	p.audit(up.Journal()[before:])
	// The same command pauses again, and more credits let it go on, also step by step.
	p.want(exitCredits, "-credits", "20")
	p.want(exitCredits, "-credits", "45")
	done := p.want(exitDone, "-credits", "1000")
	p.audit(up.Journal()[before:])
	if done.summary.Credits.Used != want.summary.Credits.Used || done.summary.Credits.Granted != 1000 {
		t.Errorf("credits = %+v, want what the undisturbed run used, %+v, of 1000", done.summary.Credits, want.summary.Credits)
	}
	sameSite(t, tree(t, p.out()), tree(t, whole.out()))
}

func TestFreshStartsANewRunOverTheKeywords(t *testing.T) {
	up := startUpstream(t, providertest.Config{})
	p := newProgram(t, up, "-limit", "10", "-images", "0")
	first := p.want(exitDone)
	second := p.want(exitDone, "-fresh")
	if second.summary.Run == first.summary.Run || second.summary.Published != first.summary.Published {
		t.Errorf("the fresh run is %+v, want another with the articles of %+v", second.summary, first.summary)
	}
	p.audit(up.Journal())
	checkSite(t, p.out(), int(second.summary.Published))
}

func TestFreshCancelsARunThatIsNotOver(t *testing.T) {
	up := startUpstream(t, providertest.Config{})
	p := newProgram(t, up, "-limit", "15", "-images", "0")
	paused := p.want(exitCredits, "-credits", "15")
	fresh := p.want(exitDone, "-credits", "2000", "-fresh")
	if fresh.summary.Run == paused.summary.Run {
		t.Errorf("the fresh run is %q, want another", fresh.summary.Run)
	}
	p.audit(up.Journal())
}
