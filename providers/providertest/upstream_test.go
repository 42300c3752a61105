package providertest_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/providers/providertest"
)

func TestText(t *testing.T) {
	up := providertest.Start(t, providertest.Config{APIKey: "the-key", Prices: map[string]providertest.Price{
		"m": {Input: decimal.RequireFromString("1.25"), Output: decimal.New(10, 0)}}})
	t.Run("IsTheRespondersWithTheTokensOfItsBytes", func(t *testing.T) {
		a := post(t, up, textPath, "the-key", textBody)
		want := `{"choices":[{"finish_reason":"stop","index":0,"logprobs":null,"message":{"annotations":[],"content":"You said: good morning","refusal":null,"role":"assistant"}}],` +
			`"created":1,"id":"chatcmpl-` + attempt + `","model":"m","object":"chat.completion","service_tier":"default",` +
			`"usage":{"completion_tokens":6,"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":0,"rejected_prediction_tokens":0},` +
			`"prompt_tokens":5,"prompt_tokens_details":{"audio_tokens":0,"cache_write_tokens":0,"cached_tokens":0},"total_tokens":11}}`
		if a.status != 200 || string(a.body) != want || a.header.Get("X-Request-Id") != "req_"+attempt {
			t.Errorf("answered %d with request id %q: %s, want %s", a.status, a.header.Get("X-Request-Id"), a.body, want)
		}
		e := last(t, up, 0)
		if e.Cost != "0.00006625" || e.InputTokens != 5 || e.OutputTokens != 6 || e.Attempt != attempt || e.Seq != 1 || e.Time.IsZero() {
			t.Errorf("the journal has %+v", e)
		}
	})
	t.Run("FollowsASchema", func(t *testing.T) {
		a := post(t, up, textPath, "the-key", `{"model":"m","messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{}}}}`)
		if !strings.Contains(string(a.body), `"content":"{\"echo\":\"hi\"}"`) {
			t.Errorf("answered %s, want JSON", a.body)
		}
	})
	t.Run("StopsAtTheBound", func(t *testing.T) {
		for _, bound := range []string{"max_completion_tokens", "max_tokens"} {
			a := post(t, up, textPath, "the-key", `{"model":"m","messages":[{"role":"user","content":"ääääääää"}],"`+bound+`":3}`)
			if !strings.Contains(string(a.body), `"content":"You said: ä"`) || !strings.Contains(string(a.body), `"finish_reason":"length"`) || !strings.Contains(string(a.body), `"completion_tokens":3`) {
				t.Errorf("answered %s, want 12 bytes", a.body)
			}
		}
	})
	for rule, c := range map[string]struct {
		key, body, says string
		status          int
	}{
		"WithoutAKeyIs401":         {"", textBody, "invalid_api_key", 401},
		"WithAnotherKeyIs401":      {"other", textBody, "invalid_api_key", 401},
		"WithoutJSONIs400":         {"the-key", `{`, "We could not parse", 400},
		"WithoutAModelIs400":       {"the-key", `{"messages":[{"role":"user","content":"x"}]}`, "model parameter", 400},
		"WithoutMessagesIs400":     {"the-key", `{"model":"m"}`, "messages", 400},
		"WithHalfASchemaIs400":     {"the-key", `{"model":"m","messages":[{}],"response_format":{"type":"json_schema"}}`, "json_schema", 400},
		"WithoutANamedSchemaIs400": {"the-key", `{"model":"m","messages":[{}],"response_format":{"type":"json_schema","json_schema":{"schema":{}}}}`, "json_schema", 400},
	} {
		t.Run(rule, func(t *testing.T) {
			n := len(up.Journal())
			a := post(t, up, textPath, c.key, c.body)
			if e := last(t, up, n); a.status != c.status || !strings.Contains(string(a.body), c.says) || e.Status != c.status || e.Billable || e.Attempt != attempt || e.Fault != "" {
				t.Errorf("answered %d %s and journalled %+v, want %d and %q", a.status, a.body, e, c.status, c.says)
			}
		})
	}
}

