package content

import (
	"encoding/json"
	"time"
)

// Status is where a row is in its life; which values a kind of row knows is said at the kind.
type Status string

// The statuses of rows.
const (
	New       Status = "new"
	Mapped    Status = "mapped"
	Queued    Status = "queued"
	Completed Status = "completed"
	Draft     Status = "draft"
	Review    Status = "review"
	Approved  Status = "approved"
	Pending   Status = "pending"
	Generated Status = "generated"
	Failed    Status = "failed"
)

// Base is what every row has.
type Base struct {
	ID   string `json:"id"`   // see NewID
	Site string `json:"site"` // the site it belongs to; rows of different sites never meet
	// Position orders the rows of a kind in a site; rows of equal position are ordered by ID.
	Position  int64     `json:"position"`
	Status    Status    `json:"status"`
	CreatedAt time.Time `json:"created_at"` // set by the store when the row is first saved
	UpdatedAt time.Time `json:"updated_at"` // set by the store
}

// Keyword is a search phrase. Status: new → mapped.
type Keyword struct {
	Base
	Text       string `json:"text"`
	Volume     *int64 `json:"volume,omitempty"`     // searches per month, if known
	Difficulty *int64 `json:"difficulty,omitempty"` // 0 to 100, if known
	Cluster    string `json:"cluster,omitempty"`    // id of its cluster, once mapped
}

// Cluster is a group of keywords that one set of articles can serve. Status: new → mapped (its ideas exist).
type Cluster struct {
	Base
	Name        string `json:"name"`
	Description string `json:"description"`
}

// Section is a heading of an outline with what is to be said under it.
type Section struct {
	Heading string   `json:"heading"`
	Points  []string `json:"points"`
}

// Brief is what an idea says about the article to be written. It is handed on to the task as it is.
type Brief struct {
	Title       string    `json:"title"`
	Description string    `json:"description"`
	Type        string    `json:"content_type"`      // post, page, product, service
	Structure   string    `json:"content_structure"` // article, guide, comparison, review, listicle, product_page, service_page …
	Primary     string    `json:"primary_keyword"`   // text
	Secondary   []string  `json:"secondary_keywords"`
	Outline     []Section `json:"outline"`
	WordCount   int64     `json:"word_count"` // words the article should have
}

// Idea is an article that could be written. Status: new → queued (its task exists) → completed (it is written).
type Idea struct {
	Base
	Cluster string `json:"cluster"` // id
	Brief
}

// Task is an article to be written. Status: queued → completed.
type Task struct {
	Base
	Cluster string `json:"cluster"` // id
	Idea    string `json:"idea"`    // id
	Brief
}

// SiteStatus says where an article is on the site, apart from its editorial status.
type SiteStatus string

// The site statuses: not_published → published; not_published or published → failed; failed → published.
const (
	SiteNotPublished SiteStatus = "not_published"
	SitePublished    SiteStatus = "published"
	SiteFailed       SiteStatus = "failed"
)

// Article is a written text. Status: draft → review → approved.
type Article struct {
	Base
	Cluster         string     `json:"cluster"` // id; empty for none
	Task            string     `json:"task"`    // id; never changed
	Title           string     `json:"title"`
	Slug            string     `json:"slug"` // unique in the site
	HTML            string     `json:"html"` // sanitised
	Excerpt         string     `json:"excerpt"`
	MetaTitle       string     `json:"meta_title"`
	MetaDescription string     `json:"meta_description"`
	Primary         string     `json:"primary_keyword"`
	Secondary       []string   `json:"secondary_keywords"`
	Categories      []string   `json:"categories"`
	Tags            []string   `json:"tags"`
	WordCount       int64      `json:"word_count"` // counted, not claimed
	SiteStatus      SiteStatus `json:"site_status"`
	ExternalID      string     `json:"external_id,omitempty"`  // the publisher's id of the post
	ExternalURL     string     `json:"external_url,omitempty"` // where it can be read
	// Raw is the model's whole answer, so that nothing it produced is lost.
	Raw json.RawMessage `json:"raw,omitempty"`
}

// ImageType says what a picture is for.
type ImageType string

// The types of picture.
const (
	Featured  ImageType = "featured"
	InArticle ImageType = "in_article"
)

// Blob says where the bytes of a picture are.
type Blob struct {
	Name   string `json:"name"`   // in the blob store
	SHA256 string `json:"sha256"` // hexadecimal
	Size   int64  `json:"size"`   // bytes
	Type   string `json:"type"`   // image/png …
	Width  int    `json:"width"`  // pixels
	Height int    `json:"height"`
}

// Image is a picture of an article. Status: pending → generated or failed; failed → pending or generated. There is one
// for each article, type and ordinal.
type Image struct {
	Base
	Article string    `json:"article"` // id
	Type    ImageType `json:"type"`
	Ordinal int       `json:"ordinal"` // 0 for the featured picture; 1, 2 … for pictures in the article
	Prompt  string    `json:"prompt"`
	Alt     string    `json:"alt"`
	Blob    Blob      `json:"blob,omitzero"`
}
