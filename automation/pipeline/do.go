package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine/functions"
)

// Errand asks for one stage of some rows, as a person does with a button.
type Errand struct {
	ID      string          `json:"id"`   // of its run, unique for ever, and the key under which it is done once; required
	Site    string          `json:"site"` // required
	Account credits.Account `json:"account"`
	Stage   string          `json:"stage"` // required
	// Items are the ids of the rows, each once, at most automation.MaxErrand: of keywords for Cluster, and what [Request.MaxItems]
	// counts for the others.
	Items []string `json:"items"`
	// MaxCredits and AllowShort are as in [Request].
	MaxCredits credits.Amount `json:"max_credits,omitempty"`
	AllowShort bool           `json:"allow_short,omitempty"`
}

// run returns the run that does the errand. Errors: ErrInvalid.
func (e Errand) run() (automation.Run, error) {
	bad := func(why string, args ...any) (automation.Run, error) {
		return automation.Run{}, fmt.Errorf("pipeline: errand %q: %w: %s", e.ID, ErrInvalid, fmt.Sprintf(why, args...))
	}
	run := automation.Run{ID: e.ID, Site: e.Site, Account: e.Account, Stages: []string{e.Stage}, Items: e.Items, State: automation.Running}
	switch {
	case !slices.Contains(StageNames(), e.Stage):
		return bad("there is no stage %q: want one of %q", e.Stage, StageNames())
	case len(e.Items) == 0:
		return bad("it names no items: want the ids of the rows to do")
	case e.Stage == Cluster && len(e.Items) < functions.MinKeywords:
		return bad("it names %d keywords, and at least %d are needed to group any", len(e.Items), functions.MinKeywords)
	case e.MaxCredits < 0:
		return bad("MaxCredits is %d, want at least 0", e.MaxCredits)
	}
	if err := run.Validate(); err != nil {
		return bad("%v", err)
	}
	return run, nil
}

// NotWaitingError names a row that an errand cannot do, because it does not wait for the stage. It matches ErrInvalid.
type NotWaitingError struct {
	Stage, Item string
	Status      content.Status // empty if the site has no such row
}

// Error implements error.
func (e *NotWaitingError) Error() string {
	if e.Status == "" {
		return fmt.Sprintf("pipeline: stage %q: the site has no row %q that the stage could take up: want %s", e.Stage, e.Item, wanted[e.Stage])
	}
	return fmt.Sprintf("pipeline: stage %q: row %q is %s and does not wait for the stage: want %s", e.Stage, e.Item, e.Status, wanted[e.Stage])
}

// Is reports whether target is ErrInvalid.
func (e *NotWaitingError) Is(target error) bool { return target == ErrInvalid }

// wanted says what waits for a stage.
var wanted = map[string]string{
	Cluster:      "a new keyword",
	Ideas:        "a new cluster",
	Tasks:        "a new idea",
	Write:        "a queued task",
	ImagePrompts: "a draft without pictures, of an account whose settings ask for some",
	Images:       "a pending picture",
	Publish:      "a draft, or a published article that has got a picture since",
}

// Do estimates an errand, refuses it as [Pipeline.Start] would a run, and hands it to a runner that has the pipeline's stages. It
// goes on beside the site's run, be that paused or at work, and beside other errands: what is under way there is refused. The same
// errand again returns its estimate and starts nothing. Errors: *NotWaitingError, *ShortError, ErrInvalid,
// *automation.ClaimedError, automation.ErrExists if the id is that of another run; the registry's, the ledger's and the stores' own.
func (p *Pipeline) Do(ctx context.Context, r *automation.Runner, e Errand) (Estimate, error) {
	run, err := e.run()
	if err != nil {
		return Estimate{}, err
	}
	if estimate, known, err := p.asked(ctx, r, run); known || err != nil {
		return estimate, err
	}
	estimate, err := p.estimateErrand(ctx, run)
	if err == nil {
		run.Estimate = estimate.Total
		err = p.begin(ctx, r, run, e.MaxCredits, e.AllowShort)
	}
	if err != nil { // of two clicks at once the second may have met the first anywhere
		if estimate, known, other := p.asked(ctx, r, run); known {
			return estimate, other
		}
	}
	return estimate, err
}

// asked returns the estimate of an errand that was begun before. Errors: automation.ErrExists if what has its id is another one.
func (p *Pipeline) asked(ctx context.Context, r *automation.Runner, run automation.Run) (e Estimate, known bool, err error) {
	before, _, err := r.Run(ctx, run.ID)
	switch {
	case errors.Is(err, automation.ErrNotFound):
		return Estimate{}, false, nil
	case err != nil:
		return Estimate{}, false, err
	case before.Site != run.Site, before.Account != run.Account, !slices.Equal(before.Stages, run.Stages),
		!slices.Equal(slices.Sorted(slices.Values(before.Items)), slices.Sorted(slices.Values(run.Items))):
		return Estimate{}, true, fmt.Errorf("pipeline: errand %q: %w: %w, and it is about something else", run.ID, ErrInvalid, automation.ErrExists)
	}
	items := int64(len(run.Items))
	if run.Stages[0] == Cluster {
		items = parts(items, int64(p.cfg.BatchSize))
	}
	return Estimate{Stages: []StageEstimate{{run.Stages[0], items, before.Estimate}}, Total: before.Estimate}, true, nil
}

// estimateErrand plans an errand to see whether each of its rows waits. Errors: *NotWaitingError.
func (p *Pipeline) estimateErrand(ctx context.Context, run automation.Run) (Estimate, error) {
	name := run.Stages[0]
	stage := p.Stages()[slices.Index(StageNames(), name)]
	waits := map[string]bool{}
	for item, err := range stage.Plan(ctx, automation.Inputs{Run: run.ID, Site: run.Site, Account: run.Account, Items: run.Items}) {
		if err != nil {
			return Estimate{}, err
		}
		for _, row := range item.Takes() {
			waits[row] = true
		}
	}
	for _, id := range run.Items {
		b, err := p.row(ctx, name, id)
		switch {
		case errors.Is(err, content.ErrNotFound) || err == nil && b.Site != run.Site:
			return Estimate{}, &NotWaitingError{Stage: name, Item: id}
		case err != nil:
			return Estimate{}, err
		case !waits[id] && (name != Cluster || b.Status != content.New): // keywords too few to be grouped all wait
			return Estimate{}, &NotWaitingError{Stage: name, Item: id, Status: b.Status}
		}
	}
	pictures, err := p.pictures(ctx, run.Account)
	if err != nil {
		return Estimate{}, err
	}
	n := int64(len(run.Items))
	s, err := p.estimateStage(ctx, Request{Account: run.Account}, name, &waiting{n, n, n, n, n, n}, int64(pictures))
	return Estimate{Stages: []StageEstimate{s}, Total: s.Credits}, err
}

// row returns a row that a stage takes up.
func (p *Pipeline) row(ctx context.Context, stage, id string) (content.Base, error) {
	s := p.cfg.Content
	switch stage {
	case Cluster:
		return baseOf(ctx, s.Keywords(), id)
	case Ideas:
		return baseOf(ctx, s.Clusters(), id)
	case Tasks:
		return baseOf(ctx, s.Ideas(), id)
	case Write:
		return baseOf(ctx, s.Tasks(), id)
	case Images:
		return baseOf(ctx, s.Images(), id)
	}
	return baseOf(ctx, s.Articles(), id)
}
