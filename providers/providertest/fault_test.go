package providertest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/providers/providertest"
)

// TestAFaultDoesWhatItsCommentSays on every route on which it means something.
func TestAFaultDoesWhatItsCommentSays(t *testing.T) {
	up := providertest.Start(t, providertest.Config{Prices: map[string]providertest.Price{"m": {Image: decimal.New(12, -3)}}})
	html := func(t *testing.T, a answer) {
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !strings.Contains(string(a.body), "<html>") {
			t.Errorf("answer %q of type %q, want a gateway's page", a.body, a.header.Get("Content-Type"))
		}
	}
	waits := func(t *testing.T, a answer) {
		if a.header.Get("Retry-After") != "2" || a.header.Get("Retry-After-Ms") != "1500" {
			t.Errorf("header %v, want to be asked to wait 1.5 s", a.header)
		}
	}
	endless := func(t *testing.T, a answer) {
		if len(a.body) != readLimit || len(strings.Trim(string(a.body), " ")) > 0 {
			t.Errorf("%d bytes arrived before the reader had enough, beginning %.20q; want blanks for ever", len(a.body), a.body)
		}
	}
	code := func(want string) func(*testing.T, answer) {
		return func(t *testing.T, a answer) {
			if !strings.Contains(string(a.body), `"code":"`+want+`"`) {
				t.Errorf("body %s, want the code %q", a.body, want)
			}
		}
	}
	text := func(check func(t *testing.T, content, refusal, finish string, in, out, total int64)) func(*testing.T, answer) {
		return func(t *testing.T, a answer) {
			var body struct {
				Choices []struct {
					Finish  string `json:"finish_reason"`
					Message struct{ Content, Refusal string }
				}
				Usage struct {
					In    int64 `json:"prompt_tokens"`
					Out   int64 `json:"completion_tokens"`
					Total int64 `json:"total_tokens"`
				}
			}
			a.decode(t, &body)
			c := body.Choices[0]
			check(t, c.Message.Content, c.Message.Refusal, c.Finish, body.Usage.In, body.Usage.Out, body.Usage.Total)
		}
	}
	has := func(part string, want bool) func(*testing.T, answer) {
		return func(t *testing.T, a answer) {
			if strings.Contains(string(a.body), part) != want {
				t.Errorf("body %s: that it has %s should be %t", a.body, part, want)
			}
		}
	}
	type route = string
	all := []route{providertest.RouteText, providertest.RouteImage, providertest.RouteRunware}
	openAI := []route{providertest.RouteText, providertest.RouteImage}
	tried := map[string]bool{}
	defer func() {
		for _, kind := range providertest.Kinds() {
			for _, route := range kind.Routes() {
				if name := string(kind) + " on " + route; slices.Contains(all, route) && !tried[name] {
					t.Errorf("nobody tried %s", name)
				}
			}
		}
	}()
	for _, tt := range []struct {
		kind   providertest.FaultKind
		routes []route
		status int
		billed bool
		cut    bool
		check  func(*testing.T, answer)
	}{
		{providertest.Status401, openAI, 401, false, false, code("invalid_api_key")},
		{providertest.Status401, all[2:], 401, false, false, code("invalidApiKey")},
		{providertest.Status403, openAI, 403, false, false, code("unsupported_country_region_territory")},
		{providertest.Status403, all[2:], 403, false, false, code("permissionDenied")},
		{providertest.Status429, all, 429, false, false, waits},
		{providertest.Status500, all, 500, false, false, nil},
		{providertest.Status502, all, 502, false, false, html},
		{providertest.Status503, all, 503, false, false, waits},
		{providertest.Quota, openAI, 429, false, false, code("insufficient_quota")},
		{providertest.Quota, all[2:], 402, false, false, code("insufficientCredits")},
		{providertest.Redirect, all, 302, false, false, func(t *testing.T, a answer) {
			if a.header.Get("Location") != up.URL+"/elsewhere" {
				t.Errorf("location %q, want /elsewhere", a.header.Get("Location"))
			}
		}},
		{providertest.DropBefore, all, 0, false, false, nil},
		{providertest.DropAfter, all, 0, true, false, nil},
		{providertest.CutBody, all, 200, true, true, func(t *testing.T, a answer) {
			if n := a.header.Get("Content-Length"); fmt.Sprint(2*len(a.body)) != n && fmt.Sprint(2*len(a.body)+1) != n {
				t.Errorf("%d bytes of %s arrived, want half", len(a.body), n)
			}
		}},
		{providertest.Slow, all, 200, true, false, func(t *testing.T, a answer) {
			if a.headers < 50*time.Millisecond {
				t.Errorf("the headers came after %v, want 50 ms", a.headers)
			}
		}},
		{providertest.SlowBody, all, 200, true, false, func(t *testing.T, a answer) {
			if dripped := a.took - a.headers; dripped < 40*time.Millisecond || !json.Valid(a.body) {
				t.Errorf("the body %.100q came %v after the headers, want it whole, over 50 ms", a.body, dripped)
			}
		}},
		{providertest.HugeBody, all, 200, true, false, endless},
		{providertest.GzipBomb, all, 200, true, false, endless},
		{providertest.EmptyBody, all, 200, true, false, func(t *testing.T, a answer) {
			if len(a.body) > 0 {
				t.Errorf("body %q, want none", a.body)
			}
		}},
		{providertest.WrongType, all, 200, true, false, func(t *testing.T, a answer) {
			if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !json.Valid(a.body) {
				t.Errorf("answer %.100q of type %q, want the right one of the wrong type", a.body, a.header.Get("Content-Type"))
			}
		}},
		{providertest.Twice, all, 200, true, false, func(t *testing.T, a answer) {
			first, second, _ := strings.Cut(string(a.body), "\n")
			if first != second || !json.Valid([]byte(first)) {
				t.Errorf("body %.200q, want an answer twice", a.body)
			}
		}},
		{providertest.InvalidBody, all, 200, true, false, func(t *testing.T, a answer) {
			if json.Valid(a.body) || len(a.body) == 0 {
				t.Errorf("body %q is JSON", a.body)
			}
		}},
		{providertest.ErrorIn200, openAI, 200, true, false, code("server_error")},
		{providertest.ErrorIn200, all[2:], 200, true, false, code("inferenceError")},
		{providertest.Refusal, all[:1], 200, true, false, text(func(t *testing.T, content, refusal, _ string, _, _, _ int64) {
			if content != "" || refusal == "" {
				t.Errorf("content %q and refusal %q, want a refusal alone", content, refusal)
			}
		})},
		{providertest.Refusal, all[1:2], 400, false, false, code("moderation_blocked")},
		{providertest.Refusal, all[2:], 400, false, false, code("contentPolicyViolation")},
		{providertest.NotJSON, all[:1], 200, true, false, text(func(t *testing.T, content, _, finish string, _, _, _ int64) {
			if json.Valid([]byte(content)) || finish != "stop" {
				t.Errorf("content %q with finish %q, want prose", content, finish)
			}
		})},
		{providertest.WrongShape, all[:1], 200, true, false, text(func(t *testing.T, content, _, finish string, _, _, _ int64) {
			if !json.Valid([]byte(content)) || strings.Contains(content, "good morning") || finish != "stop" {
				t.Errorf("content %q with finish %q, want other JSON", content, finish)
			}
		})},
		{providertest.Length, all[:1], 200, true, false, text(func(t *testing.T, content, _, finish string, _, _, _ int64) {
			if want := "You said: g"; content != want || finish != "length" {
				t.Errorf("content %q with finish %q, want half of it: %q", content, finish, want)
			}
		})},
		{providertest.NoUsage, openAI, 200, true, false, has(`"usage"`, false)},
		{providertest.NoUsage, all[2:], 200, true, false, has(`"cost"`, false)},
		{providertest.AbsurdUsage, all[:1], 200, true, false, text(func(t *testing.T, _, _, _ string, in, out, total int64) {
			if in+out == total {
				t.Error("the usage adds up")
			}
		})},
		{providertest.AbsurdUsage, all[1:2], 200, true, false, func(t *testing.T, a answer) {
			var body struct {
				Usage struct {
					In    int64 `json:"input_tokens"`
					Out   int64 `json:"output_tokens"`
					Total int64 `json:"total_tokens"`
				}
			}
			a.decode(t, &body)
			if u := body.Usage; u.In == 0 || u.In+u.Out == u.Total {
				t.Error("the usage adds up")
			}
		}},
		{providertest.ExcessUsage, all[:1], 200, true, false, text(func(t *testing.T, _, _, _ string, in, out, total int64) {
			if in+out != total || out != 1000 {
				t.Errorf("usage %d + %d = %d, want ten times the bound of 100", in, out, total)
			}
		})},
		{providertest.BadPicture, all[1:2], 200, true, false, nil},
		{providertest.BadPicture, all[2:], 200, true, false, nil},
	} {
		for _, route := range tt.routes {
			tried[string(tt.kind)+" on "+route] = true
			t.Run(string(tt.kind)+" on "+route, func(t *testing.T) {
				setFaults(t, up, providertest.Fault{Kind: tt.kind, Count: 1, RetryAfter: 1500 * time.Millisecond, Delay: 50 * time.Millisecond})
				n := len(up.Journal())
				a := call(t, up, route)
				e := last(t, up, n)
				if a.status != tt.status || a.cut != tt.cut {
					t.Errorf("status %d, cut %t, body %.200s; want status %d, cut %t", a.status, a.cut, a.body, tt.status, tt.cut)
				}
				if e.Route != route || e.Status != tt.status || e.Billable != tt.billed || e.Fault != string(tt.kind) || e.Model != "m" || e.Attempt == "" {
					t.Errorf("the journal has %+v, want status %d, billable %t, with model and attempt", e, tt.status, tt.billed)
				}
				if tt.check != nil {
					tt.check(t, a)
				}
				if a := call(t, up, route); a.status != 200 || a.cut {
					t.Errorf("the next request is answered %d (cut %t), want no fault any more", a.status, a.cut)
				}
			})
		}
	}
}

