package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/usage"
)

func TestARepairedAnswerIsOneChargeForBothCalls(t *testing.T) {
	for name, faults := range map[string][]providertest.Fault{
		"AtOnce":             {{Kind: providertest.NotJSON, Count: 1}},
		"ThroughARateLimit":  {{Kind: providertest.WrongShape, Count: 1}, {Kind: providertest.Status429, After: 1, Count: 1}},
		"ThroughALostAnswer": {{Kind: providertest.NotJSON, Count: 1}, {Kind: providertest.Status500, After: 1, Count: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				heard := &recorder{}
				h := newHost(t, setup{inProcess: true, upstream: providertest.Config{Responder: heard, Prices: priced.Prices}})
				h.faults(faults...)
				got, err := h.echo("a-secret-customer-key")
				if err != nil {
					t.Fatal(err)
				}
				var u usage.Usage
				for _, a := range h.attempts("a-secret-customer-key") {
					if a.Fate == "executed" {
						u, _ = u.Add(a.Usage)
					}
				}
				in, out, _ := u.TokenSums()
				cost := got.Record.Cost
				for _, e := range h.up.Journal() {
					if e.Billable {
						in, out = in-e.InputTokens, out-e.OutputTokens
						cost = cost.Sub(decimal.RequireFromString(e.Cost))
					}
				}
				if in != 0 || out != 0 || !cost.IsZero() || got.Record.Usage != u {
					t.Errorf("the record differs from the invoice by %d and %d tokens and %s USD", in, out, cost)
				}
				tokens, _, _ := u.TokenSums()
				if got.Record.Exact.Shift(1).IntPart() != tokens+u.Output.N || len(h.settles()) != 1 {
					t.Errorf("exactly %s credits in %d settles, want both calls' in one", got.Record.Exact, len(h.settles()))
				}
				repair := heard.texts[len(heard.texts)-1].Messages
				if len(repair) != 4 || repair[2].Role != providers.Assistant || repair[3].Role != providers.User {
					t.Fatalf("the repair call says %+v", repair)
				}
				for _, secret := range []string{apiKey, "a-secret-customer-key", string(account)} {
					for _, m := range repair {
						if strings.Contains(m.Text, secret) {
							t.Errorf("the repair call quotes %q", secret)
						}
					}
				}
				h.sound()
			})
		})
	}
}

// answers is a provider that gives one answer after the other.
func answers(heard *[][]providers.Message, list ...string) text {
	return func(_ context.Context, r providers.TextRequest) (providers.TextResult, error) {
		*heard = append(*heard, r.Messages)
		return says(list[min(len(*heard), len(list))-1])
	}
}

func TestTheRepairCallShowsWhatIsWrong(t *testing.T) {
	checked := askDefinition
	checked.Text = &engine.Text[ask, echo]{Messages: askDefinition.Text.Messages, MaxOutput: askDefinition.Text.MaxOutput,
		Check: func(_ ask, out echo) error {
			if out.Echo == "wrong" {
				return errors.New("the echo is wrong")
			}
			return nil
		}}
	f := must(engine.Define(checked))
	for _, tt := range []struct{ answer, says string }{
		{"I would rather not.", "the answer has no JSON object in it"},
		{`{"echo":`, "the answer is not a complete JSON object"},
		{`{"echo":7}`, "/echo is number, want string"},
		{`{}`, "/ lacks echo"},
		{`{"echo":"x","more":"secret"}`, "/ has properties that the schema does not list"},
		{`[{"echo":"x"}]`, "the answer is an array, want one JSON object"},
		{`{"echo":"wrong"}`, "the echo is wrong"},
	} {
		var heard [][]providers.Message
		h := newHost(t, setup{engine: with(answers(&heard, tt.answer, `{"echo":"right"}`))})
		got, err := engine.Run(t.Context(), h.Engine, f, engine.Call{Account: account, Key: "k"}, ask{prompt})
		if err != nil || got.Out.Echo != "right" || got.Charged != 10 || len(heard) != 2 {
			t.Errorf("%s: %+v, %v after %d calls; want it repaired for 2 × 5", tt.answer, got, err, len(heard))
			continue
		}
		if last := heard[1]; last[2].Text != tt.answer || !strings.Contains(last[3].Text, tt.says) {
			t.Errorf("%s: the repair call says %q, want %q in it", tt.answer, last[3].Text, tt.says)
		}
		h.sound()
	}
}

func TestAnAnswerThatStaysUnfitCostsTheCustomerNothing(t *testing.T) {
	var heard [][]providers.Message
	h := newHost(t, setup{engine: with(answers(&heard, "No."))})
	_, err := h.echo("k")
	if !errors.Is(err, engine.ErrAnswer) || len(heard) != 2 || h.balance().Posted != 1_000_000 {
		t.Errorf("%v after %d calls, balance %+v; want %v after 2", err, len(heard), h.balance(), engine.ErrAnswer)
	}
	attempts := h.attempts("k")
	if fates(attempts) != "executed/malformed executed/malformed" || !attempts[0].Cost.Decimal.IsPositive() || !attempts[1].Cost.Decimal.IsPositive() {
		t.Errorf("attempts %+v, want both with what they cost us", attempts)
	}
	h.sound()
}

func TestARepairThatTheAccountCannotCoverIsNotMade(t *testing.T) {
	var heard [][]providers.Message
	h := newHost(t, setup{engine: with(answers(&heard, "No.", `{"echo":"x"}`)), grant: 36}) // what the first call holds
	_, err := h.echo("k")
	if !errors.Is(err, credits.ErrInsufficient) || len(heard) != 1 || fates(h.attempts("k")) != "executed/malformed" {
		t.Errorf("%v after %d calls, attempts %q; want %v after 1", err, len(heard), fates(h.attempts("k")), credits.ErrInsufficient)
	}
	if h.balance() != (credits.Balance{Posted: 36, Available: 36}) {
		t.Errorf("balance %+v, want all of it back", h.balance())
	}
	h.sound()
}

