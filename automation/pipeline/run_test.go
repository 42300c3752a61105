package pipeline_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/registry"
)

func TestTurnsKeywordsIntoPublishedArticles(t *testing.T) {
	for name, open := range map[string]func(testing.TB) faces{"Memory": inMemory, "SQLite": inSQLite} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, open(t), 2, 5000)
			s.serve()
			s.addKeywords(teaKeywords...)
			estimate, err := s.start(pipeline.Request{})
			must(t, err)
			run, counts := s.wait(automation.Done)
			b := s.verify()

			var spent credits.Amount
			for _, c := range counts {
				spent += c.Credits
				if c.Total == 0 || c.Done != c.Total {
					t.Errorf("stage %+v, want all its items done", c)
				}
			}
			if spent != 5000-b.Posted || run.Estimate != estimate.Total || spent > 2*estimate.Total || estimate.Total > 2*spent {
				t.Errorf("stages charged %d, the account %d, the estimate was %d: want the first two equal and the third not far off", spent, 5000-b.Posted, estimate.Total)
			}
			for r, err := range s.ledger.Records(t.Context(), credits.UsageQuery{Account: "alice"}) {
				if err != nil || r.Scope != run.ID || !strings.HasPrefix(string(r.Key), run.ID+"/") || !strings.HasSuffix(string(r.Key), "/call") {
					t.Errorf("record %+v, %v, want it counted under the run %q and named by its item", r, err, run.ID)
				}
			}
			for a, err := range s.ledger.Attempts(t.Context(), credits.AttemptQuery{Account: "alice"}) {
				if err != nil || !strings.HasSuffix(a.Holder, "/1") {
					t.Errorf("attempt %+v, %v, want its holder to be the first claim of its task", a, err)
				}
			}
			checkRows(t, s)
		})
	}
}

// checkRows follows every row of the content from the keywords on.
func checkRows(t *testing.T, s *shop) {
	t.Helper()
	clusters := map[string]content.Cluster{}
	for _, c := range all(t, s.content.Clusters()) {
		clusters[c.ID] = c
		if c.Status != content.Mapped {
			t.Errorf("cluster %q is %s, want mapped", c.Name, c.Status)
		}
	}
	for _, k := range all(t, s.content.Keywords()) {
		if k.Status != content.Mapped || clusters[k.Cluster].ID == "" {
			t.Errorf("keyword %q is %s in cluster %q, want it mapped to one that exists", k.Text, k.Status, k.Cluster)
		}
	}
	tasks := map[string]content.Task{}
	for _, task := range all(t, s.content.Tasks()) {
		tasks[task.Idea] = task
	}
	made := map[string]bool{} // the ids that ideas may have: their operation's key with an ordinal
	for id := range clusters {
		for i := range functions.MaxIdeas {
			made[content.NewID("r/ideas/"+id+"/call", strconv.Itoa(i))] = true
		}
	}
	for _, idea := range all(t, s.content.Ideas()) {
		if !made[idea.ID] {
			t.Errorf("idea %q has the id %q, which another try would not make again", idea.Title, idea.ID)
		}
		task := tasks[idea.ID]
		if idea.Status != content.Completed || task.Status != content.Completed || len(idea.Outline) < 3 || len(task.Outline) != len(idea.Outline) || task.Primary != idea.Primary {
			t.Errorf("idea %q is %s and its task %s: want both completed and the whole brief handed on", idea.Title, idea.Status, task.Status)
		}
	}
	images := map[string][]content.Image{}
	for _, img := range all(t, s.content.Images()) {
		images[img.Article] = append(images[img.Article], img)
		if img.Status != content.Generated || img.Blob.Size == 0 || img.Alt == "" {
			t.Errorf("image %q is %s, want it generated, with an alternative text", img.ID, img.Status)
		}
		if square := img.Blob.Width == img.Blob.Height; img.Blob.Width == 0 || square != (img.Ordinal%2 == 1) {
			t.Errorf("image %d is %d × %d: want landscape at the head, and then square and landscape in turns", img.Ordinal, img.Blob.Width, img.Blob.Height)
		}
	}
	articles := all(t, s.content.Articles())
	if len(articles) != len(tasks) || len(articles) == 0 || len(s.press.posts) != len(articles) || s.press.times != len(articles) {
		t.Errorf("%d articles of %d tasks, %d published in %d calls: want each once", len(articles), len(tasks), len(s.press.posts), s.press.times)
	}
	for _, a := range articles {
		if a.Status != content.Approved || a.SiteStatus != content.SitePublished || a.ExternalURL == "" || a.WordCount < 300 || len(a.Raw) == 0 {
			t.Errorf("article %q is %s and %s with %d words", a.Title, a.Status, a.SiteStatus, a.WordCount)
		}
		if len(images[a.ID]) != 3 || images[a.ID][0].Type != content.Featured {
			t.Errorf("article %q has %d images, want one at its head and two inside", a.Title, len(images[a.ID]))
		}
		if post := s.press.posts[a.ID]; len(post.Images) != 3 || post.Cluster.Name == "" {
			t.Errorf("article %q was published with %d images in cluster %q", a.Title, len(post.Images), post.Cluster.Name)
		}
		for _, img := range s.press.posts[a.ID].Images {
			data, err := img.Read(t.Context())
			if sum := sha256.Sum256(data); err != nil || img.Blob.SHA256 != hex.EncodeToString(sum[:]) || img.Blob.Type != "image/png" {
				t.Errorf("image %d of %q is %+v, %v, want its digest and type", img.Ordinal, a.Title, img.Blob, err)
			}
		}
	}
}

