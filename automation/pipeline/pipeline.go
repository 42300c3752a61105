package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
)

// Content is a content store that can join the transaction in which a task is completed.
type Content interface {
	content.Store
	// In returns the store inside a transaction. Errors: automation.ErrForeignTx.
	In(tx automation.Tx) (content.Store, error)
}

// Ledger is what starting a run asks of a ledger: what its account has, and the caps of its runs. Every credits.Ledger has it.
type Ledger interface {
	Balance(ctx context.Context, account credits.Account) (credits.Balance, error)
	Caps(ctx context.Context, account credits.Account) ([]credits.CapUse, error)
	SetCap(ctx context.Context, c credits.Cap) error
	RemoveCap(ctx context.Context, r credits.RemoveCap) error
}

// Config is what a Pipeline is made of.
type Config struct {
	Engine    *engine.Engine    // required
	Functions *functions.Set    // required
	Content   Content           // required; of the same database as the automation's store
	Publisher content.Publisher // required
	Ledger    Ledger            // required to start runs; the engine's
	Blobs     engine.Blobs      // required: where the engine puts pictures
	// BatchSize is the most keywords that are grouped in one call; 20 if zero, at least 10.
	BatchSize int
}

// The names of the stages, in order.
const (
	Cluster      = "cluster"
	Ideas        = "ideas"
	Tasks        = "tasks"
	Write        = "content"
	ImagePrompts = "image_prompts"
	Images       = "images"
	Publish      = "publish"
)

// StageNames returns the names of all stages, in order.
func StageNames() []string {
	return []string{Cluster, Ideas, Tasks, Write, ImagePrompts, Images, Publish}
}

// ErrInvalid is a configuration, a request or a list of keywords that cannot be worked with.
var ErrInvalid = errors.New("invalid")

// Pipeline is the seven stages over one content store and one publisher.
type Pipeline struct {
	cfg Config
}

// pictures is how many pictures go into an article of an account besides the one at its head, by the settings that are
// in force; 0 is for no pictures at all.
func (p *Pipeline) pictures(ctx context.Context, account credits.Account) (int, error) {
	s, err := p.cfg.Engine.Images(ctx, account)
	if err != nil || s.PerArticle == nil {
		return 0, err
	}
	return *s.PerArticle, nil
}

// New returns a Pipeline. Mistakes are joined; each matches [ErrInvalid].
func New(cfg Config) (*Pipeline, error) {
	var errs []error
	bad := func(why string) { errs = append(errs, fmt.Errorf("pipeline: configuration: %w: %s", ErrInvalid, why)) }
	if cfg.Engine == nil || cfg.Functions == nil || cfg.Content == nil || cfg.Publisher == nil || cfg.Blobs == nil {
		bad("Engine, Functions, Content, Publisher and Blobs must be set")
	}
	if cfg.BatchSize == 0 {
		cfg.BatchSize = 20
	}
	// Two batches of half the size must still have enough keywords each.
	if cfg.BatchSize < 2*functions.MinKeywords || cfg.BatchSize > functions.MaxKeywords {
		bad(fmt.Sprintf("BatchSize is %d, want %d to %d", cfg.BatchSize, 2*functions.MinKeywords, functions.MaxKeywords))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Pipeline{cfg: cfg}, nil
}

// Stages returns the seven stages, for automation.Config.
func (p *Pipeline) Stages() []automation.Stage {
	return []automation.Stage{newClusterStage(p), newIdeasStage(p), &tasksStage{p}, newWriteStage(p),
		newImagePromptsStage(p), newImagesStage(p), &publishStage{p}}
}

func newItem(id string, input any) (automation.Item, error) {
	b, err := json.Marshal(input)
	return automation.Item{ID: id, Input: b}, err
}

func decode[T any](raw json.RawMessage) (T, error) {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, automation.Permanent(fmt.Errorf("pipeline: read %T: %w", v, err))
	}
	return v, nil
}
