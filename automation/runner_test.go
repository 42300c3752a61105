package automation_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/memory"
)

func TestDoesEveryItemOfEveryStageInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		first, second, third := newStage("first", 1200), newStage("second", 0), newStage("third", 7) // more than a page, none, few
		var open atomic.Int64
		first.do = func(context.Context, automation.Call) error { open.Add(1); return nil }
		third.do = func(context.Context, automation.Call) error {
			if n := open.Load(); n != 1200 {
				t.Errorf("the third stage began after %d items of the first, want 1200", n)
			}
			return nil
		}
		b := start(t, automation.Config{Workers: 8}, first, second, third)
		run, counts := b.wait(automation.Done)
		first.wantSaved(t)
		third.wantSaved(t)
		want := []automation.StageCount{
			{Stage: "first", State: automation.StageDone, Total: 1200, Done: 1200, Created: 2400, Credits: 1200},
			{Stage: "second", State: automation.StageDone},
			{Stage: "third", State: automation.StageDone, Total: 7, Done: 7, Created: 14, Credits: 7},
		}
		if !slices.Equal(counts, want) || run.Stage != "third" {
			t.Errorf("counts = %+v in stage %q, want %+v", counts, run.Stage, want)
		}
	})
}

func TestFinishesAStageAfterItsItems(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		items := newStage("a", 5)
		finished, failures := 0, 2
		last := finishing{items, func(_ context.Context, c automation.Call) error {
			if failures--; failures >= 0 {
				return errItem
			}
			finished++
			for _, id := range items.items {
				if items.saved[id] != 1 {
					t.Errorf("Finish came before item %s was saved", id)
				}
			}
			if c.Item.ID != automation.FinishItem || c.Site != "site" {
				t.Errorf("Finish got %+v", c)
			}
			return nil
		}}
		b := start(t, automation.Config{}, last)
		_, counts := b.wait(automation.Done)
		if finished != 1 || counts[0].Total != 5 || counts[0].Done != 5 {
			t.Errorf("Finish succeeded %d times, counts %+v: want once, and the Finish task not counted", finished, counts[0])
		}
	})
}

func TestTriesAFailedItemAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newStage("a", 3)
		s.policy = automation.Policy{Attempts: 3, Backoff: time.Second}
		var began, again time.Time
		s.do = func(_ context.Context, c automation.Call) error {
			if c.Item.ID != "a-2" {
				return nil
			}
			switch c.Attempt {
			case 0:
				began = time.Now()
				return errItem
			case 1:
				again = time.Now()
				return errItem
			}
			if wait, next := again.Sub(began), time.Since(again); wait < time.Second || next < 2*time.Second {
				t.Errorf("the second try came after %s and the third after %s, want at least 1 s and 2 s", wait, next)
			}
			return nil
		}
		b := start(t, automation.Config{}, s)
		b.wait(automation.Done)
		s.wantSaved(t)
		if n := s.did("a-2"); n != 3 {
			t.Errorf("the item was tried %d times, want 3", n)
		}
	})
}

func TestGivesAnItemUpAndGoesOnWithTheOthers(t *testing.T) {
	for _, c := range []struct {
		name  string
		fail  func() error
		tries int
		cause string
	}{
		{"AfterItsAttempts", func() error { return errItem }, 3, "this item is no good"},
		{"AtOnceIfPermanent", func() error { return automation.Permanent(errItem) }, 1, "this item is no good"},
		{"AtOnceIfItPanics", func() error { panic("out of order") }, 1, "out of order"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				s := newStage("a", 3)
				s.do = func(_ context.Context, call automation.Call) error {
					if call.Item.ID == "a-1" {
						return c.fail()
					}
					return nil
				}
				b := start(t, automation.Config{}, s)
				_, counts := b.wait(automation.Done)
				if n := s.did("a-1"); n != c.tries || counts[0].Failed != 1 || counts[0].Done != 2 {
					t.Errorf("%d tries, counts %+v, want %d tries, 1 failed, 2 done", n, counts[0], c.tries)
				}
				for f, err := range b.store.Failed(t.Context(), "r") {
					if err != nil || f.Item != "a-1" || !strings.Contains(f.Cause, c.cause) || f.Attempts != c.tries {
						t.Errorf("Failed = %+v, %v", f, err)
					}
				}
			})
		})
	}
}

