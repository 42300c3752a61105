//go:build linux || darwin

package gateproof_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/blobs"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
)

// size is a campaign's: little in a plain run, a lot under `make prove`.
type size struct {
	operations int
	kills      int // about
	callers    int // at once
}

func sized(small, full size) size {
	if os.Getenv("SCRIP_PROVE") != "" {
		return full
	}
	return small
}

// TestCampaignFaultsAndKills runs operations in processes that are killed at random moments, while a fifth of what the
// upstream does is one fault or another. The next process finishes what the one before left. When all have ended, what
// the upstream would have billed is compared with what the ledger says and with what the callers were told. SCRIP_SEED
// repeats a campaign's operations and faults; the moments of the kills are the machine's.
func TestCampaignFaultsAndKills(t *testing.T) {
	for _, on := range []struct {
		store string
		size
	}{
		{"sqlite", sized(size{240, 5, 16}, size{90_000, 180, 64})},
		{"postgres", sized(size{80, 3, 16}, size{10_000, 40, 64})},
	} {
		t.Run(on.store, func(t *testing.T) {
			begun := time.Now()
			c := newCampaign(t, on.store, on.size)
			for len(c.ends) < c.operations && !t.Failed() {
				c.session()
			}
			if !t.Failed() {
				c.judge()
				c.silent()
			}
			c.tell(time.Since(begun))
		})
	}
}

type campaign struct {
	size
	t      *testing.T
	store  string
	seed   uint64
	rng    *rand.Rand
	up     *server
	duty   duty
	ends   map[int]report // by the operation's number
	killed int
	early  int // kills before anything had ended
	values int // of rows, that were searched
	resume int // operations that a process left unfinished, or not told of
	books  books
	broken map[string]int // how often, by rule
}

