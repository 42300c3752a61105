package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/scrip-go/scrip/automation"
)

// StartScheduled starts what a schedule asks for, for automation's SchedulerConfig.Start. The schedule's Request is a
// [Request] in JSON, in which nothing need be set: its ID, Site and Account are the firing's, whatever it says. An empty one
// is the zero Request. Errors: those of [Pipeline.Start]; [ErrInvalid], which lasts, for a Request that is none.
func (p *Pipeline) StartScheduled(ctx context.Context, r *automation.Runner, f automation.Firing) error {
	q, err := scheduled(f)
	if err == nil {
		_, err = p.Start(ctx, r, q)
	}
	if errors.Is(err, ErrInvalid) {
		err = automation.Permanent(err)
	}
	return err
}

// scheduled reads a firing's request. A field that there is not is a mistake, or a request of a later release: it would be
// started as something else than was asked for.
func scheduled(f automation.Firing) (Request, error) {
	var q Request
	if len(f.Schedule.Request) > 0 {
		d := json.NewDecoder(bytes.NewReader(f.Schedule.Request))
		d.DisallowUnknownFields()
		err := d.Decode(&q)
		if err == nil && d.More() {
			err = errors.New("there is something behind it")
		}
		if err != nil {
			return Request{}, fmt.Errorf("pipeline: schedule %q: %w: its request is no pipeline.Request in JSON: %w", f.Schedule.ID, ErrInvalid, err)
		}
	}
	q.ID, q.Site, q.Account = f.Run, f.Schedule.Site, f.Schedule.Account
	return q, nil
}
