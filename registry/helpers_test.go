package registry_test

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// The times at which the two catalogues are looked at: their shutdown dates lie ahead then.
var (
	seedTime    = time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC)
	currentTime = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
)

func wantError(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("error is %v, want %v", err, target)
	}
}

func wantText(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not say %q", err, part)
		}
	}
}
