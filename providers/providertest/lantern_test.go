package providertest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/usage"
)

// lantern is an honest adapter with a wire of its own, for the suite's own tests: text, pictures, and a question about an
// earlier attempt. With a flaw, it is dishonest in one way.
type lantern struct {
	base string
	http *http.Client
	flaw string

	queued bool // a text is a job that is polled

	mu         sync.Mutex // guards what a flaw keeps
	key        string
	parameters map[string]json.RawMessage
	described  int
}

const lanternLimit = 2 << 20

func newLantern(base, flaw string) *lantern {
	a := &lantern{base: strings.TrimRight(base, "/"), flaw: flaw}
	t := &http.Transport{MaxIdleConnsPerHost: 100, DisableCompression: a.is("BoundsWhatIsPacked")}
	if a.is("TrustsAnyCertificate") {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	}
	a.http = &http.Client{Transport: t}
	if !a.is("FollowsRedirects") {
		a.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return a
}

func (a *lantern) is(flaw string) bool { return a.flaw == flaw }

func (a *lantern) Describe() providers.Descriptor {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.described++
	d := providers.Descriptor{Name: "lantern", Text: true, Image: true, Reconcile: !a.is("HidesACapability")}
	if a.is("DescribesItselfAnew") {
		d.Name = fmt.Sprint("lantern", a.described)
	}
	return d
}

func (a *lantern) fail(kind providers.Kind, fate providers.Fate, detail string) *providers.Error {
	return &providers.Error{Provider: "lantern", Kind: kind, Fate: fate, Detail: detail}
}

// reply is a 2xx answer's body with its status.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// names puts the answer's status and id into an error.
func (a *lantern) names(e *providers.Error, status int, h http.Header, key string) *providers.Error {
	if e.Status = status; a.is("ForgetsTheStatus") || status/100 == 2 && (a.is("ForgetsTheStatusOfASuccess") ||
		a.is("ForgetsTheStatusOfALateBody") && e.Kind == providers.Timeout || a.is("ForgetsTheStatusOfARefusal") && e.Kind == providers.Blocked) {
		e.Status = 0
	}
	if e.RequestID = providers.Identifier(h.Get("X-Lamp-Number"), key); a.is("ForgetsTheIDOfAFailure") {
		e.RequestID = ""
	}
	return e
}

// roundTrip sends one request. It returns an error unless there is a success to read.
func (a *lantern) roundTrip(ctx context.Context, method, path string, at providers.Attempt, body []byte) (got reply, failure *providers.Error) {
	key := at.Key.Secret.Reveal()
	if key == "" && a.is("ReadsTheEnvironment") {
		key = os.Getenv("OPENAI_API_KEY")
	}
	if (key == "" && !a.is("SendsWithoutAKey")) || strings.ContainsAny(key, "\r\n ") {
		return reply{}, a.fail(providers.Auth, providers.NotSent, "no usable API key")
	}
	if a.is("SharesTheKey") {
		a.mu.Lock()
		a.key = cmp.Or(a.key, key)
		key = a.key
		a.mu.Unlock()
	}
	base := a.base
	if at.BaseURL != "" && !a.is("GoesToItsOwnBaseURL") {
		base = strings.TrimRight(at.BaseURL, "/")
	}
	if a.is("DropsThePathOfTheBaseURL") {
		base = strings.TrimSuffix(base, basePath)
	}
	if a.is("PutsTheKeyIntoTheAddress") {
		path += "?key=" + key
	}
	if a.is("IgnoresTheContext") {
		ctx = context.WithoutCancel(ctx)
	}
	var written atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	r, err := http.NewRequestWithContext(traced, method, base+path, bytes.NewReader(body))
	if err != nil {
		return reply{}, a.fail(providers.Invalid, providers.NotSent, "the base URL cannot be used")
	}
	r.Header.Set("X-Lamp-Key", key)
	if a.is("AsksForGzipAndForgets") {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	if a.is("SendsAnIdempotencyKey") {
		r.Header.Set("Idempotency-Key", at.ID)
	}
	resp, err := a.http.Do(r)
	if err != nil {
		return reply{}, a.lost(ctx, err, written.Load())
	}
	if !a.is("LeaksTheBody") {
		defer resp.Body.Close()
	}
	defer func() {
		if failure != nil {
			a.names(failure, resp.StatusCode, resp.Header, key)
		}
	}()
	if a.is("LeaksAGoroutine") {
		go time.Sleep(2 * longer)
	}
	if a.is("TrustsTheContentType") && !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return reply{}, a.fail(providers.Malformed, providers.Executed, "not announced as JSON")
	}
	if resp.StatusCode/100 != 2 {
		limit := int64(64 << 10)
		if a.is("ReadsErrorsWithoutBound") {
			limit = 1 << 40
		}
		said, _ := io.ReadAll(io.LimitReader(resp.Body, limit))
		return reply{}, a.refused(resp, said, key)
	}
	limit := int64(lanternLimit)
	if a.is("ReadsWithoutBound") {
		limit = 1 << 40
	}
	all, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if a.is("ReadsTheRestToCountIt") {
		_, _ = io.Copy(io.Discard, resp.Body)
	}
	if a.is("WantsNoBlanks") && err == nil && bytes.HasPrefix(all, []byte("\r")) {
		all = nil
	}
	if a.is("BoundsWhatIsPacked") && resp.Header.Get("Content-Encoding") == "gzip" {
		if z, zerr := gzip.NewReader(bytes.NewReader(all)); zerr == nil {
			all, err = io.ReadAll(z)
			limit = int64(len(all))
		}
	}
	switch {
	case err != nil && a.is("TakesACutAnswer"):
		return reply{resp.StatusCode, resp.Header, []byte(`{"said":"so far","ended":"done","count":{"all":0}}`)}, nil
	case err != nil && a.is("SaysACutAnswerMayHaveRun"):
		return reply{}, a.fail(providers.Incomplete, providers.Unknown, "the answer was cut")
	case err != nil && ctx.Err() != nil && !a.is("SaysALateBodyWasCut"):
		e := a.lost(ctx, err, true)
		e.Fate = providers.Executed
		return reply{}, e
	case err != nil:
		return reply{}, a.fail(providers.Incomplete, providers.Executed, "the answer was cut")
	case int64(len(all)) > limit:
		return reply{}, a.fail(providers.Malformed, providers.Executed, "the answer is too long")
	}
	return reply{resp.StatusCode, resp.Header, all}, nil
}

// lost is a request without an answer.
func (a *lantern) lost(ctx context.Context, err error, written bool) *providers.Error {
	e := a.fail(providers.Network, providers.Unknown, "")
	if !written && !a.is("SaysThatNothingIsEverNotSent") || a.is("SaysThatALostRequestWasNotSent") {
		e.Fate = providers.NotSent
	}
	var slow interface{ Timeout() bool }
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Kind, e.Cause = providers.Canceled, context.Canceled
	case ctx.Err() != nil:
		e.Kind, e.Cause = providers.Timeout, context.DeadlineExceeded
	case errors.As(err, &slow) && slow.Timeout():
		e.Kind = providers.Timeout
	}
	if a.is("WrapsTheTransportsError") {
		e.Cause = err
	}
	return e
}

