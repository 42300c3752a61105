package automation_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/memory"
)

// paying is a stage whose Do pays for an item and may then fail to hand the answer on.
type paying struct {
	*stage
	paid     map[string]bool
	released map[string]bool
	salvage  func(c automation.Call) error
}

func (p paying) Salvage(_ context.Context, c automation.Call) (automation.Outcome, bool, error) {
	if p.salvage != nil {
		if err := p.salvage(c); err != nil {
			return automation.Outcome{}, false, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.paid[c.Item.ID] {
		p.released[c.Item.ID] = true
		return automation.Outcome{}, false, nil
	}
	return automation.Outcome{Out: c.Item.Input, Charged: 1}, true, nil
}

func (p paying) pay(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paid[id] = true
}

func newPaying(n int) paying {
	return paying{stage: newStage("a", n), paid: map[string]bool{}, released: map[string]bool{}}
}

func TestCancelSavesWhatWasPaidForAndReleasesTheRest(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		store := memory.New(nil).Runs()
		s := newPaying(6)
		s.do = func(ctx context.Context, c automation.Call) error {
			switch c.Item.ID {
			case "a-1":
				return nil
			case "a-2": // paid for, and its worker dies before it can save
				s.pay(c.Item.ID)
				<-ctx.Done()
				return ctx.Err()
			case "a-3": // held, and its worker dies before it is paid for
				<-ctx.Done()
				return ctx.Err()
			}
			time.Sleep(time.Hour)
			return nil
		}
		dead := start(t, automation.Config{Store: store, Workers: 3, Drain: time.Second}, s)
		time.Sleep(time.Minute)
		dead.stop()
		if err := dead.Cancel(t.Context(), "r"); err != nil { // before another claims more
			t.Fatal(err)
		}
		b := serve(t, automation.Config{Store: store, Workers: 3}, s)
		run, counts := b.wait(automation.Cancelled)
		// a-4 was under way and came to its end.
		if counts[0].Done != 3 || counts[0].Leased != 0 || s.saved["a-2"] != 1 || !s.released["a-3"] || s.did("a-6") != 0 {
			t.Errorf("run %+v, counts %+v, saved %v, released %v: want a-1, a-2 and a-4 saved, a-3 released, a-6 untouched", run, counts[0], s.saved, s.released)
		}
		b.startRun("r2", "site") // the site is free again
	})
}

func TestCancelOfAPausedRunEndsIt(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newStage("a", 3)
		s.do = func(context.Context, automation.Call) error {
			return automation.Pause(errItem, automation.ByConfiguration)
		}
		b := start(t, automation.Config{}, s)
		b.wait(automation.Paused)
		if err := b.Cancel(t.Context(), "r"); err != nil {
			t.Fatal(err)
		}
		b.wait(automation.Cancelled)
	})
}

func TestCancelTriesToSaveAgainAndThenGivesUp(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newPaying(4)
		s.policy.Attempts = 3
		s.do = func(_ context.Context, c automation.Call) error {
			s.pay(c.Item.ID)
			return automation.Pause(errItem, automation.ByProvider)
		}
		tries := 0
		s.salvage = func(c automation.Call) error {
			if c.Item.ID == "a-1" {
				tries++
				return errors.New("it cannot be read")
			}
			return nil
		}
		b := start(t, automation.Config{Workers: 2}, s)
		b.wait(automation.Paused)
		if err := b.Cancel(t.Context(), "r"); err != nil {
			t.Fatal(err)
		}
		_, counts := b.wait(automation.Cancelled)
		if tries != 3 || counts[0].Failed != 1 || counts[0].Done != 1 {
			t.Errorf("%d tries, counts %+v, want 3 tries, one failed, one done", tries, counts[0])
		}
	})
}

// TestGivingUpSavesWhatWasPaidForAndReleasesTheRest has items that fail for good after they paid, or while they hold.
func TestGivingUpSavesWhatWasPaidForAndReleasesTheRest(t *testing.T) {
	for name, failure := range map[string]func() error{
		"after all its tries":   func() error { return errItem },
		"by a permanent error":  func() error { return automation.Permanent(errItem) },
		"by a panic of its own": func() error { panic("nobody thought of this") },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				s := newPaying(3)
				s.policy.Attempts = 2
				s.do = func(_ context.Context, c automation.Call) error {
					switch c.Item.ID {
					case "a-2": // is paid for, and its answer does not come back
						s.pay(c.Item.ID)
						return failure()
					case "a-3": // is held, and not paid for
						return failure()
					}
					return nil
				}
				b := start(t, automation.Config{}, s)
				_, counts := b.wait(automation.Done)
				if counts[0].Done != 2 || counts[0].Failed != 1 || s.saved["a-2"] != 1 || !s.released["a-3"] || s.released["a-2"] {
					t.Errorf("counts %+v, saved %v, released %v: want a-2 saved, a-3 released and failed", counts[0], s.saved, s.released)
				}
				for f, err := range b.store.Failed(t.Context(), "r") {
					if err != nil || f.Item != "a-3" || f.Attempts == 0 || f.Cause == "" {
						t.Errorf("Failed yields %+v, %v, want a-3 with its cause", f, err)
					}
				}
			})
		})
	}
}

func TestGivingUpWaitsForWhatCannotBeAskedNow(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newPaying(2)
		s.policy.Attempts = 3
		s.do = func(_ context.Context, c automation.Call) error {
			s.pay(c.Item.ID)
			return automation.Permanent(errItem)
		}
		asked := map[string]int{}
		s.salvage = func(c automation.Call) error {
			if asked[c.Item.ID]++; c.Item.ID == "a-1" || asked[c.Item.ID] == 1 {
				return errors.New("the ledger is away")
			}
			return nil
		}
		b := start(t, automation.Config{Workers: 1}, s)
		_, counts := b.wait(automation.Done)
		if asked["a-1"] != 3 || asked["a-2"] != 2 || counts[0].Done != 1 || counts[0].Failed != 1 || s.saved["a-2"] != 1 {
			t.Errorf("asked %v, saved %v, counts %+v, want a-1 given up after three tries and a-2 saved after two", asked, s.saved, counts[0])
		}
		for f, err := range b.store.Failed(t.Context(), "r") {
			if err != nil || f.Cause != errItem.Error() {
				t.Errorf("Failed yields %+v, %v, want the item's own error", f, err)
			}
		}
	})
}
