package storetest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/scrip-go/scrip/automation/content"
)

// toyTable is a table of a toyContent.
type toyTable[T content.Row[T]] struct {
	content.Table[T]
	*toyContent
	base func(*T) *content.Base
}

func newToyTable[T content.Row[T]](s *toyContent, table content.Table[T], base func(*T) *content.Base) content.Table[T] {
	return &toyTable[T]{table, s, base}
}

func (t *toyTable[T]) keep(row T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows[fmt.Sprintf("%T %s", row, t.base(&row).ID)] = row
}

func (t *toyTable[T]) kept(id string) (row T, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	row, ok = t.rows[fmt.Sprintf("%T %s", row, id)].(T)
	return row, ok
}

func (t *toyTable[T]) Get(ctx context.Context, id string) (T, error) {
	if t.makes("ReadsUnderACancelledContext") {
		ctx = context.WithoutCancel(ctx)
	}
	row, err := t.Table.Get(ctx, id)
	switch {
	case errors.Is(err, content.ErrNotFound) && t.makes("MakesNoneOfWhatIsUnknown"):
		return row, nil
	case errors.Is(err, content.ErrNotFound) && t.makes("MixesKindsUp"):
		if _, err := t.Store.Clusters().Get(ctx, id); err == nil {
			return row, nil
		}
	case err != nil:
		return row, err
	}
	row = t.told(row)
	if t.makes("SharesWhatItReturns") {
		t.keep(row)
	}
	return row, err
}

// told makes a mistake with a row that is returned.
func (t *toyTable[T]) told(row T) T {
	base := t.base(&row)
	kept, ok := t.kept(base.ID)
	switch {
	case t.makes("ForgetsWhenARowWasCreated"):
		base.CreatedAt = base.UpdatedAt
	case ok && t.makes("TrustsTheTimesOfARow"):
		base.CreatedAt = t.base(&kept).CreatedAt
	case ok:
		return kept
	}
	return row
}

func (t *toyTable[T]) List(ctx context.Context, q content.Query) iter.Seq2[T, error] {
	after, known := t.Table.Get(ctx, q.After)
	all := q
	switch t.mistake {
	case "ListsUnderACancelledContext":
		ctx = context.WithoutCancel(ctx)
	case "ListsNothingOfNoSite":
		if q.Site == "" {
			return func(func(T, error) bool) {}
		}
	case "BeginsAnewAfterNothing":
		if known != nil {
			q.After = ""
		}
	case "GoesOnAfterAnotherSite":
		if known == nil && t.base(&after).Site != q.Site {
			q.After = ""
		}
	case "GoesOnAfterWhatItSelectsOnly":
		if known == nil && q.Status != "" && t.base(&after).Status != q.Status {
			q.After = "unknown"
		}
	case "LimitsAndThenSelects":
		q.Status = ""
	case "IgnoresTheStatus":
		q.Status = ""
	case "IgnoresTheParent":
		q.Parent = ""
	case "ListsEverySite":
		q.Site = cmp.Or(q.Site, site)
		all.Site = "another"
	}
	found := t.Table.List(ctx, q)
	switch t.mistake {
	case "SkipsRowsOfOnePosition":
		found = skipping(found, func(a, b T) bool { return t.base(&a).Position == t.base(&b).Position })
	case "RepeatsRowsAtAPage":
		found = doubling(found)
	case "ListsByID":
		found = sorted(found, func(a, b T) int { return cmp.Compare(t.base(&a).ID, t.base(&b).ID) })
	case "ListsByPositionOnly":
		found = sorted(reversed(found), func(a, b T) int { return cmp.Compare(t.base(&a).Position, t.base(&b).Position) })
	case "FoldsItsOrder":
		found = sorted(found, func(a, b T) int {
			return cmp.Or(cmp.Compare(t.base(&a).Position, t.base(&b).Position), cmp.Compare(strings.ToLower(t.base(&a).ID), strings.ToLower(t.base(&b).ID)))
		})
	}
	return func(yield func(T, error) bool) {
		if t.makes("LocksWhileItLists") {
			t.listing.Lock()
			defer t.listing.Unlock()
		}
		for row, err := range found {
			if t.makes("LimitsAndThenSelects") && all.Status != "" && t.base(&row).Status != all.Status {
				continue
			}
			row = t.told(row)
			if t.makes("SharesWhatItLists") {
				t.keep(row)
			}
			if !yield(row, err) {
				return
			}
		}
		if t.makes("ListsEverySite") {
			t.Table.List(ctx, all)(yield)
		}
	}
}

func sorted[T any](list iter.Seq2[T, error], compare func(a, b T) int) iter.Seq2[T, error] {
	return reordered(list, func(rows []T) { slices.SortStableFunc(rows, compare) })
}

func reversed[T any](list iter.Seq2[T, error]) iter.Seq2[T, error] {
	return reordered(list, slices.Reverse[[]T])
}

