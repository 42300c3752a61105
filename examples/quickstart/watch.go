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
	told    time.Time
	stage   int   // the index of the stage that was told last
	total   int64 // items over when it was told last
	resumed bool  // it is still to be told when the first item of a resumed run was done
	before  int64 // items that were over when this process began
}

// watch tells how far the run is, until the context ends.
func (h *host) watch(ctx context.Context) {
	p := progress{h: h, stage: -1, total: -1, resumed: h.resumed, before: -1}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// If the database cannot be read for a moment, the next look may succeed; if it cannot at all, the run will say so.
		if run, stages, err := h.db.Runs().Run(ctx, h.run.ID); err == nil {
			p.look(run, stages)
		}
	}
}

func (p *progress) look(run automation.Run, stages []automation.StageCount) {
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
		p.say(run, stages)
	}
	if total != p.total && time.Since(p.told) >= tell {
		p.say(run, stages)
	}
}

func (p *progress) say(run automation.Run, stages []automation.StageCount) {
	var charged credits.Amount
	for _, s := range stages {
		charged += s.Credits
	}
	s := stages[p.stage]
	failed := ""
	if s.Failed > 0 {
		failed = fmt.Sprintf(" (%d failed)", s.Failed)
	}
	fmt.Fprintf(p.h.stderr, "[%d/%d] %-13s %d of %d%s · %d of about %d credits · %s\n", p.stage+1, len(stages), s.Stage,
		s.Done+s.Failed, s.Total, failed, charged, run.Estimate, time.Since(p.h.started).Round(100*time.Millisecond))
	p.total, p.told = itemsOver(stages), time.Now()
}

func itemsOver(stages []automation.StageCount) (n int64) {
	for _, s := range stages {
		n += s.Done + s.Failed
	}
	return n
}
