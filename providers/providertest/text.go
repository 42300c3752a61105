package providertest

import (
	"encoding/json"
	"io"
	"net/http"
	"unicode/utf8"

	"github.com/scrip-go/scrip/providers"
)

type textRequest struct {
	Model    string `json:"model"`
	Messages []struct {
		Role    providers.Role `json:"role"`
		Content string         `json:"content"`
	} `json:"messages"`
	MaxCompletionTokens int64 `json:"max_completion_tokens"`
	MaxTokens           int64 `json:"max_tokens"`
	Format              struct {
		Type   string `json:"type"`
		Schema struct {
			Name   string          `json:"name"`
			Schema json.RawMessage `json:"schema"`
		} `json:"json_schema"`
	} `json:"response_format"`
}

// call checks a request and turns it into what a Responder sees; the text says what is wrong with it.
func (q textRequest) call() (c TextCall, wrong string) {
	c = TextCall{Model: q.Model, SchemaName: q.Format.Schema.Name, Schema: q.Format.Schema.Schema,
		MaxOutput: max(q.MaxCompletionTokens, q.MaxTokens)}
	for _, m := range q.Messages {
		c.Messages = append(c.Messages, providers.Message{Role: m.Role, Text: m.Content})
	}
	switch {
	case q.Model == "":
		return c, "you must provide a model parameter"
	case len(q.Messages) == 0:
		return c, "[] is too short - 'messages'"
	case q.Format.Type == "json_schema" && (c.SchemaName == "" || c.Schema == nil):
		return c, "Missing required parameter: 'response_format.json_schema'."
	}
	return c, ""
}

// decode reads a request of the OpenAI wire and answers it if it is not one, or does not bring the key.
func (u *Upstream) decode(w http.ResponseWriter, r *http.Request, e *Entry, q any) bool {
	e.Attempt = r.Header.Get("X-Client-Request-Id")
	var c canned
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestLimit))
	switch {
	case !u.admits(r):
		c = openAIFaults[Status401]
	case err != nil || json.Unmarshal(body, q) != nil:
		c = openAIInvalid("We could not parse the JSON body of your request.")
	default:
		w.Header().Set("X-Request-Id", "req_"+e.Attempt)
		return true
	}
	e.Status = c.status
	u.journal.add(*e)
	writeJSON(w, c.status, c.body)
	return false
}

// answer journals an error that is the request's own fault, or the Responder's, and sends it.
func (u *Upstream) answer(w http.ResponseWriter, e Entry, c canned) {
	e.Status = c.status
	u.journal.add(e)
	writeJSON(w, c.status, c.body)
}

func (u *Upstream) text(w http.ResponseWriter, r *http.Request) {
	e := Entry{Route: RouteText}
	var q textRequest
	if !u.decode(w, r, &e, &q) {
		return
	}
	e.Model = q.Model
	call, wrong := q.call()
	if wrong != "" {
		u.answer(w, e, openAIInvalid(wrong))
		return
	}
	f := u.rules.pick(RouteText)
	if u.refuse(w, r, f, e, openAIFaults) {
		return
	}
	said, err := u.cfg.Responder.Text(call)
	if err != nil {
		u.answer(w, e, openAIFaults[Status500])
		return
	}
	said, finish := bounded(said, call.MaxOutput, f)
	input := int64(0)
	for _, m := range call.Messages {
		input += int64(len(m.Text))
	}
	input, output := tokens(input), tokens(int64(len(said)))
	if f.Kind == ExcessUsage {
		output = max(call.MaxOutput, output) * 10
	}
	e.Status, e.Fault = answered(f), string(f.Kind)
	u.bill(&e, input, output, 0)
	u.journal.add(e)
	u.deliver(w, r, f, u.cfg.Latency, "application/json", encode(completion(e, q.Model, said, finish, f)))
}

// bounded applies the faults of a completion's text, and the request's own bound.
func bounded(said string, bound int64, f Fault) (text, finish string) {
	switch f.Kind {
	case NotJSON:
		said = "Sure! Here is what I would suggest, although I am not certain about the format."
	case WrongShape:
		said = `{"unexpected":[{"shape":true}]}`
	case Length:
		return prefix(said, len(said)/2), "length"
	}
	if bound > 0 && tokens(int64(len(said))) > bound {
		return prefix(said, int(bound)*4), "length"
	}
	return said, "stop"
}

// prefix returns at most n bytes of s, in whole characters.
func prefix(s string, n int) string {
	for n > 0 && n < len(s) && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func tokens(bytes int64) int64 { return (bytes + 3) / 4 }

func completion(e Entry, model, said, finish string, f Fault) object {
	if f.Kind == ErrorIn200 {
		return object{"error": object{"message": "The server had an error while processing your request.", "type": "server_error", "param": nil, "code": "server_error"}}
	}
	message := object{"role": "assistant", "content": said, "refusal": nil, "annotations": []any{}}
	if f.Kind == Refusal {
		message["content"], message["refusal"] = nil, "I'm sorry, but I can't help with that."
	}
	answer := object{
		"id": "chatcmpl-" + e.Attempt, "object": "chat.completion", "created": 1, "model": model, "service_tier": "default",
		"choices": []object{{"index": 0, "message": message, "logprobs": nil, "finish_reason": finish}},
		"usage": object{
			"prompt_tokens": e.InputTokens, "completion_tokens": e.OutputTokens, "total_tokens": e.InputTokens + e.OutputTokens,
			"prompt_tokens_details":     object{"cached_tokens": 0, "cache_write_tokens": 0, "audio_tokens": 0},
			"completion_tokens_details": object{"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
		},
	}
	switch f.Kind {
	case NoUsage:
		delete(answer, "usage")
	case AbsurdUsage:
		answer["usage"].(object)["total_tokens"] = e.InputTokens + e.OutputTokens + 1_000_000
	}
	return answer
}
