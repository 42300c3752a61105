package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers/providertest"
)

func TestATextIsHeldCalledAndChargedOnce(t *testing.T) {
	var held credits.Amount
	h := newHost(t, setup{engine: func(c *engine.Config) {
		c.Observer = engine.ObserverFunc(func(_ context.Context, e engine.Event) { held = max(held, e.Held) })
	}})
	before := h.balance()
	got, err := h.echo("k")
	if err != nil {
		t.Fatal(err)
	}
	if got.Out.Echo != prompt || got.Replayed {
		t.Errorf("got %+v, want the prompt, not replayed", got)
	}
	bill := h.up.Journal()[0] // what the upstream billed is what the customer pays, at 10 tokens a credit
	tokens := bill.InputTokens + bill.OutputTokens
	exact := decimal.NewFromInt(tokens).Div(decimal.NewFromInt(10))
	usd := decimal.NewFromInt(bill.InputTokens).Mul(decimal.RequireFromString("1.25")).
		Add(decimal.NewFromInt(bill.OutputTokens).Mul(decimal.NewFromInt(10))).Shift(-6)
	if want := credits.Amount((tokens + 9) / 10); got.Charged != want || got.Charged > held {
		t.Errorf("charged %d of %d held, want %d", got.Charged, held, want)
	}
	r := got.Record
	if !r.Exact.Equal(exact) || !r.Cost.Equal(usd) || r.Charged != got.Charged || r.WrittenOff != 0 ||
		r.Model != textModel || r.Provider != "openai" || r.Operation != "idea_generation" || r.PriceVersion != 1 {
		t.Errorf("record %+v, want exactly %s credits and %s USD", r, exact, usd)
	}
	attempts := h.attempts("k")
	if len(attempts) != 1 || attempts[0].ID != r.Attempt || attempts[0].ID != bill.Attempt || fates(attempts) != "executed" ||
		!attempts[0].Cost.Decimal.Equal(usd) || attempts[0].RequestID != "req_"+bill.Attempt {
		t.Errorf("attempts %+v, want one, executed, with the id that the upstream saw", attempts)
	}
	if b := h.balance(); b.Posted != before.Posted-got.Charged || len(h.settles()) != 1 || len(h.records()) != 1 {
		t.Errorf("balance %+v after a charge of %d, %d settles", b, got.Charged, len(h.settles()))
	}
	h.sound()
}

func TestAPictureIsHeldMadeStoredAndCharged(t *testing.T) {
	for _, tt := range []struct {
		model    string
		n        int
		charge   credits.Amount
		usd      string
		reported bool
	}{
		{dalleModel, 1, 5, "0.04", false},
		{runwareModel, 1, 1, "0.012", true},
		{runwareModel, 3, 3, "0.036", true},
	} {
		t.Run(strings.ReplaceAll(tt.model, ":", "_"), func(t *testing.T) {
			h := newHost(t, setup{upstream: providertest.Config{Prices: map[string]providertest.Price{runwareModel: {Image: decimal.RequireFromString("0.009")}}}})
			got, err := h.sketch("k", tt.model, tt.n)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Out.Pictures) != tt.n || got.Charged != tt.charge {
				t.Fatalf("%d pictures for %d credits, want %d for %d", len(got.Out.Pictures), got.Charged, tt.n, tt.charge)
			}
			for _, p := range got.Out.Pictures {
				data, err := h.blobs.Get(t.Context(), p.Blob)
				if err != nil || int64(len(data)) != p.Size || p.Type != "image/png" || p.Width != 48 || p.Height != 48 {
					t.Errorf("picture %+v, stored %d bytes: %v", p, len(data), err)
				}
			}
			if !got.Record.Cost.Equal(decimal.RequireFromString(tt.usd)) || got.Record.ReportedCost.Valid != tt.reported || got.Record.Usage.Images.N != int64(tt.n) {
				t.Errorf("record %+v, want a cost of %s USD", got.Record, tt.usd)
			}
			h.sound()
		})
	}
}

func TestTheSameKeyAgainGivesTheReceiptAndCallsNobody(t *testing.T) {
	h := newHost(t, setup{})
	first, err := h.echo("k")
	h.fatal(nil, err)
	picture, err := h.sketch("p", runwareModel, 2)
	h.fatal(nil, err)
	sent, _ := h.requests()
	again, err := h.echo("k")
	if err != nil || !again.Replayed || again.Out != first.Out || again.Charged != first.Charged || again.Record.Attempt != first.Record.Attempt {
		t.Errorf("again %+v, %v; want %+v, replayed", again, err, first)
	}
	puts := h.blobs.puts
	pictureAgain, err := h.sketch("p", runwareModel, 2)
	if err != nil || !pictureAgain.Replayed || len(pictureAgain.Out.Pictures) != 2 ||
		pictureAgain.Out.Pictures[0] != picture.Out.Pictures[0] || h.blobs.puts != puts {
		t.Errorf("again %+v, %v; want %+v, replayed, nothing stored", pictureAgain, err, picture)
	}
	if now, _ := h.requests(); now != sent || len(h.settles()) != 2 {
		t.Errorf("%d more requests, %d settles", now-sent, len(h.settles()))
	}
	known, err := h.ledger.Lookup(t.Context(), account, "k")
	if err != nil || string(known.Receipt.Result) != `{"echo":"`+prompt+`"}` {
		t.Errorf("the receipt keeps %q, %v; want the answer in its canonical form", known.Receipt.Result, err)
	}
	h.sound()
}

