package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
)

// ErrUnknownFunction is a name that no function of [Config.Functions] has.
var ErrUnknownFunction = errors.New("unknown function")

// AnyFunction is a [Function] with its types left out, for callers that have a name and JSON: an HTTP handler, a queue.
// Only Function implements it.
type AnyFunction interface {
	Name() string
	Operation() string
	kind() registry.Kind
	decode(c Call, input json.RawMessage) (*job, error)
}

// Functions returns the functions of the configuration, by name.
func (e *Engine) Functions() []AnyFunction {
	names := slices.Sorted(maps.Keys(e.functions))
	out := make([]AnyFunction, len(names))
	for i, name := range names {
		out[i] = e.functions[name]
	}
	return out
}

// Execute runs a function of the configuration by its name, on an input in JSON: the same call as [Run], under the same
// key, with the same answer. The input has no fields that the function's does not have. Errors: those of Run, and
// [ErrUnknownFunction].
func (e *Engine) Execute(ctx context.Context, name string, c Call, input json.RawMessage) (Result[json.RawMessage], error) {
	j, err := e.decode(name, c, input)
	if err != nil {
		return Result[json.RawMessage]{}, err
	}
	receipt, replayed, err := e.run(ctx, j)
	if err != nil {
		return Result[json.RawMessage]{}, fmt.Errorf("engine: function %q: key %q: %w", name, c.Key, err)
	}
	return Result[json.RawMessage]{Out: receipt.Result, Charged: receipt.Charged, Record: receipt.Record, Replayed: replayed}, nil
}

func (e *Engine) decode(name string, c Call, input json.RawMessage) (*job, error) {
	f, known := e.functions[name]
	if !known {
		return nil, fmt.Errorf("engine: function %q: %w: there are %s", name, ErrUnknownFunction, strings.Join(slices.Sorted(maps.Keys(e.functions)), ", "))
	}
	return f.decode(c, input)
}

func (f *Function[In, Out]) decode(c Call, input json.RawMessage) (*job, error) {
	var in In
	d := json.NewDecoder(bytes.NewReader(input))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, fmt.Errorf("engine: function %q: %w: %w", f.def.Name, ErrInput, misfit(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("engine: function %q: %w: there is more than one JSON value", f.def.Name, ErrInput)
	}
	if err := f.Validate(in); err != nil {
		return nil, err
	}
	return f.job(c, in)
}

// misfit says what is wrong with an input, by names and places: its values do not belong into an error.
func misfit(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("it is not JSON: byte %d", syntax.Offset)
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Errorf("field %q: want a %s", kind.Field, kind.Type)
	case errors.As(err, &kind):
		return fmt.Errorf("want a %s", kind.Type)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it is not JSON: it ends too early")
	case strings.HasPrefix(err.Error(), "json: unknown field"):
		return errors.New("it has a field that the function does not have")
	}
	return errors.New("it does not fit")
}

// Quoted is what a call would hold if it were made now.
type Quoted struct {
	Provider string // that would be asked first
	Model    string
	Hold     credits.Amount  // credits: the most that the first request can be charged; a repair or a fallback may extend it
	USD      decimal.Decimal // what that would cost the operator
}

// Quote says what a call would hold, by the settings as they are now. Nothing is held, called or stored. Errors: those
// of [Run] up to the hold.
func Quote[In, Out any](ctx context.Context, e *Engine, f *Function[In, Out], c Call, in In) (Quoted, error) {
	if err := f.Validate(in); err != nil {
		return Quoted{}, err
	}
	j, err := f.job(c, in)
	if err != nil {
		return Quoted{}, err
	}
	return e.quote(ctx, j)
}

// Quote is the function [Quote] for a function of the configuration, by its name and an input in JSON. Errors: those of
// [Engine.Execute] up to the hold.
func (e *Engine) Quote(ctx context.Context, name string, c Call, input json.RawMessage) (Quoted, error) {
	j, err := e.decode(name, c, input)
	if err != nil {
		return Quoted{}, err
	}
	return e.quote(ctx, j)
}

func (e *Engine) quote(ctx context.Context, j *job) (Quoted, error) {
	r, err := e.resolve(ctx, j)
	if err != nil {
		return Quoted{}, fmt.Errorf("engine: function %q: %w", j.function, err)
	}
	way := &r.Routes[0]
	worst, err := way.worst(r.Messages, j.schema, r.Drawing)
	if err != nil {
		return Quoted{}, fmt.Errorf("engine: function %q: %w", j.function, err)
	}
	hold, err := amount(worst)
	return Quoted{Provider: way.Rate.Model.Provider, Model: way.Rate.Model.Name, Hold: hold, USD: worst.USD}, err
}

// Settings returns the settings that a call of a function would be run with, and [registry.Effective.Explain] tells where
// each comes from. The call needs no key. Errors: those of [registry.Registry.Effective].
func (e *Engine) Settings(ctx context.Context, f AnyFunction, c Call) (*registry.Effective, error) {
	return e.effective(ctx, &job{call: c, function: f.Name(), kind: f.kind()})
}

// Images returns the settings of pictures of an account. Errors: those of [registry.Registry.Images].
func (e *Engine) Images(ctx context.Context, account credits.Account) (registry.ImageSettings, error) {
	return e.cfg.Registry.Images(ctx, account)
}
