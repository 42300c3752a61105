//go:build linux || darwin

package runproof_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/pipeline"
	"github.com/scrip-go/scrip/blobs"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/dalle"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/runware"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
)

// processVariable makes the test binary a process that works on the run. It holds what that process has to know.
const processVariable = "SCRIP_RUNPROOF_PROCESS"

const (
	account = "alice"
	runID   = "run"
	siteID  = "garden"
	// A dead process's tasks stay with it for so long. A live one's stay, however slow the machine is.
	lease = 2 * time.Second
)

// duty is where a process works.
type duty struct {
	Store    string `json:"store"`
	Database string `json:"database"`
	Blobs    string `json:"blobs"` // directory
	Upstream string `json:"upstream"`
	Site     string `json:"site"`
}

// works is the parts of Scrip put together as a host does.
type works struct {
	*database
	registry *registry.Registry
	pipeline *pipeline.Pipeline
	runner   *automation.Runner
}

func TestMain(m *testing.M) {
	config := os.Getenv(processVariable)
	if config == "" {
		os.Exit(m.Run())
	}
	var d duty
	err := json.Unmarshal([]byte(config), &d)
	if err == nil {
		err = d.do(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// do works on the run until it is done.
func (d duty) do(ctx context.Context) error {
	db, err := stores[d.Store].open(ctx, d.Database)
	if err != nil {
		return err
	}
	fmt.Println("open") // the kills prefer one that has something to lose
	w, err := d.assemble(ctx, db)
	if err != nil {
		return errors.Join(err, db.close())
	}
	defer w.registry.Close()
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- w.runner.Serve(serving) }()
	run, stages, err := w.runner.Wait(ctx, runID)
	stop()
	if err == nil && run.State != automation.Done {
		err = fmt.Errorf("the run is %s because of %q: %s: %+v", run.State, run.Reason, run.Detail, stages)
	}
	return errors.Join(err, <-served, db.close())
}

func (d duty) assemble(ctx context.Context, db *database) (_ *works, err error) {
	w := &works{database: db}
	if w.registry, err = registry.Open(ctx, db.models, nil); err != nil {
		return nil, err
	}
	pictures, err := blobs.Open(d.Blobs)
	if err != nil {
		return nil, err
	}
	text, err1 := openai.New(openai.Config{BaseURL: d.Upstream})
	images, err2 := dalle.New(dalle.Config{BaseURL: d.Upstream})
	others, err3 := runware.New(runware.Config{BaseURL: d.Upstream})
	set, err4 := functions.New()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	key := func(id string) secret.Key { return secret.Key{ID: id, Secret: secret.New("loopback")} }
	client := &http.Client{Timeout: 30 * time.Second}
	eng, err := engine.New(engine.Config{Ledger: db.ledger, Registry: w.registry, Providers: []providers.Provider{text, images, others},
		Keys: secret.Static{"openai": key("openai"), "runware": key("runware")}, Blobs: pictures, Downloads: client})
	if err != nil {
		return nil, err
	}
	w.pipeline, err = pipeline.New(pipeline.Config{Engine: eng, Functions: set, Content: db.content, Publisher: &poster{d.Site, client},
		Ledger: db.ledger, Blobs: pictures, BatchSize: 10})
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	w.runner, err = automation.New(automation.Config{Store: db.runs, Stages: w.pipeline.Stages(), Workers: 3, Lease: lease,
		Poll: 20 * time.Millisecond, Logger: log})
	return w, err
}

// process is one that runs.
type process struct {
	cmd    *exec.Cmd
	opened atomic.Bool   // it has the database
	done   chan struct{} // closed at its end
	stderr bytes.Buffer  // may be read once done is closed
}

// Write hears what the process says on its standard output, which is that it has the database.
func (p *process) Write(b []byte) (int, error) {
	p.opened.Store(true)
	return len(b), nil
}

func start(t *testing.T, d duty) *process {
	t.Helper()
	config, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(os.Args[0]), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), processVariable+"="+string(config))
	p.cmd.Stdout, p.cmd.Stderr = p, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // a killed process has no good end
	}()
	return p
}

// over reports whether the process has come to its end by itself.
func (p *process) over() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill ends the process with SIGKILL, if it has not ended by itself, and reports whether it did.
func (p *process) kill() (killed bool) {
	_ = p.cmd.Process.Kill()
	<-p.done
	return !p.cmd.ProcessState.Exited()
}