func TestImages(t *testing.T) {
	up := providertest.Start(t, providertest.Config{Prices: map[string]providertest.Price{"m": {Image: decimal.New(4, -2), Output: decimal.New(30, 0)}}})
	type picture struct {
		Data []struct {
			URL    string `json:"url"`
			Base64 string `json:"b64_json"`
		}
		Usage map[string]any
	}
	t.Run("AreAddressesWithUsage", func(t *testing.T) {
		var p picture
		post(t, up, imagePath, "any", imageBody).decode(t, &p)
		if len(p.Data) != 2 || p.Usage["input_tokens"] != 3.0 || p.Usage["output_tokens"] != 4.0 || p.Usage["total_tokens"] != 7.0 {
			t.Fatalf("answered %+v, want two pictures and 3 + 4 tokens", p)
		}
		if e := last(t, up, 0); e.Images != 2 || e.Cost != "0.08012" || e.Attempt != attempt {
			t.Errorf("the journal has %+v", e)
		}
		var files [2][]byte
		for i := range files {
			a := send(t, "GET", p.Data[i].URL, "", "")
			if a.status != 200 || a.header.Get("Content-Type") != "image/png" || !isPNG(a.body) {
				t.Errorf("file %d is answered %d with %q", i, a.status, a.header.Get("Content-Type"))
			}
			files[i] = a.body
		}
		if string(files[0]) == string(files[1]) {
			t.Error("two pictures of a request are the same")
		}
		if again := send(t, "GET", p.Data[0].URL, "", ""); string(again.body) != string(files[0]) {
			t.Error("a file is another one the second time")
		}
		if n := len(up.Journal()); n != 1 {
			t.Errorf("the journal has %d entries: a file without a fault is not journalled", n)
		}
	})
	t.Run("HaveTheFormatThatIsAskedFor", func(t *testing.T) {
		for format, want := range map[string]string{"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"} {
			up := providertest.Start(t, providertest.Config{})
			var p picture
			post(t, up, imagePath, "any", `{"model":"m","prompt":"p","size":"8x8","output_format":"`+format+`"}`).decode(t, &p)
			a := send(t, "GET", p.Data[0].URL, "", "")
			if got := a.header.Get("Content-Type"); got != want || http.DetectContentType(a.body) != want || p.Usage == nil {
				t.Errorf("%s: the file is %q and announced as %q, with usage %v", format, http.DetectContentType(a.body), got, p.Usage)
			}
		}
	})
	t.Run("AreBase64WithoutUsageIfAskedFor", func(t *testing.T) {
		var p picture
		post(t, up, imagePath, "any", `{"model":"m","prompt":"p","size":"8x8","response_format":"b64_json"}`).decode(t, &p)
		if b, err := base64.StdEncoding.DecodeString(p.Data[0].Base64); err != nil || !isPNG(b) || len(p.Data) != 1 || p.Usage != nil {
			t.Errorf("answered %d pictures (%v), want one and no usage", len(p.Data), err)
		}
		if e := last(t, up, 1); e.InputTokens != 0 || e.OutputTokens != 0 || e.Cost != "0.04" {
			t.Errorf("the journal has %+v, want a picture's price alone", e)
		}
	})
	for rule, c := range map[string]struct{ body, says string }{
		"WithoutAModelAre400":        {`{"prompt":"p"}`, "model parameter"},
		"WithoutAPromptAre400":       {`{"model":"m"}`, "prompt"},
		"OfNoneAre400":               {`{"model":"m","prompt":"p","n":0}`, "'n'"},
		"OfElevenAre400":             {`{"model":"m","prompt":"p","n":11}`, "'n'"},
		"OfASizeThatIsNoneAre400":    {`{"model":"m","prompt":"p","size":"big"}`, "'size'"},
		"OfASizeWithATailAre400":     {`{"model":"m","prompt":"p","size":"8x8px"}`, "'size'"},
		"OfAnEnormousSizeAre400":     {`{"model":"m","prompt":"p","size":"8193x1"}`, "'size'"},
		"OfAnUnknownFormatAre400":    {`{"model":"m","prompt":"p","response_format":"tiff"}`, "'response_format'"},
		"OfNoEncodingAre400":         {`{"model":"m","prompt":"p","output_format":"gif"}`, "'output_format'"},
		"OfTwoFormatsAre400":         {`{"model":"m","prompt":"p","response_format":"url","output_format":"png"}`, "'output_format'"},
		"WithoutJSONAre400":          {`[]`, "could not parse"},
		"OfTheSizeAutoAreAnswered":   {`{"model":"m","prompt":"p","size":"auto"}`, `"url"`},
		"WithoutASizeAreAnsweredToo": {`{"model":"m","prompt":"p"}`, `"url"`},
	} {
		t.Run(rule, func(t *testing.T) {
			a := post(t, up, imagePath, "any", c.body)
			if good := strings.Contains(rule, "Answered"); (a.status == 200) != good || !strings.Contains(string(a.body), c.says) {
				t.Errorf("answered %d %.200s, want %q", a.status, a.body, c.says)
			}
		})
	}
}

