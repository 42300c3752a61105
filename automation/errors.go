package automation

import (
	"errors"
	"time"
)

type retryError struct {
	error
	after time.Duration
}

func (e *retryError) Unwrap() error { return e.error }

type pauseError struct {
	error
	reason Reason
}

func (e *pauseError) Unwrap() error { return e.error }

type permanentError struct{ error }

func (e *permanentError) Unwrap() error { return e.error }

// Retry marks an error as no fault of the item: the item is tried again after the given time, and the try does not
// count. An error that is not marked counts, and the item is tried again by the stage's [Policy].
func Retry(err error, after time.Duration) error { return &retryError{err, after} }

// Pause marks an error that the next item would meet as well: the run is paused for the given reason once nothing is
// under way, and the try does not count. For [ByCredits] it goes on instead if a task was completed in the meantime,
// because that may have given credits back.
func Pause(err error, reason Reason) error { return &pauseError{err, reason} }

// Permanent marks an error that a further try would meet again: the item is given up at once.
func Permanent(err error) error { return &permanentError{err} }

func asRetry(err error) (time.Duration, bool) {
	var e *retryError
	if errors.As(err, &e) {
		return e.after, true
	}
	return 0, false
}

func asPause(err error) (Reason, bool) {
	var e *pauseError
	if errors.As(err, &e) {
		return e.reason, true
	}
	return "", false
}

func isPermanent(err error) bool {
	var e *permanentError
	return errors.As(err, &e)
}
