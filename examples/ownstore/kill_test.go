//go:build darwin || linux

package ownstore_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/examples/ownstore"
)

// childVariable makes the test binary a process that works on the journal which it names.
const childVariable = "SCRIP_OWNSTORE_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childVariable); path != "" {
		if err := work(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// said is what the process tells about an operation: before it begins, and when it was acknowledged.
type said struct {
	Account credits.Account
	Key     credits.Key
	Settled credits.Amount // 0 while there is no answer
}

// work grants, holds and settles from eight goroutines until it is killed. Its keys are of this life alone.
func work(path string) error {
	l, err := ownstore.Open(path, nil)
	if err != nil {
		return err
	}
	ctx, life := context.Background(), time.Now().UnixNano()
	var saying sync.Mutex
	out := json.NewEncoder(os.Stdout)
	say := func(s said) error {
		saying.Lock()
		defer saying.Unlock()
		return out.Encode(s)
	}
	errs := make(chan error)
	for worker := range 8 {
		go func() {
			for n := 0; ; n++ {
				s := said{Account: credits.Account(fmt.Sprint("account ", worker%3)), Key: credits.Key(fmt.Sprintf("%d/%d/%d", life, worker, n))}
				err := say(s)
				if err == nil {
					s.Settled, err = operate(ctx, l, s)
				}
				if err == nil {
					err = say(s)
				}
				if err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	return <-errs
}

// operate grants ten credits, holds them and settles seven: once, however often it is called.
func operate(ctx context.Context, l *ownstore.Ledger, s said) (credits.Amount, error) {
	_, err := l.Grant(ctx, credits.Grant{Account: s.Account, Key: "for " + s.Key, Kind: credits.Purchase, Amount: 10})
	if err != nil {
		return 0, err
	}
	held, err := l.Hold(ctx, credits.HoldRequest{Account: s.Account, Key: s.Key, Operation: "work", Amount: 10,
		Holder: credits.Holder{ID: "worker", Lease: time.Minute}, TTL: time.Hour, First: credits.Attempt{ID: string(s.Key)}})
	if err != nil {
		return 0, err
	}
	if held.Receipt != nil {
		return held.Receipt.Charged, nil
	}
	r, err := l.Settle(ctx, credits.SettleRequest{Account: s.Account, Key: s.Key, Amount: 7, Result: []byte(s.Key),
		Record: credits.UsageRecord{Attempt: string(s.Key)}, Last: credits.Attempt{ID: string(s.Key), Fate: "executed"}})
	return r.Charged, err
}

// TestCampaignKills kills a process that works on a journal, at random moments, again and again, and looks each time whether
// everything is there that was acknowledged, and whether what was not can be said again.
func TestCampaignKills(t *testing.T) {
	kills := 12
	if os.Getenv("SCRIP_PROVE") != "" {
		kills = 300
	}
	var path string
	begun, operations := map[said]bool{}, map[credits.Account]int{}
	acknowledged, repeated := 0, 0
	for kill := range kills {
		if kill%20 == 0 { // a new journal, because each life reads all of it
			path = filepath.Join(t.TempDir(), "credits.journal")
			clear(operations)
		}
		var open []said
		for _, s := range untilKilled(t, path) {
			if s.Settled == 0 {
				begun[s] = true
				continue
			}
			acknowledged++
			delete(begun, said{Account: s.Account, Key: s.Key})
			operations[s.Account]++
			open = append(open, s)
		}
		examine(t, path, open, begun, operations, &repeated)
		if t.Failed() {
			break
		}
	}
	t.Logf("%d kills: %d acknowledged operations were there, %d without an answer were said again", kills, acknowledged, repeated)
}

func untilKilled(t *testing.T, path string) (lines []said) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), childVariable+"="+path), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() { cmd.Process.Kill() }
	if rand.IntN(6) == 0 { // while it opens the journal
		time.AfterFunc(time.Duration(rand.IntN(100))*time.Millisecond, kill)
	}
	works := sync.OnceFunc(func() { time.AfterFunc(time.Duration(rand.IntN(400))*time.Millisecond, kill) })
	for in := bufio.NewScanner(out); in.Scan(); {
		works()
		var s said
		if json.Unmarshal(in.Bytes(), &s) == nil { // the last may be half a line
			lines = append(lines, s)
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
		t.Fatalf("the process ended by itself: %v", err)
	}
	return lines
}

func examine(t *testing.T, path string, acknowledged []said, begun map[said]bool, operations map[credits.Account]int, repeated *int) {
	t.Helper()
	l, err := ownstore.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, s := range acknowledged {
		held, err := l.Lookup(t.Context(), s.Account, s.Key)
		if err != nil || held.Receipt == nil || held.Receipt.Charged != s.Settled || string(held.Receipt.Result) != string(s.Key) {
			t.Errorf("Lookup(%q) = %+v, %v, want the receipt of %d", s.Key, held, err, s.Settled)
		}
	}
	for s := range begun {
		if got, err := operate(t.Context(), l, s); err != nil || got != 7 {
			t.Errorf("%q said again = %d, %v, want 7", s.Key, got, err)
		}
		operations[s.Account]++
		*repeated++
	}
	clear(begun)
	for account, n := range operations {
		report, err := l.Verify(t.Context(), account)
		if err != nil || !report.OK() {
			t.Errorf("Verify(%q) = %+v, %v", account, report, err)
		}
		if want := credits.Amount(3 * n); report.Posted != want || report.Held != 0 {
			t.Errorf("%q has %d posted and %d held after %d operations, want %d and 0", account, report.Posted, report.Held, n, want)
		}
	}
}
