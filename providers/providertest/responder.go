package providertest

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"strconv"

	"github.com/scrip-go/scrip/providers"
)

// Responder decides what the fake upstream answers. It is called from many goroutines at once. The same call gets the
// same answer, because a picture is drawn whenever somebody fetches it. An error of a Responder is the upstream's 500.
type Responder interface {
	Text(TextCall) (string, error)
	Image(ImageCall) (Picture, error)
}

// TextCall is a request for a completion.
type TextCall struct {
	Model      string
	Messages   []providers.Message
	SchemaName string          // empty for free text
	Schema     json.RawMessage // nil for free text
	MaxOutput  int64           // tokens; 0 if the request had no bound
}

// ImageCall is a request for one picture.
type ImageCall struct {
	Model         string
	Prompt        string
	Width, Height int              // pixels
	Format        providers.Format // that was asked for; empty if none was
	Index         int              // which picture of its request, from 0
}

// Picture is an encoded picture.
type Picture struct {
	Data        []byte
	ContentType string // such as image/png
}

// Echo is the Responder of a Config without one: it says again what the user said last, as {"echo": …} if a schema was
// sent, and draws stripes in the colours of the prompt.
type Echo struct{}

var _ Responder = Echo{}

// Text implements [Responder].
func (Echo) Text(c TextCall) (string, error) {
	said := ""
	for _, m := range c.Messages {
		if m.Role == providers.User {
			said = m.Text
		}
	}
	if c.Schema == nil {
		return "You said: " + said, nil
	}
	b, err := json.Marshal(map[string]string{"echo": said})
	return string(b), err
}

// Image implements [Responder].
func (Echo) Image(c ImageCall) (Picture, error) {
	h := fnv.New64a()
	fmt.Fprint(h, c.Model, "\x00", c.Prompt, "\x00", strconv.Itoa(c.Index))
	sum := h.Sum64()
	colour := func(shift int) color.Color {
		return color.RGBA{R: uint8(sum >> shift), G: uint8(sum >> (shift + 8)), B: uint8(sum >> (shift + 16)), A: 255}
	}
	m := image.NewPaletted(image.Rect(0, 0, c.Width, c.Height), color.Palette{colour(0), colour(24)})
	for y := range c.Height {
		if y/16%2 == 1 {
			row := m.Pix[y*m.Stride : y*m.Stride+c.Width]
			for x := range row {
				row[x] = 1
			}
		}
	}
	return Encode(m, c.Format)
}
