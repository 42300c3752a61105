package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
)

const (
	look = 100 * time.Millisecond // how often the run's counts are read
	tell = time.Second            // how often they are told at most, unless a stage ends
)

// progress tells a person how far the run is.
type progress struct {
	h       *host
	run     automation.Run // as it was looked at last, with its stages
	stages  []automation.StageCount
	told    time.Time
	stage   int   // the index of the stage that was told last
	total   int64 // items over when it was told last
	resumed bool  // it is still to be told when the first item of a resumed run was done
	before  int64 // items that were over when this process began
}

// watch tells how far the run is, until the context ends, and once more then.
func (h *host) watch(ctx context.Context) {
	p := progress{h: h, total: -1, resumed: h.resumed, before: -1}
	if h.resumed {
		p.stage = -1 // what was over before is not told again
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			p.look(context.WithoutCancel(ctx))
			p.say()
			return
		case <-tick.C:
			p.look(ctx)
		}
	}
}

// look reads the run and says what is new. If the database cannot be read for a moment, the next look may succeed; if it
// cannot at all, the run will say so.
func (p *progress) look(ctx context.Context) {
	run, stages, err := p.h.db.Runs().Run(ctx, p.h.run.ID)
	if err != nil {
		return
	}
	p.run, p.stages = run, stages
	total := itemsOver(stages)
	if p.before < 0 {
		p.before = total
	}
	if p.resumed && total > p.before {
		p.resumed = false
		fmt.Fprintf(p.h.stderr, "quickstart: the first item was done %s after the start\n", time.Since(p.h.started).Round(time.Millisecond))
	}
	now := slices.IndexFunc(stages, func(s automation.StageCount) bool { return s.Stage == run.Stage })
	if p.stage < 0 {
		p.stage = now
	}
	for ; p.stage < now; p.stage++ { // each stage is told once more when it is over
		p.say()
	}
	if total != p.total && time.Since(p.told) >= tell {
		p.say()
	}
}

func (p *progress) say() {
	if len(p.stages) == 0 {
		return
	}
	var charged credits.Amount
	for _, s := range p.stages {
		charged += s.Credits
	}
	s := p.stages[p.stage]
	failed := ""
	if s.Failed > 0 {
		failed = fmt.Sprintf(" (%d failed)", s.Failed)
	}
	fmt.Fprintf(p.h.stderr, "[%d/%d] %-13s %d of %d%s · %d of about %d credits · %s\n", p.stage+1, len(p.stages), s.Stage,
		s.Done+s.Failed, s.Total, failed, charged, p.run.Estimate, time.Since(p.h.started).Round(100*time.Millisecond))
	p.total, p.told = itemsOver(p.stages), time.Now()
}

func itemsOver(stages []automation.StageCount) (n int64) {
	for _, s := range stages {
		n += s.Done + s.Failed
	}
	return n
}
