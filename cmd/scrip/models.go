package main

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/registry"
)

type modelsCommands struct {
	List     listCommand     `cmd:"" help:"List models, or the rows of another kind."`
	Show     showCommand     `cmd:"" help:"Show everything that a row says."`
	Set      setCommand      `cmd:"" help:"Change fields of models, operations, providers and functions."`
	Apply    applyCommand    `cmd:"" help:"Put another configuration in the place of the whole one."`
	Import   importCommand   `cmd:"" help:"Take prices over from a public price list: LiteLLM's or models.dev's."`
	History  historyCommand  `cmd:"" help:"List the versions, the newest first."`
	Diff     diffCommand     `cmd:"" help:"Say what two configurations say differently. Exits as diff does: 0 for no difference, 1 for some, 2 for trouble."`
	Rollback rollbackCommand `cmd:"" help:"Make the configuration of an earlier version the newest one."`
}

// load returns a version, 0 being the one in force.
func (db *database) load(a *app, number int64) (registry.Version, error) {
	v, err := db.models.Load(a.ctx, number)
	switch {
	case err != nil && errors.Is(err, registry.ErrNotFound) && number == 0:
		return v, fmt.Errorf("no version is in force: %w: scrip models apply --catalogue %s saves a first one", registry.ErrNotFound, registry.Current)
	case err != nil:
		return v, err
	}
	v.Configuration, err = canonical(v.Configuration) // the order of rows is the canonical one
	return v, err
}

type listCommand struct {
	Kind    string `arg:"" optional:"" default:"model" enum:"model,provider,operation,function" help:"What to list: model, provider, operation or function."`
	Version int64  `placeholder:"N" help:"Of this version; of the one in force if it is not given."`
}

func (c *listCommand) Run(a *app) error {
	return a.with(reading, func(db *database) error {
		v, err := db.load(a, c.Version)
		if err != nil {
			return err
		}
		if !a.JSON {
			return a.list(c.Kind, v.Configuration)
		}
		doc := map[string]any{"version": v.Number}
		switch c.Kind {
		case modelKind:
			doc["models"] = v.Configuration.Models
		case providerKind:
			doc["providers"] = v.Configuration.Providers
		case operationKind:
			doc["operations"] = v.Configuration.Operations
		default:
			doc["functions"] = append([]functionRow{}, functionRows(v.Configuration)...)
		}
		return a.document(doc)
	})
}

// functionRow is the settings of a function with its name.
type functionRow struct {
	Function string `json:"function"`
	registry.FunctionSettings
}

func functionRows(c registry.Configuration) (out []functionRow) {
	for _, name := range slices.Sorted(maps.Keys(c.Settings.Functions)) {
		out = append(out, functionRow{name, c.Settings.Functions[name]})
	}
	return out
}

func (a *app) list(kind string, c registry.Configuration) error {
	var t *table
	switch kind {
	case modelKind:
		t = a.table("MODEL", "KIND", "PROVIDER", "ACTIVE", "DEFAULT", "INPUT", "OUTPUT", "PER IMAGE", "TOKENS/CREDIT", "CREDITS/IMAGE", "TIER", "SHUTDOWN")
		for _, m := range c.Models {
			t.row(m.Name, m.Kind, m.Provider, yes(m.Active), yes(m.Default), price(m.Prices.Input), price(m.Prices.Output), price(m.CostPerImage),
				number(m.TokensPerCredit), number(int64(m.CreditsPerImage)), m.QualityTier, day(m.Shutdown))
		}
	case providerKind:
		t = a.table("PROVIDER", "NAME", "ACTIVE", "BASE URL")
		for _, p := range c.Providers {
			t.row(p.ID, p.DisplayName, yes(p.Active), p.BaseURL)
		}
	case operationKind:
		t = a.table("OPERATION", "ACTIVE", "TOKENS/CREDIT", "MIN CREDITS", "USD/CREDIT")
		for _, o := range c.Operations {
			t.row(o.Operation, yes(o.Active), o.TokensPerCredit, o.MinCredits, o.PricePerCreditUSD)
		}
	default:
		t = a.table("FUNCTION", "MODEL", "FALLBACKS", "TEMPERATURE", "MAX TOKENS", "PROMPT")
		for _, f := range functionRows(c) {
			prompt := ""
			if f.Prompt != "" {
				prompt = fmt.Sprintf("of %d bytes", len(f.Prompt))
			}
			t.row(f.Function, f.Model, strings.Join(f.Fallbacks, ","), price(f.Temperature), number(f.MaxTokens), prompt)
		}
	}
	return t.end()
}

func price(d *decimal.Decimal) string {
	if d == nil {
		return ""
	}
	return d.String()
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func day(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

type showCommand struct {
	Name    string `arg:"" help:"A model, or another row as operation:NAME, provider:NAME, function:NAME or images."`
	Version int64  `placeholder:"N" help:"Of this version; of the one in force if it is not given."`
}

func (c *showCommand) Run(a *app) error {
	return a.with(reading, func(db *database) error {
		v, err := db.load(a, c.Version)
		if err != nil {
			return err
		}
		r := parseReference(c.Name)
		if _, ok := v.Configuration.Settings.Functions[r.name]; r.kind == functionKind && !ok {
			return fmt.Errorf("%s: %w: it has no settings of its own", r, registry.ErrNotFound)
		}
		return edit(&v.Configuration, r, false, func(row reflect.Value) error {
			if a.JSON {
				return a.document(row.Interface())
			}
			fields, err := fieldsOf(row.Interface())
			if err != nil {
				return err
			}
			t := a.table("FIELD", "VALUE")
			for _, f := range fields {
				t.row(f.path, f.text)
			}
			return t.end()
		})
	})
}