var tasks int

// call makes a request on a route, a new task each time on Runware's.
func call(t testing.TB, up *providertest.Server, route string) answer {
	t.Helper()
	switch route {
	case providertest.RouteText:
		return post(t, up, textPath, "any", textBody)
	case providertest.RouteImage:
		return post(t, up, imagePath, "any", imageBody)
	}
	tasks++
	return post(t, up, runwarePath, "any", task(fmt.Sprintf("task-%d", tasks), ""))
}

func TestFaultsOnPollsAndFiles(t *testing.T) {
	up := providertest.Start(t, providertest.Config{})
	var drawn struct {
		Data []struct {
			URL string `json:"imageURL"`
		}
	}
	post(t, up, runwarePath, "any", task(attempt, "")).decode(t, &drawn)
	file := drawn.Data[0].URL
	for _, tt := range []struct {
		kind   providertest.FaultKind
		status int
		cut    bool
	}{
		{providertest.Status401, 401, false}, {providertest.Status403, 403, false}, {providertest.Status429, 429, false},
		{providertest.Status500, 500, false}, {providertest.Status502, 502, false}, {providertest.Status503, 503, false},
		{providertest.Quota, 0, false}, {providertest.Redirect, 302, false}, {providertest.DropBefore, 0, false},
		{providertest.DropAfter, 0, false}, {providertest.CutBody, 200, true}, {providertest.Slow, 200, false}, {providertest.SlowBody, 200, false},
		{providertest.HugeBody, 200, false}, {providertest.GzipBomb, 200, false}, {providertest.EmptyBody, 200, false},
		{providertest.WrongType, 200, false}, {providertest.Twice, 200, false}, {providertest.InvalidBody, 200, false},
	} {
		for _, route := range []string{providertest.RoutePoll, providertest.RouteFile} {
			t.Run(string(tt.kind)+" on "+route, func(t *testing.T) {
				setFaults(t, up, providertest.Fault{Kind: tt.kind, Route: route, Count: 1, Delay: time.Millisecond})
				n := len(up.Journal())
				var a answer
				if route == providertest.RoutePoll {
					a = post(t, up, runwarePath, "any", poll(attempt))
				} else {
					a = send(t, "GET", file, "", "")
				}
				e := last(t, up, n)
				want := tt.status
				if tt.kind == providertest.Quota { // worded by each service
					want = map[string]int{providertest.RoutePoll: 402, providertest.RouteFile: 429}[route]
				}
				if a.status != want || a.cut != tt.cut || e.Route != route || e.Status != want || e.Billable || e.Fault != string(tt.kind) {
					t.Errorf("answered %d (cut %t) and journalled %+v, want %d (cut %t), never billed", a.status, a.cut, e, want, tt.cut)
				}
			})
		}
	}
	t.Run("A picture that cannot be decoded", func(t *testing.T) {
		setFaults(t, up, providertest.Fault{Kind: providertest.BadPicture, Route: providertest.RouteFile, Count: 1})
		if a := send(t, "GET", file, "", ""); a.status != 200 || isPNG(a.body) {
			t.Errorf("answered %d with a picture", a.status)
		}
		if a := send(t, "GET", file, "", ""); a.status != 200 || !isPNG(a.body) {
			t.Errorf("answered %d without a picture the next time", a.status)
		}
	})
}

