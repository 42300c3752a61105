package functions

import (
	"errors"
	"fmt"
	"strings"

	"github.com/scrip-go/scrip/engine"
)

// ProductInput is what there is to know of a product for its page.
type ProductInput struct {
	Name       string     `json:"name"`
	Brand      string     `json:"brand,omitempty"`
	About      string     `json:"about,omitempty"`
	Attributes []Property `json:"attributes"` // facts, at least one: what is not here is not claimed
	Price      string     `json:"price,omitempty"`
	Audience   string     `json:"audience,omitempty"`
	Primary    string     `json:"primary_keyword"`
	Secondary  []string   `json:"secondary_keywords,omitempty"`
}

// Property is a fact with its name.
type Property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ProductOutput is the page of a product. Its texts are plain, but for the HTML of the description.
type ProductOutput struct {
	Title           string     `json:"title"`
	Summary         string     `json:"summary"`          // one or two sentences
	HTML            string     `json:"description_html"` // sanitise it before a browser sees it
	Features        []Feature  `json:"features"`
	Specification   []Property `json:"specification"` // from the input's attributes alone
	Questions       []Question `json:"questions"`
	MetaTitle       string     `json:"meta_title"`
	MetaDescription string     `json:"meta_description"`
	Tags            []string   `json:"tags"`
}

// Feature is what something has, and what that is good for.
type Feature struct {
	Name    string `json:"name"`
	Benefit string `json:"benefit"`
}

// Question is what buyers ask, with its answer.
type Question struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

var productDefinition = engine.Definition[ProductInput, ProductOutput]{
	Name: GenerateProduct, Operation: "content_generation",
	Validate: func(in ProductInput) error {
		switch {
		case strings.TrimSpace(in.Name) == "":
			return errors.New("the product has no name")
		case len(in.Attributes) == 0:
			return errors.New("the product has no attributes: what is not known cannot be described")
		case strings.TrimSpace(in.Primary) == "":
			return errors.New("the product has no primary keyword")
		}
		for i, a := range in.Attributes {
			if strings.TrimSpace(a.Name) == "" || strings.TrimSpace(a.Value) == "" {
				return fmt.Errorf("attribute %d has no name or no value", i+1)
			}
		}
		return nil
	},
	Text: &engine.Text[ProductInput, ProductOutput]{
		Messages:  ask[ProductInput](GenerateProduct),
		MaxOutput: func(in ProductInput) int64 { return 2500 + 40*int64(len(in.Attributes)) },
		Check: func(in ProductInput, out ProductOutput) error {
			errs := page(out.Title, out.Summary, out.HTML, out.Questions)
			if len(out.Features) == 0 {
				errs = append(errs, errors.New("there are no features"))
			}
			errs = append(errs, whole("feature", out.Features)...)
			known := map[string]bool{}
			for _, a := range in.Attributes {
				known[plain(a.Value)] = true
			}
			for i, s := range out.Specification {
				if !known[plain(s.Value)] {
					errs = append(errs, fmt.Errorf("row %d of the specification is none of the product's attributes", i+1))
				}
			}
			return few(errs)
		},
	},
}

// ServiceInput is what there is to know of a service for its page.
type ServiceInput struct {
	Name      string   `json:"name"`
	Provider  string   `json:"provider"` // who offers it
	About     string   `json:"about,omitempty"`
	Area      string   `json:"area,omitempty"` // where it is offered
	Includes  []string `json:"includes"`       // what it consists of, at least one
	Price     string   `json:"price,omitempty"`
	Contact   string   `json:"contact,omitempty"` // how to ask for it, such as a path of the site
	Primary   string   `json:"primary_keyword"`
	Secondary []string `json:"secondary_keywords,omitempty"`
}

// ServiceOutput is the page of a service. Its texts are plain, but for the HTML of the description.
type ServiceOutput struct {
	Title           string     `json:"title"`
	Summary         string     `json:"summary"`          // one or two sentences
	HTML            string     `json:"description_html"` // sanitise it before a browser sees it
	Included        []Feature  `json:"included"`         // one for each entry of the input, in its order
	Steps           []Step     `json:"steps"`            // from the first word to the end of the work
	Questions       []Question `json:"questions"`
	CallToAction    string     `json:"call_to_action"`
	MetaTitle       string     `json:"meta_title"`
	MetaDescription string     `json:"meta_description"`
	Tags            []string   `json:"tags"`
}

// Step is a part of how a service goes.
type Step struct {
	Name    string `json:"name"`
	Details string `json:"details"`
}

var serviceDefinition = engine.Definition[ServiceInput, ServiceOutput]{
	Name: GenerateService, Operation: "content_generation",
	Validate: func(in ServiceInput) error {
		switch {
		case strings.TrimSpace(in.Name) == "":
			return errors.New("the service has no name")
		case strings.TrimSpace(in.Provider) == "":
			return errors.New("it is not said who offers the service")
		case len(in.Includes) == 0:
			return errors.New("it is not said what the service includes")
		case strings.TrimSpace(in.Primary) == "":
			return errors.New("the service has no primary keyword")
		}
		return nil
	},
	Text: &engine.Text[ServiceInput, ServiceOutput]{
		Messages:  ask[ServiceInput](GenerateService),
		MaxOutput: func(in ServiceInput) int64 { return 2500 + 120*int64(len(in.Includes)) },
		Check: func(in ServiceInput, out ServiceOutput) error {
			errs := page(out.Title, out.Summary, out.HTML, out.Questions)
			if len(out.Included) != len(in.Includes) {
				errs = append(errs, fmt.Errorf("%d entries in included, want %d", len(out.Included), len(in.Includes)))
			}
			errs = append(errs, whole("included entry", out.Included)...)
			errs = append(errs, whole("step", out.Steps)...)
			if len(out.Steps) < 2 {
				errs = append(errs, fmt.Errorf("%d steps, want at least 2", len(out.Steps)))
			}
			if strings.TrimSpace(out.CallToAction) == "" {
				errs = append(errs, errors.New("the call to action is empty"))
			}
			return few(errs)
		},
	},
}

// page checks what both kinds of page have.
func page(title, summary, html string, questions []Question) (errs []error) {
	if strings.TrimSpace(title) == "" {
		errs = append(errs, errors.New("the title is empty"))
	}
	if strings.TrimSpace(summary) == "" {
		errs = append(errs, errors.New("the summary is empty"))
	}
	if m := measure(html); m.paragraphs == 0 || m.words == 0 {
		errs = append(errs, errors.New("the description has no paragraphs"))
	}
	return append(errs, whole("question", questions)...)
}

// whole names the pairs of which a text is missing.
func whole[T interface{ texts() (string, string) }](what string, pairs []T) (errs []error) {
	for i, p := range pairs {
		if a, b := p.texts(); strings.TrimSpace(a) == "" || strings.TrimSpace(b) == "" {
			errs = append(errs, fmt.Errorf("%s %d lacks one of its two texts", what, i+1))
		}
	}
	return errs
}

func (f Feature) texts() (string, string)  { return f.Name, f.Benefit }
func (q Question) texts() (string, string) { return q.Question, q.Answer }
func (s Step) texts() (string, string)     { return s.Name, s.Details }

// plain is a value as it is compared: case and white space aside.
func plain(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
