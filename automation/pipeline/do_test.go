package pipeline_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/credits"
)

// do asks for an errand of the site.
func (s *shop) do(id, stage string, items ...string) error {
	s.t.Helper()
	_, err := s.pipeline.Do(s.t.Context(), s.runner, pipeline.Errand{ID: id, Site: "site", Account: "alice", Stage: stage, Items: items})
	return err
}

// end waits until an errand is over.
func (s *shop) end(id string, want automation.State) []automation.StageCount {
	s.t.Helper()
	run, counts, err := s.runner.Wait(s.t.Context(), id)
	must(s.t, err)
	if run.State != want {
		s.t.Fatalf("errand %s is %s because of %q (%s), want %s", id, run.State, run.Reason, run.Detail, want)
	}
	return counts
}

// TestAButtonWorksBesideAPausedRun: each row is done once, by the button or by the run, and paid for once; a second click starts
// nothing, and what the run has planned is refused.
func TestAButtonWorksBesideAPausedRun(t *testing.T) {
	for name, open := range map[string]func(testing.TB) faces{"Memory": inMemory, "SQLite": inSQLite} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, open(t), 0, 5000)
			s.addKeywords(teaKeywords...)
			stop := s.serve()
			s.next("before", pipeline.Request{To: pipeline.Tasks})
			stop()
			tasks := all(t, s.content.Tasks())
			first, second := tasks[0].ID, tasks[1].ID
			_, err := s.start(pipeline.Request{From: pipeline.Write, To: pipeline.Write, MaxItems: map[string]int64{pipeline.Write: 1}})
			must(t, err)
			_, err = s.runs.Plan(t.Context(), "r", pipeline.Write, []automation.Item{{ID: first}}, 0, false) // and its runner dies
			must(t, err)
			must(t, s.runner.Pause(t.Context(), "r"))
			s.serve()
			s.end("r", automation.Paused)

			var claimed *automation.ClaimedError
			if err := s.do("taken", pipeline.Write, second, first); !errors.As(err, &claimed) || claimed.Row != first || claimed.Run != "r" {
				t.Errorf("Do of what the run has planned = %v, want *ClaimedError", err)
			}
			must(t, s.do("button", pipeline.Write, second))
			must(t, s.do("button", pipeline.Write, second))
			if counts := s.end("button", automation.Done); counts[0].Done != 1 {
				t.Errorf("the button did %+v, want one", counts[0])
			}
			must(t, s.do("button", pipeline.Write, second))
			if err := s.do("button", pipeline.Write, first); !errors.Is(err, automation.ErrExists) {
				t.Errorf("Do under the same id about something else = %v, want ErrExists", err)
			}
			var not *pipeline.NotWaitingError
			if err := s.do("again", pipeline.Write, second); !errors.As(err, &not) || not.Status != content.Completed {
				t.Errorf("Do of what is done = %v, want *NotWaitingError", err)
			}
			must(t, s.runner.Resume(t.Context(), "r"))
			s.wait(automation.Done)
			if n := len(all(t, s.content.Articles())); n != 2 {
				t.Errorf("%d articles, want one of the run and one of the button", n)
			}
			checkPaidOnce(t, s)
			s.verify()
		})
	}
}

// TestWhatAnErrandDidSinceItWasPlannedIsNotPaidForAgain: a planner reads a row before it claims it, and an errand may begin and end
// in between.
func TestWhatAnErrandDidSinceItWasPlannedIsNotPaidForAgain(t *testing.T) {
	s := newShop(t, inSQLite(t), 0, 5000)
	s.addKeywords(teaKeywords...)
	stop := s.serve()
	s.next("before", pipeline.Request{To: pipeline.Tasks})
	stop()
	_, err := s.start(pipeline.Request{From: pipeline.Write, To: pipeline.Write})
	must(t, err)
	var read []automation.Item // what the run's planner has read so far
	write := s.pipeline.Stages()[slices.Index(pipeline.StageNames(), pipeline.Write)]
	for item, err := range write.Plan(t.Context(), automation.Inputs{Run: "r", Site: "site", Account: "alice"}) {
		must(t, err)
		read = append(read, item)
	}
	must(t, s.runner.Pause(t.Context(), "r"))
	must(t, s.do("button", pipeline.Write, read[0].ID))
	stop = s.serve()
	s.end("button", automation.Done)
	s.end("r", automation.Paused)
	stop()
	must(t, s.runner.Resume(t.Context(), "r"))
	_, err = s.runs.Plan(t.Context(), "r", pipeline.Write, read, 0, true)
	must(t, err)
	s.serve()
	s.wait(automation.Done)
	if n := len(all(t, s.content.Articles())); n != len(read) {
		t.Errorf("%d articles of %d tasks", n, len(read))
	}
	checkPaidOnce(t, s)
	s.verify()
}

