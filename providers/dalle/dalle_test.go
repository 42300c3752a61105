package dalle_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/dalle"
	"github.com/scrip-go/scrip/providers/internal/wiretest"
	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/usage"
)

func provider(t testing.TB, cfg dalle.Config) *dalle.Provider {
	t.Helper()
	p, err := dalle.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// upstream returns a provider whose upstream is one handler.
func upstream(t testing.TB, h http.HandlerFunc) *dalle.Provider {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return provider(t, dalle.Config{BaseURL: s.URL})
}

// answers returns a provider whose upstream says the same to everyone.
func answers(t testing.TB, status int, body string) *dalle.Provider {
	t.Helper()
	return upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "req_1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func fails(t *testing.T, status int, body string, kind providers.Kind, fate providers.Fate) *providers.Error {
	t.Helper()
	_, err := answers(t, status, body).GenerateImages(t.Context(), request())
	return wiretest.Failed(t, err, kind, fate)
}

func request() providers.ImageRequest {
	return providers.ImageRequest{Attempt: wiretest.Attempt(""), Model: "m-1", Prompt: wiretest.Prompt, NegativePrompt: "fog",
		Width: 1536, Height: 1024, N: 2, Quality: "high"}
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
	_, err := dalle.New(dalle.Config{BaseURL: "https://u:" + wiretest.APIKey + "@x", Organization: "a\nb", Project: "ü", MaxResponseBytes: -1})
	if err == nil {
		t.Fatal("New accepted it")
	}
	for _, part := range []string{"dalle: config", "base URL", "Organization", "Project", "MaxResponseBytes is -1"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not name %s", err, part)
		}
	}
	wiretest.Silent(t, err)
}

func TestDescribeAgreesWithTheMethods(t *testing.T) {
	b, err := providers.Bind(provider(t, dalle.Config{}))
	if err != nil || b.Name != "openai" || b.GenerateText != nil || b.GenerateImages == nil || b.Reconcile != nil {
		t.Errorf("Bind = %+v, %v; want pictures only, named openai", b, err)
	}
	if d := provider(t, dalle.Config{Name: "azure"}).Describe(); d.Name != "azure" {
		t.Errorf("Describe = %+v, want the configured name", d)
	}
}

