package providertest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/scrip-go/scrip/usage"
)

// flaws are mistakes that an adapter could make, each with the case that has to catch it. The face is the capability; Talk
// is text of an adapter that has nothing else, Jobs is text that is polled for.
var flaws = []struct{ flaw, face, by string }{
	{"HidesACapability", "", "DescribesWhatItImplements"},
	{"DescribesItselfAnew", "", "DescribesWhatItImplements"},

	{"RetriesOnce", "Text", "Status500IsUnknown"},
	{"FollowsRedirects", "Text", "FollowsNoRedirectToAnotherHost"},
	{"FollowsRedirects", "Text", "FollowsNoRedirectOnTheSameHost"},
	{"ShowsTheKey", "Text", "KeepsTheRequestOutOfErrors"},
	{"ShowsTheUpstreamsMessage", "Text", "KeepsTheRequestOutOfErrors"},
	{"ShowsTheUpstreamsCode", "Text", "KeepsTheRequestOutOfErrors"},
	{"WrapsTheRequest", "Text", "KeepsTheRequestOutOfErrors"},
	{"WrapsTheTransportsError", "Text", "ARefusedConnectionIsNotSent"},
	{"ReturnsAPlainError", "Text", "Status404IsNotFound"},
	{"SignsAsSomebodyElse", "Text", "Status404IsNotFound"},
	{"ReturnsANilErrorInAnError", "Text", "ReadsTheAnswer"},
	{"ReadsWithoutBound", "Text", "AHugeBodyIsMalformed"},
	{"ReadsTheRestToCountIt", "Text", "AHugeBodyIsMalformed"},
	{"ReadsErrorsWithoutBound", "Text", "AHugeErrorIsBounded"},
	{"BoundsWhatIsPacked", "Text", "AGzipBombIsMalformed"},
	{"IgnoresTheContext", "Text", "ACallCanceledWhileItWaitsReturnsAtOnce"},
	{"IgnoresTheContext", "Text", "ACallCanceledWhileItReadsReturnsAtOnce"},
	{"IgnoresTheContext", "Text", "ACallCanceledBeforeItBeginsIsNotSent"},
	{"IgnoresTheContext", "Text", "SlowHeadersAreATimeout"},
	{"SaysALateBodyWasCut", "Text", "ASlowBodyIsATimeout"},
	{"TakesACutAnswer", "Text", "ACutBodyIsIncomplete"},
	{"TakesACutAnswer", "Text", "ACutBodyOfUnknownLengthIsIncomplete"},
	{"CallsAFailureRejected", "Text", "Status500IsUnknown"},
	{"CallsAFailureRejected", "Text", "Status502AsHTMLIsUnknown"},
	{"SaysThatNothingIsEverNotSent", "Text", "ARefusedConnectionIsNotSent"},
	{"SaysThatNothingIsEverNotSent", "Text", "AFailedHandshakeIsNotSent"},
	{"SaysThatALostRequestWasNotSent", "Text", "AConnectionClosedAfterTheRequestIsUnknown"},
	{"SaysThatALostRequestWasNotSent", "Text", "AnAnswerCutInItsHeadersIsUnknown"},
	{"TrustsAnyCertificate", "Text", "AnUnknownCertificateIsNotSent"},
	{"ForgetsTheWait", "Text", "TellsHowLongToWait"},
	{"ReadsNoDates", "Text", "TellsHowLongToWait"},
	{"OverflowsTheWait", "Text", "SurvivesAnAbsurdRetryAfter"},
	{"Sleeps", "Text", "ReturnsARateLimitAtOnce"},
	{"LogsItsErrors", "Text", "WritesNothing"},
	{"PrintsItsErrors", "Text", "WritesNothing"},
	{"ReadsTheEnvironment", "Text", "ReadsNoEnvironment"},
	{"SharesTheKey", "Text", "ServesManyCallsAtOnce"},
	{"SharesTheKey", "Text", "SendsTheKeyAndOnlyInTheRequest"},
	{"KeepsTheParameters", "Text", "SendsTheSameAgain"},
	{"LeaksTheBody", "Text", "LeavesNoGoroutine"},
	{"LeaksTheBody", "Text", "AHugeErrorIsBounded"},
	{"LeaksAGoroutine", "Text", "LeavesNoGoroutine"},
	{"SendsAnIdempotencyKey", "Text", "SendsNoIdempotencyKey"},
	{"SendsAnIdempotencyKey", "Text", "AReusedConnectionThatDiesIsNotTriedAgain"},
	{"ForgetsTheAttempt", "Text", "SendsTheAttemptsID"},
	{"PutsTheKeyIntoTheAddress", "Text", "SendsTheKeyAndOnlyInTheRequest"},
	{"SendsWithoutAKey", "Text", "RefusesACallWithoutAUsableKey"},
	{"DropsThePathOfTheBaseURL", "Text", "KeepsThePathOfTheBaseURL"},
	{"GoesToItsOwnBaseURL", "Text", "GoesToTheAttemptsBaseURL"},
	{"AsksForGzipAndForgets", "Text", "ReadsAPackedAnswer"},
	{"WantsNoBlanks", "Text", "ReadsAnAnswerInPieces"},
	{"DeliversTheBytesThatCame", "Text", "DeliversValidUTF8"},
	{"DeliversTheBytesThatCame", "Jobs", "DeliversValidUTF8"},
	{"TrustsTheContentType", "Text", "IgnoresTheContentType"},
	{"ReadsTheFirstValue", "Text", "TwoAnswersAreMalformed"},

	{"SortsTheOmissions", "Text", "LeavesTheCallersRequestAlone"},
	{"WritesBehindTheMessages", "Text", "LeavesTheCallersRequestAlone"},
	{"IgnoresOmit", "Text", "HonoursOmit"},
	{"IgnoresOmit", "Text", "LeavesOutAParameterToOmit"},
	{"ReadsParametersAsFloats", "Text", "SendsTheParameters"},
	{"DropsTheModel", "Text", "SendsTheModel"},
	{"DropsTheBound", "Text", "SendsTheBound"},
	{"SendsWithoutABound", "Text", "RefusesACallWithoutABound"},
	{"LetsTheProfileRaiseTheBound", "Text", "KeepsTheBoundAgainstTheProfile"},
	{"DropsTheSchema", "Text", "SendsTheSchema"},
	{"SendsTheSchemaAsAText", "Text", "SendsTheSchema"},
	{"AnswersWithAFormOfItsOwn", "Text", "ReadsAStructuredAnswer"},
	{"AnswersWithAFormOfItsOwn", "Jobs", "ReadsAStructuredAnswer"},
	{"RoundsTheTemperature", "Text", "SendsTheTemperature"},
	{"SendsTheTemperatureAsAText", "Text", "SendsTheTemperature"},
	{"DropsATemperatureOfZero", "Text", "SendsTheTemperature"},
	{"DropsTheSystemMessage", "Text", "SendsTheMessagesInOrder"},
	{"DropsTheSecondSystemMessage", "Text", "SendsTheMessagesInOrder"},
	{"DropsTheSecondTurn", "Text", "SendsTheMessagesInOrder"},
	{"TurnsTheSystemMessagesRound", "Text", "SendsTheMessagesInOrder"},
	{"JoinsTheSystemMessagesRound", "Text", "SendsTheMessagesInOrder"},
	{"TrimsMessages", "Text", "SendsTheMessagesInOrder"},
	{"TurnsTheMessagesRound", "Text", "SendsTheMessagesInOrder"},

	{"ForgetsTheRequestID", "Text", "ReadsTheAnswer"},
	{"ForgetsWhatWasUsed", "Text", "ALengthStopTellsWhatWasUsed"},
	{"CountsCachedTokensTwice", "Text", "UsageAddsUp"},
	{"ChargesNothingWithoutUsage", "Text", "NoUsageIsMalformed"},
	{"PanicsWithoutUsage", "Text", "NoUsageIsMalformed"},
	{"TrustsTheParts", "Text", "UsageThatDoesNotAddUpIsMalformed"},
	{"TakesAnErrorInASuccess", "Text", "AnErrorInASuccessIsAnError"},
	{"TakesARefusal", "Text", "ARefusalIsBlocked"},
	{"TakesALengthStop", "Text", "ALengthStopIsIncomplete"},
	{"TakesAnEmptyText", "Text", "NoTextIsMalformed"},
	{"KnowsNoCodes", "Text", "RecordedNoMoney"},
	{"BelievesTheCode", "Text", "AStatusThatLeavesItOpenWinsOverACode"},
	{"BelievesTheCode", "Jobs", "AStatusThatLeavesItOpenWinsOverACode"},
	{"ForgetsTheStatus", "Text", "TellsOfTheAnswerInErrors"},
	{"ForgetsTheStatus", "Reconcile", "TellsOfTheAnswerInErrors"},
	{"ForgetsTheStatusOfASuccess", "Text", "TellsOfTheAnswerInErrors"},
	{"ForgetsTheStatusOfALateBody", "Text", "TellsOfTheAnswerInErrors"},
	{"ForgetsTheStatusOfARefusal", "Text", "TellsOfTheAnswerInErrors"},
	{"ForgetsTheIDOfAFailure", "Text", "TellsOfTheAnswerInErrors"},

	{"SaysACutAnswerMayHaveRun", "Talk", "ACutBodyIsIncomplete"},
	{"SaysACutAnswerMayHaveRun", "Talk", "ACutBodyOfUnknownLengthIsIncomplete"},
	{"BelievesAPoll", "Jobs", "AFailedPollLosesNothing"},

	{"PaintsNothing", "Images", "RefusesACallForNoPicture"},
	{"PaintsSquares", "Images", "SendsTheSize"},
	{"PaintsTwoAlways", "Images", "SendsTheNumber"},
	{"PaintsOnOneFilm", "Images", "SendsTheFormat"},
	{"IgnoresOmit", "Images", "KeepsTheFormatAgainstTheProfile"},
	{"LetsTheProfileChangeTheFormat", "Images", "KeepsTheFormatAgainstTheProfile"},
	{"ShortensThePrompt", "Images", "SendsThePrompt"},
	{"PaintsEachPictureByItself", "Images", "ReadsTheAnswer"},
	{"CountsWhatWasAskedFor", "Images", "FewerPicturesAreASuccess"},
	{"DeliversNothing", "Images", "NoPictureIsMalformed"},
	{"DeliversNothing", "Images", "AnEmptyObjectIsMalformed"},

	{"AsksByPainting", "Reconcile", "ReadsTheAnswer"},
	{"TakesAFailedQuestionForAnAnswer", "Reconcile", "ARefusedConnectionIsNotSent"},
	{"TakesAFailedQuestionForAnAnswer", "Reconcile", "Status400IsInvalid"},
	{"CallsEverythingExecuted", "Reconcile", "WorkIsUnknown"},
	{"CallsEverythingExecuted", "Reconcile", "AMissingAttemptIsNotSent"},
	{"CallsEverythingExecuted", "Reconcile", "ARefusedAttemptIsRejected"},
	{"CallsALossNotSent", "Reconcile", "ALostResultIsExecuted"},
}

