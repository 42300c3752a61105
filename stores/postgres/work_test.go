package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/postgres"
)

// planned creates a run of one stage with n items.
func planned(t *testing.T, db *postgres.DB, id string, n int) {
	t.Helper()
	r := automation.Run{ID: id, Site: "site of " + id, Account: "acme", Stages: []string{"one"}, State: automation.Running}
	if err := db.Runs().CreateRun(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	var items []automation.Item
	for i := range n {
		items = append(items, automation.Item{ID: fmt.Sprint(i), Input: json.RawMessage(`{"n": 1.50}`)})
	}
	if _, err := db.Runs().Plan(t.Context(), id, "one", items, 0, true); err != nil {
		t.Fatal(err)
	}
}

// claimOne claims the only item of a new run.
func claimOne(t *testing.T, db *postgres.DB, id string) automation.Task {
	t.Helper()
	planned(t, db, id, 1)
	tasks, err := db.Runs().Claim(t.Context(), "w", time.Minute, 10)
	if err != nil || len(tasks) != 1 {
		t.Fatalf("Claim = %+v, %v, want one task", tasks, err)
	}
	return tasks[0]
}

func TestComplete(t *testing.T) {
	t.Run("HandsThePgxTransactionToAHostsStage", func(t *testing.T) {
		d := pgtest.Open(t)
		db := handle(t, d, nil, nil)
		execute(t, d, `CREATE TABLE host (id text)`)
		task := claimOne(t, db, "run-1")
		err := db.Runs().Complete(t.Context(), "w", task.Ref, automation.Outcome{}, func(tx automation.Tx) (int, error) {
			_, err := tx.Unwrap().(pgx.Tx).Exec(t.Context(), `INSERT INTO host VALUES ('x')`)
			return 1, err
		})
		var n int
		if scanErr := d.Pool.QueryRow(t.Context(), `SELECT count(*) FROM host`).Scan(&n); err != nil || scanErr != nil || n != 1 {
			t.Errorf("Complete = %v, and the host has %d rows, %v, want 1", err, n, scanErr)
		}
	})
	t.Run("ReadsWhatIsCommittedWhateverTheHostsDefaultIs", func(t *testing.T) {
		d := pgtest.Open(t)
		handle(t, d, nil, nil)
		pool := d.NewPool(t, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["default_transaction_isolation"] = "serializable" })
		db, err := postgres.New(t.Context(), pool, &postgres.Options{Schema: d.Schema})
		if err != nil {
			t.Fatal(err)
		}
		task := claimOne(t, db, "run-1")
		var isolation string
		err = db.Runs().Complete(t.Context(), "w", task.Ref, automation.Outcome{}, func(tx automation.Tx) (int, error) {
			return 0, tx.Unwrap().(pgx.Tx).QueryRow(t.Context(), `SHOW transaction_isolation`).Scan(&isolation)
		})
		if err != nil || isolation != "read committed" {
			t.Errorf("Complete = %v in a transaction that is %q, want read committed", err, isolation)
		}
	})
	t.Run("IsUndoneIfItIsCanceledInSave", func(t *testing.T) {
		db := open(t, nil)
		task := claimOne(t, db, "run-1")
		canceled, cancel := context.WithCancel(t.Context())
		err := db.Runs().Complete(canceled, "w", task.Ref, automation.Outcome{}, func(tx automation.Tx) (int, error) {
			in, err := db.Content().In(tx)
			if err != nil {
				return 0, err
			}
			err = in.Keywords().Save(t.Context(), keyword("k", "s", 1))
			cancel()
			return 1, err
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Complete = %v, want context.Canceled", err)
		}
		if _, err := db.Content().Keywords().Get(t.Context(), "k"); !errors.Is(err, content.ErrNotFound) {
			t.Errorf("Get = %v, want ErrNotFound", err)
		}
		if err := db.Runs().Complete(t.Context(), "w", task.Ref, automation.Outcome{}, nil); err != nil {
			t.Errorf("Complete after that = %v: the task should still be the worker's", err)
		}
	})
	t.Run("MayCallTheStorePastItsTransaction", func(t *testing.T) {
		db := open(t, nil)
		task := claimOne(t, db, "run-1")
		err := db.Runs().Complete(t.Context(), "w", task.Ref, automation.Outcome{}, func(automation.Tx) (int, error) {
			grant(t, db.Ledger(), "acme", "g", 1)
			return 0, db.Content().Keywords().Save(t.Context(), keyword("k", "s", 1))
		})
		if err != nil {
			t.Errorf("Complete = %v", err)
		}
	})
}

// TestManyProcesses has several handles, each with a pool of its own, work on the same runs from many goroutines, while
// others pause and resume them: nobody waits in a circle, and every task is saved once.
func TestManyProcesses(t *testing.T) {
	const processes, runs, each = 3, 3, 40
	d := pgtest.Open(t)
	first := handle(t, d, nil, nil)
	for r := range runs {
		planned(t, first, fmt.Sprint("run", r), each)
	}
	var saved sync.Map
	var left sync.WaitGroup
	left.Add(runs * each)
	done := make(chan struct{})
	go func() { left.Wait(); close(done) }()
	var wg sync.WaitGroup
	for p := range processes {
		db := handle(t, d, d.NewPool(t, nil), nil)
		for w := range 3 {
			owner := fmt.Sprintf("process %d worker %d", p, w)
			wg.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					tasks, err := db.Runs().Claim(t.Context(), owner, time.Minute, 3)
					if err != nil {
						t.Error(err)
						return
					}
					for _, task := range tasks {
						if task.Ref.Generation != 1 {
							t.Errorf("%+v was claimed twice", task.Ref)
						}
						err := db.Runs().Complete(t.Context(), owner, task.Ref, automation.Outcome{Charged: 1}, func(tx automation.Tx) (int, error) {
							in, err := db.Content().In(tx)
							if err != nil {
								return 0, err
							}
							k := keyword(task.Ref.Run+"/"+task.Ref.Item, "s", 1)
							return 1, in.Keywords().Save(t.Context(), k, keyword("shared by "+task.Ref.Run, "s", 0))
						})
						if err != nil {
							t.Errorf("Complete(%+v) = %v", task.Ref, err)
							return
						}
						if _, twice := saved.LoadOrStore(task.Ref, true); !twice {
							left.Done()
						}
					}
				}
			})
		}
		wg.Go(func() { // pauses and resumes what others work on
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				case <-time.After(5 * time.Millisecond):
				}
				id := fmt.Sprint("run", i%runs)
				for _, step := range [][2]automation.State{{automation.Running, automation.Pausing}, {automation.Pausing, automation.Paused},
					{automation.Pausing, automation.Running}, {automation.Paused, automation.Running}} {
					err := db.Runs().SetState(t.Context(), id, step[0], step[1], automation.ByUser, "")
					if err != nil && !errors.Is(err, automation.ErrState) {
						t.Errorf("SetState(%v) = %v", step, err)
					}
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-time.After(time.Minute):
		t.Fatal("the work does not end")
	}
	for r := range runs {
		run, counts, err := first.Runs().Run(t.Context(), fmt.Sprint("run", r))
		want := automation.StageCount{Stage: "one", State: automation.StageDone, Total: each, Done: each, Created: each, Credits: each}
		if err != nil || run.State != automation.Done || counts[0] != want {
			t.Errorf("Run = %+v, %+v, %v, want it done with %+v", run, counts, err, want)
		}
	}
	if n, err := first.Content().Keywords().Count(t.Context(), content.Query{Site: "s"}); err != nil || n != runs*each+runs {
		t.Errorf("Count = %d, %v, want %d", n, err, runs*each+runs)
	}
}