func TestFailsARunWhoseStageFailedAsAWhole(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, next := newStage("a", 4), newStage("b", 1)
		s.do = func(context.Context, automation.Call) error { return automation.Permanent(errItem) }
		b := start(t, automation.Config{}, s, next)
		run, _ := b.wait(automation.Failed)
		if run.Reason != automation.ByItems || next.did("b-1") != 0 {
			t.Errorf("the run failed because of %q and the next stage did %d items", run.Reason, next.did("b-1"))
		}
		b.startRun("r2", "site") // a failed run is not in the way
	})
}

func TestDoesNotCountATryThatIsNobodysFault(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newStage("a", 1)
		s.policy.Attempts = 1
		tries := 0
		s.do = func(_ context.Context, c automation.Call) error {
			if tries++; tries < 20 {
				return automation.Retry(errItem, time.Minute)
			}
			if c.Attempt != 0 {
				t.Errorf("Attempt = %d, want 0", c.Attempt)
			}
			return nil
		}
		begin := time.Now()
		start(t, automation.Config{}, s).wait(automation.Done)
		if d := time.Since(begin); d < 19*time.Minute {
			t.Errorf("20 tries took %s, want a minute between them", d)
		}
	})
}

func TestPausesWhatEveryItemWouldMeet(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newStage("a", 50)
		var mended atomic.Bool
		s.do = func(context.Context, automation.Call) error {
			if !mended.Load() {
				return automation.Pause(errors.New("the key is refused"), automation.ByProvider)
			}
			return nil
		}
		b := start(t, automation.Config{Workers: 4}, s)
		run, counts := b.wait(automation.Paused)
		if run.Reason != automation.ByProvider || run.Detail != "the key is refused" || counts[0].Failed+counts[0].Leased != 0 {
			t.Errorf("run = %+v, counts %+v, want it paused by the provider with nothing failed or under way", run, counts[0])
		}
		mended.Store(true)
		if err := b.Resume(t.Context(), "r"); err != nil {
			t.Fatal(err)
		}
		b.wait(automation.Done)
		s.wantSaved(t)
	})
}

func TestPauseEndsWhatIsUnderWayAndResumeGoesOn(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newStage("a", 10)
		s.do = func(ctx context.Context, _ automation.Call) error { time.Sleep(time.Minute); return ctx.Err() }
		b := start(t, automation.Config{Workers: 3}, s)
		time.Sleep(30 * time.Second)
		if err := b.Pause(t.Context(), "r"); err != nil {
			t.Fatal(err)
		}
		run, counts := b.wait(automation.Paused)
		if run.Reason != automation.ByUser || counts[0].Done != 3 {
			t.Errorf("paused because of %q after %d items, want by the user after the 3 under way", run.Reason, counts[0].Done)
		}
		time.Sleep(time.Hour)
		if _, counts, _ := b.store.Run(t.Context(), "r"); counts[0].Done != 3 {
			t.Errorf("%d items were done in a paused run", counts[0].Done-3)
		}
		if err := b.Resume(t.Context(), "r"); err != nil {
			t.Fatal(err)
		}
		b.wait(automation.Done)
		s.wantSaved(t)
		for name, err := range map[string]error{"Pause": b.Pause(t.Context(), "r"), "Resume": b.Resume(t.Context(), "r"), "Cancel": b.Cancel(t.Context(), "r")} {
			if !errors.Is(err, automation.ErrState) {
				t.Errorf("%s of a run that is done = %v, want ErrState", name, err)
			}
		}
		if err := b.Cancel(t.Context(), "none"); !errors.Is(err, automation.ErrNotFound) {
			t.Errorf("Cancel of no run = %v, want ErrNotFound", err)
		}
	})
}

