package providertest_test

import (
	"bytes"
	"image"
	"testing"

	_ "image/jpeg"
	_ "image/png"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
)

func TestEncode(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 30, 20))
	for format, want := range map[providers.Format]string{"": "png", providers.PNG: "png", providers.JPEG: "jpeg"} {
		p, err := providertest.Encode(m, format)
		if err != nil {
			t.Fatal(err)
		}
		got, name, err := image.Decode(bytes.NewReader(p.Data))
		if err != nil || name != want || got.Bounds() != m.Bounds() || p.ContentType != "image/"+want {
			t.Errorf("Encode(%q) is a %s, %v, announced as %q, want a %s of %v", format, name, err, p.ContentType, want, m.Bounds())
		}
	}
	// There is no decoder of WebP here; golang.org/x/image/webp reads it.
	if p, err := providertest.Encode(m, providers.WebP); err != nil || p.ContentType != "image/webp" || !bytes.HasPrefix(p.Data, []byte("RIFF")) ||
		len(p.Data) != 8+int(p.Data[4]) {
		t.Errorf("Encode of WebP = %q, %v", p.Data, err)
	}
	if p, err := providertest.Encode(m, "gif"); err == nil || p.Data != nil {
		t.Errorf("Encode of GIF = %q, want an error", p.Data)
	}
}
