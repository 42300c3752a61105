package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/postgres"
)

func inPostgres(t testing.TB) faces {
	d := pgtest.Open(t)
	db, err := postgres.New(t.Context(), d.Pool, &postgres.Options{Schema: d.Schema})
	must(t, err)
	must(t, db.Migrate(t.Context()))
	return faces{db.Ledger(), db.Models(), db.Runs(), db.Content()}
}

// planWriting plans a run that writes an article for each of the tasks, all of one title.
func (s *shop) planWriting(tasks ...string) {
	s.t.Helper()
	ctx := s.t.Context()
	base := func(id string, status content.Status) content.Base {
		return content.Base{ID: id, Site: "site", Status: status}
	}
	brief := content.Brief{Title: "Tea"}
	must(s.t, s.content.Clusters().Save(ctx, content.Cluster{Base: base("c", content.New), Name: "tea"}))
	var items []automation.Item
	for _, task := range tasks {
		for _, status := range []content.Status{content.New, content.Queued} {
			must(s.t, s.content.Ideas().Save(ctx, content.Idea{Base: base("idea of "+task, status), Cluster: "c", Brief: brief}))
		}
		must(s.t, s.content.Tasks().Save(ctx, content.Task{Base: base(task, content.Queued), Cluster: "c", Idea: "idea of " + task, Brief: brief}))
		items = append(items, automation.Item{ID: task})
	}
	must(s.t, s.runs.CreateRun(ctx, automation.Run{ID: "r", Site: "site", Account: "alice", Stages: []string{pipeline.Write}, State: automation.Running}))
	_, err := s.runs.Plan(ctx, "r", pipeline.Write, items, 0, true)
	must(s.t, err)
}

func TestArticlesOfOneTitleAreAllKeptWhateverTheirTasksAreCalled(t *testing.T) {
	s := newShop(t, inMemory(t), 0, 0)
	s.planWriting("1", "a-task/of a host-1", "a-task/of a host-2", "a-task/of a host-3")
	claimed, err := s.runs.Claim(t.Context(), "w", time.Minute, 4)
	must(t, err)
	out, err := json.Marshal(functions.ContentOutput{Title: "Tea", HTML: "<p>tea</p>"})
	must(t, err)
	for _, task := range slices.Backward(claimed) {
		must(t, s.runs.Complete(t.Context(), "w", task.Ref, automation.Outcome{}, func(tx automation.Tx) (int, error) {
			return s.pipeline.Stages()[3].Save(t.Context(), tx, automation.Call{Ref: task.Ref, Site: "site", Item: task.Item}, out)
		}))
	}
	articles := all(t, s.content.Articles())
	for _, a := range articles {
		if a.Slug != content.Slug(a.Slug) {
			t.Errorf("slug %q is no part of an address", a.Slug)
		}
	}
	if len(articles) != 4 {
		t.Errorf("there are %d articles, want 4", len(articles))
	}
}

func TestAnArticleIsStoredSanitisedWithTheModelsAnswerBesideIt(t *testing.T) {
	s := newShop(t, inMemory(t), 0, 0)
	s.planWriting("task")
	claimed, err := s.runs.Claim(t.Context(), "w", time.Minute, 1)
	must(t, err)
	out, err := json.Marshal(functions.ContentOutput{Title: "Tea", HTML: `<p onclick="steal()">tea<script>steal()</script> leaves</p>`})
	must(t, err)
	must(t, s.runs.Complete(t.Context(), "w", claimed[0].Ref, automation.Outcome{}, func(tx automation.Tx) (int, error) {
		return s.pipeline.Stages()[3].Save(t.Context(), tx, automation.Call{Ref: claimed[0].Ref, Site: "site", Item: claimed[0].Item}, out)
	}))
	for _, a := range all(t, s.content.Articles()) {
		if a.HTML != "<p>tea leaves</p>" || a.WordCount != 2 || string(a.Raw) != string(out) {
			t.Errorf("stored is %q of %d words, and of the answer %s; want nothing in it that runs, two words, and all of the answer", a.HTML, a.WordCount, a.Raw)
		}
	}
}