func TestAnotherKeyIsAnotherCharge(t *testing.T) {
	h := newHost(t, setup{})
	a, errA := h.echo("a")
	b, errB := h.echo("b")
	if errA != nil || errB != nil || b.Replayed || a.Charged != b.Charged || len(h.settles()) != 2 {
		t.Errorf("%+v %v, %+v %v: want two charges", a, errA, b, errB)
	}
	h.sound()
}

func TestAKeyIsForOneRequest(t *testing.T) {
	h := newHost(t, setup{})
	_, err := h.echo("k")
	h.fatal(nil, err)
	call := engine.Call{Account: account, Key: "k"}
	other := askDefinition
	other.Name = "other"
	moved := askDefinition
	moved.Operation = "clustering"
	for name, run := range map[string]func() error{
		"OtherInput": func() error { _, err := engine.Run(t.Context(), h.Engine, echoing, call, ask{"else"}); return err },
		"OtherModel": func() error {
			call := call
			call.Model = "gpt-4o-mini"
			_, err := engine.Run(t.Context(), h.Engine, echoing, call, ask{prompt})
			return err
		},
		"OtherFunction": func() error {
			_, err := engine.Run(t.Context(), h.Engine, must(engine.Define(other)), call, ask{prompt})
			return err
		},
		"OtherOperation": func() error {
			_, err := engine.Run(t.Context(), h.Engine, must(engine.Define(moved)), call, ask{prompt})
			return err
		},
		"OtherKind": func() error { _, err := h.sketch("k", "", 1); return err },
		"AGrant":    func() error { _, err := h.echo("grant"); return err },
	} {
		if err := run(); !errors.Is(err, credits.ErrKeyReused) {
			t.Errorf("%s: %v, want %v", name, err, credits.ErrKeyReused)
		}
	}
	if sent, _ := h.requests(); sent != 1 {
		t.Errorf("%d requests, want 1", sent)
	}
	h.sound()
}

func TestManyCallersOfOneKeyAreOneRequest(t *testing.T) {
	h := newHost(t, setup{})
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			got, err := h.echo("k")
			if err != nil && !errors.Is(err, credits.ErrInProgress) || err == nil && got.Out.Echo != prompt {
				t.Errorf("%+v, %v: want the answer or %v", got, err, credits.ErrInProgress)
			}
		})
	}
	wg.Wait()
	if sent, billable := h.requests(); sent != 1 || billable != 1 || len(h.settles()) != 1 {
		t.Errorf("%d requests, %d billable, %d settles; want one of each", sent, billable, len(h.settles()))
	}
	h.sound()
}

func TestWhatTheAccountCannotCoverIsNotSent(t *testing.T) {
	h := newHost(t, setup{grant: 3})
	_, err := h.echo("k")
	var short *credits.InsufficientError
	if !errors.As(err, &short) || short.Available != 3 || short.Need <= 3 || !errors.Is(err, credits.ErrInsufficient) {
		t.Errorf("%v, want an InsufficientError with 3 available", err)
	}
	if len(h.up.Journal()) != 0 || h.balance() != (credits.Balance{Posted: 3, Available: 3}) || len(h.attempts("")) != 0 {
		t.Errorf("journal %+v, balance %+v, attempts %+v: want nothing", h.up.Journal(), h.balance(), h.attempts(""))
	}
	h.fatal(h.ledger.Grant(t.Context(), credits.Grant{Account: account, Key: "more", Kind: credits.Bonus, Amount: 1000}))
	if _, err := h.echo("k"); err != nil {
		t.Errorf("after a further grant: %v, want the same key to work", err)
	}
	h.sound()
}

func TestABalanceForThreeServesThreeOfMany(t *testing.T) {
	h := newHost(t, setup{grant: 15}) // a picture holds and costs 5
	var wg sync.WaitGroup
	var mu sync.Mutex
	served := 0
	for i := range 12 {
		wg.Go(func() {
			_, err := h.sketch(credits.Key(rune('a'+i)), dalleModel, 1)
			if err != nil && !errors.Is(err, credits.ErrInsufficient) {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				served++
			}
		})
	}
	wg.Wait()
	if _, billable := h.requests(); served != 3 || billable != 3 || h.balance() != (credits.Balance{}) {
		t.Errorf("%d served, %d billed, balance %+v: want 3, 3, nothing left", served, billable, h.balance())
	}
	h.sound()
}
