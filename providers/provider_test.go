package providers_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/providers"
)

// The parts that providers are put together from here.
type described struct{ as providers.Descriptor }

func (d described) Describe() providers.Descriptor { return d.as }

func as(d providers.Descriptor) described { return described{d} }

type texts struct{}

func (texts) GenerateText(context.Context, providers.TextRequest) (providers.TextResult, error) {
	return providers.TextResult{Text: "a text"}, nil
}

type images struct{}

func (images) GenerateImages(context.Context, providers.ImageRequest) (providers.ImageResult, error) {
	return providers.ImageResult{Images: []providers.Image{{URL: "a picture"}}}, nil
}

type reconciles struct{}

func (reconciles) Reconcile(context.Context, providers.ReconcileRequest) (providers.Reconciled, error) {
	return providers.Reconciled{Fate: providers.NotSent}, nil
}

type (
	textOnly struct {
		described
		texts
	}
	imageOnly struct {
		described
		images
	}
	everything struct {
		described
		texts
		images
		reconciles
	}
	reconcilerOnly struct {
		described
		reconciles
	}
)

func TestBindResolvesWhatAProviderCan(t *testing.T) {
	for rule, c := range map[string]struct {
		p                      providers.Provider
		text, image, reconcile bool
	}{
		"TextOnly":   {textOnly{described: as(providers.Descriptor{Name: "p", Text: true})}, true, false, false},
		"ImagesOnly": {imageOnly{described: as(providers.Descriptor{Name: "p", Image: true})}, false, true, false},
		"Everything": {everything{described: as(providers.Descriptor{Name: "p", Text: true, Image: true, Reconcile: true})}, true, true, true},
	} {
		t.Run(rule, func(t *testing.T) {
			b, err := providers.Bind(c.p)
			if err != nil || b.Name != "p" || (b.GenerateText != nil) != c.text || (b.GenerateImages != nil) != c.image || (b.Reconcile != nil) != c.reconcile {
				t.Fatalf("Bind = %+v, %v", b, err)
			}
			if c.text {
				if r, err := b.GenerateText(t.Context(), providers.TextRequest{}); r.Text != "a text" || err != nil {
					t.Errorf("GenerateText = %+v, %v", r, err)
				}
			}
			if c.image {
				if r, err := b.GenerateImages(t.Context(), providers.ImageRequest{}); len(r.Images) != 1 || err != nil {
					t.Errorf("GenerateImages = %+v, %v", r, err)
				}
			}
			if c.reconcile {
				if r, err := b.Reconcile(t.Context(), providers.ReconcileRequest{}); r.Fate != providers.NotSent || err != nil {
					t.Errorf("Reconcile = %+v, %v", r, err)
				}
			}
		})
	}
}

func TestBindRefusesWhatDoesNotAgree(t *testing.T) {
	for rule, c := range map[string]struct {
		p    providers.Provider
		says []string
	}{
		"Nothing":                {nil, []string{"the provider is nil"}},
		"NoName":                 {textOnly{described: as(providers.Descriptor{Text: true})}, []string{"providers_test.textOnly", "Describe returned no name"}},
		"NoCapability":           {as(providers.Descriptor{Name: "p"}), []string{`bind "p"`, "providers_test.described can generate neither text nor images"}},
		"ReconcilingAlone":       {reconcilerOnly{described: as(providers.Descriptor{Name: "p", Reconcile: true})}, []string{"neither text nor images"}},
		"AHiddenCapability":      {everything{described: as(providers.Descriptor{Name: "p", Text: true, Image: true})}, []string{"Reconciler is described as false but implemented as true"}},
		"APromisedCapability":    {textOnly{described: as(providers.Descriptor{Name: "p", Text: true, Image: true})}, []string{"ImageGenerator is described as true but implemented as false"}},
		"EverythingThatIsAmiss":  {imageOnly{described: as(providers.Descriptor{Name: "p", Text: true, Reconcile: true})}, []string{"TextGenerator", "ImageGenerator", "Reconciler"}},
		"AWrapperThatHidesThree": {as(providers.Descriptor{Name: "p", Text: true, Image: true, Reconcile: true}), []string{"TextGenerator", "ImageGenerator", "Reconciler", "neither"}},
	} {
		t.Run(rule, func(t *testing.T) {
			b, err := providers.Bind(c.p)
			if err == nil || b.Name != "" || b.GenerateText != nil || b.GenerateImages != nil {
				t.Fatalf("Bind = %+v, %v; want an error alone", b, err)
			}
			for _, part := range c.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		})
	}
}

func ExampleBind() {
	b, err := providers.Bind(textOnly{described: as(providers.Descriptor{Name: "mine", Text: true})})
	if err != nil {
		fmt.Println(err)
		return
	}
	inner := b.GenerateText // a wrapper goes around the function, and hides no other capability
	b.GenerateText = func(ctx context.Context, r providers.TextRequest) (providers.TextResult, error) {
		fmt.Println("calling", b.Name)
		return inner(ctx, r)
	}
	r, err := b.GenerateText(context.Background(), providers.TextRequest{})
	fmt.Println(r.Text, err)
	// Output:
	// calling mine
	// a text <nil>
}

func ExampleError() {
	var err error = &providers.Error{Provider: "openai", Kind: providers.RateLimited, Fate: providers.Rejected, Status: 429, Code: "rate_limit_exceeded"}
	e := providers.AsError("openai", err)
	fmt.Println(e.Fate, e.Retryable(), e)
	// Output:
	// rejected true openai: rate limited (HTTP 429, code rate_limit_exceeded)
}

func ExampleIdentifier() {
	fmt.Printf("%q %q\n", providers.Identifier("messages[0].content"), providers.Identifier("You asked me to write about lighthouses."))
	// Output:
	// "messages[0].content" ""
}
