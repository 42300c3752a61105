package providertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/secret"
)

// face is one capability as the cases see it.
type face struct {
	name    string
	bills   bool // a call is a billable request
	success Recorded
	handler http.Handler
	// structured answers a request with a schema in place of success, if it is given.
	structured Recorded
	requestID  string // of the good answer, with {{attempt}} in it; empty if the adapter reads none
	// failures are the author's answers that are no success, as far as they are given.
	failures []Failure
	// the part of the request that is the same in every call
	model string
	image providers.ImageRequest

	do    func(ctx context.Context, p providers.Provider, q ask) (outcome, error)
	same  func(b *bench, r result) // checks that a call brought the good answer
	extra []suiteCase              // what only this capability has
}

// ask is what a call asks for; a face takes the part that is its own.
type ask struct {
	text      providers.TextRequest
	image     providers.ImageRequest
	reconcile providers.ReconcileRequest
}

func (q ask) attempt() providers.Attempt { return q.text.Attempt }

func (q *ask) setAttempt(a providers.Attempt) {
	q.text.Attempt, q.image.Attempt, q.reconcile.Attempt = a, a, a
}

func (q *ask) profile(parameters map[string]json.RawMessage, omit ...string) {
	q.text.Parameters, q.image.Parameters = parameters, parameters
	q.text.Omit, q.image.Omit = omit, omit
}

// outcome is what a call brought; one of them is set.
type outcome struct {
	text   *providers.TextResult
	image  *providers.ImageResult
	became *providers.Reconciled
}

func (o outcome) String() string {
	switch {
	case o.text != nil:
		return fmt.Sprintf("the text %q with usage %s", o.text.Text, asJSON(o.text.Usage))
	case o.image != nil:
		return fmt.Sprintf("%d pictures with usage %s", len(o.image.Images), asJSON(o.image.Usage))
	case o.became != nil:
		return fmt.Sprintf("the fate %q", o.became.Fate)
	}
	return "nothing"
}

// bound is the output bound of every call: a number that is nothing else in a request.
const bound = 7919

// ask returns a request as plain as can be, with an attempt of its own.
func (b *bench) ask() ask {
	q := ask{
		text: providers.TextRequest{Model: b.face.model, MaxOutput: bound, Messages: []providers.Message{
			{Role: providers.System, Text: b.marker + " says: be brief."},
			{Role: providers.User, Text: b.marker + ` asks for "one word" & a <line>` + "\nabout füße."},
		}},
		image:     b.face.image,
		reconcile: providers.ReconcileRequest{Model: b.face.model},
	}
	q.image.Model, q.image.Prompt = b.face.model, b.marker+` before a "lighthouse" & a <line>`+"\nof füße"
	q.setAttempt(b.attempt())
	return q
}

func (b *bench) attempt() providers.Attempt {
	return providers.Attempt{ID: uuid(), Key: secret.Key{ID: "suite", Secret: secret.New(b.key)}}
}

