package providertest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
)

// rules are the faults in force. Every rule counts every request that concerns it, whichever rule strikes.
type rules struct {
	mu   sync.Mutex
	list []*rule
}

type rule struct {
	Fault
	seen, struck int
	rng          *rand.Rand
}

// SetFaults replaces the rules and starts their counting anew. The first rule that strikes a request decides it.
// It returns an error that lists the rules without a meaning, and then changes nothing.
func (u *Upstream) SetFaults(faults ...Fault) error {
	list := make([]*rule, len(faults))
	var errs []error
	for i, f := range faults {
		if err := f.validate(); err != nil {
			errs = append(errs, fmt.Errorf("providertest: fault %d: %w", i, err))
		}
		list[i] = &rule{Fault: f, rng: rand.New(rand.NewPCG(f.Seed, 0))}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	u.rules.mu.Lock()
	defer u.rules.mu.Unlock()
	u.rules.list = list
	return nil
}

// pick returns the fault of a request; its Kind is empty if nothing goes wrong.
func (r *rules) pick(route string) Fault {
	r.mu.Lock()
	defer r.mu.Unlock()
	var struck Fault
	for _, rule := range r.list {
		if !rule.concerns(route) {
			continue
		}
		n := rule.seen - rule.After
		rule.seen++
		if n < 0 || rule.Every > 1 && n%rule.Every != 0 {
			continue
		}
		// The generator moves on with every request, so that another rule's strike does not shift this one's.
		if rule.Probability > 0 && rule.rng.IntN(100) >= rule.Probability {
			continue
		}
		if struck.Kind != "" || rule.Count > 0 && rule.struck >= rule.Count {
			continue
		}
		rule.struck++
		struck = rule.Fault
	}
	return struck
}