func TestABadPictureIsBadWhereverItIs(t *testing.T) {
	up := providertest.Start(t, providertest.Config{})
	setFaults(t, up, providertest.Fault{Kind: providertest.BadPicture})
	var image struct {
		Data []struct {
			URL    string `json:"url"`
			Base64 string `json:"b64_json"`
		}
	}
	post(t, up, imagePath, "any", imageBody).decode(t, &image)
	if a := send(t, "GET", image.Data[0].URL, "", ""); a.status != 200 || isPNG(a.body) {
		t.Errorf("the file is answered %d with a picture", a.status)
	}
	post(t, up, imagePath, "any", `{"model":"m","prompt":"p","size":"8x8","response_format":"b64_json"}`).decode(t, &image)
	if b, err := base64.StdEncoding.DecodeString(image.Data[0].Base64); err != nil || isPNG(b) || len(b) == 0 {
		t.Errorf("the answer has a picture (%v)", err)
	}
}

func TestAnErrorOfARunwareTaskIsItsEnd(t *testing.T) {
	up := providertest.Start(t, providertest.Config{})
	setFaults(t, up, providertest.Fault{Kind: providertest.ErrorIn200})
	first := post(t, up, runwarePath, "any", task(attempt, ""))
	again := post(t, up, runwarePath, "any", poll(attempt))
	if strings.Contains(string(first.body), `"status"`) || !strings.Contains(string(again.body), `"status":"error"`) || again.status != 200 {
		t.Errorf("answered %s and then %s, want the error again with its status", first.body, again.body)
	}
}

