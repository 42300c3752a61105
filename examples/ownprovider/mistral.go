package ownprovider

import (
	"context"
	"slices"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/openai"
)

// MistralURL is Mistral's own service.
const MistralURL = "https://api.mistral.ai/v1"

// Mistral generates text with Mistral's chat API, which speaks the wire of OpenAI. It is immutable and safe for
// concurrent use.
type Mistral struct {
	wire *openai.Provider
}

var _ providers.TextGenerator = (*Mistral)(nil)

// NewMistral returns a provider for the service at a base URL, [MistralURL] if it is empty. It does no I/O.
func NewMistral(baseURL string) (*Mistral, error) {
	if baseURL == "" {
		baseURL = MistralURL
	}
	wire, err := openai.New(openai.Config{Name: "mistral", BaseURL: baseURL})
	if err != nil {
		return nil, err
	}
	return &Mistral{wire: wire}, nil
}

// Describe implements [providers.Provider].
func (m *Mistral) Describe() providers.Descriptor { return m.wire.Describe() }

// GenerateText implements [providers.TextGenerator].
func (m *Mistral) GenerateText(ctx context.Context, r providers.TextRequest) (providers.TextResult, error) {
	// Mistral knows the bound as max_tokens only, which the wire uses for a model that omits the newer name. The slice is
	// the caller's, so it is cloned.
	r.Omit = append(slices.Clone(r.Omit), "max_completion_tokens")
	return m.wire.GenerateText(ctx, r)
}
