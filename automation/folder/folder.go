// Package folder publishes articles as a static site in a directory: an index in pages and a page for each article with
// its pictures, readable on a phone, without a script. Open index.html in a browser, or put the folder on any web server.
//
// A page is replaced as a whole or not at all, so a crash leaves no half page, and publishing the same post again
// writes the same files. A directory is for one process at a time.
package folder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/internal/durable"
)

// ErrForeign is a directory with files in it that no Site made.
var ErrForeign = errors.New("not empty, and not a site made by Scrip")

// Config is what a Site is made of.
type Config struct {
	Dir         string // made if it does not exist; required
	Title       string // of the site; "Articles" if empty
	Description string // one sentence beneath the title; may be empty
	Lang        string // language of the content, "en" if empty
}

// Site is a [content.Publisher] and [content.Indexer]. It is safe for concurrent use for different posts.
type Site struct {
	cfg     Config
	records sync.Mutex // which files are whose is read and written by one at a time
}

var (
	_ content.Publisher = (*Site)(nil)
	_ content.Indexer   = (*Site)(nil)
)

// The files of a site, besides the index pages.
const (
	marker   = ".scrip-site"      // says that the directory is ours, and holds the record of each published key
	unborn   = marker + "/unborn" // files that are being written, until they get their names
	articles = "articles"
	pictures = "pictures"
)

// Open makes the directory, if need be, and returns the site in it. It refuses a directory with foreign files. Errors:
// ErrForeign, and those of the file system.
func Open(cfg Config) (*Site, error) {
	if cfg.Title == "" {
		cfg.Title = "Articles"
	}
	if cfg.Lang == "" {
		cfg.Lang = "en"
	}
	s := &Site{cfg: cfg}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("folder: open %q: %w", cfg.Dir, err)
	}
	return s, nil
}

func (s *Site) open() error {
	if s.cfg.Dir == "" {
		return errors.New("the directory is not named")
	}
	if err := os.MkdirAll(s.cfg.Dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.cfg.Dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(s.path(marker)); len(entries) > 0 && err != nil {
		return ErrForeign
	}
	for _, dir := range []string{marker, articles, pictures} {
		if err := os.MkdirAll(s.path(dir), 0o755); err != nil {
			return err
		}
	}
	if err := durable.Scratch(s.path(unborn)); err != nil {
		return err
	}
	return s.write("style.css", []byte(style))
}

func (s *Site) path(parts ...string) string {
	return filepath.Join(append([]string{s.cfg.Dir}, parts...)...)
}

// Publish writes the post's page and its pictures. The key must be fit for a file's name.
func (s *Site) Publish(ctx context.Context, p content.Post) (content.Publication, error) {
	pub, err := s.publish(ctx, p)
	if err != nil {
		return content.Publication{}, fmt.Errorf("folder: publish %q: %w", p.Key, err)
	}
	return pub, nil
}

func (s *Site) publish(ctx context.Context, p content.Post) (content.Publication, error) {
	for _, name := range []string{p.Key, p.Article.Slug} {
		if name == "" || strings.ContainsAny(name, `/\:`) || strings.HasPrefix(name, ".") {
			return content.Publication{}, fmt.Errorf("key and slug must be plain names: %q", name)
		}
	}
	old, err := s.remember(p)
	if err != nil {
		return content.Publication{}, err
	}
	for _, img := range p.Images {
		data, err := img.Read(ctx)
		if err != nil {
			return content.Publication{}, err
		}
		if err := s.write(pictureFile(p, img), data); err != nil {
			return content.Publication{}, err
		}
	}
	page, err := s.articlePage(p)
	if err != nil {
		return content.Publication{}, err
	}
	if err := s.write(pageFile(p), page); err != nil {
		return content.Publication{}, err
	}
	if err := s.forget(old, p); err != nil {
		return content.Publication{}, err
	}
	return content.Publication{ExternalID: p.Key, ExternalURL: pageFile(p)}, nil
}

func pageFile(p content.Post) string { return articles + "/" + p.Article.Slug + ".html" }

func pictureFile(p content.Post, img content.PostImage) string {
	ext := strings.TrimPrefix(img.Blob.Type, "image/")
	return fmt.Sprintf("%s/%s-%d.%s", pictures, p.Article.Slug, img.Ordinal, strings.ReplaceAll(ext, "jpeg", "jpg"))
}

func (s *Site) write(file string, data []byte) error {
	return durable.WriteFile(s.path(unborn), s.path(file), data)
}