func TestAFileRefusesAKeyAndIsForgotten(t *testing.T) {
	up := providertest.Start(t, providertest.Config{Remember: 2})
	var first, second struct{ Data []struct{ URL string } }
	post(t, up, imagePath, "any", imageBody).decode(t, &first)
	n := len(up.Journal())
	if a := send(t, "GET", first.Data[0].URL, "any", ""); a.status != 400 {
		t.Errorf("answered %d to a request with a key, want 400", a.status)
	}
	if e := last(t, up, n); e.Route != providertest.RouteFile || e.Status != 400 {
		t.Errorf("the journal has %+v", e)
	}
	post(t, up, imagePath, "any", `{"model":"m","prompt":"p"}`).decode(t, &second)
	for url, want := range map[string]int{first.Data[0].URL: 404, first.Data[1].URL: 200, second.Data[0].URL: 200, up.URL + "/files/none": 404} {
		if a := send(t, "GET", url, "", ""); a.status != want {
			t.Errorf("%s is answered %d, want %d: two files are kept", url, a.status, want)
		}
	}
}

func TestRunware(t *testing.T) {
	up := providertest.Start(t, providertest.Config{APIKey: "the-key", Remember: 4, Prices: map[string]providertest.Price{"m": {Image: decimal.New(12, -3)}}})
	type outcome struct {
		Data []struct {
			Task   string `json:"taskUUID"`
			UUID   string `json:"imageUUID"`
			URL    string `json:"imageURL"`
			Base64 string `json:"imageBase64Data"`
			URI    string `json:"imageDataURI"`
			Status string
			Cost   json.Number
		}
		Errors []struct{ Code string }
	}
	t.Run("MakesATaskOnce", func(t *testing.T) {
		var o, again outcome
		post(t, up, runwarePath, "the-key", task(attempt, "")).decode(t, &o)
		if len(o.Data) != 2 || o.Data[0].Task != attempt || o.Data[0].Cost != "0.012" || o.Data[0].Status != "" || o.Data[0].UUID == o.Data[1].UUID {
			t.Fatalf("answered %+v", o)
		}
		if e := last(t, up, 0); e.Route != providertest.RouteRunware || e.Attempt != attempt || e.Images != 2 || e.Cost != "0.024" || !e.Billable {
			t.Errorf("the journal has %+v", e)
		}
		if a := send(t, "GET", o.Data[1].URL, "", ""); !isPNG(a.body) {
			t.Error("the address has no picture")
		}
		a := post(t, up, runwarePath, "the-key", task(attempt, ""))
		if e := last(t, up, 1); a.status != 400 || !strings.Contains(string(a.body), `"conflictTaskUUID"`) || e.Billable {
			t.Errorf("the same task is answered %d %s", a.status, a.body)
		}
		post(t, up, runwarePath, "the-key", poll(attempt)).decode(t, &again)
		if len(again.Data) != 2 || again.Data[0].Status != "success" || again.Data[0].URL != o.Data[0].URL || again.Data[0].Cost != "0.012" {
			t.Errorf("the poll is answered %+v, want the same pictures with their status", again)
		}
		if e := last(t, up, 2); e.Route != providertest.RoutePoll || e.Billable || e.Attempt != attempt {
			t.Errorf("the journal has %+v", e)
		}
	})
	t.Run("DrawsInTheFormatThatIsAskedFor", func(t *testing.T) {
		for word, want := range map[string]string{"PNG": "image/png", "JPG": "image/jpeg", "jpg": "image/jpeg", "WEBP": "image/webp"} {
			var o outcome
			post(t, up, runwarePath, "the-key", task("format "+word, `,"outputType":"dataURI","outputFormat":"`+word+`"`)).decode(t, &o)
			text, told := strings.CutPrefix(o.Data[0].URI, "data:"+want+";base64,")
			if b, err := base64.StdEncoding.DecodeString(text); !told || err != nil || http.DetectContentType(b) != want {
				t.Errorf("%s: the picture is %.40s, %v, want %s", word, o.Data[0].URI, err, want)
			}
		}
	})
	t.Run("DeliversInEveryForm", func(t *testing.T) {
		for form, get := range map[string]func(outcome) string{
			"base64Data": func(o outcome) string { return o.Data[0].Base64 },
			"dataURI":    func(o outcome) string { return strings.TrimPrefix(o.Data[0].URI, "data:image/png;base64,") },
		} {
			var o outcome
			post(t, up, runwarePath, "the-key", task("form "+form, `,"outputType":"`+form+`"`)).decode(t, &o)
			if b, err := base64.StdEncoding.DecodeString(get(o)); err != nil || !isPNG(b) || o.Data[0].URL != "" {
				t.Errorf("%s: no picture (%v)", form, err)
			}
		}
	})
	t.Run("IsAtWorkForAsLongAsItIsSlow", func(t *testing.T) {
		setFaults(t, up, providertest.Fault{Kind: providertest.DropAfter, Delay: 500 * time.Millisecond, Count: 1})
		post(t, up, runwarePath, "the-key", task("slow", ""))
		if a := post(t, up, runwarePath, "the-key", poll("slow")); !strings.Contains(string(a.body), `"status":"processing"`) {
			t.Errorf("answered %s, want that it is processing", a.body)
		}
		time.Sleep(500 * time.Millisecond)
		if a := post(t, up, runwarePath, "the-key", poll("slow")); !strings.Contains(string(a.body), `"status":"success"`) {
			t.Errorf("answered %s, want that it is done", a.body)
		}
	})
	t.Run("ForgetsTheOldest", func(t *testing.T) {
		for i := range 4 {
			post(t, up, runwarePath, "the-key", task(fmt.Sprint("new ", i), ""))
		}
		a := post(t, up, runwarePath, "the-key", poll(attempt))
		if a.status != 400 || !strings.Contains(string(a.body), `"taskNotFound"`) {
			t.Errorf("answered %d %s, want that it was forgotten", a.status, a.body)
		}
		if a := post(t, up, runwarePath, "the-key", task(attempt, "")); a.status != 200 {
			t.Errorf("answered %d: a task that was forgotten may be submitted again", a.status)
		}
	})
	for rule, c := range map[string]struct{ key, body, code string }{
		"RefusesAnotherKey":       {"other", task("x", ""), "invalidApiKey"},
		"RefusesAnObject":         {"the-key", `{}`, "validationFailed"},
		"RefusesNoTask":           {"the-key", `[]`, "validationFailed"},
		"RefusesTwoTasks":         {"the-key", `[{},{}]`, "validationFailed"},
		"RefusesAnUnknownType":    {"the-key", `[{"taskType":"upscale"}]`, "unsupportedTaskType"},
		"RefusesATaskWithoutAnID": {"the-key", task("", ""), "validationFailed"},
		"RefusesNoModel":          {"the-key", `[{"taskType":"imageInference","taskUUID":"x"}]`, "validationFailed"},
		"RefusesNoPrompt":         {"the-key", `[{"taskType":"imageInference","taskUUID":"x","model":"m"}]`, "missingPositivePrompt"},
		"RefusesHalfASize":        {"the-key", `[{"taskType":"imageInference","taskUUID":"x","model":"m","positivePrompt":"p","width":64}]`, "invalidWidth"},
		"RefusesAnUnknownFormat":  {"the-key", `[{"taskType":"imageInference","taskUUID":"x","model":"m","positivePrompt":"p","outputFormat":"GIF"}]`, "validationFailed"},
		"RefusesTooMany":          {"the-key", `[{"taskType":"imageInference","taskUUID":"x","model":"m","positivePrompt":"p","numberResults":21}]`, "valueTooLarge"},
	} {
		t.Run(rule, func(t *testing.T) {
			n := len(up.Journal())
			a := post(t, up, runwarePath, c.key, c.body)
			if e := last(t, up, n); a.status/100 != 4 || !strings.Contains(string(a.body), `"`+c.code+`"`) || e.Billable || e.Status != a.status {
				t.Errorf("answered %d %s and journalled %+v, want %q", a.status, a.body, e, c.code)
			}
		})
	}
}

