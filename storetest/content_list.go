package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/scrip-go/scrip/automation/content"
)

var listCases = []testCase[*contentTest]{
	{"ListsByPositionAndID", "List yields the rows of a site by position, and rows of equal position by the bytes of their ids; a row that moves is listed where it is",
		func(t *contentTest) {
			t.keywords("b@2", "a@2", "z@-1", "c@10", "d@9")
			t.wantList(content.Query{}, "z", "a", "b", "d", "c")
			t.keywords("c@1", "z@2")
			t.wantList(content.Query{}, "c", "a", "b", "z", "d")
			t.keywords("_@1", "Z@1", "é@1", "10@1", "9@1", "e@1", "cc@1", "a@9223372036854775807", "b@-9223372036854775808")
			t.wantList(content.Query{}, "b", "10", "9", "Z", "_", "c", "cc", "e", "é", "z", "d", "a")
		}},
	{"PagesRows", "List begins after the row it is given and ends at its limit; the row need not be one that the query selects",
		func(t *contentTest) {
			t.keywords("a@1", "b@1", "c@2", "d@3", "e@3")
			t.mapped("b")
			t.wantList(content.Query{Limit: 2}, "a", "b")
			t.wantList(content.Query{After: "b", Limit: 2}, "c", "d")
			t.wantList(content.Query{After: "d", Limit: 2}, "e")
			t.wantList(content.Query{After: "e"})
			t.wantList(content.Query{After: "b", Status: content.New}, "c", "d", "e")
			t.wantList(content.Query{Status: content.New, Limit: 2}, "a", "c")
			t.wantList(content.Query{After: "a", Status: content.Mapped}, "b")
		}},
	{"ListsManyRows", "List yields each row once, in order, however many have the same position, with a limit and without",
		func(t *contentTest) {
			const n = 600
			rows := make([]content.Keyword, n)
			for i := range rows {
				rows[i] = keyword(fmt.Sprintf("k%03d", i*7%n), int64(i*7%n/250))
			}
			must(t, t.Keywords().Save(t.Context(), rows...), "Save")
			all := make([]string, n)
			for i := range all {
				all[i] = fmt.Sprintf("k%03d", i)
			}
			t.wantList(content.Query{}, all...)
			t.wantList(content.Query{Status: content.New, Limit: n - 50}, all[:n-50]...)
			t.wantList(content.Query{After: "k010"}, all[11:]...)
		}},
	{"RefusesToListAfterNothing", "an After that is not a row of the site is ErrNotFound",
		func(t *contentTest) {
			t.keywords("a@1")
			other := keyword("other", 0)
			other.Site = "another"
			must(t, t.Keywords().Save(t.Context(), other), "Save")
			for _, id := range []string{"unknown", "other"} {
				err := lastError(t.Keywords().List(t.Context(), content.Query{Site: site, After: id}))
				wantErr(t, err, content.ErrNotFound, "List after "+id)
			}
		}},
	{"SelectsByStatusAndParent", "a query selects by status and by what a row belongs to, and Count counts what List yields, without After and Limit",
		func(t *contentTest) {
			t.parents()
			for _, kind := range t.kinds() {
				rows := []content.Base{base("x1", 1, kind.start), base("x2", 2, kind.start)}
				must(t, kind.save(t.Context(), rows...), "Save "+kind.name)
				next := content.Completed
				switch kind.name {
				case "keyword", "cluster":
					next = content.Mapped
				case "idea":
					next = content.Queued
				case "article":
					next = content.Review
				case "image":
					next = content.Failed
				}
				rows[1].Status = next
				must(t, kind.save(t.Context(), rows[1]), "Save "+kind.name)
				t.wantIDs(kind, content.Query{Status: next}, "x2")
				t.wantIDs(kind, content.Query{Status: "none"})
				parent := "c"
				if kind.name == "image" {
					parent = "a"
				}
				if kind.name == "cluster" {
					continue // belongs to nothing
				}
				t.wantIDs(kind, content.Query{Parent: parent, Status: next}, "x2")
				t.wantIDs(kind, content.Query{Parent: "another"})
				all := []string{"x1", "x2"}
				switch kind.name { // the parents are rows themselves
				case "idea":
					all = append([]string{"i"}, all...)
				case "task":
					all = append([]string{"t"}, all...)
				case "article":
					all = append([]string{"a"}, all...)
				}
				t.wantIDs(kind, content.Query{Parent: parent}, all...)
			}
		}},
	{"KeepsSitesApart", "List and Count are about one site, which the query must name: else ErrInvalid",
		func(t *contentTest) {
			t.keywords("a@1", "b@2")
			other := keyword("other", 0)
			other.Site = "another"
			must(t, t.Keywords().Save(t.Context(), other), "Save")
			t.wantList(content.Query{}, "a", "b")
			n, err := t.Keywords().Count(t.Context(), content.Query{Site: "another"})
			if err != nil || n != 1 {
				t.Errorf("Count = %d, %v, want 1", n, err)
			}
			n, err = t.Keywords().Count(t.Context(), content.Query{Site: "nobody"})
			if err != nil || n != 0 {
				t.Errorf("Count of an unknown site = %d, %v, want 0", n, err)
			}
			_, err = t.Keywords().Count(t.Context(), content.Query{})
			wantErr(t, err, content.ErrInvalid, "Count without a site")
			wantErr(t, lastError(t.Keywords().List(t.Context(), content.Query{})), content.ErrInvalid, "List without a site")
		}},
	{"CountsWithoutPaging", "Count ignores After and Limit",
		func(t *contentTest) {
			t.keywords("a@1", "b@2", "c@3")
			n, err := t.Keywords().Count(t.Context(), content.Query{Site: site, After: "b", Limit: 1})
			if err != nil || n != 3 {
				t.Errorf("Count = %d, %v, want 3", n, err)
			}
			n, err = t.Keywords().Count(t.Context(), content.Query{Site: site, After: "unknown"})
			if err != nil || n != 3 {
				t.Errorf("Count after an unknown row = %d, %v, want 3", n, err)
			}
		}},
	{"LetsTheLoopSave", "the body of a loop over a list may save rows, and may leave it",
		func(t *contentTest) {
			t.keywords("a@1", "b@2", "c@3")
			must(t, t.Clusters().Save(t.Context(), cluster("c")), "Save")
			seen := 0
			for k, err := range t.Keywords().List(t.Context(), content.Query{Site: site, Limit: 3}) {
				must(t, err, "List")
				k.Status, k.Cluster = content.Mapped, "c"
				must(t, t.Keywords().Save(t.Context(), k), "Save in the loop")
				seen++
			}
			if seen != 3 {
				t.Errorf("List yields %d, want 3", seen)
			}
			for range 20 {
				for range t.Keywords().List(t.Context(), content.Query{Site: site}) {
					break
				}
			}
			n, err := t.Keywords().Count(t.Context(), content.Query{Site: site, Status: content.Mapped})
			if err != nil || n != 3 {
				t.Errorf("Count = %d, %v, want 3", n, err)
			}
		}},
}

