package engine

import (
	"slices"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
)

// shadow says what the operation would have come to by the registry version that comes into force next, if one is pending.
// It is an observation of the moment of the settle: it is not pinned, so a takeover may see another candidate, or none,
// and the record names the one that was seen. It decides nothing, and what cannot be observed is left out.
func (op *operation) shadow(last registry.Priced) credits.Shadow {
	next := op.e.cfg.Registry.Snapshot().Candidate()
	if next == nil || next.Version <= last.Rate.Version { // this process has not seen yet that its time has come
		return credits.Shadow{}
	}
	shadow, err := next.Reprice(append(slices.Clone(op.calls), last)...)
	if err != nil {
		return credits.Shadow{}
	}
	return shadow
}
