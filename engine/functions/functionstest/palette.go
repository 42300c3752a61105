package functionstest

import "image/color"

// palette is the colours of a picture, from the light to the near.
type palette struct {
	name      string // as a prompt says it
	high, low color.RGBA
	light     color.RGBA   // of the sun, the moon, the lamp
	layers    []color.RGBA // from the far to the near
}

func rgb(hex uint32) color.RGBA {
	return color.RGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 255}
}

func colours(hex ...uint32) (out []color.RGBA) {
	for _, h := range hex {
		out = append(out, rgb(h))
	}
	return out
}

var palettes = []palette{
	{"warm dawn colours", rgb(0x7fa7c9), rgb(0xfbd9b4), rgb(0xfff1cf), colours(0xe8a87c, 0xc97b63, 0x8d5a5e, 0x4b3b4f)},
	{"deep evening blue", rgb(0x16213e), rgb(0x53679c), rgb(0xf6e7b8), colours(0x4a5f93, 0x354a78, 0x24345a, 0x141d38)},
	{"fresh greens", rgb(0xbfe3e6), rgb(0xf4f7dc), rgb(0xfff6c2), colours(0xa7cfa1, 0x78b08a, 0x4b8a70, 0x2a5d55)},
	{"soft violet", rgb(0x6d5b97), rgb(0xf0c4cf), rgb(0xfff0e0), colours(0xb993c0, 0x8f6ca8, 0x64508a, 0x3b3263)},
	{"ochre and teal", rgb(0x8cc7c1), rgb(0xf6e6c0), rgb(0xffd98a), colours(0xe3b768, 0xc98b4a, 0x4e8d8c, 0x22575c)},
	{"coral and navy", rgb(0xf7b7a3), rgb(0xfde8d7), rgb(0xfff7ea), colours(0xee8b7a, 0xb9647a, 0x5c5480, 0x2a3560)},
	{"cool winter light", rgb(0xa9c3dc), rgb(0xeef4f8), rgb(0xffffff), colours(0xc9dae6, 0x9fb9cd, 0x7391ae, 0x486582)},
	{"autumn tones", rgb(0xd9c7a3), rgb(0xf8ecd2), rgb(0xffe3a1), colours(0xd99a4e, 0xb8693a, 0x864535, 0x4f2d2f)},
	{"sea blue and sand", rgb(0x5fb0d3), rgb(0xe4f3ef), rgb(0xfff4d6), colours(0xe9d8a6, 0x94d2bd, 0x2a9d8f, 0x1d6d7a)},
	{"rose and grey", rgb(0xc9b6c4), rgb(0xf9e4e1), rgb(0xfffaf2), colours(0xd8a5ad, 0xa98397, 0x766681, 0x474a63)},
}
