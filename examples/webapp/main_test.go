package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/providers/providertest"
)

// shop is the app behind real HTTP, with an upstream in this process.
type shop struct {
	t      testing.TB
	app    *app
	up     *providertest.Server
	server *httptest.Server
}

func newShop(t testing.TB, latency time.Duration, o options) *shop {
	t.Helper()
	up := providertest.Start(t, providertest.Config{Responder: madeUp{}, Latency: latency})
	o.upstream, o.webhook = up.BaseURL, "of the payment service"
	if o.db = filepath.Join(t.TempDir(), "shop.db"); o.postgres != "" {
		o.db = ""
	}
	a, end, err := open(t.Context(), o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.handler())
	t.Cleanup(func() {
		a.progress.stop()
		server.Close()
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	return &shop{t, a, up, server}
}

// browser is a customer who is signed in.
type browser struct {
	t    testing.TB
	base string
	http *http.Client
}

func signIn(t testing.TB, base, account string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t, base, &http.Client{Jar: jar, Transport: &http.Transport{MaxConnsPerHost: 0}, Timeout: time.Minute}}
	t.Cleanup(b.http.CloseIdleConnections)
	if status, body := b.post("/login", url.Values{"account": {account}}); status != 200 {
		t.Fatalf("login: %d %s", status, body)
	}
	return b
}

func (s *shop) signIn(account string) *browser {
	s.t.Helper()
	return signIn(s.t, s.server.URL, account)
}

func (b *browser) do(ctx context.Context, method, path string, form url.Values) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	if method == "POST" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

func (b *browser) get(path string) (int, string) {
	b.t.Helper()
	status, body, err := b.do(b.t.Context(), "GET", path, nil)
	if err != nil {
		b.t.Error(err)
	}
	return status, body
}

func (b *browser) post(path string, form url.Values) (int, string) {
	b.t.Helper()
	status, body, err := b.do(b.t.Context(), "POST", path, form)
	if err != nil {
		b.t.Error(err)
	}
	return status, body
}

func product(key, name string) url.Values {
	return url.Values{"key": {key}, "name": {name}, "facts": {"It is blue."}}
}

// want checks what an account has, how many charges there were and how many requests for them; and that nothing is held.
func (s *shop) want(account credits.Account, posted credits.Amount, charges, billable int) {
	s.t.Helper()
	b, err := s.app.ledger.Balance(s.t.Context(), account)
	if err != nil || b.Posted != posted || b.Held != 0 {
		s.t.Errorf("Balance = %+v, %v, want %d posted and nothing held", b, err, posted)
	}
	n := 0
	for e, err := range s.app.ledger.Entries(s.t.Context(), credits.EntryQuery{Account: account}) {
		if err != nil {
			s.t.Fatal(err)
		}
		if e.Kind == credits.EntrySettle {
			n++
		}
	}
	billed := 0
	for _, e := range s.up.Journal() {
		if e.Billable {
			billed++
		}
	}
	if n != charges || billed != billable {
		s.t.Errorf("%d charges and %d billable requests, want %d and %d", n, billed, charges, billable)
	}
	if r, err := s.app.ledger.Verify(s.t.Context(), account); err != nil || !r.OK() {
		s.t.Errorf("Verify = %+v, %v", r.Problems, err)
	}
}

func wantPage(t testing.TB, status int, body string, want int, has ...string) {
	t.Helper()
	if status != want {
		t.Errorf("status %d, want %d:\n%s", status, want, body)
	}
	for _, text := range has {
		if !strings.Contains(body, text) {
			t.Errorf("the page does not have %q:\n%s", text, body)
		}
	}
}

func TestAFormIsChargedOnce(t *testing.T) {
	for _, store := range []string{"SQLite", "Postgres"} {
		t.Run(store, func(t *testing.T) {
			var o options
			if store == "Postgres" {
				o.postgres = newDatabase(t)
			}
			s := newShop(t, 0, o)
			b := s.signIn("alice")
			status, body := b.get("/")
			wantPage(t, status, body, 200, "alice · 12 credits", "for 5 credits at most", "<td>grant  welcome<td>12<td>12")
			form := regexp.MustCompile(`name="key" value="(\w{20,})"`).FindStringSubmatch(body)
			if form == nil {
				t.Fatalf("the form has no key:\n%s", body)
			}
			for range 3 { // the reload of a page that was posted posts again
				status, body = b.post("/descriptions", product(form[1], `A "<b>pot</b>"`))
				wantPage(t, status, body, 200, "Meet A &#34;&lt;b&gt;pot&lt;/b&gt;&#34;", "5 credits were charged", "alice · 7 credits")
			}
			status, body = b.get("/descriptions/" + form[1])
			wantPage(t, status, body, 200, "5 credits were charged")
			status, body = b.post("/descriptions", product(form[1], "Another pot"))
			wantPage(t, status, body, 409, "with other words", "Another pot")
			s.want("alice", 7, 1, 1)
			status, body = b.get("/usage")
			wantPage(t, status, body, 200, "<td>gpt-5.1<td>1<td>5")
			status, body = s.signIn("bob").get("/descriptions/" + form[1])
			wantPage(t, status, body, 404, "There is no such description")
		})
	}
}

// newDatabase makes a database of the test's own, because the program puts its tables where every host does.
func newDatabase(t *testing.T) (connection string) {
	t.Helper()
	pool := pgtest.Open(t).Pool
	name := "webapp_" + strings.ToLower(rand.Text()[:12])
	execute := func(statement string) {
		if _, err := pool.Exec(context.WithoutCancel(t.Context()), statement); err != nil {
			t.Error(err)
		}
	}
	execute("CREATE DATABASE " + name)
	t.Cleanup(func() { execute("DROP DATABASE " + name) })
	c := pool.Config().ConnConfig
	return fmt.Sprintf("host='%s' port=%d user='%s' password='%s' dbname=%s", c.Host, c.Port, c.User, c.Password, name)
}

func TestADoubleClickIsOneCall(t *testing.T) {
	s := newShop(t, 300*time.Millisecond, options{})
	b := s.signIn("alice")
	var clicks sync.WaitGroup
	statuses := make([]int, 8)
	for i := range statuses {
		clicks.Go(func() { statuses[i], _ = b.post("/descriptions", product("k", "A pot")) })
	}
	clicks.Wait()
	slices.Sort(statuses)
	if !slices.Equal(statuses, []int{200, 409, 409, 409, 409, 409, 409, 409}) {
		t.Errorf("statuses %v, want one that is served and the others told to wait", statuses)
	}
	s.want("alice", 7, 1, 1)
}

func TestWhoGoesAwayFindsTheAnswer(t *testing.T) {
	s := newShop(t, 500*time.Millisecond, options{})
	b := s.signIn("alice")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, _, err := b.do(ctx, "POST", "/descriptions", product("k", "A pot")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the request ended with %v, want its deadline", err)
	}
	status, body := b.get("/descriptions/k")
	wantPage(t, status, body, 202, "It is being written", `data-wait="k"`)
	for range 100 {
		if status, body = b.get("/descriptions/k"); status != 202 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	wantPage(t, status, body, 200, "Meet A pot")
	s.want("alice", 7, 1, 1)
}

func TestProgressIsToldAsItHappens(t *testing.T) {
	s := newShop(t, 100*time.Millisecond, options{})
	b := s.signIn("alice")
	resp, err := b.http.Get(b.base + "/progress?key=k")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Scan() // it watches now
	posted := make(chan struct{})
	go func() {
		defer close(posted)
		b.post("/descriptions", product("k", "A pot"))
	}()
	var told []string
	for lines.Scan() { // until the stream ends by itself
		if phase, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			told = append(told, phase)
		}
	}
	<-posted // the page comes after the last step
	if got := strings.Join(told, " "); got != "PREP AI_CALL PARSE SAVE DONE" {
		t.Errorf("told %q", got)
	}
}

func TestWithoutCreditsNothingIsSentAndWithThemTheFormGoesOn(t *testing.T) {
	s := newShop(t, 0, options{})
	b := s.signIn("alice")
	for i := range 2 {
		b.post("/descriptions", product(fmt.Sprint(i), "A pot"))
	}
	status, body := b.post("/descriptions", product("k", "A third pot"))
	wantPage(t, status, body, 402, "do not suffice", "3 more are needed", `value="k"`, "A third pot", "Buy 50 credits")
	s.want("alice", 2, 2, 2)
	for range 2 { // a double click on the button
		b.post("/buy", url.Values{"payment": {"p-1"}})
	}
	status, body = b.post("/descriptions", product("k", "A third pot"))
	wantPage(t, status, body, 200, "Meet A third pot")
	s.want("alice", 47, 3, 3)
}

func TestARepeatedWebhookGrantsOnce(t *testing.T) {
	s := newShop(t, 0, options{})
	for _, c := range []struct {
		secret, body string
		want         int
	}{
		{"of the payment service", `{"id":"p-1","account":"alice","credits":50}`, 204},
		{"of the payment service", `{"id":"p-1","account":"alice","credits":50}`, 204},
		{"of the payment service", `{"id":"p-1","account":"alice","credits":5000}`, 409},
		{"of the payment service", `{"id":"p-2","account":"alice","credits":-50}`, 409},
		{"of the payment service", `50 credits, please`, 400},
		{"a guess", `{"id":"p-3","account":"alice","credits":50}`, 403},
		{"", `{"id":"p-3","account":"alice","credits":50}`, 403},
	} {
		req, err := http.NewRequest("POST", s.server.URL+"/webhook", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Webhook-Secret", c.secret)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s with %q: status %d, want %d", c.body, c.secret, resp.StatusCode, c.want)
		}
	}
	s.want("alice", 50, 0, 0)
}

