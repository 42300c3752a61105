package providertest

import (
	"encoding/base64"
	"fmt"
	"net/http"

	"github.com/scrip-go/scrip/providers"
)

type imageRequest struct {
	Model  string `json:"model"`
	Prompt string `json:"prompt"`
	N      *int   `json:"n"`
	Size   string `json:"size"`

	Delivery string           `json:"response_format"`
	Format   providers.Format `json:"output_format"`
}

// maxSide bounds the sides of a picture, in pixels.
const maxSide = 8192

func sized(width, height int) bool {
	return width > 0 && height > 0 && width <= maxSide && height <= maxSide
}

// call checks a request; the text says what is wrong with it.
func (q imageRequest) call() (c ImageCall, n int, wrong string) {
	c, n = ImageCall{Model: q.Model, Prompt: q.Prompt, Width: 1024, Height: 1024, Format: q.Format}, 1
	if q.N != nil {
		n = *q.N
	}
	if q.Size != "" && q.Size != "auto" {
		if _, err := fmt.Sscanf(q.Size+"\n", "%dx%d\n", &c.Width, &c.Height); err != nil || !sized(c.Width, c.Height) {
			return c, n, "Invalid value for 'size'."
		}
	}
	switch {
	case q.Model == "":
		return c, n, "you must provide a model parameter"
	case q.Prompt == "":
		return c, n, "Missing required parameter: 'prompt'."
	case n < 1 || n > 10:
		return c, n, "Invalid value for 'n': want 1 to 10."
	case q.Delivery != "" && q.Delivery != "url" && q.Delivery != "b64_json":
		return c, n, "Invalid value for 'response_format'."
	case q.Format != "" && q.Delivery != "": // a model that takes one refuses the other
		return c, n, "Unknown parameter: 'output_format'."
	case q.Format != "" && q.Format != providers.PNG && q.Format != providers.JPEG && q.Format != providers.WebP:
		return c, n, "Invalid value for 'output_format'."
	}
	return c, n, ""
}

func (u *Upstream) image(w http.ResponseWriter, r *http.Request) {
	e := Entry{Route: RouteImage}
	var q imageRequest
	if !u.decode(w, r, &e, &q) {
		return
	}
	e.Model = q.Model
	call, n, wrong := q.call()
	if wrong != "" {
		u.answer(w, e, openAIInvalid(wrong))
		return
	}
	f := u.rules.pick(RouteImage)
	if u.refuse(w, r, f, e, openAIImageFaults) {
		return
	}
	data := make([]object, n)
	for i := range data {
		call.Index = i
		drawn := file{call: call, bad: f.Kind == BadPicture}
		if q.Delivery != "b64_json" {
			data[i] = object{"url": u.keep(r, drawn)}
			continue
		}
		p, err := drawn.draw(u.cfg.Responder)
		if err != nil {
			u.answer(w, e, openAIFaults[Status500])
			return
		}
		data[i] = object{"b64_json": base64.StdEncoding.EncodeToString(p.Data)}
	}
	var input, output int64 // a model that takes a response_format bills by the picture
	if q.Delivery == "" {
		input, output = tokens(int64(len(q.Prompt))), int64(n)*((int64(call.Width)*int64(call.Height)+1023)/1024)
	}
	e.Status, e.Fault = answered(f), string(f.Kind)
	u.bill(&e, input, output, n)
	u.journal.add(e)
	answer := object{"created": 1, "data": data}
	switch {
	case f.Kind == ErrorIn200:
		answer = object{"error": object{"message": "The server had an error while processing your request.", "type": "server_error", "param": nil, "code": "server_error"}}
	case f.Kind != NoUsage && (q.Delivery == "" || f.Kind == AbsurdUsage):
		report := object{"input_tokens": input, "output_tokens": output, "total_tokens": input + output,
			"input_tokens_details":  object{"text_tokens": input, "image_tokens": 0},
			"output_tokens_details": object{"text_tokens": 0, "image_tokens": output}}
		if f.Kind == AbsurdUsage {
			report["total_tokens"] = input + output + 1_000_000
		}
		answer["usage"] = report
	}
	u.deliver(w, r, f, u.cfg.Latency, "application/json", encode(answer))
}