// idHeader returns the header that brings the upstream's id of a request, if the good answer shows one.
func (f *face) idHeader() string {
	for name, values := range f.success.Header {
		if f.requestID != "" && slices.Contains(values, f.requestID) {
			return name
		}
	}
	return ""
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func textFace(w *TextWire) *face {
	f := &face{name: "Text", bills: true, success: w.Success, handler: w.Handler, structured: w.Structured, requestID: w.Want.RequestID,
		model: orElse(w.Model, "suite-model"),
		do: func(ctx context.Context, p providers.Provider, q ask) (outcome, error) {
			r, err := p.(providers.TextGenerator).GenerateText(ctx, q.text)
			return outcome{text: &r}, err
		},
		same: func(b *bench, r result) { b.sameText(*r.outcome.text, w.Want, r.attempt) },
	}
	f.failures = append(slices.Clone(w.Failures), Failure{Name: "TextWire.Refusal", Recorded: w.Refusal}, Failure{Name: "TextWire.Length", Recorded: w.Length},
		Failure{Name: "TextWire.NoUsage", Recorded: w.NoUsage}, Failure{Name: "TextWire.BadUsage", Recorded: w.BadUsage},
		Failure{Name: "TextWire.NoText", Recorded: w.NoText}, Failure{Name: "TextWire.ErrorIn200", Recorded: w.ErrorIn200})
	f.extra = slices.Concat(textRequestCases, textAnswerCases(w), failureCases(w.Failures), pollCases(w.Handler))
	return f
}

func imageFace(w *ImageWire) *face {
	f := &face{name: "Images", bills: true, success: w.Success, handler: w.Handler, requestID: w.Want.RequestID, model: orElse(w.Model, "suite-model"),
		image: providers.ImageRequest{Width: orElse(w.Width, 832), Height: orElse(w.Height, 1216), N: len(w.Want.Images)},
		do: func(ctx context.Context, p providers.Provider, q ask) (outcome, error) {
			r, err := p.(providers.ImageGenerator).GenerateImages(ctx, q.image)
			return outcome{image: &r}, err
		},
		same: func(b *bench, r result) { b.sameImages(*r.outcome.image, w.Want, r.attempt) },
	}
	f.failures = append(slices.Clone(w.Failures), Failure{Name: "ImageWire.NoPicture", Recorded: w.NoPicture}, Failure{Name: "ImageWire.ErrorIn200", Recorded: w.ErrorIn200})
	f.extra = slices.Concat(imageRequestCases, imageAnswerCases(w), failureCases(w.Failures), pollCases(w.Handler))
	return f
}

func reconcileFace(w *ReconcileWire) *face {
	f := &face{name: "Reconcile", success: w.Done, handler: w.Handler, model: "suite-model",
		do: func(ctx context.Context, p providers.Provider, q ask) (outcome, error) {
			r, err := p.(providers.Reconciler).Reconcile(ctx, q.reconcile)
			return outcome{became: &r}, err
		},
		same: func(b *bench, r result) { b.sameOutcome(*r.outcome.became, w.Want, r.attempt) },
	}
	switch {
	case w.Want.Text != nil:
		f.requestID = w.Want.Text.RequestID
	case w.Want.Image != nil:
		f.requestID = w.Want.Image.RequestID
	}
	f.extra = reconcileCases(w)
	return f
}

func (b *bench) sameText(got, want providers.TextResult, attempt string) {
	b.Helper()
	if text := expand(want.Text, attempt); got.Text != text {
		b.Errorf("the text is %q, want %q", got.Text, text)
	}
	b.sameMetering(got.Metering, want.Metering, attempt)
}

func (b *bench) sameImages(got, want providers.ImageResult, attempt string) {
	b.Helper()
	if len(got.Images) != len(want.Images) {
		b.Errorf("%d pictures, want %d", len(got.Images), len(want.Images))
		return
	}
	for i, p := range got.Images {
		if w := want.Images[i]; p.URL != expand(w.URL, attempt) || !bytes.Equal(p.Data, w.Data) {
			b.Errorf("picture %d is %.100q with address %q, want %.100q with address %q", i, p.Data, p.URL, w.Data, expand(w.URL, attempt))
		}
		if (p.URL == "") == (len(p.Data) == 0) {
			b.Errorf("picture %d has neither data nor an address, or both", i)
		}
	}
	if n := got.Usage.Images; !n.Known || n.N != int64(len(got.Images)) {
		b.Errorf("Usage.Images is %+v, want the %d pictures delivered", n, len(got.Images))
	}
	b.sameMetering(got.Metering, want.Metering, attempt)
}

func (b *bench) sameMetering(got, want providers.Metering, attempt string) {
	b.Helper()
	if got.Usage != want.Usage {
		b.Errorf("the usage is %s, want %s", asJSON(got.Usage), asJSON(want.Usage))
	}
	if err := got.Usage.Validate(); err != nil {
		b.Errorf("the usage: %v", err)
	}
	if got.Cost.Valid != want.Cost.Valid || got.Cost.Valid && !got.Cost.Decimal.Equal(want.Cost.Decimal) {
		b.Errorf("the cost is %s, want %s", money(got.Cost), money(want.Cost))
	}
	for _, f := range []struct{ name, got, want string }{
		{"request id", got.RequestID, expand(want.RequestID, attempt)}, {"model", got.Model, want.Model}, {"service tier", got.ServiceTier, want.ServiceTier}} {
		if f.got != f.want {
			b.Errorf("the %s is %q, want %q", f.name, f.got, f.want)
		}
	}
}

func (b *bench) sameOutcome(got, want providers.Reconciled, attempt string) {
	b.Helper()
	if got.Fate != providers.Executed {
		b.Errorf("the fate is %q, want %q", got.Fate, providers.Executed)
	}
	switch {
	case (got.Text == nil) != (want.Text == nil) || (got.Image == nil) != (want.Image == nil):
		b.Errorf("the results are text %t and pictures %t, want text %t and pictures %t",
			got.Text != nil, got.Image != nil, want.Text != nil, want.Image != nil)
	case want.Text != nil:
		b.sameText(*got.Text, *want.Text, attempt)
	case want.Image != nil:
		b.sameImages(*got.Image, *want.Image, attempt)
	}
}

func money(d decimal.NullDecimal) string {
	if !d.Valid {
		return "unknown"
	}
	return d.Decimal.String()
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%+v", v)
	}
	return string(b)
}
