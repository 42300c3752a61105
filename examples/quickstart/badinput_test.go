package main

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/providers/providertest"
)

// TestRefusesBadInput names what is wrong and how to mend it, exits with 2, and leaves nothing half-written.
func TestRefusesBadInput(t *testing.T) {
	file := func(t *testing.T, name string, data []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		name string
		args func(t *testing.T) []string
		says []string // all on standard error
	}{
		{"EmptyKeywordFile", func(t *testing.T) []string { return []string{"-keywords", file(t, "k.txt", nil)} }, []string{"k.txt", "empty"}},
		{"BlankKeywordFile", func(t *testing.T) []string { return []string{"-keywords", file(t, "k.txt", []byte("\n \n\t\n"))} }, []string{"no keyword", "blank"}},
		{"NoKeywordFile", func(t *testing.T) []string { return []string{"-keywords", filepath.Join(t.TempDir(), "none.txt")} }, []string{"none.txt", "no such file"}},
		{"DirectoryAsKeywordFile", func(t *testing.T) []string { return []string{"-keywords", t.TempDir()} }, []string{"is a directory"}},
		{"BinaryFile", func(t *testing.T) []string {
			return []string{"-keywords", file(t, "k.txt", []byte("\x7fELF\x02\x01\x01\x00\x00\xff\xfe\n\x00"))}
		}, []string{"line 1", "not text in UTF-8"}},
		{"OneLineOf10MB", func(t *testing.T) []string {
			return []string{"-keywords", file(t, "k.txt", bytes.Repeat([]byte("a"), 10<<20))}
		}, []string{"line 1", "more than", "one keyword per line"}},
		{"CSVWithoutTheColumn", func(t *testing.T) []string {
			return []string{"-keywords", file(t, "k.csv", []byte("term,volume\nfoo,1\nbar,2\n"))}
		}, []string{"line 1", `"keyword"`}},
		{"CSVWithoutRows", func(t *testing.T) []string {
			return []string{"-keywords", file(t, "k.csv", []byte("keyword,volume\n"))}
		}, []string{"no keyword"}},
		{"CSVWithABadNumber", func(t *testing.T) []string {
			return []string{"-keywords", file(t, "k.csv", []byte("keyword,volume\none,many\n"))}
		}, []string{"line 2", "volume", `"many"`}},
		{"CSVWithABadQuote", func(t *testing.T) []string {
			return []string{"-keywords", file(t, "k.csv", []byte("keyword,volume\n\"one,1\n"))}
		}, []string{"line 2", "quotes"}},
		{"TooFewKeywords", func(t *testing.T) []string { return []string{"-keywords", file(t, "k.txt", []byte("a\nb\nc\n"))} }, []string{"3 keywords", "at least 5"}},
		{"LimitBelowTheLeast", func(*testing.T) []string { return []string{"-limit", "4"} }, []string{"4 keywords", "at least 5"}},
		{"KeywordTooLong", func(t *testing.T) []string {
			return []string{"-keywords", file(t, "k.txt", []byte("a\nb\nc\nd\n"+strings.Repeat("e", 600)+"\n"))}
		}, []string{"keyword 5", "600 bytes"}},
		{"UnknownFlag", func(*testing.T) []string { return []string{"-colour"} }, []string{"-colour"}},
		{"NoUserOfTheSite", func(*testing.T) []string { return []string{"-wordpress", "http://127.0.0.1:1"} }, []string{"User must be set", "Password must be set"}},
		{"NegativeCredits", func(*testing.T) []string { return []string{"-credits", "-1"} }, []string{"-credits is -1"}},
		{"TooManyPictures", func(*testing.T) []string { return []string{"-images", "9"} }, []string{"-images is 9", "0 to 8"}},
		{"NoWorkers", func(*testing.T) []string { return []string{"-workers", "0"} }, []string{"-workers is 0"}},
		{"KeywordsAsArguments", func(*testing.T) []string { return []string{"tea", "coffee"} }, []string{`"tea"`, "-keywords"}},
		{"UpstreamThatIsNoURL", func(*testing.T) []string { return []string{"-upstream", "127.0.0.1:8090"} }, []string{"-upstream", "http://127.0.0.1:8090"}},
		{"OutBelowARegularFile", func(t *testing.T) []string {
			return []string{"-out", filepath.Join(file(t, "plain", []byte("x")), "site")}
		}, []string{"plain", "not a directory"}},
		{"OutWithForeignFiles", func(t *testing.T) []string {
			return []string{"-out", filepath.Dir(file(t, "letter.txt", []byte("dear")))}
		}, []string{"not empty"}},
		{"DatabaseInNoDirectory", func(t *testing.T) []string { return []string{"-db", filepath.Join(t.TempDir(), "no", "q.db")} }, []string{"no such file"}},
		{"DatabaseThatIsNone", func(t *testing.T) []string {
			return []string{"-db", file(t, "q.db", bytes.Repeat([]byte("not a database\n"), 1000))}
		}, []string{"not an SQLite database"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProgram(t, nil)
			r := p.want(exitRefused, c.args(t)...)
			for _, text := range c.says {
				if !strings.Contains(r.stderr, text) {
					t.Errorf("standard error lacks %q:\n%s", text, r.stderr)
				}
			}
			if r.summary.Status != "refused" || r.summary.Reason == "" {
				t.Errorf("summary = %+v, want it refused for a reason", r.summary)
			}
			left, err := os.ReadDir(p.dir)
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func TestRefusesADatabaseOfANewerVersion(t *testing.T) {
	p := newProgram(t, nil, "-limit", "5", "-images", "0")
	p.want(exitDone)
	db, err := sql.Open("sqlite", p.db())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO scrip_migrations (number, name, major, sha256, at) VALUES (900, 'later', 9, '', 0)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before := tree(t, p.out())
	r := p.want(exitRefused)
	if !strings.Contains(r.stderr, "newer") || !strings.Contains(r.stderr, "use the newer release") {
		t.Errorf("standard error does not say what to do:\n%s", r.stderr)
	}
	sameSite(t, tree(t, p.out()), before)
}

func TestRefusesASecondProcessOnADatabase(t *testing.T) {
	up := startUpstream(t, providertest.Config{Latency: 100 * time.Millisecond})
	p := newProgram(t, up, "-limit", "10", "-images", "0")
	first := make(chan result)
	go func() { first <- p.run(0) }()
	for len(up.Journal()) == 0 { // until the first one is at work
		time.Sleep(10 * time.Millisecond)
	}
	r := p.want(exitRefused)
	if !strings.Contains(r.stderr, "in use by another process") {
		t.Errorf("standard error = %s", r.stderr)
	}
	if r := <-first; r.code != exitDone {
		t.Errorf("the first process ended with %d:\n%s", r.code, r.stderr)
	}
	p.audit(up.Journal())
}

// TestSurvivesAnUpstreamThatMisbehaves: nothing is charged for what was not delivered, and once the upstream is mended the
// work is done.
func TestSurvivesAnUpstreamThatMisbehaves(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  providertest.Fault
		status string
		says   string
	}{
		{"KeyRefused", providertest.Fault{Kind: providertest.Status401}, "paused", "auth"},
		{"AccountEmpty", providertest.Fault{Kind: providertest.Quota}, "paused", "quota"},
		{"ProseInsteadOfJSON", providertest.Fault{Kind: providertest.NotJSON, Route: providertest.RouteText}, "failed", "every item was given up"},
		{"BodyCutInTheMiddle", providertest.Fault{Kind: providertest.CutBody, Route: providertest.RouteText}, "failed", "every item was given up"},
		{"PicturesThatDoNotDecode", providertest.Fault{Kind: providertest.BadPicture, Route: providertest.RouteImage}, "failed", "every item was given up"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			up := startUpstream(t, providertest.Config{})
			if err := up.SetFaults(c.fault); err != nil {
				t.Fatal(err)
			}
			p := newProgram(t, up, "-limit", "5")
			r := p.want(exitOther)
			if r.summary.Status != c.status || !strings.Contains(r.summary.Reason, c.says) {
				t.Errorf("summary = %s, %q, want %s with %q", r.summary.Status, r.summary.Reason, c.status, c.says)
			}
			p.audit(up.Journal())
			if err := up.SetFaults(); err != nil {
				t.Fatal(err)
			}
			args := []string{}
			if c.status == "failed" {
				args = append(args, "-fresh")
			}
			p.want(exitDone, args...)
			p.audit(up.Journal())
		})
	}
}

func TestGoesOnAfterFaultsNowAndThen(t *testing.T) {
	up := startUpstream(t, providertest.Config{})
	if err := up.SetFaults(
		providertest.Fault{Kind: providertest.Status503, Route: providertest.RouteText, Every: 7, RetryAfter: 10 * time.Millisecond},
		providertest.Fault{Kind: providertest.DropAfter, Route: providertest.RouteText, After: 3, Every: 11},
		providertest.Fault{Kind: providertest.NotJSON, Route: providertest.RouteText, After: 1, Every: 13},
		// Twice in all, because an item has three tries, and one run in thirty would have them all struck.
		providertest.Fault{Kind: providertest.BadPicture, Route: providertest.RouteImage, Every: 9, Count: 2},
	); err != nil {
		t.Fatal(err)
	}
	p := newProgram(t, up, "-limit", "20", "-workers", "8")
	r := p.want(exitDone)
	for _, s := range r.summary.Stages {
		if s.Failed > 0 {
			t.Errorf("stage %s gave %d items up", s.Name, s.Failed)
		}
	}
	p.audit(up.Journal())
}
