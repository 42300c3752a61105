package functionstest_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"testing"

	"github.com/scrip-go/scrip/engine/functions/functionstest"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
)

func draw(t testing.TB, c providertest.ImageCall) ([]byte, image.Image) {
	t.Helper()
	p, err := functionstest.New().Image(c)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(p.Data))
	if err != nil {
		t.Fatal(err)
	}
	if p.ContentType != "image/png" {
		t.Errorf("the type is %q, want image/png", p.ContentType)
	}
	return p.Data, m
}

func TestPicturesAreSmallAndDecode(t *testing.T) {
	for i := range 60 { // enough for every motif and palette
		data, _ := draw(t, providertest.ImageCall{Model: "m", Prompt: fmt.Sprint("prompt ", i), Width: 896, Height: 512})
		if len(data) > 80_000 {
			t.Errorf("picture %d has %d bytes, want at most 80000", i, len(data))
		}
	}
}

func TestPicturesHaveTheFormatThatIsAskedFor(t *testing.T) {
	p, err := functionstest.New().Image(providertest.ImageCall{Prompt: "p", Width: 64, Height: 64, Format: providers.JPEG})
	if err != nil || p.ContentType != "image/jpeg" {
		t.Errorf("the type is %q, %v, want image/jpeg", p.ContentType, err)
	}
}

func TestPicturesKeepTheProportions(t *testing.T) {
	for _, size := range [][2]int{{1792, 1024}, {1024, 1024}, {1280, 768}, {1376, 768}, {1024, 1792}, {640, 384}, {320, 200}, {64, 64}, {1, 1}, {8192, 8}, {8, 8192}} {
		_, m := draw(t, providertest.ImageCall{Prompt: "p", Width: size[0], Height: size[1]})
		w, h := m.Bounds().Dx(), m.Bounds().Dy()
		if w > 640 {
			t.Errorf("%v is drawn %d pixels wide, want at most 640", size, w)
		}
		if want := float64(w) * float64(size[1]) / float64(size[0]); math.Abs(float64(h)-want) > 1+want/float64(w) {
			t.Errorf("%v is drawn as %d × %d, want a height of %.0f", size, w, h, want)
		}
		if size[0] <= 640 && size[1] <= 640 && (w != size[0] || h != size[1]) {
			t.Errorf("%v is drawn as %d × %d, want no change", size, w, h)
		}
	}
}

func TestPicturesAreDeterministicAndDiffer(t *testing.T) {
	base := providertest.ImageCall{Model: "m", Prompt: "rolling hills under a low sun in fresh greens", Width: 320, Height: 200}
	first, _ := draw(t, base)
	if again, _ := draw(t, base); !bytes.Equal(first, again) {
		t.Error("the same call is drawn in two ways")
	}
	for name, change := range map[string]func(*providertest.ImageCall){
		"prompt": func(c *providertest.ImageCall) { c.Prompt += "!" },
		"index":  func(c *providertest.ImageCall) { c.Index++ },
		"model":  func(c *providertest.ImageCall) { c.Model += "!" },
	} {
		c := base
		change(&c)
		if other, _ := draw(t, c); bytes.Equal(first, other) {
			t.Errorf("another %s makes the same picture", name)
		}
	}
}

func TestPictureWithoutASizeIsAnError(t *testing.T) {
	if _, err := functionstest.New().Image(providertest.ImageCall{Prompt: "p"}); err == nil {
		t.Error("a picture of no size was drawn")
	}
}

func BenchmarkImage(b *testing.B) {
	i := 0
	for b.Loop() {
		i++
		if _, err := functionstest.New().Image(providertest.ImageCall{Prompt: fmt.Sprint(i), Width: 640, Height: 384}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkContent(b *testing.B) {
	c := call(b, "generate_content", map[string]any{"title": "Bread", "primary_keyword": "rye bread", "word_count": 1000,
		"outline": []map[string]any{{"heading": "One"}, {"heading": "Two"}, {"heading": "Three"}}}, 4000)
	for b.Loop() {
		if _, err := functionstest.New().Text(c); err != nil {
			b.Fatal(err)
		}
	}
}
