// Package functions holds the AI functions of a content service, built on package engine only: grouping keywords, planning
// articles, writing them, describing their pictures and making them; writing the pages of products and services; making an
// article better, linking it with others, and planning a site.
//
// Answers are checked as far as they can be without a person: every keyword is in one cluster, a link's anchor is in the
// article, an article that was made better has lost no link. What a check cannot see stays the host's: it decides what is
// published.
//
// Each function's input is what the model is given, as JSON, beneath a prompt that the registry's settings can replace.
// What the model says refers to the input by numbers, never by repeating text that would have to be matched again.
//
// A [Set] is immutable and safe for concurrent use.
package functions

import (
	"embed"
	"encoding/json"
	"errors"

	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
)

// The names of the functions, as in settings and events.
const (
	AutoCluster          = "auto_cluster"
	GenerateIdeas        = "generate_ideas"
	GenerateContent      = "generate_content"
	GenerateImagePrompts = "generate_image_prompts"
	GenerateImages       = "generate_images"

	GenerateProduct       = "generate_product"
	GenerateService       = "generate_service"
	OptimizeContent       = "optimize_content"
	GenerateInternalLinks = "generate_internal_links"
	GenerateSiteStructure = "generate_site_structure"
)

// Set is every function, ready to be run.
type Set struct {
	Cluster      *engine.Function[ClusterInput, ClusterOutput]
	Ideas        *engine.Function[IdeasInput, IdeasOutput]
	Content      *engine.Function[ContentInput, ContentOutput]
	ImagePrompts *engine.Function[ImagePromptsInput, ImagePromptsOutput]
	Images       *engine.Function[ImageInput, ImageOutput]

	Product   *engine.Function[ProductInput, ProductOutput]
	Service   *engine.Function[ServiceInput, ServiceOutput]
	Optimize  *engine.Function[OptimizeInput, OptimizeOutput]
	Links     *engine.Function[LinksInput, LinksOutput]
	Structure *engine.Function[StructureInput, StructureOutput]
}

// All returns the functions of the set, for engine.Config.Functions.
func (s *Set) All() []engine.AnyFunction {
	return []engine.AnyFunction{s.Cluster, s.Ideas, s.Content, s.ImagePrompts, s.Images, s.Product, s.Service, s.Optimize, s.Links, s.Structure}
}

// New defines the functions. An error is a defect of this package.
func New() (*Set, error) {
	var errs []error
	s := &Set{
		Cluster: define(clusterDefinition, &errs), Ideas: define(ideasDefinition, &errs), Content: define(contentDefinition, &errs),
		ImagePrompts: define(imagePromptsDefinition, &errs), Images: define(imagesDefinition, &errs),
		Product: define(productDefinition, &errs), Service: define(serviceDefinition, &errs), Optimize: define(optimizeDefinition, &errs),
		Links: define(linksDefinition, &errs), Structure: define(structureDefinition, &errs),
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

func define[In, Out any](d engine.Definition[In, Out], errs *[]error) *engine.Function[In, Out] {
	f, err := engine.Define(d)
	if err != nil {
		*errs = append(*errs, err)
	}
	return f
}

//go:embed prompts/*.txt
var prompts embed.FS

// ask puts the input, as JSON, beneath the function's prompt.
func ask[In any](function string) func(engine.Env, In) ([]providers.Message, error) {
	return func(env engine.Env, in In) ([]providers.Message, error) {
		prompt := env.Prompt
		if prompt == "" {
			b, err := prompts.ReadFile("prompts/" + function + ".txt")
			if err != nil {
				return nil, err
			}
			prompt = string(b)
		}
		body, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		return []providers.Message{{Role: providers.System, Text: prompt}, {Role: providers.User, Text: string(body)}}, nil
	}
}
