package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
)

// accountChangeOf names the model editor, of which the system can do without.
func accountChangeOf(account credits.Account, base int64, style string) registry.AccountChange {
	return registry.AccountChange{Account: account, Base: base, Who: "ben", Why: "style " + style, Next: registry.Settings{
		Functions: map[string]registry.FunctionSettings{"write": {Model: "editor", Temperature: new(decimal.RequireFromString("0.123456789012345678901"))}},
		Images:    registry.ImageSettings{Style: style, QualityTier: "fine", Format: registry.WebP, PerArticle: new(0)}}}
}

// withoutEditor is a change that switches the model editor off.
func withoutEditor(base int64, style string) registry.Change {
	c := changeOf(base, style)
	m := model(&c.Next, "editor")
	m.Active = false
	c.Next.Settings.Functions = nil
	return c
}

func (t *modelTest) saveAccount(account credits.Account, base int64, style string) registry.AccountSettings {
	t.Helper()
	s, err := t.SaveAccount(t.Context(), accountChangeOf(account, base, style))
	must(t, err, fmt.Sprintf("SaveAccount(%s, base %d)", account, base))
	return s
}

// wantSettings looks at every part of what was saved with saveAccount.
func (t *modelTest) wantSettings(got registry.AccountSettings, account credits.Account, number int64, style string, at time.Time) {
	t.Helper()
	want := accountChangeOf(account, 0, style)
	if got.Number != number || got.Account != account || got.Who != want.Who || got.Why != want.Why || !got.At.Equal(at) {
		t.Errorf("settings = %d of %q by %q, %q, at %v, want %d of %q by %q, %q, at %v",
			got.Number, got.Account, got.Who, got.Why, got.At, number, account, want.Who, want.Why, at)
	}
	for _, d := range registry.Diff(registry.Configuration{Settings: want.Next}, registry.Configuration{Settings: got.Settings}) {
		t.Errorf("settings %d are not what was saved: %v", number, d)
	}
}

func (t *modelTest) account(account credits.Account) registry.AccountSettings {
	t.Helper()
	s, err := t.Account(t.Context(), account)
	must(t, err, fmt.Sprintf("Account(%s)", account))
	return s
}

func (t *modelTest) wantLatestAccount(want int64) {
	t.Helper()
	got, err := t.LatestAccount(t.Context())
	if err != nil || got != want {
		t.Errorf("LatestAccount = %d, %v, want %d", got, err, want)
	}
}

func (t *modelTest) accountNumbers(account credits.Account, before int64) (out []int64) {
	t.Helper()
	for s, err := range t.AccountHistory(t.Context(), account, before) {
		must(t, err, fmt.Sprintf("AccountHistory(%s, %d)", account, before))
		out = append(out, s.Number)
	}
	return out
}

// manyAccounts is more than a store reads at once.
const manyAccounts = 510

