package main

import (
	"time"

	"github.com/scrip-go/scrip/registry"
)

// legacy is what the old system priced by: a ratio and a minimum for each operation, and nothing on the models.
func legacy() (registry.Configuration, error) {
	c, err := registry.Catalogue(registry.Seed)
	if err != nil {
		return registry.Configuration{}, err
	}
	for i := range c.Models {
		m := &c.Models[i]
		m.TokensPerCredit, m.CreditsPerImage, m.QualityTier = 0, 0, ""
		m.Active = true // one of them will be retired
	}
	return c, nil
}

// described is legacy with what the models are told to be: tiers. Nothing costs more or less by it.
func described() (registry.Configuration, error) {
	c, err := legacy()
	if err != nil {
		return registry.Configuration{}, err
	}
	catalogue, err := registry.Catalogue(registry.Seed)
	if err != nil {
		return registry.Configuration{}, err
	}
	for i := range c.Models {
		c.Models[i].QualityTier = catalogue.Models[i].QualityTier
	}
	return c, nil
}

// candidate is the catalogue as it is: the model says what it costs, and the operation only where the model does not. A
// model is retired, and one operation has another minimum.
func candidate() (registry.Configuration, error) {
	c, err := registry.Catalogue(registry.Seed)
	if err != nil {
		return registry.Configuration{}, err
	}
	for i := range c.Operations {
		if o := &c.Operations[i]; o.Operation == registry.ContentGeneration {
			o.MinCredits = 2
		}
	}
	return c, nil
}

// farOff is when the candidate would take force by itself: long after anybody has decided about it.
func farOff() time.Time { return time.Now().AddDate(1, 0, 0) }
