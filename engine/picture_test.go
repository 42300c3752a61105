package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/usage"
)

// images is a provider of pictures in the test's own process.
type images func(context.Context, providers.ImageRequest) (providers.ImageResult, error)

func (images) Describe() providers.Descriptor {
	return providers.Descriptor{Name: "openai", Image: true}
}

func (f images) GenerateImages(ctx context.Context, r providers.ImageRequest) (providers.ImageResult, error) {
	return f(ctx, r)
}

// delivers is a provider that delivers the same pictures whatever it is asked for.
func delivers(list ...providers.Image) images {
	return func(context.Context, providers.ImageRequest) (providers.ImageResult, error) {
		return providers.ImageResult{Images: list, Metering: providers.Metering{Usage: usage.Images(int64(len(list)))}}, nil
	}
}

func picture(index int) []byte {
	return must(providertest.Echo{}.Image(providertest.ImageCall{Prompt: prompt, Width: 48, Height: 48, Index: index})).Data
}

// claims is a picture whose header claims another size.
func claims(width, height uint32) []byte {
	data := picture(0)
	binary.BigEndian.PutUint32(data[16:], width)
	binary.BigEndian.PutUint32(data[20:], height)
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return data
}

func TestAPictureInTheAnswerItselfIsStored(t *testing.T) {
	h := newHost(t, setup{configure: func(c *registry.Configuration) {
		model(c, dalleModel).Profile.Parameters = map[string]json.RawMessage{"response_format": json.RawMessage(`"b64_json"`)}
	}})
	got, err := h.sketch("k", dalleModel, 2)
	if err != nil || len(got.Out.Pictures) != 2 || got.Charged != 10 {
		t.Fatalf("%+v, %v: want two pictures for 10", got, err)
	}
	want := must(providertest.Echo{}.Image(providertest.ImageCall{Model: dalleModel, Prompt: prompt, Width: 48, Height: 48, Index: 1}))
	if data, err := h.blobs.Get(t.Context(), got.Out.Pictures[1].Blob); err != nil || !bytes.Equal(data, want.Data) {
		t.Errorf("stored %d bytes, %v; want the picture's %d", len(data), err, len(want.Data))
	}
	h.sound()
}

func TestAPictureThatCannotBeUsedIsNotCharged(t *testing.T) {
	whole := picture(0)
	for _, tt := range []struct {
		name string
		data []byte
		says string
	}{
		{"NotAPicture", []byte("<html>sorry</html>"), "not a picture"},
		{"Empty", nil, "not an http(s) URL"}, // neither bytes nor an address
		{"CutShort", whole[:len(whole)-30], "cannot be decoded to its end"},
		{"TooManyPixels", claims(30_000, 30_000), "30000 × 30000 pixels, more than"},
		{"Overflowing", claims(1<<31-1, 1<<31-1), "not a picture"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, setup{engine: with(delivers(providers.Image{Data: tt.data}))})
			got, err := h.sketch("k", dalleModel, 1)
			if !errors.Is(err, engine.ErrAnswer) || !strings.Contains(err.Error(), tt.says) || h.balance().Posted != 1_000_000 || len(h.blobs.data) != 0 {
				t.Errorf("%+v, %v; %d blobs; want %v saying %q and nothing kept", got, err, len(h.blobs.data), engine.ErrAnswer, tt.says)
			}
			if a := h.attempts("k"); fates(a) != "executed/malformed" || a[0].Cost.Decimal.String() != "0.04" {
				t.Errorf("attempts %+v, want one that cost us 0.04", a)
			}
			h.sound()
		})
	}
}

func TestOnlyThePicturesThatDecodeAreCharged(t *testing.T) {
	h := newHost(t, setup{engine: with(delivers(providers.Image{Data: picture(0)}, providers.Image{Data: []byte("no")}, providers.Image{Data: picture(2)}))})
	got, err := h.sketch("k", dalleModel, 3)
	if err != nil || len(got.Out.Pictures) != 2 || got.Charged != 10 {
		t.Fatalf("%+v, %v: want two of three pictures for 10", got, err)
	}
	if got.Record.Usage.Images.N != 2 || got.Record.Cost.String() != "0.12" || h.attempts("k")[0].Usage.Images.N != 3 {
		t.Errorf("record %+v, want two pictures that cost us three", got.Record)
	}
	h.sound()
}

func TestPicturesWithTheSameBytesHaveNamesOfTheirOwn(t *testing.T) {
	h := newHost(t, setup{engine: with(delivers(providers.Image{Data: picture(0)}, providers.Image{Data: picture(0)}))})
	got, err := h.sketch("k", dalleModel, 2)
	h.fatal(nil, err)
	other, err := h.sketch("l", dalleModel, 2)
	h.fatal(nil, err)
	names := map[string]bool{}
	for _, p := range append(got.Out.Pictures, other.Out.Pictures...) {
		names[p.Blob] = true
		if strings.ContainsAny(p.Blob, `/\: `) || !strings.HasSuffix(p.Blob, ".png") || p.SHA256 != got.Out.Pictures[0].SHA256 {
			t.Errorf("picture %+v, want a plain name and the same digest", p)
		}
	}
	if len(names) != 4 {
		t.Errorf("names %v, want four", names)
	}
}

