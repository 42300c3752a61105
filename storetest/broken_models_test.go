package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/registry"
)

// brokenModels are mistakes that a model store could make, each with the case that has to catch it.
var brokenModels = []struct{ mistake, by string }{
	{"AcceptsAStaleBase", "RefusesAChangeOfAnOlderVersion"},
	{"ChecksTheBaseAndThenAppends", "AppendsOneOfManyChanges"},
	{"TakesTheOneInForceForTheLatest", "RefusesAChangeThatOverlooksAPendingOne"},
	{"LosesWho", "AppendsVersions"},
	{"LosesWhy", "ListsHistoryNewestFirst"},
	{"LosesTheTime", "AppendsVersions"},
	{"ReadsNumberAndDocumentApart", "NeverMixesVersions"},
	{"SharesItsConfiguration", "KeepsConfigurationsApart"},
	{"KeepsPricesAsFloats", "KeepsDecimalsExactly"},
	{"SavesWithoutValidation", "RefusesEverythingThatIsWrongAtOnce"},
	{"TellsOneMistakeOnly", "RefusesEverythingThatIsWrongAtOnce"},
	{"AppendsWhatItRefuses", "RefusesNoDefault"},
	{"WrapsNoErrors", "RefusesNoDefault"},
	{"JudgesByTheTimeOfWriting", "JudgesAPendingChangeByItsTime"},
	{"ServesAPendingVersionEarly", "KeepsAPendingVersionBack"},
	{"NeverServesAPendingVersion", "PutsAPendingVersionInForceByItself"},
	{"HidesAPendingVersion", "KeepsAPendingVersionBack"},
	{"RoundsEffectiveTimesDown", "KeepsEffectiveTimesToTheMicrosecond"},
	{"ServesTheLatestTime", "LetsALaterChangeCancelWhatIsPending"},
	{"ServesTheFirstBeforeItsTime", "HasNothingInForceBeforeTheFirstTime"},
	{"LoadsTheLatestForWhatIsMissing", "AppendsVersions"},
	{"ListsTheOldestFirst", "ListsHistoryNewestFirst"},
	{"ListsWhatWasInForceOnly", "ListsWhatIsPendingAndWhatWasCancelled"},
	{"ListsFromTheNewestAlways", "ContinuesAHistory"},
	{"LosesOneAtEachPage", "ListsALongHistory"},
	{"LocksWhileItLists", "ListsALongHistory"},
	{"IgnoresTheContext", "DoesNothingWithACancelledContext"},
	{"ListsWithoutTheContext", "ListsNothingWithACancelledContext"},

	{"AcceptsAStaleBaseOfSettings", "RefusesAChangeOfOlderSettings"},
	{"ChecksTheBaseOfSettingsAndThenAppends", "TakesOneOfManyChangesOfAnAccount"},
	{"NumbersEachAccountApart", "NumbersSettingsOverAllAccounts"},
	{"MixesAccountsUp", "KeepsSettingsOfAccounts"},
	{"LosesWhoMadeSettings", "KeepsSettingsOfAccounts"},
	{"SharesItsSettings", "KeepsSettingsApart"},
	{"SavesSettingsWithoutAConfiguration", "RefusesSettingsBeforeThereIsAConfiguration"},
	{"JudgesSettingsByTheVersionInForce", "JudgesSettingsByWhatIsPending"},
	{"JudgesSettingsByWhatWasCancelled", "ForgetsWhatWasCancelledWhenItJudgesSettings"},
	{"ForgetsTheAccounts", "KeepsWhatAccountsStandOn"},
	{"LooksAtOldSettingsToo", "LooksAtTheNewestSettingsOnly"},
	{"LooksAtOnePageOfAccounts", "LooksAtTheSettingsOfEveryAccount"},
	{"JudgesVersionsAndSettingsApart", "JudgesVersionsAndSettingsInTurn"},
	{"ListsTheSettingsOfAll", "ListsTheSettingsOfAnAccount"},
	{"ListsTheOldestSettingsFirst", "ListsTheSettingsOfAnAccount"},
	{"IgnoresTheContextOfSettings", "ServesNoSettingsUnderACancelledContext"},
	{"SeesNoNewSettings", "AnswersByTheSettingsOfAccounts"},
}

// toyModels is a model store that makes one mistake, or none.
type toyModels struct {
	now      func() time.Time
	mistake  string
	validate func(registry.Change, time.Time, iter.Seq2[registry.AccountSettings, error]) error
	judge    func(registry.AccountChange, time.Time, iter.Seq2[registry.Version, error]) error

	mu       sync.Mutex
	versions []registry.Version         // guarded by mu; the configurations are copied on the way in and out
	accounts []registry.AccountSettings // as versions
}

func (s *toyModels) makes(mistake string) bool { return s.mistake == mistake }

func (s *toyModels) over(ctx context.Context) error {
	if s.makes("IgnoresTheContext") {
		return nil
	}
	return ctx.Err()
}

