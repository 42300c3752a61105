package automation

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// What callers branch on.
var (
	// ErrNotFound is a run, a task or a schedule that the store does not hold.
	ErrNotFound = errors.New("not found")
	// ErrInvalid is a request that breaks a rule by itself.
	ErrInvalid = errors.New("invalid request")
	// ErrExists is a new run with the id of one that exists. The same error matches ErrInvalid.
	ErrExists = errors.New("there is one with this id")
	// ErrRunExists is a new run for a site that has one which is not terminal; see [RunExistsError].
	ErrRunExists = errors.New("the site has an unfinished run")
	// ErrClaimed is a row that another unfinished run has taken up at the same stage; see [ClaimedError].
	ErrClaimed = errors.New("another run has taken it up")
	// ErrState is a change of a run's state that does not start from the state the run is in.
	ErrState = errors.New("the run is in another state")
	// ErrStale is an act on a task under a generation or an owner that is not the task's any more, or on a stage that
	// another has begun to plan; or on a time of a schedule that is not its next one any more.
	ErrStale = errors.New("it was claimed by another")
	// ErrForeignTx is a transaction handed to a store that did not begin it.
	ErrForeignTx = errors.New("transaction of another store")
)

// RunExistsError names the run in the way. It matches [ErrRunExists].
type RunExistsError struct{ Site, Run string }

// Error implements error.
func (e *RunExistsError) Error() string {
	return fmt.Sprintf("automation: site %q: %v: finish or cancel run %q first", e.Site, ErrRunExists, e.Run)
}

// Is reports whether target is ErrRunExists.
func (e *RunExistsError) Is(target error) bool { return target == ErrRunExists }

// ClaimedError names a row that is claimed, and the run that has it. It matches [ErrClaimed].
type ClaimedError struct{ Site, Stage, Row, Run string }

// Error implements error.
func (e *ClaimedError) Error() string {
	return fmt.Sprintf("automation: site %q: stage %q: row %q: %v: wait for run %q, or cancel it", e.Site, e.Stage, e.Row, ErrClaimed, e.Run)
}

// Is reports whether target is ErrClaimed.
func (e *ClaimedError) Is(target error) bool { return target == ErrClaimed }

// State is where a run is. Running, Pausing and Paused are not terminal: a site has at most one run in them, errands aside.
type State string

// The states of a run.
const (
	Running   State = "running"   // its tasks are claimed
	Pausing   State = "pausing"   // no task is claimed any more; those under way are ended
	Paused    State = "paused"    // nothing is under way
	Canceling State = "canceling" // as Pausing, and what was paid for is saved and what is held released
	Cancelled State = "cancelled" // terminal
	Failed    State = "failed"    // terminal: a stage failed as a whole
	Done      State = "done"      // terminal
)

// Terminal reports whether a run in this state is over.
func (s State) Terminal() bool { return s == Cancelled || s == Failed || s == Done }

// Reason says why a run is in its state.
type Reason string

// The reasons for which a run is paused or failed.
const (
	ByUser          Reason = "user"          // somebody asked for it
	ByCredits       Reason = "credits"       // the account has not enough credits for the next operation, or a cap leaves no room for it
	ByProvider      Reason = "provider"      // a provider, or the site to publish on, refuses to work for us (key, permission, quota) or is not to be reached
	ByConfiguration Reason = "configuration" // the registry or the engine lacks what every item needs
	ByItems         Reason = "items"         // every item of a stage failed
)

