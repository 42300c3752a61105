package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
)

// Ledger is what the engine needs of a ledger.
type Ledger interface {
	credits.Gate
	credits.AttemptLog
}

// Blobs keeps pictures. It is safe for concurrent use.
type Blobs interface {
	// Put stores data under a name; it is durable when it returns. The engine puts the same bytes whenever it puts the
	// same name.
	Put(ctx context.Context, name string, data []byte) error
	// Get returns what was put under a name. The error matches fs.ErrNotExist if there is nothing.
	Get(ctx context.Context, name string) ([]byte, error)
}

// Config is what an Engine is made of.
type Config struct {
	Ledger   Ledger             // required
	Registry *registry.Registry // required
	// Providers, at least one. Two may have the same name if their capabilities do not overlap.
	Providers []providers.Provider
	Keys      secret.KeySource // required
	Blobs     Blobs            // required for functions that make pictures
	Observer  Observer         // hears every step; may be nil
	Functions []AnyFunction    // that Engine.Execute knows by name; Run needs none of them here

	// Attempts is how often a call is dispatched at most to one model, when the upstream refused it for now (rate limit,
	// overload) or was not reached; 3 if zero. The next model of the function's settings is asked then, if there is one.
	Attempts int
	// AmbiguousRepeats is how often a call is repeated under one hold when we cannot tell whether it ran and the
	// provider cannot be asked; 1 if nil, 0 fails the operation instead.
	AmbiguousRepeats *int
	TextTimeout      time.Duration // for one text request; 120 s if zero
	ImageTimeout     time.Duration // for one image request; 300 s if zero
	HoldTTL          time.Duration // after which an abandoned hold gives its credits back; 24 h if zero

	Limits  map[string]Limits // of what is sent, by the name of one of Providers
	Breaker Breaker           // of what is sent to a model that fails and fails

	// Downloads fetches pictures that a provider delivers as a URL. If nil, a client of the engine's own is used, which
	// connects to public addresses only.
	Downloads *http.Client
	// MaxPictureBytes bounds a downloaded picture; 32 MiB if zero.
	MaxPictureBytes int64
}

// Engine runs functions. It is safe for concurrent use.
type Engine struct {
	cfg       Config
	providers map[service]providers.Binding
	functions map[string]AnyFunction // by name
	traffic   *traffic
}

// ErrConfig is a configuration that cannot work: of the engine, of a function, or a model whose provider the engine
// does not have.
var ErrConfig = errors.New("engine: invalid configuration")

// New returns an Engine. All mistakes in the configuration are joined; each matches [ErrConfig].
func New(cfg Config) (*Engine, error) {
	e := &Engine{cfg: cfg, providers: map[service]providers.Binding{}, functions: map[string]AnyFunction{}}
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: %s", ErrConfig, fmt.Sprintf(format, args...)))
	}
	if cfg.Ledger == nil {
		bad("Ledger must be set")
	}
	if cfg.Registry == nil {
		bad("Registry must be set")
	}
	if cfg.Keys == nil {
		bad("Keys must be set")
	}
	if len(cfg.Providers) == 0 {
		bad("Providers must name at least one")
	}
	if cfg.Attempts < 0 || cfg.TextTimeout < 0 || cfg.ImageTimeout < 0 || cfg.HoldTTL < 0 || cfg.MaxPictureBytes < 0 ||
		cfg.Breaker.Failures < 0 || cfg.Breaker.Pause < 0 {
		bad("a limit is negative")
	}
	if cfg.AmbiguousRepeats != nil && *cfg.AmbiguousRepeats < 0 {
		bad("AmbiguousRepeats is negative")
	}
	for i, f := range cfg.Functions {
		if f == nil {
			bad("function %d is nil", i)
			continue
		}
		if _, twice := e.functions[f.Name()]; twice {
			bad("function %q is listed twice", f.Name())
		}
		e.functions[f.Name()] = f
	}
	for _, p := range cfg.Providers {
		b, err := providers.Bind(p)
		if err != nil {
			bad("%v", err)
			continue
		}
		if err := e.bind(b); err != nil {
			bad("%v", err)
		}
	}
	for name, l := range cfg.Limits {
		if l.Concurrent < 0 || l.PerMinute < 0 {
			bad("a limit of provider %q is negative", name)
		}
		_, writes := e.providers[service{name, registry.Text}]
		_, draws := e.providers[service{name, registry.Image}]
		if !writes && !draws {
			bad("Limits name %q, which no provider is called", name) // else what was to be bounded is not
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	e.setDefaults()
	e.traffic = newTraffic(cfg.Limits, cfg.Breaker)
	return e, nil
}

// service is one capability of a provider. One name may have an adapter for each of its APIs, and only the adapter that
// sent a request can be asked about it.
type service struct {
	provider string
	kind     registry.Kind
}

// bind adds a provider's capabilities under its name.
func (e *Engine) bind(b providers.Binding) error {
	for kind, able := range map[registry.Kind]bool{registry.Text: b.GenerateText != nil, registry.Image: b.GenerateImages != nil} {
		if !able {
			continue
		}
		if _, taken := e.providers[service{b.Name, kind}]; taken {
			return fmt.Errorf("provider %q is registered twice for the same capability", b.Name)
		}
		e.providers[service{b.Name, kind}] = b
	}
	return nil
}

func (e *Engine) setDefaults() {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&e.cfg.TextTimeout, 120*time.Second)
	def(&e.cfg.ImageTimeout, 300*time.Second)
	def(&e.cfg.HoldTTL, 24*time.Hour)
	if e.cfg.Attempts == 0 {
		e.cfg.Attempts = 3
	}
	if e.cfg.AmbiguousRepeats == nil {
		once := 1
		e.cfg.AmbiguousRepeats = &once
	}
	if e.cfg.MaxPictureBytes == 0 {
		e.cfg.MaxPictureBytes = 32 << 20
	}
	if e.cfg.Downloads == nil {
		e.cfg.Downloads = publicOnly()
	}
}

// grace is what a lease has beyond the time of one request: for back-off, downloads and the settle.
const grace = 60 * time.Second

// settleTimeout bounds the writes that must happen even if the caller is gone.
const settleTimeout = 30 * time.Second

func (e *Engine) timeout(kind registry.Kind) time.Duration {
	if kind == registry.Image {
		return e.cfg.ImageTimeout
	}
	return e.cfg.TextTimeout
}
