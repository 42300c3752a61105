package runware

import (
	"context"
	"strings"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/wire"
)

// Reconcile implements [providers.Reconciler] with one getResponse for the attempt's task. Its answers are
//
//   - Executed with the pictures, once none of them is being made any more;
//   - Executed without, if the task ended in an error that came from running it, or if all its pictures were refused;
//   - Rejected, if the task ended in an error that says it was refused;
//   - NotSent, if the upstream does not know the task: ask soon after the attempt, because results are not kept for ever;
//   - Unknown, without an error, while the task is being worked on: ask again.
//
// If the question itself failed, the error says how, and its fate is the attempt's: Unknown.
func (p *Provider) Reconcile(ctx context.Context, r providers.ReconcileRequest) (providers.Reconciled, error) {
	if e := wire.Check(p.cfg.Name, r.Attempt); e != nil {
		return p.unclear(e)
	}
	task, e := wire.Object(p.cfg.Name, []wire.Field{
		{Name: "taskType", Value: "getResponse"},
		{Name: "taskUUID", Value: r.Attempt.ID},
	}, nil, nil)
	if e != nil {
		return p.unclear(e)
	}
	a, e := p.post(ctx, r.Attempt, task)
	if e != nil {
		return p.unclear(e)
	}
	body, readable := parse(a.Body)
	if body.any(r.Attempt.ID, item.pending) {
		return providers.Reconciled{Fate: providers.Unknown}, nil
	}
	if result, ok := body.pictures(r.Attempt.ID, r.Model, a.RequestID); ok {
		return providers.Reconciled{Fate: providers.Executed, Image: &result}, nil
	}
	if body.any(r.Attempt.ID, item.unsafe) {
		return providers.Reconciled{Fate: providers.Executed, Failure: p.refused(a)}, nil
	}
	problem, ok := body.problem(r.Attempt.ID)
	if !ok && a.OK() {
		detail := "the answer says nothing of the task"
		if !readable {
			detail = "the answer is not the JSON of the API"
		}
		return p.unclear(&providers.Error{Provider: p.cfg.Name, Kind: providers.Malformed, Status: a.Status, RequestID: a.RequestID, Detail: detail})
	}
	failure := p.failure(a, problem, r.Attempt.Key.Secret.Reveal())
	became := providers.Reconciled{Fate: ended(problem, r.Attempt.ID)}
	switch {
	case became.Fate == "":
		return p.unclear(failure)
	case problem.Code != "taskNotFound" && problem.Code != "taskExpired": // these do not say how it ended
		failure.Fate = became.Fate
		became.Failure = failure
	}
	return became, nil
}

// ended returns the fate that an error of getResponse gives the task, or "" if the error is about the question.
func ended(of problem, task string) providers.Fate {
	switch row, known := codes[string(of.Code)]; {
	case of.Code == "taskNotFound":
		return providers.NotSent
	case of.Code == "taskExpired": // it was made and is not kept any more
		return providers.Executed
	case of.Status != "error" || !strings.EqualFold(string(of.Task), task):
		return ""
	case known && row.fate == providers.Rejected:
		return providers.Rejected
	default: // an error is the end of a task, and this one does not say that it was not run
		return providers.Executed
	}
}

func (p *Provider) unclear(e *providers.Error) (providers.Reconciled, error) {
	e.Fate = providers.Unknown
	return providers.Reconciled{}, e
}
