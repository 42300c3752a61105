package storetest

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"testing"

	"github.com/scrip-go/scrip/automation"
)

// brokenErrands are mistakes that an automation store could make with the claims on rows, each with the case that has to catch it.
var brokenErrands = []struct{ mistake, by string }{
	{"CountsErrandsAsRuns", "StartsErrandsBesideARun"},
	{"ForgetsWhatAnErrandIsAbout", "StartsErrandsBesideARun"},
	{"TidiesAnErrandUp", "RefusesAnErrandThatMakesNoSense"},
	{"NamesNoRunThatClaims", "ClaimsRowsOfAnErrandAllOrNone"},
	{"ClaimsTheRowsThatAreFree", "ClaimsRowsOfAnErrandAllOrNone"},
	{"PlansTheRowsThatAreFree", "PlansNoRowOfAnother"},
	{"TellsOfNoClaim", "PlansNoRowOfAnother"},
	{"TellsARunOfItsOwnClaims", "PlansNoRowOfAnother"},
	{"ClaimsIDsForRows", "ClaimsWhatAnItemTakesUp"},
	{"KeepsTheClaimsOfWhatIsDone", "EndsAClaimWithItsItem"},
	{"KeepsTheClaimsOfAnEarlierPlanning", "PlansAnewWithTheRowsOfToday"},
	{"KeepsTheClaimsOfARunThatIsOver", "EndsAllClaimsWithTheRun"},
	{"EndsTheClaimsOnTheRowsOfARunThatIsOver", "KeepsARowThatIsTakenUpAnew"},
	{"TellsTwoThatTheyHaveARow", "ClaimsARowForOneOfMany"},
}

// toyErrands is a sound store behind a mistake with claims.
type toyErrands struct {
	automation.Store
	mistake string

	mu   sync.Mutex
	ever map[string]bool // rows that were ever claimed; guarded by mu
}

func (s *toyErrands) CreateRun(ctx context.Context, r automation.Run) error {
	switch s.mistake {
	case "CountsErrandsAsRuns":
		for other := range s.Store.Unfinished(ctx) {
			if other.Site == r.Site {
				return &automation.RunExistsError{Site: r.Site, Run: other.ID}
			}
		}
	case "KeepsTheClaimsOfARunThatIsOver":
		s.note(r.Items...)
	case "TidiesAnErrandUp":
		if r.Errand() {
			r.Stages, r.Items = r.Stages[:1], slices.Compact(slices.DeleteFunc(slices.Clone(r.Items), func(row string) bool { return row == "" }))
		}
	}
	err := s.Store.CreateRun(ctx, r)
	var claimed *automation.ClaimedError
	if !errors.As(err, &claimed) {
		return err
	}
	switch s.mistake {
	case "TellsTwoThatTheyHaveARow":
		return nil
	case "NamesNoRunThatClaims":
		return automation.ErrClaimed
	case "ClaimsTheRowsThatAreFree":
		r.Items = slices.DeleteFunc(slices.Clone(r.Items), func(row string) bool { return row == claimed.Row })
		return errors.Join(err, s.Store.CreateRun(ctx, r))
	}
	return err
}

func (s *toyErrands) Run(ctx context.Context, id string) (automation.Run, []automation.StageCount, error) {
	r, counts, err := s.Store.Run(ctx, id)
	if s.mistake == "ForgetsWhatAnErrandIsAbout" {
		r.Items = nil
	}
	return r, counts, err
}

func (s *toyErrands) Plan(ctx context.Context, run, stage string, page []automation.Item, planning int64, last bool) (int64, error) {
	page = slices.Clone(page)
	for i := range page {
		switch s.mistake {
		case "ClaimsIDsForRows":
			page[i].Rows = nil
		case "KeepsTheClaimsOfWhatIsDone", "KeepsTheClaimsOfAnEarlierPlanning":
			s.note(page[i].Takes()...)
		}
	}
	began, err := s.Store.Plan(ctx, run, stage, page, planning, last)
	var claimed *automation.ClaimedError
	if errors.As(err, &claimed) && s.mistake == "PlansTheRowsThatAreFree" {
		free := slices.DeleteFunc(page, func(i automation.Item) bool { return slices.Contains(i.Takes(), claimed.Row) })
		_, late := s.Store.Plan(ctx, run, stage, free, planning, last)
		return 0, errors.Join(err, late)
	}
	return began, err
}

func (s *toyErrands) Claimed(ctx context.Context, site, stage, run string) iter.Seq2[string, error] {
	switch s.mistake {
	case "TellsOfNoClaim":
		return func(func(string, error) bool) {}
	case "TellsARunOfItsOwnClaims":
		run = ""
	}
	ended := map[string]bool{}
	if s.mistake == "EndsTheClaimsOnTheRowsOfARunThatIsOver" {
		for r := range s.Store.Runs(ctx, site) {
			for _, row := range r.Items {
				ended[row] = ended[row] || r.State.Terminal()
			}
		}
	}
	return func(yield func(string, error) bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for row, err := range s.Store.Claimed(ctx, site, stage, run) {
			if !s.ever[row] && !ended[row] && !yield(row, err) {
				return
			}
		}
		for row := range s.ever {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// note keeps rows claimed for ever.
func (s *toyErrands) note(rows ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, row := range rows {
		s.ever[row] = true
	}
}

func TestCatchesStoresThatBreakClaims(t *testing.T) {
	for _, broken := range append(brokenErrands, struct{ mistake, by string }{}) {
		failures := func(c testCase[*runTest]) []string {
			return complaints(t.Context(), func(r *recorder) {
				clk := newClock()
				sound := newToyRuns("", clk.now)
				s := &toyErrands{Store: sound, mistake: broken.mistake, ever: map[string]bool{}}
				c.do(&runTest{tb: r, store: s, faces: Faces{Runs: s, Content: sound.content, In: sound.in}, clock: clk}, (*runTest).audit)
			})
		}
		if broken.mistake == "" { // none, and then nothing is to be caught
			for _, c := range errandCases {
				if got := failures(c); len(got) > 0 {
					t.Errorf("case %s fails with a store without a mistake: %q", c.name, got)
				}
			}
			continue
		}
		t.Run(broken.mistake, func(t *testing.T) { wantCaught(t, errandCases, broken.by, failures) })
	}
}
