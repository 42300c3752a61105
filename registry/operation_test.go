package registry_test

import (
	"slices"
	"testing"

	"github.com/scrip-go/scrip/registry"
)

// TestAnOperationHasOneName: what it was called beside it, as an operation or as a function, is refused with the name.
func TestAnOperationHasOneName(t *testing.T) {
	for _, c := range []struct{ called, is string }{
		{"auto_cluster", "clustering"},
		{"generate_ideas", "idea_generation"}, {"ideas", "idea_generation"},
		{"generate_content", "content_generation"}, {"content", "content_generation"},
		{"generate_image_prompts", "image_prompt_extraction"},
		{"generate_images", "image_generation"}, {"images", "image_generation"},
		{"optimize_content", "content_optimization"}, {"optimization", "content_optimization"},
		{"generate_internal_links", "internal_linking"}, {"linking", "internal_linking"},
		{"generate_site_structure", "site_structure_generation"},
	} {
		err := called(t, c.called)
		wantError(t, err, registry.ErrInvalid)
		wantText(t, err, `operation "`+c.called+`"`, `call it "`+c.is+`"`)
		if !slices.Contains(registry.Operations(), c.is) {
			t.Errorf("%q is not one of Operations", c.is)
		}
	}
}

func TestAHostNamesOperationsInOneWay(t *testing.T) {
	for _, name := range []string{"Answering", "answer-ing", "answer ing", "answer.ing", " answering", "_answering", "2answering", "änswering"} {
		err := called(t, name)
		wantError(t, err, registry.ErrInvalid)
		wantText(t, err, "rename it")
	}
	for _, name := range []string{"answering", "a", "site_page_generation", "answering_2"} {
		if err := called(t, name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// called validates the seed with an operation of a name.
func called(t *testing.T, name string) error {
	c := seed(t)
	c.Operations = append(c.Operations, registry.OperationCost{Operation: name, TokensPerCredit: 1, PricePerCreditUSD: *usd("1")})
	return c.Validate(seedTime)
}
