package automation_test

import (
	"testing"

	"github.com/scrip-go/scrip/automation"
)

func TestCanBecome(t *testing.T) {
	states := []automation.State{automation.Running, automation.Pausing, automation.Paused, automation.Canceling,
		automation.Cancelled, automation.Failed, automation.Done}
	legal := map[[2]automation.State]bool{
		{automation.Running, automation.Pausing}:     true,
		{automation.Running, automation.Canceling}:   true,
		{automation.Running, automation.Failed}:      true,
		{automation.Pausing, automation.Pausing}:     true,
		{automation.Pausing, automation.Paused}:      true,
		{automation.Pausing, automation.Running}:     true,
		{automation.Pausing, automation.Canceling}:   true,
		{automation.Paused, automation.Running}:      true,
		{automation.Paused, automation.Canceling}:    true,
		{automation.Canceling, automation.Cancelled}: true,
	}
	for _, from := range states {
		for _, to := range states {
			if got, want := from.CanBecome(to), legal[[2]automation.State{from, to}]; got != want {
				t.Errorf("%s.CanBecome(%s) = %v, want %v", from, to, got, want)
			}
		}
		if from.Terminal() && !from.Idle() {
			t.Errorf("%s.Idle() = false, want true: it is terminal", from)
		}
	}
}
