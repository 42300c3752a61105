package automation_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
)

// purse is an account from which a stage holds a worst case and charges less.
type purse struct {
	mu                      sync.Mutex
	available, hold, charge int
	low                     int // the least that was ever available
}

func (p *purse) pay(context.Context, automation.Call) error {
	if !p.add(-p.hold) {
		return automation.Pause(errors.New("insufficient credits"), automation.ByCredits)
	}
	time.Sleep(time.Minute)
	p.add(p.hold - p.charge)
	return nil
}

func (p *purse) add(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.available+n < 0 {
		return false
	}
	p.available += n
	p.low = min(p.low, p.available)
	return true
}

func TestARunThatIsShortOfCreditsDrainsBeforeItPauses(t *testing.T) {
	for _, c := range []struct {
		name      string
		available int
		workers   int
		done      int64
		state     automation.State
	}{
		{"GoesOnWithWhatComesBack", 40, 8, 4, automation.Done}, // four at most are held at once, and all four are done
		{"PausesWhenNothingComesBack", 25, 8, 4, automation.Paused},
		{"PausesAtOnceIfNothingFits", 9, 8, 0, automation.Paused},
		{"WorksOneAtATimeInTheEnd", 19, 8, 2, automation.Paused},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				p := &purse{available: c.available, hold: 10, charge: 5}
				n := int(c.done)
				if c.state == automation.Paused {
					n += 3
				}
				s := newStage("a", n)
				s.do = p.pay
				b := start(t, automation.Config{Workers: c.workers}, s)
				run, counts := b.wait(c.state)
				if counts[0].Done != c.done || p.low < 0 || counts[0].Leased != 0 {
					t.Errorf("%d items were done, at least %d credits were left, %d tasks are under way: want %d items", counts[0].Done, p.low, counts[0].Leased, c.done)
				}
				if c.state == automation.Paused {
					if run.Reason != automation.ByCredits {
						t.Errorf("paused because of %q, want credits", run.Reason)
					}
					p.add(1000)
					if err := b.Resume(t.Context(), "r"); err != nil {
						t.Fatal(err)
					}
					b.wait(automation.Done)
				}
				s.wantSaved(t)
			})
		})
	}
}

func TestAUsersPauseIsNotUndoneByCreditsThatComeBack(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := &purse{available: 15, hold: 10, charge: 1}
		s := newStage("a", 10)
		s.do = p.pay
		b := start(t, automation.Config{Workers: 4}, s)
		time.Sleep(30 * time.Second) // one item is under way, another found too few credits
		if run, _, _ := b.store.Run(t.Context(), "r"); run.State != automation.Pausing {
			t.Fatalf("the run is %s, want pausing", run.State)
		}
		if err := b.Pause(t.Context(), "r"); err != nil {
			t.Fatal(err)
		}
		if run, _ := b.wait(automation.Paused); run.Reason != automation.ByUser {
			t.Errorf("paused because of %q, want by the user", run.Reason)
		}
	})
}

func TestResumeRevivesARunThatIsAboutToPause(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := newStage("a", 6)
		s.do = func(context.Context, automation.Call) error { time.Sleep(time.Minute); return nil }
		b := start(t, automation.Config{Workers: 2}, s)
		time.Sleep(time.Second)
		if err := errors.Join(b.Pause(t.Context(), "r"), b.Resume(t.Context(), "r")); err != nil {
			t.Fatal(err)
		}
		b.wait(automation.Done)
		s.wantSaved(t)
	})
}
