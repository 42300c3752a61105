package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/sqlite"
)

func newRun(id, site string) automation.Run {
	return automation.Run{ID: id, Site: site, Account: "acme", Stages: []string{"one", "two"}, State: automation.Running}
}

func keyword(id, site string, position int64) content.Keyword {
	return content.Keyword{Base: content.Base{ID: id, Site: site, Position: position, Status: content.New}, Text: "text of " + id}
}

func siteQuery(site string) content.Query { return content.Query{Site: site} }

// claimOne plans one item in the first stage of a new run and claims it.
func claimOne(t *testing.T, db *sqlite.DB) automation.Task {
	t.Helper()
	if err := db.Runs().CreateRun(t.Context(), newRun("run-1", "site-1")); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Runs().Plan(t.Context(), "run-1", "one", []automation.Item{{ID: "i", Input: json.RawMessage(`{"n": 1}`)}}, 0, true); err != nil {
		t.Fatal(err)
	}
	claimed, err := db.Runs().Claim(t.Context(), "w", time.Minute, 10)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("Claim = %+v, %v, want one task", claimed, err)
	}
	return claimed[0]
}

func TestComplete(t *testing.T) {
	t.Run("SpansTaskAndContent", func(t *testing.T) {
		path := tempFile(t)
		db := open(t, path, nil)
		task := claimOne(t, db)
		var kept content.Store
		err := db.Runs().Complete(t.Context(), "w", task.Ref, automation.Outcome{Charged: 3}, func(tx automation.Tx) (int, error) {
			in, err := db.Content().In(tx)
			if err != nil {
				return 0, err
			}
			kept = in
			if err := in.Keywords().Save(t.Context(), keyword("k", "site-1", 1)); err != nil {
				return 0, err
			}
			if _, err := in.Keywords().Get(t.Context(), "k"); err != nil {
				return 0, fmt.Errorf("the transaction does not see its own row: %w", err)
			}
			if n, err := db.Content().Keywords().Count(t.Context(), siteQuery("site-1")); err != nil || n != 0 {
				t.Errorf("outside, Count = %d, %v, want 0 before the commit", n, err)
			}
			return 1, nil
		})
		if err != nil {
			t.Fatalf("Complete = %v", err)
		}
		if _, err := kept.Keywords().Get(t.Context(), "k"); err == nil {
			t.Error("the store of the transaction still works after it ended")
		}
		if err := kept.Keywords().Save(t.Context(), keyword("k2", "site-1", 1)); err == nil {
			t.Error("the store of the transaction still saves after it ended")
		}
		_, counts, err := db.Runs().Run(t.Context(), "run-1")
		want := automation.StageCount{Stage: "one", State: automation.StageDone, Total: 1, Done: 1, Created: 1, Credits: 3}
		if err != nil || counts[0] != want {
			t.Errorf("Run = %+v, %v, want %+v", counts, err, want)
		}
	})
	t.Run("UndoesEverythingIfSaveFails", func(t *testing.T) {
		db := open(t, tempFile(t), nil)
		task := claimOne(t, db)
		cause := errors.New("no")
		save := func(tx automation.Tx) (int, error) {
			in, err := db.Content().In(tx)
			if err != nil {
				return 0, err
			}
			if err := in.Keywords().Save(t.Context(), keyword("k", "site-1", 1)); err != nil {
				return 0, err
			}
			return 1, cause
		}
		if err := db.Runs().Complete(t.Context(), "w", task.Ref, automation.Outcome{}, save); err != cause {
			t.Errorf("Complete = %v, want what save returned", err)
		}
		func() {
			defer func() { recover() }()
			db.Runs().Complete(t.Context(), "w", task.Ref, automation.Outcome{}, func(tx automation.Tx) (int, error) {
				save(tx)
				panic("no")
			})
		}()
		canceled, cancel := context.WithCancel(t.Context())
		err := db.Runs().Complete(canceled, "w", task.Ref, automation.Outcome{}, func(tx automation.Tx) (int, error) {
			save(tx)
			cancel()
			return 1, nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Complete that was canceled in save = %v, want context.Canceled", err)
		}
		if _, err := db.Content().Keywords().Get(t.Context(), "k"); !errors.Is(err, content.ErrNotFound) {
			t.Errorf("Get = %v, want ErrNotFound", err)
		}
		if err := db.Runs().Complete(t.Context(), "w", task.Ref, automation.Outcome{}, nil); err != nil {
			t.Errorf("Complete after failures = %v: the task should still be the worker's", err)
		}
	})
	t.Run("KeepsTheOtherRowsOfASaveThatWasRefused", func(t *testing.T) {
		db := open(t, tempFile(t), nil)
		task := claimOne(t, db)
		err := db.Runs().Complete(t.Context(), "w", task.Ref, automation.Outcome{}, func(tx automation.Tx) (int, error) {
			in, err := db.Content().In(tx)
			if err != nil {
				return 0, err
			}
			bad := keyword("bad", "site-1", 2)
			bad.Cluster = "none"
			if err := in.Keywords().Save(t.Context(), keyword("first", "site-1", 1), bad); !errors.Is(err, content.ErrInvalid) {
				t.Errorf("Save = %v, want ErrInvalid", err)
			}
			return 1, in.Keywords().Save(t.Context(), keyword("good", "site-1", 1))
		})
		if err != nil {
			t.Fatal(err)
		}
		n, err := db.Content().Keywords().Count(t.Context(), siteQuery("site-1"))
		if err != nil || n != 1 {
			t.Errorf("Count = %d, %v, want 1: a save happens whole or not at all", n, err)
		}
	})
	t.Run("HandsTheSQLTransactionToAHostsStage", func(t *testing.T) {
		path := tempFile(t)
		db := open(t, path, nil)
		execute(t, raw(t, path, "_busy_timeout=5000"), `CREATE TABLE host (id TEXT)`)
		task := claimOne(t, db)
		err := db.Runs().Complete(t.Context(), "w", task.Ref, automation.Outcome{}, func(tx automation.Tx) (int, error) {
			_, err := tx.Unwrap().(*sql.Tx).Exec(`INSERT INTO host VALUES ('x')`)
			return 1, err
		})
		var n int
		if scanErr := raw(t, path, "").QueryRow(`SELECT count(*) FROM host`).Scan(&n); err != nil || scanErr != nil || n != 1 {
			t.Errorf("Complete = %v, and the host has %d rows, %v, want 1", err, n, scanErr)
		}
	})
	t.Run("RefusesAForeignTransaction", func(t *testing.T) {
		db, other := open(t, tempFile(t), nil), open(t, tempFile(t), nil)
		task := claimOne(t, db)
		var ended automation.Tx
		err := db.Runs().Complete(t.Context(), "w", task.Ref, automation.Outcome{}, func(tx automation.Tx) (int, error) {
			ended = tx
			if _, err := other.Content().In(tx); !errors.Is(err, automation.ErrForeignTx) {
				t.Errorf("In of another database = %v, want ErrForeignTx", err)
			}
			return 0, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, tx := range map[string]automation.Tx{"ended": ended, "nil": nil, "strange": strangeTx{}} {
			if _, err := db.Content().In(tx); !errors.Is(err, automation.ErrForeignTx) {
				t.Errorf("In(%s) = %v, want ErrForeignTx", name, err)
			}
		}
	})
}

type strangeTx struct{}

func (strangeTx) Unwrap() any { return "strange" }

func TestClaimTakesTasksInTheOrderOfPlanning(t *testing.T) {
	c := newClock()
	db := open(t, tempFile(t), &sqlite.Options{Now: c.now})
	for _, id := range []string{"a", "b"} {
		r := newRun(id, "site-"+id)
		r.Stages = []string{"one"}
		if err := db.Runs().CreateRun(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	plannings := map[string]int64{}
	for n := range 3 { // pages of both runs by turns
		for _, id := range []string{"a", "b"} {
			items := []automation.Item{{ID: fmt.Sprint(2 * n)}, {ID: fmt.Sprint(2*n + 1)}}
			planning, err := db.Runs().Plan(t.Context(), id, "one", items, plannings[id], n == 2)
			if err != nil {
				t.Fatal(err)
			}
			plannings[id] = planning
		}
	}
	var got []string
	for {
		claimed, err := db.Runs().Claim(t.Context(), "w", time.Minute, 5)
		if err != nil {
			t.Fatal(err)
		}
		if len(claimed) == 0 {
			break
		}
		for _, task := range claimed {
			got = append(got, task.Ref.Run+task.Ref.Item)
		}
	}
	want := []string{"a0", "a1", "b0", "b1", "a2", "a3", "b2", "b3", "a4", "a5", "b4", "b5"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("claimed %v, want %v", got, want)
	}
	_, counts, err := db.Runs().Run(t.Context(), "a")
	if err != nil || counts[0].Leased != 6 {
		t.Errorf("Run = %+v, %v, want 6 tasks in flight", counts, err)
	}
	// Claimed again after the lease: they are still as many.
	c.advance(2 * time.Minute)
	if claimed, err := db.Runs().Claim(t.Context(), "w2", time.Minute, 100); err != nil || len(claimed) != 12 || claimed[0].Ref.Generation != 2 {
		t.Errorf("Claim = %d tasks, %v, want 12 in generation 2", len(claimed), err)
	}
	if _, counts, _ = db.Runs().Run(t.Context(), "a"); counts[0].Leased != 6 {
		t.Errorf("%d tasks in flight, want 6", counts[0].Leased)
	}
}

func TestContentKeepsEveryField(t *testing.T) {
	path := tempFile(t)
	c := newClock()
	db := open(t, path, &sqlite.Options{Now: c.now})
	base := func(id string, status content.Status) content.Base {
		return content.Base{ID: id, Site: "s", Position: 7, Status: status, CreatedAt: c.now(), UpdatedAt: c.now()}
	}
	brief := content.Brief{Title: "t", Description: "d", Type: "post", Structure: "guide", Primary: "p", Secondary: []string{"a", "b"},
		Outline: []content.Section{{Heading: "h", Points: []string{"1", "2"}}}, WordCount: 900}
	volume := int64(0)
	cluster := content.Cluster{Base: base("c", content.New), Name: "n", Description: "d"}
	word := content.Keyword{Base: base("k", content.New), Text: "t", Volume: &volume, Cluster: "c"}
	idea := content.Idea{Base: base("i", content.New), Cluster: "c", Brief: brief}
	task := content.Task{Base: base("t", content.Queued), Cluster: "c", Idea: "i", Brief: brief}
	article := content.Article{Base: base("a", content.Draft), Cluster: "c", Task: "t", Title: "t", Slug: "t", HTML: "<p>\x00</p>", Excerpt: "e",
		MetaTitle: "m", MetaDescription: "md", Primary: "p", Categories: []string{"x"}, Tags: []string{}, WordCount: 5,
		SiteStatus: content.SiteNotPublished, ExternalID: "1", ExternalURL: "u", Raw: json.RawMessage(`{"cut": `)}
	image := content.Image{Base: base("im", content.Pending), Article: "a", Type: content.InArticle, Ordinal: 2, Prompt: "p", Alt: "al",
		Blob: content.Blob{Name: "b", SHA256: "ff", Size: 1 << 40, Type: "image/png", Width: 1, Height: 2}}
	err := errors.Join(
		db.Content().Clusters().Save(t.Context(), cluster),
		db.Content().Keywords().Save(t.Context(), word),
		db.Content().Ideas().Save(t.Context(), idea),
		db.Content().Tasks().Save(t.Context(), task),
		db.Content().Articles().Save(t.Context(), article),
		db.Content().Images().Save(t.Context(), image))
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	db = open(t, path, nil)
	wantRow(t, db.Content().Clusters(), cluster)
	wantRow(t, db.Content().Keywords(), word)
	wantRow(t, db.Content().Ideas(), idea)
	wantRow(t, db.Content().Tasks(), task)
	wantRow(t, db.Content().Articles(), article)
	wantRow(t, db.Content().Images(), image)
}

func wantRow[T content.Row[T]](t *testing.T, table content.Table[T], want T) {
	t.Helper()
	id := reflect.ValueOf(want).FieldByName("ID").String()
	got, err := table.Get(t.Context(), id)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Get(%q) = %+v, %v, want %+v", id, got, err, want)
	}
}

func TestContentListsPageByPage(t *testing.T) {
	db := open(t, tempFile(t), nil)
	const n = 1203 // more than two pages
	rows := make([]content.Keyword, n)
	for i := range rows {
		rows[i] = keyword(fmt.Sprintf("k%04d", n-i), "s", int64(i/10)) // ten of a position, ordered by id
	}
	if err := db.Content().Keywords().Save(t.Context(), rows...); err != nil {
		t.Fatal(err)
	}
	var last content.Keyword
	seen := map[string]bool{}
	for k, err := range db.Content().Keywords().List(t.Context(), siteQuery("s")) {
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) > 0 && (k.Position < last.Position || k.Position == last.Position && k.ID <= last.ID) {
			t.Fatalf("%q after %q", k.ID, last.ID)
		}
		seen[k.ID], last = true, k
		k.Text += "!"
		if err := db.Content().Keywords().Save(t.Context(), k); err != nil { // nothing is open while the loop runs
			t.Fatalf("Save within List = %v", err)
		}
	}
	if len(seen) != n {
		t.Errorf("%d rows, want %d", len(seen), n)
	}
}

func TestAWriteThatForgetsItsTransactionEnds(t *testing.T) {
	db := open(t, tempFile(t), nil)
	db.SetPatience(50 * time.Millisecond)
	task := claimOne(t, db)
	err := db.Runs().Complete(t.Context(), "w", task.Ref, automation.Outcome{}, func(automation.Tx) (int, error) {
		return 0, db.Content().Keywords().Save(t.Context(), keyword("k", "s", 1))
	})
	if !errors.Is(err, sqlite.ErrBusy) {
		t.Errorf("Complete = %v, want ErrBusy", err)
	}
	err = db.Runs().Complete(t.Context(), "w", task.Ref, automation.Outcome{}, func(automation.Tx) (int, error) {
		_, err := db.Ledger().Grant(t.Context(), credits.Grant{Account: "acme", Key: "g", Kind: credits.Bonus, Amount: 1})
		return 0, err
	})
	if !errors.Is(err, sqlite.ErrBusy) {
		t.Errorf("Complete with a grant = %v, want ErrBusy", err)
	}
	wantBalance(t, db.Ledger(), "acme", credits.Balance{}) // it was taken back from the queue
}
