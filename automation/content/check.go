package content

import (
	"fmt"
	"slices"
)

type steps map[Status][]Status

// A new row starts in a status listed under "".
var (
	keywordSteps = steps{"": {New}, New: {Mapped}}
	clusterSteps = steps{"": {New}, New: {Mapped}}
	ideaSteps    = steps{"": {New}, New: {Queued}, Queued: {Completed}}
	taskSteps    = steps{"": {Queued}, Queued: {Completed}}
	articleSteps = steps{"": {Draft}, Draft: {Review, Approved}, Review: {Approved, Draft}}
	imageSteps   = steps{"": {Pending}, Pending: {Generated, Failed}, Failed: {Pending, Generated}}
)

func (b Base) check(kind string, old *Base, legal steps) error {
	if b.ID == "" || b.Site == "" {
		return invalid(kind, b.ID, "id and site must be set")
	}
	from := Status("")
	if old != nil {
		if old.Site != b.Site {
			return invalid(kind, b.ID, "a row does not change its site")
		}
		if from = old.Status; from == b.Status {
			return nil
		}
	}
	if !slices.Contains(legal[from], b.Status) {
		return &TransitionError{Kind: kind, ID: b.ID, From: from, To: b.Status}
	}
	return nil
}

func invalid(kind, id, why string) error {
	return fmt.Errorf("content: save %s %q: %w: %s", kind, id, ErrInvalid, why)
}

// Check implements [Row].
func (k Keyword) Check(old *Keyword) error {
	switch {
	case k.Text == "":
		return invalid("keyword", k.ID, "the text is empty")
	case k.Status == Mapped && k.Cluster == "":
		return invalid("keyword", k.ID, "a mapped keyword names its cluster")
	case old == nil:
		return k.check("keyword", nil, keywordSteps)
	}
	return k.check("keyword", &old.Base, keywordSteps)
}

// Check implements [Row].
func (c Cluster) Check(old *Cluster) error {
	if c.Name == "" {
		return invalid("cluster", c.ID, "the name is empty")
	}
	if old == nil {
		return c.check("cluster", nil, clusterSteps)
	}
	return c.check("cluster", &old.Base, clusterSteps)
}

// Check implements [Row].
func (i Idea) Check(old *Idea) error {
	if i.Title == "" || i.Cluster == "" {
		return invalid("idea", i.ID, "title and cluster must be set")
	}
	if old == nil {
		return i.check("idea", nil, ideaSteps)
	}
	return i.check("idea", &old.Base, ideaSteps)
}

// Check implements [Row].
func (t Task) Check(old *Task) error {
	if t.Title == "" || t.Cluster == "" {
		return invalid("task", t.ID, "title and cluster must be set")
	}
	if old == nil {
		return t.check("task", nil, taskSteps)
	}
	return t.check("task", &old.Base, taskSteps)
}

// Check implements [Row].
func (a Article) Check(old *Article) error {
	switch {
	case a.Title == "" || a.Slug == "" || a.HTML == "":
		return invalid("article", a.ID, "title, slug and html must be set")
	case a.SiteStatus != SiteNotPublished && a.SiteStatus != SitePublished && a.SiteStatus != SiteFailed:
		return invalid("article", a.ID, fmt.Sprintf("unknown site status %q", a.SiteStatus))
	case old == nil:
		return a.check("article", nil, articleSteps)
	case old.Task != "" && old.Task != a.Task:
		return invalid("article", a.ID, "it is another task's article: a row does not change its task")
	case old.SiteStatus != SiteNotPublished && a.SiteStatus == SiteNotPublished:
		return &TransitionError{Kind: "article", ID: a.ID, From: Status(old.SiteStatus), To: Status(a.SiteStatus)}
	}
	return a.check("article", &old.Base, articleSteps)
}

// Check implements [Row].
func (i Image) Check(old *Image) error {
	switch {
	case i.Article == "" || i.Prompt == "":
		return invalid("image", i.ID, "article and prompt must be set")
	case i.Type != Featured && i.Type != InArticle:
		return invalid("image", i.ID, fmt.Sprintf("unknown type %q", i.Type))
	case i.Status == Generated && i.Blob.Name == "":
		return invalid("image", i.ID, "a generated image names its blob")
	case old == nil:
		return i.check("image", nil, imageSteps)
	}
	return i.check("image", &old.Base, imageSteps)
}
