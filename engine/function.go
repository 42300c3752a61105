package engine

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/registry"
)

// ErrInput is an input that a function refuses. Nothing was held and nothing was called.
var ErrInput = errors.New("invalid input")

// ErrAnswer is an answer that cannot be used, after the repair call as well. Nothing was charged.
var ErrAnswer = errors.New("the model's answer cannot be used")

// Env is what a function may use besides its input to build a request. All of it is pinned with the hold: a takeover
// sends the request that the first hold built.
type Env struct {
	Prompt string // the prompt of the settings; the function's own if empty
	Style  string // of pictures, by the settings; may be empty
}

// Definition describes an AI function: what it takes, what it asks, what it makes of the answer. In and Out are plain
// structs: In is marshalled into the call's fingerprint, Out into the receipt. Its functions are called from many
// goroutines at once, do no I/O and keep nothing.
type Definition[In, Out any] struct {
	Name      string          // of the function, in settings and events: "auto_cluster"
	Operation string          // that it is charged as: "clustering"
	Validate  func(In) error  // refuses an input before anything is spent; may be nil
	Text      *Text[In, Out]  // exactly one of Text and
	Image     *Image[In, Out] // Image is set
}

// Text is a function that asks a text model. The answer is JSON that fits the schema of Out.
type Text[In, Out any] struct {
	Messages  func(Env, In) ([]providers.Message, error)
	MaxOutput func(In) int64      // tokens the answer may have, unless the settings say otherwise
	Check     func(In, Out) error // what a schema cannot say: every id known, none twice; may be nil
}

// Shape is the form of a picture; the model says which size that is.
type Shape string

// The shapes of a picture.
const (
	Landscape Shape = "landscape"
	Square    Shape = "square"
)

// Drawing asks for pictures.
type Drawing struct {
	Prompt   string
	Negative string // what should not be in the picture; may be empty
	Shape    Shape
	N        int // how many; positive
}

// Picture is a picture that was made, checked and stored.
type Picture struct {
	Blob   string `json:"blob"`   // name in Blobs
	SHA256 string `json:"sha256"` // hexadecimal
	Size   int64  `json:"size"`   // bytes
	Type   string `json:"type"`   // "image/png": of what was decoded
	Width  int    `json:"width"`  // pixels
	Height int    `json:"height"` // pixels
}

// Image is a function that asks an image model.
type Image[In, Out any] struct {
	Draw   func(Env, In) (Drawing, error)
	Result func(In, []Picture) Out // at least one picture, at most as many as asked for
}

// schemaName is what response formats take for a name.
var schemaName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Function is a checked Definition. It is immutable and safe for concurrent use.
type Function[In, Out any] struct {
	def    Definition[In, Out]
	schema *schema // of Out, for a text function
}

// Define checks a definition and derives the schema of its answer. Errors match [ErrConfig] and name what is missing,
// or the field of Out that a strict schema cannot express (a map, an interface, a decimal).
func Define[In, Out any](d Definition[In, Out]) (*Function[In, Out], error) {
	f := &Function[In, Out]{def: d}
	bad := func(why string) error { return fmt.Errorf("%w: function %q: %s", ErrConfig, d.Name, why) }
	switch {
	case d.Name == "" || d.Operation == "":
		return nil, bad("Name and Operation must be set")
	case (d.Text == nil) == (d.Image == nil):
		return nil, bad("exactly one of Text and Image must be set")
	case d.Text != nil && (d.Text.Messages == nil || d.Text.MaxOutput == nil):
		return nil, bad("Text.Messages and Text.MaxOutput must be set")
	case d.Image != nil && (d.Image.Draw == nil || d.Image.Result == nil):
		return nil, bad("Image.Draw and Image.Result must be set")
	}
	if d.Text != nil {
		if !schemaName.MatchString(d.Name) {
			return nil, bad("Name is sent as the schema's: want at most 64 of A-Z a-z 0-9 _ -")
		}
		var err error
		if f.schema, err = schemaOf[Out](d.Name); err != nil {
			return nil, bad(err.Error())
		}
	}
	return f, nil
}

// Name returns the function's name.
func (f *Function[In, Out]) Name() string { return f.def.Name }

// Operation returns the name of the operation that the function is charged as.
func (f *Function[In, Out]) Operation() string { return f.def.Operation }

func (f *Function[In, Out]) kind() registry.Kind {
	if f.def.Image != nil {
		return registry.Image
	}
	return registry.Text
}

// Validate refuses an input that [Run] would refuse, before anything is spent. The error matches [ErrInput].
func (f *Function[In, Out]) Validate(in In) error {
	if f.def.Validate == nil {
		return nil
	}
	if err := f.def.Validate(in); err != nil {
		return fmt.Errorf("engine: function %q: %w: %w", f.def.Name, ErrInput, err)
	}
	return nil
}