func TestAnUpstreamWithoutAPriceReportsNoCost(t *testing.T) {
	up := providertest.Start(t, providertest.Config{Remember: -1}) // which is the default
	a := post(t, up, runwarePath, "any", task(attempt, ""))
	if e := last(t, up, 0); strings.Contains(string(a.body), `"cost"`) || e.Cost != "" || !e.Billable {
		t.Errorf("answered %s and journalled %+v, want no cost", a.body, e)
	}
}

func TestModelsAreThoseWithAPrice(t *testing.T) {
	up := providertest.Start(t, providertest.Config{APIKey: "the-key", Prices: map[string]providertest.Price{"b": {}, "a": {}}})
	var list struct{ Data []struct{ ID string } }
	send(t, "GET", up.BaseURL+"/models", "the-key", "").decode(t, &list)
	if len(list.Data) != 2 || list.Data[0].ID != "a" || list.Data[1].ID != "b" {
		t.Errorf("models are %+v, want a and b", list)
	}
	if a := send(t, "GET", up.BaseURL+"/models", "", ""); a.status != 401 {
		t.Errorf("answered %d without a key, want 401", a.status)
	}
}

func TestTheJournalAndTheFaultsOverHTTP(t *testing.T) {
	up := providertest.Start(t, providertest.Config{})
	if a := send(t, "GET", up.URL+"/journal", "", ""); strings.TrimSpace(string(a.body)) != "[]" {
		t.Errorf("the journal of nothing is %s, want []", a.body)
	}
	if a := post(t, up, "/faults", "", `[{"kind":"status429","retry_after":"1.5s","count":1}]`); a.status != 204 {
		t.Fatalf("answered %d %s, want 204", a.status, a.body)
	}
	if a := post(t, up, textPath, "any", textBody); a.status != 429 || a.header.Get("Retry-After") != "2" {
		t.Errorf("answered %d, want the fault", a.status)
	}
	post(t, up, textPath, "any", textBody)
	if a := send(t, "GET", up.URL+"/elsewhere", "any", ""); a.status != 400 {
		t.Errorf("a followed redirect is answered %d, want 400", a.status)
	}
	var entries []providertest.Entry
	send(t, "GET", up.URL+"/journal", "", "").decode(t, &entries)
	want := up.Journal()
	if len(entries) != 3 || entries[2].Route != providertest.RouteElsewhere || entries[1].Seq != 2 || !entries[1].Time.Equal(want[1].Time) {
		t.Errorf("the journal is %+v, want %+v", entries, want)
	}
	entries[1].Time = want[1].Time
	if entries[1] != want[1] {
		t.Errorf("entry 2 is %+v, want %+v", entries[1], want[1])
	}
	want[0].Status = 999
	if up.Journal()[0].Status != 429 {
		t.Error("writing to the journal's copy changes it")
	}
	for body, says := range map[string]string{`{`: "", `[{"kind":"x"}]`: `unknown kind "x"`, `[{"kind":"slow","delay":"x"}]`: "duration"} {
		if a := post(t, up, "/faults", "", body); a.status != 400 || !strings.Contains(string(a.body), says) {
			t.Errorf("faults %s are answered %d %s, want 400 with %q", body, a.status, a.body, says)
		}
	}
}