// recorder is a tb that keeps a failure to itself.
type recorder struct {
	ctx context.Context

	mu      sync.Mutex
	lines   []string // guarded by mu
	failed  bool     // guarded by mu
	skipped bool     // guarded by mu
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func (r *recorder) Errorf(format string, args ...any) {
	r.Logf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Skipf(format string, args ...any) {
	r.Logf(format, args...)
	r.mu.Lock()
	r.skipped = true
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// play runs a case and returns what it says.
func play(ctx context.Context, s Suite, f *face, c suiteCase) *recorder {
	r := &recorder{ctx: ctx}
	done := make(chan struct{})
	go func() { // a case that gives up ends its goroutine
		defer close(done)
		c.do(r, &s, f)
	}()
	<-done
	return r
}

// find returns a case by its capability and its name.
func find(t *testing.T, s Suite, name, in string) (*face, suiteCase) {
	t.Helper()
	if in == "" {
		return nil, describeCase
	}
	for _, f := range s.faces() {
		for _, c := range f.cases() {
			if f.name == in && c.name == name {
				return f, c
			}
		}
	}
	t.Fatalf("there is no case %s of %s", name, in)
	return nil, suiteCase{}
}

func TestPassesAnHonestAdapter(t *testing.T) {
	t.Run("OfEverything", func(t *testing.T) { Run(t, lanternSuite("")) })
	t.Run("OfTexts", func(t *testing.T) { Run(t, talkerSuite("")) })
	t.Run("OfJobs", func(t *testing.T) { Run(t, queuedSuite("")) })
}

// TestEveryCaseCanFail looks for cases that catch nothing: those that no flaw is for are to catch an adapter that sends
// the right request and makes an answer up whenever it got none.
func TestEveryCaseCanFail(t *testing.T) {
	caught := map[string]bool{
		"AConnectionThatDiedIdleIsReplaced": true, // where the connection's end is noticed in time, there is nothing to catch
	}
	for _, f := range flaws {
		caught[f.by] = true
	}
	s := lanternSuite("MakesUpAnAnswer")
	for _, f := range s.faces() {
		for _, c := range f.cases() {
			if caught[c.name] {
				continue
			}
			t.Run(f.name+" "+c.name, func(t *testing.T) {
				t.Parallel()
				if r := play(t.Context(), s, f, c); !r.Failed() || !strings.Contains(r.lines[1], "want an error") && !strings.Contains(r.lines[1], "want \"") {
					t.Errorf("the case says %q, want that an error is missing", r.lines)
				}
			})
		}
	}
}

func TestSaysWhatIsMissing(t *testing.T) {
	for _, tt := range []struct {
		spoil func(*Suite)
		want  string
	}{
		{func(s *Suite) { s.New = nil }, "Suite.New is nil"},
		{func(s *Suite) { s.Text = nil }, "set Suite.Text"},
		{func(s *Suite) { s.Images = nil }, "set Suite.Images"},
		{func(s *Suite) { s.Reconcile = nil }, "set Suite.Reconcile"},
		{func(s *Suite) { s.Text.Success = Recorded{} }, "set TextWire.Success or TextWire.Handler"},
		{func(s *Suite) { s.Text.Want.Text = "" }, "set TextWire.Want.Text"},
		{func(s *Suite) { s.Text.Want.Usage = usage.Usage{} }, "set TextWire.Want.Usage"},
		{func(s *Suite) { s.Text.Total = 0 }, "set TextWire.Total"},
		{func(s *Suite) { s.Text.WantStructured = "" }, "set TextWire.WantStructured with TextWire.Structured"},
		{func(s *Suite) { s.Text.Structured = Recorded{} }, "set TextWire.Structured, or TextWire.Handler, with TextWire.WantStructured"},
		{func(s *Suite) { s.Text.Failures = nil }, "set TextWire.Failures"},
		{func(s *Suite) { s.Text.Failures[0].Fate = "" }, "set a name, a kind and a fate in each of TextWire.Failures"},
		{func(s *Suite) { s.Images.Success = Recorded{} }, "set ImageWire.Success or ImageWire.Handler"},
		{func(s *Suite) { s.Images.Want.Images = nil }, "set ImageWire.Want.Images"},
		{func(s *Suite) { s.Images.Failures = nil }, "set ImageWire.Failures"},
		{func(s *Suite) { s.Reconcile.Done = Recorded{} }, "set ReconcileWire.Done or ReconcileWire.Handler"},
		{func(s *Suite) { s.Reconcile.Want.Image = nil }, "set ReconcileWire.Want.Text or ReconcileWire.Want.Image"},
	} {
		s := lanternSuite("")
		tt.spoil(&s)
		if r := play(t.Context(), s, nil, describeCase); !r.Failed() || !strings.Contains(strings.Join(r.lines, "\n"), tt.want) {
			t.Errorf("says %q, want that it says %q", r.lines, tt.want)
		}
	}
	s := lanternSuite("")
	s.Text.Structured, s.Text.WantStructured = Recorded{}, ""
	s.Text.Refusal, s.Text.Length, s.Text.NoUsage, s.Text.BadUsage, s.Text.NoText, s.Text.ErrorIn200 = Recorded{}, Recorded{}, Recorded{}, Recorded{}, Recorded{}, Recorded{}
	skipped := 0
	for _, f := range s.faces()[:1] {
		for _, c := range f.extra {
			if r := play(t.Context(), s, f, c); r.skipped {
				skipped++
				if !strings.HasPrefix(r.lines[0], "not tested: TextWire.") {
					t.Errorf("case %s is skipped and says %q", c.name, r.lines)
				}
			}
		}
	}
	if skipped != 8 {
		t.Errorf("%d cases are skipped, want the 8 whose answers are not there", skipped)
	}
}

func TestRunsNothingElseIfTheAnswerIsNotRead(t *testing.T) {
	for flaw, all := range map[string]bool{"": true, "ForgetsTheRequestID": false} {
		s := talkerSuite(flaw)
		f := s.faces()[0]
		var ran, said []string
		f.inOrder(func(c suiteCase) bool {
			ran = append(ran, c.name)
			return c.name != firstCase || !play(t.Context(), s, f, c).Failed()
		}, func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
		want := 1
		if all {
			want = len(f.cases())
		}
		if len(ran) != want || ran[0] != firstCase || len(said) == 0 != all {
			t.Errorf("with the flaw %q it runs %d cases, the first of them %s, and says %q; want %d", flaw, len(ran), ran[0], said, want)
		}
	}
}

// TestASchemaWithoutARecordingOfItsAnswer is no failure of an adapter that wants the answer in another form.
func TestASchemaWithoutARecordingOfItsAnswer(t *testing.T) {
	s := lanternSuite("")
	s.Text.Structured, s.Text.WantStructured = Recorded{}, ""
	f, c := find(t, s, "SendsTheSchema", "Text")
	if r := play(t.Context(), s, f, c); r.Failed() || len(r.lines) != 1 || !strings.Contains(r.lines[0], "TextWire.Structured") {
		t.Errorf("the case fails: %t, and says %q; want that it holds, and names the field", r.Failed(), r.lines)
	}
	s = lanternSuite("SendsTheSchemaAsAText")
	s.Text.Structured, s.Text.WantStructured = Recorded{}, ""
	if r := play(t.Context(), s, f, c); !r.Failed() {
		t.Errorf("the case does not look at the request, and says %q", r.lines)
	}
}

// TestTakesSystemMessagesInOnePlace: that they are joined is the wire's choice.
func TestTakesSystemMessagesInOnePlace(t *testing.T) {
	s := lanternSuite("JoinsTheSystemMessages")
	f, c := find(t, s, "SendsTheMessagesInOrder", "Text")
	if r := play(t.Context(), s, f, c); r.Failed() {
		t.Errorf("the case says %q", r.lines)
	}
}

// TestAWireWithoutAFormatIsNotTested: a format is a wish.
func TestAWireWithoutAFormatIsNotTested(t *testing.T) {
	s := lanternSuite("PaintsOnNoFilm")
	for _, name := range []string{"SendsTheFormat", "KeepsTheFormatAgainstTheProfile"} {
		f, c := find(t, s, name, "Images")
		if r := play(t.Context(), s, f, c); r.Failed() || !r.skipped || !strings.Contains(r.lines[0], "the wire has no format") {
			t.Errorf("%s fails: %t, is skipped: %t, and says %q", name, r.Failed(), r.skipped, r.lines)
		}
	}
}

func TestFindsATextInItsPieces(t *testing.T) {
	for _, tt := range []struct {
		body, text string
		want       int
	}{
		{`{"text":"Hello."}`, "Hello.", 9},
		{`{"parts":[{"type":"text","text":"Hello, "},{"type":"text","text":"you."}]}`, "Hello, you.", 33},
		{`{"text":"a \"b\" \u00fc"}`, `a "b" ü`, 9},
		{"data: {\"d\":\"Hel\"}\n\ndata: {\"d\":\"lo.\"}\n", "Hello.", 12},
		{`{"parts":["you.","Hello, "]}`, "Hello, you.", -1},
		{`{"text":"Hello. And more."}`, "Hello.", -1},
		{`<html>`, "Hello.", -1},
	} {
		if got := textIn(tt.body, tt.text); got != tt.want {
			t.Errorf("textIn(%s, %q) = %d, want %d", tt.body, tt.text, got, tt.want)
		}
	}
}

func TestNamesCasesOnceWithTheirRule(t *testing.T) {
	s := lanternSuite("")
	for _, f := range s.faces() {
		names := map[string]bool{}
		for _, c := range f.cases() {
			if names[c.name] || c.rule == "" {
				t.Errorf("case %s of %s is there twice, or has no rule", c.name, f.name)
			}
			names[c.name] = true
		}
		if t.Logf("%s has %d cases", f.name, len(names)); len(names) < 40 {
			t.Errorf("%s has %d cases, want at least 40", f.name, len(names))
		}
	}
}

func TestCatchesFlawedAdapters(t *testing.T) {
	for _, tt := range flaws {
		t.Run(tt.flaw+" by "+tt.by, func(t *testing.T) {
			suite, in := lanternSuite, tt.face
			switch tt.face {
			case "Talk":
				suite, in = talkerSuite, "Text"
			case "Jobs":
				suite, in = queuedSuite, "Text"
			}
			s := suite(tt.flaw)
			f, c := find(t, suite(""), tt.by, in) // in a sound one, because some flaws change what the adapter describes
			if !c.alone {
				t.Parallel()
			}
			r := play(t.Context(), s, f, c)
			if !r.Failed() {
				t.Fatalf("the case does not catch it, and says %q", r.lines)
			}
			if !strings.HasPrefix(r.lines[0], "the rule: ") {
				t.Errorf("its first line is %q, want the rule", r.lines[0])
			}
			t.Logf("%s", strings.Join(r.lines, "\n"))
		})
	}
}