func TestGoesOnWhereAStoppedRunnerWas(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		store := memory.New(nil).Runs()
		s := newStage("a", 30)
		s.policy.Attempts = 1 // a stop is no failed try
		s.do = func(ctx context.Context, c automation.Call) error {
			if c.Attempt != 0 {
				t.Errorf("Attempt = %d of %s, want 0", c.Attempt, c.Item.ID)
			}
			select {
			case <-time.After(10 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		b := start(t, automation.Config{Store: store, Workers: 2, Drain: 3 * time.Second}, s)
		time.Sleep(15 * time.Second)
		begin := time.Now()
		b.stop()
		if d := time.Since(begin); d != 3*time.Second {
			t.Errorf("Serve ended after %s, want after the 3 s of Drain", d)
		}
		_, counts, err := store.Run(t.Context(), "r")
		if err != nil || counts[0].Leased != 0 || counts[0].Failed != 0 {
			t.Errorf("after the stop: %+v, %v, want nothing leased and nothing failed", counts[0], err)
		}
		serve(t, automation.Config{Store: store, Workers: 4}, s).wait(automation.Done)
		s.wantSaved(t)
	})
}

// A worker that is slower than its lease, because its process hangs, meets one that took its task over.
func TestSavesATaskOnceThoughTwoWorkersDidIt(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		store := memory.New(nil).Runs()
		s := newStage("a", 1)
		fences := []int64{}
		s.do = func(_ context.Context, c automation.Call) error {
			s.mu.Lock()
			fences = append(fences, c.Holder.Fence)
			s.mu.Unlock()
			if c.Ref.Generation == 1 {
				time.Sleep(10 * time.Minute)
			}
			return nil
		}
		hung := start(t, automation.Config{Store: &deafToExtend{store}, Owner: "hung", Lease: time.Minute}, s)
		time.Sleep(time.Second)
		serve(t, automation.Config{Store: store, Owner: "lively", Lease: time.Minute}, s).wait(automation.Done)
		time.Sleep(time.Hour)
		hung.stop()
		s.wantSaved(t)
		if !slices.Equal(fences, []int64{1, 2}) {
			t.Errorf("fences = %v, want 1 and 2", fences)
		}
	})
}

type deafToExtend struct{ automation.Store }

func (d *deafToExtend) Extend(context.Context, string, []automation.TaskRef, time.Duration) ([]automation.TaskRef, error) {
	return nil, nil
}

func TestKeepsTheLeaseOfALongTask(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		store := memory.New(nil).Runs()
		s := newStage("a", 1)
		s.do = func(context.Context, automation.Call) error { time.Sleep(time.Hour); return nil }
		b := start(t, automation.Config{Store: store, Lease: time.Minute}, s)
		time.Sleep(time.Second)
		serve(t, automation.Config{Store: store, Lease: time.Minute}, s)
		b.wait(automation.Done)
		if n := s.did("a-1"); n != 1 {
			t.Errorf("the task was done %d times, want once: its lease was not kept", n)
		}
	})
}

func TestSavesWhatWasPaidForThoughTheStoreIsBusy(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newStage("a", 3)
		flaky := &flakyStore{Store: memory.New(nil).Runs()}
		flaky.failures.Store(2)
		b := start(t, automation.Config{Store: flaky}, s)
		b.wait(automation.Done)
		s.wantSaved(t)
		for _, id := range s.items {
			if n := s.did(id); n != 1 {
				t.Errorf("item %s was done %d times, want once", id, n)
			}
		}
	})
}

// flakyStore fails the first completions.
type flakyStore struct {
	automation.Store
	failures atomic.Int64
}

func (f *flakyStore) Complete(ctx context.Context, owner string, ref automation.TaskRef, out automation.Outcome, save func(automation.Tx) (int, error)) error {
	if f.failures.Add(-1) >= 0 {
		return errors.New("the store is busy")
	}
	return f.Store.Complete(ctx, owner, ref, out, save)
}

func TestPlansAStageAgainAfterAFailure(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newStage("a", 1100)
		s.planFails.Store(true)
		b := start(t, automation.Config{}, s)
		time.Sleep(3 * time.Second)
		if run, counts, _ := b.store.Run(t.Context(), "r"); run.State != automation.Running || counts[0].State != automation.StagePlanning || s.did("a-1") > 0 {
			t.Errorf("with a plan that fails the run is %s, %+v, and did an item", run.State, counts[0])
		}
		s.planFails.Store(false)
		_, counts := b.wait(automation.Done)
		if counts[0].Total != 1100 {
			t.Errorf("Total = %d, want 1100: pages of the failed planning are left", counts[0].Total)
		}
		s.wantSaved(t)
	})
}

