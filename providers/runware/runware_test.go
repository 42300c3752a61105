package runware_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/wiretest"
	"github.com/scrip-go/scrip/providers/runware"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/usage"
)

func provider(t testing.TB, cfg runware.Config) *runware.Provider {
	t.Helper()
	p, err := runware.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// upstream returns a provider whose upstream is one handler.
func upstream(t testing.TB, h http.HandlerFunc) *runware.Provider {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return provider(t, runware.Config{BaseURL: s.URL})
}

// answers returns a provider whose upstream says the same to everyone; %s in the body is the attempt's task.
func answers(t testing.TB, status int, body string) *runware.Provider {
	t.Helper()
	body = strings.ReplaceAll(body, "%s", id)
	return upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func fails(t *testing.T, status int, body string, kind providers.Kind, fate providers.Fate) *providers.Error {
	t.Helper()
	got, err := answers(t, status, body).GenerateImages(t.Context(), request())
	if !reflect.DeepEqual(got, providers.ImageResult{}) {
		t.Errorf("a result beside an error: %+v", got)
	}
	return wiretest.Failed(t, err, kind, fate)
}

var id = wiretest.Attempt("").ID

func request() providers.ImageRequest {
	return providers.ImageRequest{Attempt: wiretest.Attempt(""), Model: "m:1@1", Prompt: wiretest.Prompt, NegativePrompt: "fog",
		Width: 1280, Height: 768, N: 2, Quality: "high"}
}

func golden(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNewListsEveryMistake(t *testing.T) {
	_, err := runware.New(runware.Config{BaseURL: "https://u:" + wiretest.APIKey + "@x", MaxResponseBytes: -1})
	if err == nil {
		t.Fatal("New accepted it")
	}
	for _, part := range []string{"runware: config", "base URL", "MaxResponseBytes is -1"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not name %s", err, part)
		}
	}
	wiretest.Silent(t, err)
}

func TestDescribeAgreesWithTheMethods(t *testing.T) {
	b, err := providers.Bind(provider(t, runware.Config{}))
	if err != nil || b.Name != "runware" || b.GenerateText != nil || b.GenerateImages == nil || b.Reconcile == nil {
		t.Errorf("Bind = %+v, %v; want pictures and reconciling, named runware", b, err)
	}
	if d := provider(t, runware.Config{Name: "mirror"}).Describe(); d.Name != "mirror" {
		t.Errorf("Describe = %+v, want the configured name", d)
	}
}

// sent returns the one request that a call made.
func sent(t *testing.T, answer string, call func(p *runware.Provider, base string) error) (http.Header, any) {
	t.Helper()
	var header http.Header
	var body any
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		header = r.Header.Clone()
		if r.Method != "POST" || r.URL.Path != "/v1" {
			t.Errorf("%s %s, want POST /v1", r.Method, r.URL)
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer s.Close()
	if err := call(provider(t, runware.Config{BaseURL: "http://unused.invalid/v1"}), s.URL+"/v1"); err != nil {
		t.Fatal(err)
	}
	if n != 1 {
		t.Errorf("%d requests for one call", n)
	}
	for name, want := range map[string]string{"Authorization": "Bearer " + wiretest.APIKey, "Content-Type": "application/json", "Idempotency-Key": ""} {
		if got := header.Get(name); got != want {
			t.Errorf("header %s is %q, want %q", name, got, want)
		}
	}
	return header, body
}

func wantBody(t *testing.T, body any, name string) {
	t.Helper()
	var want any
	if err := json.Unmarshal([]byte(golden(t, name)), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(body, want) {
		t.Errorf("body is %v, want %v as in %s", body, want, name)
	}
}

func TestTheRequest(t *testing.T) {
	draw := func(r providers.ImageRequest) func(*runware.Provider, string) error {
		return func(p *runware.Provider, base string) error {
			r.Attempt.BaseURL = base
			_, err := p.GenerateImages(t.Context(), r)
			return err
		}
	}
	t.Run("CarriesWhatWasAskedForToTheAttemptsOwnAddress", func(t *testing.T) {
		_, body := sent(t, golden(t, "answer.json"), draw(request()))
		wantBody(t, body, "request.json")
	})
	t.Run("OmitsAndAddsWhatTheProfileSays", func(t *testing.T) {
		r := request()
		r.N, r.NegativePrompt, r.Omit = 1, "", []string{"width", "height"}
		r.Parameters = map[string]json.RawMessage{"outputType": json.RawMessage(`"base64Data"`), "outputFormat": json.RawMessage(`"WEBP"`),
			"resolution": json.RawMessage(`"1k"`), "steps": json.RawMessage(`20`)}
		_, body := sent(t, golden(t, "answer.json"), draw(r))
		wantBody(t, body, "request-profile.json")
	})
	t.Run("SaysTheFormat", func(t *testing.T) {
		for format, want := range map[providers.Format]any{"": "PNG", providers.PNG: "PNG", providers.JPEG: "JPG", providers.WebP: "WEBP"} {
			r := request()
			r.Format = format
			_, body := sent(t, golden(t, "answer.json"), draw(r))
			if got := body.([]any)[0].(map[string]any)["outputFormat"]; got != want {
				t.Errorf("the format %q is %v, want %v", format, got, want)
			}
			r.Omit = []string{"outputFormat"}
			_, body = sent(t, golden(t, "answer.json"), draw(r))
			if got, ok := body.([]any)[0].(map[string]any)["outputFormat"]; ok {
				t.Errorf("the format %q is %v to a model that refuses it", format, got)
			}
		}
		r := request() // the API takes its words in any case
		r.Format, r.Parameters = providers.JPEG, map[string]json.RawMessage{"outputFormat": json.RawMessage(`"jpg"`)}
		if _, body := sent(t, golden(t, "answer.json"), draw(r)); body.([]any)[0].(map[string]any)["outputFormat"] != "jpg" {
			t.Errorf("body %v has not the format that both ask for", body)
		}
	})
	t.Run("LeavesTheNumberOutForAModelThatMakesOne", func(t *testing.T) {
		r := request()
		r.N, r.Omit = 1, []string{"numberResults"}
		_, body := sent(t, golden(t, "answer.json"), draw(r))
		if _, ok := body.([]any)[0].(map[string]any)["numberResults"]; ok {
			t.Errorf("body %v has a number", body)
		}
	})
	t.Run("SaysSoIfTheModelIsNotDeliveredAtOnce", func(t *testing.T) {
		r := request()
		r.N, r.Parameters = 1, map[string]json.RawMessage{"deliveryMethod": json.RawMessage(`"async"`)}
		_, body := sent(t, golden(t, "answer.json"), draw(r))
		if got := body.([]any)[0].(map[string]any)["deliveryMethod"]; got != "async" {
			t.Errorf("deliveryMethod is %v", got)
		}
	})
	t.Run("OfAQuestionNamesTheTask", func(t *testing.T) {
		_, body := sent(t, golden(t, "answer.json"), func(p *runware.Provider, base string) error {
			_, err := p.Reconcile(t.Context(), providers.ReconcileRequest{Attempt: wiretest.Attempt(base), Model: "m:1@1"})
			return err
		})
		wantBody(t, body, "reconcile.json")
	})
}

// TestTheProfilesOfTheCatalogues are what the models need to be told: a size as a whole or not at all, and nothing that is null.
func TestTheProfilesOfTheCatalogues(t *testing.T) {
	models := 0
	for _, catalogue := range []string{registry.Seed, registry.Current} {
		c, err := registry.Catalogue(catalogue)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range c.Models {
			if m.Provider != "runware" {
				continue
			}
			models++
			r := request()
			r.Model, r.N, r.Parameters, r.Omit = m.Name, 1, m.Profile.Parameters, m.Profile.Omit
			_, body := sent(t, golden(t, "answer.json"), func(p *runware.Provider, base string) error {
				r.Attempt.BaseURL = base
				_, err := p.GenerateImages(t.Context(), r)
				return err
			})
			task := body.([]any)[0].(map[string]any)
			for name, value := range task {
				if value == nil {
					t.Errorf("%s: %s is null", m.Name, name)
				}
			}
			_, width := task["width"]
			_, height := task["height"]
			_, resolution := task["resolution"]
			if width != height || width == resolution {
				t.Errorf("%s: the size of %v is not one of a pair and a resolution", m.Name, task)
			}
			for name, want := range m.Profile.Parameters {
				got, _ := json.Marshal(task[name])
				if string(got) != string(want) {
					t.Errorf("%s: %s is %s, want %s", m.Name, name, got, want)
				}
			}
			if task["model"] != m.Name || task["includeCost"] != true || task["taskUUID"] != id {
				t.Errorf("%s: the task is %v", m.Name, task)
			}
		}
	}
	if models < 3 {
		t.Errorf("the catalogues have %d models of runware", models)
	}
}

func TestARequestThatCannotBeSentIsRefusedBeforeItIs(t *testing.T) {
	parameter := func(name string) func(*providers.ImageRequest) {
		return func(r *providers.ImageRequest) {
			r.Parameters = map[string]json.RawMessage{name: json.RawMessage(`1`)}
		}
	}
	for rule, change := range map[string]func(*providers.ImageRequest){
		"WithoutAModel":               func(r *providers.ImageRequest) { r.Model = "" },
		"WithoutAPrompt":              func(r *providers.ImageRequest) { r.Prompt = "" },
		"WithoutPictures":             func(r *providers.ImageRequest) { r.N = 0 },
		"WithoutASize":                func(r *providers.ImageRequest) { r.Width = 0 },
		"WithoutAnAttemptID":          func(r *providers.ImageRequest) { r.Attempt.ID = "" },
		"WithABadBaseURL":             func(r *providers.ImageRequest) { r.Attempt.BaseURL = "localhost:1" },
		"WithTheTaskOmitted":          func(r *providers.ImageRequest) { r.Omit = []string{"taskUUID"} },
		"WithATaskParameter":          parameter("taskUUID"),
		"WithATypeParameter":          parameter("taskType"),
		"WithAModelParameter":         parameter("model"),
		"WithAPromptParameter":        parameter("positivePrompt"),
		"WithAParameterForTheNumber":  parameter("numberResults"),
		"WithAnotherDelivery":         parameter("deliveryMethod"),
		"WithAFormatThatThereIsNot":   func(r *providers.ImageRequest) { r.Format = "gif" },
		"WithAParameterThatIsNotJSON": func(r *providers.ImageRequest) { r.Parameters = map[string]json.RawMessage{"x": json.RawMessage("{")} },
		"WithTwoFormats": func(r *providers.ImageRequest) {
			r.Format, r.Parameters = providers.JPEG, map[string]json.RawMessage{"outputFormat": json.RawMessage(`"PNG"`)}
		},
	} {
		t.Run(rule, func(t *testing.T) {
			p := upstream(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
			r := request()
			change(&r)
			_, err := p.GenerateImages(t.Context(), r)
			wiretest.Failed(t, err, providers.Invalid, providers.NotSent)
		})
	}
	t.Run("WithSeveralPicturesOfAModelThatMakesOne", func(t *testing.T) {
		r := request()
		r.Omit = []string{"numberResults"}
		_, err := provider(t, runware.Config{}).GenerateImages(t.Context(), r)
		wiretest.Failed(t, err, providers.Unsupported, providers.NotSent)
	})
	t.Run("WithSeveralPicturesThatAreNotDeliveredAtOnce", func(t *testing.T) {
		r := request()
		r.Parameters = map[string]json.RawMessage{"deliveryMethod": json.RawMessage(`"async"`)}
		_, err := provider(t, runware.Config{}).GenerateImages(t.Context(), r)
		wiretest.Failed(t, err, providers.Unsupported, providers.NotSent)
	})
	t.Run("WithoutAUsableKeyItIsAnAuthError", func(t *testing.T) {
		for _, key := range []string{"", wiretest.APIKey + "\n"} {
			r := request()
			r.Attempt.Key.Secret = secret.New(key)
			_, err := provider(t, runware.Config{}).GenerateImages(t.Context(), r)
			wiretest.Failed(t, err, providers.Auth, providers.NotSent)
		}
	})
}

func TestTheAnswerIsMatchedByTaskAndItsCostIsExact(t *testing.T) {
	p := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "req_1")
		_, _ = io.WriteString(w, golden(t, "answer.json"))
	})
	got, err := p.GenerateImages(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	if want := "0.0013000000000000000000007"; !got.Cost.Valid || got.Cost.Decimal.String() != want {
		t.Errorf("cost is %v, want %s", got.Cost, want)
	}
	got.Cost = decimal.NullDecimal{}
	want := providers.ImageResult{Images: []providers.Image{{URL: "https://im.example/1.png"}, {URL: "https://im.example/2.png"}},
		Metering: providers.Metering{Usage: usage.Images(2), RequestID: "req_1", Model: "m:1@1"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("GenerateImages = %+v, want %+v", got, want)
	}
}

const (
	one    = `{"taskUUID":"%s","imageURL":"https://im.example/1.png","cost":0.002}`
	failed = `{"code":"providerError","taskUUID":"%s"}`
)

func TestPictures(t *testing.T) {
	data := base64Picture()
	for _, tt := range []struct {
		rule   string
		status int
		body   string
		images []providers.Image
		cost   string // empty if unknown
	}{
		{"ComeAsAddresses", 200, `{"data":[` + one + `]}`, []providers.Image{{URL: "https://im.example/1.png"}}, "0.002"},
		{"ComeAsBase64", 200, `{"data":[{"taskUUID":"%s","imageBase64Data":"` + data + `","cost":0.1}]}`, []providers.Image{{Data: []byte("picture")}}, "0.1"},
		{"ComeAsDataURIs", 200, `{"data":[{"taskUUID":"%s","imageDataURI":"data:image/png;base64,` + data + `","cost":0.1}]}`, []providers.Image{{Data: []byte("picture")}}, "0.1"},
		{"BesideAnErrorAreASuccess", 200, `{"data":[` + one + `],"errors":[` + failed + `]}`, []providers.Image{{URL: "https://im.example/1.png"}}, "0.002"},
		{"BesideAnErrorAreASuccessWhateverTheStatus", 400, `{"data":[` + one + `],"errors":[` + failed + `]}`, []providers.Image{{URL: "https://im.example/1.png"}}, "0.002"},
		{"WithoutACostHaveNone", 200, `{"data":[{"taskUUID":"%s","imageURL":"https://im.example/1.png"}]}`, []providers.Image{{URL: "https://im.example/1.png"}}, ""},
		{"OfWhichOneHasNoCostHaveNone", 200, `{"data":[` + one + `,{"taskUUID":"%s","imageURL":"https://im.example/2.png"}]}`,
			[]providers.Image{{URL: "https://im.example/1.png"}, {URL: "https://im.example/2.png"}}, ""},
		{"OfWhichTheFirstHasNoCostHaveNoneEither", 200, `{"data":[{"taskUUID":"%s","imageURL":"https://im.example/2.png"},` + one + `]}`,
			[]providers.Image{{URL: "https://im.example/2.png"}, {URL: "https://im.example/1.png"}}, ""},
		{"OfCostZeroCostNothing", 200, `{"data":[{"taskUUID":"%s","imageURL":"https://im.example/1.png","cost":0}]}`, []providers.Image{{URL: "https://im.example/1.png"}}, "0"},
		{"MayHaveTheirCostAsAText", 200, `{"data":[{"taskUUID":"%s","imageURL":"https://im.example/1.png","cost":"0.0120"}]}`, []providers.Image{{URL: "https://im.example/1.png"}}, "0.012"},
		{"OfANegativeCostHaveNone", 200, `{"data":[{"taskUUID":"%s","imageURL":"https://im.example/1.png","cost":-1}]}`, []providers.Image{{URL: "https://im.example/1.png"}}, ""},
		{"OfAnAbsurdCostHaveNone", 200, `{"data":[{"taskUUID":"%s","imageURL":"https://im.example/1.png","cost":1e1000000}]}`, []providers.Image{{URL: "https://im.example/1.png"}}, ""},
		{"OfACostOfManyDigitsHaveNone", 200, `{"data":[{"taskUUID":"%s","imageURL":"https://im.example/1.png","cost":0.` + strings.Repeat("1", 100) + `}]}`, []providers.Image{{URL: "https://im.example/1.png"}}, ""},
		{"ThatDidNotArriveCostAllTheSame", 200, `{"data":[` + one + `,{"taskUUID":"%s","imageURL":"im.example/2.png","cost":0.003}]}`, []providers.Image{{URL: "https://im.example/1.png"}}, "0.005"},
		{"ThatAreBeingMadeDoNotCount", 200, `{"data":[` + one + `,{"taskUUID":"%s","status":"processing"}]}`, []providers.Image{{URL: "https://im.example/1.png"}}, "0.002"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			got, err := answers(t, tt.status, tt.body).GenerateImages(t.Context(), request())
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Images, tt.images) || got.Usage != usage.Images(int64(len(tt.images))) || got.RequestID != id {
				t.Errorf("GenerateImages = %+v, want %+v and the task as request id", got, tt.images)
			}
			if tt.cost == "" && got.Cost.Valid || tt.cost != "" && (!got.Cost.Valid || !got.Cost.Decimal.Equal(decimal.RequireFromString(tt.cost))) {
				t.Errorf("cost is %v, want %q", got.Cost, tt.cost)
			}
		})
	}
}

func base64Picture() string { return "cGljdHVyZQ==" }

func TestAnAnswerWithoutPicturesLeavesTheFateOpen(t *testing.T) {
	for rule, body := range map[string]string{
		"NoDataIsMalformed":               `{"data":[]}`,
		"AnEmptyObjectIsMalformed":        `{}`,
		"AnotherTasksPictureIsMalformed":  `{"data":[{"taskUUID":"other","imageURL":"https://im.example/1.png"}]}`,
		"APictureWithoutATaskIsMalformed": `{"data":[{"imageURL":"https://im.example/1.png"}]}`,
		"AnotherTasksErrorIsMalformed":    `{"errors":[{"code":"invalidApiKey","taskUUID":"other"}]}`,
		"AnAddressThatIsNoneIsMalformed":  `{"data":[{"taskUUID":"%s","imageURL":"file:///x"}]}`,
		"ADataURIThatIsNoneIsMalformed":   `{"data":[{"taskUUID":"%s","imageDataURI":"data:image/png,x"}]}`,
		"BytesThatAreNoneAreMalformed":    `{"data":[{"taskUUID":"%s","imageBase64Data":"***"}]}`,
		"HTMLIsMalformed":                 `<html>`,
		"NothingIsMalformed":              ``,
		"AnArrayIsMalformed":              `[]`,
		"AFieldOfAnotherTypeIsMalformed":  `{"data":[{"taskUUID":"%s","imageURL":7}]}`,
		"TrailingTextIsMalformed":         `{"data":[` + one + `]}x`,
		"TheEchoOfTheAuthTaskIsMalformed": `{"data":[{"taskType":"authentication","connectionSessionUUID":"x"}]}`,
	} {
		t.Run(rule, func(t *testing.T) {
			if e := fails(t, 200, body, providers.Malformed, providers.Unknown); e.Status != 200 || e.Detail == "" {
				t.Errorf("error %+v, want the status and a detail", e)
			}
		})
	}
	for rule, body := range map[string]string{
		"ATaskThatWasTakenIsIncomplete":            `{"data":[{"taskType":"imageInference","taskUUID":"%s"}]}`,
		"APictureThatIsBeingMadeIsIncomplete":      `{"data":[{"taskUUID":"%s","status":"processing"}]}`,
		"APictureThatIsBeingMadeWinsOverAnAddress": `{"data":[{"taskUUID":"%s","status":"processing","imageURL":"https://im.example/preview.png"}]}`,
	} {
		t.Run(rule, func(t *testing.T) { fails(t, 200, body, providers.Incomplete, providers.Unknown) })
	}
	t.Run("ACutAnswerIsIncomplete", func(t *testing.T) {
		p := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"data":[`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})
		_, err := p.GenerateImages(t.Context(), request())
		wiretest.Failed(t, err, providers.Incomplete, providers.Unknown)
	})
	t.Run("ButAnAnswerLongerThanItsLimitWasExecuted", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, golden(t, "answer.json")) }))
		defer s.Close()
		_, err := provider(t, runware.Config{BaseURL: s.URL, MaxResponseBytes: 100}).GenerateImages(t.Context(), request())
		wiretest.Failed(t, err, providers.Malformed, providers.Executed)
	})
}

// TestATaskThatIsNotDeliveredAtOnceIsAskedFor goes the way of an asynchronous task: it is taken, worked on, and there.
func TestATaskThatIsNotDeliveredAtOnceIsAskedFor(t *testing.T) {
	steps := []string{`{"data":[{"taskType":"imageInference","taskUUID":"%s"}]}`, `{"data":[{"taskUUID":"%s","status":"processing","progress":40}]}`,
		`{"data":[{"taskUUID":"%s","status":"success","imageURL":"https://im.example/1.png","cost":0.002}]}`}
	var seen []string
	p := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		var tasks []struct {
			Type string `json:"taskType"`
			UUID string `json:"taskUUID"`
		}
		if err := json.NewDecoder(r.Body).Decode(&tasks); err != nil || len(tasks) != 1 || tasks[0].UUID != id {
			t.Errorf("the tasks are %+v, %v", tasks, err)
		}
		_, _ = io.WriteString(w, strings.ReplaceAll(steps[len(seen)], "%s", id))
		seen = append(seen, tasks[0].Type)
	})
	r := request()
	r.N, r.Parameters = 1, map[string]json.RawMessage{"deliveryMethod": json.RawMessage(`"async"`)}
	_, err := p.GenerateImages(t.Context(), r)
	wiretest.Failed(t, err, providers.Incomplete, providers.Unknown)
	q := providers.ReconcileRequest{Attempt: r.Attempt, Model: r.Model}
	if got, err := p.Reconcile(t.Context(), q); err != nil || got != (providers.Reconciled{Fate: providers.Unknown}) {
		t.Errorf("while it is made: %+v, %v", got, err)
	}
	got, err := p.Reconcile(t.Context(), q)
	if err != nil || got.Fate != providers.Executed || got.Image == nil || got.Image.Images[0].URL != "https://im.example/1.png" || got.Image.Cost.Decimal.String() != "0.002" {
		t.Errorf("once it is there: %+v, %v", got, err)
	}
	if want := []string{"imageInference", "getResponse", "getResponse"}; !reflect.DeepEqual(seen, want) {
		t.Errorf("the upstream saw %v, want %v", seen, want)
	}
}

func TestAPictureThatTheCheckRefusedIsNotDelivered(t *testing.T) {
	const unsafe = `{"taskUUID":"%s","imageURL":"https://im.example/2.png","cost":0.003,"NSFWContent":true}`
	safe := strings.Replace(one, `"cost"`, `"NSFWContent":false,"cost"`, 1)
	t.Run("AndCostsAllTheSame", func(t *testing.T) {
		got, err := answers(t, 200, `{"data":[`+unsafe+`,`+safe+`]}`).GenerateImages(t.Context(), request())
		if err != nil || len(got.Images) != 1 || got.Images[0].URL != "https://im.example/1.png" || got.Usage != usage.Images(1) || got.Cost.Decimal.String() != "0.005" {
			t.Errorf("GenerateImages = %+v, %v; want the safe one, at the cost of both", got, err)
		}
	})
	t.Run("AloneItIsBlocked", func(t *testing.T) {
		fails(t, 200, `{"data":[`+unsafe+`]}`, providers.Blocked, providers.Executed)
		fails(t, 200, `{"data":[`+unsafe+`],"errors":[`+failed+`]}`, providers.Blocked, providers.Executed)
		fails(t, 200, `{"data":[{"taskUUID":"%s","NSFWContent":true}]}`, providers.Blocked, providers.Executed)
	})
	t.Run("ToAQuestionItWasExecutedWithoutAResult", func(t *testing.T) {
		got, err := answers(t, 200, `{"data":[`+unsafe+`]}`).Reconcile(t.Context(), providers.ReconcileRequest{Attempt: wiretest.Attempt(""), Model: "m:1@1"})
		if err != nil || got.Fate != providers.Executed || got.Image != nil || !errors.Is(got.Failure, providers.Blocked) {
			t.Errorf("Reconcile = %+v, %v", got, err)
		}
	})
	t.Run("AWordThatIsNotTrueIsNoRefusal", func(t *testing.T) {
		for _, word := range []string{`null`, `false`, `"unknown"`, `{}`} {
			if _, err := answers(t, 200, `{"data":[`+strings.Replace(one, `"cost"`, `"NSFWContent":`+word+`,"cost"`, 1)+`]}`).GenerateImages(t.Context(), request()); err != nil {
				t.Errorf("%s: %v", word, err)
			}
		}
	})
}

func TestACallEndsWithItsContext(t *testing.T) {
	release := make(chan struct{})
	p := upstream(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err := p.GenerateImages(ctx, request())
	wiretest.Failed(t, err, providers.Timeout, providers.Unknown)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > time.Second {
		t.Errorf("the call ended after %v with %v", time.Since(begun), err)
	}
	canceled, stop := context.WithCancel(t.Context())
	stop()
	_, err = p.GenerateImages(canceled, request())
	wiretest.Failed(t, err, providers.Canceled, providers.NotSent)
	_, err = p.Reconcile(canceled, providers.ReconcileRequest{Attempt: wiretest.Attempt("")})
	wiretest.Failed(t, err, providers.Canceled, providers.Unknown)
}

func TestARedirectIsNotFollowed(t *testing.T) {
	p := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			t.Error("the redirect was followed")
		}
		_, _ = io.Copy(io.Discard, r.Body)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	_, err := p.GenerateImages(t.Context(), request())
	wiretest.Failed(t, err, providers.Upstream, providers.Rejected)
}

// FuzzAnswer: whatever the upstream says, a success has pictures of the task, as many as its usage, and an error is typed.
func FuzzAnswer(f *testing.F) {
	f.Add(200, golden(f, "answer.json"))
	f.Add(200, strings.ReplaceAll(`{"data":[`+one+`],"errors":[`+failed+`]}`, "%s", id))
	f.Add(200, `{"errors":[{"code":["a"],"taskUUID":7,"parameter":["x","y"]}]}`)
	f.Add(400, `{"error":{"code":"timeoutProvider"},"taskUUID":""}`)
	f.Add(200, `{"data":[{"taskUUID":"`+id+`","imageURL":"http://x","cost":1e9999999}]}`)
	f.Add(200, `{"data":[{"taskUUID":"`+id+`","imageDataURI":",","status":"processing"}]}`)
	f.Add(500, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		p := provider(t, runware.Config{HTTPClient: &http.Client{Transport: fixed(status, body)}})
		got, err := p.GenerateImages(t.Context(), request())
		check := func(err error) *providers.Error {
			if !strings.Contains(body, wiretest.Prompt) && !strings.Contains(body, wiretest.APIKey) && !strings.Contains(body, "Bearer") {
				wiretest.Silent(t, err)
			}
			e := providers.AsError("", err)
			if e.Kind == "" || e.Fate == "" || e.Provider != "runware" {
				t.Errorf("error %+v has no kind or no fate", e)
			}
			return e
		}
		result := func(got providers.ImageResult) {
			if len(got.Images) == 0 || got.Usage != usage.Images(int64(len(got.Images))) || got.Cost.Valid && got.Cost.Decimal.IsNegative() {
				t.Errorf("a success of status %d: %+v", status, got)
			}
			if !strings.Contains(strings.ToLower(body), id) && !strings.Contains(body, `\u`) {
				t.Errorf("a success of a body without the task: %q", body)
			}
		}
		if err == nil {
			result(got)
		} else {
			check(err)
		}
		known, err := p.Reconcile(t.Context(), providers.ReconcileRequest{Attempt: wiretest.Attempt("")})
		switch {
		case err != nil:
			if e := check(err); e.Fate != providers.Unknown || known.Fate != "" || known.Image != nil {
				t.Errorf("a question that failed says %+v and %+v", known, e)
			}
		case known.Image != nil:
			result(*known.Image)
			if known.Fate != providers.Executed {
				t.Errorf("a result of fate %q", known.Fate)
			}
		case known.Fate == "":
			t.Error("an answer without a fate")
		}
	})
}

// fixed is a transport that gives every request the same answer.
func fixed(status int, body string) transport {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, ContentLength: -1, Request: r,
			Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// in writes an answer of errors: one object about the attempt's task, with more fields.
func in(code, more string) string {
	return fmt.Sprintf(`{"errors":[{"code":%q,"message":%q,"taskUUID":%q%s}]}`, code, wiretest.Prompt, id, more)
}
