// Package openaiwire is what the adapters of OpenAI's APIs share: the headers of a request and the meaning of its
// errors. Servers that are compatible with OpenAI differ in small ways, codes as numbers among them; it reads those too.
package openaiwire

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/wire"
)

// Problem is the error object of an answer.
type Problem struct {
	Code    wire.Loose `json:"code"`
	Type    wire.Loose `json:"type"`
	Param   wire.Loose `json:"param"`
	Message wire.Loose `json:"message"` // looked at and never kept: it may quote the request
	Inner   struct {
		Code wire.Loose `json:"code"` // Azure says here what its outer code leaves open
	} `json:"innererror"`
}

// UnmarshalJSON implements [json.Unmarshaler]. An error that is not an object, or not the object expected, is still an
// error, only one without a code.
func (p *Problem) UnmarshalJSON(b []byte) error {
	type plain Problem
	if b = bytes.TrimSpace(b); len(b) > 0 && b[0] == '{' {
		if err := json.Unmarshal(b, (*plain)(p)); err != nil {
			*p = Problem{}
		}
	}
	return nil
}

// Failure types an answer that is not a success.
func Failure(provider, key string, a wire.Answer) *providers.Error {
	var body struct {
		Error Problem `json:"error"`
	}
	if json.Unmarshal(a.Body, &body) != nil { // a gateway's HTML
		body.Error = Problem{}
	}
	if body.Error == (Problem{}) {
		body.Error, _ = TopProblem(a.Body)
	}
	return body.Error.failure(provider, key, a, a.Status)
}

// TopProblem reads an answer that is an error object itself, as that of several compatible servers is, in place of one that
// has it in its field error. It reports whether the answer says that it is one.
func TopProblem(body []byte) (p Problem, said bool) {
	var top struct {
		Object wire.Loose `json:"object"`
	}
	if json.Unmarshal(body, &top) != nil || json.Unmarshal(body, &p) != nil {
		return Problem{}, false
	}
	return p, top.Object == "error"
}

// InSuccess types an error object inside an answer with a 2xx status. Its fate is Executed: the request was taken, and
// a model that fails halfway is billed by some. Only a code that speaks of a refusal before any work, such as a rate
// limit or a refused key, keeps the fate Rejected; a content filter does not, because behind a 2xx it may have read
// what the model wrote.
func InSuccess(provider, key string, a wire.Answer, p Problem) *providers.Error {
	e := p.failure(provider, key, a, 0)
	if e.Fate != providers.Rejected || e.Kind == providers.Blocked {
		e.Fate = providers.Executed
	}
	e.Detail = "an error inside a success"
	return e
}

func (p Problem) failure(provider, key string, a wire.Answer, status int) *providers.Error {
	row := p.row(status)
	if status != 0 && Status(status).Fate == providers.Unknown {
		row.Fate = providers.Unknown // the code knows better what went wrong, and the status is the more careful about what ran
	}
	return &providers.Error{
		Provider: provider, Kind: row.Kind, Fate: row.Fate,
		Status: a.Status, RequestID: a.RequestID, RetryAfter: a.RetryAfter,
		Code:  providers.Identifier(string(p.Code), key),
		Param: providers.Identifier(string(p.Param), key),
	}
}

func (p Problem) row(status int) Row {
	for _, code := range []wire.Loose{p.Code, p.Inner.Code, p.Type} {
		if row, ok := Codes[string(code)]; ok {
			return row
		}
	}
	// The images route refused some prompts without any code. This is the one thing that a message is read for.
	if p.Code == "" && p.Inner.Code == "" && status == http.StatusBadRequest && strings.Contains(string(p.Message), "safety system") {
		return Row{providers.Blocked, providers.Rejected}
	}
	// Azure and several routers put the status into the code, some of them behind an HTTP status of 200.
	if n, err := strconv.Atoi(string(p.Code)); err == nil && n >= 400 && n < 600 && status == 0 {
		status = n
	}
	return Status(status)
}
