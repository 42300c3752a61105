// Quickstart is Scrip's main job from end to end: keywords go in, a browsable site of articles with pictures comes out,
// and every credit is accounted for.
//
//	go run ./examples/quickstart
//
// With nothing configured it works offline: an SQLite file, keywords of its own, and upstreams on loopback whose answers
// are made up by a program. With OPENAI_API_KEY or RUNWARE_API_KEY it calls the real services (OPENAI_BASE_URL and
// RUNWARE_BASE_URL name others); a service without a key stays on loopback. With -wordpress the articles are published there.
//
// Kill it anywhere and start it again: it goes on where it was, and pays for nothing twice.
//
// The exit code is 0 if the run is done, 2 for whatever is found wrong before the first operation, 3 if the credits ran
// out, and 1 for anything else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/scrip-go/scrip/engine/functions"
)

// The exit codes.
const (
	exitDone    = 0
	exitOther   = 1
	exitRefused = 2 // found wrong before the first operation
	exitCredits = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the flags.
type options struct {
	keywords string
	limit    int
	db, out  string
	credits  int64
	images   int
	site     string // empty for the folder
	upstream string
	workers  int
	json     bool
	fresh    bool
}

func parseFlags(args []string, stderr io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.keywords, "keywords", "", "`file` of keywords, one per line, or CSV or TSV with a header that names keyword and, if known, volume and difficulty (default: about 60 of our own)")
	fs.IntVar(&o.limit, "limit", 0, "use the first `N` keywords only (default: all)")
	fs.StringVar(&o.db, "db", "quickstart.db", "SQLite `file` for the ledger, the run and the content; pictures are kept beside it")
	fs.StringVar(&o.out, "out", "out", "`folder` for the site")
	fs.StringVar(&o.site, "wordpress", "", "home page `URL` of a WordPress to publish on instead of the folder, as WORDPRESS_USER with the application password WORDPRESS_PASSWORD")
	fs.Int64Var(&o.credits, "credits", 20_000, "`credits` ever granted to this database in all; a higher number grants the difference")
	fs.IntVar(&o.images, "images", 1, fmt.Sprintf("pictures inside each article, besides one at its head, up to %d; 0 for no pictures at all", functions.MaxPictures))
	fs.StringVar(&o.upstream, "upstream", "", "base `URL` of one server that speaks the wires of OpenAI and of Runware, such as examples/upstream")
	fs.IntVar(&o.workers, "workers", 4, "items worked on at once")
	fs.BoolVar(&o.json, "json", false, "print one JSON object at the end, and nothing else, on standard output")
	fs.BoolVar(&o.fresh, "fresh", false, "start a new run over the keywords, whatever the database has done before")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	return o, o.check(fs.Args())
}

func (o options) check(rest []string) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(rest) > 0 {
		bad("unexpected argument %q: keywords come from a file, see -keywords", rest[0])
	}
	if o.limit < 0 {
		bad("-limit is %d, want at least 1", o.limit)
	}
	if o.credits < 1 {
		bad("-credits is %d, want at least 1", o.credits)
	}
	if o.images < 0 || o.images > functions.MaxPictures {
		bad("-images is %d, want 0 to %d", o.images, functions.MaxPictures)
	}
	if o.workers < 1 || o.workers > 256 {
		bad("-workers is %d, want 1 to 256", o.workers)
	}
	if o.db == "" || o.out == "" {
		bad("-db and -out must not be empty")
	}
	return errors.Join(errs...)
}

// run is the program but for the process around it.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		return refuse(o, err, stdout, stderr)
	}
	h, err := open(ctx, o, getenv, stderr)
	if err != nil {
		return refuse(o, err, stdout, stderr)
	}
	defer h.close()
	if h.over {
		fmt.Fprintf(stderr, "quickstart: %s is %s already; -fresh starts a new one\n", h.run.ID, h.run.State)
	} else if err := h.work(ctx); err != nil {
		fmt.Fprintf(stderr, "quickstart: %v\n", err)
	}
	return h.report(stdout, stderr)
}

// refuse says what was found wrong before the first operation.
func refuse(o options, err error, stdout, stderr io.Writer) int {
	fmt.Fprintf(stderr, "quickstart: %v\n", err)
	if o.json {
		writeJSON(stdout, summary{Status: "refused", Reason: err.Error(), Stages: []stageSummary{}})
	}
	return exitRefused
}
