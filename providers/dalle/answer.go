package dalle

import (
	"encoding/json"
	"math"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/openaiwire"
	"github.com/scrip-go/scrip/providers/internal/wire"
	"github.com/scrip-go/scrip/usage"
)

type answer struct {
	Error *openaiwire.Problem `json:"error"`
	Usage *usageReport        `json:"usage"`
	Data  []struct {
		URL    string `json:"url"`
		Base64 string `json:"b64_json"`
	} `json:"data"`
}

// read judges an answer with a 2xx status. A picture that is neither an address nor base64 was not delivered.
func (p *Provider) read(a wire.Answer, model, key string) (providers.ImageResult, *providers.Error) {
	var body answer
	if err := json.Unmarshal(a.Body, &body); err != nil {
		return providers.ImageResult{}, &providers.Error{Provider: p.cfg.Name, Kind: providers.Malformed, Fate: providers.Executed,
			Status: a.Status, RequestID: a.RequestID, Detail: "the answer is not the JSON of the images API"}
	}
	used, sound := body.Usage.classes()
	images := make([]providers.Image, 0, len(body.Data))
	for _, d := range body.Data {
		if image, ok := wire.Picture(d.URL, d.Base64, ""); ok {
			images = append(images, image)
		}
	}
	used.Images = usage.Exactly(int64(len(images)))
	if body.Error != nil {
		e := openaiwire.InSuccess(p.cfg.Name, key, a, *body.Error)
		if e.Fate == providers.Executed && body.Usage != nil { // an error alone says nothing of what was used
			e.Usage = used
		}
		return providers.ImageResult{}, e
	}
	failed := func(detail string) (providers.ImageResult, *providers.Error) {
		return providers.ImageResult{}, &providers.Error{Provider: p.cfg.Name, Kind: providers.Malformed, Fate: providers.Executed,
			Status: a.Status, RequestID: a.RequestID, Detail: detail, Usage: used}
	}
	if len(images) == 0 {
		return failed("the answer has no picture")
	}
	if !sound {
		return failed("the answer's usage does not add up")
	}
	return providers.ImageResult{Images: images, Metering: providers.Metering{
		Usage: used, RequestID: a.RequestID, Model: model}}, nil
}

// usageReport is usage as the GPT image models report it: text and image tokens are parts of the counts above them.
type usageReport struct {
	Input  *int64 `json:"input_tokens"`
	Output *int64 `json:"output_tokens"`
	Total  *int64 `json:"total_tokens"`

	InputDetails  *parts `json:"input_tokens_details"`
	OutputDetails *parts `json:"output_tokens_details"`
}

type parts struct {
	Text   *int64 `json:"text_tokens"`
	Image  *int64 `json:"image_tokens"`
	Cached *parts `json:"cached_tokens_details"` // what of the two came from the cache
}

// classes translates the report to disjoint classes; a report that is not there is sound and tells nothing. Without
// details the input is text and the output is picture, which is all that was asked for. sound is false if something is
// missing or negative or does not add up; the usage then has what can be told apart.
func (r *usageReport) classes() (u usage.Usage, sound bool) {
	if r == nil {
		return usage.Usage{}, true
	}
	var in, out bool
	u.Input, u.ImageInput, in = r.InputDetails.split(r.Input)
	in = in && r.InputDetails.uncache(&u)
	u.ImageOutput, u.Output, out = r.OutputDetails.swap().split(r.Output)
	if !in || !out {
		return u, false
	}
	if *r.Input > math.MaxInt64-*r.Output {
		return usage.Usage{}, false
	}
	return u, r.Total == nil || *r.Total == *r.Input+*r.Output
}

// split takes a whole apart into text and image tokens. Without parts, or with parts that do not add up, it is all text.
func (p *parts) split(whole *int64) (text, image usage.Count, ok bool) {
	if whole == nil || *whole < 0 {
		return text, image, false
	}
	if p == nil || p.Text == nil && p.Image == nil {
		return usage.Exactly(*whole), image, true
	}
	var t, i int64
	if p.Text != nil {
		t = *p.Text
	}
	if p.Image != nil {
		i = *p.Image
	}
	if t < 0 || i < 0 || t > *whole || i != *whole-t {
		return usage.Exactly(*whole), image, false
	}
	return usage.Exactly(t), usage.Exactly(i), true
}

// uncache moves what came from the cache out of the input, to classes of its own. It returns false, and moves nothing, if
// that is more than was read. A cached sum that is not told apart stays where it is, at the price of what is not cached.
func (p *parts) uncache(u *usage.Usage) bool {
	if p == nil || p.Cached == nil {
		return true
	}
	text, image := p.Cached.Text, p.Cached.Image
	if !within(text, u.Input) || !within(image, u.ImageInput) {
		return false
	}
	move(text, &u.Input, &u.CachedInput)
	move(image, &u.ImageInput, &u.CachedImageInput)
	return true
}

func within(part *int64, whole usage.Count) bool {
	return part == nil || *part >= 0 && *part <= whole.N
}

func move(part *int64, from, to *usage.Count) {
	if part != nil && from.Known {
		*from, *to = usage.Exactly(from.N-*part), usage.Exactly(*part)
	}
}

// swap exchanges the two parts, so that a whole without parts is all picture.
func (p *parts) swap() *parts {
	if p == nil {
		return nil
	}
	return &parts{Text: p.Image, Image: p.Text}
}
