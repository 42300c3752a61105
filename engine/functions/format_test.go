package functions_test

import (
	"errors"
	"image"
	"io"
	"testing"

	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
)

// The tests of this package are a program with a decoder of webp, which reads the fake upstream's one picture. Those of
// package engine are one without.
func init() {
	size := image.Config{Width: 1, Height: 1}
	whole := func(r io.Reader) error {
		if b, err := io.ReadAll(r); err != nil || len(b) < 12 || len(b) != 8+int(b[4]) {
			return errors.New("it is not whole")
		}
		return nil
	}
	image.RegisterFormat("webp", "RIFF????WEBPVP8",
		func(r io.Reader) (image.Image, error) { return image.NewGray(image.Rect(0, 0, 1, 1)), whole(r) },
		func(r io.Reader) (image.Config, error) { return size, whole(r) })
}

func TestAProgramThatDecodesWebPMayAskForIt(t *testing.T) {
	e, set := open(t, providertest.Echo{}, func(c *registry.Configuration) {
		c.Settings.Images = registry.ImageSettings{Format: registry.WebP, QualityTier: "basic"}
	})
	got, err := engine.Run(t.Context(), e, set.Images, engine.Call{Account: account, Key: "k"}, functions.ImageInput{Prompt: "a lighthouse", Shape: engine.Square})
	if p := got.Out.Picture; err != nil || p.Type != "image/webp" || p.Width != 1 || got.Charged != 1 {
		t.Errorf("the picture is %+v for %d, %v, want one in webp for 1", p, got.Charged, err)
	}
}
