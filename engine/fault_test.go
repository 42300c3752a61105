package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
)

const (
	always = 0
	once   = 1
)

// row is a rule of the fault matrix: what becomes of an operation if a fault strikes always, or once.
type row struct {
	fault    providertest.FaultKind
	strikes  int
	want     error          // nil if the operation succeeds
	charge   credits.Amount // what the customer pays; checked against 0 if the operation fails
	sent     int            // requests that could have cost something
	billable int            // those that did
	attempts string         // fate/error of each
	costs    string         // of each attempt: 0, x (exactly what the upstream billed), w (the worst case), - (not known)
}

// The texts cost 27 tokens at 10 a credit, twice for a repaired one: the upstream's invoice says the rest.
var textFaults = []row{
	{"", always, nil, 3, 1, 1, "executed", "x"},
	{providertest.Status401, always, providers.Auth, 0, 1, 0, "rejected/auth", "0"},
	{providertest.Status403, always, providers.Permission, 0, 1, 0, "rejected/permission", "0"},
	{providertest.Status429, always, providers.RateLimited, 0, 2, 0, "rejected/rate_limited rejected/rate_limited", "00"},
	{providertest.Status429, once, nil, 3, 2, 1, "rejected/rate_limited executed", "0x"},
	{providertest.Status500, always, providers.Upstream, 0, 2, 0, "unknown/upstream unknown/upstream", "ww"},
	{providertest.Status500, once, nil, 3, 2, 1, "unknown/upstream executed", "wx"},
	{providertest.Status502, always, providers.Upstream, 0, 2, 0, "unknown/upstream unknown/upstream", "ww"},
	{providertest.Status502, once, nil, 3, 2, 1, "unknown/upstream executed", "wx"},
	{providertest.Status503, always, providers.Overloaded, 0, 2, 0, "rejected/overloaded rejected/overloaded", "00"},
	{providertest.Status503, once, nil, 3, 2, 1, "rejected/overloaded executed", "0x"},
	{providertest.Quota, always, providers.Quota, 0, 1, 0, "rejected/quota", "0"},
	{providertest.Redirect, always, providers.Upstream, 0, 1, 0, "rejected/upstream", "0"},
	{providertest.DropBefore, always, providers.Network, 0, 2, 0, "unknown/network unknown/network", "ww"},
	{providertest.DropBefore, once, nil, 3, 2, 1, "unknown/network executed", "wx"},
	{providertest.DropAfter, always, providers.Network, 0, 2, 2, "unknown/network unknown/network", "ww"},
	{providertest.DropAfter, once, nil, 3, 2, 2, "unknown/network executed", "wx"},
	{providertest.CutBody, always, providers.Incomplete, 0, 1, 1, "executed/incomplete", "w"},
	{providertest.Slow, always, providers.Timeout, 0, 2, 2, "unknown/timeout unknown/timeout", "ww"},
	{providertest.Slow, once, nil, 3, 2, 2, "unknown/timeout executed", "wx"},
	{providertest.InvalidBody, always, providers.Malformed, 0, 1, 1, "executed/malformed", "w"},
	{providertest.ErrorIn200, always, providers.Upstream, 0, 1, 1, "executed/upstream", "w"},
	{providertest.Refusal, always, providers.Blocked, 0, 1, 1, "executed/blocked", "x"},
	{providertest.Length, always, providers.Incomplete, 0, 1, 1, "executed/incomplete", "x"},
	{providertest.NoUsage, always, providers.Malformed, 0, 1, 1, "executed/malformed", "w"},
	{providertest.AbsurdUsage, always, providers.Malformed, 0, 1, 1, "executed/malformed", "x"},
	{providertest.NotJSON, always, engine.ErrAnswer, 0, 2, 2, "executed/malformed executed/malformed", "xx"},
	{providertest.NotJSON, once, nil, 13, 2, 2, "executed/malformed executed", "xx"},
	{providertest.WrongShape, always, engine.ErrAnswer, 0, 2, 2, "executed/malformed executed/malformed", "xx"},
	{providertest.WrongShape, once, nil, 12, 2, 2, "executed/malformed executed", "xx"},
	{providertest.ExcessUsage, always, nil, 36, 1, 1, "executed", "x"}, // 1,013 tokens are 102 credits, 36 were held
}