// TestAButtonWithoutCreditsIsPausedAlone: nothing else of the site is held up by it, and a cancel gives back what it held.
func TestAButtonWithoutCreditsIsPausedAlone(t *testing.T) {
	s := newShop(t, inSQLite(t), 0, 5000)
	s.addKeywords(teaKeywords...)
	s.serve()
	s.next("before", pipeline.Request{To: pipeline.Tasks})
	tasks := all(t, s.content.Tasks())
	button := pipeline.Errand{ID: "button", Site: "site", Account: "alice", Stage: pipeline.Write, Items: []string{tasks[0].ID}, MaxCredits: 1, AllowShort: true}
	_, err := s.pipeline.Do(t.Context(), s.runner, button)
	must(t, err)
	s.end("button", automation.Paused)
	must(t, s.do("another", pipeline.Write, tasks[1].ID))
	s.end("another", automation.Done)
	must(t, s.runner.Cancel(t.Context(), "button"))
	s.end("button", automation.Cancelled)
	s.verify()
	must(t, s.do("anew", pipeline.Write, tasks[0].ID))
	s.end("anew", automation.Done)
	checkPaidOnce(t, s)
	s.verify()
}

// TestAButtonAndTheRunBesideIt: every row is taken up by one of them.
func TestAButtonAndTheRunBesideIt(t *testing.T) {
	s := newShop(t, inSQLite(t), 1, 5000)
	s.addKeywords(teaKeywords...)
	var ids []string
	for _, k := range all(t, s.content.Keywords())[:5] {
		ids = append(ids, k.ID)
	}
	must(t, s.do("button", pipeline.Cluster, ids...))
	if err := s.do("other", pipeline.Cluster, ids...); !errors.Is(err, automation.ErrClaimed) {
		t.Errorf("Do of claimed rows = %v, want ErrClaimed", err)
	}
	_, err := s.start(pipeline.Request{To: pipeline.Cluster})
	must(t, err)
	s.serve()
	s.end("button", automation.Done)
	s.wait(automation.Done)
	for _, k := range all(t, s.content.Keywords()) {
		if k.Status != content.Mapped {
			t.Errorf("keyword %q is %s, want mapped", k.Text, k.Status)
		}
	}
	checkPaidOnce(t, s)
	s.verify()
}

func TestAButtonThatCannotBePaidForIsRefused(t *testing.T) {
	s := newShop(t, inMemory(t), 0, 0)
	s.addKeywords(teaKeywords...)
	var ids []string
	for _, k := range all(t, s.content.Keywords()) {
		ids = append(ids, k.ID)
	}
	if err := s.do("button", pipeline.Cluster, ids...); !errors.Is(err, credits.ErrInsufficient) {
		t.Errorf("Do without credits = %v, want ErrInsufficient", err)
	}
	if err := s.do("few", pipeline.Cluster, ids[0]); !errors.Is(err, pipeline.ErrInvalid) {
		t.Errorf("Do of one keyword = %v, want ErrInvalid", err)
	}
	var not *pipeline.NotWaitingError
	if err := s.do("none", pipeline.Write, "nowhere"); !errors.As(err, &not) || not.Item != "nowhere" {
		t.Errorf("Do of a row that is not there = %v, want *NotWaitingError", err)
	}
}
