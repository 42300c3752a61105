package functionstest

import (
	"image/color"
	"math"
	"math/rand/v2"
)

// motif is a scene that can be drawn in any colours. What it says of itself is what a picture of it shows.
type motif struct {
	scene string // in lower case, as a prompt says it
	draw  func(c *canvas, p palette, rng *rand.Rand)
}

var motifs = []motif{
	{"rolling hills under a low sun", drawHills},
	{"mountain ridges with a pale moon", drawMountains},
	{"a quiet sea with the sun on the horizon", drawSea},
	{"a forest of fir trees in the mist", drawForest},
	{"wide dunes beneath a large sun", drawDunes},
	{"overlapping circles like balloons in the air", drawCircles},
	{"flowing ribbons across an open sky", drawRibbons},
	{"layered arches that open on a bright disc", drawArches},
	{"islands in a calm lake at first light", drawIslands},
	{"a row of leaves on slender stems", drawLeaves},
}

// wave is a smooth line: a level with a few swings of decreasing size.
func wave(rng *rand.Rand, level, swing, speed float64) func(x float64) float64 {
	a, b, c := rng.Float64()*7, rng.Float64()*7, rng.Float64()*7
	s := between(rng, 0.8, 1.3) * speed
	return func(x float64) float64 {
		return level + swing*(math.Sin(a+x*s*5)*0.6+math.Sin(b+x*s*11)*0.28+math.Sin(c+x*s*23)*0.12)
	}
}

// ridge is a jagged line.
func ridge(rng *rand.Rand, level, swing, speed float64) func(x float64) float64 {
	zig := func(x float64) float64 { return math.Abs(x-math.Floor(x)-0.5) * 2 }
	a, b, c := rng.Float64(), rng.Float64(), rng.Float64()
	s := between(rng, 0.8, 1.3) * speed
	return func(x float64) float64 {
		return level - swing*(zig(a+x*s*2)*0.55+zig(b+x*s*5)*0.3+zig(c+x*s*13)*0.15)
	}
}

// sun draws a light with a glow in rings around it.
func sun(c *canvas, p palette, x, y, r float64) {
	for i := 5; i >= 1; i-- {
		c.disc(x, y, r*(1+0.45*float64(i)), p.light, 0.09)
	}
	c.disc(x, y, r, p.light, 1)
}

func drawHills(c *canvas, p palette, rng *rand.Rand) {
	sun(c, p, between(rng, 0.2, 0.8), between(rng, 0.28, 0.45), between(rng, 0.07, 0.12))
	for i, col := range p.layers {
		c.below(wave(rng, 0.5+0.13*float64(i), 0.08, 0.9), col)
	}
}

func drawMountains(c *canvas, p palette, rng *rand.Rand) {
	x, y, r := between(rng, 0.15, 0.85), between(rng, 0.15, 0.28), between(rng, 0.06, 0.09)
	sun(c, p, x, y, r)
	for i, col := range p.layers {
		c.below(ridge(rng, 0.68+0.12*float64(i), 0.42-0.09*float64(i), 0.8+0.25*float64(i)), col)
	}
}

func drawSea(c *canvas, p palette, rng *rand.Rand) {
	x := between(rng, 0.25, 0.75)
	horizon := between(rng, 0.5, 0.6)
	sun(c, p, x, horizon-0.02, between(rng, 0.13, 0.18))
	near, far := p.layers[3], p.layers[2]
	const bands = 9
	for i := range bands {
		t := float64(i) / (bands - 1)
		c.below(wave(rng, horizon+(1-horizon)*t*t, 0.002+0.012*t, 2.5-t), mix(far, near, t))
	}
	for i := range 12 { // the light on the water widens towards the viewer
		y := horizon + 0.02 + 0.42*float64(i)/12*float64(i)/12
		half := 0.02 + 0.05*float64(i)/12 + between(rng, 0, 0.03)
		c.streak(x+between(rng, -0.02, 0.02), y, half, 0.004+0.004*float64(i)/12, p)
	}
}

// streak draws a flat, pointed stroke of light.
func (c *canvas) streak(x, y, half, thick float64, p palette) {
	for px := int((x - half) * float64(c.w)); px < int((x+half)*float64(c.w)); px++ {
		t := 1 - math.Abs(float64(px)/float64(c.w)-x)/half
		reach := thick * math.Sqrt(max(0, t)) * float64(c.h)
		for py := int(y*float64(c.h) - reach); py <= int(y*float64(c.h)+reach); py++ {
			if px >= 0 && px < c.w && py >= 0 && py < c.h {
				c.blend(py*c.w+px, p.light, 0.55)
			}
		}
	}
}

func drawForest(c *canvas, p palette, rng *rand.Rand) {
	sun(c, p, between(rng, 0.2, 0.8), between(rng, 0.2, 0.32), between(rng, 0.07, 0.1))
	for i, col := range p.layers {
		ground := wave(rng, 0.62+0.12*float64(i), 0.04, 0.8)
		trees := 26 - 5*i
		for k := range trees {
			x := (float64(k) + between(rng, 0.1, 0.9)) / float64(trees)
			base := ground(x) + 0.03
			height := between(rng, 0.14, 0.24) * (0.8 + 0.25*float64(i))
			half := height * 0.16
			for part := range 3 { // a fir is three cones, one above the other
				top := base - height + height*0.24*float64(part)
				c.triangle(x, top, top+height*0.5, half*(0.55+0.25*float64(part)), col)
			}
		}
		c.below(ground, col)
	}
}