// Two workers may save articles of one title in the same moment, and neither sees the other's until that is committed.
func TestTwoArticlesOfOneTitleThatAreSavedAtOnceAreBothKept(t *testing.T) {
	s := newShop(t, inPostgres(t), 0, 0)
	s.planWriting("0-the-task", "1-the-task")
	claimed, err := s.runs.Claim(t.Context(), "w", time.Minute, 2)
	must(t, err)
	write := s.pipeline.Stages()[3]

	var workers sync.WaitGroup
	errs, saved := make([]error, 2), make(chan struct{})
	for i, task := range claimed {
		out, err := json.Marshal(functions.ContentOutput{Title: "Tea", HTML: fmt.Sprintf("<p>of task %d</p>", i)})
		must(t, err)
		workers.Go(func() {
			if i == 1 {
				<-saved
			}
			errs[i] = s.runs.Complete(t.Context(), "w", task.Ref, automation.Outcome{Out: out}, func(tx automation.Tx) (int, error) {
				n, err := write.Save(t.Context(), tx, automation.Call{Ref: task.Ref, Site: "site", Item: task.Item}, out)
				if i == 0 {
					close(saved)
					time.Sleep(300 * time.Millisecond) // the other waits for the row by now
				}
				return n, err
			})
		})
	}
	workers.Wait()
	articles := all(t, s.content.Articles())
	if errs[0] != nil || errs[1] != nil || len(articles) != 2 {
		t.Errorf("Complete = %v, and there are %d articles, want 2", errs, len(articles))
	}
	for _, a := range articles {
		if want := fmt.Sprintf("<p>of task %c</p>", a.Task[0]); a.HTML != want {
			t.Errorf("the article of task %q says %q, want %q", a.Task, a.HTML, want)
		}
	}
}

func TestAnArticleWithoutAClusterIsPublished(t *testing.T) {
	s := newShop(t, inMemory(t), 0, 0)
	must(t, s.content.Articles().Save(t.Context(), content.Article{Base: content.Base{ID: "a", Site: "site", Status: content.Draft},
		Title: "Of the host's own", Slug: "own", HTML: "<p>own</p>", SiteStatus: content.SiteNotPublished}))
	s.serve()
	must(t, s.runner.Start(t.Context(), automation.Run{ID: "r", Site: "site", Account: "alice", Stages: []string{pipeline.Publish}}))
	s.wait(automation.Done)
	if _, ok := s.press.posts["a"]; !ok {
		t.Error("it was not published")
	}
}

func TestAnArticleInReviewIsNotPublished(t *testing.T) {
	s := newShop(t, inMemory(t), 0, 0)
	for _, status := range []content.Status{content.Draft, content.Review} {
		must(t, s.content.Articles().Save(t.Context(), content.Article{Base: content.Base{ID: "a", Site: "site", Status: status},
			Title: "Not yet", Slug: "not-yet", HTML: "<p>not yet</p>", SiteStatus: content.SiteNotPublished}))
	}
	s.serve()
	must(t, s.runner.Start(t.Context(), automation.Run{ID: "r", Site: "site", Account: "alice", Stages: []string{pipeline.Publish}}))
	s.wait(automation.Done)
	if s.press.times != 0 {
		t.Errorf("it was published %d times", s.press.times)
	}
}