func reordered[T any](list iter.Seq2[T, error], reorder func([]T)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var rows []T
		for row, err := range list {
			if err != nil {
				yield(row, err)
				return
			}
			rows = append(rows, row)
		}
		reorder(rows)
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (t *toyTable[T]) Count(ctx context.Context, q content.Query) (int64, error) {
	switch t.mistake {
	case "CountsAPage":
		n := int64(0)
		for _, err := range t.Table.List(ctx, q) {
			if err != nil {
				return 0, err
			}
			n++
		}
		return n, nil
	case "CountsEverySite":
		n, err := t.Table.Count(ctx, content.Query{Site: site})
		if err != nil || q.Site == site || q.Site == "" {
			return n, err
		}
		others, err := t.Table.Count(ctx, q)
		return n + others, err
	}
	return t.Table.Count(ctx, q)
}

func (t *toyTable[T]) Save(ctx context.Context, rows ...T) error {
	rows = slices.Clone(rows)
	switch t.mistake {
	case "SavesUnderACancelledContext":
		return errors.Join(t.Table.Save(context.WithoutCancel(ctx), rows...), ctx.Err())
	case "LocksWhileItLists":
		t.listing.Lock()
		defer t.listing.Unlock()
	case "DropsRowsWithoutAnID":
		rows = slices.DeleteFunc(rows, func(row T) bool { return t.base(&row).ID == "" })
	case "SavesRowByRow", "SavesWhatIsGood":
		var errs []error
		for _, row := range rows {
			errs = append(errs, t.Table.Save(ctx, row))
			if errs[len(errs)-1] != nil && t.makes("SavesRowByRow") {
				break
			}
		}
		return errors.Join(errs...)
	case "ChecksAllRowsAndThenSavesThem", "ChecksStepsAndThenSaves":
		if err := t.check(ctx, rows); err != nil {
			return err
		}
		if t.makes("ChecksStepsAndThenSaves") {
			time.Sleep(time.Millisecond)
		}
	}
	for i := range rows {
		if err := t.spoil(ctx, any(&rows[i])); err != nil {
			return err
		}
	}
	err := t.Table.Save(ctx, rows...)
	if err != nil {
		return t.excuse(ctx, err, rows[0])
	}
	if t.makes("SharesWhatItIsGiven", "TrustsTheTimesOfARow", "ChecksStepsAndThenSaves") {
		for _, row := range rows {
			t.keep(row)
		}
	}
	return nil
}

// check checks rows against those that are stored.
func (t *toyTable[T]) check(ctx context.Context, rows []T) error {
	for _, row := range rows {
		var old *T
		if stored, err := t.Table.Get(ctx, t.base(&row).ID); err == nil {
			old = &stored
		}
		if err := row.Check(old); err != nil {
			return err
		}
	}
	return nil
}

// spoil makes a mistake with a row that is about to be saved.
func (t *toyTable[T]) spoil(ctx context.Context, row any) error {
	switch row := row.(type) {
	case *content.Keyword:
		if row.Volume != nil && *row.Volume == 0 && t.makes("TakesZeroForUnknown") {
			row.Volume = nil
		}
		if _, err := t.Store.Clusters().Get(ctx, row.Cluster); err != nil && t.makes("DropsReferencesToNothing") {
			row.Cluster = ""
		}
	case *content.Article:
		var b bytes.Buffer
		if t.makes("TidiesRawAnswers") && json.Compact(&b, row.Raw) == nil {
			row.Raw = b.Bytes()
		}
		slug := row.Slug
		switch t.mistake {
		case "NeverFreesASlug":
			slug = row.Site + "/" + slug
		case "KeepsSlugsApartInAllSites":
		default:
			return nil
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if owner := t.slugs[slug]; owner != "" && owner != row.ID {
			return content.ErrInvalid
		}
		t.slugs[slug] = row.ID
	case *content.Image:
		if t.makes("LooksForAPlaceAndThenSaves") {
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

// excuse returns what a store says that should have refused a row for err.
func (t *toyTable[T]) excuse(ctx context.Context, err error, row T) error {
	transition, invalid := errors.Is(err, content.ErrTransition), errors.Is(err, content.ErrInvalid)
	old, known := t.Table.Get(ctx, t.base(&row).ID)
	switch t.mistake {
	case "AcceptsAnyStep":
		if transition {
			return nil
		}
	case "SaysNotWhichStep":
		if transition {
			return content.ErrTransition
		}
	case "ChecksStepsAndThenSaves":
		if transition {
			t.keep(row)
			return nil
		}
	case "MovesRowsToOtherSites":
		if known == nil && t.base(&old).Site != t.base(&row).Site {
			return nil
		}
	}
	switch row := any(row).(type) {
	case content.Keyword:
		if _, err := t.Store.Clusters().Get(ctx, row.Cluster); err == nil && invalid && t.makes("RefersToOtherSites") {
			return nil
		}
	case content.Article:
		old, _ := any(old).(content.Article)
		if transition && t.makes("UnpublishesArticles") || invalid && t.makes("SharesSlugs") ||
			invalid && known == nil && old.Task != row.Task && t.makes("GivesArticlesToOtherTasks") {
			return nil
		}
	case content.Image:
		if invalid && t.makes("LooksForAPlaceAndThenSaves") {
			return nil
		}
	}
	return err
}
