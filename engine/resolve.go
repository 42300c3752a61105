package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
)

// request is what a hold pins: what is asked, and the routes it may go, with the rows that price them. A takeover sends
// the same request and settles by the same prices, whatever was configured or deployed since.
type request struct {
	Messages    []providers.Message `json:"messages,omitempty"`
	Temperature *decimal.Decimal    `json:"temperature,omitempty"`
	Drawing     *Drawing            `json:"drawing,omitempty"`

	Routes []route `json:"routes"` // at least one; a later one is gone only if those before it cannot be
}

// route is a model that a request may go to, as the request is sent to it.
type route struct {
	Rate      registry.Rate `json:"rate"`
	BaseURL   string        `json:"base_url,omitempty"`
	MaxOutput int64         `json:"max_output,omitempty"`
	Width     int           `json:"width,omitempty"`
	Height    int           `json:"height,omitempty"`

	Format providers.Format `json:"format,omitempty"` // of pictures; empty for what the model makes by itself
}

// resolve builds the request of a job from one version of the registry and the account's own settings. A fallback that
// cannot be resolved is left out: the call does without.
func (e *Engine) resolve(ctx context.Context, j *job) (request, error) {
	effective, err := e.effective(ctx, j)
	if err != nil {
		return request{}, err
	}
	r := request{Temperature: effective.Temperature}
	if err := r.ask(Env{Prompt: effective.Prompt, Style: effective.Style}, j); err != nil {
		return request{}, err
	}
	first, err := e.route(effective, j, &r, effective.Model)
	if err != nil {
		return request{}, err
	}
	r.Routes = []route{first}
	for _, model := range effective.Fallbacks {
		if next, err := e.route(effective, j, &r, model); err == nil {
			r.Routes = append(r.Routes, next)
		}
	}
	return r, nil
}

func (e *Engine) effective(ctx context.Context, j *job) (*registry.Effective, error) {
	return e.cfg.Registry.Effective(ctx, registry.Ask{Account: j.call.Account, Function: j.function, Kind: j.kind, Model: j.call.Model})
}

// ask fills in what the function wants of whatever model.
func (r *request) ask(env Env, j *job) (err error) {
	if j.kind == registry.Text {
		if r.Messages, err = j.messages(env); err != nil {
			return fmt.Errorf("%w: %w", ErrInput, err)
		}
		return nil
	}
	d, err := j.draw(env)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInput, err)
	}
	if d.Prompt == "" || d.N < 1 {
		return fmt.Errorf("%w: a drawing needs a prompt and a number of pictures", ErrInput)
	}
	r.Drawing = &d
	return nil
}

func (e *Engine) route(effective *registry.Effective, j *job, r *request, model *registry.Model) (route, error) {
	s := effective.Snapshot
	provider, err := s.Provider(model.Provider)
	if err != nil {
		return route{}, err
	}
	cost, err := s.Operation(j.operation)
	if err != nil {
		return route{}, err
	}
	way := route{BaseURL: provider.BaseURL, Rate: registry.Rate{Version: s.Version, Model: *model, Operation: *cost}}
	if r.Drawing != nil {
		way.Format = providers.Format(effective.Format)
	}
	if _, err := e.binding(&way); err != nil {
		return route{}, err
	}
	if r.Drawing != nil {
		return way, way.size(r.Drawing.Shape)
	}
	if way.MaxOutput = effective.MaxTokens; way.MaxOutput == 0 {
		way.MaxOutput = j.maxOutput
	}
	way.MaxOutput = min(way.MaxOutput, model.MaxOutputTokens)
	if way.MaxOutput < 1 {
		return route{}, fmt.Errorf("%w: the bound on output tokens is %d", ErrConfig, way.MaxOutput)
	}
	return way, nil
}

