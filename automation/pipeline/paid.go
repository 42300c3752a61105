package pipeline

import (
	"encoding/json"

	"github.com/scrip-go/scrip/automation/paid"
	"github.com/scrip-go/scrip/engine"
)

// paying is what the stages that pay have in common.
type paying[In, Out any] struct {
	*Pipeline
	paid.Step[In, Out]
}

// newPaying returns what a stage embeds; request reads the call's input out of the item's, which is its JSON if nil.
func newPaying[In, Out any](p *Pipeline, f *engine.Function[In, Out], request func(json.RawMessage) (In, error)) paying[In, Out] {
	return paying[In, Out]{p, paid.Step[In, Out]{Engine: p.cfg.Engine, Function: f, Tries: policy, Input: request}}
}
