package folder

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"iter"
	"net/url"
	"os"

	"github.com/scrip-go/scrip/automation/content"
)

//go:embed page.html index.html style.css
var files embed.FS

var (
	pageTemplate  = template.Must(template.ParseFS(files, "page.html"))
	indexTemplate = template.Must(template.ParseFS(files, "index.html"))
	style         = func() string { b, _ := files.ReadFile("style.css"); return string(b) }()
)

type picture struct {
	Src, Alt      string
	Width, Height int
}

type articleData struct {
	Site     Config
	Post     content.Post
	Body     template.HTML
	Featured *picture
	Minutes  int64
}

// wordsPerMinute is what people read of plain text on a screen, roughly.
const wordsPerMinute = 220

func (s *Site) articlePage(p content.Post) ([]byte, error) {
	src := func(img content.PostImage) string { return "../" + address(pictureFile(p, img)) }
	d := articleData{Site: s.cfg, Post: p, Minutes: max(1, (p.Article.WordCount+wordsPerMinute/2)/wordsPerMinute),
		// The pipeline sanitised the HTML when it stored it; Render adds pictures whose texts it escapes.
		Body: template.HTML(p.Render(src))}
	if f := p.Featured(); f != nil {
		d.Featured = &picture{src(*f), f.Alt, f.Blob.Width, f.Blob.Height}
	}
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, d)
	return b.Bytes(), err
}

// address is a file as an address relative to the site.
func address(file string) string { return (&url.URL{Path: file}).EscapedPath() }

type card struct {
	Href, Title, Excerpt string
	Minutes              int64
	Picture              *picture
}

type topic struct {
	Name  string
	Cards []card
}

type indexData struct {
	Site           Config
	Topics         []topic
	Page           int
	Newer, Further string // addresses of the pages beside this one; empty if there is none
}

// perPage is how many articles an index page lists.
const perPage = 48

// Index writes the index pages and removes what is left of posts that are not in it. Besides a hash for each file its
// memory does not grow with the site.
func (s *Site) Index(ctx context.Context, posts iter.Seq2[content.Post, error]) error {
	if err := s.index(ctx, posts); err != nil {
		return fmt.Errorf("folder: index: %w", err)
	}
	return nil
}

func (s *Site) index(ctx context.Context, posts iter.Seq2[content.Post, error]) error {
	page, n := indexData{Site: s.cfg, Page: 1}, 0
	keep := live{}
	for p, err := range posts {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if n == perPage {
			page.Further = indexName(page.Page + 1)
			if err := s.writeIndex(page); err != nil {
				return err
			}
			page, n = indexData{Site: s.cfg, Page: page.Page + 1, Newer: indexName(page.Page)}, 0
		}
		page.add(p)
		keep.add(p)
		n++
	}
	if err := s.writeIndex(page); err != nil {
		return err
	}
	for i := page.Page + 1; ; i++ {
		err := os.Remove(s.path(indexName(i)))
		if errors.Is(err, fs.ErrNotExist) {
			return s.prune(keep) // there are no more
		}
		if err != nil {
			return err
		}
	}
}

func (d *indexData) add(p content.Post) {
	if len(d.Topics) == 0 || d.Topics[len(d.Topics)-1].Name != p.Cluster.Name {
		d.Topics = append(d.Topics, topic{Name: p.Cluster.Name})
	}
	c := card{Href: address(pageFile(p)), Title: p.Article.Title, Excerpt: p.Article.Excerpt,
		Minutes: max(1, (p.Article.WordCount+wordsPerMinute/2)/wordsPerMinute)}
	if f := p.Featured(); f != nil {
		c.Picture = &picture{address(pictureFile(p, *f)), f.Alt, f.Blob.Width, f.Blob.Height}
	}
	last := &d.Topics[len(d.Topics)-1]
	last.Cards = append(last.Cards, c)
}

func indexName(page int) string {
	if page == 1 {
		return "index.html"
	}
	return fmt.Sprintf("page-%d.html", page)
}

func (s *Site) writeIndex(d indexData) error {
	var b bytes.Buffer
	if err := indexTemplate.Execute(&b, d); err != nil {
		return err
	}
	return s.write(indexName(d.Page), b.Bytes())
}
