package storetest

import (
	"errors"
	"reflect"
	"time"

	"github.com/scrip-go/scrip/automation/content"
)

var rowCases = []testCase[*contentTest]{
	{"KeepsRowsExactly", "a row comes back as it was saved, every field of it, raw answers byte by byte",
		func(t *contentTest) {
			t.parents()
			k := keyword("k", 7)
			k.Volume, k.Difficulty, k.Cluster = new(int64(0)), new(int64(42)), "c"
			sameRow(t, t.Keywords(), "k", k, func(k *content.Keyword) *content.Base { return &k.Base })
			sameRow(t, t.Keywords(), "plain", keyword("plain", -7), func(k *content.Keyword) *content.Base { return &k.Base })
			sameRow(t, t.Clusters(), "c2", cluster("c2"), func(c *content.Cluster) *content.Base { return &c.Base })
			sameRow(t, t.Ideas(), "i2", idea("i2", "c"), func(i *content.Idea) *content.Base { return &i.Base })
			sameRow(t, t.Tasks(), "t2", task("t2", "c", "i"), func(t *content.Task) *content.Base { return &t.Base })
			sameRow(t, t.Articles(), "a2", article("a2", "c", "t"), func(a *content.Article) *content.Base { return &a.Base })
			sameRow(t, t.Images(), "m2", image("m2", "a", 3), func(i *content.Image) *content.Base { return &i.Base })
		}},
	{"SetsTheTimes", "the store sets CreatedAt when a row is first saved and UpdatedAt each time, whatever the row says",
		func(t *contentTest) {
			t.parents()
			for _, kind := range t.kinds() {
				created := t.clock.now()
				b := base("x", 0, kind.start)
				b.CreatedAt, b.UpdatedAt = created.Add(time.Hour), created.Add(-time.Hour)
				must(t, kind.save(t.Context(), b), "Save "+kind.name)
				t.clock.advance(time.Minute)
				b.Position = 5
				must(t, kind.save(t.Context(), b), "Save "+kind.name+" again")
				got, err := kind.get(t.Context(), "x")
				if err != nil || !got.CreatedAt.Equal(created) || !got.UpdatedAt.Equal(t.clock.now()) || got.Position != 5 {
					t.Errorf("Get %s = %+v, %v, want position 5, created %v, updated %v", kind.name, got, err, created, t.clock.now())
				}
			}
		}},
	{"DoesNotKnowOtherRows", "an id that the table does not hold is ErrNotFound, also if another table holds it",
		func(t *contentTest) {
			t.parents()
			for _, kind := range t.kinds() {
				_, err := kind.get(t.Context(), "unknown")
				wantErr(t, err, content.ErrNotFound, "Get "+kind.name)
			}
			_, err := t.Keywords().Get(t.Context(), "c")
			wantErr(t, err, content.ErrNotFound, "Get of a cluster's id among the keywords")
		}},
	{"KeepsRowsApart", "what was saved or returned is the caller's: writing to it changes no row",
		func(t *contentTest) {
			t.parents()
			volume := int64(1)
			k := keyword("k", 0)
			k.Volume = &volume
			must(t, t.Keywords().Save(t.Context(), k), "Save")
			a := article("a2", "c", "t")
			must(t, t.Articles().Save(t.Context(), a), "Save")
			spoil := func(k content.Keyword, a content.Article) {
				*k.Volume = 99
				a.Secondary[0], a.Categories[1], a.Tags[0], a.Raw[0] = "spoiled", "spoiled", "spoiled", 'x'
			}
			spoil(k, a)
			for range 2 {
				k, err := t.Keywords().Get(t.Context(), "k")
				must(t, err, "Get")
				a, err := t.Articles().Get(t.Context(), "a2")
				must(t, err, "Get")
				want := article("a2", "c", "t")
				if *k.Volume != 1 || a.Secondary[0] != "s" || a.Categories[1] != "c2" || a.Tags[0] != "t" || string(a.Raw) != string(want.Raw) {
					t.Errorf("Get = %d, %+v, want what was saved", *k.Volume, a)
				}
				spoil(k, a)
				for _, k := range collect(t, t.Keywords().List(t.Context(), content.Query{Site: site}), "List") {
					spoil(k, a)
				}
				for _, a := range collect(t, t.Articles().List(t.Context(), content.Query{Site: site}), "List") {
					spoil(content.Keyword{Volume: new(int64)}, a)
				}
			}
			for range 2 {
				i, err := t.Ideas().Get(t.Context(), "i")
				must(t, err, "Get")
				task, err := t.Tasks().Get(t.Context(), "t")
				must(t, err, "Get")
				for _, b := range []content.Brief{i.Brief, task.Brief} {
					if b.Outline[0].Points[0] != "a" || b.Outline[1].Heading != "h2" || b.Secondary[1] != "s2" {
						t.Errorf("Get = %+v, want what was saved", b)
					}
					b.Outline[0].Points[0], b.Outline[1].Heading, b.Secondary[1] = "spoiled", "spoiled", "spoiled"
				}
			}
		}},
	{"TakesLegalStepsOnly", "a row's status changes by legal steps; any other is a *TransitionError that says from where to where, and leaves the row",
		func(t *contentTest) {
			t.parents()
			legal := map[string]map[content.Status][]content.Status{
				"keyword": {"": {content.New}, content.New: {content.Mapped}},
				"cluster": {"": {content.New}, content.New: {content.Mapped}},
				"idea":    {"": {content.New}, content.New: {content.Queued}, content.Queued: {content.Completed}},
				"task":    {"": {content.Queued}, content.Queued: {content.Completed}},
				"article": {"": {content.Draft}, content.Draft: {content.Review, content.Approved}, content.Review: {content.Draft, content.Approved}},
				"image":   {"": {content.Pending}, content.Pending: {content.Generated, content.Failed}, content.Failed: {content.Pending, content.Generated}},
			}
			for _, kind := range t.kinds() {
				for _, to := range []content.Status{content.New, content.Mapped, content.Queued, content.Completed, content.Draft, content.Review,
					content.Approved, content.Pending, content.Generated, content.Failed} {
					t.wantStep(kind, legal[kind.name], "", to)
					for from := range legal[kind.name] {
						if from != "" {
							t.wantStep(kind, legal[kind.name], from, to)
						}
					}
				}
			}
		}},
	{"KeepsAPublishedArticlePublished", "an article that was published, or failed to be, is never not published again",
		func(t *contentTest) {
			t.parents()
			a := article("a", "c", "t")
			for _, status := range []content.SiteStatus{content.SiteFailed, content.SitePublished} {
				a.SiteStatus = status
				must(t, t.Articles().Save(t.Context(), a), "Save")
				back := a
				back.SiteStatus = content.SiteNotPublished
				wantErr(t, t.Articles().Save(t.Context(), back), content.ErrTransition, "Save as not published")
			}
			got, err := t.Articles().Get(t.Context(), "a")
			if err != nil || got.SiteStatus != content.SitePublished {
				t.Errorf("Get = %q, %v, want published", got.SiteStatus, err)
			}
		}},
	{"RefusesRowsThatAreNone", "a row without an id, a site or what its kind requires is ErrInvalid; a row does not change its site, nor an article its task",
		func(t *contentTest) {
			t.parents()
			for _, kind := range t.kinds() {
				for name, b := range map[string]content.Base{
					"no id":   base("", 0, kind.start),
					"no site": {ID: "x", Status: kind.start},
				} {
					wantErr(t, kind.save(t.Context(), b), content.ErrInvalid, "Save "+kind.name+" with "+name)
				}
			}
			k := keyword("k", 0)
			must(t, t.Keywords().Save(t.Context(), k), "Save")
			k.Site = "another"
			wantErr(t, t.Keywords().Save(t.Context(), k), content.ErrInvalid, "Save in another site")
			must(t, t.Tasks().Save(t.Context(), task("t2", "c", "i")), "Save")
			changed := func(change func(*content.Article)) error {
				a := article("a", "c", "t")
				change(&a)
				return t.Articles().Save(t.Context(), a)
			}
			picture := image("x", "a", 1)
			picture.Prompt = ""
			odd := image("x", "a", 1)
			odd.Type = "odd"
			must(t, t.Images().Save(t.Context(), image("m", "a", 2)), "Save")
			lost := image("m", "a", 2)
			lost.Status, lost.Blob.Name = content.Generated, ""
			for name, err := range map[string]error{
				"article of another task":      changed(func(a *content.Article) { a.Task = "t2" }),
				"article of no task any more":  changed(func(a *content.Article) { a.Task = "" }),
				"article without a title":      changed(func(a *content.Article) { a.Title = "" }),
				"article without a slug":       changed(func(a *content.Article) { a.Slug = "" }),
				"article without text":         changed(func(a *content.Article) { a.HTML = "" }),
				"article nowhere":              changed(func(a *content.Article) { a.SiteStatus = "nowhere" }),
				"image without a prompt":       t.Images().Save(t.Context(), picture),
				"image of an odd type":         t.Images().Save(t.Context(), odd),
				"image that is nowhere":        t.Images().Save(t.Context(), lost),
				"keyword without text":         t.Keywords().Save(t.Context(), content.Keyword{Base: base("x", 0, content.New)}),
				"keyword mapped to no cluster": t.Keywords().Save(t.Context(), content.Keyword{Base: base("k", 0, content.Mapped), Text: "x"}),
				"cluster without a name":       t.Clusters().Save(t.Context(), content.Cluster{Base: base("x", 0, content.New)}),
				"idea without a cluster":       t.Ideas().Save(t.Context(), idea("x", "")),
				"task without a cluster":       t.Tasks().Save(t.Context(), task("x", "", "i")),
				"image of no article":          t.Images().Save(t.Context(), image("x", "", 1)),
			} {
				wantErr(t, err, content.ErrInvalid, "Save "+name)
			}
		}},
	{"RefusesReferencesToNothing", "a row that names a cluster, an idea, a task or an article which does not exist, or is of another site, is ErrInvalid",
		func(t *contentTest) {
			t.parents()
			foreign := cluster("foreign")
			foreign.Site = "another"
			must(t, t.Clusters().Save(t.Context(), foreign), "Save")
			k := keyword("k", 0)
			for _, id := range []string{"unknown", "foreign"} {
				k.Cluster = id
				for name, err := range map[string]error{
					"keyword":           t.Keywords().Save(t.Context(), k),
					"idea":              t.Ideas().Save(t.Context(), idea("x", id)),
					"task":              t.Tasks().Save(t.Context(), task("x", id, "i")),
					"task of an idea":   t.Tasks().Save(t.Context(), task("x", "c", id)),
					"article":           t.Articles().Save(t.Context(), article("x", id, "t")),
					"article of a task": t.Articles().Save(t.Context(), article("x", "c", id)),
					"image":             t.Images().Save(t.Context(), image("x", id, 1)),
				} {
					wantErr(t, err, content.ErrInvalid, "Save "+name+" with a reference to "+id)
				}
			}
			must(t, t.Tasks().Save(t.Context(), task("x", "c", "")), "Save of a task without an idea")
			must(t, t.Articles().Save(t.Context(), article("x", "", "")), "Save of an article without cluster and task")
		}},
	{"KeepsSlugsApart", "a slug is one article's in its site, and a picture's place is one image's in its article: another row that claims it is ErrInvalid",
		func(t *contentTest) {
			t.parents()
			second := article("a2", "c", "t")
			second.Slug = "slug-of-a"
			wantErr(t, t.Articles().Save(t.Context(), second), content.ErrInvalid, "Save of a second article with the slug")
			elsewhere := article("a3", "", "")
			elsewhere.Site, elsewhere.Slug = "another", "slug-of-a"
			must(t, t.Articles().Save(t.Context(), elsewhere), "Save of the slug in another site")
			moved := article("a", "c", "t")
			moved.Slug = "new"
			must(t, t.Articles().Save(t.Context(), moved), "Save of another slug")
			must(t, t.Articles().Save(t.Context(), second), "Save of the slug that is free now")

			must(t, t.Images().Save(t.Context(), image("m1", "a", 1)), "Save")
			wantErr(t, t.Images().Save(t.Context(), image("m2", "a", 1)), content.ErrInvalid, "Save of a second picture in the place")
			must(t, t.Images().Save(t.Context(), image("m2", "a", 2), image("m3", "a2", 1)), "Save of pictures in other places")
		}},
}