// sent returns the one request that a call made.
func sent(t *testing.T, cfg dalle.Config, r providers.ImageRequest) (http.Header, any) {
	t.Helper()
	var header http.Header
	var body any
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		header = r.Header.Clone()
		if r.Method != "POST" || r.URL.Path != "/v1/images/generations" {
			t.Errorf("%s %s, want POST /v1/images/generations", r.Method, r.URL)
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, golden(t, "dall-e.json"))
	}))
	defer s.Close()
	cfg.BaseURL = "http://unused.invalid/v1"
	r.Attempt.BaseURL = s.URL + "/v1/"
	if _, err := provider(t, cfg).GenerateImages(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if n != 1 {
		t.Errorf("%d requests for one call", n)
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
	t.Run("CarriesWhatWasAskedForToTheAttemptsOwnAddress", func(t *testing.T) {
		header, body := sent(t, dalle.Config{Organization: "org-1", Project: "proj-1"}, request())
		wantBody(t, body, "request.json")
		for name, want := range map[string]string{"Authorization": "Bearer " + wiretest.APIKey, "Content-Type": "application/json",
			"X-Client-Request-Id": request().Attempt.ID, "OpenAI-Organization": "org-1", "OpenAI-Project": "proj-1", "Idempotency-Key": ""} {
			if got := header.Get(name); got != want {
				t.Errorf("header %s is %q, want %q", name, got, want)
			}
		}
	})
	t.Run("OmitsAndAddsWhatTheProfileSays", func(t *testing.T) {
		r := request()
		r.N, r.Quality, r.Omit = 1, "standard", []string{"n"}
		r.Parameters = map[string]json.RawMessage{"response_format": json.RawMessage(`"url"`), "style": json.RawMessage(`"vivid"`)}
		header, body := sent(t, dalle.Config{}, r)
		wantBody(t, body, "request-profile.json")
		if header.Get("OpenAI-Organization") != "" || header.Get("OpenAI-Project") != "" {
			t.Errorf("header %v has more than it should", header)
		}
	})
	t.Run("LeavesOutAQualityThatWasNotGiven", func(t *testing.T) {
		r := request()
		r.Quality = ""
		_, body := sent(t, dalle.Config{}, r)
		if _, ok := body.(map[string]any)["quality"]; ok {
			t.Errorf("body %v has a quality", body)
		}
	})
	t.Run("SaysTheFormat", func(t *testing.T) {
		for format, want := range map[providers.Format]any{"": nil, providers.PNG: "png", providers.JPEG: "jpeg", providers.WebP: "webp"} {
			r := request()
			r.Format = format
			_, body := sent(t, dalle.Config{}, r)
			if got := body.(map[string]any)["output_format"]; got != want {
				t.Errorf("the format %q is %v, want %v", format, got, want)
			}
			r.Omit = []string{"output_format"}
			_, body = sent(t, dalle.Config{}, r)
			if got, ok := body.(map[string]any)["output_format"]; ok {
				t.Errorf("the format %q is %v to a model that refuses it", format, got)
			}
		}
		r := request()
		r.Parameters = map[string]json.RawMessage{"output_format": json.RawMessage(`"webp"`)}
		if _, body := sent(t, dalle.Config{}, r); body.(map[string]any)["output_format"] != "webp" {
			t.Errorf("body %v has not the profile's format, and no other is asked for", body)
		}
	})
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
		"WithoutASize":                func(r *providers.ImageRequest) { r.Height = 0 },
		"WithoutAnAttemptID":          func(r *providers.ImageRequest) { r.Attempt.ID = "" },
		"WithALineEndInTheAttemptID":  func(r *providers.ImageRequest) { r.Attempt.ID = "a\r\nX: y" },
		"WithABadBaseURL":             func(r *providers.ImageRequest) { r.Attempt.BaseURL = "localhost:1" },
		"WithThePromptOmitted":        func(r *providers.ImageRequest) { r.Omit = []string{"prompt"} },
		"WithAModelParameter":         parameter("model"),
		"WithAPromptParameter":        parameter("prompt"),
		"WithAParameterForTheNumber":  parameter("n"),
		"WithAFormatThatThereIsNot":   func(r *providers.ImageRequest) { r.Format = "gif" },
		"WithAStream":                 parameter("stream"),
		"WithPartialImages":           parameter("partial_images"),
		"WithAParameterThatIsNotJSON": func(r *providers.ImageRequest) { r.Parameters = map[string]json.RawMessage{"x": json.RawMessage("{")} },
		"WithTwoFormats": func(r *providers.ImageRequest) {
			r.Format, r.Parameters = providers.JPEG, map[string]json.RawMessage{"output_format": json.RawMessage(`"webp"`)}
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
		r.Omit = []string{"n"}
		_, err := provider(t, dalle.Config{}).GenerateImages(t.Context(), r)
		wiretest.Failed(t, err, providers.Unsupported, providers.NotSent)
	})
	t.Run("WithoutAUsableKeyItIsAnAuthError", func(t *testing.T) {
		for _, key := range []string{"", wiretest.APIKey + "\n", wiretest.APIKey + " x"} {
			r := request()
			r.Attempt.Key.Secret = secret.New(key)
			_, err := provider(t, dalle.Config{}).GenerateImages(t.Context(), r)
			wiretest.Failed(t, err, providers.Auth, providers.NotSent)
		}
	})
}

func TestTheAnswer(t *testing.T) {
	for _, tt := range []struct {
		rule   string
		file   string
		images []providers.Image
		usage  usage.Usage
	}{
		{"OfAGPTImageModelHasPicturesAndTokens", "gpt-image.json", []providers.Image{{Data: []byte("picture one")}, {Data: []byte("picture two")}},
			usage.Usage{Input: usage.Exactly(10), ImageInput: usage.Exactly(40), Output: usage.Exactly(160), ImageOutput: usage.Exactly(4000), Images: usage.Exactly(2)}},
		{"OfADallEModelHasAnAddressAndNoTokens", "dall-e.json", []providers.Image{{URL: "https://files.example/img.png?sig=x"}}, usage.Images(1)},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			got, err := answers(t, 200, golden(t, tt.file)).GenerateImages(t.Context(), request())
			want := providers.ImageResult{Images: tt.images, Metering: providers.Metering{Usage: tt.usage, RequestID: "req_1", Model: "m-1"}}
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("GenerateImages = %+v, %v; want %+v", got, err, want)
			}
		})
	}
}

