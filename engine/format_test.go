package engine_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
)

// easel is a Responder that remembers the formats that pictures were drawn in.
type easel struct {
	providertest.Echo
	mu      sync.Mutex
	formats []providers.Format
}

func (e *easel) Image(c providertest.ImageCall) (providertest.Picture, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.formats = append(e.formats, c.Format)
	return e.Echo.Image(c)
}

func formatted(f registry.Format) func(*registry.Configuration) {
	return func(c *registry.Configuration) { c.Settings.Images.Format = f }
}

// TestPicturesAreAskedForInTheFormatOfTheSettings, and are what they are: of a model that refuses to be asked, and of one
// that does not care.
func TestPicturesAreAskedForInTheFormatOfTheSettings(t *testing.T) {
	for _, tt := range []struct {
		name        string
		system, own registry.Format
		model       string
		drawn       providers.Format // as the upstream was asked
		kind        string
	}{
		{"Nobodys", "", "", runwareModel, providers.PNG, "png"}, // the adapter's own
		{"TheSystems", registry.JPEG, "", runwareModel, providers.JPEG, "jpeg"},
		{"TheAccountsBeforeTheSystems", registry.JPEG, registry.PNG, runwareModel, providers.PNG, "png"},
		{"TheAccounts", "", registry.JPEG, runwareModel, providers.JPEG, "jpeg"},
		{"OfAModelThatRefusesToBeAsked", registry.JPEG, "", dalleModel, "", "png"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			up := &easel{}
			h := newHost(t, setup{configure: formatted(tt.system), upstream: providertest.Config{Responder: up}})
			if tt.own != "" {
				h.setOwn(account, registry.Settings{Images: registry.ImageSettings{Format: tt.own}})
			}
			got, err := h.sketch("k", tt.model, 1)
			h.fatal(nil, err)
			if p := got.Out.Pictures[0]; p.Type != "image/"+tt.kind || !strings.HasSuffix(p.Blob, "."+tt.kind) {
				t.Errorf("the picture is %+v, want a %s", p, tt.kind)
			}
			if up.formats[0] != tt.drawn {
				t.Errorf("the upstream was asked for %q, want %q", up.formats[0], tt.drawn)
			}
			h.sound()
		})
	}
	t.Run("OfAModelThatDoesNotCare", func(t *testing.T) {
		var asked providers.Format
		paints := delivers(providers.Image{Data: picture(0)})
		h := newHost(t, setup{configure: formatted(registry.JPEG), engine: with(images(func(ctx context.Context, r providers.ImageRequest) (providers.ImageResult, error) {
			asked = r.Format
			return paints(ctx, r)
		}))})
		if got, err := h.sketch("k", dalleModel, 1); err != nil || asked != providers.JPEG || got.Out.Pictures[0].Type != "image/png" {
			t.Errorf("asked for %q, the picture is %+v, %v, want what was decoded", asked, got.Out.Pictures, err)
		}
	})
}

// TestAFormatThatTheProfileContradictsIsNotDroppedInSilence.
func TestAFormatThatTheProfileContradictsIsNotDroppedInSilence(t *testing.T) {
	h := newHost(t, setup{configure: func(c *registry.Configuration) {
		c.Settings.Images.Format = registry.JPEG
		model(c, runwareModel).Profile.Parameters["outputFormat"] = []byte(`"PNG"`)
	}})
	_, err := h.sketch("k", runwareModel, 1)
	if !errors.Is(err, providers.Invalid) || !strings.Contains(err.Error(), `"outputFormat" otherwise than the settings do`) || len(h.up.Journal()) != 0 {
		t.Errorf("%v after %d requests, want a refusal that says how to mend it", err, len(h.up.Journal()))
	}
	h.sound()
}

