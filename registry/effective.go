package registry

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
)

// Ask says which call of a function settings are wanted for.
type Ask struct {
	Account  credits.Account
	Function string
	Kind     Kind   // what the function needs
	Model    string // that the caller wants; may be empty
}

// Level is where a setting is made.
type Level string

// The levels, each going before those after it.
const (
	CallLevel     Level = "call"
	AccountLevel  Level = "account"  // AccountSettings
	SystemLevel   Level = "system"   // Configuration.Settings
	ModelLevel    Level = "model"    // the model's row, and which model is the default
	FunctionLevel Level = "function" // what is built into the function, or into its provider
)

// Effective is what a function is run with. Its models are rows of Snapshot: do not write to them.
type Effective struct {
	Snapshot *Snapshot
	Account  int64 // the number of the account's own settings that were used; 0 if it has none

	Model       *Model
	Fallbacks   []*Model         // that can be asked today, in order
	Temperature *decimal.Decimal // nil if nobody sets it
	MaxTokens   int64            // 0 if nobody sets it; each model cuts it to what it can give
	Prompt      string           // empty for the function's own
	Style       string           // of pictures; may be empty
	QualityTier string           // the quality tier of the model; may be empty
	Format      Format           // of pictures; empty for what the model makes by itself
	PerArticle  int              // pictures in an article besides the featured one

	ask    Ask
	levels [3]level
	chosen choice
}

// level is what a level says of one function.
type level struct {
	name     Level
	function FunctionSettings
	images   ImageSettings
}

// choice is how the model was found.
type choice struct {
	at     int  // the level; past the last for the default of the kind
	byTier bool // through the quality tier of pictures
}

// Effective resolves the settings of a call, each from the first level that says something: the call, the account's own
// settings, the system's, the model. A level that names a model, or for pictures a quality tier, ends the search for
// fallbacks too: those further down are another model's. So a caller who names a model gets no other.
//
// Fallbacks that cannot be asked today are left out. Everything else that is named and cannot be had is an error which
// says who names it: nothing is replaced in silence. Errors: ErrNotFound, ErrInactive, ErrInvalid for a model of
// another kind.
func (s *Snapshot) Effective(own AccountSettings, a Ask) (*Effective, error) {
	system := &s.Configuration.Settings
	e := &Effective{Snapshot: s, Account: own.Number, ask: a, levels: [3]level{
		{CallLevel, FunctionSettings{Model: a.Model}, ImageSettings{}},
		{AccountLevel, own.Settings.Functions[a.Function], own.Settings.Images},
		{SystemLevel, system.Functions[a.Function], system.Images},
	}}
	if err := e.chooseModel(); err != nil {
		return nil, err
	}
	e.chooseFallbacks()
	e.QualityTier = e.Model.QualityTier
	e.Temperature, e.MaxTokens, e.Prompt = first(e, temperatureOf), first(e, maxTokensOf), first(e, promptOf)
	images := s.Images(own)
	e.Style, e.Format = images.Style, images.Format
	if images.PerArticle != nil {
		e.PerArticle = *images.PerArticle
	}
	return e, nil
}

// Images returns the settings of pictures of an account, each its own or else the system's: what [Snapshot.Effective] has of
// them, where no model need be had.
func (s *Snapshot) Images(own AccountSettings) ImageSettings {
	account, system := own.Settings.Images, s.Configuration.Settings.Images
	return ImageSettings{Style: cmp.Or(account.Style, system.Style), QualityTier: cmp.Or(account.QualityTier, system.QualityTier),
		Format: cmp.Or(account.Format, system.Format), PerArticle: cmp.Or(account.PerArticle, system.PerArticle)}
}

func temperatureOf(l *level) *decimal.Decimal { return l.function.Temperature }
func maxTokensOf(l *level) int64              { return l.function.MaxTokens }
func promptOf(l *level) string                { return l.function.Prompt }
func styleOf(l *level) string                 { return l.images.Style }
func formatOf(l *level) Format                { return l.images.Format }
func perArticleOf(l *level) *int              { return l.images.PerArticle }

// first returns what the first level says that says something, or else the zero value.
func first[T comparable](e *Effective, of func(*level) T) (v T) {
	for i := range e.levels {
		if v = of(&e.levels[i]); v != *new(T) {
			break
		}
	}
	return v
}

func (e *Effective) chooseModel() (err error) {
	for i := range e.levels {
		if e.Model, e.chosen.byTier, err = e.named(&e.levels[i]); err != nil {
			return fmt.Errorf("%w: it is named by %s: name another one there", err, e.who(&e.levels[i]))
		}
		if e.chosen.at = i; e.Model != nil {
			return nil
		}
	}
	e.chosen.at = len(e.levels)
	e.Model, err = e.Snapshot.Default(e.ask.Kind)
	return err
}

// named returns the model that a level names, nil if it names none.
func (e *Effective) named(l *level) (m *Model, byTier bool, err error) {
	switch {
	case l.function.Model != "":
		m, err = e.Snapshot.ofKind(l.function.Model, e.ask.Kind)
	case e.ask.Kind == Image && l.images.QualityTier != "":
		m, err = e.Snapshot.OfTier(Image, l.images.QualityTier)
		byTier = true
	}
	return m, byTier, err
}

// who names a level to the person who has to mend it.
func (e *Effective) who(l *level) string {
	switch l.name {
	case CallLevel:
		return "the call"
	case AccountLevel:
		return fmt.Sprintf("the settings of account %q for function %q", e.ask.Account, e.ask.Function)
	}
	return fmt.Sprintf("the settings of function %q", e.ask.Function)
}

func (e *Effective) chooseFallbacks() {
	i, ok := e.chain()
	if !ok {
		return
	}
	for _, name := range e.levels[i].function.Fallbacks {
		if m := e.fallback(name); m != nil {
			e.Fallbacks = append(e.Fallbacks, m)
		}
	}
}