// A deploy may take a stage away while a run is in it.
func TestLeavesTheTasksOfAStageThatItDoesNotHave(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		store := memory.New(nil).Runs()
		s := newStage("a", 3)
		var gone atomic.Bool
		s.do = func(_ context.Context, c automation.Call) error {
			if c.Attempt != 0 {
				t.Errorf("Attempt = %d of %s, want 0: not to have its stage is no failed try", c.Attempt, c.Item.ID)
			}
			if !gone.Load() {
				time.Sleep(time.Hour)
			}
			return nil
		}
		before := start(t, automation.Config{Store: store, Workers: 1, Drain: time.Second, Lease: time.Minute}, s)
		time.Sleep(time.Minute)
		gone.Store(true)
		without := serve(t, automation.Config{Store: store}, newStage("b", 1))
		time.Sleep(10 * time.Minute)
		without.stop()
		if _, counts, _ := store.Run(t.Context(), "r"); counts[0].Failed > 0 || counts[0].Done > 0 {
			t.Errorf("counts = %+v, want nothing done and nothing failed", counts[0])
		}
		before.wait(automation.Done)
		s.wantSaved(t)
	})
}

// listener is a store that keeps what the runner asks of it.
type listener struct {
	automation.Store
	mu     sync.Mutex
	claims []time.Time
	limit  int // of the first claim
	lease  time.Duration
	after  []time.Duration // of retries
}

func (l *listener) Claim(ctx context.Context, owner string, lease time.Duration, limit int) ([]automation.Task, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.claims = append(l.claims, time.Now()); len(l.claims) == 1 {
		l.limit, l.lease = limit, lease
	}
	return l.Store.Claim(ctx, owner, lease, limit)
}

func (l *listener) Retry(ctx context.Context, owner string, ref automation.TaskRef, cause string, after time.Duration, attempt bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.after = append(l.after, after)
	return l.Store.Retry(ctx, owner, ref, cause, after, attempt)
}

func TestTheDefaultsAreThoseOfTheComments(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		l := &listener{Store: memory.New(nil).Runs()}
		b := serve(t, automation.Config{Store: l}, newStage("a", 1))
		time.Sleep(time.Minute) // without anything to do
		l.mu.Lock()
		if idle := l.claims[len(l.claims)-1].Sub(l.claims[len(l.claims)-2]); l.limit != 4 || l.lease != 2*time.Minute || idle != 200*time.Millisecond {
			t.Errorf("%d workers, a lease of %s, a look every %s; want 4, 2m0s, 200ms", l.limit, l.lease, idle)
		}
		l.mu.Unlock()
		b.stop()

		hung := newStage("a", 1)
		hung.do = func(ctx context.Context, _ automation.Call) error { <-ctx.Done(); return ctx.Err() }
		b = start(t, automation.Config{}, hung)
		time.Sleep(time.Minute)
		begin := time.Now()
		b.stop()
		if d := time.Since(begin); d != 30*time.Second {
			t.Errorf("Serve ended after %s, want after 30 s", d)
		}
	})
}

func TestTheBackoffDoublesUpToFiveMinutes(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		l := &listener{Store: memory.New(nil).Runs()}
		s := newStage("a", 1)
		s.policy.Attempts = 13
		s.do = func(context.Context, automation.Call) error { return errItem }
		start(t, automation.Config{Store: l}, s).wait(automation.Failed)
		var want []time.Duration
		for d := 500 * time.Millisecond; len(want) < 12; d *= 2 {
			want = append(want, min(d, 5*time.Minute))
		}
		if !slices.Equal(l.after, want) {
			t.Errorf("tries after %v, want %v", l.after, want)
		}
	})
}

// TestAKeyIsTheSameInEveryTryAndRelease: who changes it makes a deploy in the middle of a run pay again.
func TestAKeyIsTheSameInEveryTryAndRelease(t *testing.T) {
	for try := range 3 {
		c := automation.Call{Ref: automation.TaskRef{Run: "r", Stage: "s", Item: "i", Generation: int64(try + 1)}, Attempt: try}
		if got := c.Key("draft"); got != "r/s/i/draft" {
			t.Errorf("Key = %q in try %d, want r/s/i/draft", got, try+1)
		}
	}
}

func TestRefusesAConfigurationThatCannotWork(t *testing.T) {
	_, err := automation.New(automation.Config{Workers: -1, Stages: []automation.Stage{newStage("a", 1), newStage("a", 1)}})
	for _, want := range []string{"Store must be set", `"a" is empty or there twice`, "negative"} {
		if !errors.Is(err, automation.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want ErrInvalid with %q", err, want)
		}
	}
	if _, err = automation.New(automation.Config{Store: memory.New(nil).Runs()}); err == nil || !strings.Contains(err.Error(), "Stages") {
		t.Errorf("New without stages = %v", err)
	}
}