// Run is one pass over the stages for one site, or one stage for some of its rows; see [Run.Errand].
type Run struct {
	ID      string          `json:"id"`
	Site    string          `json:"site"`
	Account credits.Account `json:"account"`
	// Stages are the names of the stages to do, in order; Finishers those among them that end with a Finish task.
	Stages    []string `json:"stages"`
	Finishers []string `json:"finishers,omitempty"`
	// MaxItems bounds by stage how much of what waits for it the run takes up, at least 1, in what the stage says that it
	// counts (see [Inputs]). A stage that is not named takes up everything.
	MaxItems map[string]int64 `json:"max_items,omitempty"`
	// Items are the rows that an errand is about, at most [MaxErrand], each once; none for a run over what waits in the site.
	Items  []string `json:"items,omitempty"`
	State  State    `json:"state"`
	Reason Reason   `json:"reason,omitempty"`
	Detail string   `json:"detail,omitempty"` // the reason in words, for a person
	Stage  string   `json:"stage"`            // the stage it is in; the last one once it is done
	// Estimate is what the run was expected to cost when it was started, in credits.
	Estimate  credits.Amount `json:"estimate"`
	CreatedAt time.Time      `json:"created_at"`        // set by the store
	EndedAt   time.Time      `json:"ended_at,omitzero"` // set by the store when the run becomes terminal
}

// MaxErrand is how many rows an errand may be about.
const MaxErrand = 1000

// Errand reports whether the run does one stage for the rows that Items names, and for no other. An errand does not count as the
// unfinished run of its site, and there may be any number of them: what keeps work apart is the claim on each row.
func (r Run) Errand() bool { return len(r.Items) > 0 }

// StageState is where a stage of a run is.
type StageState string

// The states of a stage.
const (
	StagePending  StageState = "pending"  // an earlier stage is not done
	StagePlanning StageState = "planning" // its items are being inserted
	StageRunning  StageState = "running"  // its tasks are worked on
	StageDone     StageState = "done"
)

// StageCount is how far a stage of a run is.
type StageCount struct {
	Stage   string         `json:"name"`
	State   StageState     `json:"state"`
	Total   int64          `json:"total"`     // tasks, so far as planned, the Finish task left out
	Done    int64          `json:"processed"` // tasks that were saved
	Failed  int64          `json:"failed"`    // tasks that were given up
	Leased  int64          `json:"in_flight"` // tasks a worker has
	Created int64          `json:"created"`   // rows that Save made
	Credits credits.Amount `json:"credits"`   // charged for its tasks that were saved
}

// Item is a unit of work of a stage.
type Item struct {
	// ID is unique in the stage of a run, and the same whenever it is planned again. In a stage that has a Finisher it is not
	// [FinishItem]. It is part of the keys of what is paid for the item, which have at most 400 bytes.
	ID string `json:"id"`
	// Input is everything that Do needs for its paid calls. What a call asks for must not change between a crash and
	// the next try, so it is kept here and not read from tables that may change.
	Input json.RawMessage `json:"input,omitempty"`
	// Rows are the rows that the item takes up, each once; the one that has the item's id if there are none. They are claimed until
	// the item comes to its end, and are not told to who works on it.
	Rows []string `json:"-"`
}

// Takes returns the rows that the item takes up.
func (i Item) Takes() []string {
	if len(i.Rows) == 0 {
		return []string{i.ID}
	}
	return i.Rows
}

// FinishItem is the id of the last task of a stage that has a Finisher.
const FinishItem = "finish"

// TaskRef names a claim of a task.
type TaskRef struct {
	Run, Stage, Item string
	Generation       int64 // 1 for the first claim
}

// TaskState is where a task is.
type TaskState string

// The states of a task.
const (
	TaskReady  TaskState = "ready"
	TaskLeased TaskState = "leased"
	TaskDone   TaskState = "done"
	TaskFailed TaskState = "failed" // given up after its attempts
	// TaskDropped is a task that was claimed, but not paid for, when its run was cancelled.
	TaskDropped TaskState = "dropped"
)

// Task is an item as claimed by a worker.
type Task struct {
	Ref      TaskRef
	Account  credits.Account
	Site     string
	Item     Item
	Attempts int // failed tries before this one
	// Canceling says that the run is being cancelled: what the task paid for is to be saved, and nothing more to be paid.
	Canceling bool
}

// FailedTask is a task that was given up.
type FailedTask struct {
	Stage, Item string
	Attempts    int
	Cause       string
}

// Outcome is what Do brought.
type Outcome struct {
	Out     json.RawMessage // handed to Save; may be nil
	Charged credits.Amount  // credits charged for it, for the stage's count
}
