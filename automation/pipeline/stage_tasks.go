package pipeline

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
)

// tasksStage turns the site's new ideas into tasks. It pays for nothing.
type tasksStage struct{ *Pipeline }

func (s *tasksStage) Name() string              { return Tasks }
func (s *tasksStage) Policy() automation.Policy { return policy }

func (s *tasksStage) Plan(ctx context.Context, in automation.Inputs) iter.Seq2[automation.Item, error] {
	return planRows(ctx, in, s.cfg.Content.Ideas(), content.Query{Site: in.Site, Status: content.New},
		func(i content.Idea) (string, any, error) { return i.ID, nil, nil })
}

func (s *tasksStage) Do(context.Context, automation.Call) (automation.Outcome, error) {
	return automation.Outcome{}, nil
}

func (s *tasksStage) Save(ctx context.Context, tx automation.Tx, c automation.Call, _ json.RawMessage) (int, error) {
	store, err := s.cfg.Content.In(tx)
	if err != nil {
		return 0, err
	}
	idea, err := store.Ideas().Get(ctx, c.Item.ID)
	if err != nil {
		return 0, err
	}
	if idea.Status != content.New { // an errand has done it since it was planned
		return 0, nil
	}
	idea.Status = content.Queued
	if err := store.Ideas().Save(ctx, idea); err != nil {
		return 0, err
	}
	return 1, store.Tasks().Save(ctx, content.Task{
		Base:    content.Base{ID: content.NewID(idea.ID, "task"), Site: c.Site, Position: idea.Position, Status: content.Queued},
		Cluster: idea.Cluster, Idea: idea.ID, Brief: idea.Brief})
}
