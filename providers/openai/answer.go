package openai

import (
	"encoding/json"
	"slices"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/openaiwire"
	"github.com/scrip-go/scrip/providers/internal/wire"
	"github.com/scrip-go/scrip/usage"
)

type answer struct {
	Error   *openaiwire.Problem `json:"error"`
	Model   string              `json:"model"`
	Tier    string              `json:"service_tier"`
	Usage   usageReport         `json:"usage"`
	Choices [1]choice           `json:"choices"` // as many as were asked for; one that is missing reads as empty
}

type choice struct {
	Finish  string `json:"finish_reason"` // null from servers that were interrupted, and from some always
	Message struct {
		Content string `json:"content"`
		Refusal string `json:"refusal"`
	} `json:"message"`
}

// read judges an answer with a 2xx status. Everything that is not a whole and metered completion is an error of fate
// Executed, with the usage as far as it is known.
func (p *Provider) read(a wire.Answer, model, key string) (providers.TextResult, *providers.Error) {
	var body answer
	err := json.Unmarshal(a.Body, &body) // it may be another field than the usage that is not what it should be
	used, sound := body.Usage.classes()
	failed := func(kind providers.Kind, detail string) (providers.TextResult, *providers.Error) {
		return providers.TextResult{}, &providers.Error{Provider: p.cfg.Name, Kind: kind, Fate: providers.Executed,
			Status: a.Status, RequestID: a.RequestID, Detail: detail, Usage: used}
	}
	if err != nil {
		if !sound {
			used = usage.Usage{}
		}
		return failed(providers.Malformed, "the answer is not the JSON of a chat completion")
	}
	if body.Error != nil {
		e := openaiwire.InSuccess(p.cfg.Name, key, a, *body.Error)
		if e.Fate == providers.Executed {
			e.Usage = used
		}
		return providers.TextResult{}, e
	}
	first := body.Choices[0]
	if first == (choice{}) {
		if problem, said := openaiwire.TopProblem(a.Body); said {
			return providers.TextResult{}, openaiwire.InSuccess(p.cfg.Name, key, a, problem)
		}
	}
	switch {
	case first == (choice{}):
		return failed(providers.Malformed, "the answer has no choice with anything in it")
	case first.Message.Refusal != "":
		return failed(providers.Blocked, "the model refused")
	case first.Finish == "content_filter":
		return failed(providers.Blocked, "the content filter stopped the answer")
	case first.Finish == "length", first.Finish == "model_length": // the second is of servers that tell the model's own limit apart
		return failed(providers.Incomplete, "the answer stopped at the token limit")
	case first.Finish == "error":
		return failed(providers.Upstream, "the upstream failed in the middle of the answer")
	case first.Finish == "stop" || slices.Contains(p.cfg.Finishes, first.Finish):
	case first.Finish == "":
		return failed(providers.Incomplete, "the answer has no finish reason")
	default:
		return failed(providers.Malformed, "the answer has a finish reason that was not asked for")
	}
	switch {
	case first.Message.Content == "":
		return failed(providers.Malformed, "the answer has no text")
	case body.Usage == (usageReport{}):
		return failed(providers.Malformed, "the answer has no usage")
	case !sound:
		return failed(providers.Malformed, "the answer's usage does not add up")
	}
	if body.Model == "" {
		body.Model = model
	}
	return providers.TextResult{Text: first.Message.Content, Metering: providers.Metering{
		Usage: used, RequestID: a.RequestID, Model: body.Model, ServiceTier: body.Tier}}, nil
}
