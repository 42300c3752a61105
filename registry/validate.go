package registry

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
)

// Validate checks a change that is saved at the given time. Its configuration must keep the rules as of the time when it
// takes effect, so a model may be shut down before a pending change that does without it. The accounts are the newest
// settings of each that has some: what they name must be in the configuration too, and active, whether or not it is past its
// shutdown. nil is for no accounts. All mistakes are joined; each matches [ErrInvalid].
func (c Change) Validate(now time.Time, accounts iter.Seq2[AccountSettings, error]) error {
	var errs []error
	if strings.TrimSpace(c.Who) == "" {
		errs = append(errs, invalid("change", "", "who must be set: say who changes it"))
	}
	if strings.TrimSpace(c.Why) == "" {
		errs = append(errs, invalid("change", "", "why must be set: say what the change is for"))
	}
	at := c.EffectiveFrom(now)
	switch {
	case at.Before(now):
		errs = append(errs, invalid("change", "", "effective_at %s has passed: leave it out for a change that takes effect at once", instantText(at)))
	case at.Year() > lastYear:
		errs = append(errs, invalid("change", "", "effective_at is in the year %d: set one that comes", at.Year()))
	}
	if err := c.Next.Validate(at); err != nil || accounts == nil { // accounts would only say again what is wrong with rows
		return errors.Join(append(errs, err)...)
	}
	return errors.Join(append(errs, c.Next.validateAccounts(accounts))...)
}

// lastYear is the last one that JSON can tell.
const lastYear = 9999

func invalid(kind, name, why string, args ...any) error {
	if name != "" {
		kind += " " + strconv.Quote(name)
	}
	return fmt.Errorf("registry: %s: %w: %s", kind, ErrInvalid, fmt.Sprintf(why, args...))
}

// Validate checks every rule of a configuration as of the given time. All mistakes are joined; each names the row and
// matches [ErrInvalid].
func (c *Configuration) Validate(now time.Time) error {
	v := c.validator(now)
	v.checkProviders()
	v.checkModels()
	v.checkOperations()
	v.checkSettings("", &c.Settings)
	return errors.Join(v.errs...)
}

func (c *Configuration) validator(now time.Time) *validator {
	return &validator{c: c, now: now, providers: map[string]*Provider{}, models: map[string]*Model{}}
}

type validator struct {
	c         *Configuration
	now       time.Time
	errs      []error
	providers map[string]*Provider
	models    map[string]*Model
}

func (v *validator) bad(kind, name, why string, args ...any) {
	v.errs = append(v.errs, invalid(kind, name, why, args...))
}

func (v *validator) checkProviders() {
	for i := range v.c.Providers {
		p := &v.c.Providers[i]
		switch {
		case p.ID == "":
			v.bad("provider", "", "the id of row %d is empty: give it one", i)
		case len(p.ID) > credits.MaxName:
			v.bad("provider", "", "the id of row %d has %s", i, tooLong(p.ID))
		case v.providers[p.ID] != nil:
			v.bad("provider", p.ID, "it is listed twice: remove one")
		}
		if !baseURL(p.BaseURL) {
			v.bad("provider", p.ID, "base_url must be http or https with a host, and without user, password, query and fragment: correct it")
		}
		v.providers[p.ID] = p
	}
}

// tooLong says why a name is refused that the ledger does not keep: a call would be made, and could not be settled.
func tooLong(name string) string {
	return fmt.Sprintf("%d bytes, at most %d are allowed: shorten it", len(name), credits.MaxName)
}