var accountCases = []testCase[*modelTest]{
	{"BeginsWithoutSettingsOfAccounts", "an account that never had settings has number 0, nothing set and no history, and LatestAccount is 0",
		func(t *modelTest) {
			t.save(0, "a")
			t.wantLatestAccount(0)
			s := t.account("a")
			if d := registry.Diff(registry.Configuration{}, registry.Configuration{Settings: s.Settings}); s.Number != 0 || s.Account != "a" || len(d) > 0 {
				t.Errorf("Account(a) = %d of %q, %v, want 0 of \"a\" that says nothing", s.Number, s.Account, d)
			}
			if got := t.accountNumbers("a", 0); len(got) > 0 {
				t.Errorf("AccountHistory(a) yields %v", got)
			}
		}},
	{"KeepsSettingsOfAccounts", "each change of settings is whole, with who, why and the store's time; the newest of an account are its own alone",
		func(t *modelTest) {
			t.save(0, "a")
			first := t.clock.now()
			t.wantSettings(t.saveAccount("a", 0, "oil"), "a", 1, "oil", first)
			t.clock.advance(time.Second)
			t.saveAccount("b", 0, "ink")
			t.wantSettings(t.account("a"), "a", 1, "oil", first)
			t.wantSettings(t.account("b"), "b", 2, "ink", first.Add(time.Second))
			t.clock.advance(time.Second)
			t.wantSettings(t.saveAccount("a", 1, "chalk"), "a", 3, "chalk", first.Add(2*time.Second))
			t.wantSettings(t.account("a"), "a", 3, "chalk", first.Add(2*time.Second))
		}},
	{"NumbersSettingsOverAllAccounts", "settings are numbered 1, 2, 3 over all accounts, and LatestAccount is the last: one look tells whether anything has changed",
		func(t *modelTest) {
			t.save(0, "a")
			for i, account := range []credits.Account{"a", "b", "c"} {
				if s := t.saveAccount(account, 0, "oil"); s.Number != int64(i)+1 {
					t.Errorf("settings of %q have the number %d, want %d", account, s.Number, i+1)
				}
				t.wantLatestAccount(int64(i) + 1)
			}
		}},
	{"RefusesAChangeOfOlderSettings", "a change that was not made from the account's newest settings is ErrConflict, and nothing changes",
		func(t *modelTest) {
			t.save(0, "a")
			t.saveAccount("a", 0, "oil")
			t.saveAccount("b", 0, "ink")
			for _, base := range []int64{0, 2, 3} {
				_, err := t.SaveAccount(t.Context(), accountChangeOf("a", base, "chalk"))
				wantErr(t, err, registry.ErrConflict, fmt.Sprintf("SaveAccount(a, base %d)", base))
			}
			t.wantLatestAccount(2)
			t.wantSettings(t.account("a"), "a", 1, "oil", t.clock.now())
		}},
	{"TakesOneOfManyChangesOfAnAccount", "of many changes of one account's settings that race one is taken, the others are ErrConflict",
		func(t *modelTest) {
			t.save(0, "a")
			errs := together(16, func(int) error {
				_, err := t.SaveAccount(t.Context(), accountChangeOf("a", 0, "oil"))
				return err
			})
			if won, lost := matching(errs, nil), matching(errs, registry.ErrConflict); won != 1 || lost != 15 {
				t.Errorf("16 changes: %d are taken, %d conflict, want 1 and 15: %v", won, lost, errors.Join(errs...))
			}
			t.wantLatestAccount(1)
		}},
	{"KeepsSettingsApart", "what a call was given or returned is the caller's: writing to it changes no settings",
		func(t *modelTest) {
			t.save(0, "a")
			spoil := func(s registry.Settings) {
				s.Functions["write"] = registry.FunctionSettings{Prompt: "spoiled"}
				*s.Images.PerArticle = 8
			}
			given := accountChangeOf("a", 0, "oil")
			s, err := t.SaveAccount(t.Context(), given)
			must(t, err, "SaveAccount")
			spoil(given.Next)
			spoil(s.Settings)
			for range 2 {
				s = t.account("a")
				t.wantSettings(s, "a", 1, "oil", t.clock.now())
				spoil(s.Settings)
			}
		}},
	{"ListsTheSettingsOfAnAccount", "AccountHistory yields what an account has had, newest first, below a number if one is given, page by page, and of no other account",
		func(t *modelTest) {
			t.save(0, "a")
			var want []int64
			for i, number, base := 0, int64(0), int64(0); i < 45; i++ {
				if i%15 == 0 {
					t.saveAccount(credits.Account(fmt.Sprint("b", i)), 0, "ink")
					number++
				}
				base = t.saveAccount("a", base, fmt.Sprint("oil ", i)).Number
				number++
				want = append(want, number)
			}
			slices.Reverse(want)
			if got := t.accountNumbers("a", 0); !slices.Equal(got, want) {
				t.Errorf("AccountHistory(a, 0) yields %v, want %v", got, want)
			}
			if got := t.accountNumbers("a", want[3]); !slices.Equal(got, want[4:]) {
				t.Errorf("AccountHistory(a, %d) yields %v, want %v", want[3], got, want[4:])
			}
			for s, err := range t.AccountHistory(t.Context(), "a", want[43]) {
				must(t, err, "AccountHistory")
				t.wantSettings(s, "a", want[44], "oil 0", t.clock.now())
			}
		}},
	{"RefusesSettingsBeforeThereIsAConfiguration", "settings of an account cannot be judged without a configuration: ErrNotFound",
		func(t *modelTest) {
			_, err := t.SaveAccount(t.Context(), accountChangeOf("a", 0, "oil"))
			wantErr(t, err, registry.ErrNotFound, "SaveAccount")
			t.wantLatestAccount(0)
		}},
	{"JudgesSettingsByWhatIsPending", "settings must hold with every version that will take force: what a pending one does without is refused",
		func(t *modelTest) {
			t.save(0, "a")
			pending := withoutEditor(1, "b")
			pending.EffectiveAt = t.clock.now().Add(time.Hour)
			_, err := t.Save(t.Context(), pending)
			must(t, err, "Save")
			_, err = t.SaveAccount(t.Context(), accountChangeOf("a", 0, "oil"))
			wantErr(t, err, registry.ErrInvalid, "SaveAccount")
			if err == nil || !strings.Contains(err.Error(), "as of version 2, in force from 2026-03-01T13:00:00Z") {
				t.Errorf("SaveAccount = %v, want a word of version 2", err)
			}
			t.wantLatestAccount(0)
		}},
	{"ForgetsWhatWasCancelledWhenItJudgesSettings", "a pending version that was cancelled will not take force, and refuses no settings",
		func(t *modelTest) {
			t.save(0, "a")
			pending := withoutEditor(1, "b")
			pending.EffectiveAt = t.clock.now().Add(time.Hour)
			_, err := t.Save(t.Context(), pending)
			must(t, err, "Save")
			t.saveAt(2, "c", t.clock.now().Add(time.Minute))
			t.saveAccount("a", 0, "oil")
		}},
	{"KeepsWhatAccountsStandOn", "a version without a model that an account names is refused, and says whose settings name it",
		func(t *modelTest) {
			t.save(0, "a")
			t.saveAccount("a", 0, "oil")
			_, err := t.Save(t.Context(), withoutEditor(1, "b"))
			wantErr(t, err, registry.ErrInvalid, "Save")
			says := `registry: account "a": settings of function "write": invalid configuration: model "editor" is not active: name one that is`
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("Save = %v, want %s", err, says)
			}
			for i := range 10 {
				t.saveAccount(credits.Account(fmt.Sprint("b", i)), 0, "oil")
			}
			_, err = t.Save(t.Context(), withoutEditor(1, "b"))
			wantErr(t, err, registry.ErrInvalid, "Save")
			if says = "registry: accounts: invalid configuration: there are more than these 10"; err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("Save = %v, want %s", err, says)
			}
			t.wantLatest(1)
		}},
	{"LooksAtTheSettingsOfEveryAccount", "a version is held to the settings of all accounts, also where they are more than a store reads at once",
		func(t *modelTest) {
			t.save(0, "a")
			for i := range manyAccounts {
				_, err := t.SaveAccount(t.Context(), registry.AccountChange{Account: credits.Account(fmt.Sprintf("a%04d", i)), Who: "ben", Why: "a style",
					Next: registry.Settings{Images: registry.ImageSettings{Style: "oil"}}})
				must(t, err, "SaveAccount")
			}
			t.saveAccount("b", 0, "oil") // the last by name, by number and by time
			_, err := t.Save(t.Context(), withoutEditor(1, "b"))
			wantErr(t, err, registry.ErrInvalid, "Save")
			if err == nil || !strings.Contains(err.Error(), `account "b"`) {
				t.Errorf("Save = %v, want a word of the account b", err)
			}
		}},
	{"LooksAtTheNewestSettingsOnly", "a version is held to the newest settings of each account, not to what they were",
		func(t *modelTest) {
			t.save(0, "a")
			s := t.saveAccount("a", 0, "oil")
			_, err := t.SaveAccount(t.Context(), registry.AccountChange{Account: "a", Base: s.Number, Who: "ben", Why: "back to the system's"})
			must(t, err, "SaveAccount")
			_, err = t.Save(t.Context(), withoutEditor(1, "b"))
			must(t, err, "Save")
		}},
	{"JudgesVersionsAndSettingsInTurn", "of a version without a model and settings that name it, saved at once, one is refused: no account stands on nothing",
		func(t *modelTest) {
			t.save(0, "a")
			for i := range 12 {
				base := int64(2*i + 1)
				account := credits.Account(fmt.Sprint("a", i))
				errs := together(2, func(n int) error {
					if n == 0 {
						_, err := t.Save(t.Context(), withoutEditor(base, "b"))
						return err
					}
					_, err := t.SaveAccount(t.Context(), accountChangeOf(account, 0, "oil"))
					return err
				})
				if won, refused := matching(errs, nil), matching(errs, registry.ErrInvalid); won != 1 || refused != 1 {
					t.Fatalf("round %d: %d are saved and %d refused, want one each: %v", i, won, refused, errors.Join(errs...))
				}
				if errs[0] != nil { // the account goes back, so that the next round can be lost by it
					s := t.account(account)
					_, err := t.SaveAccount(t.Context(), registry.AccountChange{Account: account, Base: s.Number, Who: "ben", Why: "back"})
					must(t, err, "SaveAccount")
					t.save(base, "c")
				}
				t.save(base+1, "d")
			}
		}},
	{"ServesNoSettingsUnderACancelledContext", "a call for an account's settings whose context is over before it begins returns the context's error and changes nothing",
		func(t *modelTest) {
			t.save(0, "a")
			ctx := cancelled(t)
			_, err := t.SaveAccount(ctx, accountChangeOf("a", 0, "oil"))
			wantErr(t, err, context.Canceled, "SaveAccount")
			_, err = t.Account(ctx, "a")
			wantErr(t, err, context.Canceled, "Account")
			_, err = t.LatestAccount(ctx)
			wantErr(t, err, context.Canceled, "LatestAccount")
			t.wantLatestAccount(0)
			t.saveAccount("a", 0, "oil")
			n := 0
			for _, err := range t.AccountHistory(ctx, "a", 0) {
				wantErr(t, err, context.Canceled, "AccountHistory")
				n++
			}
			if n != 1 {
				t.Errorf("AccountHistory yields %d elements, want the error alone", n)
			}
		}},
	{"AnswersByTheSettingsOfAccounts", "a registry over the store resolves a call by the account's newest settings, within its poll interval if another process changed them",
		func(t *modelTest) {
			t.save(0, "a")
			r, err := registry.Open(t.Context(), t.ModelStore, &registry.Options{Poll: time.Millisecond, Now: t.clock.now})
			must(t, err, "Open")
			defer r.Close()
			ask := registry.Ask{Account: "a", Function: "write", Kind: registry.Text}
			want := func(name string) {
				t.Helper()
				got := ""
				for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
					e, err := r.Effective(t.Context(), ask)
					must(t, err, "Effective")
					if got = e.Model.Name; got == name {
						return
					}
				}
				t.Errorf("the call is for the model %q, want %q", got, name)
			}
			want("writer")
			s := t.saveAccount("a", 0, "oil")
			want("editor")
			_, err = t.SaveAccount(t.Context(), registry.AccountChange{Account: "a", Base: s.Number, Who: "ben", Why: "back"})
			must(t, err, "SaveAccount")
			want("writer")
		}},
}