func TestARepairThatFailsCostsTheCustomerNothing(t *testing.T) {
	h := newHost(t, setup{})
	h.faults(providertest.Fault{Kind: providertest.NotJSON, Count: 1}, providertest.Fault{Kind: providertest.Quota, After: 1})
	if _, err := h.echo("k"); !errors.Is(err, providers.Quota) || fates(h.attempts("k")) != "executed/malformed rejected/quota" {
		t.Errorf("%v, attempts %q", err, fates(h.attempts("k")))
	}
	h.sound()
}

// usesAll is an answer to a request that used as much as it could: a token for each byte, what the wrapping may have, and the
// whole bound on the output.
func usesAll(r providers.TextRequest, answer string) (providers.TextResult, error) {
	in := int64(64)
	if r.Schema != nil {
		in += int64(len(r.Schema.JSON))
	}
	for _, m := range r.Messages {
		in += 16 + int64(len(m.Text))
	}
	return providers.TextResult{Text: answer, Metering: providers.Metering{Usage: usage.Tokens(in, r.MaxOutput), RequestID: "req"}}, nil
}

// TestTheHoldCoversAllThatItsCallsMayUse has calls that use what they may to the last token.
func TestTheHoldCoversAllThatItsCallsMayUse(t *testing.T) {
	right := func(r providers.TextRequest, _ int) (providers.TextResult, error) {
		return usesAll(r, `{"echo":"right"}`)
	}
	wrongFirst := func(r providers.TextRequest, call int) (providers.TextResult, error) {
		if call == 1 {
			return usesAll(r, "No.")
		}
		return right(r, call)
	}
	for name, tt := range map[string]struct {
		configure func(*registry.Configuration)
		first     func(r providers.TextRequest, call int) (providers.TextResult, error)
		model     string
	}{
		"a call":                {falling(1), right, textModel},
		"a call and its repair": {falling(1), wrongFirst, textModel},
		"a repair by the fallback": {falling(10), func(r providers.TextRequest, call int) (providers.TextResult, error) {
			if call == 2 {
				return providers.TextResult{}, failure(providers.Quota, providers.Rejected)
			}
			return wrongFirst(r, call)
		}, fallbackModel},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			h := newHost(t, setup{configure: tt.configure, engine: func(c *engine.Config) {
				withFallback(nil)(c)
				c.Providers = []providers.Provider{
					text(func(_ context.Context, r providers.TextRequest) (providers.TextResult, error) {
						calls++
						return tt.first(r, calls)
					}),
					spare{func(_ context.Context, r providers.TextRequest) (providers.TextResult, error) { return right(r, 0) }},
				}
			}})
			got, err := h.echo("k")
			if err != nil || got.Record.Model != tt.model {
				t.Fatalf("Run = %+v, %v, want an answer of %s", got, err, tt.model)
			}
			if r := got.Record; r.WrittenOff != 0 || !r.Exact.Ceil().Equal(decimal.NewFromInt(int64(r.Charged))) {
				t.Errorf("charged %d for exactly %s, %d written off; want all of it charged", r.Charged, r.Exact, r.WrittenOff)
			}
			h.sound()
		})
	}
}

func TestTheMinimumCountsOnceForARepairedCall(t *testing.T) {
	var heard [][]providers.Message
	h := newHost(t, setup{engine: with(answers(&heard, "No.", `{"echo":"x"}`)), configure: func(c *registry.Configuration) { c.Operations[3].MinCredits = 60 }})
	if got, err := h.echo("k"); err != nil || got.Charged != 60 || got.Record.Exact.String() != "10" {
		t.Errorf("charged %d for exactly %s, %v; want the minimum of 60 once", got.Charged, got.Record.Exact, err)
	}
	h.sound()
}

func TestAResultThatIsTooLargeIsNotCharged(t *testing.T) {
	var heard [][]providers.Message
	h := newHost(t, setup{engine: with(answers(&heard, `{"echo":"`+strings.Repeat("x", credits.MaxResult)+`"}`))})
	if _, err := h.echo("k"); !errors.Is(err, engine.ErrAnswer) || len(heard) != 1 {
		t.Errorf("%v after %d calls, want %v after 1: asking again would not make it shorter", err, len(heard), engine.ErrAnswer)
	}
	h.sound()
}

func TestANumberThatGoCannotHoldIsRepaired(t *testing.T) {
	type rated struct {
		Stars uint8 `json:"stars"`
	}
	f := must(engine.Define(engine.Definition[ask, rated]{Name: "rate", Operation: "idea_generation",
		Text: &engine.Text[ask, rated]{Messages: askDefinition.Text.Messages, MaxOutput: askDefinition.Text.MaxOutput}}))
	for _, number := range []string{"-1", "256", "256.0", "1e3"} { // all of them integers by the rules of JSON schema
		var heard [][]providers.Message
		h := newHost(t, setup{engine: with(answers(&heard, `{"stars":`+number+`}`, `{"stars":5}`))})
		got, err := engine.Run(t.Context(), h.Engine, f, engine.Call{Account: account, Key: "k"}, ask{prompt})
		if err != nil || got.Out.Stars != 5 || len(heard) != 2 {
			t.Errorf("%s: %+v, %v after %d calls; want it repaired", number, got.Out, err, len(heard))
		}
	}
}