func TestTroubleOfTheProviderIsSaidAndCostsNothing(t *testing.T) {
	s := newShop(t, 0, options{})
	b := s.signIn("alice")
	for _, kind := range []providertest.FaultKind{providertest.Status401, providertest.Quota, providertest.Refusal, providertest.NotJSON} {
		if err := s.up.SetFaults(providertest.Fault{Kind: kind}); err != nil {
			t.Fatal(err)
		}
		status, body := b.post("/descriptions", product("k", "A pot"))
		wantPage(t, status, body, 502, "did not deliver. Nothing was charged", `value="k"`)
		status, body = b.get("/descriptions/k")
		wantPage(t, status, body, 404, "Nothing was charged")
	}
	s.want("alice", 12, 0, 3) // the refusal, the prose and its repair are the operator's loss
	if err := s.up.SetFaults(); err != nil {
		t.Fatal(err)
	}
	status, body := b.post("/descriptions", product("k", "A pot"))
	wantPage(t, status, body, 200, "Meet A pot")
	status, body = b.post("/descriptions", product("l", ""))
	wantPage(t, status, body, 400, "short name")
	s.want("alice", 7, 1, 4)
}

// TestManyAtOnceCannotOverspend: 64 requests at once on credits for ten.
func TestManyAtOnceCannotOverspend(t *testing.T) {
	s := newShop(t, 50*time.Millisecond, options{})
	b := s.signIn("alice")
	if err := s.app.paid(t.Context(), payment{"p", "alice", 38}); err != nil { // and the twelve of the welcome
		t.Fatal(err)
	}
	var mu sync.Mutex
	statuses := map[int]int{}
	var requests sync.WaitGroup
	for i := range 64 {
		requests.Go(func() {
			status, _ := b.post("/descriptions", product(fmt.Sprint("k-", i), "A pot"))
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	requests.Wait()
	if len(statuses) != 2 || statuses[200] != 10 || statuses[402] != 54 {
		t.Errorf("statuses %v, want ten served and 54 refused", statuses)
	}
	s.want("alice", 0, 10, 10)
}

func TestAnotherSitesFormIsRefused(t *testing.T) {
	s := newShop(t, 0, options{})
	b := s.signIn("alice")
	req, err := http.NewRequest("POST", s.server.URL+"/descriptions", strings.NewReader(product("k", "A pot").Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := b.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if h := resp.Header; resp.StatusCode != 403 || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("status %d with %v, want 403, and the headers that cost nothing", resp.StatusCode, h)
	}
	s.want("alice", 12, 0, 0)
	if resp, err := http.Get(s.server.URL + "/"); err != nil || resp.StatusCode != 401 {
		t.Errorf("a stranger gets %v, %v, want to be asked who he is", resp, err)
	}
}

// TestAShutdownWaitsForWhatIsUnderWay stops the server while a description is written, and another watched.
func TestAShutdownWaitsForWhatIsUnderWay(t *testing.T) {
	s := newShop(t, 500*time.Millisecond, options{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, s.app) }()
	b := signIn(t, "http://"+listener.Addr().String(), "alice")
	watched, err := b.http.Get(b.base + "/progress?key=other")
	if err != nil {
		t.Fatal(err)
	}
	defer watched.Body.Close()
	gone, leave := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer leave()
	if _, _, err := b.do(gone, "POST", "/descriptions", product("k", "A pot")); err == nil {
		t.Fatal("the request did not last until its deadline")
	}
	start := time.Now()
	stop()
	if err := <-served; err != nil || time.Since(start) > 10*time.Second {
		t.Errorf("Shutdown = %v after %s", err, time.Since(start))
	}
	s.want("alice", 7, 1, 1)
}

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	var stderr bytes.Buffer
	if err := run(context.Background(), os.Args[1:], os.Stdout, &stderr); err != nil {
		fmt.Fprintln(os.Stderr, err, stderr.String())
		os.Exit(1)
	}
}