// The OpenAI Images API cannot be asked what became of a request.
var dalleFaults = []row{
	{"", always, nil, 5, 1, 1, "executed", "x"},
	{providertest.Status401, always, providers.Auth, 0, 1, 0, "rejected/auth", "0"},
	{providertest.Status403, always, providers.Permission, 0, 1, 0, "rejected/permission", "0"},
	{providertest.Status429, once, nil, 5, 2, 1, "rejected/rate_limited executed", "0x"},
	{providertest.Status500, always, providers.Upstream, 0, 2, 0, "unknown/upstream unknown/upstream", "ww"},
	{providertest.Status502, once, nil, 5, 2, 1, "unknown/upstream executed", "wx"},
	{providertest.Status503, always, providers.Overloaded, 0, 2, 0, "rejected/overloaded rejected/overloaded", "00"},
	{providertest.Quota, always, providers.Quota, 0, 1, 0, "rejected/quota", "0"},
	{providertest.Redirect, always, providers.Upstream, 0, 1, 0, "rejected/upstream", "0"},
	{providertest.DropBefore, once, nil, 5, 2, 1, "unknown/network executed", "wx"},
	{providertest.DropAfter, always, providers.Network, 0, 2, 2, "unknown/network unknown/network", "ww"},
	{providertest.DropAfter, once, nil, 5, 2, 2, "unknown/network executed", "wx"},
	{providertest.CutBody, always, providers.Incomplete, 0, 1, 1, "executed/incomplete", "w"},
	{providertest.Slow, once, nil, 5, 2, 2, "unknown/timeout executed", "wx"},
	{providertest.InvalidBody, always, providers.Malformed, 0, 1, 1, "executed/malformed", "w"},
	{providertest.ErrorIn200, always, providers.Upstream, 0, 1, 1, "executed/upstream", "w"},
	{providertest.Refusal, always, providers.Blocked, 0, 1, 0, "rejected/blocked", "0"},
	{providertest.NoUsage, always, nil, 5, 1, 1, "executed", "x"}, // these models never report any
	{providertest.AbsurdUsage, always, providers.Malformed, 0, 1, 1, "executed/malformed", "x"},
	{providertest.BadPicture, always, engine.ErrAnswer, 0, 1, 1, "executed/malformed", "x"},
}

// Runware can be asked, so nothing is sent in the place of a task that it has.
var runwareFaults = []row{
	{"", always, nil, 1, 1, 1, "executed", "x"},
	{providertest.Status401, always, providers.Auth, 0, 1, 0, "rejected/auth", "0"},
	{providertest.Status403, always, providers.Permission, 0, 1, 0, "rejected/permission", "0"},
	{providertest.Status429, once, nil, 1, 2, 1, "rejected/rate_limited executed", "0x"},
	{providertest.Status500, always, providers.Upstream, 0, 2, 0, "not_sent/upstream not_sent/upstream", "00"},
	{providertest.Status500, once, nil, 1, 2, 1, "not_sent/upstream executed", "0x"},
	{providertest.Status502, once, nil, 1, 2, 1, "not_sent/upstream executed", "0x"},
	{providertest.Status503, once, nil, 1, 2, 1, "rejected/overloaded executed", "0x"},
	{providertest.Quota, always, providers.Quota, 0, 1, 0, "rejected/quota", "0"},
	{providertest.Redirect, always, providers.Upstream, 0, 1, 0, "rejected/upstream", "0"},
	{providertest.DropBefore, always, providers.Network, 0, 2, 0, "not_sent/network not_sent/network", "00"},
	{providertest.DropBefore, once, nil, 1, 2, 1, "not_sent/network executed", "0x"},
	{providertest.DropAfter, always, nil, 1, 1, 1, "executed", "x"},
	{providertest.CutBody, always, nil, 1, 1, 1, "executed", "x"},
	{providertest.Slow, always, nil, 1, 1, 1, "executed", "x"},
	{providertest.InvalidBody, always, nil, 1, 1, 1, "executed", "x"},
	{providertest.ErrorIn200, always, providers.Upstream, 0, 1, 1, "executed/upstream", "w"},
	{providertest.Refusal, always, providers.Blocked, 0, 1, 0, "rejected/blocked", "0"},
	{providertest.NoUsage, always, nil, 1, 1, 1, "executed", "x"}, // only the reported cost is missing
	{providertest.BadPicture, always, engine.ErrAnswer, 0, 1, 1, "executed/malformed", "x"},
}

func TestEveryFaultOfATextHasItsRow(t *testing.T) {
	matrix(t, textFaults, func(h *host) (credits.Amount, error) {
		got, err := h.echo("k")
		return got.Charged, err
	})
}