const picture = `{"b64_json":"cGljdHVyZQ=="}`

func TestUsageIsToldApart(t *testing.T) {
	for _, tt := range []struct {
		rule string
		json string
		want usage.Usage // besides one picture
	}{
		{"NoneIsUnknown", `null`, usage.Usage{}},
		{"WithoutDetailsInputIsTextAndOutputIsPicture", `{"input_tokens":10,"output_tokens":20}`, usage.Usage{Input: usage.Exactly(10), ImageOutput: usage.Exactly(20)}},
		{"EmptyDetailsAreNone", `{"input_tokens":10,"output_tokens":20,"input_tokens_details":{},"output_tokens_details":null}`, usage.Usage{Input: usage.Exactly(10), ImageOutput: usage.Exactly(20)}},
		{"OnePartIsEnoughIfItIsAll", `{"input_tokens":10,"output_tokens":20,"total_tokens":30,"input_tokens_details":{"text_tokens":10},"output_tokens_details":{"image_tokens":20}}`,
			usage.Usage{Input: usage.Exactly(10), ImageInput: usage.Exactly(0), Output: usage.Exactly(0), ImageOutput: usage.Exactly(20)}},
		{"WhatWasCachedIsApart", `{"input_tokens":100,"output_tokens":20,"total_tokens":120,"input_tokens_details":{"text_tokens":30,"image_tokens":70,"cached_tokens":50,"cached_tokens_details":{"text_tokens":10,"image_tokens":40}}}`,
			usage.Usage{Input: usage.Exactly(20), CachedInput: usage.Exactly(10), ImageInput: usage.Exactly(30), CachedImageInput: usage.Exactly(40), ImageOutput: usage.Exactly(20)}},
		{"WhatWasCachedOfTheTextOnlyIsApart", `{"input_tokens":30,"output_tokens":20,"input_tokens_details":{"text_tokens":30,"cached_tokens_details":{"text_tokens":30,"image_tokens":0}}}`,
			usage.Usage{Input: usage.Exactly(0), CachedInput: usage.Exactly(30), ImageInput: usage.Exactly(0), CachedImageInput: usage.Exactly(0), ImageOutput: usage.Exactly(20)}},
		{"ACachedSumIsNotToldApart", `{"input_tokens":100,"output_tokens":20,"input_tokens_details":{"text_tokens":30,"image_tokens":70,"cached_tokens":50}}`,
			usage.Usage{Input: usage.Exactly(30), ImageInput: usage.Exactly(70), ImageOutput: usage.Exactly(20)}},
		{"ZeroIsKnown", `{"input_tokens":0,"output_tokens":0,"total_tokens":0}`, usage.Usage{Input: usage.Exactly(0), ImageOutput: usage.Exactly(0)}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			got, err := answers(t, 200, `{"data":[`+picture+`],"usage":`+tt.json+`}`).GenerateImages(t.Context(), request())
			tt.want.Images = usage.Exactly(1)
			if err != nil || got.Usage != tt.want {
				t.Errorf("usage = %+v, %v; want %+v", got.Usage, err, tt.want)
			}
		})
	}
}

func TestFewerPicturesThanAskedForAreASuccess(t *testing.T) {
	for rule, data := range map[string]string{
		"OneIsMissing":                   picture,
		"OneIsNoBase64":                  picture + `,{"b64_json":"***"}`,
		"OneIsEmpty":                     `{},` + picture,
		"OneIsAnAddressOfAnotherScheme":  picture + `,{"url":"file:///etc/passwd"}`,
		"OneIsAnAddressWithoutAScheme":   picture + `,{"url":"files.example/img.png"}`,
		"OneIsAnAddressThatCannotBeRead": picture + `,{"url":"http://[::1"}`,
	} {
		t.Run(rule, func(t *testing.T) {
			got, err := answers(t, 200, `{"data":[`+data+`]}`).GenerateImages(t.Context(), request())
			if err != nil || len(got.Images) != 1 || string(got.Images[0].Data) != "picture" || got.Usage != usage.Images(1) {
				t.Errorf("GenerateImages = %+v, %v; want the one picture", got, err)
			}
		})
	}
}

