package providertest

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/scrip-go/scrip/providers"
)

// Suite is what the author of an adapter provides: how to make the adapter, and recorded answers of its upstream with
// what they must be read as. [Run] supplies everything else.
type Suite struct {
	// New returns the adapter as a host would make it, for an upstream at baseURL. It is called once for each case.
	New func(baseURL string) (providers.Provider, error)

	// What the upstream says, by capability. Each that the adapter describes is required.
	Text      *TextWire
	Images    *ImageWire
	Reconcile *ReconcileWire

	// Billable reports whether a real upstream would bill a request that it ran; every POST if nil. An upstream that is
	// asked about earlier attempts by POST needs one. The body is the request's, r.Body is not to be read.
	Billable func(r *http.Request, body []byte) bool

	flood int // how many mebibytes a huge answer has, in the suite's own tests; floodMiB if 0
}

// Recorded is an answer of the upstream. {{attempt}} in the body or in a header stands for the id of the attempt that
// is answered. The zero Recorded is no answer: the case that needs it is skipped, and says so.
type Recorded struct {
	Status int         // 200 if 0
	Header http.Header // Content-Type is application/json unless it is here
	Body   string
}

func (r Recorded) given() bool { return r.Status != 0 || r.Body != "" || r.Header != nil }

// Failure is a recorded answer, with any status, that is no success, and the error that it must become.
type Failure struct {
	Name     string // names the case
	Recorded Recorded

	Kind       providers.Kind // required
	Fate       providers.Fate // required
	Code       string         // of the error; not looked at if empty
	RetryAfter time.Duration  // of the error; not looked at if 0
}

// TextWire is a wire of completions.
//
// Success answers every request that nothing else answers. A Handler answers in place of Success and Structured: where it
// is set, neither of them is sent, and Want and WantStructured are what the handler's answers must be read as.
type TextWire struct {
	Model string // which the suite asks for; "suite-model" if empty

	// Success is a whole answer with everything that the wire can say of usage: cached and reasoning tokens where there are
	// such. With {{attempt}} in its text, answers of concurrent calls can be told apart.
	Success Recorded
	// Handler speaks the good wire where one recorded answer cannot, because a call takes several requests, as when a job
	// is submitted and then polled. Success is not needed then, and not used but for its headers: the one that has
	// Want.RequestID is expected to be read from errors too. Faults strike billable requests only.
	Handler http.Handler
	// Want is what Success must be read as, all of it. {{attempt}} in its texts is replaced as in the answer. DeliversValidUTF8
	// spoils the text where it finds it among the texts of the answer's JSON, whole or in pieces, and is skipped if it does not.
	Want providers.TextResult
	// Total is the number of tokens that Success reports in all, by its own total or by its documentation. The classes of
	// Want.Usage must add up to it, or some tokens are counted twice or not at all.
	Total int64

	// Structured is a whole answer to a request that has a schema, where it differs from Success: the input of a forced
	// tool, or JSON in place of prose. A Handler tells such a request by its body. Without either, Success answers it, only
	// the request is looked at, and an adapter that calls that answer Malformed is right.
	Structured Recorded
	// WantStructured is the text that the answer to a schema must be read as, compared as JSON. {{attempt}} is replaced.
	WantStructured string

	Refusal Recorded // 200, the model or a content filter refused: Blocked, Executed
	Length  Recorded // 200, the text stopped at the token limit: Incomplete, Executed
	NoUsage Recorded // Success without its usage: Malformed, Executed
	// BadUsage is Success with usage that does not add up: a total that is not the sum, or, on a wire without a total, a
	// count that cannot be, such as a negative one or a part larger than its whole: Malformed, Executed.
	BadUsage   Recorded
	NoText     Recorded // Success without a text: Malformed, Executed
	ErrorIn200 Recorded // 200 with an error instead of a text: any kind, but Executed, or Rejected if it says that nothing ran
	// Failures are the upstream's own errors, at least one. They may have the status 200 as well: second examples of what
	// the fields above have one of, such as another finish reason.
	Failures []Failure
}

// ImageWire is a wire of pictures.
type ImageWire struct {
	Model         string // which the suite asks for; "suite-model" if empty
	Width, Height int    // 832 and 1216 if 0

	Success Recorded              // as many pictures as Want has, so many are asked for: two, where a call can bring two
	Handler http.Handler          // as in TextWire
	Want    providers.ImageResult // what Success must be read as, all of it, with {{attempt}} replaced in addresses and ids

	Fewer      Recorded  // 200 with the first picture of Success alone: a success
	NoPicture  Recorded  // 200 without a picture: Malformed
	ErrorIn200 Recorded  // 200 with an error instead of pictures
	Failures   []Failure // the upstream's own errors, at least one
}

// ReconcileWire is what the upstream says when it is asked about an attempt.
type ReconcileWire struct {
	Done    Recorded     // it ran, here is the result: Executed
	Handler http.Handler // as in TextWire, in place of Done
	// Want is what Done must be read as; Fate may be left empty.
	Want providers.Reconciled

	Working Recorded // it is at work: Unknown without an error
	Missing Recorded // it does not know the attempt: NotSent
	Lost    Recorded // it ran, and failed or was not kept: Executed without a result
	Refused Recorded // it was refused when it came: Rejected
}

