package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine/functions"
)

// Request asks for a run over a site.
type Request struct {
	ID      string          `json:"id"`   // of the run, unique for ever; required
	Site    string          `json:"site"` // required
	Account credits.Account `json:"account"`
	// From and To are the first and the last stage to do; of all stages if empty. To do one stage, name it as both.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// MaxItems bounds by stage how much of what waits for it the run takes up: keywords for Cluster, clusters for Ideas, ideas
	// for Tasks, tasks for Write, articles for ImagePrompts and Publish, pictures for Images. What is left waits for the next run.
	MaxItems map[string]int64 `json:"max_items,omitempty"`
	// MaxCredits bounds what the run may hold and charge, in credits; 0 for no bound. A run that comes to it is paused; see
	// [Pipeline.CapRun].
	MaxCredits credits.Amount `json:"max_credits,omitempty"`
	// AllowShort starts the run although the account may not cover it; it is paused when the credits run out.
	AllowShort bool `json:"allow_short,omitempty"`
}

// stages returns the stages that are to be done, in order. Errors: ErrInvalid.
func (q Request) stages() ([]string, error) {
	bad := func(why string, args ...any) ([]string, error) {
		return nil, fmt.Errorf("pipeline: run %q: %w: %s", q.ID, ErrInvalid, fmt.Sprintf(why, args...))
	}
	all := StageNames()
	from, to := 0, len(all)-1
	if q.From != "" {
		from = slices.Index(all, q.From)
	}
	if q.To != "" {
		to = slices.Index(all, q.To)
	}
	switch {
	case from < 0:
		return bad("From: there is no stage %q: want one of %q", q.From, all)
	case to < 0:
		return bad("To: there is no stage %q: want one of %q", q.To, all)
	case from > to:
		return bad("it is to begin with stage %q and to end with %q, which comes before", q.From, q.To)
	case q.MaxCredits < 0:
		return bad("MaxCredits is %d, want at least 0", q.MaxCredits)
	}
	stages := all[from : to+1]
	for stage, most := range q.MaxItems {
		switch {
		case !slices.Contains(stages, stage):
			return bad("MaxItems: %q is not one of its stages %q", stage, stages)
		case most < 1:
			return bad("MaxItems: stage %q may take up %d, want at least 1", stage, most)
		case stage == Cluster && most < functions.MinKeywords:
			return bad("MaxItems: stage %q may take up %d keywords, and at least %d are needed to group any", stage, most, functions.MinKeywords)
		}
	}
	return stages, nil
}

// ShortError says that an account does not cover a run. It matches credits.ErrInsufficient.
type ShortError struct {
	Account   credits.Account
	Estimate  credits.Amount // credits that the run is expected to cost
	Need      credits.Amount // the estimate and a fifth more, or what the run may charge at most if that is less
	Available credits.Amount
}

// Error implements error.
func (e *ShortError) Error() string {
	return fmt.Sprintf("pipeline: start: account %q: %v: the run is expected to cost %d, want %d to start it, available %d: grant more, or allow the run to stop halfway",
		e.Account, credits.ErrInsufficient, e.Estimate, e.Need, e.Available)
}

// Is reports whether target is credits.ErrInsufficient.
func (e *ShortError) Is(target error) bool { return target == credits.ErrInsufficient }

// Start estimates a run over what waits in the site, refuses it if the account does not have a fifth more than the estimate, and
// hands it to a runner that has the pipeline's stages. Errors: *ShortError, ErrInvalid, those of [Pipeline.Estimate], of the
// ledger's SetCap and of automation's Runner.Start.
func (p *Pipeline) Start(ctx context.Context, r *automation.Runner, q Request) (Estimate, error) {
	e, err := p.Estimate(ctx, q)
	if err != nil {
		return Estimate{}, err
	}
	run := automation.Run{ID: q.ID, Site: q.Site, Account: q.Account, MaxItems: q.MaxItems, Estimate: e.Total}
	for _, s := range e.Stages {
		run.Stages = append(run.Stages, s.Stage)
	}
	return e, p.begin(ctx, r, run, q.MaxCredits, q.AllowShort)
}

// begin starts a run that was estimated, if its account covers it or need not.
func (p *Pipeline) begin(ctx context.Context, r *automation.Runner, run automation.Run, most credits.Amount, allowShort bool) error {
	if p.cfg.Ledger == nil {
		return fmt.Errorf("pipeline: start: %w: Config.Ledger must be set", ErrInvalid)
	}
	if !allowShort {
		if err := p.covered(ctx, run.Account, run.Estimate, most); err != nil {
			return err
		}
	}
	if most == 0 {
		return r.Start(ctx, run)
	}
	return p.startCapped(ctx, r, run, most)
}

// covered refuses an estimate that leaves no margin: it is one, and the worst case of each call is held before it.
func (p *Pipeline) covered(ctx context.Context, account credits.Account, estimate, most credits.Amount) error {
	b, err := p.cfg.Ledger.Balance(ctx, account)
	if err != nil {
		return err
	}
	need, err := estimate.Add((estimate + 4) / 5)
	if err != nil {
		return err
	}
	if most > 0 {
		need = min(need, most)
	}
	if b.Available < need {
		return &ShortError{Account: account, Estimate: estimate, Need: need, Available: b.Available}
	}
	return nil
}
