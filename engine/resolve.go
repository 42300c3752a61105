package engine

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
)

// request is what a hold pins: the whole request as it is sent, and the rows that price it. A takeover sends the same
// request and settles by the same prices, whatever was configured or deployed since.
type request struct {
	Rate    registry.Rate `json:"rate"`
	BaseURL string        `json:"base_url,omitempty"`

	Messages    []providers.Message `json:"messages,omitempty"`
	MaxOutput   int64               `json:"max_output,omitempty"`
	Temperature *decimal.Decimal    `json:"temperature,omitempty"`

	Drawing *Drawing `json:"drawing,omitempty"`
	Width   int      `json:"width,omitempty"`
	Height  int      `json:"height,omitempty"`
}

// resolve builds the request of a job from one snapshot of the registry.
func (e *Engine) resolve(s *registry.Snapshot, j *job) (request, error) {
	settings := s.Function(j.function)
	model, err := chooseModel(s, j, settings)
	if err != nil {
		return request{}, err
	}
	provider, err := s.Provider(model.Provider)
	if err != nil {
		return request{}, err
	}
	cost, err := s.Operation(j.operation)
	if err != nil {
		return request{}, err
	}
	r := request{BaseURL: provider.BaseURL, Rate: registry.Rate{Version: s.Version, Model: *model, Operation: *cost}}
	if _, err := e.binding(r); err != nil {
		return request{}, err
	}
	env := Env{Prompt: settings.Prompt, Images: s.Configuration.Settings.Images}
	if j.kind == registry.Image {
		return r, r.draw(env, j)
	}
	if r.Messages, err = j.messages(env); err != nil {
		return request{}, fmt.Errorf("%w: %w", ErrInput, err)
	}
	if !r.strict() { // then the model is told in words what the answer has to be
		r.Messages = append([]providers.Message{{Role: providers.System, Text: "Answer with one JSON object that fits this JSON schema, and with nothing else: " +
			string(j.schema.json)}}, r.Messages...)
	}
	r.Temperature, r.MaxOutput = settings.Temperature, settings.MaxTokens
	if r.MaxOutput == 0 {
		r.MaxOutput = j.maxOutput
	}
	r.MaxOutput = min(r.MaxOutput, model.MaxOutputTokens)
	if r.MaxOutput < 1 {
		return request{}, fmt.Errorf("%w: the bound on output tokens is %d", ErrConfig, r.MaxOutput)
	}
	return r, nil
}

func chooseModel(s *registry.Snapshot, j *job, settings registry.FunctionSettings) (*registry.Model, error) {
	name := j.call.Model
	if name == "" {
		name = settings.Model
	}
	if name == "" {
		return s.Default(j.kind)
	}
	model, err := s.Model(name)
	if err != nil {
		return nil, err
	}
	if model.Kind != j.kind {
		return nil, fmt.Errorf("%w: model %q makes %s, the function needs %s", ErrConfig, name, model.Kind, j.kind)
	}
	return model, nil
}

func (r *request) draw(env Env, j *job) error {
	d, err := j.draw(env)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInput, err)
	}
	if d.Prompt == "" || d.N < 1 {
		return fmt.Errorf("%w: a drawing needs a prompt and a number of pictures", ErrInput)
	}
	model := &r.Rate.Model
	size := model.SquareSize
	if d.Shape == Landscape {
		size = model.LandscapeSize
	}
	width, height, err := registry.ParseSize(size)
	if err != nil {
		return err
	}
	if int64(width)*int64(height) < model.Profile.MinArea {
		size = model.SquareSize
		if width, height, err = registry.ParseSize(size); err != nil {
			return err
		}
	}
	r.Drawing, r.Width, r.Height = &d, width, height
	r.Rate.Size, r.Rate.Quality = size, model.Profile.Quality
	return nil
}

// strict reports whether the model takes the schema of the answer as a response format.
func (r *request) strict() bool {
	return slices.Contains(r.Rate.Model.Capabilities, registry.StrictSchema)
}

// binding returns the provider of a request.
func (e *Engine) binding(r request) (providers.Binding, error) {
	b, able := e.providers[service{r.Rate.Model.Provider, r.Rate.Model.Kind}]
	if !able {
		return providers.Binding{}, fmt.Errorf("%w: model %q needs a provider %q that makes %s: add its adapter to Config.Providers",
			ErrConfig, r.Rate.Model.Name, r.Rate.Model.Provider, r.Rate.Model.Kind)
	}
	if r.Rate.Model.Kind == registry.Image && e.cfg.Blobs == nil {
		return providers.Binding{}, fmt.Errorf("%w: Blobs must be set for functions that make pictures", ErrConfig)
	}
	return b, nil
}

// What a request may have in tokens besides the bytes of its texts: the wrapping of each message and of the whole. A
// token of a byte-level encoding has at least one byte, so the bytes are an upper bound of the tokens.
const (
	tokensPerMessage = 16
	tokensPerRequest = 64
)

func inputBound(messages []providers.Message, s *schema) int64 {
	n := int64(tokensPerRequest)
	if s != nil {
		n += int64(len(s.json))
	}
	for _, m := range messages {
		n += tokensPerMessage + int64(len(m.Text))
	}
	return n
}

// worst prices the dearest that one dispatch of the request can come to.
func (r *request) worst(messages []providers.Message, s *schema) (registry.Price, error) {
	if r.Drawing != nil {
		return r.Rate.Worst(0, 0, int64(r.Drawing.N))
	}
	return r.Rate.Worst(inputBound(messages, s), r.MaxOutput, 0)
}

// amount is the price as it is held: at least one credit, because a hold of nothing holds nothing.
func amount(p registry.Price) (credits.Amount, error) {
	a, err := p.Credits()
	return max(a, 1), err
}

func (r *request) encode() ([]byte, error) { return json.Marshal(r) }

func decodeRequest(pinned []byte) (request, error) {
	var r request
	if err := json.Unmarshal(pinned, &r); err != nil {
		return request{}, fmt.Errorf("%w: what the hold pinned cannot be read: %w", ErrConfig, err)
	}
	return r, nil
}