// broken is a Responder that cannot.
type broken struct{}

func (broken) Text(providertest.TextCall) (string, error) {
	return "", errors.New("no words")
}

func (broken) Image(providertest.ImageCall) (providertest.Picture, error) {
	return providertest.Picture{}, errors.New("no colours")
}

func TestAResponderThatFailsIsTheUpstreams500(t *testing.T) {
	up := providertest.Start(t, providertest.Config{Responder: broken{}})
	for path, body := range map[string]string{textPath: textBody, imagePath: `{"model":"m","prompt":"p","response_format":"b64_json"}`,
		runwarePath: task("x", `,"outputType":"base64Data"`)} {
		n := len(up.Journal())
		a := post(t, up, path, "any", body)
		if e := last(t, up, n); a.status != 500 || e.Status != 500 || e.Billable || strings.Contains(string(a.body), "no ") {
			t.Errorf("%s is answered %d %s and journalled %+v", path, a.status, a.body, e)
		}
	}
	var drawn struct{ Data []struct{ URL string } }
	post(t, up, imagePath, "any", imageBody).decode(t, &drawn)
	if a := send(t, "GET", drawn.Data[0].URL, "", ""); a.status != 500 {
		t.Errorf("the file is answered %d, want 500", a.status)
	}
}

func TestAnAnswerTakesItsLatency(t *testing.T) {
	up := providertest.Start(t, providertest.Config{Latency: 50 * time.Millisecond})
	if a := post(t, up, textPath, "any", textBody); a.status != 200 || a.took < 50*time.Millisecond {
		t.Errorf("answered %d after %v, want 50 ms", a.status, a.took)
	}
}

