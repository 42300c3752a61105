package openai

import (
	"context"
	"encoding/json"
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
	Name       string       // the provider's name in the registry; "openai" if empty
	BaseURL    string       // with the version, without a trailing path; "https://api.openai.com/v1" if empty
	HTTPClient *http.Client // owned by the host and used as it is, except that it follows no redirect here; one of our own if nil
	// KeyHeader is the header that carries the API key as it is, such as Azure's api-key. The key is a bearer in
	// Authorization if it is empty.
	KeyHeader        string
	Organization     string // sent as OpenAI-Organization unless empty
	Project          string // sent as OpenAI-Project unless empty
	MaxResponseBytes int64  // a longer answer is Malformed; 8 MiB if 0
	// Finishes are what a compatible server sends as the finish reason of a whole answer, besides "stop"; the empty one is
	// for a server that sends null. None of them makes an answer whole that stopped at a limit, was filtered or failed.
	Finishes []string
	// BoundField is the field of the request that bounds the output, such as max_tokens for a server that knows no other;
	// "max_completion_tokens" if empty.
	BoundField string
}

// Provider generates text. It is immutable and safe for concurrent use.
type Provider struct {
	cfg      Config
	sender   openaiwire.Sender
	endpoint wire.Endpoint
	client   *wire.Client
}

var _ providers.TextGenerator = (*Provider)(nil)

// New returns a provider. Its error lists every mistake in cfg. It does no I/O.
func New(cfg Config) (*Provider, error) {
	if cfg.Name == "" {
		cfg.Name = "openai"
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = openaiwire.DefaultBaseURL
	}
	if cfg.MaxResponseBytes == 0 {
		cfg.MaxResponseBytes = 8 << 20
	}
	if cfg.BoundField == "" {
		cfg.BoundField = boundField
	}
	endpoint, err := wire.NewEndpoint(cfg.BaseURL, "/chat/completions")
	errs := []error{err,
		openaiwire.CheckKeyHeader(cfg.KeyHeader),
		openaiwire.CheckHeaderValue("Organization", cfg.Organization),
		openaiwire.CheckHeaderValue("Project", cfg.Project)}
	if cfg.MaxResponseBytes < 0 {
		errs = append(errs, fmt.Errorf("MaxResponseBytes is %d, want at least 1, or 0 for the default", cfg.MaxResponseBytes))
	}
	if providers.Identifier(cfg.BoundField) == "" || slices.Contains(taken, cfg.BoundField) {
		errs = append(errs, errors.New("BoundField is not the name of a field, or that of a field for something else"))
	}
	cfg.Finishes = slices.Clone(cfg.Finishes)
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("openai: config: %w", err)
	}
	return &Provider{cfg: cfg, endpoint: endpoint, client: wire.NewClient(cfg.Name, cfg.HTTPClient, providers.Executed),
		sender: openaiwire.Sender{KeyHeader: cfg.KeyHeader, Organization: cfg.Organization, Project: cfg.Project}}, nil
}

// Describe implements [providers.Provider].
func (p *Provider) Describe() providers.Descriptor {
	return providers.Descriptor{Name: p.cfg.Name, Text: true}
}

// GenerateText implements [providers.TextGenerator] with one request for one completion.
func (p *Provider) GenerateText(ctx context.Context, r providers.TextRequest) (providers.TextResult, error) {
	if e := wire.Check(p.cfg.Name, r.Attempt); e != nil {
		return providers.TextResult{}, e
	}
	u, e := p.endpoint.For(p.cfg.Name, r.Attempt)
	if e != nil {
		return providers.TextResult{}, e
	}
	body, e := p.body(r)
	if e != nil {
		return providers.TextResult{}, e
	}
	key := r.Attempt.Key.Secret.Reveal()
	a, e := p.client.Post(ctx, wire.Request{
		URL: u, Header: p.sender.Header(r.Attempt), Body: body,
		Key: key, Limit: p.cfg.MaxResponseBytes})
	if e != nil {
		return providers.TextResult{}, e
	}
	if !a.OK() {
		return providers.TextResult{}, openaiwire.Failure(p.cfg.Name, key, a)
	}
	result, e := p.read(a, r.Model, key)
	if e != nil {
		return providers.TextResult{}, e
	}
	return result, nil
}

// The fields of a request that have the bound on the output: the one of today, and the one before it.
const (
	boundField    = "max_completion_tokens"
	oldBoundField = "max_tokens"
)

// reserved are the fields that no parameter may set: a second bound, and what makes another thing of the answer.
var reserved = []string{boundField, oldBoundField, "n", "stream", "stream_options"}

// taken are the fields that cannot have the bound.
var taken = []string{"model", "messages", "temperature", "response_format", "n", "stream", "stream_options"}

type message struct {
	Role    providers.Role `json:"role"`
	Content string         `json:"content"`
}

type format struct {
	Type   string     `json:"type"`
	Schema jsonSchema `json:"json_schema"`
}

type jsonSchema struct {
	Name   string          `json:"name"`
	Strict bool            `json:"strict"`
	Schema json.RawMessage `json:"schema"`
}

// values are the values of a request's fields, in one piece.
type values struct {
	Model     string
	Messages  []message
	MaxOutput int64
	Format    format
	few       [4]message // room for those of most requests
}

// body writes the request, or refuses one that an upstream could only refuse, or whose bound would be lost.
func (p *Provider) body(r providers.TextRequest) ([]byte, *providers.Error) {
	if r.Model == "" {
		return nil, wire.Refuse(p.cfg.Name, "the request has no model")
	}
	if r.MaxOutput < 1 {
		return nil, wire.Refuse(p.cfg.Name, fmt.Sprintf("the bound on the output is %d tokens, want at least 1", r.MaxOutput))
	}
	if len(r.Messages) == 0 {
		return nil, wire.Refuse(p.cfg.Name, "the request has no messages")
	}
	v := &values{Model: r.Model, MaxOutput: r.MaxOutput}
	v.Messages = v.few[:0]
	for i, m := range r.Messages {
		switch m.Role {
		case providers.System, providers.User, providers.Assistant:
			v.Messages = append(v.Messages, message{m.Role, m.Text})
		default:
			return nil, wire.Refuse(p.cfg.Name, fmt.Sprintf("message %d has an unknown role", i))
		}
	}
	bound, omit := p.cfg.BoundField, r.Omit
	if bound == boundField && slices.Contains(omit, bound) {
		// The name is given up, the bound is not: the other name is fixed from now on.
		omit = slices.DeleteFunc(slices.Clone(omit), func(f string) bool { return f == bound })
		bound = oldBoundField
	}
	fields := [...]wire.Field{
		{Name: "model", Value: &v.Model, Fixed: true},
		{Name: "messages", Value: &v.Messages, Fixed: true},
		{Name: bound, Value: &v.MaxOutput, Fixed: true},
		{Name: "temperature"},
		{Name: "response_format"},
	}
	if r.Temperature.Valid {
		fields[3].Value = json.Number(r.Temperature.Decimal.String()) // decimal's own JSON is a text
	}
	if s := r.Schema; s != nil {
		v.Format = format{"json_schema", jsonSchema{Name: s.Name, Strict: true, Schema: s.JSON}}
		fields[4].Value = &v.Format
	}
	return wire.Object(p.cfg.Name, fields[:], r.Parameters, omit, reserved...)
}
