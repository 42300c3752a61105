package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
)

func (s *toyRuns) Complete(ctx context.Context, owner string, ref automation.TaskRef, out automation.Outcome, save func(automation.Tx) (int, error)) error {
	ctx, over := s.under(ctx, "CompletesUnderACancelledContext")
	owner, ref = s.mine(owner, ref)
	switch s.mistake {
	case "CountsNoCredits":
		out.Charged = 0
	case "PaysForNoFinishTask":
		if ref.Item == automation.FinishItem {
			out.Charged = 0
		}
	case "SwallowsAPanic":
		defer func() { _ = recover() }()
	case "LooksAndThenCompletes":
		return s.lookAndThenComplete(ctx, owner, ref, out, save)
	case "SavesContentOnly", "KeepsWhatAFailedSaveWrote", "KeepsWhatAPanicLeft":
		return s.completeApart(ctx, owner, ref, out, save)
	}
	before, _, _ := s.Store.Run(ctx, ref.Run)
	var failed error
	if s.makes("SavesBeforeItLooks") {
		created, err := save(noTx{})
		save = func(automation.Tx) (int, error) { return created, err }
	}
	err := s.Store.Complete(ctx, owner, ref, out, func(tx automation.Tx) (int, error) {
		if s.makes("SavesNothing") {
			return 0, nil
		}
		created, err := save(tx)
		switch s.mistake {
		case "SavesTwice":
			created, err = save(tx)
		case "CountsNoRows":
			created = 0
		case "CompletesAfterAFailedSave":
			failed, err = err, nil
		case "LosesTheErrorOfSave":
			if err != nil {
				err = errors.New(err.Error())
			}
		}
		return created, err
	})
	if err == nil {
		after, _, _ := s.Store.Run(ctx, ref.Run)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended(ref, time.Time{})
		s.ending = before.State == automation.Canceling && after.State == automation.Done
	}
	return errors.Join(err, failed, over)
}

// lookAndThenComplete asks who has the task, and completes it afterwards, whatever happened in between.
func (s *toyRuns) lookAndThenComplete(ctx context.Context, owner string, ref automation.TaskRef, out automation.Outcome, save func(automation.Tx) (int, error)) error {
	s.mu.Lock()
	c := s.claims[of(ref)]
	s.mu.Unlock()
	if c.owner != owner || c.generation != ref.Generation {
		return automation.ErrStale
	}
	time.Sleep(time.Millisecond) // as long as a query to a database takes
	err := s.Store.Complete(ctx, owner, ref, out, save)
	if errors.Is(err, automation.ErrStale) {
		_, err = save(noTx{})
	}
	return err
}

// completeApart completes a task and writes its content in two transactions.
func (s *toyRuns) completeApart(ctx context.Context, owner string, ref automation.TaskRef, out automation.Outcome, save func(automation.Tx) (int, error)) (err error) {
	apart := &apartTx{}
	contentOnly := errors.New("only the content is saved")
	failed := true
	defer func() {
		p := recover()
		if failed && (s.makes("SavesContentOnly") || p != nil == s.makes("KeepsWhatAPanicLeft")) {
			for _, write := range apart.writes {
				_ = write(s.content)
			}
		}
		if p != nil {
			panic(p)
		}
	}()
	err = s.Store.Complete(ctx, owner, ref, out, func(tx automation.Tx) (int, error) {
		apart.Tx = tx
		created, err := save(apart)
		if err == nil && s.makes("SavesContentOnly") {
			err = contentOnly
		}
		return created, err
	})
	if failed = err != nil; err == contentOnly {
		return nil
	}
	return err
}

// apartTx notes what is written in it.
type apartTx struct {
	automation.Tx
	writes []func(content.Store) error
}

// in is Faces.In.
func (s *toyRuns) in(tx automation.Tx) (content.Store, error) {
	rows, err := s.content.In(tx)
	switch apart, ok := tx.(*apartTx); {
	case err != nil && s.makes("TakesAnyTransaction"):
		return s.content, nil
	case err == nil && s.makes("KeepsATransactionOpen"):
		return openContent{rows, s.content}, nil
	case err == nil && ok:
		return apartContent{rows, apart}, nil
	}
	return rows, err
}

// openContent is a transaction that goes on past its end.
type openContent struct {
	content.Store
	outside content.Store
}

func (c openContent) Keywords() content.Table[content.Keyword] {
	return openTable{c.Store.Keywords(), c.outside.Keywords()}
}

type openTable struct {
	content.Table[content.Keyword]
	outside content.Table[content.Keyword]
}

func (t openTable) Save(ctx context.Context, rows ...content.Keyword) error {
	if err := t.Table.Save(ctx, rows...); err != nil {
		return t.outside.Save(ctx, rows...)
	}
	return nil
}

// apartContent notes what is written through it.
type apartContent struct {
	content.Store
	tx *apartTx
}

func (c apartContent) Keywords() content.Table[content.Keyword] {
	return apartTable[content.Keyword]{c.Store.Keywords(), c.tx, content.Store.Keywords}
}

func (c apartContent) Clusters() content.Table[content.Cluster] {
	return apartTable[content.Cluster]{c.Store.Clusters(), c.tx, content.Store.Clusters}
}

type apartTable[T content.Row[T]] struct {
	content.Table[T]
	tx *apartTx
	of func(content.Store) content.Table[T]
}

func (t apartTable[T]) Save(ctx context.Context, rows ...T) error {
	t.tx.writes = append(t.tx.writes, func(s content.Store) error { return t.of(s).Save(context.WithoutCancel(ctx), rows...) })
	return t.Table.Save(ctx, rows...)
}