// Run checks an adapter against the contract of package providers. Every case is a subtest, named by the capability and
// the behaviour, that prints the rule in words when it fails. It needs no network but loopback and takes a few seconds.
// Most cases run in parallel. A few look at what belongs to the process (its loggers, standard output, environment)
// and change it while they run, so do not call Run from a test that is parallel. Use -race. If ReadsTheAnswer fails,
// nothing else of its capability is run.
//
// It cannot see whether an adapter takes a proxy from the environment, because net/http asks for none on loopback:
// give the adapter a transport of its own without Proxy.
func Run(t *testing.T, s Suite) {
	t.Helper()
	t.Run("DescribesWhatItImplements", func(t *testing.T) { describeCase.do(t, &s, nil) })
	if t.Failed() {
		return
	}
	for _, f := range s.faces() {
		t.Run(f.name, func(t *testing.T) {
			f.inOrder(func(c suiteCase) bool {
				return t.Run(c.name, func(t *testing.T) {
					if !c.alone && c.name != firstCase {
						t.Parallel()
					}
					c.do(t, &s, f)
				})
			}, t.Logf)
		})
	}
}

// firstCase is what most other cases stand on.
const firstCase = "ReadsTheAnswer"

// inOrder runs the first case, and the others only if it holds: they would all say the same again.
func (f *face) inOrder(run func(suiteCase) bool, say func(format string, args ...any)) {
	all := f.cases()
	first := slices.IndexFunc(all, func(c suiteCase) bool { return c.name == firstCase })
	if !run(all[first]) {
		say("nothing else of %s was run: what is not read as the suite wants it would fail in every case", f.name)
		return
	}
	for i, c := range all {
		if i != first {
			run(c)
		}
	}
}

// faces returns the capabilities that the adapter describes, or that somebody recorded answers for.
func (s *Suite) faces() []*face {
	var faces []*face
	p, err := s.New("http://127.0.0.1:1")
	if err != nil {
		return nil
	}
	d := p.Describe()
	if d.Text && s.Text != nil {
		faces = append(faces, textFace(s.Text))
	}
	if d.Image && s.Images != nil {
		faces = append(faces, imageFace(s.Images))
	}
	if d.Reconcile && s.Reconcile != nil {
		faces = append(faces, reconcileFace(s.Reconcile))
	}
	return faces
}

// missing says what has to be set before anything can be tested.
func (s *Suite) missing(d providers.Descriptor) []string {
	var list []string
	need := func(field string, given bool) {
		if !given {
			list = append(list, field)
		}
	}
	recorded := func(wire string, success Recorded, h http.Handler) {
		need(wire+".Success or "+wire+".Handler", success.given() || h != nil)
	}
	if d.Text {
		if need("Suite.Text", s.Text != nil); s.Text != nil {
			recorded("TextWire", s.Text.Success, s.Text.Handler)
			need("TextWire.Want.Text", s.Text.Want.Text != "")
			need("TextWire.Want.Usage", !s.Text.Want.Usage.IsZero())
			need("TextWire.Total", s.Text.Total != 0)
			need("TextWire.WantStructured with TextWire.Structured", !s.Text.Structured.given() || s.Text.WantStructured != "")
			need("TextWire.Structured, or TextWire.Handler, with TextWire.WantStructured",
				s.Text.WantStructured == "" || s.Text.Structured.given() || s.Text.Handler != nil)
			need("TextWire.Failures", len(s.Text.Failures) > 0)
			need("a name, a kind and a fate in each of TextWire.Failures", complete(s.Text.Failures))
		}
	}
	if d.Image {
		if need("Suite.Images", s.Images != nil); s.Images != nil {
			recorded("ImageWire", s.Images.Success, s.Images.Handler)
			need("ImageWire.Want.Images", len(s.Images.Want.Images) > 0)
			need("ImageWire.Failures", len(s.Images.Failures) > 0)
			need("a name, a kind and a fate in each of ImageWire.Failures", complete(s.Images.Failures))
		}
	}
	if d.Reconcile {
		if need("Suite.Reconcile", s.Reconcile != nil); s.Reconcile != nil {
			need("ReconcileWire.Done or ReconcileWire.Handler", s.Reconcile.Done.given() || s.Reconcile.Handler != nil)
			need("ReconcileWire.Want.Text or ReconcileWire.Want.Image", s.Reconcile.Want.Text != nil || s.Reconcile.Want.Image != nil)
		}
	}
	return list
}

func complete(failures []Failure) bool {
	for _, f := range failures {
		if f.Name == "" || f.Kind == "" || f.Fate == "" || !f.Recorded.given() {
			return false
		}
	}
	return true
}

var describeCase = suiteCase{"DescribesWhatItImplements",
	"Describe has a name, says which capabilities there are, agrees with the methods, and always returns the same", true,
	func(b *bench) {
		if _, err := providers.Bind(b.adapter); err != nil {
			b.Fatalf("Bind = %v", err)
		}
		first := b.adapter.Describe()
		again, err := b.suite.New(b.up.base())
		if err != nil {
			b.Fatalf("New = %v", err)
		}
		for range 3 {
			if d := b.adapter.Describe(); d != first {
				b.Errorf("Describe = %+v and then %+v", first, d)
			}
		}
		if d := again.Describe(); d != first {
			b.Errorf("Describe of another instance = %+v, want %+v", d, first)
		}
		for _, field := range b.suite.missing(first) {
			b.Errorf("the suite cannot test %q: set %s", first.Name, field)
		}
		if n := len(b.up.requests()); n > 0 {
			b.Errorf("New and Describe made %d requests, want no I/O", n)
		}
	}}
