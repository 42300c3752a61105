package content

import (
	"context"
	"errors"
	"html"
	"iter"
	"strconv"
	"strings"
)

// PostImage is a picture of a post.
type PostImage struct {
	Type    ImageType
	Ordinal int
	Alt     string
	Blob    Blob
	// Read returns the picture's bytes.
	Read func(ctx context.Context) ([]byte, error)
}

// Post is an article ready to be published.
type Post struct {
	Key     string // names the post for ever: publishing the same key again updates the post, it never makes a second one
	Article Article
	Cluster Cluster     // without a name if the article is in none
	Images  []PostImage // generated ones only, the featured one first
}

// Publication says where a post went.
type Publication struct {
	ExternalID  string `json:"external_id"`
	ExternalURL string `json:"external_url"`
}

// What an error of a publisher may match, to say whose fault it is. One that matches none of them counts as the post's, and is
// tried again a few times.
var (
	// ErrSiteRefuses: the site does not let us publish, whatever the post. Somebody has to mend that first.
	ErrSiteRefuses = errors.New("the site refuses to be published on")
	// ErrSiteUnavailable: the site did not answer, or not as it should, and may do so later.
	ErrSiteUnavailable = errors.New("the site does not answer as it should")
	// ErrPostRefused: the site would refuse this post again.
	ErrPostRefused = errors.New("the site refuses the post")
)

// Publisher puts posts on a site. Publish is idempotent by p.Key, also after an error or a crash, and safe for
// concurrent use for different keys. Errors may match [ErrSiteRefuses], [ErrSiteUnavailable] and [ErrPostRefused].
type Publisher interface {
	Publish(ctx context.Context, p Post) (Publication, error)
}

// Indexer is implemented by a publisher that has work to do once a run's posts are all published, such as an index page.
// posts yields every published post of the site, by position.
type Indexer interface {
	Index(ctx context.Context, posts iter.Seq2[Post, error]) error
}

// Featured returns the featured picture, or nil.
func (p Post) Featured() *PostImage {
	for i := range p.Images {
		if p.Images[i].Type == Featured {
			return &p.Images[i]
		}
	}
	return nil
}

// Render returns the article's HTML with its in-article pictures placed between sections; src gives the address of a
// picture. The featured picture is left to the publisher. The HTML must be sanitised: a section then begins with "<h2"
// and with nothing else.
func (p Post) Render(src func(PostImage) string) string {
	sections := strings.Split(p.Article.HTML, "<h2")
	var pictures []PostImage
	for _, img := range p.Images {
		if img.Type == InArticle {
			pictures = append(pictures, img)
		}
	}
	var b strings.Builder
	placed := 0
	for i, section := range sections {
		if i > 0 {
			b.WriteString("<h2")
		}
		b.WriteString(section)
		// Spread the pictures evenly: picture k ends the section that lies k/(n+1) of the way through.
		for placed < len(pictures) && (i+1)*(len(pictures)+1) >= (placed+1)*len(sections) && i > 0 || placed < len(pictures) && i == len(sections)-1 {
			b.WriteString(figure(pictures[placed], src))
			placed++
		}
	}
	return b.String()
}

func figure(img PostImage, src func(PostImage) string) string {
	return `<figure><img src="` + html.EscapeString(src(img)) + `" alt="` + html.EscapeString(img.Alt) +
		`" width="` + strconv.Itoa(img.Blob.Width) + `" height="` + strconv.Itoa(img.Blob.Height) + `" loading="lazy"></figure>` + "\n"
}