var saveCases = []testCase[*contentTest]{
	{"SavesAllRowsOrNone", "if one of several rows is refused none is saved, neither the new ones nor the changed ones",
		func(t *contentTest) {
			t.keywords("known@1")
			changed := keyword("known", 5)
			changed.Text = "changed"
			err := t.Keywords().Save(t.Context(), keyword("new", 2), changed, keyword("", 3))
			wantErr(t, err, content.ErrInvalid, "Save with a row that is none")
			illegal := keyword("illegal", 0)
			illegal.Status = content.Completed
			err = t.Keywords().Save(t.Context(), changed, keyword("new", 2), illegal)
			wantErr(t, err, content.ErrTransition, "Save with an illegal step")
			wantKeywords(t, t, "known:text of known")
			must(t, t.Keywords().Save(t.Context()), "Save of no rows")
			must(t, t.Keywords().Save(t.Context(), keyword("new", 2), changed), "Save")
			wantKeywords(t, t, "new:text of new", "known:changed")
		}},
	{"SavesManyRowsAtOnce", "saves that run at once are all kept, and a row that many save is one row",
		func(t *contentTest) {
			errs := together(32, func(i int) error {
				return t.Keywords().Save(t.Context(), keyword(fmt.Sprintf("k%02d", i), int64(i)), keyword("shared", 99))
			})
			must(t, errors.Join(errs...), "Save by many")
			n, err := t.Keywords().Count(t.Context(), content.Query{Site: site})
			if err != nil || n != 33 {
				t.Errorf("Count = %d, %v, want 33", n, err)
			}
		}},
	{"TakesAStepOnce", "of many saves that race for a place that only one row may have one succeeds",
		func(t *contentTest) {
			t.parents()
			errs := together(16, func(i int) error {
				return t.Images().Save(t.Context(), image(fmt.Sprint("m", i), "a", 1))
			})
			if won, lost := matching(errs, nil), matching(errs, content.ErrInvalid); won != 1 || lost != 15 {
				t.Errorf("16 pictures in one place: %d are saved, %d are refused, want 1 and 15: %v", won, lost, errors.Join(errs...))
			}
		}},
	{"TakesNoStepBackInARace", "a row that takes a step while others save it as it was is not taken back: each save is judged by the row that it replaces",
		func(t *contentTest) {
			must(t, t.Clusters().Save(t.Context(), cluster("c")), "Save")
			for round := range 4 {
				id := fmt.Sprint("k", round)
				t.keywords(id + "@1")
				errs := together(16, func(i int) error {
					k := keyword(id, int64(i))
					if i == 0 {
						k.Status, k.Cluster = content.Mapped, "c"
					}
					return t.Keywords().Save(t.Context(), k)
				})
				must(t, errs[0], "Save of the step")
				if saved, refused := matching(errs, nil), matching(errs, content.ErrTransition); saved+refused != len(errs) {
					t.Errorf("16 saves: %d happen, %d are refused: %v", saved, refused, errors.Join(errs...))
				}
				if k, err := t.Keywords().Get(t.Context(), id); err != nil || k.Status != content.Mapped || k.Cluster != "c" {
					t.Errorf("Get = %q in cluster %q, %v, want it mapped to c", k.Status, k.Cluster, err)
				}
			}
		}},
	{"ChecksARowAgainstTheOneBefore", "a row that a call saves twice is checked against what the call made of it, and is as the last one says",
		func(t *contentTest) {
			must(t, t.Clusters().Save(t.Context(), cluster("c")), "Save")
			mapped := keyword("k", 2)
			mapped.Status, mapped.Cluster = content.Mapped, "c"
			wantErr(t, t.Keywords().Save(t.Context(), keyword("k", 1), mapped, keyword("k", 3)), content.ErrTransition, "Save of a step and back")
			t.wantList(content.Query{})
			must(t, t.Keywords().Save(t.Context(), keyword("k", 1), mapped), "Save of a row and its step")
			if k, err := t.Keywords().Get(t.Context(), "k"); err != nil || k.Status != content.Mapped || k.Position != 2 {
				t.Errorf("Get = %q at %d, %v, want it mapped at 2", k.Status, k.Position, err)
			}
		}},
	{"DoesNothingWithACancelledContext", "a call whose context is over before it begins returns the context's error and saves nothing",
		func(t *contentTest) {
			t.keywords("a@1")
			ctx := cancelled(t)
			wantErr(t, t.Keywords().Save(ctx, keyword("b", 2)), context.Canceled, "Save")
			_, err := t.Keywords().Get(ctx, "a")
			wantErr(t, err, context.Canceled, "Get")
			_, err = t.Keywords().Count(ctx, content.Query{Site: site})
			wantErr(t, err, context.Canceled, "Count")
			wantOneError(t, "List", t.Keywords().List(ctx, content.Query{Site: site}))
			t.wantList(content.Query{}, "a")
		}},
}

