package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/usage"
)

var update = flag.Bool("update", false, "write the outputs in docs/cli.md anew")

const page = "../../docs/cli.md"

// TestThePageShowsWhatTheCommandsPrint runs the commands of docs/cli.md in their order, on one database, and compares.
func TestThePageShowsWhatTheCommandsPrint(t *testing.T) {
	file, err := filepath.Abs(page)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	list(t, ".", "litellm.json")
	ran := 0 // a command a minute
	s := &shop{t: t, user: "olga", env: map[string]string{"SCRIP_DATABASE": "shop.db", "SCRIP_KEY_RING": ring(t, "2025")},
		now: func() time.Time { return time.Date(2026, 5, 4, 9, 30+ran, 0, 0, time.UTC) }}
	got := regexp.MustCompile("(?s)```console\n.*?```").ReplaceAllFunc(text, func(block []byte) []byte {
		var out bytes.Buffer
		out.WriteString("```console\n")
		for line := range strings.Lines(string(block)) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				out.WriteString(line + s.typed(strings.TrimSpace(command)))
				ran++
			}
		}
		out.WriteString("```")
		return out.Bytes()
	})
	if ran < 20 {
		t.Errorf("the page has %d commands: it or this test has changed its form", ran)
	}
	switch {
	case bytes.Equal(got, text):
	case *update:
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s shows something else than the commands print (-update writes it anew); they print\n%s", page, got)
	}
}

// words are those of a command line, as far as the page needs a shell.
var words = regexp.MustCompile(`"[^"]*"|'[^']*'|[^\s"']+`)

// typed runs a line of the page and returns what is to be seen then.
func (s *shop) typed(line string) string {
	s.t.Helper()
	if statement, ok := strings.CutPrefix(line, "sqlite3 shop.db "); ok {
		s.tamper(strings.ReplaceAll(strings.Trim(statement, `"`), "scrip_", ""))
		return ""
	}
	s.stdin = ""
	if _, command, piped := strings.Cut(line, " | "); piped {
		s.stdin, line = "sk-of-the-page", command
	}
	line, file, redirected := strings.Cut(line, " > ")
	var args []string
	for _, word := range words.FindAllString(line, -1) {
		args = append(args, strings.Trim(word, `"'`))
	}
	if strings.HasPrefix(line, "scrip keys rotate") { // a new key of the ring, in front of the one that sealed
		s.env["SCRIP_KEY_RING"] = ring(s.t, "2026") + "," + s.env["SCRIP_KEY_RING"]
	}
	r := s.run(args[1:]...)
	if args[0] != "scrip" {
		s.t.Errorf("the page has the command %q", line)
	}
	if redirected {
		if err := os.WriteFile(file, []byte(r.out), 0o600); err != nil {
			s.t.Fatal(err)
		}
		r.out = ""
	}
	switch {
	case args[1] == "migrate" && len(args) == 2:
		s.trade()
	case args[1] == "models" && args[2] == "apply":
		s.choose("alice", registry.Settings{Functions: map[string]registry.FunctionSettings{"generate_content": {MaxTokens: 4000}},
			Images: registry.ImageSettings{Style: "watercolour", QualityTier: "basic"}})
	}
	return r.out + r.err
}

// choose makes an account's settings.
func (s *shop) choose(account credits.Account, next registry.Settings) {
	s.t.Helper()
	s.open(writing, func(db *database) {
		now, err := db.models.Account(s.t.Context(), account)
		if err == nil {
			_, err = db.models.SaveAccount(s.t.Context(), registry.AccountChange{Account: account, Base: now.Number, Who: string(account), Why: "settings page", Next: next})
		}
		if err != nil {
			s.t.Fatal(err)
		}
	})
}

// trade fills the ledger of the page.
func (s *shop) trade() {
	s.t.Helper()
	s.open(writing, func(db *database) {
		for _, account := range []credits.Account{"alice", "bob"} {
			if _, err := db.ledger.Grant(s.t.Context(), credits.Grant{Account: account, Key: "order-1", Kind: credits.Purchase, Amount: 100}); err != nil {
				s.t.Fatal(err)
			}
			for _, c := range []struct {
				key, operation, model string
				amount, shadow        credits.Amount
				usage                 usage.Usage
				cost                  int64
			}{
				{"k1", "content_generation", "gpt-5.4-mini", 3, 5, usage.Tokens(900, 1200), 61},
				{"k2", "image_generation", "runware:97@1", 2, 2, usage.Images(2), 180},
				{"k3", "content_generation", "gpt-5.4-mini", 3, 4, usage.Tokens(800, 900), 47},
			} {
				shadow := credits.Shadow{Version: 3, Credits: c.shadow} // the one that the page announces
				if c.shadow != c.amount {
					shadow.Reason = string(registry.ReasonRatio)
				}
				_, err := db.ledger.Charge(s.t.Context(), credits.Charge{Account: account, Key: credits.Key(c.key), Operation: c.operation, Amount: c.amount, Result: []byte("an article"),
					Record: credits.UsageRecord{Provider: "openai", Model: c.model, Usage: c.usage, Exact: decimal.NewFromInt(int64(c.amount)), Cost: decimal.New(c.cost, -4), Shadow: shadow}})
				if err != nil {
					s.t.Fatal(err)
				}
			}
		}
	})
}

// TestThePageHasEveryCommandAndFlag reads the grammar.
func TestThePageHasEveryCommandAndFlag(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	var walk func(reflect.Type, string)
	walk = func(group reflect.Type, path string) {
		for i := range group.NumField() {
			f := group.Field(i)
			_, command := f.Tag.Lookup("cmd")
			_, argument := f.Tag.Lookup("arg")
			name := strings.ToLower(f.Name)
			switch {
			case command:
				seen++
				if at := strings.TrimSpace(path + " " + name); !hasCommands(f.Type) && !bytes.Contains(text, []byte("## scrip "+at)) {
					t.Errorf("%s has no section %q", page, "scrip "+at)
				}
				walk(f.Type, path+" "+name)
			case f.Anonymous:
				walk(f.Type, path)
			case !f.IsExported():
			case !argument:
				flag := "`--" + strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(f.Name, "$1-$2"))
				if !bytes.Contains(text, []byte(flag+"`")) && !bytes.Contains(text, []byte(flag+" ")) {
					t.Errorf("%s does not name %s` of scrip%s", page, flag, path)
				}
			}
		}
	}
	walk(reflect.TypeFor[commands](), "")
	if seen < 15 {
		t.Errorf("%d commands were seen: this test does not find them", seen)
	}
}

func hasCommands(t reflect.Type) bool {
	for i := range t.NumField() {
		if _, ok := t.Field(i).Tag.Lookup("cmd"); ok {
			return true
		}
	}
	return false
}