func newCampaign(t *testing.T, name string, s size) *campaign {
	c := &campaign{size: s, t: t, store: name, seed: uint64(time.Now().UnixNano()), ends: map[int]report{}}
	if given := os.Getenv("SCRIP_SEED"); given != "" {
		if _, err := fmt.Sscan(given, &c.seed); err != nil {
			t.Fatalf("SCRIP_SEED: %v", err)
		}
	}
	c.rng = rand.New(rand.NewPCG(c.seed, 0))
	c.up = serve(t, upstream(4*s.operations)) // no task is forgotten
	dir := t.TempDir()
	c.duty = duty{Store: name, Database: stores[name].create(t), Blobs: filepath.Join(dir, "blobs"), Log: filepath.Join(dir, "log"),
		Upstream: c.up.base(), Seed: c.seed, To: s.operations, Callers: s.callers}
	db := c.open()
	defer db.close()
	set := configuration()
	set.Settings.Functions = map[string]registry.FunctionSettings{}
	for _, f := range []string{functions.GenerateIdeas, functions.GenerateContent, functions.OptimizeContent} {
		set.Settings.Functions[f] = registry.FunctionSettings{Fallbacks: []string{spareModel}}
	}
	if _, err := db.models.Save(t.Context(), registry.Change{Who: "test", Why: "test", Next: set}); err != nil {
		t.Fatal(err)
	}
	for i, a := range accounts {
		grant := credits.Amount(1000 * s.operations)
		if i == len(accounts)-1 {
			grant = credits.Amount(15*s.operations/poorShare + 500)
		}
		if _, err := db.ledger.Grant(t.Context(), credits.Grant{Account: a, Key: "grant", Kind: credits.Purchase, Amount: grant}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *campaign) open() *database {
	c.t.Helper()
	db, err := stores[c.store].open(context.Background(), c.duty.Database)
	if err != nil {
		c.t.Fatal(err)
	}
	return db
}

// session lets a process work under a weather of its own until its time has come.
func (c *campaign) session() {
	c.t.Helper()
	if err := c.up.SetFaults(weather(c.rng)...); err != nil {
		c.t.Fatal(err)
	}
	c.duty.Generation++
	d := c.duty
	for n := range c.operations {
		if _, ended := c.ends[n]; ended {
			if n >= d.From {
				d.From = n + 1
			}
		}
	}
	for n := range d.From {
		if _, ended := c.ends[n]; !ended {
			d.Unfinished = append(d.Unfinished, n)
		}
	}
	c.resume += len(d.Unfinished)
	enough := 1 + c.rng.Int64N(int64(2*c.operations/c.kills))
	p := start(c.t, d, enough)
	switch c.rng.IntN(8) {
	case 0: // it dies while it opens the database, or makes its first calls
		time.Sleep(time.Duration(c.rng.Int64N(int64(300 * time.Millisecond))))
	default:
		select {
		case <-p.reached:
			time.Sleep(time.Duration(c.rng.Int64N(int64(50 * time.Millisecond))))
		case <-time.After(2 * time.Minute):
			c.t.Errorf("seed %d: a process has brought %d of %d operations to an end in two minutes", c.seed, p.ended.Load(), enough)
		}
	}
	if p.kill() {
		c.killed++
	}
	c.books.ends = append(c.books.ends, time.Now())
	if len(p.reports) == 0 {
		c.early++
	}
	for _, r := range p.reports {
		for _, w := range r.Wrong {
			c.t.Errorf("seed %d, operation %d: %s", c.seed, r.N, w)
		}
		if r.N >= 0 {
			c.ends[r.N] = r
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := c.up.quiet(ctx); err != nil {
		c.t.Fatal(err)
	}
	if err := stores[c.store].quiet(ctx, c.duty.Database); err != nil {
		c.t.Fatal(err)
	}
}

// weather is rules by which about a fifth of the requests of each route go wrong, by kinds that are drawn anew each time.
func weather(rng *rand.Rand) (out []providertest.Fault) {
	upTo := func(d time.Duration) time.Duration { return time.Duration(rng.Int64N(int64(d))) }
	for _, route := range []string{providertest.RouteText, providertest.RouteImage, providertest.RouteRunware, providertest.RoutePoll, providertest.RouteFile} {
		kinds := slices.DeleteFunc(providertest.Kinds(), func(k providertest.FaultKind) bool { return !slices.Contains(k.Routes(), route) })
		rng.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		percent := map[providertest.FaultKind]int{}
		for i := range 22 { // of a hundred, of which some strike the same request
			percent[kinds[i%len(kinds)]]++
		}
		for _, kind := range kinds {
			if percent[kind] == 0 {
				continue
			}
			f := providertest.Fault{Kind: kind, Route: route, Probability: percent[kind], Seed: rng.Uint64()}
			switch kind {
			case providertest.Slow, providertest.SlowBody: // about as long as a request may take
				f.Delay = upTo(5 * time.Second)
			case providertest.Status429, providertest.Status503:
				f.RetryAfter = []time.Duration{0, 5 * time.Millisecond, 50 * time.Millisecond}[rng.IntN(3)]
			case providertest.HugeBody, providertest.GzipBomb: // a bomb costs as much as a hundred others
				f.Every = 8
			}
			if route == providertest.RouteRunware && f.Delay == 0 && rng.IntN(2) == 0 {
				f.Delay = upTo(time.Second) // its task is at work when it is asked about
			}
			out = append(out, f)
		}
	}
	return out
}

// judge compares, when all operations have ended.
func (c *campaign) judge() {
	c.t.Helper()
	db := c.open()
	defer db.close()
	c.books.invoice = c.up.invoice()
	c.books.delivered, c.books.failed, c.books.several = map[credits.Key]credits.Amount{}, map[credits.Key]bool{}, map[credits.Key]bool{}
	for _, a := range accounts {
		if err := collect(context.Background(), db.ledger, a, &c.books); err != nil {
			c.t.Fatal(err)
		}
	}
	kept, err := blobs.Open(c.duty.Blobs)
	if err != nil {
		c.t.Fatal(err)
	}
	for n, r := range c.ends {
		op := plan(c.seed, n, c.store)
		c.books.several[op.key] = op.twice || op.deadline > 0
		if r.Outcome != delivered {
			c.books.failed[op.key] = true
			continue
		}
		c.books.delivered[op.key] = r.Charged
		c.bought(db.ledger, kept, op, r)
	}
	c.broken = map[string]int{}
	for _, broken := range judge(c.books) {
		rule, _, _ := strings.Cut(broken, ":")
		if c.broken[rule]++; c.broken[rule] <= 5 {
			c.t.Errorf("seed %d: %s", c.seed, broken)
		}
	}
}

// silent looks for keys, headers and prompts in everything that the operations have left behind.
func (c *campaign) silent() {
	c.t.Helper()
	found, err := stores[c.store].search(context.Background(), c.duty.Database)
	if err != nil {
		c.t.Fatal(err)
	}
	c.values = found.values
	wrong := found.verdict()
	logged, err := leaksOfFile(c.duty.Log)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, w := range slices.Concat(wrong, logged, c.up.leaks()) {
		c.t.Errorf("seed %d: found in what is left behind: %s", c.seed, w)
	}
}

// bought looks at what an operation has brought: the result that the caller got is the receipt's, and a picture is there.
func (c *campaign) bought(l credits.Ledger, kept *blobs.Dir, op operation, r report) {
	known, err := l.Lookup(context.Background(), op.account, op.key)
	if err != nil || known.Receipt == nil || hex.EncodeToString(known.Receipt.Digest[:]) != r.Digest || known.Receipt.Charged != r.Charged {
		c.t.Errorf("seed %d: the caller of operation %d got %+v, and its receipt is %+v, %v", c.seed, op.n, r, known.Receipt, err)
		return
	}
	if op.dish.name != functions.GenerateImages {
		return
	}
	var out functions.ImageOutput
	err = json.Unmarshal(known.Receipt.Result, &out)
	var data []byte
	if err == nil {
		data, err = kept.Get(context.Background(), out.Picture.Blob)
	}
	if sum := sha256.Sum256(data); err != nil || hex.EncodeToString(sum[:]) != out.Picture.SHA256 {
		c.t.Errorf("seed %d: operation %d: its picture %q is not what was bought: %v", c.seed, op.n, out.Picture.Blob, err)
	}
}

// tell prints the campaign's figures.
func (c *campaign) tell(took time.Duration) {
	faults, struck, lines, pictures := map[string]int{}, 0, map[string]bool{}, map[string]int{}
	for _, e := range c.up.Journal() {
		if e.Fault != "" {
			faults[e.Fault]++
		}
	}
	for _, e := range c.books.invoice {
		if e.Fault != "" {
			struck++
		}
		if e.Billable {
			lines[e.Attempt] = true
		}
	}
	fates, unknown := map[string]int{}, 0
	for _, a := range c.books.attempts {
		fates[a.Fate]++
		if a.Fate == string(providers.Unknown) && lines[a.ID] {
			unknown++
		}
		if a.Model == runwareModel && lines[a.ID] {
			pictures[string(a.Key)]++
		}
	}
	again := 0
	for _, n := range pictures {
		again += n - 1
	}
	outcomes, replayed := map[string]int{}, 0
	for _, r := range c.ends {
		outcomes[r.Outcome]++
		if r.Replayed {
			replayed++
		}
	}
	var charged credits.Amount
	for _, amount := range c.books.delivered {
		charged += amount
	}
	violations := "0"
	if c.t.Failed() {
		violations = "see above; " + counted(c.broken)
	}
	c.t.Logf("seed %d: %s: %d operations, %d kills (%d before anything had ended), %d resumed (%d of them had been bought before a process was killed that could not say so)\n"+
		"requests %d, %d%% of them struck; faults by kind: %s\n"+
		"invoice lines %d; attempts by fate: %s; unknown ones that were billed: %d\n"+
		"Runware pictures made for %d operations, %d made again because one was of no use or its call had given up; without need %d; keys settled twice %d\n"+
		"outcomes: %s\n"+
		"charged %d credits by %d settles; %d stored values searched for keys; violations: %s; %s",
		c.seed, c.store, len(c.ends), c.killed, c.early, c.resume, replayed,
		len(c.books.invoice), 100*struck/max(len(c.books.invoice), 1), counted(faults),
		len(lines), counted(fates), unknown,
		len(pictures), again, c.broken[ruleNeed], c.broken[ruleOnce],
		counted(outcomes),
		charged, len(c.books.settles), c.values, violations, took.Round(time.Millisecond))
}

func counted(m map[string]int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(out, ", ")
}