func TestWhatArrivesWithASuccessWasExecuted(t *testing.T) {
	withUsage := func(u string) string { return `{"data":[` + picture + `],"usage":` + u + `}` }
	none := usage.Images(0)
	tokens := func(u usage.Usage, images int64) usage.Usage {
		u.Images = usage.Exactly(images)
		return u
	}
	in, out := usage.Exactly(10), usage.Exactly(20)
	for _, tt := range []struct {
		rule  string
		body  string
		usage usage.Usage
	}{
		{"NoDataIsMalformed", `{"data":[]}`, none},
		{"AbsentDataIsMalformed", `{}`, none},
		{"NoPictureIsMalformed", `{"data":[{"b64_json":"***"},{"url":"ftp://x/y"}],"usage":{"input_tokens":10,"output_tokens":20}}`, tokens(usage.Usage{Input: in, ImageOutput: out}, 0)},
		{"UsageWithoutCountsIsMalformed", withUsage(`{}`), usage.Images(1)},
		{"HalfAUsageIsMalformed", withUsage(`{"input_tokens":10}`), tokens(usage.Usage{Input: in}, 1)},
		{"ANegativeCountIsMalformed", withUsage(`{"input_tokens":10,"output_tokens":-20}`), tokens(usage.Usage{Input: in}, 1)},
		{"ATotalThatIsAnotherIsMalformed", withUsage(`{"input_tokens":10,"output_tokens":20,"total_tokens":31}`), tokens(usage.Usage{Input: in, ImageOutput: out}, 1)},
		{"PartsThatAreMoreThanTheWholeAreMalformed", withUsage(`{"input_tokens":10,"output_tokens":20,"input_tokens_details":{"text_tokens":11,"image_tokens":0}}`), tokens(usage.Usage{Input: in, ImageOutput: out}, 1)},
		{"PartsThatAreLessThanTheWholeAreMalformed", withUsage(`{"input_tokens":10,"output_tokens":20,"output_tokens_details":{"text_tokens":1,"image_tokens":1}}`), tokens(usage.Usage{Input: in, ImageOutput: out}, 1)},
		{"ANegativePartIsMalformed", withUsage(`{"input_tokens":10,"output_tokens":20,"output_tokens_details":{"text_tokens":-1,"image_tokens":21}}`), tokens(usage.Usage{Input: in, ImageOutput: out}, 1)},
		{"MoreCachedThanReadIsMalformed", withUsage(`{"input_tokens":10,"output_tokens":20,"input_tokens_details":{"text_tokens":10,"image_tokens":0,"cached_tokens_details":{"text_tokens":11}}}`),
			tokens(usage.Usage{Input: in, ImageInput: usage.Exactly(0), ImageOutput: out}, 1)},
		{"ANegativeCachedCountIsMalformed", withUsage(`{"input_tokens":10,"output_tokens":20,"input_tokens_details":{"text_tokens":10,"image_tokens":0,"cached_tokens_details":{"image_tokens":-1}}}`),
			tokens(usage.Usage{Input: in, ImageInput: usage.Exactly(0), ImageOutput: out}, 1)},
		{"ASumBeyondAnInt64IsMalformed", withUsage(`{"input_tokens":9223372036854775807,"output_tokens":20,"total_tokens":15}`), usage.Images(1)},
		{"ACountBeyondAnInt64IsMalformed", withUsage(`{"input_tokens":92233720368547758070,"output_tokens":20}`), usage.Usage{}},
		{"HTMLIsMalformed", `<html>`, usage.Usage{}},
		{"NothingIsMalformed", ``, usage.Usage{}},
		{"AnArrayIsMalformed", `[]`, usage.Usage{}},
		{"TrailingTextIsMalformed", `{"data":[` + picture + `]}x`, usage.Usage{}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			e := fails(t, 200, tt.body, providers.Malformed, providers.Executed)
			if e.Usage != tt.usage || e.Status != 200 || e.RequestID != "req_1" {
				t.Errorf("error %+v, want usage %+v, the status and the request id", e, tt.usage)
			}
		})
	}
	t.Run("ACutAnswerIsIncomplete", func(t *testing.T) {
		p := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"data":[`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})
		_, err := p.GenerateImages(t.Context(), request())
		wiretest.Failed(t, err, providers.Incomplete, providers.Executed)
	})
	t.Run("AnAnswerLongerThanItsLimitIsMalformed", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, golden(t, "gpt-image.json")) }))
		defer s.Close()
		_, err := provider(t, dalle.Config{BaseURL: s.URL, MaxResponseBytes: 100}).GenerateImages(t.Context(), request())
		wiretest.Failed(t, err, providers.Malformed, providers.Executed)
	})
}

// TestAnAzureServer is reached by its base URL of the version 1 and by the header for its keys.
func TestAnAzureServer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/openai/v1/images/generations" || r.Header.Get("Api-Key") != wiretest.APIKey || r.Header.Get("Authorization") != "" {
			t.Errorf("POST %s with %v, want the route of version 1, and the key in the api-key header alone", r.URL, r.Header)
		}
		_, _ = io.WriteString(w, `{"created":1,"data":[{"url":"https://files.example/img.png?sig=x","revised_prompt":"p","content_filter_results":{},"prompt_filter_results":{}}]}`)
	}))
	defer s.Close()
	got, err := provider(t, dalle.Config{Name: "azure", BaseURL: s.URL + "/openai/v1/", KeyHeader: "api-key"}).GenerateImages(t.Context(), request())
	if err != nil || len(got.Images) != 1 || got.Usage != usage.Images(1) {
		t.Errorf("GenerateImages = %+v, %v", got, err)
	}
	if _, err := dalle.New(dalle.Config{KeyHeader: "content-type"}); err == nil || !strings.Contains(err.Error(), "KeyHeader") {
		t.Errorf("New took a key header that carries something else: %v", err)
	}
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
}

// FuzzAnswer: whatever the upstream says, a success has pictures, as many as its usage, and an error is typed.
func FuzzAnswer(f *testing.F) {
	f.Add(200, golden(f, "gpt-image.json"))
	f.Add(200, golden(f, "dall-e.json"))
	f.Add(200, `{"error":{"code":429}}`)
	f.Add(200, `{"data":[{"b64_json":"AA=="}],"usage":{"input_tokens":-1,"output_tokens":9223372036854775807}}`)
	f.Add(400, `{"error":{"code":"moderation_blocked","param":["a"]}}`)
	f.Add(500, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		p := provider(t, dalle.Config{HTTPClient: &http.Client{Transport: fixed(status, body)}})
		got, err := p.GenerateImages(t.Context(), request())
		if err != nil {
			if !reflect.DeepEqual(got, providers.ImageResult{}) {
				t.Errorf("a result beside an error: %+v", got)
			}
			if !strings.Contains(body, wiretest.Prompt) && !strings.Contains(body, wiretest.APIKey) && !strings.Contains(body, "Bearer") {
				wiretest.Silent(t, err)
			}
			if e := providers.AsError("", err); e.Kind == "" || e.Fate == "" || e.Fate == providers.NotSent || e.Provider != "openai" || e.Usage.Validate() != nil {
				t.Errorf("error %+v has no kind, no fate of what was sent, or no possible usage", e)
			}
			if e := providers.AsError("", err); status/100 == 2 && e.Fate != providers.Executed && e.Fate != providers.Rejected {
				t.Errorf("an answer of status %d has the fate %q", status, e.Fate)
			}
			return
		}
		if status/100 != 2 || len(got.Images) == 0 || got.Usage.Images != usage.Exactly(int64(len(got.Images))) || got.Usage.Validate() != nil {
			t.Errorf("a success of status %d with %d pictures and usage %+v", status, len(got.Images), got.Usage)
		}
		for _, image := range got.Images {
			if (len(image.Data) == 0) == (image.URL == "") {
				t.Errorf("picture %+v has not exactly one of data and address", image)
			}
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
