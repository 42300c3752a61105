package gateproof_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers"
)

// careless is an error that carries more than it shows.
type careless struct {
	why    string
	header map[string][]string
}

func (e *careless) Error() string { return e.why }

func TestTheSearchFindsAKeyThatIsPlantedInAnError(t *testing.T) {
	if found := leaksOf(fmt.Errorf("engine: %w", &providers.Error{Provider: "openai", Kind: providers.Auth, Fate: providers.Rejected, Status: 401})); found != nil {
		t.Errorf("an error that is in order gives %q away", found)
	}
	for name, err := range map[string]error{
		"InItsText":           errors.New("refused: " + openaiKey),
		"InAnErrorThatItHas":  fmt.Errorf("engine: %w", &providers.Error{Kind: providers.Auth, Cause: errors.New(runwareKey)}),
		"OutOfSight":          &careless{"refused", map[string][]string{"x": {openaiKey}}},
		"TheNameOfTheHeader":  &careless{"refused", map[string][]string{"Authorization": nil}},
		"InWhatFmtWouldPrint": &careless{"refused", map[string][]string{"x": {"Bearer x"}}},
		"APrompt":             fmt.Errorf("engine: the input %q is too long", "a "+canary),
	} {
		t.Run(name, func(t *testing.T) {
			if leaksOf(err) == nil {
				t.Error("it was not found")
			}
		})
	}
}

func TestTheSearchFindsAKeyThatIsPlantedInALog(t *testing.T) {
	for name, text := range map[string]string{"AKey": openaiKey, "AHeader": "authorization", "APrompt": canary} {
		t.Run(name, func(t *testing.T) {
			l := &logbook{}
			slog.New(slog.NewJSONHandler(l, nil)).Info("scrip operation", "error", "refused: "+text)
			if l.leaks() == nil {
				t.Error("it was not found")
			}
		})
	}
}

// TestTheSearchFindsAKeyThatIsPlantedInARow puts keys and a prompt into columns of texts and of bytes.
func TestTheSearchFindsAKeyThatIsPlantedInARow(t *testing.T) {
	for name, s := range stores {
		t.Run(name, func(t *testing.T) {
			file := s.create(t)
			db, err := s.open(t.Context(), file)
			if err != nil {
				t.Fatal(err)
			}
			grant := credits.Grant{Account: "acme", Key: "grant", Kind: credits.Purchase, Amount: 1000}
			if _, err := db.ledger.Grant(t.Context(), grant); err != nil {
				t.Fatal(err)
			}
			charge := credits.Charge{Account: "acme", Key: "c", Operation: "clustering", Amount: 1, Result: []byte(canary)}
			if _, err := db.ledger.Charge(t.Context(), charge); err != nil {
				t.Fatal(err)
			}
			look := func() []string {
				found, err := s.search(t.Context(), file)
				if err != nil {
					t.Fatal(err)
				}
				return found.verdict()
			}
			if found := look(); found != nil {
				t.Fatalf("before anything is planted: %q", found)
			}
			grant.Key, grant.Note = "noted", "paid with "+openaiKey
			if _, err := db.ledger.Grant(t.Context(), grant); err != nil {
				t.Fatal(err)
			}
			charge.Key, charge.Result = "told", []byte(`{"header":"Bearer x"}`)
			if _, err := db.ledger.Charge(t.Context(), charge); err != nil {
				t.Fatal(err)
			}
			charge.Key, charge.Scope = "scoped", "a "+canary
			if _, err := db.ledger.Charge(t.Context(), charge); err != nil {
				t.Fatal(err)
			}
			found := look()
			for _, want := range []string{"entries.note has", "receipts.result has", ".scope has a prompt in it"} {
				if !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, want) }) {
					t.Errorf("found %q, want one that says %q", found, want)
				}
			}
			if err := db.close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheSearchFindsAKeyThatIsPlantedInAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(file, []byte(strings.Repeat("{}\n", 10_000)+runwareKey), 0o600); err != nil { // its last line was cut
		t.Fatal(err)
	}
	if found, err := leaksOfFile(file); err != nil || found == nil {
		t.Errorf("found %q, %v", found, err)
	}
}

func TestTheSearchFindsAKeyThatIsPlantedInTheJournal(t *testing.T) {
	up := serve(t, upstream(0))
	for _, model := range []string{textModel, "Bearer x"} {
		body := strings.NewReader(`{"model":"` + model + `","messages":[{"role":"user","content":"x"}]}`)
		r := httptest.NewRequest("POST", "/v1/chat/completions", body)
		r.Header.Set("Authorization", "Bearer "+openaiKey)
		up.ServeHTTP(httptest.NewRecorder(), r)
		if found := up.leaks(); (found != nil) != (model != textModel) {
			t.Errorf("after a request for the model %q: found %q", model, found)
		}
	}
}
