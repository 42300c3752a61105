package pipeline_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"pgregory.net/rapid"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/pipeline"
)

func TestAFailureToPublishIsTheFaultOfWhoCanMendIt(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		last bool
		want error // a mark of the same kind; the error as it is if nil
	}{
		{"SiteRefuses", content.ErrSiteRefuses, false, automation.Pause(errors.New("x"), automation.ByProvider)},
		{"SiteAwayAtFirst", content.ErrSiteUnavailable, false, nil},
		{"SiteAwayForLong", content.ErrSiteUnavailable, true, automation.Pause(errors.New("x"), automation.ByProvider)},
		{"PostRefused", content.ErrPostRefused, false, automation.Permanent(errors.New("x"))},
		{"AnythingElse", io.ErrUnexpectedEOF, true, nil},
	} {
		err := fmt.Errorf("publish: %w", c.err)
		if c.want == nil {
			c.want = err
		}
		got := pipeline.Classify(err, automation.Call{Last: c.last})
		if g, w := fmt.Sprintf("%T", got), fmt.Sprintf("%T", c.want); g != w || !errors.Is(got, c.err) {
			t.Errorf("%s: %s of %v, want %s", c.name, g, got, w)
		}
	}
}

func TestBatchesAreBalanced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, size := rapid.Int64Range(5, 100_000).Draw(t, "n"), rapid.Int64Range(10, 100).Draw(t, "size")
		var sum int64
		least, most := size, int64(0)
		for _, b := range pipeline.Batches(n, size) {
			sum += b
			least, most = min(least, b), max(most, b)
		}
		if sum != n || most > size || most-least > 1 || least < 5 {
			t.Errorf("Batches(%d, %d): sum %d, between %d and %d", n, size, sum, least, most)
		}
	})
}