// accountRule is a rule that is held when an account's settings are written.
type accountRule struct {
	name   string
	says   string
	breaks func(c *registry.AccountChange)
}

func accountRuleCases() (out []testCase[*modelTest]) {
	for _, r := range accountRules() {
		out = append(out, testCase[*modelTest]{"Refuses" + r.name, "what AccountChange.Validate refuses is not saved: the error matches ErrInvalid and says: " + r.says,
			func(t *modelTest) {
				t.save(0, "a")
				s := t.saveAccount("a", 0, "oil")
				c := accountChangeOf("a", s.Number, "ink")
				r.breaks(&c)
				_, err := t.SaveAccount(t.Context(), c)
				wantErr(t, err, registry.ErrInvalid, "SaveAccount")
				if err == nil || !strings.Contains(err.Error()+"\n", r.says+"\n") {
					t.Errorf("SaveAccount = %v, want a line %s", err, r.says)
				}
				t.wantLatestAccount(1)
				t.wantSettings(t.account("a"), "a", 1, "oil", t.clock.now())
			}})
	}
	return out
}

// accountRules are all of them, as broken in a change of accountChangeOf.
func accountRules() []accountRule {
	function := func(f registry.FunctionSettings) func(*registry.AccountChange) {
		return func(c *registry.AccountChange) { c.Next.Functions["write"] = f }
	}
	images := func(i registry.ImageSettings) func(*registry.AccountChange) {
		return func(c *registry.AccountChange) { c.Next.Images = i }
	}
	return []accountRule{
		{"SettingsOfNoAccount", `registry: change of settings: invalid configuration: credits: account: invalid request: the account is empty`,
			func(c *registry.AccountChange) { c.Account = "" }},
		{"SettingsOfAnAccountWithALongName", `registry: change of settings: invalid configuration: credits: account: invalid request: the account has 201 bytes, at most 200 are allowed`,
			func(c *registry.AccountChange) { c.Account = credits.Account(strings.Repeat("a", 201)) }},
		{"SettingsOfNobodysMaking", `registry: change of settings: invalid configuration: who must be set: say who changes them`,
			func(c *registry.AccountChange) { c.Who = " " }},
		{"SettingsOfNoReason", `registry: change of settings: invalid configuration: why must be set: say what the change is for`,
			func(c *registry.AccountChange) { c.Why = "" }},
		{"SettingsOfTooManyBytes", `registry: change of settings: invalid configuration: they have 65573 bytes, at most 65536 are allowed: shorten the prompts`,
			func(c *registry.AccountChange) {
				c.Next = registry.Settings{Functions: map[string]registry.FunctionSettings{"write": {Prompt: strings.Repeat("a", 64<<10)}}}
			}},
		{"SettingsOfAMissingModel", `registry: account "a": settings of function "write": invalid configuration: model "nobody" does not exist: add it, or name another one`,
			function(registry.FunctionSettings{Model: "nobody"})},
		{"SettingsOfAnInactiveModel", `registry: account "a": settings of function "write": invalid configuration: model "retired" is not active: name one that is`,
			function(registry.FunctionSettings{Model: "retired"})},
		{"SettingsOfAMissingFallback", `registry: account "a": settings of function "write": invalid configuration: model "nobody" does not exist: add it, or name another one`,
			function(registry.FunctionSettings{Model: "editor", Fallbacks: []string{"nobody"}})},
		{"SettingsOfAFallbackOfAnotherKind", `registry: account "a": settings of function "write": invalid configuration: model "painter" makes image, and the one before it text: name one of the same kind`,
			function(registry.FunctionSettings{Model: "editor", Fallbacks: []string{"painter"}})},
		{"SettingsOfANegativeBound", `registry: account "a": settings of function "write": invalid configuration: max_tokens is -1: set a positive number, or leave it out`,
			function(registry.FunctionSettings{MaxTokens: -1})},
		{"SettingsOfAHotTemperature", `registry: account "a": settings of function "write": invalid configuration: temperature is 2.1, want 0 to 2`,
			function(registry.FunctionSettings{Temperature: new(decimal.RequireFromString("2.1"))})},
		{"SettingsOfATierThatNoModelIsOf", `registry: account "a": settings of images: invalid configuration: no active image model is of the quality_tier "coarse": name one that a model is of`,
			images(registry.ImageSettings{QualityTier: "coarse"})},
		{"SettingsOfAFormatThatThereIsNot", `registry: account "a": settings of images: invalid configuration: format is "gif": set png, jpeg or webp, or leave it out`,
			images(registry.ImageSettings{Format: "gif"})},
		{"SettingsOfTooManyPictures", `registry: account "a": settings of images: invalid configuration: per_article is 9, want 0 to 8`,
			images(registry.ImageSettings{PerArticle: new(9)})},
	}
}
