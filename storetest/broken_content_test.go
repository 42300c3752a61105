package storetest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/stores/memory"
)

// brokenContent are mistakes that a content store could make, each with the case that has to catch it.
var brokenContent = []struct{ mistake, by string }{
	{"MakesNoneOfWhatIsUnknown", "DoesNotKnowOtherRows"},
	{"MixesKindsUp", "DoesNotKnowOtherRows"},
	{"TidiesRawAnswers", "KeepsRowsExactly"},
	{"TakesZeroForUnknown", "KeepsRowsExactly"},
	{"ForgetsWhenARowWasCreated", "SetsTheTimes"},
	{"TrustsTheTimesOfARow", "SetsTheTimes"},
	{"SharesWhatItIsGiven", "KeepsRowsApart"},
	{"SharesWhatItReturns", "KeepsRowsApart"},
	{"SharesWhatItLists", "KeepsRowsApart"},

	{"AcceptsAnyStep", "TakesLegalStepsOnly"},
	{"SaysNotWhichStep", "TakesLegalStepsOnly"},
	{"UnpublishesArticles", "KeepsAPublishedArticlePublished"},
	{"ChecksStepsAndThenSaves", "TakesNoStepBackInARace"},
	{"ChecksAllRowsAndThenSavesThem", "ChecksARowAgainstTheOneBefore"},
	{"MovesRowsToOtherSites", "RefusesRowsThatAreNone"},
	{"GivesArticlesToOtherTasks", "RefusesRowsThatAreNone"},
	{"DropsRowsWithoutAnID", "RefusesRowsThatAreNone"},
	{"DropsReferencesToNothing", "RefusesReferencesToNothing"},
	{"RefersToOtherSites", "RefusesReferencesToNothing"},

	{"SharesSlugs", "KeepsSlugsApart"},
	{"KeepsSlugsApartInAllSites", "KeepsSlugsApart"},
	{"NeverFreesASlug", "KeepsSlugsApart"},
	{"LooksForAPlaceAndThenSaves", "TakesAStepOnce"},

	{"SavesRowByRow", "SavesAllRowsOrNone"},
	{"SavesWhatIsGood", "SavesAllRowsOrNone"},
	{"SavesUnderACancelledContext", "DoesNothingWithACancelledContext"},
	{"ReadsUnderACancelledContext", "DoesNothingWithACancelledContext"},
	{"ListsUnderACancelledContext", "DoesNothingWithACancelledContext"},

	{"ListsEverySite", "KeepsSitesApart"},
	{"CountsEverySite", "KeepsSitesApart"},
	{"ListsNothingOfNoSite", "KeepsSitesApart"},
	{"ListsByID", "ListsByPositionAndID"},
	{"ListsByPositionOnly", "ListsByPositionAndID"},
	{"FoldsItsOrder", "ListsByPositionAndID"},
	{"SkipsRowsOfOnePosition", "ListsManyRows"},
	{"RepeatsRowsAtAPage", "ListsManyRows"},
	{"BeginsAnewAfterNothing", "RefusesToListAfterNothing"},
	{"GoesOnAfterAnotherSite", "RefusesToListAfterNothing"},
	{"GoesOnAfterWhatItSelectsOnly", "PagesRows"},
	{"LimitsAndThenSelects", "PagesRows"},
	{"IgnoresTheStatus", "SelectsByStatusAndParent"},
	{"IgnoresTheParent", "SelectsByStatusAndParent"},
	{"CountsAPage", "CountsWithoutPaging"},
	{"LocksWhileItLists", "LetsTheLoopSave"},
}

// toyContent is the memory store behind a mistake, or behind none.
type toyContent struct {
	content.Store
	mistake string
	listing sync.Mutex

	mu    sync.Mutex
	rows  map[string]any    // as they were given or returned, by kind and id; guarded by mu
	slugs map[string]string // whose they are; guarded by mu
}

func (s *toyContent) makes(mistakes ...string) bool { return slices.Contains(mistakes, s.mistake) }

func (s *toyContent) Keywords() content.Table[content.Keyword] {
	return newToyTable(s, s.Store.Keywords(), func(k *content.Keyword) *content.Base { return &k.Base })
}

func (s *toyContent) Clusters() content.Table[content.Cluster] {
	return newToyTable(s, s.Store.Clusters(), func(c *content.Cluster) *content.Base { return &c.Base })
}

func (s *toyContent) Ideas() content.Table[content.Idea] {
	return newToyTable(s, s.Store.Ideas(), func(i *content.Idea) *content.Base { return &i.Base })
}

func (s *toyContent) Tasks() content.Table[content.Task] {
	return newToyTable(s, s.Store.Tasks(), func(t *content.Task) *content.Base { return &t.Base })
}

func (s *toyContent) Articles() content.Table[content.Article] {
	return newToyTable(s, s.Store.Articles(), func(a *content.Article) *content.Base { return &a.Base })
}

func (s *toyContent) Images() content.Table[content.Image] {
	return newToyTable(s, s.Store.Images(), func(i *content.Image) *content.Base { return &i.Base })
}

// contentFailures runs a case against a content store and returns what it complains of. A case that does not end has
// complained too.
func contentFailures(ctx context.Context, c testCase[*contentTest], mistake string) []string {
	patience := 30 * time.Second
	if mistake == "LocksWhileItLists" { // which is found by waiting
		patience = 300 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	clk := newClock()
	s := &toyContent{Store: memory.New(&memory.Options{Now: clk.now}).Content(), mistake: mistake, rows: map[string]any{}, slugs: map[string]string{}}
	done := make(chan []string, 1)
	go func() {
		done <- complaints(ctx, func(r *recorder) { c.do(&contentTest{tb: r, Store: s, clock: clk}, nil) })
	}()
	select {
	case got := <-done:
		return got
	case <-ctx.Done():
		return []string{"it does not end"}
	}
}

func TestPassesASoundContentStore(t *testing.T) {
	for _, c := range contentCases() {
		if got := contentFailures(t.Context(), c, ""); len(got) > 0 {
			t.Errorf("case %s fails with a store without a mistake: %q", c.name, got)
		}
	}
}

func TestCatchesBrokenContentStores(t *testing.T) {
	for _, broken := range brokenContent {
		t.Run(broken.mistake, func(t *testing.T) {
			wantCaught(t, contentCases(), broken.by, func(c testCase[*contentTest]) []string {
				return contentFailures(t.Context(), c, broken.mistake)
			})
		})
	}
}
