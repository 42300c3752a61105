package main

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers/providertest"
)

// asProgram makes the test binary the program itself, so that it can be run in a process that is then killed.
const asProgram = "WEBAPP_TEST_AS_PROGRAM"

// process is the program in a process of its own.
type process struct {
	cmd  *exec.Cmd
	base string
}

func start(t *testing.T, db, upstream string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-listen", "127.0.0.1:0", "-db", db, "-upstream", upstream)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	base, _, _ := strings.Cut(strings.TrimPrefix(line, "webapp: "), "/ ")
	return &process{cmd, base}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// TestCampaignKilledServers kills the server while it has requests under way, and sends the same forms to the next one: each
// is charged once, and its answer is there.
func TestCampaignKilledServers(t *testing.T) {
	kills := 5
	if os.Getenv("SCRIP_PROVE") != "" {
		kills = 200
	}
	const latency, forms = 40 * time.Millisecond, 4
	up := providertest.Start(t, providertest.Config{Responder: madeUp{}, Latency: latency, Remember: 1 << 16})
	db := filepath.Join(t.TempDir(), "shop.db")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))

	asked := 0
	for n := range kills {
		p := start(t, db, up.BaseURL)
		b := signIn(t, p.base, "alice")
		for i := range 2 { // enough for all, and more than once
			b.post("/buy", map[string][]string{"payment": {fmt.Sprint(n, "/", i/2)}})
		}
		gone := make(chan int, forms)
		for i := range forms {
			go func() {
				status, _, _ := b.do(context.Background(), "POST", "/descriptions", product(fmt.Sprint(n, "/", i), "A pot"))
				gone <- status
			}()
		}
		time.Sleep(time.Duration(rng.Int64N(int64(2 * latency))))
		p.kill()
		for range forms {
			<-gone
		}

		p = start(t, db, up.BaseURL)
		b = signIn(t, p.base, "alice")
		for i := range forms {
			asked++
			status, body := b.post("/descriptions", product(fmt.Sprint(n, "/", i), "A pot"))
			wantPage(t, status, body, 200, "Meet A pot")
		}
		p.kill()
		if t.Failed() {
			t.Fatalf("after kill %d", n+1)
		}
	}

	a, end, err := open(t.Context(), options{db: db, upstream: up.BaseURL}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	}()
	s := &shop{t: t, app: a, up: up}
	billable := 0
	keys := map[string]credits.Key{}
	settled := map[credits.Key]time.Time{}
	for e, err := range a.ledger.Entries(t.Context(), credits.EntryQuery{Account: "alice"}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == credits.EntrySettle {
			settled[e.Key] = e.At
		}
	}
	for try, err := range a.ledger.Attempts(t.Context(), credits.AttemptQuery{Account: "alice"}) {
		if err != nil {
			t.Fatal(err)
		}
		keys[try.ID] = try.Key
	}
	for _, e := range up.Journal() {
		if at, ok := settled[keys[e.Attempt]]; !ok || e.Time.After(at) {
			t.Errorf("request %d is of attempt %q, which is not journalled, or came after the charge", e.Seq, e.Attempt)
		}
		if e.Billable {
			billable++
		}
	}
	s.want("alice", 12+50*credits.Amount(kills)-5*credits.Amount(asked), asked, billable)
	t.Logf("%d kills: %d forms, %d charges, %d billable requests", kills, asked, len(settled), billable)
}
