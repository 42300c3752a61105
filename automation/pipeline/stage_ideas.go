package pipeline

import (
	"context"
	"encoding/json"
	"iter"
	"strconv"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/engine/functions"
)

// ideasStage plans articles for the site's new clusters.
type ideasStage struct {
	paying[functions.IdeasInput, functions.IdeasOutput]
}

func newIdeasStage(p *Pipeline) *ideasStage {
	return &ideasStage{newPaying(p, p.cfg.Functions.Ideas, nil, hasStatus(p.cfg.Content.Clusters(), content.New))}
}

func (s *ideasStage) Name() string { return Ideas }

// maxClusterKeywords is how many of a cluster's keywords the model is shown, first come first.
const maxClusterKeywords = 40

// ordinals leaves room for the rows that one row makes, when positions are derived: more than MaxIdeas or MaxPictures + 1.
const ordinals = 16

// ideaCount is how many articles a cluster of n keywords is good for: the original's three to seven, fewer for fewer.
func ideaCount(n int) int {
	if n < 3 {
		return 1
	}
	return min(max(3, n/2), functions.MaxIdeas)
}

func (s *ideasStage) Plan(ctx context.Context, in automation.Inputs) iter.Seq2[automation.Item, error] {
	return planRows(ctx, in, s.cfg.Content.Clusters(), content.Query{Site: in.Site, Status: content.New},
		func(c content.Cluster) (string, any, error) {
			request := functions.IdeasInput{Cluster: c.Name, Description: c.Description}
			for k, err := range s.cfg.Content.Keywords().List(ctx, content.Query{Site: in.Site, Parent: c.ID, Limit: maxClusterKeywords}) {
				if err != nil {
					return "", nil, err
				}
				request.Keywords = append(request.Keywords, functions.Query{N: len(request.Keywords) + 1, Text: k.Text, Volume: k.Volume})
			}
			request.Count = ideaCount(len(request.Keywords))
			return c.ID, request, nil
		})
}

// planRows makes an item of each row, of as many as the run takes up; a row whose id comes back empty is left out.
func planRows[T content.Row[T]](ctx context.Context, in automation.Inputs, table content.Table[T], q content.Query, item func(T) (id string, input any, err error)) iter.Seq2[automation.Item, error] {
	return func(yield func(automation.Item, error) bool) {
		taken := int64(0)
		for row, err := range rowsFor(ctx, in, table, q) {
			var id string
			var input any
			if err == nil {
				id, input, err = item(row)
			}
			switch {
			case err != nil:
				yield(automation.Item{}, err)
				return
			case id == "":
				continue
			case !yield(newItem(id, input)):
				return
			}
			if taken++; taken == in.MaxItems {
				return
			}
		}
	}
}

func (s *ideasStage) Save(ctx context.Context, tx automation.Tx, c automation.Call, out json.RawMessage) (int, error) {
	if out == nil { // what it was for does not wait any more
		return 0, nil
	}
	store, err := s.cfg.Content.In(tx)
	if err != nil {
		return 0, err
	}
	request, err := decode[functions.IdeasInput](c.Item.Input)
	if err != nil {
		return 0, err
	}
	answer, err := decode[functions.IdeasOutput](out)
	if err != nil {
		return 0, err
	}
	cluster, err := store.Clusters().Get(ctx, c.Item.ID)
	if err != nil {
		return 0, err
	}
	cluster.Status = content.Mapped
	if err := store.Clusters().Save(ctx, cluster); err != nil {
		return 0, err
	}
	var rows []content.Idea
	for i, idea := range answer.Ideas {
		rows = append(rows, content.Idea{
			Base: content.Base{ID: content.NewID(string(c.Key("call")), strconv.Itoa(i)), Site: c.Site,
				Position: cluster.Position*ordinals + int64(i), Status: content.New},
			Cluster: cluster.ID, Brief: brief(request, idea)})
	}
	return len(rows), store.Ideas().Save(ctx, rows...)
}

func brief(request functions.IdeasInput, idea functions.Idea) content.Brief {
	b := content.Brief{Title: idea.Title, Description: idea.Description, Type: idea.Type, Structure: idea.Structure,
		Primary: request.Keywords[idea.Primary-1].Text, WordCount: idea.WordCount}
	for _, n := range idea.Secondary {
		if n != idea.Primary {
			b.Secondary = append(b.Secondary, request.Keywords[n-1].Text)
		}
	}
	for _, s := range idea.Outline {
		b.Outline = append(b.Outline, content.Section(s))
	}
	return b
}