// fallback returns a model of the chain, nil if it is left out.
func (e *Effective) fallback(name string) *Model {
	m, err := e.Snapshot.ofKind(name, e.ask.Kind)
	if err != nil || m == e.Model {
		return nil
	}
	return m
}

// chain is the level whose fallbacks go with the model.
func (e *Effective) chain() (i int, ok bool) {
	for i = range e.levels {
		if i <= e.chosen.at && len(e.levels[i].function.Fallbacks) > 0 {
			return i, true
		}
	}
	return 0, false
}

// ofKind returns an active model by name, of a kind.
func (s *Snapshot) ofKind(name string, kind Kind) (*Model, error) {
	m, err := s.Model(name)
	if err == nil && m.Kind != kind {
		err = invalid("model", name, "it makes %s, and the function needs %s", m.Kind, kind)
	}
	return m, err
}

// OfTier returns the active model of a kind and a quality tier: the default of the kind if it is of the tier, otherwise the
// first of the tier by sort order and name. Errors: ErrNotFound.
func (s *Snapshot) OfTier(kind Kind, tier string) (*Model, error) {
	m := ofTier(s.Configuration.Models, kind, tier, s.now())
	if m == nil {
		return nil, fmt.Errorf("registry: active %s model of quality tier %q: %w", kind, tier, ErrNotFound)
	}
	return m, nil
}

func ofTier(models []Model, kind Kind, tier string, now time.Time) (best *Model) {
	for i := range models {
		m := &models[i]
		if m.Kind != kind || m.QualityTier != tier || tier == "" || !m.usable(now) {
			continue
		}
		if m.Default {
			return m
		}
		if best == nil || cmp.Or(cmp.Compare(m.SortOrder, best.SortOrder), cmp.Compare(m.Name, best.Name)) < 0 {
			best = m
		}
	}
	return best
}

// Explained is a setting with what each level makes it.
type Explained struct {
	Setting string  `json:"setting"` // as it is named in JSON: "model", "max_tokens" …
	Values  []Value `json:"values"`  // of the levels that say something: first the effective one, then what it hides
}

// Value is what a level makes a setting.
type Value struct {
	Level Level  `json:"level"`
	Value string `json:"value"` // as text; empty for none, and for what is built in
}

// Explain says where each effective value comes from. It is for people: a page of settings, a question to support.
func (e *Effective) Explain() []Explained {
	out := []Explained{
		{"model", e.explainModel()},
		{"fallbacks", e.explainFallbacks()},
		{"temperature", explain(e, temperatureOf, func(d *decimal.Decimal) string { return d.String() })},
		{"max_tokens", e.explainMaxTokens()},
		{"prompt", explain(e, promptOf, func(s string) string { return s })},
	}
	if e.ask.Kind == Image {
		out = append(out, Explained{"quality_tier", e.explainTier()},
			Explained{"format", explain(e, formatOf, func(f Format) string { return string(f) })})
	}
	return append(out,
		Explained{"style", explain(e, styleOf, func(s string) string { return s })},
		Explained{"per_article", explain(e, perArticleOf, func(n *int) string { return strconv.Itoa(*n) })})
}

// explain lists what the levels say, or that what is built in holds.
func explain[T comparable](e *Effective, of func(*level) T, text func(T) string) (out []Value) {
	for i := range e.levels {
		if v := of(&e.levels[i]); v != *new(T) {
			out = append(out, Value{e.levels[i].name, text(v)})
		}
	}
	if out == nil {
		out = []Value{{FunctionLevel, ""}}
	}
	return out
}

func (e *Effective) explainModel() (out []Value) {
	for i := range e.levels {
		l := &e.levels[i]
		m, _, err := e.named(l)
		switch {
		case err != nil: // further down, where it does not matter
			out = append(out, Value{l.name, cmp.Or(l.function.Model, l.images.QualityTier) + " (cannot be had)"})
		case m != nil:
			out = append(out, Value{l.name, m.Name})
		}
	}
	if m, err := e.Snapshot.Default(e.ask.Kind); err == nil {
		out = append(out, Value{ModelLevel, m.Name})
	}
	return out
}

func (e *Effective) explainFallbacks() (out []Value) {
	i, ok := e.chain()
	if !ok { // whoever chose the model chose that there is none
		name := ModelLevel
		if e.chosen.at < len(e.levels) {
			name = e.levels[e.chosen.at].name
		}
		out = []Value{{name, ""}}
	}
	for j := range e.levels {
		names := slices.Clone(e.levels[j].function.Fallbacks)
		if len(names) == 0 {
			continue
		}
		for k, name := range names {
			if ok && j == i && e.fallback(name) == nil { // what is hidden is left out as a whole
				names[k] += " (left out)"
			}
		}
		out = append(out, Value{e.levels[j].name, strings.Join(names, ", ")})
	}
	return out
}

// explainMaxTokens: the model cuts what a level asks for.
func (e *Effective) explainMaxTokens() []Value {
	out := explain(e, maxTokensOf, func(n int64) string { return strconv.FormatInt(n, 10) })
	if most := e.Model.MaxOutputTokens; most != 0 && e.MaxTokens > most {
		out = append([]Value{{ModelLevel, strconv.FormatInt(most, 10)}}, out...)
	}
	return out
}

// explainTier: a model that was named for itself brings its own.
func (e *Effective) explainTier() (out []Value) {
	if !e.chosen.byTier {
		out = []Value{{ModelLevel, e.QualityTier}}
	}
	for i := range e.levels {
		if t := e.levels[i].images.QualityTier; t != "" {
			out = append(out, Value{e.levels[i].name, t})
		}
	}
	return out
}