func TestEveryFaultOfAPictureHasItsRow(t *testing.T) {
	draw := func(model string) func(*host) (credits.Amount, error) {
		return func(h *host) (credits.Amount, error) {
			got, err := h.sketch("k", model, 1)
			return got.Charged, err
		}
	}
	t.Run("OpenAI", func(t *testing.T) { matrix(t, dalleFaults, draw(dalleModel)) })
	t.Run("Runware", func(t *testing.T) { matrix(t, runwareFaults, draw(runwareModel)) })
}

func matrix(t *testing.T, rows []row, run func(*host) (credits.Amount, error)) {
	for _, r := range rows {
		name := string(r.fault)
		if r.strikes == once {
			name += "Once"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they wait for back-off, and for slow upstreams
			h := newHost(t, setup{engine: func(c *engine.Config) {
				c.Attempts = 2
				if r.fault == providertest.Slow {
					c.TextTimeout, c.ImageTimeout = time.Second, 1500*time.Millisecond
				}
			}, upstream: priced})
			if r.fault != "" { // a slow task of Runware is ready while it is asked about, the others never
				f := providertest.Fault{Kind: r.fault, Count: r.strikes, RetryAfter: 10 * time.Millisecond}
				if f.Kind == providertest.Slow {
					f.Delay = time.Minute
				}
				if f.Kind == providertest.Slow && r.strikes == always && r.charge > 0 {
					f.Delay = 2 * time.Second
				}
				h.faults(f)
			}
			before := h.balance()
			charged, err := run(h)
			h.row(r, charged, err)
			if b := h.balance(); b.Posted != before.Posted-charged {
				t.Errorf("balance %+v after %+v and a charge of %d", b, before, charged)
			}
			if r.want != nil { // the key is as good as new
				h.faults()
				if _, err := run(h); err != nil || len(h.settles()) != 1 {
					t.Errorf("the same key after the fault: %v, %d settles; want one", err, len(h.settles()))
				}
			}
			h.sound()
		})
	}
}

// priced makes the upstream's invoice comparable with the attempts' cost.
var priced = providertest.Config{Prices: map[string]providertest.Price{
	textModel:    {Input: decimal.RequireFromString("1.25"), Output: decimal.NewFromInt(10)},
	dalleModel:   {Image: decimal.RequireFromString("0.04")},
	runwareModel: {Image: decimal.RequireFromString("0.012")},
}}

func (h *host) row(want row, charged credits.Amount, err error) {
	h.tb.Helper()
	if !errors.Is(err, want.want) || charged != want.charge {
		h.tb.Errorf("charged %d, %v; want %d, %v", charged, err, want.charge, want.want)
	}
	if sent, billable := h.requests(); sent != want.sent || billable != want.billable {
		h.tb.Errorf("%d requests, %d billable; want %d, %d", sent, billable, want.sent, want.billable)
	}
	for _, r := range h.records() {
		if whole := max(credits.Amount(r.Exact.Ceil().IntPart()), 1); r.Charged+r.WrittenOff != whole || (r.WrittenOff > 0) != (want.fault == providertest.ExcessUsage) {
			h.tb.Errorf("charged %d and wrote off %d of exactly %s", r.Charged, r.WrittenOff, r.Exact)
		}
	}
	attempts := h.attempts("k")
	if got := fates(attempts); got != want.attempts {
		h.tb.Errorf("attempts %q, want %q", got, want.attempts)
	}
	invoice := map[string]decimal.Decimal{}
	for _, e := range h.up.Journal() {
		if e.Billable {
			invoice[e.Attempt] = decimal.RequireFromString(e.Cost)
		}
	}
	for i, a := range attempts {
		if i >= len(want.costs) {
			break
		}
		billed, cost := invoice[a.ID], a.Cost.Decimal
		if want.fault == providertest.Status401 && a.Provider == "openai" && a.RequestID != "req_"+a.ID {
			h.tb.Errorf("attempt %d has the request id %q, want the upstream's", i, a.RequestID)
		}
		switch ok := a.Cost.Valid; want.costs[i] {
		case '0':
			ok = ok && cost.IsZero() && billed.IsZero()
			fallthrough
		case 'x':
			if ok = ok && cost.Equal(billed); !ok {
				h.tb.Errorf("attempt %d cost %v, the invoice says %s", i, a.Cost, billed)
			}
		case 'w':
			if !ok || cost.LessThan(billed) || !cost.IsPositive() {
				h.tb.Errorf("attempt %d cost %v, want the worst case, at least the invoice's %s", i, a.Cost, billed)
			}
		}
	}
}
