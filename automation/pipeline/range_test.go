package pipeline_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/credits"
)

// next starts a run of its own and waits until it is done.
func (s *shop) next(id string, q pipeline.Request) []automation.StageCount {
	s.t.Helper()
	q.ID, q.Site, q.Account = id, "site", "alice"
	_, err := s.pipeline.Start(s.t.Context(), s.runner, q)
	must(s.t, err)
	run, counts, err := s.runner.Wait(s.t.Context(), id)
	must(s.t, err)
	if run.State != automation.Done {
		s.t.Fatalf("run %s is %s because of %q (%s), want it done", id, run.State, run.Reason, run.Detail)
	}
	return counts
}

// TestARunDoesOneStageOrSeveralOrAll goes through the site in three runs: what one leaves, the next takes up.
func TestARunDoesOneStageOrSeveralOrAll(t *testing.T) {
	s := newShop(t, inSQLite(t), 1, 5000)
	s.serve()
	s.addKeywords(teaKeywords...)
	names := func(counts []automation.StageCount) (names []string) {
		for _, c := range counts {
			if c.Total == 0 || c.Done != c.Total {
				t.Errorf("stage %+v, want it to have work, and all of it done", c)
			}
			names = append(names, c.Stage)
		}
		return names
	}
	if got := names(s.next("one", pipeline.Request{From: pipeline.Cluster, To: pipeline.Cluster})); !slices.Equal(got, []string{pipeline.Cluster}) {
		t.Errorf("a run from cluster to cluster did %q", got)
	}
	if n := len(all(t, s.content.Ideas())); n > 0 || len(all(t, s.content.Clusters())) == 0 {
		t.Errorf("after the first stage there are %d ideas, want clusters only", n)
	}
	if got := names(s.next("several", pipeline.Request{From: pipeline.Ideas, To: pipeline.Write})); !slices.Equal(got, []string{pipeline.Ideas, pipeline.Tasks, pipeline.Write}) {
		t.Errorf("a run from ideas to content did %q", got)
	}
	if s.press.times > 0 || len(all(t, s.content.Articles())) == 0 {
		t.Error("want articles, and none published")
	}
	if got := names(s.next("rest", pipeline.Request{From: pipeline.ImagePrompts})); len(got) != 3 || s.press.times != len(all(t, s.content.Articles())) {
		t.Errorf("a run from image_prompts on did %q and published %d, want three stages and all articles", got, s.press.times)
	}
	checkPaidOnce(t, s)
	s.verify()
}

// TestAStageTakesUpNoMoreThanItMay: the keywords are counted, not their batches, and what is left is the next run's.
func TestAStageTakesUpNoMoreThanItMay(t *testing.T) {
	for name, open := range map[string]func(testing.TB) faces{"Memory": inMemory, "SQLite": inSQLite} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, open(t), 1, 5000)
			s.serve()
			s.addKeywords(teaKeywords...)
			most := map[string]int64{pipeline.Cluster: 6, pipeline.Ideas: 1, pipeline.Write: 2, pipeline.Images: 1, pipeline.Publish: 1}
			e, err := s.pipeline.Estimate(t.Context(), pipeline.Request{Account: "alice", Site: "site", MaxItems: most})
			must(t, err)
			counts := s.next("r", pipeline.Request{MaxItems: most})
			for i, c := range counts {
				bound, bounded := most[c.Stage]
				if bounded && c.Stage != pipeline.Cluster && (c.Total != bound || e.Stages[i].Items != bound) {
					t.Errorf("stage %s did %d items and %d were expected, want %d", c.Stage, c.Total, e.Stages[i].Items, bound)
				}
			}
			mapped := slices.DeleteFunc(all(t, s.content.Keywords()), func(k content.Keyword) bool { return k.Status != content.Mapped })
			if len(mapped) != 6 || counts[0].Total != 1 || e.Stages[0].Items != 1 {
				t.Errorf("%d keywords were grouped in %d batches, want 6 in 1", len(mapped), counts[0].Total)
			}
			if n := len(all(t, s.content.Articles())); n != 2 || s.press.times != 1 {
				t.Errorf("%d articles were written and %d published, want 2 and 1", n, s.press.times)
			}
			s.next("rest", pipeline.Request{From: pipeline.Ideas})
			if n := len(all(t, s.content.Articles())); n <= 2 {
				t.Errorf("the next run left %d articles, want it to go on with what was left", n)
			}
			for _, image := range all(t, s.content.Images()) {
				if image.Status != content.Generated {
					t.Errorf("picture %s is %s, want the next run to make it", image.ID, image.Status)
				}
			}
			checkPaidOnce(t, s)
			s.verify()
		})
	}
}

