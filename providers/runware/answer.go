package runware

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/wire"
	"github.com/scrip-go/scrip/usage"
)

// answer is what one POST brings: results and errors of tasks, either or both.
type answer struct {
	Data   []item    `json:"data"`
	Errors []problem `json:"errors"`
	Single *problem  `json:"error"` // of the request as a whole; the task is named beside it
	Task   string    `json:"taskUUID"`
}

type item struct {
	Task    string     `json:"taskUUID"`
	Status  string     `json:"status"` // only from getResponse: processing or success
	URL     string     `json:"imageURL"`
	Base64  string     `json:"imageBase64Data"`
	DataURI string     `json:"imageDataURI"`
	Cost    wire.Loose `json:"cost"`        // USD; its digits, because a float64 would round them
	Unsafe  flag       `json:"NSFWContent"` // what the check found, if the request asked for one
}

// pending reports whether the item says of a task only that it was taken or is at work.
func (it item) pending() bool {
	if it.Status == "" {
		return it.URL == "" && it.Base64 == "" && it.DataURI == "" && !bool(it.Unsafe)
	}
	return it.Status != "success"
}

// flag is true or not.
type flag bool

// UnmarshalJSON implements [json.Unmarshaler]. Whatever is not true is false.
func (f *flag) UnmarshalJSON(b []byte) error {
	*f = string(b) == "true"
	return nil
}

type problem struct {
	Task      wire.Loose `json:"taskUUID"`
	Status    wire.Loose `json:"status"` // "error" if it is the end of the task that getResponse was asked about
	Code      wire.Loose `json:"code"`
	Parameter wire.Loose `json:"parameter"` // a name, or a list of names
}

// UnmarshalJSON implements [json.Unmarshaler]. An error that is not an object is still an error, without a code.
func (p *problem) UnmarshalJSON(b []byte) error {
	type plain problem
	if b = bytes.TrimSpace(b); len(b) > 0 && b[0] == '{' {
		return json.Unmarshal(b, (*plain)(p))
	}
	return nil
}

func parse(body []byte) (a answer, readable bool) {
	if err := json.Unmarshal(body, &a); err != nil {
		return answer{}, false
	}
	return a, true
}

// any reports whether an item of a task is so.
func (a answer) any(task string, so func(item) bool) bool {
	return slices.ContainsFunc(a.Data, func(it item) bool { return strings.EqualFold(it.Task, task) && so(it) })
}

func (it item) unsafe() bool { return bool(it.Unsafe) }

// pictures returns the finished results of a task; ok is false if there are none. A picture that the check refused is
// none, and costs what it costs.
func (a answer) pictures(task, model, requestID string) (r providers.ImageResult, ok bool) {
	var cost decimal.Decimal
	priced := true
	for _, it := range a.Data {
		if !strings.EqualFold(it.Task, task) || it.pending() {
			continue
		}
		c, known := money(string(it.Cost)) // also of a picture that did not arrive: it was made
		cost, priced = cost.Add(c), priced && known
		if image, ok := wire.Picture(it.URL, it.Base64, it.DataURI); ok && !it.unsafe() {
			r.Images = append(r.Images, image)
		}
	}
	if len(r.Images) == 0 {
		return providers.ImageResult{}, false
	}
	if requestID == "" {
		requestID = task // by which the vendor's support finds it
	}
	r.Metering = providers.Metering{Usage: usage.Images(int64(len(r.Images))), RequestID: requestID, Model: model}
	if priced {
		r.Cost = decimal.NewNullDecimal(cost)
	}
	return r, true
}

// money reads an amount exactly. A number that cannot be a price is unknown: an exponent of a million, once added,
// would fill the memory with digits.
func money(digits string) (decimal.Decimal, bool) {
	d, err := decimal.NewFromString(digits)
	if err != nil || len(digits) > 64 || d.Exponent() < -64 || d.Exponent() > 64 || d.IsNegative() {
		return decimal.Decimal{}, false
	}
	return d, true
}

// problem returns the first error that is about the task, or about the request as a whole.
func (a answer) problem(task string) (problem, bool) {
	for _, p := range a.Errors {
		if p.Task == "" || strings.EqualFold(string(p.Task), task) {
			return p, true
		}
	}
	if a.Single != nil && (a.Task == "" || strings.EqualFold(a.Task, task)) {
		return *a.Single, true
	}
	return problem{}, false
}

// refused is the error of a task whose pictures were made and did not pass the check.
func (p *Provider) refused(a wire.Answer) *providers.Error {
	return &providers.Error{Provider: p.cfg.Name, Kind: providers.Blocked, Fate: providers.Executed,
		Status: a.Status, RequestID: a.RequestID, Detail: "the check of the contents refused what was made"}
}

// failure types an error by its code, or by the status if the code is unknown.
func (p *Provider) failure(a wire.Answer, of problem, key string) *providers.Error {
	row, ok := codes[string(of.Code)]
	if !ok {
		row = status(a.Status)
	}
	if !a.OK() && row.fate != providers.Executed && status(a.Status).fate == providers.Unknown {
		row.fate = providers.Unknown // the code knows better what went wrong, and the status is the more careful about what ran
	}
	return &providers.Error{
		Provider: p.cfg.Name, Kind: row.kind, Fate: row.fate,
		Status: a.Status, RequestID: a.RequestID, RetryAfter: a.RetryAfter,
		Code:  providers.Identifier(string(of.Code), key),
		Param: providers.Identifier(string(of.Parameter), key),
	}
}
