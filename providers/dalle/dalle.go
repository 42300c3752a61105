package dalle

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/openaiwire"
	"github.com/scrip-go/scrip/providers/internal/wire"
)

// Config says how to reach the upstream. The zero Config is OpenAI's own service.
type Config struct {
	Name       string       // the provider's name in the registry; "openai" if empty, which package openai may have too
	BaseURL    string       // with the version, without a trailing path; "https://api.openai.com/v1" if empty
	HTTPClient *http.Client // owned by the host and used as it is, except that it follows no redirect here; one of our own if nil
	// KeyHeader is the header that carries the API key as it is, such as Azure's api-key. The key is a bearer in
	// Authorization if it is empty.
	KeyHeader        string
	Organization     string // sent as OpenAI-Organization unless empty
	Project          string // sent as OpenAI-Project unless empty
	MaxResponseBytes int64  // a longer answer is Malformed; 64 MiB if 0, because pictures come inside the answer
}

// Provider makes pictures. It is immutable and safe for concurrent use.
type Provider struct {
	cfg      Config
	sender   openaiwire.Sender
	endpoint wire.Endpoint
	client   *wire.Client
}

var _ providers.ImageGenerator = (*Provider)(nil)

// New returns a provider. Its error lists every mistake in cfg. It does no I/O.
func New(cfg Config) (*Provider, error) {
	if cfg.Name == "" {
		cfg.Name = "openai"
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = openaiwire.DefaultBaseURL
	}
	if cfg.MaxResponseBytes == 0 {
		cfg.MaxResponseBytes = 64 << 20
	}
	endpoint, err := wire.NewEndpoint(cfg.BaseURL, "/images/generations")
	errs := []error{err,
		openaiwire.CheckKeyHeader(cfg.KeyHeader),
		openaiwire.CheckHeaderValue("Organization", cfg.Organization),
		openaiwire.CheckHeaderValue("Project", cfg.Project)}
	if cfg.MaxResponseBytes < 0 {
		errs = append(errs, fmt.Errorf("MaxResponseBytes is %d, want at least 1, or 0 for the default", cfg.MaxResponseBytes))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("dalle: config: %w", err)
	}
	return &Provider{cfg: cfg, endpoint: endpoint, client: wire.NewClient(cfg.Name, cfg.HTTPClient, providers.Executed),
		sender: openaiwire.Sender{KeyHeader: cfg.KeyHeader, Organization: cfg.Organization, Project: cfg.Project}}, nil
}

// Describe implements [providers.Provider].
func (p *Provider) Describe() providers.Descriptor {
	return providers.Descriptor{Name: p.cfg.Name, Image: true}
}

// GenerateImages implements [providers.ImageGenerator] with one request for all pictures.
func (p *Provider) GenerateImages(ctx context.Context, r providers.ImageRequest) (providers.ImageResult, error) {
	if e := wire.Check(p.cfg.Name, r.Attempt); e != nil {
		return providers.ImageResult{}, e
	}
	u, e := p.endpoint.For(p.cfg.Name, r.Attempt)
	if e != nil {
		return providers.ImageResult{}, e
	}
	body, e := p.body(r)
	if e != nil {
		return providers.ImageResult{}, e
	}
	key := r.Attempt.Key.Secret.Reveal()
	a, e := p.client.Post(ctx, wire.Request{
		URL: u, Header: p.sender.Header(r.Attempt), Body: body,
		Key: key, Limit: p.cfg.MaxResponseBytes})
	if e != nil {
		return providers.ImageResult{}, e
	}
	if !a.OK() {
		return providers.ImageResult{}, openaiwire.Failure(p.cfg.Name, key, a)
	}
	result, e := p.read(a, r.Model, key)
	if e != nil {
		return providers.ImageResult{}, e
	}
	return result, nil
}

func (p *Provider) body(r providers.ImageRequest) ([]byte, *providers.Error) {
	if e := wire.CheckImage(p.cfg.Name, r); e != nil {
		return nil, e
	}
	if r.N > 1 && slices.Contains(r.Omit, "n") {
		return nil, &providers.Error{Provider: p.cfg.Name, Kind: providers.Unsupported, Fate: providers.NotSent,
			Detail: "the model makes one picture at a time"}
	}
	fields := [...]wire.Field{
		{Name: "model", Value: r.Model, Fixed: true},
		{Name: "prompt", Value: r.Prompt, Fixed: true},
		{Name: "n", Value: r.N},
		{Name: "size", Value: fmt.Sprintf("%dx%d", r.Width, r.Height)},
		{Name: "quality"},
		{Name: "output_format", Asked: r.Format != ""},
	}
	if r.Quality != "" {
		fields[4].Value = r.Quality
	}
	if r.Format != "" {
		fields[5].Value = string(r.Format)
	}
	return wire.Object(p.cfg.Name, fields[:], r.Parameters, r.Omit, "n", "stream", "partial_images")
}