func TestRefusesARequestThatMakesNoSense(t *testing.T) {
	s := newShop(t, inMemory(t), 1, 5000)
	for name, q := range map[string]pipeline.Request{
		"a first stage that there is none of":  {From: "clusters"},
		"a last stage that there is none of":   {To: "publication"},
		"a range that goes backwards":          {From: pipeline.Images, To: pipeline.Ideas},
		"a bound of a stage outside the range": {From: pipeline.Ideas, MaxItems: map[string]int64{pipeline.Cluster: 20}},
		"a bound of no stage":                  {MaxItems: map[string]int64{"keywords": 20}},
		"a bound of nothing":                   {MaxItems: map[string]int64{pipeline.Ideas: 0}},
		"fewer keywords than can be grouped":   {MaxItems: map[string]int64{pipeline.Cluster: 2}},
		"credits below nothing":                {MaxCredits: -1},
	} {
		q.Account, q.Site, q.ID = "alice", "site", "r"
		if _, err := s.pipeline.Start(t.Context(), s.runner, q); !errors.Is(err, pipeline.ErrInvalid) {
			t.Errorf("Start with %s = %v, want ErrInvalid", name, err)
		}
		if _, err := s.pipeline.Estimate(t.Context(), q); !errors.Is(err, pipeline.ErrInvalid) {
			t.Errorf("Estimate with %s = %v, want ErrInvalid", name, err)
		}
		if _, _, err := s.runner.Run(t.Context(), "r"); !errors.Is(err, automation.ErrNotFound) {
			t.Errorf("a run with %s was created: %v", name, err)
		}
	}
}

// TestARunNeverPassesItsCredits has more credits than the run may charge: it pauses within its bound, with nothing held, and goes
// on once that is raised.
func TestARunNeverPassesItsCredits(t *testing.T) {
	for name, open := range map[string]func(testing.TB) faces{"Memory": inMemory, "SQLite": inSQLite} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, open(t), 1, 5000)
			s.serve()
			s.addKeywords(teaKeywords...)
			_, err := s.start(pipeline.Request{MaxCredits: 30})
			must(t, err)
			run, _ := s.wait(automation.Paused)
			b := s.verify()
			if run.Reason != automation.ByCredits || 5000-b.Posted > 30 || b.Posted == 5000 {
				t.Errorf("paused because of %q (%s) after %d credits, want it by credits after at most 30", run.Reason, run.Detail, 5000-b.Posted)
			}
			must(t, s.pipeline.CapRun(t.Context(), "alice", "r", 2000))
			must(t, s.runner.Resume(t.Context(), "r"))
			s.wait(automation.Done)
			s.verify()
			checkPaidOnce(t, s)

			caps := func(want ...string) {
				t.Helper()
				found, err := s.ledger.Caps(t.Context(), "alice")
				must(t, err)
				var names []string
				for _, c := range found {
					names = append(names, c.Name)
				}
				if !slices.Equal(names, want) {
					t.Errorf("the account's caps are %q, want %q", names, want)
				}
			}
			caps("run/r")
			must(t, s.ledger.SetCap(t.Context(), credits.Cap{Account: "alice", Name: "run/mine", Window: credits.PerMonth, Limit: 9000}))
			s.next("next", pipeline.Request{MaxCredits: 100})
			caps("run/mine", "run/next") // the one of the run that is over is gone, the host's own stays
			must(t, s.pipeline.CapRun(t.Context(), "alice", "next", 0))
			caps("run/mine")
		})
	}
}