// refused is an answer that is no success.
func (a *lantern) refused(resp *http.Response, said []byte, key string) *providers.Error {
	var body struct {
		Trouble string `json:"trouble"`
		Error   struct {
			Message, Code string
		} `json:"error"`
	}
	_ = json.Unmarshal(said, &body)
	e := a.fail(providers.Invalid, providers.Rejected, "")
	e.Status, e.Code = resp.StatusCode, providers.Identifier(body.Trouble, key)
	defer func() {
		if body.Trouble == "purse_empty" && !a.is("KnowsNoCodes") {
			if e.Kind = providers.Quota; a.is("BelievesTheCode") {
				e.Fate = providers.Rejected
			}
		}
	}()
	switch {
	case e.Status == 401:
		e.Kind = providers.Auth
	case e.Status == 402:
		e.Kind = providers.Quota
	case e.Status == 403:
		e.Kind = providers.Permission
	case e.Status == 404:
		e.Kind = providers.NotFound
	case e.Status == 408:
		e.Kind, e.Fate = providers.Timeout, providers.Unknown
	case e.Status == 429:
		e.Kind = providers.RateLimited
	case e.Status == 503:
		e.Kind = providers.Overloaded
	case e.Status/100 == 3:
		e.Kind = providers.Upstream
	case e.Status/100 != 4:
		e.Kind, e.Fate = providers.Upstream, providers.Unknown
		if a.is("CallsAFailureRejected") {
			e.Fate = providers.Rejected
		}
	}
	v := resp.Header.Get("Retry-After")
	if n, err := strconv.ParseInt(v, 10, 64); err == nil {
		e.RetryAfter = time.Duration(max(min(n, 86400), 0)) * time.Second
		if a.is("OverflowsTheWait") {
			e.RetryAfter = time.Duration(n) * time.Second
		}
	} else if at, err := http.ParseTime(v); err == nil && !a.is("ReadsNoDates") {
		e.RetryAfter = max(time.Until(at), 0)
	}
	switch a.flaw {
	case "ForgetsTheWait":
		e.RetryAfter = 0
	case "Sleeps":
		time.Sleep(min(e.RetryAfter, longer))
	case "ShowsTheKey":
		e.Detail = "the upstream refused X-Lamp-Key " + key
	case "ShowsTheUpstreamsMessage":
		e.Detail = body.Error.Message
	case "ShowsTheUpstreamsCode":
		e.Code = body.Error.Code
	}
	return e
}