func (s *toyModels) copyOf(v registry.Version) registry.Version {
	if s.makes("SharesItsConfiguration") {
		return v
	}
	b, err := json.Marshal(v.Configuration)
	if err != nil { // what should have been refused
		return v
	}
	v.Configuration = registry.Configuration{}
	if err := json.Unmarshal(b, &v.Configuration); err != nil {
		panic(err)
	}
	return v
}

func (s *toyModels) Latest(ctx context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.makes("HidesAPendingVersion") {
		return s.inForce(), s.over(ctx)
	}
	return int64(len(s.versions)), s.over(ctx)
}

func (s *toyModels) InForce(ctx context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inForce(), s.over(ctx)
}

func (s *toyModels) inForce() int64 {
	var found registry.Version
	for i, v := range s.versions {
		switch pending := v.EffectiveAt.After(s.now()); {
		case s.makes("ServesAPendingVersionEarly"):
		case s.makes("ServesTheFirstBeforeItsTime") && i == 0:
		case s.makes("NeverServesAPendingVersion") && v.EffectiveAt.After(v.At), pending:
			continue
		case s.makes("ServesTheLatestTime") && v.EffectiveAt.Before(found.EffectiveAt):
			continue
		}
		found = v
	}
	return found.Number
}

func (s *toyModels) Load(ctx context.Context, number int64) (registry.Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.over(ctx); err != nil {
		return registry.Version{}, err
	}
	latest := int64(len(s.versions))
	if number == 0 {
		number = s.inForce()
	}
	if s.makes("LoadsTheLatestForWhatIsMissing") && number > latest {
		number = latest
	}
	if number < 1 || number > latest {
		return registry.Version{}, registry.ErrNotFound
	}
	v := s.versions[number-1]
	if s.makes("ReadsNumberAndDocumentApart") {
		for range 100 { // until somebody writes between the two
			s.mu.Unlock()
			time.Sleep(500 * time.Microsecond)
			s.mu.Lock()
			if int64(len(s.versions)) > latest {
				break
			}
		}
		v.Configuration = s.versions[len(s.versions)-1].Configuration
	}
	return s.copyOf(v), nil
}

func (s *toyModels) Save(ctx context.Context, c registry.Change) (registry.Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.over(ctx); err != nil {
		return registry.Version{}, err
	}
	now := s.now()
	refused := s.check(c, now)
	if refused != nil && !s.makes("AppendsWhatItRefuses") {
		return registry.Version{}, refused
	}
	base := int64(len(s.versions))
	if s.makes("TakesTheOneInForceForTheLatest") {
		base = s.inForce()
	}
	if c.Base != base && !s.makes("AcceptsAStaleBase") {
		return registry.Version{}, registry.ErrConflict
	}
	if s.makes("ChecksTheBaseAndThenAppends") || s.makes("JudgesVersionsAndSettingsApart") {
		s.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
		s.mu.Lock()
	}
	v := registry.Version{Number: int64(len(s.versions)) + 1, At: now, EffectiveAt: c.EffectiveFrom(now), Who: c.Who, Why: c.Why, Configuration: c.Next}
	switch s.mistake {
	case "LosesWho":
		v.Who = "somebody"
	case "LosesWhy":
		v.Why = ""
	case "LosesTheTime":
		v.At = time.Time{}
	case "RoundsEffectiveTimesDown":
		v.EffectiveAt = v.EffectiveAt.Truncate(time.Second)
	case "KeepsPricesAsFloats":
		v = s.copyOf(v)
		for i := range v.Configuration.Models {
			if p := v.Configuration.Models[i].Prices.Input; p != nil {
				f, _ := p.Float64()
				*p = decimal.NewFromFloat(f)
			}
		}
	}
	s.versions = append(s.versions, s.copyOf(v))
	return s.copyOf(v), refused
}

func (s *toyModels) check(c registry.Change, now time.Time) error {
	if s.makes("JudgesByTheTimeOfWriting") {
		c.EffectiveAt = time.Time{}
	}
	accounts := s.newest()
	if s.makes("ForgetsTheAccounts") {
		accounts = nil
	}
	err := s.validate(c, now, accounts)
	if all, ok := err.(interface{ Unwrap() []error }); ok && s.makes("TellsOneMistakeOnly") {
		return all.Unwrap()[0]
	}
	switch {
	case s.makes("SavesWithoutValidation"):
		return nil
	case err != nil && s.makes("WrapsNoErrors"):
		return errors.New(err.Error())
	}
	return err
}