// TestFaultsChooseTheirRequests plays ten requests to rules and looks which are struck.
func TestFaultsChooseTheirRequests(t *testing.T) {
	const text, image = providertest.RouteText, providertest.RouteImage
	fault := func(f providertest.Fault) providertest.Fault {
		if f.Kind == "" {
			f.Kind = providertest.Status500
		}
		return f
	}
	for _, tt := range []struct {
		rule   string
		faults []providertest.Fault
		want   string // a letter for each of ten requests: . passes, 5 is a 500, 4 a 401
	}{
		{"NoneLetsAllPass", nil, ".........."},
		{"OneWithoutLimitsStrikesAll", []providertest.Fault{{}}, "5555555555"},
		{"AfterLetsTheFirstPass", []providertest.Fault{{After: 3}}, "...5555555"},
		{"EveryStrikesTheFirstOfSoMany", []providertest.Fault{{Every: 3}}, "5..5..5..5"},
		{"EveryCountsFromAfter", []providertest.Fault{{After: 1, Every: 4}}, ".5...5...5"},
		{"CountIsAllInAll", []providertest.Fault{{Every: 2, Count: 3}}, "5.5.5....."},
		{"TheFirstRuleThatStrikesDecides", []providertest.Fault{{Count: 2}, {Kind: providertest.Status401}}, "5544444444"},
		{"EveryRuleCountsEveryRequest", []providertest.Fault{{Count: 2}, {Kind: providertest.Status401, After: 3, Count: 2}}, "55.44....."},
		{"ARuleThatWasTooLateKeepsItsCount", []providertest.Fault{{Count: 2}, {Kind: providertest.Status401, Count: 2}}, "5544......"},
		{"AnotherRoutesRuleDoesNotStrike", []providertest.Fault{{Route: image}}, ".........."},
		{"AnotherRoutesRequestsDoNotCount", []providertest.Fault{{Route: text, After: 1, Count: 1}}, ".5........"},
		{"WithACertainChanceItStrikesAll", []providertest.Fault{{Probability: 100}}, "5555555555"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			up := providertest.Start(t, providertest.Config{})
			for i := range tt.faults {
				tt.faults[i] = fault(tt.faults[i])
			}
			setFaults(t, up, tt.faults...)
			if got := struck(t, up, 10); got != tt.want {
				t.Errorf("struck %s, want %s", got, tt.want)
			}
			setFaults(t, up, tt.faults...)
			if got := struck(t, up, 10); got != tt.want {
				t.Errorf("struck %s after the rules were set anew, want %s again", got, tt.want)
			}
		})
	}
	t.Run("AChanceIsDrawnFromItsSeed", func(t *testing.T) {
		up := providertest.Start(t, providertest.Config{})
		play := func(seed uint64, before ...providertest.Fault) string {
			setFaults(t, up, append(before, providertest.Fault{Kind: providertest.Status401, Probability: 30, Seed: seed})...)
			return struck(t, up, 100)
		}
		first := play(1)
		if n := strings.Count(first, "4"); n < 15 || n > 45 {
			t.Errorf("%d of 100 were struck, want about 30", n)
		}
		if again := play(1); again != first {
			t.Errorf("the same seed strikes %s and then %s", first, again)
		}
		if other := play(2); other == first {
			t.Error("another seed strikes the same")
		}
		shifted := play(1, providertest.Fault{Kind: providertest.Status500, Count: 10})
		if shifted[10:] != first[10:] {
			t.Errorf("another rule's strikes shift the draws: %s, alone %s", shifted, first)
		}
	})
}