// write makes an object of fields and parameters.
func (a *lantern) write(fields map[string]any, parameters map[string]json.RawMessage, omit []string, fixed ...string) ([]byte, *providers.Error) {
	for _, f := range fixed {
		if _, set := parameters[f]; (set || slices.Contains(omit, f)) && !a.is("LetsTheProfileRaiseTheBound") {
			return nil, a.fail(providers.Invalid, providers.NotSent, "the profile touches a fixed field")
		}
	}
	if a.is("KeepsTheParameters") {
		a.mu.Lock()
		if parameters == nil {
			parameters = a.parameters
		}
		a.parameters = parameters
		a.mu.Unlock()
	}
	for k, v := range parameters {
		fields[k] = v
		if a.is("ReadsParametersAsFloats") {
			var f any
			_ = json.Unmarshal(v, &f)
			fields[k] = f
		}
	}
	if a.is("SortsTheOmissions") {
		slices.Sort(omit)
	}
	if !a.is("IgnoresOmit") {
		maps.DeleteFunc(fields, func(k string, v any) bool { return v == nil || slices.Contains(omit, k) })
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(fields) != nil {
		return nil, a.fail(providers.Invalid, providers.NotSent, "the request is not JSON")
	}
	return b.Bytes(), nil
}

type spoken struct {
	Said    string          `json:"said"`
	Filled  json.RawMessage `json:"filled"` // a form, in place of what is said
	Ended   string          `json:"ended"`
	Trouble any             `json:"error"`
	Lamp    string          `json:"lamp"`
	Count   *struct {
		Read, Cached, Written, All int64
	} `json:"count"`
}

func (a *lantern) GenerateText(ctx context.Context, r providers.TextRequest) (providers.TextResult, error) {
	result, e := a.speak(ctx, r)
	if e != nil && a.is("MakesUpAnAnswer") {
		return lanternSuite("").Text.made(r.Attempt.ID), nil
	}
	if a.is("RetriesOnce") && e != nil && e.Fate == providers.Unknown {
		result, e = a.speak(ctx, r)
	}
	if e != nil {
		switch a.flaw {
		case "ReturnsAPlainError":
			return result, errors.New(e.Error())
		case "WrapsTheRequest":
			return result, fmt.Errorf("%w", &withRequest{e, r})
		case "SignsAsSomebodyElse":
			e.Provider = "torch"
		case "PrintsItsErrors":
			fmt.Fprintln(os.Stderr, "lantern failed")
		case "LogsItsErrors":
			slog.Debug("lantern failed", "kind", e.Kind)
		}
		return result, e
	}
	if a.is("ReturnsANilErrorInAnError") {
		return result, e
	}
	return result, nil
}

// withRequest is an error that remembers too much.
type withRequest struct {
	inner   *providers.Error
	request providers.TextRequest
}

func (e *withRequest) Error() string { return e.inner.Error() }
func (e *withRequest) Unwrap() error { return e.inner }

func (a *lantern) speak(ctx context.Context, r providers.TextRequest) (providers.TextResult, *providers.Error) {
	none := providers.TextResult{}
	if r.MaxOutput < 1 && !a.is("SendsWithoutABound") {
		return none, a.fail(providers.Invalid, providers.NotSent, "no bound on the output")
	}
	messages := r.Messages
	if a.is("WritesBehindTheMessages") {
		messages = append(messages, providers.Message{Role: providers.User, Text: "(be quick)"})
	}
	type turn struct {
		Who  providers.Role `json:"who"`
		Says string         `json:"says"`
	}
	turns := []turn{}
	for _, m := range messages {
		if m.Role == providers.System && (a.is("DropsTheSystemMessage") || a.is("DropsTheSecondSystemMessage") && len(turns) > 0) {
			continue
		}
		if m.Role == providers.User && a.is("DropsTheSecondTurn") && len(turns) > 2 {
			continue
		}
		if a.is("TrimsMessages") {
			m.Text = strings.ToValidUTF8(strings.ReplaceAll(m.Text, "\t", " "), "")
		}
		turns = append(turns, turn{m.Role, m.Text})
	}
	if a.is("TurnsTheMessagesRound") {
		slices.Reverse(turns)
	}
	if a.is("TurnsTheSystemMessagesRound") && len(turns) > 1 && turns[1].Who == providers.System {
		turns[0], turns[1] = turns[1], turns[0]
	}
	if a.is("JoinsTheSystemMessagesRound") && len(turns) > 1 && turns[1].Who == providers.System {
		turns[1].Says += "\n\n" + turns[0].Says
		turns = turns[1:]
	}
	if a.is("JoinsTheSystemMessages") && len(turns) > 1 && turns[1].Who == providers.System {
		turns[1].Says = turns[0].Says + "\n\n" + turns[1].Says
		turns = turns[1:]
	}
	fields := map[string]any{"engine": r.Model, "turns": turns, "limit": r.MaxOutput, "ticket": r.Attempt.ID}
	if r.Temperature.Valid {
		fields["heat"] = json.Number(r.Temperature.Decimal.String())
		if a.is("RoundsTheTemperature") {
			fields["heat"] = json.Number(r.Temperature.Decimal.Round(1).String())
		}
		if a.is("SendsTheTemperatureAsAText") {
			fields["heat"] = r.Temperature.Decimal
		}
		if a.is("DropsATemperatureOfZero") && r.Temperature.Decimal.IsZero() {
			delete(fields, "heat")
		}
	}
	if r.Schema != nil && !a.is("DropsTheSchema") {
		if fields["form"] = r.Schema.JSON; a.is("SendsTheSchemaAsAText") {
			fields["form"] = string(r.Schema.JSON)
		}
	}
	switch a.flaw {
	case "DropsTheBound":
		delete(fields, "limit")
	case "ForgetsTheAttempt":
		delete(fields, "ticket")
	case "DropsTheModel":
		fields["engine"] = "default"
	}
	body, e := a.write(fields, r.Parameters, r.Omit, "engine", "turns", "limit", "ticket")
	if e != nil {
		return none, e
	}
	got, e := a.roundTrip(ctx, "POST", "/speak", r.Attempt, body)
	if e == nil && a.queued {
		got, e = a.wait(ctx, r.Attempt, got)
	}
	if e != nil {
		return none, e
	}
	var s spoken
	var used usage.Usage
	bad := func(kind providers.Kind, detail string) (providers.TextResult, *providers.Error) {
		e := a.names(a.fail(kind, providers.Executed, detail), got.status, got.header, r.Attempt.Key.Secret.Reveal())
		e.Usage = used
		return none, e
	}
	if a.is("ReadsTheFirstValue") {
		err := json.NewDecoder(bytes.NewReader(got.body)).Decode(&s)
		if err != nil {
			return bad(providers.Malformed, "not JSON")
		}
	} else if json.Unmarshal(got.body, &s) != nil {
		return bad(providers.Malformed, "not JSON")
	}
	if r.Schema != nil {
		if s.Said = string(s.Filled); a.is("AnswersWithAFormOfItsOwn") {
			s.Said = `{"lamp":1}`
		}
	}
	if c := s.Count; c != nil && !a.is("ForgetsWhatWasUsed") {
		used = usage.Usage{Input: usage.Exactly(c.Read - c.Cached), CachedInput: usage.Exactly(c.Cached), Output: usage.Exactly(c.Written)}
		if a.is("CountsCachedTokensTwice") {
			used.Input = usage.Exactly(c.Read)
		}
	}
	switch {
	case s.Trouble != nil && !a.is("TakesAnErrorInASuccess"):
		return bad(providers.Upstream, "an error in a success")
	case s.Ended == "refused" && !a.is("TakesARefusal"):
		return bad(providers.Blocked, "refused")
	case s.Ended == "limit" && !a.is("TakesALengthStop"):
		return bad(providers.Incomplete, "stopped at the limit")
	case s.Said == "" && !a.is("TakesAnEmptyText"):
		return bad(providers.Malformed, "no text")
	case s.Count == nil && a.is("ChargesNothingWithoutUsage"):
		return providers.TextResult{Text: s.Said, Metering: providers.Metering{Usage: usage.Tokens(0, 0)}}, nil
	case s.Count == nil && a.is("PanicsWithoutUsage"):
		return none, a.fail(providers.Malformed, providers.Executed, fmt.Sprint(s.Count.All))
	case s.Count == nil:
		return bad(providers.Malformed, "no usage")
	case s.Count.Read+s.Count.Written != s.Count.All && !a.is("TrustsTheParts"), s.Count.Cached > s.Count.Read:
		return bad(providers.Malformed, "the usage does not add up")
	}
	m := providers.Metering{Usage: used, RequestID: got.header.Get("X-Lamp-Number"), Model: s.Lamp}
	if a.is("DeliversTheBytesThatCame") {
		_, said, _ := strings.Cut(string(got.body), `"said":"`)
		s.Said, _, _ = strings.Cut(said, `"`)
	}
	if a.is("ForgetsTheRequestID") {
		m.RequestID = ""
	}
	return providers.TextResult{Text: s.Said, Metering: m}, nil
}

// wait polls a job until it is done.
func (a *lantern) wait(ctx context.Context, from providers.Attempt, got reply) (reply, *providers.Error) {
	var job struct{ Job string }
	if json.Unmarshal(got.body, &job) != nil || job.Job == "" {
		return got, a.names(a.fail(providers.Malformed, providers.Executed, "no job"), got.status, got.header, "")
	}
	for {
		got, e := a.roundTrip(ctx, "GET", "/jobs/"+job.Job, from, nil)
		if e != nil {
			if !a.is("BelievesAPoll") {
				e.Fate = providers.Unknown
			}
			return got, e
		}
		var at struct{ State string }
		if json.Unmarshal(got.body, &at) != nil || at.State != "working" {
			return got, nil
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return got, a.lost(ctx, ctx.Err(), true)
		}
	}
}

// talker is a lantern that can do nothing but speak.
type talker struct{ a *lantern }

func (t talker) Describe() providers.Descriptor {
	return providers.Descriptor{Name: "lantern", Text: true}
}

func (t talker) GenerateText(ctx context.Context, r providers.TextRequest) (providers.TextResult, error) {
	return t.a.GenerateText(ctx, r)
}

type painted struct {
	Pictures []string `json:"pictures"`
	Price    string   `json:"price"`
	Trouble  any      `json:"error"`
	State    string   `json:"state"`
}

func (a *lantern) GenerateImages(ctx context.Context, r providers.ImageRequest) (providers.ImageResult, error) {
	result, e := a.paint(ctx, r)
	if e != nil && a.is("MakesUpAnAnswer") {
		return made(lanternSuite("").Images.Want, r.Attempt.ID), nil
	}
	if e != nil {
		return result, e
	}
	return result, nil
}

// made returns a good text for an attempt, and made a good picture.
func (w *TextWire) made(attempt string) providers.TextResult {
	r := w.Want
	r.Text, r.RequestID = expand(r.Text, attempt), expand(r.RequestID, attempt)
	return r
}

func made(r providers.ImageResult, attempt string) providers.ImageResult {
	r.Images = slices.Clone(r.Images)
	for i := range r.Images {
		r.Images[i].URL = expand(r.Images[i].URL, attempt)
	}
	return r
}

func (a *lantern) paint(ctx context.Context, r providers.ImageRequest) (providers.ImageResult, *providers.Error) {
	if (r.N < 1 && !a.is("PaintsNothing")) || r.Width < 1 || r.Height < 1 || r.Prompt == "" {
		return providers.ImageResult{}, a.fail(providers.Invalid, providers.NotSent, "no picture is asked for")
	}
	fields := map[string]any{"engine": r.Model, "scene": r.Prompt, "wide": r.Width, "high": r.Height, "copies": r.N, "ticket": r.Attempt.ID}
	if r.Format != "" {
		if p, set := r.Parameters["film"]; set && string(p) != asJSON(r.Format) && !slices.Contains(r.Omit, "film") && !a.is("LetsTheProfileChangeTheFormat") {
			return providers.ImageResult{}, a.fail(providers.Invalid, providers.NotSent, "the profile wants another film")
		}
		if fields["film"] = r.Format; a.is("PaintsOnOneFilm") {
			fields["film"] = providers.PNG
		}
	}
	if a.is("PaintsOnNoFilm") {
		delete(fields, "film")
	}
	if a.is("PaintsSquares") {
		fields["high"] = r.Width
	}
	if a.is("PaintsTwoAlways") {
		fields["copies"] = 2
	}
	if a.is("ShortensThePrompt") {
		fields["scene"] = r.Prompt[:20]
	}
	body, e := a.write(fields, r.Parameters, r.Omit, "engine", "scene", "ticket", "copies")
	if e != nil {
		return providers.ImageResult{}, e
	}
	if a.is("PaintsEachPictureByItself") && r.N > 1 {
		one := r
		one.N = 1
		_, _ = a.paint(ctx, one)
	}
	got, e := a.roundTrip(ctx, "POST", "/paint", r.Attempt, body)
	if e != nil {
		return providers.ImageResult{}, e
	}
	var p painted
	if json.Unmarshal(got.body, &p) != nil || len(p.Pictures) == 0 && !a.is("DeliversNothing") {
		return providers.ImageResult{}, a.names(a.fail(providers.Malformed, providers.Executed, "no picture"), got.status, got.header, "")
	}
	result := p.result(r.Model)
	if a.is("CountsWhatWasAskedFor") {
		result.Usage = usage.Images(int64(r.N))
	}
	return result, nil
}

func (p painted) result(model string) providers.ImageResult {
	r := providers.ImageResult{Metering: providers.Metering{Usage: usage.Images(int64(len(p.Pictures))), Model: model}}
	for _, url := range p.Pictures {
		r.Images = append(r.Images, providers.Image{URL: url})
	}
	if cost, err := decimal.NewFromString(p.Price); err == nil {
		r.Cost = decimal.NewNullDecimal(cost)
	}
	return r
}

func (a *lantern) Reconcile(ctx context.Context, r providers.ReconcileRequest) (providers.Reconciled, error) {
	method := "GET"
	if a.is("AsksByPainting") {
		method = "POST"
	}
	got, e := a.roundTrip(ctx, method, "/tickets/"+r.Attempt.ID, r.Attempt, nil)
	var p painted
	if e == nil && json.Unmarshal(got.body, &p) != nil {
		e = a.names(a.fail(providers.Malformed, providers.Unknown, "not JSON"), got.status, got.header, "")
	}
	if e != nil && a.is("MakesUpAnAnswer") {
		result := made(lanternSuite("").Images.Want, r.Attempt.ID)
		return providers.Reconciled{Fate: providers.Executed, Image: &result}, nil
	}
	if e != nil {
		if !a.is("TakesAFailedQuestionForAnAnswer") {
			e.Fate = providers.Unknown
		}
		return providers.Reconciled{}, e
	}
	fate, known := map[string]providers.Fate{"done": providers.Executed, "working": providers.Unknown, "never": providers.NotSent,
		"lost": providers.Executed, "refused": providers.Rejected}[p.State]
	if !known && !a.is("MakesUpAnAnswer") {
		return providers.Reconciled{}, a.names(a.fail(providers.Malformed, providers.Unknown, "no state"), got.status, got.header, "")
	}
	if fate != providers.Executed && a.is("CallsEverythingExecuted") {
		fate = providers.Executed
	}
	if p.State == "lost" && a.is("CallsALossNotSent") {
		fate = providers.NotSent
	}
	became := providers.Reconciled{Fate: fate}
	if p.State == "done" {
		result := p.result(r.Model)
		became.Image = &result
	}
	return became, nil
}

var _ net.Error = (*net.OpError)(nil) // what lost asks an error of the transport for

// talkerSuite is that of an adapter that cannot ask what became of an attempt.
func talkerSuite(flaw string) Suite {
	s := lanternSuite(flaw)
	s.New = func(base string) (providers.Provider, error) { return talker{newLantern(base, flaw)}, nil }
	s.Images, s.Reconcile = nil, nil
	return s
}

// queuedSuite is that of an adapter whose texts are jobs, which a handler speaks for.
func queuedSuite(flaw string) Suite {
	s := talkerSuite(flaw)
	s.New = func(base string) (providers.Provider, error) {
		a := newLantern(base, flaw)
		a.queued = true
		return talker{a}, nil
	}
	said, filled := s.Text.Success, s.Text.Structured
	w := TextWire{Want: s.Text.Want, Total: s.Text.Total, Failures: s.Text.Failures, WantStructured: s.Text.WantStructured}
	var mu sync.Mutex
	polls, forms := map[string]int{}, map[string]bool{}
	w.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == "POST" {
			var q struct {
				Ticket string
				Form   json.RawMessage
			}
			_ = json.NewDecoder(r.Body).Decode(&q)
			forms[q.Ticket] = q.Form != nil
			Recorded{Status: 202, Body: `{"job":"` + q.Ticket + `"}`}.write(w)
			return
		}
		_, job, _ := strings.Cut(r.URL.Path, "/jobs/")
		if polls[job]++; polls[job] < 3 {
			Recorded{Body: `{"state":"working"}`}.write(w)
			return
		}
		if forms[job] {
			filled.to(job).write(w)
			return
		}
		said.to(job).write(w)
	})
	s.Text = &w
	return s
}