func drawDunes(c *canvas, p palette, rng *rand.Rand) {
	sun(c, p, between(rng, 0.25, 0.75), between(rng, 0.35, 0.45), between(rng, 0.18, 0.24))
	for i, col := range p.layers {
		crest := wave(rng, 0.58+0.12*float64(i), 0.09, 0.55)
		c.below(crest, col)
		shade := mix(col, p.layers[min(i+1, len(p.layers)-1)], 0.35)
		drop := between(rng, 0.02, 0.05)
		phase := rng.Float64() * 7
		c.below(func(x float64) float64 { return crest(x) + drop + 0.05*math.Max(0, math.Sin(phase+x*7)) }, shade)
	}
}

func drawCircles(c *canvas, p palette, rng *rand.Rand) {
	for i := range 14 {
		col := p.layers[i%len(p.layers)]
		if i%5 == 4 {
			col = p.light
		}
		r := between(rng, 0.05, 0.24) * (1.2 - 0.05*float64(i))
		c.disc(between(rng, 0.02, 0.98), between(rng, 0.05, 0.95), r, col, 0.45+0.04*float64(i%4))
	}
}

func drawRibbons(c *canvas, p palette, rng *rand.Rand) {
	sun(c, p, between(rng, 0.15, 0.85), between(rng, 0.15, 0.3), between(rng, 0.05, 0.08))
	for i := range 6 {
		col := mix(p.layers[i%len(p.layers)], p.low, 0.1*float64(5-i))
		upper := wave(rng, 0.34+0.1*float64(i), 0.13, 0.6)
		c.below(upper, mix(col, p.light, 0.25))
		c.below(func(x float64) float64 { return upper(x) + 0.018 }, col)
	}
}

func drawArches(c *canvas, p palette, rng *rand.Rand) {
	x, r := between(rng, 0.35, 0.65), 0.92
	for i, col := range p.layers {
		c.disc(x, 1.02, r-0.16*float64(i), p.layers[len(p.layers)-1-i], 1)
		c.disc(x, 1.02, r-0.16*float64(i)-0.03, mix(p.layers[len(p.layers)-1-i], col, 0.25), 1)
	}
	c.disc(x, 1.02, 0.28, p.light, 1)
	for range 5 {
		c.disc(between(rng, 0.03, 0.97), between(rng, 0.05, 0.4), between(rng, 0.012, 0.03), p.light, 0.8)
	}
}

func drawIslands(c *canvas, p palette, rng *rand.Rand) {
	x := between(rng, 0.2, 0.8)
	sun(c, p, x, between(rng, 0.26, 0.36), between(rng, 0.07, 0.11))
	water := between(rng, 0.56, 0.62)
	c.below(func(float64) float64 { return water }, mix(p.low, p.layers[1], 0.45))
	c.below(func(float64) float64 { return water + 0.14 }, mix(p.low, p.layers[1], 0.6))
	c.below(func(float64) float64 { return water + 0.28 }, mix(p.low, p.layers[2], 0.65))
	for i := range 4 {
		at, shore := between(rng, 0.05, 0.95), water+0.1*float64(i)
		wide, tall := between(rng, 0.12, 0.24)+0.03*float64(i), between(rng, 0.08, 0.17)
		col := p.layers[min(i, len(p.layers)-1)]
		for px := max(0, int((at-wide)*float64(c.w))); px < min(c.w, int((at+wide)*float64(c.w))); px++ {
			t := (float64(px)/float64(c.w) - at) / wide
			rise := tall * math.Pow(math.Max(0, 1-t*t), 1.4)
			for py := max(0, int((shore-rise)*float64(c.h))); py < min(c.h, int(shore*float64(c.h))); py++ {
				c.blend(py*c.w+px, col, 1)
			}
			for py := int(shore * float64(c.h)); py < min(c.h, int((shore+rise*0.35)*float64(c.h))); py++ {
				c.blend(py*c.w+px, col, 0.35) // its reflection
			}
		}
	}
}

func drawLeaves(c *canvas, p palette, rng *rand.Rand) {
	c.disc(between(rng, 0.3, 0.7), 0.5, 0.42, p.light, 0.5)
	const stems = 5
	for k := range stems {
		x := (float64(k) + between(rng, 0.3, 0.7)) / stems
		col := p.layers[1+k%(len(p.layers)-1)]
		top, lean := between(rng, 0.12, 0.35), between(rng, -0.05, 0.05)
		bend := func(y float64) float64 { return x + lean*math.Sin((1-y)*2.2) }
		for py := int(top * float64(c.h)); py < c.h; py++ {
			at := bend(float64(py)/float64(c.h)) * float64(c.w)
			for px := max(0, int(at)-1); px <= min(c.w-1, int(at)+1); px++ {
				c.blend(py*c.w+px, col, 0.9)
			}
		}
		side := 1.0
		for y := top; y < 0.95; y += 0.085 {
			c.leaf(bend(y), y, side*between(rng, 0.05, 0.075), between(rng, 0.03, 0.045), col)
			side = -side
		}
	}
}

// leaf draws a pointed oval that begins at a stem.
func (c *canvas) leaf(x, y, long, thick float64, col color.RGBA) {
	for px := int(min(x, x+long) * float64(c.w)); px < int(max(x, x+long)*float64(c.w)); px++ {
		t := (float64(px)/float64(c.w) - x) / long
		reach := thick * math.Sin(math.Pi*min(1, max(0, t)))
		middle := y - 0.5*math.Abs(long)*t
		for py := int((middle - reach) * float64(c.h)); py < int((middle+reach)*float64(c.h)); py++ {
			if px >= 0 && px < c.w && py >= 0 && py < c.h {
				c.blend(py*c.w+px, col, 0.92)
			}
		}
	}
}