func TestANewRunDoesWhatIsNewAndNothingElse(t *testing.T) {
	s := newShop(t, inMemory(t), 0, 5000)
	s.serve()
	s.addKeywords(teaKeywords[:5]...)
	_, err := s.start(pipeline.Request{})
	must(t, err)
	s.wait(automation.Done)
	before := len(s.up.Journal())
	articles := len(all(t, s.content.Articles()))

	_, err = s.pipeline.Start(t.Context(), s.runner, pipeline.Request{ID: "idle", Site: "site", Account: "alice"})
	must(t, err)
	_, counts, err := s.runner.Wait(t.Context(), "idle")
	must(t, err)
	if len(s.up.Journal()) != before || counts[0].Total != 0 {
		t.Errorf("a run with nothing to do made %d calls", len(s.up.Journal())-before)
	}
	s.addKeywords("oolong tea basics", "how to brew oolong tea", "oolong tea taste", "oolong tea caffeine", "best oolong tea")
	_, err = s.pipeline.Start(t.Context(), s.runner, pipeline.Request{ID: "more", Site: "site", Account: "alice"})
	must(t, err)
	_, _, err = s.runner.Wait(t.Context(), "more")
	must(t, err)
	if n := len(all(t, s.content.Articles())); n <= articles || s.press.times != n {
		t.Errorf("%d articles after %d, published %d times: want more, each published once", n, articles, s.press.times)
	}
	s.verify()
}

func TestStartRefusesARunThatTheAccountDoesNotCover(t *testing.T) {
	s := newShop(t, inMemory(t), 1, 100)
	s.addKeywords(teaKeywords...)
	e, err := s.start(pipeline.Request{})
	var short *pipeline.ShortError
	if !errors.As(err, &short) || !errors.Is(err, credits.ErrInsufficient) || short.Available != 100 || short.Estimate != e.Total || short.Need < e.Total+e.Total/5 {
		t.Fatalf("Start = %v (%+v), want a ShortError over the estimate %d and a fifth more", err, short, e.Total)
	}
	for range s.runs.Unfinished(t.Context()) {
		t.Error("a refused run was created")
	}
	if _, err := s.start(pipeline.Request{AllowShort: true}); err != nil {
		t.Errorf("Start with AllowShort = %v", err)
	}
	if len(s.up.Journal()) > 0 {
		t.Error("starting a run made a call")
	}
}

func TestPausesForCreditsWithNothingHeldAndKeepsWhatWasPaidFor(t *testing.T) {
	s := newShop(t, inSQLite(t), 1, 30)
	s.serve()
	s.addKeywords(teaKeywords...)
	_, err := s.start(pipeline.Request{AllowShort: true})
	must(t, err)
	run, counts := s.wait(automation.Paused)
	b := s.verify()
	if run.Reason != automation.ByCredits || b.Posted < 0 || b.Posted == 30 {
		t.Errorf("paused because of %q with %+v", run.Reason, b)
	}
	var saved credits.Amount
	for _, c := range counts {
		saved += c.Credits
	}
	if saved != 30-b.Posted {
		t.Errorf("charged %d, of which %d was saved: want all", 30-b.Posted, saved)
	}
	_, err = s.ledger.Grant(t.Context(), credits.Grant{Account: "alice", Key: "more", Kind: credits.Purchase, Amount: 5000})
	must(t, err)
	must(t, s.runner.Resume(t.Context(), "r"))
	s.wait(automation.Done)
	s.verify()
	checkPaidOnce(t, s)
}