func struck(t testing.TB, up *providertest.Server, n int) string {
	var b strings.Builder
	for range n {
		if a := post(t, up, textPath, "any", textBody); a.status == 200 {
			b.WriteByte('.')
		} else {
			b.WriteByte(byte('0' + a.status/100))
		}
	}
	return b.String()
}

func TestFaultsWithoutAMeaningAreRefusedAndChangeNothing(t *testing.T) {
	up := providertest.Start(t, providertest.Config{})
	setFaults(t, up, providertest.Fault{Kind: providertest.Status500})
	err := up.SetFaults(
		providertest.Fault{Kind: providertest.Status401},
		providertest.Fault{Kind: "earthquake"},
		providertest.Fault{Kind: providertest.NotJSON, Route: providertest.RouteImage},
		providertest.Fault{Kind: providertest.Status401, Route: providertest.RouteElsewhere},
		providertest.Fault{Kind: providertest.Status401, After: -1},
		providertest.Fault{Kind: providertest.Status401, Every: -1},
		providertest.Fault{Kind: providertest.Status401, Count: -1},
		providertest.Fault{Kind: providertest.Status401, Probability: 101},
		providertest.Fault{Kind: providertest.Status401, RetryAfter: -1},
		providertest.Fault{Kind: providertest.Slow, Delay: -1},
	)
	if err == nil {
		t.Fatal("SetFaults accepted them")
	}
	if strings.Contains(err.Error(), "fault 0") {
		t.Errorf("error %q complains of the one that is right", err)
	}
	for _, part := range []string{`fault 1: unknown kind "earthquake"`, `fault 2: kind "notJSON" has no meaning on route "image"`, `fault 3: kind "status401" has no meaning on route "elsewhere"`,
		"fault 4", "fault 5", "fault 6", "fault 7", "fault 8", "fault 9"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	if a := post(t, up, textPath, "any", textBody); a.status != 500 {
		t.Errorf("answered %d, want the earlier rule", a.status)
	}
}

func TestAHugeBodyIsLongerThanAnyAdaptersBound(t *testing.T) {
	up := providertest.Start(t, providertest.Config{})
	setFaults(t, up, providertest.Fault{Kind: providertest.HugeBody})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, up.URL+textPath, strings.NewReader(textBody))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer any")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	const bound = 65 << 20
	if n, err := io.CopyN(io.Discard, resp.Body, bound); n != bound || err != nil {
		t.Errorf("the body ended after %d bytes (%v), want more than %d", n, err, bound)
	}
}

func TestKindsAreListedOnceWithTheirRoutes(t *testing.T) {
	seen := map[providertest.FaultKind]bool{}
	for _, kind := range providertest.Kinds() {
		if seen[kind] || len(kind.Routes()) == 0 {
			t.Errorf("kind %q is there twice, or on no route", kind)
		}
		seen[kind] = true
		kind.Routes()[0] = "" // the caller's own
		if err := providertest.New(providertest.Config{}).SetFaults(providertest.Fault{Kind: kind, Route: kind.Routes()[0]}); err != nil {
			t.Error(err)
		}
	}
	if r := providertest.FaultKind("earthquake").Routes(); r != nil {
		t.Errorf("an unknown kind is on %q", r)
	}
}

func TestAFaultIsTheSameAfterJSON(t *testing.T) {
	for _, f := range []providertest.Fault{
		{},
		{Kind: providertest.Status401},
		{Kind: providertest.Slow, Route: providertest.RouteFile, After: 1, Every: 2, Count: 3, Probability: 4, Seed: 1 << 63, RetryAfter: 1500 * time.Millisecond, Delay: time.Hour + time.Nanosecond},
	} {
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var got providertest.Fault
		if err := json.Unmarshal(b, &got); err != nil || got != f {
			t.Errorf("%+v is %s in JSON and then %+v (%v)", f, b, got, err)
		}
	}
	b, _ := json.Marshal(providertest.Fault{Kind: providertest.Status429, RetryAfter: 1500 * time.Millisecond})
	if want := `{"kind":"status429","retry_after":"1.5s"}`; string(b) != want {
		t.Errorf("JSON is %s, want %s", b, want)
	}
	for _, bad := range []string{`{"retry_after":"soon"}`, `{"delay":"1"}`, `{"delay":5}`, `[]`} {
		var f providertest.Fault
		if err := json.Unmarshal([]byte(bad), &f); err == nil {
			t.Errorf("%s was read as %+v", bad, f)
		}
	}
}
