package automation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log"
	"strings"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/stores/memory"
)

// shout is a stage of a host's own: it is about nothing but its items.
type shout struct{}

func (shout) Name() string              { return "shout" }
func (shout) Policy() automation.Policy { return automation.Policy{} }

func (shout) Plan(context.Context, automation.Inputs) iter.Seq2[automation.Item, error] {
	return func(yield func(automation.Item, error) bool) {
		for _, word := range []string{"tea", "coffee"} {
			if !yield(automation.Item{ID: word}, nil) {
				return
			}
		}
	}
}

func (shout) Do(_ context.Context, c automation.Call) (automation.Outcome, error) {
	out, err := json.Marshal(strings.ToUpper(c.Item.ID))
	return automation.Outcome{Out: out}, err
}

// Save would write to the host's tables in the transaction that completes the item.
func (shout) Save(_ context.Context, _ automation.Tx, c automation.Call, out json.RawMessage) (int, error) {
	fmt.Println(c.Item.ID, "→", string(out))
	return 1, nil
}

func Example() {
	runner, err := automation.New(automation.Config{Store: memory.New(nil).Runs(), Stages: []automation.Stage{shout{}}, Workers: 1})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- runner.Serve(ctx) }()

	err = runner.Start(ctx, automation.Run{ID: "run-1", Site: "kitchen", Account: "alice", Stages: []string{"shout"}})
	if err != nil {
		log.Fatal(err)
	}
	run, stages, err := runner.Wait(ctx, "run-1")
	if err != nil {
		log.Fatal(err)
	}
	stop()
	if err := <-served; err != nil {
		log.Fatal(err)
	}
	fmt.Println(run.State, stages[0].Done, "of", stages[0].Total)
	// Output:
	// tea → "TEA"
	// coffee → "COFFEE"
	// done 2 of 2
}
