package ownprovider

import (
	"cmp"

	"github.com/scrip-go/scrip/providers/openai"
)

// MistralURL is Mistral's own service.
const MistralURL = "https://api.mistral.ai/v1"

// NewMistral returns a provider for Mistral's chat API at a base URL, [MistralURL] if it is empty. The service speaks the
// wire of OpenAI, and knows the bound on the output as max_tokens only. It does no I/O.
func NewMistral(baseURL string) (*openai.Provider, error) {
	return openai.New(openai.Config{Name: "mistral", BaseURL: cmp.Or(baseURL, MistralURL), BoundField: "max_tokens"})
}
