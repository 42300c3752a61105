package pipeline_test

import (
	"errors"
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
// nothing.
func TestAButtonWorksBesideAPausedRun(t *testing.T) {
	for name, open := range map[string]func(testing.TB) faces{"Memory": inMemory, "SQLite": inSQLite} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, open(t), 0, 5000)
			s.addKeywords(teaKeywords...)
			s.serve()
			s.next("before", pipeline.Request{To: pipeline.Tasks})
			_, err := s.start(pipeline.Request{From: pipeline.Write, To: pipeline.Write})
			must(t, err)
			must(t, s.runner.Pause(t.Context(), "r"))
			s.end("r", automation.Paused)

			tasks := all(t, s.content.Tasks())
			first := ""
			for _, task := range tasks {
				if task.Status == content.Queued {
					first = task.ID
					break
				}
			}
			err = s.do("button", pipeline.Write, first)
			if err != nil && !errors.Is(err, automation.ErrClaimed) { // the run may have planned it before it was paused
				t.Fatalf("Do = %v, want it begun, or claimed by the run", err)
			}
			if err == nil {
				must(t, s.do("button", pipeline.Write, first))
				if counts := s.end("button", automation.Done); counts[0].Done != 1 {
					t.Errorf("the button did %+v, want one", counts[0])
				}
				must(t, s.do("button", pipeline.Write, first))
				if err := s.do("button", pipeline.Write, tasks[len(tasks)-1].ID); !errors.Is(err, automation.ErrExists) {
					t.Errorf("Do under the same id about something else = %v, want ErrExists", err)
				}
				var not *pipeline.NotWaitingError
				if err := s.do("again", pipeline.Write, first); !errors.As(err, &not) || not.Status != content.Completed {
					t.Errorf("Do of what is done = %v, want *NotWaitingError", err)
				}
			}
			must(t, s.runner.Resume(t.Context(), "r"))
			s.wait(automation.Done)
			if n := len(all(t, s.content.Articles())); n != len(tasks) {
				t.Errorf("%d articles of %d tasks", n, len(tasks))
			}
			checkPaidOnce(t, s)
			s.verify()
		})
	}
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