func TestListenIsOnLoopbackOnly(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1", "", "10.0.0.1:80"} {
		if s, err := providertest.Listen(addr, providertest.Config{}); err == nil {
			s.Close()
			t.Errorf("Listen(%q) listens", addr)
		} else if !strings.Contains(err.Error(), "loopback") && !strings.Contains(err.Error(), "want host:port") {
			t.Errorf("Listen(%q) = %v, want an error that says loopback", addr, err)
		}
	}
	for _, addr := range []string{"127.0.0.1:0", "localhost:0"} {
		s, err := providertest.Listen(addr, providertest.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(s.URL, "http://127.0.0.1:") && !strings.HasPrefix(s.URL, "http://[::1]:") || s.BaseURL != s.URL+"/v1" {
			t.Errorf("URL %q, base URL %q", s.URL, s.BaseURL)
		}
		if _, err := providertest.Listen(strings.TrimPrefix(s.URL, "http://"), providertest.Config{}); err == nil {
			t.Error("two listen on one port")
		}
		s.Close()
		s.Close() // again is no error
		if _, err := http.Get(s.URL + "/journal"); err == nil {
			t.Error("it answers after Close")
		}
	}
}

func TestCloseAnswersWhatIsUnderWayWithoutItsDelay(t *testing.T) {
	up, err := providertest.Listen("127.0.0.1:0", providertest.Config{Latency: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan answer, 1)
	go func() {
		defer close(done)
		done <- post(t, up, textPath, "any", textBody)
	}()
	for len(up.Journal()) == 0 {
		time.Sleep(time.Millisecond)
	}
	begun := time.Now()
	up.Close()
	if a := <-done; a.status != 200 || time.Since(begun) > 5*time.Second {
		t.Errorf("answered %d after %v, want 200 at once", a.status, time.Since(begun))
	}
}

func TestOneUpstreamForManyCallers(t *testing.T) {
	up := providertest.Start(t, providertest.Config{})
	setFaults(t, up, providertest.Fault{Kind: providertest.Status429, Every: 2})
	var wg sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for range 8 {
		wg.Go(func() {
			for range 5 {
				a := post(t, up, textPath, "any", textBody)
				mu.Lock()
				statuses[a.status]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if statuses[200] != 20 || statuses[429] != 20 {
		t.Errorf("answered %v, want every second a 429", statuses)
	}
	for i, e := range up.Journal() {
		if e.Seq != int64(i+1) {
			t.Errorf("entry %d has the number %d", i, e.Seq)
		}
	}
}

func TestNewIsAHandlerOfItsOwn(t *testing.T) {
	u := providertest.New(providertest.Config{})
	r := httptest.NewRequest("POST", "/v1/chat/completions", strings.NewReader(textBody))
	r.Header.Set("Authorization", "Bearer any")
	w := httptest.NewRecorder()
	u.ServeHTTP(w, r)
	if w.Code != 200 || len(u.Journal()) != 1 {
		t.Errorf("answered %d with %d entries", w.Code, len(u.Journal()))
	}
}