// TestAFormatThatCannotBeDecodedIsRefusedBeforeTheHold: this program has no decoder of webp. The tests of package functions
// are one that has.
func TestAFormatThatCannotBeDecodedIsRefusedBeforeTheHold(t *testing.T) {
	h := newHost(t, setup{configure: formatted(registry.WebP)})
	_, err := h.sketch("k", runwareModel, 1)
	_, quoteErr := engine.Quote(t.Context(), h.Engine, sketching, engine.Call{Account: account, Key: "q", Model: runwareModel}, sketch{prompt, 1})
	for _, err := range []error{err, quoteErr} {
		if !errors.Is(err, engine.ErrConfig) || !strings.Contains(err.Error(), `import _ "golang.org/x/image/webp"`) {
			t.Errorf("%v, want %v with what is to be imported", err, engine.ErrConfig)
		}
	}
	if known, err := h.ledger.Lookup(t.Context(), account, "k"); err == nil && known.Hold != nil || len(h.up.Journal()) != 0 {
		t.Errorf("%+v was held, and %d requests were sent", known.Hold, len(h.up.Journal()))
	}
	if _, err := h.echo("text"); err != nil { // which is none of a text's concern
		t.Error(err)
	}
}

// swapping is a ledger in which a hold pins something else than it was given. It is for one goroutine.
type swapping struct {
	engine.Ledger
	old, new string
	pinned   []byte // by the last hold
}

func (s *swapping) Hold(ctx context.Context, r credits.HoldRequest) (credits.Held, error) {
	r.Pinned = bytes.Replace(r.Pinned, []byte(s.old), []byte(s.new), 1)
	s.pinned = r.Pinned
	return s.Ledger.Hold(ctx, r)
}

// TestTheFormatIsPinned: whoever takes over asks for the one that the call was begun with, or refuses if it cannot decode
// that one.
func TestTheFormatIsPinned(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old, new string // in what was pinned
		want     providers.Format
		err      error
	}{
		{"AsItWasSet", "", "", providers.JPEG, nil},
		{"ByAReleaseThatKnewNone", `,"format":"jpeg"`, ``, providers.PNG, nil},
		{"ByAProgramThatDecodesMore", `"format":"jpeg"`, `"format":"webp"`, "", engine.ErrConfig},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				up := &easel{}
				h := newHost(t, setup{inProcess: true, configure: formatted(registry.JPEG), upstream: providertest.Config{Responder: up}})
				dying := h.another(func(c *engine.Config) {
					c.Ledger = &mortal{Ledger: &swapping{Ledger: h.ledger, old: tt.old, new: tt.new}, dieAt: 1, after: true}
				})
				f := flow{model: runwareModel}
				if _, _, err := f.run(h, dying, credits.Holder{}); !errors.Is(err, errDead) {
					t.Fatal(err)
				}
				h.change(formatted(registry.PNG))
				_, _, err := f.run(h, h.Engine, credits.Holder{ID: "next", Fence: 1})
				if !errors.Is(err, tt.err) || tt.err == nil && (err != nil || up.formats[0] != tt.want) || tt.err != nil && len(h.up.Journal()) != 0 {
					t.Errorf("%v, pictures of %q after %d requests, want %q and %v", err, up.formats, len(h.up.Journal()), tt.want, tt.err)
				}
				h.sound()
			})
		})
	}
}

// TestACallWithoutAFormatPinsNone: what it pins is what a release that knew none would have.
func TestACallWithoutAFormatPinsNone(t *testing.T) {
	for format, want := range map[registry.Format]bool{"": false, registry.JPEG: true} {
		h := newHost(t, setup{configure: formatted(format)})
		ledger := &swapping{Ledger: h.ledger}
		e := h.another(func(c *engine.Config) { c.Ledger = ledger })
		_, err := engine.Run(t.Context(), e, sketching, engine.Call{Account: account, Key: "k"}, sketch{prompt, 1})
		if err != nil || bytes.Contains(ledger.pinned, []byte(`"format"`)) != want || !bytes.Contains(ledger.pinned, []byte(`"width":48`)) {
			t.Errorf("%q, %v: pinned is %s", format, err, ledger.pinned)
		}
	}
}