// TestARunMayBeBoundBelowItsEstimate needs no more than the bound.
func TestARunMayBeBoundBelowItsEstimate(t *testing.T) {
	s := newShop(t, inMemory(t), 1, 40)
	s.addKeywords(teaKeywords...)
	var short *pipeline.ShortError
	if e, err := s.start(pipeline.Request{MaxCredits: 41}); !errors.As(err, &short) || short.Need != 41 || short.Estimate != e.Total {
		t.Errorf("Start with 40 credits and a bound of 41 = %v, want a ShortError that needs 41", err)
	}
	if found, err := s.ledger.Caps(t.Context(), "alice"); err != nil || len(found) > 0 {
		t.Errorf("a run that was refused left the caps %v, %v", found, err)
	}
	if _, err := s.start(pipeline.Request{MaxCredits: 40}); err != nil {
		t.Errorf("Start with 40 credits and a bound of 40 = %v", err)
	}
}

// TestAStartThatIsRefusedChangesNoCap, neither that of the run in the way nor that of the run that has the id already.
func TestAStartThatIsRefusedChangesNoCap(t *testing.T) {
	s := newShop(t, inMemory(t), 1, 5000)
	s.addKeywords(teaKeywords...)
	_, err := s.start(pipeline.Request{MaxCredits: 30})
	must(t, err)
	if _, err := s.start(pipeline.Request{MaxCredits: 50}); !errors.Is(err, automation.ErrInvalid) {
		t.Errorf("Start with an id that exists = %v, want automation.ErrInvalid", err)
	}
	if _, err := s.pipeline.Start(t.Context(), s.runner, pipeline.Request{ID: "other", Site: "site", Account: "alice", MaxCredits: 50}); !errors.Is(err, automation.ErrRunExists) {
		t.Errorf("Start beside an unfinished run = %v, want automation.ErrRunExists", err)
	}
	found, err := s.ledger.Caps(t.Context(), "alice")
	if err != nil || len(found) != 1 || found[0].Name != "run/r" || found[0].Limit != 30 {
		t.Errorf("the account's caps are %+v, %v, want the first run's of 30", found, err)
	}
}

// killed is a ledger under which the process dies once a cap is set, until it is started again.
type killed struct {
	credits.Ledger
	again bool
}

var errKilled = errors.New("killed")

func (k *killed) SetCap(ctx context.Context, c credits.Cap) error {
	if err := k.Ledger.SetCap(ctx, c); err != nil || k.again {
		return err
	}
	return errKilled
}

// TestAKillBetweenTheCapAndTheRunLeavesTheRunToBeStarted under the cap it is asked for then.
func TestAKillBetweenTheCapAndTheRunLeavesTheRunToBeStarted(t *testing.T) {
	f := inMemory(t)
	ledger := &killed{Ledger: f.ledger}
	f.ledger = ledger
	s := newShop(t, f, 1, 5000)
	s.addKeywords(teaKeywords...)
	if _, err := s.start(pipeline.Request{MaxCredits: 30}); !errors.Is(err, errKilled) {
		t.Fatalf("Start = %v, want it killed", err)
	}
	ledger.again = true
	_, err := s.start(pipeline.Request{MaxCredits: 25})
	must(t, err)
	if found, err := s.ledger.Caps(t.Context(), "alice"); err != nil || len(found) != 1 || found[0].Limit != 25 {
		t.Errorf("the account's caps are %+v, %v, want one of 25", found, err)
	}
}