// baseURL: what could be a key is no part of an address, which is printed and exported.
func baseURL(s string) bool {
	if s == "" {
		return true
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && !strings.ContainsAny(s, "?#")
}

func (v *validator) checkModels() {
	defaults := map[Kind]int{}
	active := map[Kind]int{}
	for i := range v.c.Models {
		m := &v.c.Models[i]
		switch {
		case m.Name == "":
			v.bad("model", "", "the name of row %d is empty: give it one", i)
		case len(m.Name) > credits.MaxName:
			v.bad("model", "", "the name of row %d has %s", i, tooLong(m.Name))
		case v.models[m.Name] != nil:
			v.bad("model", m.Name, "it is listed twice: remove one")
		}
		v.models[m.Name] = m
		v.checkModel(m)
		if m.usable(v.now) {
			active[m.Kind]++
			if m.Default {
				defaults[m.Kind]++
			}
		}
	}
	for _, kind := range []Kind{Text, Image} {
		if active[kind] > 0 && defaults[kind] != 1 {
			v.bad("default "+string(kind)+" model", "", "exactly one active model must be the default: %d are: mark one", defaults[kind])
		}
	}
}

func (m *Model) usable(now time.Time) bool {
	return m.Active && (m.Shutdown == nil || m.Shutdown.After(now))
}

func (v *validator) checkModel(m *Model) {
	bad := func(why string, args ...any) { v.bad("model", m.Name, why, args...) }
	if m.Kind != Text && m.Kind != Image {
		bad("unknown kind %.40q: set %q or %q", m.Kind, Text, Image)
	}
	for _, p := range append(m.Prices.all(), namedPrice{"cost_per_image", m.CostPerImage}) {
		switch {
		case p.price == nil:
		case unwritten(*p.price) != "":
			bad("%s %s", p.name, unwritten(*p.price))
		case p.price.IsNegative():
			bad("%s is negative: set what the provider charges", p.name)
		}
	}
	for _, f := range []struct {
		name  string
		value int64
	}{{"tokens_per_credit", m.TokensPerCredit}, {"credits_per_image", int64(m.CreditsPerImage)}, {"context_window", m.ContextWindow},
		{"max_output_tokens", m.MaxOutputTokens}, {"profile.min_area", m.Profile.MinArea}} {
		if f.value < 0 {
			bad("%s is %d: set a positive number, or leave it out", f.name, f.value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Profile.Parameters)) {
		if _, err := plainJSON(m.Profile.Parameters[name]); err != nil {
			bad("profile.parameters: the value of %q is not JSON: correct it", name)
		}
	}
	if m.Shutdown != nil && m.Shutdown.UTC().Year() > lastYear {
		bad("shutdown is in the year %d: leave it out", m.Shutdown.UTC().Year())
	}
	v.checkSizes(m)
	if !m.Active {
		if m.Default {
			bad("it is the default but not active: activate it, or mark another one")
		}
		return
	}
	switch p := v.providers[m.Provider]; {
	case p == nil:
		bad("its provider %q does not exist: add it, or name another one", m.Provider)
	case !p.Active:
		bad("its provider %q is not active: activate it, or switch the model off", m.Provider)
	}
	if m.Default && m.Shutdown != nil && !m.Shutdown.After(v.now) {
		bad("it is the default but was shut down on %s: mark another one", m.Shutdown.UTC().Format(time.DateOnly))
	}
	if m.Kind == Text {
		if m.Prices.Input == nil || m.Prices.Output == nil {
			bad("it is active without prices for input and output: set both, or switch it off")
		}
		if m.MaxOutputTokens == 0 {
			bad("it is active without max_output_tokens, by which a hold is sized: set it, or switch the model off")
		}
	}
	if m.Kind == Image {
		if m.LandscapeSize == "" || m.SquareSize == "" {
			bad("it is active without landscape_size and square_size: set both, or switch it off")
		}
		if m.Prices.ImageOutput != nil && (m.Prices.Input == nil || m.Prices.Output == nil) {
			bad("it has a price for image_output but not for input and output, which answers have too: set both")
		}
		// Also where tokens are priced: an answer may report none, and a hold is sized before there are any.
		for _, size := range []string{m.LandscapeSize, m.SquareSize} {
			if _, err := (Rate{Model: *m, Size: size, Quality: m.Profile.Quality}).imageCost(); err != nil {
				bad("it is active without a price per image for size %q and quality %q: set cost_per_image", size, m.Profile.Quality)
			}
		}
	}
}

func (v *validator) checkSizes(m *Model) {
	valid := map[string]bool{}
	check := func(field, size string) {
		if _, _, err := ParseSize(size); err != nil {
			v.bad("model", m.Name, "%s: %q is not WIDTHxHEIGHT in pixels: correct it", field, size)
		}
	}
	for _, s := range m.Sizes {
		check("valid_sizes", s)
		valid[s] = true
	}
	for _, f := range [][2]string{{"landscape_size", m.LandscapeSize}, {"square_size", m.SquareSize}} {
		field, s := f[0], f[1]
		if s == "" {
			continue
		}
		check(field, s)
		if len(valid) > 0 && !valid[s] {
			v.bad("model", m.Name, "%s: %q is not one of valid_sizes: add it there, or set one that is", field, s)
		}
	}
	priced := map[ImagePrice]bool{}
	for _, p := range m.ImagePrices {
		pictures := ImagePrice{Size: p.Size, Quality: p.Quality}
		if priced[pictures] {
			v.bad("model", m.Name, "image_prices: size %q and quality %q have two prices: remove one", p.Size, p.Quality)
		}
		priced[pictures] = true
		if p.Size != "" {
			check("image_prices", p.Size)
			if len(valid) > 0 && !valid[p.Size] {
				v.bad("model", m.Name, "image_prices: %q is not one of valid_sizes: add it there, or remove the price", p.Size)
			}
		}
		switch {
		case unwritten(p.USD) != "":
			v.bad("model", m.Name, "image_prices: the price of %q %s", p.Size, unwritten(p.USD))
		case p.USD.IsNegative():
			v.bad("model", m.Name, "image_prices: the price of %q is negative: set what the provider charges", p.Size)
		}
	}
}

func (v *validator) checkOperations() {
	seen := map[string]bool{}
	for i, o := range v.c.Operations {
		switch {
		case o.Operation == "":
			v.bad("operation", "", "the name of row %d is empty: give it one", i)
		case len(o.Operation) > credits.MaxName:
			v.bad("operation", "", "the name of row %d has %s", i, tooLong(o.Operation))
		case seen[o.Operation]:
			v.bad("operation", o.Operation, "it is listed twice: remove one")
		case otherNames[o.Operation] != "":
			v.bad("operation", o.Operation, "an operation has one name: call it %q", otherNames[o.Operation])
		case !operationName(o.Operation):
			v.bad("operation", o.Operation, "it is not in lower case with underscores: rename it")
		}
		seen[o.Operation] = true
		if o.TokensPerCredit < 1 {
			v.bad("operation", o.Operation, "tokens_per_credit is %d, want at least 1", o.TokensPerCredit)
		}
		if o.MinCredits < 0 {
			v.bad("operation", o.Operation, "min_credits is %d, want at least 0", o.MinCredits)
		}
		switch {
		case unwritten(o.PricePerCreditUSD) != "":
			v.bad("operation", o.Operation, "price_per_credit_usd %s", unwritten(o.PricePerCreditUSD))
		case o.PricePerCreditUSD.LessThan(minPricePerCredit):
			v.bad("operation", o.Operation, "price_per_credit_usd is %s, want at least %s", o.PricePerCreditUSD, minPricePerCredit)
		}
	}
}

// minPricePerCredit is the original system's bound on the field.
var minPricePerCredit = decimal.New(1, -4)

// checkSettings looks at the settings of the system, or of the account that whose names.
func (v *validator) checkSettings(whose string, s *Settings) {
	for _, name := range slices.Sorted(maps.Keys(s.Functions)) {
		bad := func(why string, args ...any) { v.bad(whose+"settings of function", name, why, args...) }
		f := s.Functions[name]
		if f.MaxTokens < 0 {
			bad("max_tokens is %d: set a positive number, or leave it out", f.MaxTokens)
		}
		switch {
		case f.Temperature == nil:
		case unwritten(*f.Temperature) != "":
			bad("temperature %s", unwritten(*f.Temperature))
		case f.Temperature.IsNegative() || f.Temperature.GreaterThan(decimal.NewFromInt(2)):
			bad("temperature is %s, want 0 to 2", f.Temperature)
		}
		v.checkChain(whose, name, f)
	}
	if n := s.Images.PerArticle; n != nil && (*n < 0 || *n > 8) {
		v.bad(whose+"settings of images", "", "per_article is %d, want 0 to 8", *n)
	}
	if t := s.Images.QualityTier; t != "" && ofTier(v.c.Models, Image, t, v.now) == nil {
		v.bad(whose+"settings of images", "", "no active image model is of the quality_tier %q: name one that a model is of", t)
	}
	switch f := s.Images.Format; f {
	case "", PNG, JPEG, WebP:
	default:
		v.bad(whose+"settings of images", "", "format is %q: set png, jpeg or webp, or leave it out", f)
	}
}

// checkChain looks at the models that a function is run with.
func (v *validator) checkChain(whose, name string, f FunctionSettings) {
	bad := func(why string, args ...any) { v.bad(whose+"settings of function", name, why, args...) }
	var kind Kind
	seen := map[string]bool{}
	for i, model := range append([]string{f.Model}, f.Fallbacks...) {
		if i == 0 && model == "" {
			continue // the next level's, or the default of a kind that the function knows
		}
		m := v.models[model]
		switch {
		case m == nil:
			bad("model %q does not exist: add it, or name another one", model)
			continue
		case !m.usable(v.now):
			bad("model %q is not active: name one that is", model)
		case seen[model]:
			bad("model %q is named twice: remove one", model)
		case kind != "" && m.Kind != kind:
			bad("model %q makes %s, and the one before it %s: name one of the same kind", model, m.Kind, kind)
		}
		seen[model], kind = true, m.Kind
	}
}

// ParseSize reads a size such as "1280x768", in pixels. It returns an error that matches [ErrInvalid] for anything else.
func ParseSize(s string) (width, height int, err error) {
	w, h, ok := strings.Cut(s, "x")
	if ok {
		width, err = strconv.Atoi(w)
	}
	if ok && err == nil {
		height, err = strconv.Atoi(h)
	}
	// The text must be the only one for the size, because sizes are compared as texts.
	if !ok || err != nil || width < 1 || height < 1 || width > 1<<15 || height > 1<<15 || s != fmt.Sprintf("%dx%d", width, height) {
		return 0, 0, invalid("size", s, "want WIDTHxHEIGHT")
	}
	return width, height, nil
}

// unwritten says why a decimal is refused, if it is. One that is short in JSON may be a gigabyte of digits (1e999999999), which
// would be written out to be stored, compared or reckoned with.
func unwritten(d decimal.Decimal) string {
	switch {
	case d.Exponent() < -40 || d.Exponent() > 20:
		return fmt.Sprintf("has the exponent %d: write it out", d.Exponent())
	case d.NumDigits() > maxDigits:
		return fmt.Sprintf("has %d digits, at most %d are allowed", d.NumDigits(), maxDigits)
	}
	return ""
}

// maxDigits, and the exponents, leave room for a sum of products with any usage that the ledger keeps: [credits.Keepable].
const maxDigits = 60

type namedPrice struct {
	name  string
	price *decimal.Decimal
}

func (p *Prices) all() []namedPrice {
	return []namedPrice{{"prices.input", p.Input}, {"prices.cached_input", p.CachedInput}, {"prices.cache_write", p.CacheWrite},
		{"prices.image_input", p.ImageInput}, {"prices.cached_image_input", p.CachedImageInput}, {"prices.output", p.Output},
		{"prices.reasoning", p.Reasoning}, {"prices.image_output", p.ImageOutput}}
}