// keywords saves keywords given as "id@position".
func (t *contentTest) keywords(specs ...string) {
	t.Helper()
	for _, spec := range specs {
		id, at, _ := strings.Cut(spec, "@")
		position, err := strconv.ParseInt(at, 10, 64)
		must(t, err, "position of "+spec)
		must(t, t.Keywords().Save(t.Context(), keyword(id, position)), "Save "+spec)
	}
}

// mapped maps a keyword to a cluster.
func (t *contentTest) mapped(id string) {
	t.Helper()
	must(t, t.Clusters().Save(t.Context(), cluster("c")), "Save")
	k, err := t.Keywords().Get(t.Context(), id)
	must(t, err, "Get")
	k.Status, k.Cluster = content.Mapped, "c"
	must(t, t.Keywords().Save(t.Context(), k), "Save")
}

// wantList checks which keywords of the site a query selects, by id.
func (t *contentTest) wantList(q content.Query, want ...string) {
	t.Helper()
	t.wantIDs(t.kinds()[0], q, want...)
}

// wantIDs checks what List yields, and that Count agrees if the query does not page.
func (t *contentTest) wantIDs(kind rowKind, q content.Query, want ...string) {
	t.Helper()
	q.Site = site
	got, err := kind.list(t.Context(), q)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("List %s of %+v = %q, %v, want %q", kind.name, q, got, err, want)
	}
	if q.After != "" || q.Limit != 0 {
		return
	}
	n, err := kind.count(t.Context(), q)
	if err != nil || n != int64(len(want)) {
		t.Errorf("Count %s of %+v = %d, %v, want %d", kind.name, q, n, err, len(want))
	}
}

func lastError[T any](seq func(func(T, error) bool)) error {
	var last error
	for _, err := range seq {
		last = err
	}
	return last
}
