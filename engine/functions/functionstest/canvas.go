package functionstest

import (
	"cmp"
	"image"
	"image/color"
	"maps"
	"math"
	"slices"
)

// canvas is a picture in the making, in full colour, one pixel as 0xRRGGBB.
type canvas struct {
	w, h int
	pix  []uint32
}

func newCanvas(w, h int) *canvas { return &canvas{w, h, make([]uint32, w*h)} }

func packed(c color.RGBA) uint32 { return uint32(c.R)<<16 | uint32(c.G)<<8 | uint32(c.B) }

// mix blends two colours; t is 0 for a and 1 for b.
func mix(a, b color.RGBA, t float64) color.RGBA {
	f := func(x, y uint8) uint8 { return uint8(float64(x) + (float64(y)-float64(x))*t + 0.5) }
	return color.RGBA{R: f(a.R, b.R), G: f(a.G, b.G), B: f(a.B, b.B), A: 255}
}

// blend puts a colour over a pixel; cover is 0 to 1.
func (c *canvas) blend(at int, col color.RGBA, cover float64) {
	if cover >= 1 {
		c.pix[at] = packed(col)
		return
	}
	p := c.pix[at]
	under := color.RGBA{R: uint8(p >> 16), G: uint8(p >> 8), B: uint8(p)}
	c.pix[at] = packed(mix(under, col, cover))
}

// gradient fills the picture from top to bottom. It has so few steps that their blends with the rings of a light stay
// within a palette.
func (c *canvas) gradient(top, bottom color.RGBA) {
	const steps = 36
	for y := range c.h {
		col := packed(mix(top, bottom, float64(y*steps/c.h)/(steps-1)))
		row := c.pix[y*c.w : (y+1)*c.w]
		for x := range row {
			row[x] = col
		}
	}
}

// below fills everything beneath a line with a colour, its edge softened by the part of a pixel that it covers.
func (c *canvas) below(line func(x float64) float64, col color.RGBA) {
	for x := range c.w {
		y := line(float64(x)/float64(c.w)) * float64(c.h)
		first := max(0, int(math.Ceil(y)))
		if first > 0 && first <= c.h {
			c.blend((first-1)*c.w+x, col, float64(first)-y)
		}
		p := packed(col)
		for at := first*c.w + x; at < len(c.pix); at += c.w {
			c.pix[at] = p
		}
	}
}

// disc draws a circle; x and y are parts of the width and the height, r is a part of the height.
func (c *canvas) disc(x, y, r float64, col color.RGBA, cover float64) {
	cx, cy, cr := x*float64(c.w), y*float64(c.h), r*float64(c.h)
	for py := max(0, int(cy-cr)-1); py < min(c.h, int(cy+cr)+2); py++ {
		for px := max(0, int(cx-cr)-1); px < min(c.w, int(cx+cr)+2); px++ {
			dx, dy := float64(px)+0.5-cx, float64(py)+0.5-cy
			d2 := dx*dx + dy*dy
			if d2 > (cr+1)*(cr+1) {
				continue
			}
			edge := 1.0
			if d2 > (cr-1)*(cr-1) {
				edge = min(1, max(0, cr-math.Sqrt(d2)+0.5))
			}
			c.blend(py*c.w+px, col, cover*edge)
		}
	}
}

// triangle draws a tree or a peak that stands on its base.
func (c *canvas) triangle(x, top, base, half float64, col color.RGBA) {
	ty, by := top*float64(c.h), base*float64(c.h)
	for y := max(0, int(ty)); y < min(c.h, int(by)); y++ {
		reach := half * float64(c.w) * (float64(y) + 0.5 - ty) / (by - ty)
		left, right := x*float64(c.w)-reach, x*float64(c.w)+reach
		for px := max(0, int(left)); px <= min(c.w-1, int(right)); px++ {
			cover := min(float64(px+1), right) - max(float64(px), left)
			c.blend(y*c.w+px, col, max(0, cover))
		}
	}
}

// paletted reduces the picture to the 256 colours that it has most of; the others become the nearest of them.
func (c *canvas) paletted() *image.Paletted {
	// A row is mostly runs of one colour, so that a map is asked for few of its pixels.
	count := map[uint32]int{}
	for i := 0; i < len(c.pix); {
		from := i
		for i++; i < len(c.pix) && c.pix[i] == c.pix[from]; i++ {
		}
		count[c.pix[from]] += i - from
	}
	all := slices.Collect(maps.Keys(count))
	slices.SortFunc(all, func(a, b uint32) int { return cmp.Or(count[b]-count[a], int(a)-int(b)) })
	kept := all[:min(len(all), 256)]
	index := make(map[uint32]uint8, len(all))
	var pal color.Palette
	for i, p := range all {
		if i < len(kept) {
			pal = append(pal, color.RGBA{R: uint8(p >> 16), G: uint8(p >> 8), B: uint8(p), A: 255})
			index[p] = uint8(i)
		} else {
			index[p] = nearest(p, kept)
		}
	}
	m := image.NewPaletted(image.Rect(0, 0, c.w, c.h), pal)
	for i := 0; i < len(c.pix); {
		p := c.pix[i]
		for at := index[p]; i < len(c.pix) && c.pix[i] == p; i++ {
			m.Pix[i] = at
		}
	}
	return m
}

func nearest(p uint32, among []uint32) uint8 {
	best, least := 0, math.MaxInt
	for i, q := range among {
		dr, dg, db := int(p>>16&255)-int(q>>16&255), int(p>>8&255)-int(q>>8&255), int(p&255)-int(q&255)
		if d := dr*dr + dg*dg + db*db; d < least {
			best, least = i, d
		}
	}
	return uint8(best)
}