// A picture may be given up in one run and made in the next, when its article is on the site already.
func TestAPictureThatComesLaterIsPublishedToo(t *testing.T) {
	s := newShop(t, inMemory(t), 1, 5000)
	ctx := t.Context()
	article := content.Article{Base: content.Base{ID: "a", Site: "site", Status: content.Draft}, Title: "Tea", Slug: "tea", HTML: "<p>tea</p>", SiteStatus: content.SiteNotPublished}
	must(t, s.content.Articles().Save(ctx, article))
	s.serve()
	stages := []string{pipeline.Images, pipeline.Publish}
	run := func(id string) {
		t.Helper()
		must(t, s.runner.Start(ctx, automation.Run{ID: id, Site: "site", Account: "alice", Stages: stages}))
		if r, _, err := s.runner.Wait(ctx, id); err != nil || r.State != automation.Done {
			t.Fatalf("run %q is %s (%s), %v", id, r.State, r.Detail, err)
		}
	}
	run("1")
	must(t, s.content.Images().Save(ctx, content.Image{Base: content.Base{ID: "i", Site: "site", Status: content.Pending}, Article: "a", Type: content.Featured, Prompt: "a cup of tea"}))
	run("2")
	if n := len(s.press.posts["a"].Images); n != 1 {
		t.Errorf("the post has %d pictures, want the one that was paid for", n)
	}
	times := s.press.times
	run("3")
	if times != 2 || s.press.times != times {
		t.Errorf("it was published %d times, and again without need %d times, want twice and never", times, s.press.times-times)
	}
}

// slowly is a content store that takes its time after a cluster was saved.
type slowly struct{ pipeline.Content }

type slowStore struct{ content.Store }

type slowClusters struct{ content.Table[content.Cluster] }

func (s slowly) In(tx automation.Tx) (content.Store, error) {
	store, err := s.Content.In(tx)
	return slowStore{store}, err
}

func (s slowStore) Clusters() content.Table[content.Cluster] { return slowClusters{s.Store.Clusters()} }

func (s slowClusters) Save(ctx context.Context, rows ...content.Cluster) error {
	err := s.Table.Save(ctx, rows...)
	time.Sleep(200 * time.Millisecond)
	return err
}

func TestBatchesThatCameToTheSameClustersAreSavedAtOnce(t *testing.T) {
	f := inPostgres(t)
	f.content = slowly{f.content}
	s := newShop(t, f, 0, 0)
	s.addKeywords(teaKeywords...)
	type batch struct {
		IDs []string `json:"ids"`
	}
	batches := make([]batch, 2)
	for i, k := range all(t, s.content.Keywords()) {
		batches[i%2].IDs = append(batches[i%2].IDs, k.ID)
	}
	var items []automation.Item
	for i, b := range batches {
		input, err := json.Marshal(b)
		must(t, err)
		items = append(items, automation.Item{ID: fmt.Sprint(i), Input: input})
	}
	must(t, s.runs.CreateRun(t.Context(), automation.Run{ID: "r", Site: "site", Account: "alice", Stages: []string{pipeline.Cluster}, State: automation.Running}))
	_, err := s.runs.Plan(t.Context(), "r", pipeline.Cluster, items, 0, true)
	must(t, err)
	claimed, err := s.runs.Claim(t.Context(), "w", time.Minute, 2)
	must(t, err)
	var workers sync.WaitGroup
	errs := make([]error, 2)
	for i, task := range claimed {
		groups := []functions.ClusterGroup{{Name: "Green", Keywords: []int{1, 2}}, {Name: "Black", Keywords: []int{3, 4, 5}}}
		if i == 1 {
			slices.Reverse(groups)
			groups[0].Name, groups[1].Name = "black", " GREEN "
		}
		out, err := json.Marshal(functions.ClusterOutput{Clusters: groups})
		must(t, err)
		workers.Go(func() {
			errs[i] = s.runs.Complete(t.Context(), "w", task.Ref, automation.Outcome{Out: out}, func(tx automation.Tx) (int, error) {
				return s.pipeline.Stages()[0].Save(t.Context(), tx, automation.Call{Ref: task.Ref, Site: "site", Item: task.Item}, out)
			})
		})
	}
	workers.Wait()
	if errs[0] != nil || errs[1] != nil {
		t.Errorf("Complete = %v, want both saved", errs)
	}
	if clusters := all(t, s.content.Clusters()); len(clusters) != 2 {
		t.Errorf("there are %d clusters, want 2, however their names are written: %+v", len(clusters), clusters)
	}
}