func (s *toyModels) History(ctx context.Context, before int64) iter.Seq2[registry.Version, error] {
	const page = 20
	return func(yield func(registry.Version, error) bool) {
		s.mu.Lock()
		if s.makes("LocksWhileItLists") {
			defer s.mu.Unlock()
		}
		versions := slices.Clone(s.versions)
		if s.makes("ListsWhatWasInForceOnly") {
			versions = slices.DeleteFunc(versions, func(v registry.Version) bool { return v.EffectiveAt.After(v.At) })
		}
		if !s.makes("LocksWhileItLists") {
			s.mu.Unlock()
		}
		if before != 0 && !s.makes("ListsFromTheNewestAlways") {
			versions = slices.DeleteFunc(versions, func(v registry.Version) bool { return v.Number >= before })
		}
		if !s.makes("ListsTheOldestFirst") {
			slices.Reverse(versions)
		}
		if s.over(ctx) != nil && !s.makes("ListsWithoutTheContext") {
			yield(registry.Version{}, s.over(ctx))
			return
		}
		for i, v := range versions {
			if s.makes("LosesOneAtEachPage") && i > 0 && i%page == 0 {
				continue
			}
			if !yield(s.copyOf(v), nil) {
				return
			}
		}
	}
}

// modelFailures runs a case against a model store and returns what it complains of. A case that does not end has
// complained too.
func modelFailures(ctx context.Context, c testCase[*modelTest], s *toyModels) []string {
	patience := 30 * time.Second
	if s.makes("LocksWhileItLists") || s.makes("SeesNoNewSettings") { // which is found by waiting
		patience = time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r := &recorder{ctx: ctx}
	clk := newClock()
	s.now = clk.now
	if s.validate == nil {
		s.validate = registry.Change.Validate
	}
	if s.judge == nil {
		s.judge = registry.AccountChange.Validate
	}
	done := make(chan struct{})
	go func() { // a case that gives up ends its goroutine
		defer close(done)
		c.do(&modelTest{tb: r, ModelStore: s, clock: clk}, nil)
	}()
	select {
	case <-done:
		return r.fails
	case <-ctx.Done():
		return []string{"it does not end"}
	}
}

func TestPassesASoundModelStore(t *testing.T) {
	for _, c := range modelCases() {
		if got := modelFailures(t.Context(), c, &toyModels{}); len(got) > 0 {
			t.Errorf("case %s fails with a store without a mistake: %q", c.name, got)
		}
	}
}

func TestCatchesBrokenModelStores(t *testing.T) {
	for _, broken := range brokenModels {
		t.Run(broken.mistake, func(t *testing.T) {
			for _, c := range modelCases() {
				if c.name != broken.by {
					continue
				}
				got := modelFailures(t.Context(), c, &toyModels{mistake: broken.mistake})
				if len(got) == 0 {
					t.Errorf("case %s does not catch it", broken.by)
				}
				t.Logf("%q", got)
				return
			}
			t.Errorf("there is no case %s", broken.by)
		})
	}
}

// TestCatchesAStoreThatForgetsOneRule: each rule has a case that fails by itself when the rule is not held.
func TestCatchesAStoreThatForgetsOneRule(t *testing.T) {
	cases := map[string]testCase[*modelTest]{}
	for _, c := range ruleCases() {
		cases[c.name] = c
	}
	for _, rule := range modelRules() {
		forgets := func(c registry.Change, now time.Time, accounts iter.Seq2[registry.AccountSettings, error]) error {
			return without(rule.says, c.Validate(now, accounts))
		}
		if got := modelFailures(t.Context(), cases["Refuses"+rule.name], &toyModels{validate: forgets}); len(got) == 0 {
			t.Errorf("case Refuses%s does not notice that its rule is not held", rule.name)
		}
	}
	for _, c := range accountRuleCases() {
		cases[c.name] = c
	}
	for _, rule := range accountRules() {
		forgets := func(c registry.AccountChange, now time.Time, versions iter.Seq2[registry.Version, error]) error {
			return without(rule.says, c.Validate(now, versions))
		}
		if got := modelFailures(t.Context(), cases["Refuses"+rule.name], &toyModels{judge: forgets}); len(got) == 0 {
			t.Errorf("case Refuses%s does not notice that its rule is not held", rule.name)
		}
	}
}

// without returns what is left of joined errors when those that say something are left out.
func without(says string, err error) error {
	var kept []error
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range all.Unwrap() {
			if err := without(says, err); err != nil {
				kept = append(kept, err)
			}
		}
		return errors.Join(kept...)
	}
	if err == nil || strings.Contains(err.Error(), says) {
		return nil
	}
	return err
}

func TestTheRegistryPageListsTheRulesAndTheBrokenStores(t *testing.T) {
	page, err := os.ReadFile("../docs/registry.md")
	if err != nil {
		t.Fatal(err)
	}
	want := func(row string) {
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/registry.md lacks the row %s", row)
		}
	}
	for _, rule := range modelRules() {
		want(fmt.Sprintf("| `Refuses%s` | `%s` |\n", rule.name, rule.says))
	}
	for _, rule := range accountRules() {
		want(fmt.Sprintf("| `Refuses%s` | `%s` |\n", rule.name, rule.says))
	}
	for _, broken := range brokenModels {
		want(fmt.Sprintf("| %s | `%s` |\n", broken.mistake, broken.by))
	}
	if rows, known := strings.Count(string(page), "\n| `Refuses"), len(modelRules())+len(accountRules()); rows != known {
		t.Errorf("docs/registry.md has %d rules, and the suite %d", rows, known)
	}
}