func TestATakeoverThatGetsTheSamePictureStoresItUnderTheSameName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true})
		f := flow{model: runwareModel}
		dying := h.another(func(c *engine.Config) { c.Ledger = &mortal{Ledger: h.ledger, dieAt: 2} })
		if _, _, err := f.run(h, dying, credits.Holder{}); !errors.Is(err, errDead) {
			t.Fatal(err)
		}
		if _, _, err := f.run(h, h.Engine, credits.Holder{ID: "next", Fence: 1}); err != nil || len(h.blobs.data) != 1 || h.blobs.puts != 2 {
			t.Errorf("%v, %d blobs after %d puts; want one, put twice", err, len(h.blobs.data), h.blobs.puts)
		}
		h.sound()
	})
}

func TestAStoreOfBlobsThatIsAwayForAWhileIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true})
		h.blobs.fail = 3
		if _, err := h.sketch("k", runwareModel, 1); err != nil || h.blobs.puts != 4 {
			t.Errorf("%v after %d puts, want success at the fourth", err, h.blobs.puts)
		}
		if sent, _ := h.requests(); sent != 1 {
			t.Errorf("%d requests, want 1: only the put is repeated", sent)
		}
		h.sound()
	})
}

func TestAStoreOfBlobsThatStaysAwayIsNotTheAnswersFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, setup{inProcess: true})
		h.blobs.fail = 1000
		_, err := h.sketch("k", runwareModel, 1)
		if err == nil || errors.Is(err, engine.ErrAnswer) || !strings.Contains(err.Error(), "the store of blobs is away") {
			t.Errorf("%v, want the store's error and not %v", err, engine.ErrAnswer)
		}
		if got := fates(h.attempts("k")); got != "executed" {
			t.Errorf("attempts %q, want one with nothing wrong", got)
		}
		h.sound()
		// A successor that finds the task and still cannot keep it asks for no other.
		f := flow{model: runwareModel}
		dying := h.another(func(c *engine.Config) { c.Ledger = &mortal{Ledger: h.ledger, dieAt: 2} })
		_, _, _ = f.run(h, dying, credits.Holder{})
		_, before := h.requests()
		if _, _, err := f.run(h, h.Engine, credits.Holder{ID: "next", Fence: 1}); err == nil {
			t.Error("it was settled")
		}
		if _, billable := h.requests(); billable != before {
			t.Errorf("%d further billable requests", billable-before)
		}
		h.sound()
	})
}

func TestPicturesAreFetchedWithinTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hanging := roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		h := newHost(t, setup{inProcess: true, engine: func(c *engine.Config) { c.Downloads = &http.Client{Transport: hanging} }})
		began := time.Now()
		if _, err := h.sketch("k", runwareModel, 4); !errors.Is(err, engine.ErrAnswer) || time.Since(began) > time.Minute {
			t.Errorf("%v after %s, want %v within the lease's grace of a minute", err, time.Since(began), engine.ErrAnswer)
		}
		h.sound()
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAFunctionThatMakesPicturesNeedsBlobs(t *testing.T) {
	h := newHost(t, setup{engine: func(c *engine.Config) { c.Blobs = nil }})
	if _, err := h.sketch("k", dalleModel, 1); !errors.Is(err, engine.ErrConfig) || len(h.up.Journal()) != 0 || len(h.attempts("")) != 0 {
		t.Errorf("%v, journal %+v; want %v before anything is held", err, h.up.Journal(), engine.ErrConfig)
	}
	if _, err := h.echo("t"); err != nil {
		t.Errorf("a text function: %v", err)
	}
}

func TestAnAnswerWithoutAPictureIsNotCharged(t *testing.T) {
	h := newHost(t, setup{engine: with(delivers())})
	if _, err := h.sketch("k", dalleModel, 1); !errors.Is(err, engine.ErrAnswer) || len(h.settles()) != 0 {
		t.Errorf("%v, %d settles; want %v and none", err, len(h.settles()), engine.ErrAnswer)
	}
	h.sound()
}

func TestAPictureThatNobodyAskedForIsLeftAndWrittenOff(t *testing.T) {
	h := newHost(t, setup{engine: with(delivers(providers.Image{Data: picture(0)}, providers.Image{Data: picture(1)}))})
	got, err := h.sketch("k", dalleModel, 1)
	if err != nil || len(got.Out.Pictures) != 1 || got.Charged != 5 || got.Record.WrittenOff != 5 || h.blobs.puts != 1 {
		t.Errorf("%d pictures for %d, %d written off, %d kept, %v; want one for 5, and 5 written off", len(got.Out.Pictures), got.Charged, got.Record.WrittenOff, h.blobs.puts, err)
	}
	h.sound()
}
