package registry

import (
	"encoding/json"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
)

// Kind is what a model produces.
type Kind string

// The kinds of model.
const (
	Text  Kind = "text"
	Image Kind = "image"
)

// Configuration is everything the registry knows, as of one version.
type Configuration struct {
	Models     []Model         `json:"models"`     // ordered by kind, sort order, name
	Providers  []Provider      `json:"providers"`  // ordered by id
	Operations []OperationCost `json:"operations"` // ordered by name
	Settings   Settings        `json:"settings"`
}

// Model is a model that a provider offers, with its prices and its limits. Prices in USD are decimal; a price that is
// not set is not free, it is unknown.
type Model struct {
	Name        string `json:"name"` // the provider's id of the model; unique
	Kind        Kind   `json:"kind"`
	Provider    string `json:"provider"` // id of a provider
	DisplayName string `json:"display_name,omitempty"`
	Active      bool   `json:"active"`
	Default     bool   `json:"default,omitempty"` // the model of its kind when nothing else is said
	SortOrder   int    `json:"sort_order,omitempty"`

	Prices Prices `json:"prices,omitzero"`
	// CostPerImage is USD for a picture that no row of ImagePrices fits. A model with a price for image tokens needs one or
	// the other too: for answers that report no tokens, and for what a call costs before there is an answer.
	CostPerImage    *decimal.Decimal `json:"cost_per_image,omitempty"`
	ImagePrices     []ImagePrice     `json:"image_prices,omitempty"`
	TokensPerCredit int64            `json:"tokens_per_credit,omitempty"` // tokens that make one credit; the operation's if 0
	CreditsPerImage credits.Amount   `json:"credits_per_image,omitempty"` // credits for one picture; the operation's minimum if 0

	QualityTier   string   `json:"quality_tier,omitempty"` // basic, quality, premium …
	Sizes         []string `json:"valid_sizes,omitempty"`  // "1024x1024"; any size if empty
	LandscapeSize string   `json:"landscape_size,omitempty"`
	SquareSize    string   `json:"square_size,omitempty"`

	ContextWindow   int64      `json:"context_window,omitempty"`    // tokens
	MaxOutputTokens int64      `json:"max_output_tokens,omitempty"` // tokens, hidden reasoning included
	Capabilities    []string   `json:"capabilities,omitempty"`      // see the Capability constants
	Shutdown        *time.Time `json:"shutdown,omitempty"`          // when the provider ends it, if known
	Profile         Profile    `json:"profile,omitzero"`
}

// Capabilities of a model that Scrip acts on.
const (
	StrictSchema = "strict_schema" // takes a JSON schema as a strict response format
)

// Prices are USD for 1,000,000 tokens, by class of usage.
type Prices struct {
	Input            *decimal.Decimal `json:"input,omitempty"`
	CachedInput      *decimal.Decimal `json:"cached_input,omitempty"`
	CacheWrite       *decimal.Decimal `json:"cache_write,omitempty"`
	ImageInput       *decimal.Decimal `json:"image_input,omitempty"`
	CachedImageInput *decimal.Decimal `json:"cached_image_input,omitempty"`
	Output           *decimal.Decimal `json:"output,omitempty"`
	Reasoning        *decimal.Decimal `json:"reasoning,omitempty"` // as Output if not set
	ImageOutput      *decimal.Decimal `json:"image_output,omitempty"`
}

// ImagePrice is USD for one picture of a size and a quality; an empty field fits any.
type ImagePrice struct {
	Size    string          `json:"size,omitempty"`
	Quality string          `json:"quality,omitempty"`
	USD     decimal.Decimal `json:"usd"`
}

// Profile is what the provider needs to be told, or must not be told, for this model.
type Profile struct {
	Parameters map[string]json.RawMessage `json:"parameters,omitempty"` // put into the request as they are
	Omit       []string                   `json:"omit,omitempty"`       // fields of the request that the model refuses
	MinArea    int64                      `json:"min_area,omitempty"`   // pixels; a smaller size is replaced by SquareSize
	Quality    string                     `json:"quality,omitempty"`    // the quality asked for, in the model's own word
}

// Provider is a service that models are called at.
type Provider struct {
	ID          string `json:"id"` // "openai"; unique
	DisplayName string `json:"display_name,omitempty"`
	BaseURL     string `json:"base_url,omitempty"` // overrides the adapter's own
	Active      bool   `json:"active"`
}

// OperationCost is what an operation costs when the model does not say.
type OperationCost struct {
	Operation         string          `json:"operation"`         // unique
	TokensPerCredit   int64           `json:"tokens_per_credit"` // used if the model has none; at least 1
	MinCredits        credits.Amount  `json:"min_credits"`       // the least a call costs; for pictures, each
	PricePerCreditUSD decimal.Decimal `json:"price_per_credit_usd"`
	Active            bool            `json:"active"`
}

// Settings say how functions are called: those of the system in a [Configuration], and an account's own, which go before
// them, in [AccountSettings]. What is not set is left to the next level; see [Snapshot.Effective].
type Settings struct {
	Functions map[string]FunctionSettings `json:"functions,omitempty"` // by the function's name
	Images    ImageSettings               `json:"images,omitzero"`
}

// FunctionSettings are the settings of one AI function.
type FunctionSettings struct {
	Model string `json:"model,omitempty"`
	// Fallbacks are models to ask, in this order, when the first cannot be: it is not reached, has no room, or refuses the
	// key. They are of the first one's kind. Each may be of another provider and have another price.
	Fallbacks   []string         `json:"fallbacks,omitempty"`
	Temperature *decimal.Decimal `json:"temperature,omitempty"` // 0 to 2; the provider's own if nobody sets it
	MaxTokens   int64            `json:"max_tokens,omitempty"`  // of an answer; the function's own bound if nobody sets it
	Prompt      string           `json:"prompt,omitempty"`      // the function's built-in prompt if nobody sets it
}

// ImageSettings are the settings of pictures.
type ImageSettings struct {
	Style       string `json:"style,omitempty"`        // photorealistic, illustration …
	QualityTier string `json:"quality_tier,omitempty"` // pictures are made with the model of this tier, see [Snapshot.OfTier]
	Format      Format `json:"format,omitempty"`       // what models are asked for that take it; what each makes by itself if nobody sets it
	// PerArticle is how many pictures go into an article besides the featured one: 0 to 8; none if nobody sets it.
	PerArticle *int `json:"per_article,omitempty"`
}

// Format is the encoding of a picture.
type Format string

// The formats that can be asked for.
const (
	PNG  Format = "png"
	JPEG Format = "jpeg"
	WebP Format = "webp" // an engine decodes it only if its host imports a decoder
)