// TestClaimWaitsForNobody holds locks that a claim would wait for if it waited.
func TestClaimWaitsForNobody(t *testing.T) {
	d := pgtest.Open(t)
	db := handle(t, d, nil, nil)
	planned(t, db, "run-1", 3)
	planned(t, db, "run-2", 3)
	tx, err := d.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(t.Context(), `SELECT FROM tasks WHERE run = 'run-1' AND item = '0' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `UPDATE runs SET detail = 'x' WHERE id = 'run-2'`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	tasks, err := db.Runs().Claim(ctx, "w", time.Minute, 10)
	if err != nil || len(tasks) != 2 || tasks[0].Ref.Item != "1" || tasks[1].Ref.Item != "2" {
		t.Errorf("Claim = %+v, %v, want the two tasks that nobody has locked", tasks, err)
	}
}

// TestContentKeepsEveryField saves one row of each kind with something in every field.
func TestContentKeepsEveryField(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
	db := open(t, &postgres.Options{Now: func() time.Time { return at }})
	base := func(id string, status content.Status) content.Base {
		return content.Base{ID: id, Site: "s", Position: 7, Status: status, CreatedAt: at, UpdatedAt: at}
	}
	brief := content.Brief{Title: "t", Description: "d", Type: "post", Structure: "guide", Primary: "p", Secondary: []string{"a", "b\x00"},
		Outline: []content.Section{{Heading: "h", Points: []string{"1", "2"}}}, WordCount: 900}
	volume := int64(0)
	cluster := content.Cluster{Base: base("c", content.New), Name: "n", Description: "d"}
	word := content.Keyword{Base: base("k", content.New), Text: "t", Volume: &volume, Cluster: "c"}
	idea := content.Idea{Base: base("i", content.New), Cluster: "c", Brief: brief}
	task := content.Task{Base: base("t", content.Queued), Cluster: "c", Idea: "i", Brief: brief}
	article := content.Article{Base: base("a", content.Draft), Cluster: "c", Task: "t", Title: "t", Slug: "t", HTML: "<p>é</p>", Excerpt: "e",
		MetaTitle: "m", MetaDescription: "md", Primary: "p", Categories: []string{"x"}, Tags: []string{}, WordCount: 5,
		SiteStatus: content.SiteNotPublished, ExternalID: "1", ExternalURL: "u", Raw: json.RawMessage(`{"cut": ` + "\x00")}
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

// TestText shows what becomes of text that PostgreSQL cannot keep.
func TestText(t *testing.T) {
	db := open(t, nil)
	k := keyword("k", "s", 1)
	k.Text = "a\x00b\xffc"
	if err := db.Content().Keywords().Save(t.Context(), k); err != nil {
		t.Fatalf("Save = %v", err)
	}
	if got, err := db.Content().Keywords().Get(t.Context(), "k"); err != nil || got.Text != "a\uFFFDb\uFFFDc" {
		t.Errorf("Get = %q, %v", got.Text, err)
	}
	if err := db.Content().Keywords().Save(t.Context(), keyword("k\x00", "s", 1)); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("Save of a strange id = %v, want ErrInvalid", err)
	}
	if _, err := db.Content().Keywords().Get(t.Context(), "k\x00"); !errors.Is(err, content.ErrNotFound) {
		t.Errorf("Get of a strange id = %v, want ErrNotFound", err)
	}
	l := db.Ledger()
	grant(t, l, "acme", "g", 10)
	for _, key := range []credits.Key{"k\x00", "k\xff"} {
		if _, err := l.Hold(t.Context(), holdRequest("acme", key, 1)); !errors.Is(err, credits.ErrInvalid) {
			t.Errorf("Hold(%q) = %v, want ErrInvalid", key, err)
		}
		if _, err := l.Lookup(t.Context(), "acme", key); !errors.Is(err, credits.ErrNotFound) {
			t.Errorf("Lookup(%q) = %v, want ErrNotFound", key, err)
		}
	}
	r := holdRequest("acme", "k", 1)
	r.First = credits.Attempt{ID: "a", Model: "m\x00"}
	if _, err := l.Hold(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	_, err := l.Settle(t.Context(), credits.SettleRequest{Account: "acme", Key: "k", Amount: 1, Result: []byte("\x00\xff"),
		Last: credits.Attempt{ID: "a", Fate: "executed", RequestID: "\xff"}, Record: credits.UsageRecord{Attempt: "a", Model: "m\x00"}})
	if err != nil {
		t.Errorf("Settle of what a provider said = %v: a charge is never lost", err)
	}
	verify(t, l, "acme")
}
