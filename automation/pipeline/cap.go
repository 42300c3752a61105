package pipeline

import (
	"context"
	"errors"
	"strings"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
)

// runCap begins the names of the caps that runs have; the run's id follows.
const runCap = "run/"

// CapRun sets what a run may hold and charge in all, in credits, in the place of what it was started with; 0 takes the bound
// away. What it charged already counts. The bound is a cap of the ledger that counts the run's scope, by the name "run/" and
// the run's id: it is checked in the decision that holds, and loses no settle. A run that was paused by it goes on with the
// runner's Resume. Errors: those of the ledger's SetCap and RemoveCap.
func (p *Pipeline) CapRun(ctx context.Context, account credits.Account, run string, most credits.Amount) error {
	if most == 0 {
		return p.cfg.Ledger.RemoveCap(ctx, credits.RemoveCap{Account: account, Name: runCap + run})
	}
	return p.cfg.Ledger.SetCap(ctx, credits.Cap{Account: account, Name: runCap + run, Scope: run, Window: credits.Ever, Limit: most})
}

// startCapped sets the cap first: a run that is there has it from its first call on. A kill in between leaves a cap that nothing
// counts under, and the run's id free to be started again.
func (p *Pipeline) startCapped(ctx context.Context, r *automation.Runner, run automation.Run, most credits.Amount) error {
	_, _, err := r.Run(ctx, run.ID)
	if err == nil { // it has a cap of its own, or none; the store refuses the id
		return r.Start(ctx, run)
	}
	if !errors.Is(err, automation.ErrNotFound) {
		return err
	}
	if err := p.dropCaps(ctx, r, run.Account); err != nil {
		return err
	}
	if err := p.CapRun(ctx, run.Account, run.ID, most); err != nil {
		return err
	}
	err = r.Start(ctx, run)
	if errors.Is(err, automation.ErrRunExists) || errors.Is(err, automation.ErrClaimed) { // there is no run of this id for certain
		return errors.Join(err, p.CapRun(context.WithoutCancel(ctx), run.Account, run.ID, 0))
	}
	return err
}

// dropCaps removes the caps of the account's runs that are over: every decision looks at an account's caps, and it may have a
// hundred of them. One whose run is not there may be about to get it, and stays.
func (p *Pipeline) dropCaps(ctx context.Context, r *automation.Runner, account credits.Account) error {
	caps, err := p.cfg.Ledger.Caps(ctx, account)
	if err != nil {
		return err
	}
	for _, c := range caps {
		id, ok := strings.CutPrefix(c.Name, runCap)
		if !ok || c.Scope != id {
			continue // the host's own
		}
		run, _, err := r.Run(ctx, id)
		if errors.Is(err, automation.ErrNotFound) {
			continue
		}
		if err == nil && run.State.Terminal() {
			err = p.CapRun(ctx, account, id, 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