// lanternSuite is what lantern's author provides.
func lanternSuite(flaw string) Suite {
	ok := func(body string) Recorded {
		return Recorded{Header: http.Header{"X-Lamp-Number": {"no-{{attempt}}"}}, Body: body}
	}
	const counted = `,"count":{"read":100,"cached":30,"written":50,"all":150}`
	drawn := providers.ImageResult{Images: []providers.Image{{URL: "https://lamp.example/{{attempt}}/1"}, {URL: "https://lamp.example/2"}},
		Metering: providers.Metering{Usage: usage.Images(2), Model: "suite-model", Cost: decimal.NewNullDecimal(decimal.New(25, -3))}}
	const pictures = `"pictures":["https://lamp.example/{{attempt}}/1","https://lamp.example/2"],"price":"0.025"`
	empty := Failure{Name: "NoMoney", Recorded: Recorded{Status: 400, Body: `{"trouble":"purse_empty"}`}, Kind: providers.Quota, Fate: providers.Rejected, Code: "purse_empty"}
	return Suite{
		New:   func(base string) (providers.Provider, error) { return newLantern(base, flaw), nil },
		flood: 16,
		Text: &TextWire{
			Success: ok(`{"said":"light {{attempt}}","ended":"done","lamp":"lamp-7"` + counted + `}`),
			Want: providers.TextResult{Text: "light {{attempt}}", Metering: providers.Metering{RequestID: "no-{{attempt}}", Model: "lamp-7",
				Usage: usage.Usage{Input: usage.Exactly(70), CachedInput: usage.Exactly(30), Output: usage.Exactly(50)}}},
			Total:          150,
			Structured:     ok(`{"said":"","filled":{"light":"{{attempt}}","n":1},"ended":"done","lamp":"lamp-7"` + counted + `}`),
			WantStructured: `{"n": 1, "light": "{{attempt}}"}`,

			Refusal:    ok(`{"said":"No.","ended":"refused"` + counted + `}`),
			Length:     ok(`{"said":"li","ended":"limit"` + counted + `}`),
			NoUsage:    ok(`{"said":"light","ended":"done"}`),
			BadUsage:   ok(`{"said":"light","ended":"done","count":{"read":100,"cached":30,"written":50,"all":151}}`),
			NoText:     ok(`{"said":"","ended":"done"` + counted + `}`),
			ErrorIn200: ok(`{"error":{"code":"wick"},"said":"light","ended":"done"` + counted + `}`),
			Failures:   []Failure{empty},
		},
		Images: &ImageWire{
			Success:   ok(`{` + pictures + `}`),
			Want:      drawn,
			Fewer:     ok(`{"pictures":["https://lamp.example/1"],"price":"0.0125"}`),
			NoPicture: ok(`{"pictures":[],"price":"0"}`),
			Failures:  []Failure{empty},
		},
		Reconcile: &ReconcileWire{
			Done:    ok(`{"state":"done",` + pictures + `}`),
			Want:    providers.Reconciled{Image: &drawn},
			Working: ok(`{"state":"working"}`),
			Missing: ok(`{"state":"never"}`),
			Lost:    ok(`{"state":"lost"}`),
			Refused: ok(`{"state":"refused"}`),
		},
	}
}
