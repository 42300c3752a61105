package providertest

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"

	"github.com/scrip-go/scrip/providers"
)

// onePixel is a picture in WebP, which the standard library cannot write.
const onePixel = "RIFF\x1a\x00\x00\x00WEBPVP8L\r\x00\x00\x00/\x00\x00\x00\x10\a\x10\x11\x11\x88\x88\xfe\a\x00"

// Encode encodes a picture for a [Responder], in PNG if the format is empty. In WebP it is always the same picture, of one
// pixel.
func Encode(m image.Image, format providers.Format) (Picture, error) {
	var b bytes.Buffer
	var err error
	switch format {
	case "", providers.PNG:
		format, err = providers.PNG, (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m)
	case providers.JPEG:
		err = jpeg.Encode(&b, m, nil)
	case providers.WebP:
		b.WriteString(onePixel)
	default:
		err = fmt.Errorf("providertest: a picture cannot be encoded as %q", format)
	}
	if err != nil {
		return Picture{}, err
	}
	return Picture{Data: b.Bytes(), ContentType: "image/" + string(format)}, nil
}
