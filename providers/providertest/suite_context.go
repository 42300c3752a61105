package providertest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"runtime/pprof"
	"strings"
	"sync"
	"time"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/secret"
)

// contextCases are about calls that end early.
var contextCases = []suiteCase{
	{"ACallCanceledBeforeItBeginsIsNotSent", "a context that is over already ends the call before anything is sent", false, func(b *bench) {
		ctx, cancel := context.WithCancel(b.Context())
		cancel()
		b.refused(b.call(ctx, b.ask()), providers.Canceled)
		ctx, cancel = context.WithDeadline(b.Context(), time.Now().Add(-time.Second))
		defer cancel()
		b.refused(b.call(ctx, b.ask()), providers.Timeout)
		b.good(b.ask())
	}},
	{"ACallCanceledWhileItWaitsReturnsAtOnce", "a canceled context ends a call that waits for its answer, which may have run", false, func(b *bench) {
		b.canceled(func(x *exchange, reached func()) {
			reached()
			x.hang()
		}, unknown)
	}},
	{"ACallCanceledWhileItReadsReturnsAtOnce", "a canceled context ends a call that reads its answer, which was executed", false, func(b *bench) {
		b.canceled(func(x *exchange, reached func()) {
			g := x.good()
			g.head(x)
			_, _ = io.WriteString(x, half(g.Body))
			x.flush()
			reached()
			x.hang()
		}, append(b.lost(), unknown...)) // the headers may not have been looked at yet
	}},
}

// canceled makes a call and cancels it when the upstream says that it has come so far.
func (b *bench) canceled(s func(x *exchange, reached func()), f []providers.Fate) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var at time.Time
	b.up.faulty(func(x *exchange) {
		s(x, func() {
			go func() {
				time.Sleep(50 * time.Millisecond) // so that the adapter waits for what comes next
				at = time.Now()
				cancel()
			}()
		})
	})
	r := b.call(ctx, b.ask())
	b.failed(r, oneOf(providers.Canceled), b.allowed(f))
	<-ctx.Done()
	if took := time.Since(at); took > atOnce {
		b.Errorf("the call returned %v after it was canceled", took)
	}
	b.up.faulty(nil)
	b.good(b.ask())
}

// togetherness is how many calls are made at once.
const togetherness = 200

// processCases are about what an adapter leaves behind.
var processCases = []suiteCase{
	{"ServesManyCallsAtOnce", "all interfaces are called from many goroutines at once, and no call gets anything of another", false, func(b *bench) {
		shared := b.ask()
		if b.face.bills {
			shared.profile(map[string]json.RawMessage{"suite_parameter": json.RawMessage(`1`)}, "suite_nothing")
		}
		asks := make([]ask, togetherness)
		results, wrong := make([]result, togetherness), make([]string, togetherness)
		var wg sync.WaitGroup
		for i := range asks {
			asks[i] = shared
			asks[i].setAttempt(providers.Attempt{ID: uuid(), Key: secret.Key{ID: "suite", Secret: secret.New(fmt.Sprintf("sk-call-%d-%s", i, random(8)))}})
			wg.Go(func() { results[i], wrong[i] = b.try(b.Context(), b.adapter, asks[i]) })
		}
		wg.Wait()
		keys := map[string]string{}
		for i, r := range results {
			if wrong[i] != "" {
				b.Fatalf("call %d: %s", i, wrong[i])
			}
			b.wantGood(r)
			keys[r.attempt] = asks[i].attempt().Key.Secret.Reveal()
		}
		for _, q := range b.up.requests() {
			if !strings.Contains(q.everything(), keys[q.attempt]) || q.attempt == "" {
				b.Errorf("a request does not have the key of its attempt, or no attempt")
			}
		}
		if s := b.face.success; s.given() && !strings.Contains(s.Body, "{{attempt}}") {
			b.Logf("the recorded success is the same for every attempt: put {{attempt}} into it, and into what it must be read as, to tell answers apart")
		}
	}},
	{"LeavesNoGoroutine", "a call leaves no goroutine and no open answer behind, however it ended", false, func(b *bench) {
		name := "suite-" + random(8)
		ends := []strike{nil, says(400), func(x *exchange) { x.cut() }, body("null"), body(""),
			func(x *exchange) { Recorded{Status: 500, Body: strings.Repeat(" ", 1<<20)}.write(x) },
			func(x *exchange) { // more than is read of an error, and then it hangs
				Recorded{Status: 500, Body: strings.Repeat(" ", 1<<17)}.write(x)
				x.flush()
				x.hang()
			}}
		pprof.Do(b.Context(), pprof.Labels("providertest", name), func(ctx context.Context) {
			for _, s := range ends {
				b.up.faulty(s)
				b.call(ctx, b.ask())
			}
			b.up.faulty(func(x *exchange) { x.hang() })
			short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			b.call(short, b.ask())
		})
		b.up.close() // what waits for the next request on an open connection ends with it
		var left string
		for end := time.Now().Add(longer); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if left = labelled(name); left == "" {
				return
			}
		}
		b.Errorf("goroutines that the calls began are still there:\n%s", left)
	}},
	{"WritesNothing", "an adapter never logs and prints nothing: it has no logger that it could know to be the right one", true, func(b *bench) {
		written := capture(func() {
			for _, s := range []strike{nil, says(401), says(429), says(500), body("null"), func(x *exchange) { x.cut() }} {
				b.up.faulty(s)
				b.call(b.Context(), b.ask())
			}
		})
		if written != "" {
			b.Errorf("it wrote %.300q", strings.ReplaceAll(written, b.key, "KEY"))
		}
	}},
	{"ReadsNoEnvironment", "keys and addresses come with the attempt and with New: nothing of the environment changes a request", true, func(b *bench) {
		shape := func(p providers.Provider) string {
			q := b.ask()
			b.wantGood(b.callOn(b.Context(), p, q))
			s := b.request(q.attempt().ID)
			return strings.ReplaceAll(s.everything(), q.attempt().ID, "{{attempt}}")
		}
		before := shape(b.adapter)
		name := strings.Map(func(r rune) rune {
			if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
				return r
			}
			return '_'
		}, strings.ToUpper(b.adapter.Describe().Name))
		defer environment(b.up.other.URL, name)()
		p := b.make(b.up.base())
		if after := shape(p); after != before {
			b.Errorf("the request was\n%s\nand with variables set it is\n%s", strings.ReplaceAll(before, b.key, "KEY"), strings.ReplaceAll(after, b.key, "KEY"))
		}
		q := b.ask()
		a := b.attempt()
		a.Key = secret.Key{}
		q.setAttempt(a)
		b.refused(b.callOn(b.Context(), p, q), providers.Auth, providers.Invalid)
	}},
}