// checkPaidOnce: every billable request is an attempt of its own, and every settled key has one.
func checkPaidOnce(t *testing.T, s *shop) {
	t.Helper()
	attempts := map[string]bool{}
	for _, e := range s.up.Journal() {
		if e.Billable && attempts[e.Attempt] {
			t.Errorf("attempt %s was billed twice", e.Attempt)
		}
		attempts[e.Attempt] = attempts[e.Attempt] || e.Billable
	}
	keys := map[credits.Key]bool{}
	for r, err := range s.ledger.Records(t.Context(), credits.UsageQuery{Account: "alice"}) {
		must(t, err)
		if keys[r.Key] || !attempts[r.Attempt] {
			t.Errorf("key %q is recorded twice, or its attempt was never billed", r.Key)
		}
		keys[r.Key] = true
	}
}

func TestWaitsForAProviderThatRefusesToWork(t *testing.T) {
	for _, fault := range []providertest.FaultKind{providertest.Status401, providertest.Status403, providertest.Quota} {
		t.Run(string(fault), func(t *testing.T) {
			s := newShop(t, inMemory(t), 0, 5000)
			must(t, s.up.SetFaults(providertest.Fault{Kind: fault}))
			s.serve()
			s.addKeywords(teaKeywords...)
			_, err := s.start(pipeline.Request{})
			must(t, err)
			run, _ := s.wait(automation.Paused)
			if b := s.verify(); run.Reason != automation.ByProvider || b.Posted != 5000 {
				t.Errorf("paused because of %q, posted %d, want the provider and nothing charged", run.Reason, b.Posted)
			}
			must(t, s.up.SetFaults())
			must(t, s.runner.Resume(t.Context(), "r"))
			s.wait(automation.Done)
			s.verify()
		})
	}
}

func TestCancelKeepsWhatWasPaidForAndHoldsNothing(t *testing.T) {
	s := newShop(t, inSQLite(t), 0, 5000)
	must(t, s.up.SetFaults(providertest.Fault{Kind: providertest.Slow, Delay: 300 * time.Millisecond, Route: providertest.RouteText, After: 1}))
	s.serve()
	s.addKeywords(teaKeywords...)
	_, err := s.start(pipeline.Request{})
	must(t, err)
	for len(s.up.Journal()) < 3 { // until the second stage is at work
		time.Sleep(5 * time.Millisecond)
	}
	must(t, s.runner.Cancel(t.Context(), "r"))
	_, counts := s.wait(automation.Cancelled)
	b := s.verify()
	var saved credits.Amount
	for _, c := range counts {
		saved += c.Credits
	}
	if saved != 5000-b.Posted || saved == 0 {
		t.Errorf("charged %d, of which %d was saved: want all of it", 5000-b.Posted, saved)
	}
	checkPaidOnce(t, s)
}

func TestTriesToPublishAgain(t *testing.T) {
	s := newShop(t, inMemory(t), 0, 5000)
	s.press.fail = errors.New("the site is down")
	s.serve()
	s.addKeywords(teaKeywords[:5]...)
	_, err := s.start(pipeline.Request{})
	must(t, err)
	for published := false; !published; time.Sleep(5 * time.Millisecond) {
		s.press.mu.Lock()
		if published = s.press.times > 0; published {
			s.press.fail = nil
		}
		s.press.mu.Unlock()
	}
	_, counts := s.wait(automation.Done)
	if last := counts[len(counts)-1]; last.Failed != 0 || last.Done == 0 {
		t.Errorf("publish = %+v, want everything published in the end", last)
	}
}

func TestAddKeywordsTakesEachTextOnce(t *testing.T) {
	s := newShop(t, inMemory(t), 0, 0)
	add := func(texts ...string) (int, error) {
		var ks []pipeline.Keyword
		for _, text := range texts {
			ks = append(ks, pipeline.Keyword{Text: text})
		}
		return s.pipeline.AddKeywords(t.Context(), "site", ks)
	}
	for _, c := range []struct {
		name  string
		texts []string
		added int
		says  string
	}{
		{"TooFew", []string{"a", "b", "c", "d"}, 0, "4 keywords, want at least 5"},
		{"TooFewDifferent", []string{"a", "A", " a ", "b", "c"}, 0, "3 keywords, want at least 5"},
		{"Empty", []string{"a", "b", " \t", "c", "d"}, 0, "keyword 3"},
		{"TooLong", []string{"a", "b", "c", "d", strings.Repeat("x", 501)}, 0, "keyword 5"},
		{"Enough", []string{"a", "b", "c", "d", "e", "E"}, 5, ""},
		{"Known", []string{"a", "e", " D "}, 0, ""},
		{"AFewMore", []string{"e", "f"}, 1, ""},
	} {
		n, err := add(c.texts...)
		if n != c.added || (err == nil) != (c.says == "") || err != nil && (!errors.Is(err, pipeline.ErrInvalid) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: AddKeywords = %d, %v, want %d, %q", c.name, n, err, c.added, c.says)
		}
	}
	var texts []string
	for _, k := range all(t, s.content.Keywords()) {
		texts = append(texts, k.Text)
	}
	if want := []string{"a", "b", "c", "d", "e", "f"}; !slices.Equal(texts, want) {
		t.Errorf("keywords = %q, want %q", texts, want)
	}
}

