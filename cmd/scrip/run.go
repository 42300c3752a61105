package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/stores/postgres"
	"github.com/scrip-go/scrip/stores/sqlite"
)

// system is all that a command has of the world, so that a test can give it another one.
type system struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) string
	terminal       terminal // nil if stdin is none
	now            func() time.Time
	user           func() string // the login name; empty if there is none
}

// The exit codes.
const (
	done = iota
	failed
	misused
)

// exit is an error with an exit code of its own. Nothing is said of one without an err.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string { return fmt.Sprint(e.err) }
func (e *exit) Unwrap() error { return e.err }

// misuse is a command that was called wrongly.
func misuse(format string, args ...any) error { return &exit{misused, fmt.Errorf(format, args...)} }

// commands are all commands with the flags that each of them takes.
type commands struct {
	Database string `placeholder:"DATABASE" help:"A postgres:// URL, or the path of an SQLite file. SCRIP_DATABASE of the environment if it is not given, which is the place for a URL with a password."`
	Schema   string `placeholder:"NAME" help:"The schema of the tables in PostgreSQL; scrip if it is not given."`
	JSON     bool   `name:"json" help:"Print one JSON document instead of text for people."`

	Migrate  migrateCommand   `cmd:"" help:"Bring the schema of the database up to this release."`
	Models   modelsCommands   `cmd:"" help:"Models, providers, operation costs and settings: look at them, change them, go back."`
	Snapshot snapshotCommand  `cmd:"" help:"Print a whole configuration as canonical JSON, which models apply and models diff read."`
	Shadow   shadowCommands   `cmd:"" help:"What charges would have come to by a version that is still to come."`
	Accounts accountsCommands `cmd:"" help:"Accounts' own settings."`
	Keys     keysCommands     `cmd:"" help:"Sealed API keys."`
	Verify   verifyCommand    `cmd:"" help:"Replay accounts of the ledger and name every row that breaks a rule."`
	Usage    usageCommand     `cmd:"" help:"What an account used and was charged."`
}

// app is what a command runs with.
type app struct {
	*system
	ctx context.Context
	*commands
}

// run runs a command and returns the exit code.
func run(ctx context.Context, args []string, s *system) int {
	out := &output{to: s.stdout}
	own := *s
	own.stdout = out
	err := command(ctx, args, &own)
	if err == nil && out.err != nil { // a snapshot on a full disk is none
		err = fmt.Errorf("the output could not be written: %w", out.err)
	}
	if err == nil {
		return done
	}
	code := failed
	var e *exit
	if errors.As(err, &e) {
		if code = e.code; e.err == nil {
			return code
		}
	}
	explain(s.stderr, err)
	return code
}

// command finds the command that is meant and runs it.
func command(ctx context.Context, args []string, s *system) error {
	c := &commands{}
	helped := false
	parser, err := kong.New(c, kong.Name("scrip"), kong.Writers(s.stdout, s.stderr), kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Description("The operator's command line of Scrip. Exit codes: 0 done, 1 failed, 2 called wrongly."))
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	switch {
	case helped: // and then it went on to miss arguments
		return nil
	case err != nil && slices.Contains(args, "keys"): // what is wrong may be a key
		return misuse("keys: wrong arguments; an API key is never one: it is read from standard input (see scrip keys set --help)")
	case err != nil:
		return misuse("%s (see scrip --help)", withoutPassword(err.Error()))
	}
	return parsed.Run(&app{system: s, ctx: ctx, commands: c})
}

// password is what may be one in the text of a database URL, or of what should be one, that ended up where none is expected.
var password = regexp.MustCompile(`(?i)(://|password=)[^\s"']*|(:)[^\s"'@]*@`)

func withoutPassword(text string) string { return password.ReplaceAllString(text, "$1$2…") }

// explain says what went wrong, a line for each of several joined errors, and what to do about it.
func explain(w io.Writer, err error) {
	text := err.Error()
	if errors.Is(err, context.Canceled) {
		text = "interrupted"
	}
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintln(w, "scrip: "+plain(line))
	}
	if hint := hint(err); hint != "" {
		fmt.Fprintln(w, "scrip: "+hint)
	}
}

func hint(err error) string {
	switch {
	case errors.Is(err, registry.ErrConflict):
		return "nothing was written: somebody else saved a version in the meantime. Look at scrip models history, and try again"
	case errors.Is(err, sqlite.ErrLocked):
		return "nothing was written: an SQLite file has one writer. Commands that only read work beside it; for this one, stop it"
	case errors.Is(err, sqlite.ErrSchema), errors.Is(err, postgres.ErrSchema):
		return "scrip migrate brings the schema up to this release"
	}
	return ""
}