// size chooses the size of a picture.
func (w *route) size(shape Shape) (err error) {
	model := &w.Rate.Model
	size := model.SquareSize
	if shape == Landscape {
		size = model.LandscapeSize
	}
	if w.Width, w.Height, err = registry.ParseSize(size); err != nil {
		return err
	}
	if int64(w.Width)*int64(w.Height) < model.Profile.MinArea {
		size = model.SquareSize
		if w.Width, w.Height, err = registry.ParseSize(size); err != nil {
			return err
		}
	}
	w.Rate.Size, w.Rate.Quality = size, model.Profile.Quality
	return nil
}

// strict reports whether the model takes the schema of the answer as a response format.
func (w *route) strict() bool {
	return slices.Contains(w.Rate.Model.Capabilities, registry.StrictSchema)
}

// conversation is messages as the model gets them: one that takes no schema is told in words what the answer has to be.
func (w *route) conversation(messages []providers.Message, s *schema) []providers.Message {
	if s == nil || w.strict() {
		return messages
	}
	return append([]providers.Message{{Role: providers.System, Text: "Answer with one JSON object that fits this JSON schema, and with nothing else: " +
		string(s.json)}}, messages...)
}

// binding returns the provider of a route.
func (e *Engine) binding(w *route) (providers.Binding, error) {
	model := &w.Rate.Model
	b, able := e.providers[service{model.Provider, model.Kind}]
	if !able {
		return providers.Binding{}, fmt.Errorf("%w: model %q needs a provider %q that makes %s: add its adapter to Config.Providers",
			ErrConfig, model.Name, model.Provider, model.Kind)
	}
	if model.Kind == registry.Image && e.cfg.Blobs == nil {
		return providers.Binding{}, fmt.Errorf("%w: Blobs must be set for functions that make pictures", ErrConfig)
	}
	if w.Format == providers.WebP && !decodesWebP() {
		return providers.Binding{}, fmt.Errorf("%w: pictures in webp cannot be decoded: add import _ %q to the program, or set another format",
			ErrConfig, "golang.org/x/image/webp")
	}
	return b, nil
}

// What a request may have in tokens besides the bytes of its texts: the wrapping of each message and of the whole. A
// token of a byte-level encoding has at least one byte, so the bytes are an upper bound of the tokens.
const (
	tokensPerMessage = 16
	tokensPerRequest = 64
)

// inputBound is how many tokens a model reads at most if it gets messages and a schema.
func (w *route) inputBound(messages []providers.Message, s *schema) int64 {
	n := int64(tokensPerRequest)
	if s != nil && w.strict() {
		n += int64(len(s.json))
	}
	for _, m := range w.conversation(messages, s) {
		n += tokensPerMessage + int64(len(m.Text))
	}
	return n
}

// worst prices the dearest that one dispatch can come to: messages to a text model, or else the drawing.
func (w *route) worst(messages []providers.Message, s *schema, d *Drawing) (registry.Price, error) {
	if d != nil {
		return w.Rate.Worst(0, 0, int64(d.N))
	}
	return w.Rate.Worst(w.inputBound(messages, s), w.MaxOutput, 0)
}

// routeOf returns the route that an attempt went, the first if none is its model's, and one without prices if what was
// pinned could not be read.
func (r *request) routeOf(a credits.Attempt) *route {
	if len(r.Routes) == 0 {
		return &route{}
	}
	for i := range r.Routes {
		if m := &r.Routes[i].Rate.Model; m.Provider == a.Provider && m.Name == a.Model {
			return &r.Routes[i]
		}
	}
	return &r.Routes[0]
}

// amount is the price as it is held: at least one credit, because a hold of nothing holds nothing.
func amount(p registry.Price) (credits.Amount, error) {
	a, err := p.Credits()
	return max(a, 1), err
}

func (r *request) encode() ([]byte, error) { return json.Marshal(r) }

func decodeRequest(pinned []byte) (request, error) {
	var r request
	err := json.Unmarshal(pinned, &r)
	if err == nil && len(r.Routes) == 0 {
		err = fmt.Errorf("it names no model")
	}
	if err != nil {
		return request{}, fmt.Errorf("%w: what the hold pinned cannot be read: %w", ErrConfig, err)
	}
	return r, nil
}