func TestRefusesAConfigurationThatCannotWork(t *testing.T) {
	for size, wants := range map[int][]string{
		3:                         {"Engine, Functions, Content, Publisher and Blobs", "BatchSize is 3"},
		functions.MaxKeywords + 1: {fmt.Sprintf("BatchSize is %d", functions.MaxKeywords+1)},
	} {
		_, err := pipeline.New(pipeline.Config{BatchSize: size})
		for _, want := range wants {
			if !errors.Is(err, pipeline.ErrInvalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("New = %v, want ErrInvalid with %q", err, want)
			}
		}
	}
}

// TestKeywordsAreGroupedTwentyAtATime counts the keywords in each item of the first stage, without a batch size configured.
func TestKeywordsAreGroupedTwentyAtATime(t *testing.T) {
	for n, want := range map[int][]int{4: nil, 5: {5}, 20: {20}, 21: {11, 10}, 47: {16, 16, 15}} {
		s := newShop(t, inMemory(t), 0, 0)
		for i := range n {
			must(t, s.content.Keywords().Save(t.Context(), content.Keyword{Text: fmt.Sprint("keyword ", i),
				Base: content.Base{ID: fmt.Sprintf("%02d", i), Site: "site", Position: int64(i), Status: content.New}}))
		}
		var sizes []int
		for item, err := range s.pipeline.Stages()[0].Plan(t.Context(), automation.Inputs{Run: "r", Site: "site", Account: "alice"}) {
			var batch struct{ IDs []string }
			must(t, errors.Join(err, json.Unmarshal(item.Input, &batch)))
			sizes = append(sizes, len(batch.IDs))
		}
		if !slices.Equal(sizes, want) {
			t.Errorf("%d keywords are grouped %v at a time, want %v", n, sizes, want)
		}
	}
}

// TestPicturesArePlannedWhateverBecomesOfTheModelThatDescribesThem: a model that is gone pauses the run when it is called, with a
// word of why. A plan that cannot be made is tried for ever.
func TestPicturesArePlannedWhateverBecomesOfTheModelThatDescribesThem(t *testing.T) {
	f := inMemory(t)
	s := newShop(t, f, 1, 1000)
	describing, err := functions.New()
	must(t, err)
	v, err := f.models.Load(t.Context(), 0)
	must(t, err)
	end := time.Now().Add(2 * time.Second)
	for i := range v.Configuration.Models {
		if m := &v.Configuration.Models[i]; m.Name == "gpt-4o-mini" {
			m.Shutdown = &end
		}
	}
	_, err = f.models.Save(t.Context(), registry.Change{Base: v.Number, Who: "test", Why: "an end", Next: v.Configuration})
	must(t, err)
	_, err = f.models.SaveAccount(t.Context(), registry.AccountChange{Account: "alice", Who: "test", Why: "test", Next: registry.Settings{
		Functions: map[string]registry.FunctionSettings{describing.ImagePrompts.Name(): {Model: "gpt-4o-mini"}},
		Images:    registry.ImageSettings{PerArticle: new(3)}}})
	must(t, err)
	must(t, f.content.Articles().Save(t.Context(), content.Article{Base: content.Base{ID: "a", Site: "site", Status: content.Draft}, Slug: "a", Title: "A", HTML: "<p>A</p>", SiteStatus: content.SiteNotPublished}))
	for patience := time.Now().Add(20 * time.Second); !errors.Is(err, registry.ErrInactive); time.Sleep(10 * time.Millisecond) {
		if _, err = s.pipeline.Estimate(t.Context(), pipeline.Request{Account: "alice", Site: "site"}); time.Now().After(patience) {
			t.Fatalf("the model is not gone: %v", err)
		}
	}
	for _, stage := range s.pipeline.Stages() {
		if stage.Name() != pipeline.ImagePrompts {
			continue
		}
		n := 0
		for item, err := range stage.Plan(t.Context(), automation.Inputs{Run: "r", Site: "site", Account: "alice"}) {
			if n++; err != nil || !strings.Contains(string(item.Input), `"count":3`) {
				t.Errorf("planned is %s, %v, want the account's three pictures", item.Input, err)
			}
		}
		if n != 1 {
			t.Errorf("%d articles are planned, want 1", n)
		}
	}
}