// labelled returns the stacks of goroutines that were begun under a label, and by goroutines that were.
func labelled(name string) string {
	var all strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&all, 1)
	var found []string
	for _, stack := range strings.Split(all.String(), "\n\n") {
		if strings.Contains(stack, name) {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}

// capture returns what is written to the default loggers, to standard output and to standard error while f runs.
func capture(f func()) string {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Sprintf("(no pipe: %v)", err)
	}
	read := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(r)
		read <- string(b)
	}()
	writer, flags, logger, stdout, stderr := log.Writer(), log.Flags(), slog.Default(), os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	slog.SetDefault(slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug - 4})))
	log.SetOutput(w)
	func() {
		defer func() { // a case may give up
			os.Stdout, os.Stderr = stdout, stderr
			slog.SetDefault(logger)
			log.SetOutput(writer) // which SetDefault may have changed
			log.SetFlags(flags)
			_ = w.Close()
		}()
		f()
	}()
	return <-read
}

// environment sets variables that SDKs read and returns what sets them back. A proxy is not among them: net/http reads
// it once in the life of a process.
func environment(address, name string) (restore func()) {
	type old struct {
		value string
		set   bool
	}
	before := map[string]old{}
	for _, prefix := range []string{"OPENAI", "ANTHROPIC", "AZURE_OPENAI", "GEMINI", name} {
		for suffix, value := range map[string]string{"API_KEY": "sk-environment", "KEY": "sk-environment", "TOKEN": "sk-environment", "BASE_URL": address,
			"API_BASE": address, "ENDPOINT": address, "URL": address, "ORG_ID": "org-environment", "ORGANIZATION": "org-environment",
			"PROJECT": "proj-environment", "PROJECT_ID": "proj-environment", "MODEL": "environment-model"} {
			variable := prefix + "_" + suffix
			v, set := os.LookupEnv(variable)
			before[variable] = old{v, set}
			_ = os.Setenv(variable, value)
		}
	}
	return func() {
		for variable, o := range before {
			if o.set {
				_ = os.Setenv(variable, o.value)
			} else {
				_ = os.Unsetenv(variable)
			}
		}
	}
}

// cases returns the cases of the capability: those that look at the process come first, before the others run beside
// each other.
func (f *face) cases() []suiteCase {
	var all []suiteCase
	add := func(cases ...suiteCase) { all = append(all, cases...) }
	for _, c := range processCases {
		if c.alone {
			add(c)
		}
	}
	add(answerCases...)
	add(requestCases...)
	if f.bills {
		add(profileCases...)
	}
	for _, s := range statusFaults {
		if f.bills || s.name != "Status404IsNotFound" { // some upstreams say so that they do not know the attempt
			if !f.bills {
				s.kinds = nil // what is wrong with a question matters less than that it says nothing of the attempt
			}
			add(s.testCase())
		}
	}
	for _, s := range transportFaults {
		add(s.testCase())
	}
	for _, s := range bodyFaults {
		add(s.testCase())
	}
	add(connectCases...)
	add(contextCases...)
	for _, c := range processCases {
		if !c.alone {
			add(c)
		}
	}
	add(f.extra...)
	return all
}
