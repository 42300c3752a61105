package functionstest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/scrip-go/scrip/providers/providertest"
)

// maxWidth is how wide a picture is at most, in pixels: enough for a page, and quick to draw by the hundred.
const maxWidth = 640

// maxHeight bounds a picture that is a narrow strip.
const maxHeight = 2048

// Image implements [providertest.Responder] with a picture that is at most 640 pixels wide and has the proportions of
// what was asked for, encoded by [providertest.Encode]. A prompt that names a scene and colours as this package's own
// prompts do gets them; any other gets what its hash decides.
func (Responder) Image(c providertest.ImageCall) (providertest.Picture, error) {
	if c.Width < 1 || c.Height < 1 {
		return providertest.Picture{}, fmt.Errorf("functionstest: a picture of %d × %d pixels cannot be drawn", c.Width, c.Height)
	}
	w, h := scaled(c.Width, c.Height)
	rng := seeded("picture", c.Model, c.Prompt, fmt.Sprint(c.Index))
	scene, colours := motifs[rng.IntN(len(motifs))], palettes[rng.IntN(len(palettes))]
	for _, m := range motifs {
		if strings.Contains(strings.ToLower(c.Prompt), m.scene) {
			scene = m
		}
	}
	for _, p := range palettes {
		if strings.Contains(c.Prompt, p.name) {
			colours = p
		}
	}
	cv := newCanvas(w, h)
	cv.gradient(colours.high, colours.low)
	scene.draw(cv, colours, rng)
	return providertest.Encode(cv.paletted(), c.Format)
}

func scaled(width, height int) (w, h int) {
	scale := min(1, float64(maxWidth)/float64(width), float64(maxHeight)/float64(height))
	return max(1, int(math.Round(float64(width)*scale))), max(1, int(math.Round(float64(height)*scale)))
}

// between returns a number from low to high.
func between(rng *rand.Rand, low, high float64) float64 { return low + (high-low)*rng.Float64() }
