package storetest

import (
	"errors"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
)

// These cases are about a database that keeps content: what a completing task saves is in the task's transaction.
var txCases = []testCase[*runTest]{
	{"SavesContentWithItsTask", "what save writes through its transaction is there once the task is done, and save itself sees it before",
		func(t *runTest) {
			task := t.startWithContent()
			err := t.store.Complete(t.Context(), worker, task.Ref, automation.Outcome{}, func(tx automation.Tx) (int, error) {
				rows := t.in(tx)
				must(t, rows.Keywords().Save(t.Context(), keyword("new", 2)), "Save")
				mapped := keyword("known", 1)
				mapped.Text = "changed"
				must(t, rows.Keywords().Save(t.Context(), mapped), "Save")
				wantKeywords(t, rows, "known:changed", "new:text of new")
				return 1, nil
			})
			must(t, err, "Complete")
			wantKeywords(t, t.faces.Content, "known:changed", "new:text of new")
			t.wantRun(automation.Done, "a")
		}},
	{"UndoesContentWithItsTask", "if save fails what it wrote before is undone, new rows and changed ones",
		func(t *runTest) {
			task := t.startWithContent()
			broken := errors.New("broken")
			err := t.store.Complete(t.Context(), worker, task.Ref, automation.Outcome{}, func(tx automation.Tx) (int, error) {
				t.spoil(tx)
				return 1, broken
			})
			wantErr(t, err, broken, "Complete")
			t.wantUndone(task)
		}},
	{"UndoesContentOfASaveThatPanics", "a panic in save reaches the caller of Complete, and what it wrote before is undone",
		func(t *runTest) {
			task := t.startWithContent()
			func() {
				defer func() {
					if p := recover(); p != "broken" {
						t.Errorf("Complete panics with %v, want what save panicked with", p)
					}
				}()
				_ = t.store.Complete(t.Context(), worker, task.Ref, automation.Outcome{}, func(tx automation.Tx) (int, error) {
					t.spoil(tx)
					panic("broken")
				})
			}()
			t.wantUndone(task)
		}},
	{"UndoesOnlyTheSaveThatFailed", "inside a transaction too rows are saved all or none; a save that was refused leaves the rest of the transaction as it is",
		func(t *runTest) {
			task := t.startWithContent()
			err := t.store.Complete(t.Context(), worker, task.Ref, automation.Outcome{}, func(tx automation.Tx) (int, error) {
				rows := t.in(tx)
				must(t, rows.Keywords().Save(t.Context(), keyword("a", 2)), "Save")
				err := rows.Keywords().Save(t.Context(), keyword("b", 3), keyword("", 4))
				wantErr(t, err, content.ErrInvalid, "Save of a row without an id")
				wantKeywords(t, rows, "known:text of known", "a:text of a")
				return 1, nil
			})
			must(t, err, "Complete")
			wantKeywords(t, t.faces.Content, "known:text of known", "a:text of a")
		}},
	{"RefusesAForeignTransaction", "a transaction of another database, or one that is no store's, is ErrForeignTx",
		func(t *runTest) {
			task := t.startWithContent()
			other := t.another()
			err := t.store.Complete(t.Context(), worker, task.Ref, automation.Outcome{}, func(tx automation.Tx) (int, error) {
				_, err := other.In(tx)
				wantErr(t, err, automation.ErrForeignTx, "In with a transaction of another database")
				_, err = t.faces.In(noTx{})
				wantErr(t, err, automation.ErrForeignTx, "In with a transaction of no database")
				return 0, nil
			})
			must(t, err, "Complete")
		}},
	{"EndsATransactionWithItsFunction", "a transaction cannot be used after its function returned, whether it was kept or undone: an error and no effect",
		func(t *runTest) {
			task := t.startWithContent()
			for _, result := range []error{errors.New("undone"), nil} {
				var rows content.Store
				err := t.store.Complete(t.Context(), worker, task.Ref, automation.Outcome{}, func(tx automation.Tx) (int, error) {
					rows = t.in(tx)
					return 0, result
				})
				wantErr(t, err, result, "Complete")
				if err := rows.Keywords().Save(t.Context(), keyword("late", 2)); err == nil {
					t.Errorf("Save after the end of the transaction = nil, want an error")
				}
				if _, err := rows.Keywords().Get(t.Context(), "known"); err == nil {
					t.Errorf("Get after the end of the transaction = nil, want an error")
				}
				wantKeywords(t, t.faces.Content, "known:text of known")
			}
		}},
}

type noTx struct{}

func (noTx) Unwrap() any { return nil }

// startWithContent saves a keyword and claims the only task of a run. It skips the case if there is no content.
func (t *runTest) startWithContent() automation.Task {
	t.Helper()
	if t.faces.Content == nil || t.faces.In == nil {
		t.Skipf("the database keeps no content: Faces.Content and Faces.In are not set")
	}
	must(t, t.faces.Content.Keywords().Save(t.Context(), keyword("known", 1)), "Save")
	t.start([]string{"a"}, "1")
	return t.claimOne()
}

// in returns the content store in a transaction.
func (t *runTest) in(tx automation.Tx) content.Store {
	t.Helper()
	rows, err := t.faces.In(tx)
	must(t, err, "In")
	return rows
}

// spoil writes rows of several kinds that are to be undone.
func (t *runTest) spoil(tx automation.Tx) {
	t.Helper()
	rows := t.in(tx)
	must(t, rows.Clusters().Save(t.Context(), cluster("c")), "Save")
	moved := keyword("known", 9)
	moved.Status, moved.Cluster, moved.Text = content.Mapped, "c", "changed"
	must(t, rows.Keywords().Save(t.Context(), keyword("new", 2), moved), "Save")
	must(t, rows.Keywords().Save(t.Context(), keyword("new", 3)), "Save again")
}

// wantUndone checks that nothing of spoil is left, and that the task can still be completed.
func (t *runTest) wantUndone(task automation.Task) {
	t.Helper()
	wantKeywords(t, t.faces.Content, "known:text of known")
	k, err := t.faces.Content.Keywords().Get(t.Context(), "known")
	if err != nil || k.Status != content.New || k.Cluster != "" || k.Position != 1 {
		t.Errorf("Get = %+v, %v, want the keyword as it was", k, err)
	}
	_, err = t.faces.Content.Clusters().Get(t.Context(), "c")
	wantErr(t, err, content.ErrNotFound, "Get of a cluster that was undone")
	t.wantCount(automation.StageCount{Stage: "a", State: automation.StageRunning, Total: 1, Leased: 1})
	t.complete(task)
	t.wantRun(automation.Done, "a")
}
