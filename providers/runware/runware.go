package runware

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/wire"
)

// Config says how to reach the upstream. The zero Config is Runware's own service.
type Config struct {
	Name             string       // the provider's name in the registry; "runware" if empty
	BaseURL          string       // the one address of the API; "https://api.runware.ai/v1" if empty
	HTTPClient       *http.Client // owned by the host and used as it is, except that it follows no redirect here; one of our own if nil
	MaxResponseBytes int64        // a longer answer is Malformed; 64 MiB if 0, because pictures may come inside the answer
}

// Provider makes pictures. It is immutable and safe for concurrent use.
type Provider struct {
	cfg      Config
	endpoint wire.Endpoint
	client   *wire.Client
}

var (
	_ providers.ImageGenerator = (*Provider)(nil)
	_ providers.Reconciler     = (*Provider)(nil)
)

// New returns a provider. Its error lists every mistake in cfg. It does no I/O.
func New(cfg Config) (*Provider, error) {
	if cfg.Name == "" {
		cfg.Name = "runware"
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = "https://api.runware.ai/v1"
	}
	if cfg.MaxResponseBytes == 0 {
		cfg.MaxResponseBytes = 64 << 20
	}
	endpoint, err := wire.NewEndpoint(cfg.BaseURL, "")
	errs := []error{err}
	if cfg.MaxResponseBytes < 0 {
		errs = append(errs, fmt.Errorf("MaxResponseBytes is %d, want at least 1, or 0 for the default", cfg.MaxResponseBytes))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("runware: config: %w", err)
	}
	return &Provider{cfg: cfg, endpoint: endpoint, client: wire.NewClient(cfg.Name, cfg.HTTPClient, providers.Unknown)}, nil
}

// Describe implements [providers.Provider].
func (p *Provider) Describe() providers.Descriptor {
	return providers.Descriptor{Name: p.cfg.Name, Image: true, Reconcile: true}
}

// GenerateImages implements [providers.ImageGenerator] with one task for all pictures.
func (p *Provider) GenerateImages(ctx context.Context, r providers.ImageRequest) (providers.ImageResult, error) {
	task, e := p.task(r)
	if e != nil {
		return providers.ImageResult{}, e
	}
	a, e := p.post(ctx, r.Attempt, task)
	if e != nil {
		return providers.ImageResult{}, e
	}
	key := r.Attempt.Key.Secret.Reveal()
	body, readable := parse(a.Body)
	if result, ok := body.pictures(r.Attempt.ID, r.Model, a.RequestID); ok {
		return result, nil
	}
	if body.any(r.Attempt.ID, item.unsafe) {
		return providers.ImageResult{}, p.refused(a)
	}
	if problem, ok := body.problem(r.Attempt.ID); ok || !a.OK() {
		return providers.ImageResult{}, p.failure(a, problem, key)
	}
	e = &providers.Error{Provider: p.cfg.Name, Kind: providers.Malformed, Fate: providers.Unknown, Status: a.Status, RequestID: a.RequestID}
	switch {
	case !readable:
		e.Detail = "the answer is not the JSON of the API"
	case body.any(r.Attempt.ID, item.pending):
		e.Kind, e.Detail = providers.Incomplete, "the task was taken and goes on"
	default:
		e.Detail = "the answer has no picture of the task"
	}
	return providers.ImageResult{}, e
}

// formats are the API's words. Its own choice is JPG, which loses something of a picture; ours is PNG.
var formats = map[providers.Format]string{"": "PNG", providers.PNG: "PNG", providers.JPEG: "JPG", providers.WebP: "WEBP"}

// task writes the one task of a request.
func (p *Provider) task(r providers.ImageRequest) ([]byte, *providers.Error) {
	if e := wire.Check(p.cfg.Name, r.Attempt); e != nil {
		return nil, e
	}
	if e := wire.CheckImage(p.cfg.Name, r); e != nil {
		return nil, e
	}
	if r.N > 1 && slices.Contains(r.Omit, "numberResults") {
		return nil, &providers.Error{Provider: p.cfg.Name, Kind: providers.Unsupported, Fate: providers.NotSent,
			Detail: "the model makes one picture at a time"}
	}
	switch delivery := r.Parameters["deliveryMethod"]; {
	case delivery == nil, string(delivery) == `"sync"`:
	case string(delivery) != `"async"`:
		return nil, wire.Refuse(p.cfg.Name, "deliveryMethod is neither sync nor async")
	case r.N > 1: // whoever asks for them later does not know how many there are to be
		return nil, &providers.Error{Provider: p.cfg.Name, Kind: providers.Unsupported, Fate: providers.NotSent,
			Detail: "an asynchronous task makes one picture at a time"}
	}
	fields := [...]wire.Field{
		{Name: "taskType", Value: "imageInference", Fixed: true},
		{Name: "taskUUID", Value: r.Attempt.ID, Fixed: true},
		{Name: "model", Value: r.Model, Fixed: true},
		{Name: "positivePrompt", Value: r.Prompt, Fixed: true},
		{Name: "negativePrompt"},
		{Name: "width", Value: r.Width},
		{Name: "height", Value: r.Height},
		{Name: "numberResults", Value: r.N},
		{Name: "outputType", Value: "URL"},
		{Name: "outputFormat", Value: formats[r.Format], Asked: r.Format != ""},
		{Name: "includeCost", Value: true},
		{Name: "deliveryMethod", Value: "sync"},
	}
	if r.NegativePrompt != "" {
		fields[4].Value = r.NegativePrompt
	}
	return wire.Object(p.cfg.Name, fields[:], r.Parameters, r.Omit, "numberResults")
}

// post sends one task as the array that the API wants.
func (p *Provider) post(ctx context.Context, a providers.Attempt, task []byte) (wire.Answer, *providers.Error) {
	u, e := p.endpoint.For(p.cfg.Name, a)
	if e != nil {
		return wire.Answer{}, e
	}
	key := a.Key.Secret.Reveal()
	return p.client.Post(ctx, wire.Request{
		URL: u,
		Header: http.Header{
			"Authorization": {"Bearer " + key},
			"Content-Type":  {"application/json"},
		},
		Body: slices.Concat([]byte("["), task, []byte("]")), Key: key, Limit: p.cfg.MaxResponseBytes})
}
