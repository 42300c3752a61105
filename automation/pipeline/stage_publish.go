package pipeline

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
)

// publishStage publishes the site's drafts and what has got a picture since it was published, and then the index. It pays
// for nothing.
type publishStage struct{ *Pipeline }

func (s *publishStage) Name() string              { return Publish }
func (s *publishStage) Policy() automation.Policy { return policy }

func (s *publishStage) Plan(ctx context.Context, in automation.Inputs) iter.Seq2[automation.Item, error] {
	return planRows(ctx, in, s.cfg.Content.Articles(), content.Query{Site: in.Site}, func(a content.Article) (string, any, error) {
		waits := a.Status == content.Draft
		if a.Status == content.Approved && a.SiteStatus == content.SitePublished {
			var err error
			if waits, err = s.pictureSince(ctx, a); err != nil {
				return "", nil, err
			}
		}
		if !waits {
			return "", nil, nil
		}
		return a.ID, nil, nil
	})
}

// pictureSince reports whether an article has a picture that was made after it was published: one that an earlier run gave up,
// and a later one paid for.
func (s *publishStage) pictureSince(ctx context.Context, a content.Article) (bool, error) {
	for image, err := range s.generated(ctx, a) {
		if err != nil || image.UpdatedAt.After(a.UpdatedAt) {
			return err == nil, err
		}
	}
	return false, nil
}

func (s *publishStage) Do(ctx context.Context, c automation.Call) (automation.Outcome, error) {
	article, err := s.cfg.Content.Articles().Get(ctx, c.Item.ID)
	if err != nil {
		return automation.Outcome{}, err
	}
	post, err := s.post(ctx, article)
	if err != nil {
		return automation.Outcome{}, err
	}
	published, err := s.cfg.Publisher.Publish(ctx, post)
	if err != nil {
		return automation.Outcome{}, classify(err, c)
	}
	out, err := json.Marshal(published)
	return automation.Outcome{Out: out}, err
}

func (s *publishStage) Save(ctx context.Context, tx automation.Tx, c automation.Call, out json.RawMessage) (int, error) {
	store, err := s.cfg.Content.In(tx)
	if err != nil {
		return 0, err
	}
	published, err := decode[content.Publication](out)
	if err != nil {
		return 0, err
	}
	article, err := store.Articles().Get(ctx, c.Item.ID)
	if err != nil {
		return 0, err
	}
	article.Status, article.SiteStatus = content.Approved, content.SitePublished
	article.ExternalID, article.ExternalURL = published.ExternalID, published.ExternalURL
	return 1, store.Articles().Save(ctx, article)
}

// Finish lets the publisher write its index over everything that is published.
func (s *publishStage) Finish(ctx context.Context, c automation.Call) error {
	indexer, ok := s.cfg.Publisher.(content.Indexer)
	if !ok {
		return nil
	}
	return indexer.Index(ctx, func(yield func(content.Post, error) bool) {
		for article, err := range s.cfg.Content.Articles().List(ctx, content.Query{Site: c.Site}) {
			if err == nil && article.SiteStatus != content.SitePublished {
				continue
			}
			var post content.Post
			if err == nil {
				post, err = s.post(ctx, article)
			}
			if !yield(post, err) || err != nil {
				return
			}
		}
	})
}

// post gathers what belongs to an article.
func (p *Pipeline) post(ctx context.Context, a content.Article) (content.Post, error) {
	post := content.Post{Key: a.ID, Article: a}
	var err error
	if a.Cluster != "" { // an article of the host's own may be in none
		if post.Cluster, err = p.cfg.Content.Clusters().Get(ctx, a.Cluster); err != nil {
			return content.Post{}, err
		}
	}
	for image, err := range p.generated(ctx, a) {
		if err != nil {
			return content.Post{}, err
		}
		post.Images = append(post.Images, content.PostImage{Type: image.Type, Ordinal: image.Ordinal, Alt: image.Alt, Blob: image.Blob,
			Read: func(ctx context.Context) ([]byte, error) { return p.cfg.Blobs.Get(ctx, image.Blob.Name) }})
	}
	return post, nil
}

// generated yields the pictures of an article that there are.
func (p *Pipeline) generated(ctx context.Context, a content.Article) iter.Seq2[content.Image, error] {
	return p.cfg.Content.Images().List(ctx, content.Query{Site: a.Site, Parent: a.ID, Status: content.Generated})
}
