package content

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// What callers branch on.
var (
	// ErrNotFound is an id that the table does not hold.
	ErrNotFound = errors.New("no such row")
	// ErrInvalid is a row that breaks a rule by itself, or a reference to a row that does not exist.
	ErrInvalid = errors.New("invalid row")
	// ErrTransition is a status that the row cannot get to from the one it has; see [TransitionError].
	ErrTransition = errors.New("illegal transition")
)

// TransitionError says which step was refused. It matches [ErrTransition].
type TransitionError struct {
	Kind     string // "keyword" …
	ID       string
	From, To Status // From is empty for a new row
}

// Error implements error.
func (e *TransitionError) Error() string {
	return fmt.Sprintf("content: save %s %q: %v: from %q to %q", e.Kind, e.ID, ErrTransition, e.From, e.To)
}

// Is reports whether target is ErrTransition.
func (e *TransitionError) Is(target error) bool { return target == ErrTransition }

// Query selects rows of one site.
type Query struct {
	Site   string // required
	Status Status // of this status; empty for all
	// Parent is the id that the rows belong to: the cluster of a keyword, idea, task or article; the article of an image.
	// Empty for all.
	Parent string
	After  string // rows that come after the row with this id; empty for all. An unknown id is ErrNotFound
	Limit  int    // at most so many; 0 for all
}

// Table holds the rows of one kind. It is safe for concurrent use, except for a table that belongs to a transaction.
// Returned rows are the caller's own.
type Table[T Row[T]] interface {
	// Get returns the row with the id. Errors: ErrNotFound.
	Get(ctx context.Context, id string) (T, error)
	// List yields rows by position and the bytes of their ids, ascending. It ends after the first error. The loop may save rows; whether it
	// then sees them is not said.
	List(ctx context.Context, q Query) iter.Seq2[T, error]
	// Count returns how many rows List would yield. After and Limit are ignored.
	Count(ctx context.Context, q Query) (int64, error)
	// Save inserts rows, or updates those whose id is known, all or none. It calls Check on each with the row that it
	// replaces: nobody saves in between, and of a row that is there twice the second replaces the first.
	// The store sets CreatedAt when it inserts and UpdatedAt each time.
	// Errors: *TransitionError, ErrInvalid.
	Save(ctx context.Context, rows ...T) error
}

// Row is implemented by the six kinds of row.
type Row[T any] interface {
	Keyword | Cluster | Idea | Task | Article | Image
	// Check returns an error if the row is not valid by itself, or may not follow the stored row old; old is nil if
	// there is none. Errors: *TransitionError, ErrInvalid.
	Check(old *T) error
}

// Store holds the content of any number of sites.
type Store interface {
	Keywords() Table[Keyword]
	Clusters() Table[Cluster]
	Ideas() Table[Idea]
	Tasks() Table[Task]
	Articles() Table[Article]
	Images() Table[Image]
}
