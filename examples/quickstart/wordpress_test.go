package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/internal/wptest"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// TestCampaignWordPress kills the program while it publishes on a WordPress, on the real one if there is one: each article is
// there once, however often.
func TestCampaignWordPress(t *testing.T) {
	address, password := wptest.Real(false)
	user, most := "editor", 20
	if address == "" {
		address, user, password, most = wptest.Start(t).URL, wptest.User, wptest.Password, campaign(2, 20)
	}
	p := newProgram(t, startUpstream(t, providertest.Config{}), "-limit", "15", "-wordpress", address)
	p.env = []string{"WORDPRESS_USER=" + user, "WORDPRESS_PASSWORD=" + password}
	kills := 0
	for kills < most && p.run(time.Second+time.Duration(kills)*100*time.Millisecond).code == -1 {
		kills++
	}
	r := p.want(exitDone)
	request, err := http.NewRequest(http.MethodGet, address+"/wp-json/wp/v2/posts?status=publish&context=edit&per_page=100&search=scrip-", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(user, password)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var posts []struct {
		ID       int64
		Featured int64 `json:"featured_media"`
		Content  struct{ Raw string }
	}
	if err := json.NewDecoder(answer.Body).Decode(&posts); err != nil {
		t.Fatal(err)
	}
	there, marks := map[string]bool{}, map[string]int{}
	for _, post := range posts {
		there[strconv.FormatInt(post.ID, 10)] = post.Featured != 0
		if marks[post.Content.Raw[strings.LastIndex(post.Content.Raw, "<!--"):]]++; len(marks) < len(there) {
			t.Errorf("post %d has the marker of another: %s", post.ID, post.Content.Raw)
		}
	}
	db, err := sqlite.Open(t.Context(), p.db(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	articles := int64(0)
	for a, err := range db.Content().Articles().List(t.Context(), content.Query{Site: "site-1"}) {
		if err != nil {
			t.Fatal(err)
		}
		if articles++; !there[a.ExternalID] {
			t.Errorf("article %q is not on the site with its picture as %q", a.Slug, a.ExternalID)
		}
	}
	if articles != r.summary.Published || articles == 0 || kills == 0 {
		t.Errorf("there are %d articles, %d published, after %d kills", articles, r.summary.Published, kills)
	}
	t.Logf("%d kills, %d articles", kills, articles)
}
