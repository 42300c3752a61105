package pipeline

import (
	"context"
	"fmt"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
)

// Request asks for a run over a site.
type Request struct {
	ID      string // of the run, unique for ever; required
	Site    string // required
	Account credits.Account
	// AllowShort starts the run although the account may not cover it; it is paused when the credits run out.
	AllowShort bool
}

// ShortError says that an account does not cover a run. It matches credits.ErrInsufficient.
type ShortError struct {
	Account   credits.Account
	Estimate  credits.Amount // credits that the run is expected to cost
	Need      credits.Amount // the estimate and a fifth more
	Available credits.Amount
}

// Error implements error.
func (e *ShortError) Error() string {
	return fmt.Sprintf("pipeline: start: account %q: %v: the run is expected to cost %d, want %d to start it, available %d: grant more, or allow the run to stop halfway",
		e.Account, credits.ErrInsufficient, e.Estimate, e.Need, e.Available)
}

// Is reports whether target is credits.ErrInsufficient.
func (e *ShortError) Is(target error) bool { return target == credits.ErrInsufficient }

// Start estimates a run over everything that waits in the site, refuses it if the account does not have a fifth more than
// the estimate, and hands it to a runner that has the pipeline's stages. Errors: *ShortError, ErrInvalid, those of
// [Pipeline.Estimate] and of automation's Runner.Start.
func (p *Pipeline) Start(ctx context.Context, r *automation.Runner, q Request) (Estimate, error) {
	e, err := p.Estimate(ctx, q.Account, q.Site)
	if err != nil {
		return Estimate{}, err
	}
	if !q.AllowShort {
		if err := p.covered(ctx, q.Account, e.Total); err != nil {
			return e, err
		}
	}
	return e, r.Start(ctx, automation.Run{ID: q.ID, Site: q.Site, Account: q.Account, Stages: StageNames(), Estimate: e.Total})
}

// covered refuses an estimate that leaves no margin: it is one, and the worst case of each call is held before it.
func (p *Pipeline) covered(ctx context.Context, account credits.Account, estimate credits.Amount) error {
	if p.cfg.Balances == nil {
		return fmt.Errorf("pipeline: start: %w: Config.Balances must be set", ErrInvalid)
	}
	b, err := p.cfg.Balances.Balance(ctx, account)
	if err != nil {
		return err
	}
	need, err := estimate.Add((estimate + 4) / 5)
	if err != nil {
		return err
	}
	if b.Available < need {
		return &ShortError{Account: account, Estimate: estimate, Need: need, Available: b.Available}
	}
	return nil
}
