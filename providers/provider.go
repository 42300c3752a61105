package providers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/usage"
)

// Provider is implemented by every adapter. A useful adapter implements at least one capability beside it.
type Provider interface {
	// Describe says who the adapter is. It does no I/O and always returns the same value.
	Describe() Descriptor
}

// Descriptor says who an adapter is.
type Descriptor struct {
	Name      string // the provider's name in the registry, "openai"; required
	Text      bool   // the adapter implements TextGenerator
	Image     bool   // the adapter implements ImageGenerator
	Reconcile bool   // the adapter implements Reconciler
}

// TextGenerator makes one completion.
type TextGenerator interface {
	// GenerateText makes at most one billable request. Its errors are *Error.
	GenerateText(ctx context.Context, r TextRequest) (TextResult, error)
}

// ImageGenerator makes pictures from a prompt.
type ImageGenerator interface {
	// GenerateImages makes at most one billable request for all r.N pictures. Its errors are *Error. Fewer pictures
	// than asked for, but at least one, is a success with Usage.Images as delivered.
	GenerateImages(ctx context.Context, r ImageRequest) (ImageResult, error)
}

// Reconciler is implemented by an adapter whose upstream can be asked what became of an earlier attempt.
type Reconciler interface {
	// Reconcile asks the upstream about the attempt. It never causes a billable request. It returns an *Error if
	// the upstream could not be asked or gave no clear answer.
	Reconcile(ctx context.Context, r ReconcileRequest) (Reconciled, error)
}

// Attempt names one dispatch of a request. The engine journals it before it calls the provider.
type Attempt struct {
	ID      string     // a UUIDv4, unique for ever; sent to the upstream
	Key     secret.Key // the API key for this call
	BaseURL string     // overrides the adapter's own base URL unless empty
}

// Role says who speaks in a [Message].
type Role string

// The roles of a message.
const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
)

// Message is one turn of a conversation.
type Message struct {
	Role Role   `json:"role"`
	Text string `json:"text"`
}

// Schema is a JSON schema that the answer must fit. The adapter sends it as the upstream's strict response format.
type Schema struct {
	Name string          `json:"name"` // at most 64 of [A-Za-z0-9_-]
	JSON json.RawMessage `json:"schema"`
}

// TextRequest asks for one completion.
type TextRequest struct {
	Attempt Attempt
	Model   string // the provider's id of the model
	// Messages are sent in their order. On a wire whose system text is no message, those before the first turn are joined
	// with a blank line, and one that comes later is refused as Unsupported.
	Messages    []Message
	MaxOutput   int64               // tokens, hidden reasoning included; required and positive, because the hold is sized by it
	Temperature decimal.NullDecimal // left to the provider if not valid; the upstream refuses what is out of its range
	Schema      *Schema             // nil for free text
	// Parameters are put into the upstream's request as they are; Omit names fields of it that the model refuses.
	// Both come from the model's request profile in the registry, and may not touch what the call depends on nor change the
	// shape of the answer: such a request is refused as Invalid. The slices and maps belong to the caller.
	Parameters map[string]json.RawMessage
	Omit       []string
}

// TextResult is a complete answer.
type TextResult struct {
	Text string // not empty
	Metering
}

// Metering is what an upstream said about a call that it executed.
type Metering struct {
	Usage       usage.Usage
	Cost        decimal.NullDecimal // USD as the provider reported it, an audit line beside our own price; most report none
	RequestID   string              // the upstream's id of the request
	Model       string              // the model that answered, which may be more exact than the one asked for
	ServiceTier string              // the tier that answered, if the upstream has tiers
}

// ImageRequest asks for N pictures of one prompt.
type ImageRequest struct {
	Attempt        Attempt
	Model          string
	Prompt         string
	NegativePrompt string // left out if empty
	Width, Height  int    // pixels; both positive
	N              int    // how many; positive
	Quality        string // a word of the model's own; left out if empty
	// Format is the encoding that is wished for, left out if empty: the adapter says it in its wire's own word, or leaves it
	// out if the wire has none or Omit names its field. What comes back may have another encoding all the same.
	Format Format
	// Parameters and Omit as in TextRequest. A parameter that wants another format than Format is refused as Invalid.
	Parameters map[string]json.RawMessage
	Omit       []string
}

// Format is the encoding of a picture.
type Format string

// The formats that a request may wish for.
const (
	PNG  Format = "png"
	JPEG Format = "jpeg"
	WebP Format = "webp"
)

// ImageResult is at least one picture.
type ImageResult struct {
	Images []Image
	Metering
}

// Image is a picture as the upstream delivered it: its bytes, or a URL to fetch them from, never both.
type Image struct {
	Data []byte // encoded picture; owned by the caller from now on
	URL  string // to be fetched soon and without the API key
}

// ReconcileRequest asks about an earlier attempt.
type ReconcileRequest struct {
	Attempt Attempt // the id of the attempt asked about, and the key to ask with
	Model   string
	JobID   string // the upstream's own id of the job, if it gave one
}

// Reconciled is what became of an attempt.
type Reconciled struct {
	// Fate is Executed with a result, Executed without one (it ran, and what it made is lost), NotSent (the upstream
	// never saw it: it may be sent again), Rejected, or Unknown.
	Fate  Fate
	Text  *TextResult
	Image *ImageResult
	// Failure says what went wrong with an attempt that was Rejected, or Executed without a result, as the error of the call
	// would have; nil if the upstream does not say. A prompt that was refused is not to be sent again, or elsewhere.
	Failure *Error
}

// Binding is a provider with its capabilities resolved. The function fields are nil where the provider lacks the
// capability. Wrap the functions, not the provider: a wrapped function cannot hide another capability.
type Binding struct {
	Name           string
	GenerateText   func(context.Context, TextRequest) (TextResult, error)
	GenerateImages func(context.Context, ImageRequest) (ImageResult, error)
	Reconcile      func(context.Context, ReconcileRequest) (Reconciled, error)
}

// Bind resolves the capabilities of p. It returns an error if the provider is nil, has no name, has no capability, or if
// what it describes and what it implements disagree.
func Bind(p Provider) (Binding, error) {
	if p == nil {
		return Binding{}, errors.New("providers: bind: the provider is nil")
	}
	d := p.Describe()
	if d.Name == "" {
		return Binding{}, fmt.Errorf("providers: bind %T: Describe returned no name", p)
	}
	b := Binding{Name: d.Name}
	text, isText := p.(TextGenerator)
	if isText {
		b.GenerateText = text.GenerateText
	}
	image, isImage := p.(ImageGenerator)
	if isImage {
		b.GenerateImages = image.GenerateImages
	}
	rec, isReconciler := p.(Reconciler)
	if isReconciler {
		b.Reconcile = rec.Reconcile
	}
	var errs []error
	agree := func(described, implemented bool, capability string) {
		if described != implemented {
			errs = append(errs, fmt.Errorf("providers: bind %q: %s is described as %t but implemented as %t", d.Name, capability, described, implemented))
		}
	}
	agree(d.Text, isText, "TextGenerator")
	agree(d.Image, isImage, "ImageGenerator")
	agree(d.Reconcile, isReconciler, "Reconciler")
	if !isText && !isImage {
		errs = append(errs, fmt.Errorf("providers: bind %q: %T can generate neither text nor images", d.Name, p))
	}
	if err := errors.Join(errs...); err != nil {
		return Binding{}, err
	}
	return b, nil
}