func sameRow[T content.Row[T]](t *contentTest, table content.Table[T], id string, row T, base func(*T) *content.Base) {
	t.Helper()
	must(t, table.Save(t.Context(), row), "Save "+id)
	got, err := table.Get(t.Context(), id)
	must(t, err, "Get "+id)
	b := base(&got)
	if now := t.clock.now(); !b.CreatedAt.Equal(now) || !b.UpdatedAt.Equal(now) {
		t.Errorf("Get(%q) = created %v, updated %v, want %v", id, b.CreatedAt, b.UpdatedAt, now)
	}
	b.CreatedAt, b.UpdatedAt = time.Time{}, time.Time{}
	if !reflect.DeepEqual(got, row) {
		t.Errorf("Get(%q) = %+v, want %+v", id, got, row)
	}
}

// wantStep saves a new row, leads it to from, and tries to get it to the status to.
func (t *contentTest) wantStep(kind rowKind, legal map[content.Status][]content.Status, from, to content.Status) {
	t.Helper()
	id := "step/" + string(from) + "/" + string(to)
	at := content.Status("")
	for _, next := range pathTo(legal, from) {
		must(t, kind.save(t.Context(), base(id, 0, next)), "Save "+kind.name+" as "+string(next))
		at = next
	}
	err := kind.save(t.Context(), base(id, 0, to))
	ok := at == to
	for _, next := range legal[at] {
		ok = ok || next == to
	}
	after := to
	if !ok {
		after = at
		var e *content.TransitionError
		if !errors.As(err, &e) || !errors.Is(err, content.ErrTransition) || e.Kind != kind.name || e.ID != id || e.From != at || e.To != to {
			t.Errorf("Save %s from %q to %q = %v, want a *TransitionError that says so", kind.name, at, to, err)
		}
	} else if err != nil {
		t.Errorf("Save %s from %q to %q = %v, want no error", kind.name, at, to, err)
	}
	got, err := kind.get(t.Context(), id)
	if after == "" {
		wantErr(t, err, content.ErrNotFound, "Get of a "+kind.name+" that was refused")
	} else if err != nil || got.Status != after {
		t.Errorf("Get %s = %q, %v, want %q", kind.name, got.Status, err, after)
	}
}

// pathTo returns the statuses on the way from nothing to a status.
func pathTo(legal map[content.Status][]content.Status, to content.Status) []content.Status {
	paths := map[content.Status][]content.Status{"": {}}
	for range legal { // no path is longer
		for from, path := range paths {
			for _, next := range legal[from] {
				if paths[next] == nil {
					paths[next] = append(append([]content.Status{}, path...), next)
				}
			}
		}
	}
	return paths[to]
}