func TestRefusesARunThatCannotStart(t *testing.T) {
	r, err := automation.New(automation.Config{Store: memory.New(nil).Runs(), Stages: []automation.Stage{newStage("a", 1)}})
	if err != nil {
		t.Fatal(err)
	}
	run := automation.Run{ID: "r", Site: "site", Account: "alice", Stages: []string{"a"}}
	for _, c := range []struct {
		name string
		with func(*automation.Run)
		want error
	}{
		{"NoSite", func(r *automation.Run) { r.Site = "" }, automation.ErrInvalid},
		{"NoAccount", func(r *automation.Run) { r.Account = "" }, automation.ErrInvalid},
		{"NoStages", func(r *automation.Run) { r.Stages = nil }, automation.ErrInvalid},
		{"UnknownStage", func(r *automation.Run) { r.Stages = []string{"b"} }, automation.ErrInvalid},
		{"StageTwice", func(r *automation.Run) { r.Stages = []string{"a", "a"} }, automation.ErrInvalid},
		{"None", func(*automation.Run) {}, nil},
		{"SiteIsBusy", func(r *automation.Run) { r.ID = "r2" }, automation.ErrRunExists},
	} {
		wrong := run
		c.with(&wrong)
		if err := r.Start(t.Context(), wrong); !errors.Is(err, c.want) {
			t.Errorf("%s: Start = %v, want %v", c.name, err, c.want)
		}
	}
	if _, _, err := r.Wait(t.Context(), "none"); !errors.Is(err, automation.ErrNotFound) {
		t.Errorf("Wait for no run = %v, want ErrNotFound", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := r.Wait(ctx, "r"); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait with a cancelled context = %v", err)
	}
}

func TestAnItemOfAnyStageMayBeCalledFinish(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newStage("a", 1)
		s.items = append(s.items, automation.FinishItem) // which is the Finish task's in a stage that has one only
		b := start(t, automation.Config{}, s)
		b.wait(automation.Done)
		s.wantSaved(t)
	})
}

func TestAPlanThatCannotSucceedPausesTheRun(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		reason automation.Reason
	}{
		{"Marked", automation.Pause(errItem, automation.ByProvider), automation.ByProvider},
		{"Permanent", automation.Permanent(errItem), automation.ByConfiguration},
		{"Panics", nil, automation.ByConfiguration},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				s := failing{newStage("a", 3), &atomic.Int64{}, c.err}
				b := start(t, automation.Config{}, s)
				run, _ := b.wait(automation.Paused)
				if run.Reason != c.reason || !strings.Contains(run.Detail, errItem.Error()) {
					t.Errorf("the run is paused because of %q (%s), want %q with what went wrong", run.Reason, run.Detail, c.reason)
				}
				if err := b.Resume(t.Context(), "r"); err != nil {
					t.Fatal(err)
				}
				b.wait(automation.Done)
				s.wantSaved(t)
				if n := s.plans.Load(); n != 2 {
					t.Errorf("the stage was planned %d times, want twice", n)
				}
			})
		})
	}
}

func TestItemsThatTheStoreRefusesPauseTheRun(t *testing.T) {
	for _, items := range [][]string{{"a", "b", "a"}, {"a", ""}} {
		inBubble(t, func(t *testing.T) {
			s := newStage("a", 0)
			s.items = items
			b := start(t, automation.Config{}, s)
			if run, _ := b.wait(automation.Paused); run.Reason != automation.ByConfiguration || !strings.Contains(run.Detail, "item") {
				t.Errorf("the run of %q is paused because of %q (%s), want the configuration, and the item that is refused", items, run.Reason, run.Detail)
			}
		})
	}
}

// failing is a stage whose first planning fails, or panics if there is no error.
type failing struct {
	*stage
	plans *atomic.Int64
	err   error
}

func (f failing) Plan(ctx context.Context, in automation.Inputs) iter.Seq2[automation.Item, error] {
	switch {
	case f.plans.Add(1) > 1:
		return f.stage.Plan(ctx, in)
	case f.err == nil:
		panic(errItem)
	}
	return func(yield func(automation.Item, error) bool) { yield(automation.Item{}, f.err) }
}
