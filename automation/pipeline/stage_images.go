package pipeline

import (
	"context"
	"encoding/json"
	"iter"
	"strconv"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
)

// imagePromptsStage describes the pictures of the site's drafts that have none.
type imagePromptsStage struct {
	paying[functions.ImagePromptsInput, functions.ImagePromptsOutput]
}

func newImagePromptsStage(p *Pipeline) *imagePromptsStage {
	return &imagePromptsStage{newPaying(p, p.cfg.Functions.ImagePrompts, nil,
		func(ctx context.Context, c automation.Call) (bool, error) {
			n, err := p.cfg.Content.Images().Count(ctx, content.Query{Site: c.Site, Parent: c.Item.ID})
			return n == 0, err
		})}
}

func (s *imagePromptsStage) Name() string { return ImagePrompts }

func (s *imagePromptsStage) Plan(ctx context.Context, in automation.Inputs) iter.Seq2[automation.Item, error] {
	pictures, err := s.pictures(ctx, in.Account)
	if err != nil || pictures == 0 {
		return func(yield func(automation.Item, error) bool) {
			if err != nil {
				yield(automation.Item{}, err)
			}
		}
	}
	return planRows(ctx, in, s.cfg.Content.Articles(), content.Query{Site: in.Site, Status: content.Draft},
		func(a content.Article) (string, any, error) {
			n, err := s.cfg.Content.Images().Count(ctx, content.Query{Site: in.Site, Parent: a.ID})
			if err != nil || n > 0 {
				return "", nil, err
			}
			return a.ID, functions.ImagePromptsInput{Title: a.Title, Excerpt: a.Excerpt, Headings: headings(a.HTML), Count: pictures}, nil
		})
}

func (s *imagePromptsStage) Save(ctx context.Context, tx automation.Tx, c automation.Call, out json.RawMessage) (int, error) {
	if out == nil { // what it was for does not wait any more
		return 0, nil
	}
	store, err := s.cfg.Content.In(tx)
	if err != nil {
		return 0, err
	}
	answer, err := decode[functions.ImagePromptsOutput](out)
	if err != nil {
		return 0, err
	}
	article, err := store.Articles().Get(ctx, c.Item.ID)
	if err != nil {
		return 0, err
	}
	var rows []content.Image
	for i, p := range append([]functions.ImagePrompt{answer.Featured}, answer.InArticle...) {
		kind := content.InArticle
		if i == 0 {
			kind = content.Featured
		}
		rows = append(rows, content.Image{
			Base: content.Base{ID: content.NewID(article.ID, "image", strconv.Itoa(i)), Site: c.Site,
				Position: article.Position*ordinals + int64(i), Status: content.Pending},
			Article: article.ID, Type: kind, Ordinal: i, Prompt: p.Prompt, Alt: p.Alt})
	}
	return len(rows), store.Images().Save(ctx, rows...)
}

// imagesStage makes the site's pending pictures, one call each.
type imagesStage struct {
	paying[functions.ImageInput, functions.ImageOutput]
}

func newImagesStage(p *Pipeline) *imagesStage {
	return &imagesStage{newPaying(p, p.cfg.Functions.Images, nil, hasStatus(p.cfg.Content.Images(), content.Pending))}
}

func (s *imagesStage) Name() string { return Images }

func (s *imagesStage) Plan(ctx context.Context, in automation.Inputs) iter.Seq2[automation.Item, error] {
	return planRows(ctx, in, s.cfg.Content.Images(), content.Query{Site: in.Site, Status: content.Pending},
		func(i content.Image) (string, any, error) {
			return i.ID, functions.ImageInput{Prompt: i.Prompt, Shape: shape(i)}, nil
		})
}

// shape is landscape at the head of an article; inside it, square and landscape take turns, as in the original.
func shape(i content.Image) engine.Shape {
	if i.Type == content.InArticle && i.Ordinal%2 == 1 {
		return engine.Square
	}
	return engine.Landscape
}

func (s *imagesStage) Save(ctx context.Context, tx automation.Tx, c automation.Call, out json.RawMessage) (int, error) {
	if out == nil { // what it was for does not wait any more
		return 0, nil
	}
	store, err := s.cfg.Content.In(tx)
	if err != nil {
		return 0, err
	}
	answer, err := decode[functions.ImageOutput](out)
	if err != nil {
		return 0, err
	}
	image, err := store.Images().Get(ctx, c.Item.ID)
	if err != nil {
		return 0, err
	}
	p := answer.Picture
	image.Status = content.Generated
	image.Blob = content.Blob{Name: p.Blob, SHA256: p.SHA256, Size: p.Size, Type: p.Type, Width: p.Width, Height: p.Height}
	return 1, store.Images().Save(ctx, image)
}
