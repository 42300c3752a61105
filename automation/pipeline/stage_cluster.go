package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/engine/functions"
)

// clusterStage groups the site's new keywords, a batch at a time.
type clusterStage struct {
	paying[functions.ClusterInput, functions.ClusterOutput]
}

func newClusterStage(p *Pipeline) *clusterStage {
	return &clusterStage{newPaying(p, p.cfg.Functions.Cluster, func(input json.RawMessage) (functions.ClusterInput, error) {
		item, err := decode[clusterItem](input)
		return item.Request, err
	}, func(ctx context.Context, c automation.Call) (bool, error) {
		item, err := decode[clusterItem](c.Item.Input)
		for _, id := range item.IDs {
			k, missing := p.cfg.Content.Keywords().Get(ctx, id)
			if err = errors.Join(err, missing); err != nil || k.Status != content.New {
				return false, err // the others wait for the next run
			}
		}
		return err == nil, err
	})}
}

// clusterItem is a batch: the request, and the ids of the keywords in the order of their numbers.
type clusterItem struct {
	IDs     []string               `json:"ids"`
	Request functions.ClusterInput `json:"request"`
}

func (s *clusterStage) Name() string { return Cluster }

// Plan yields nothing if there are fewer keywords than can be grouped: they wait for more. It counts keywords, not batches.
func (s *clusterStage) Plan(ctx context.Context, in automation.Inputs) iter.Seq2[automation.Item, error] {
	return func(yield func(automation.Item, error) bool) {
		q := content.Query{Site: in.Site, Status: content.New}
		waiting := rowsFor(ctx, in, s.cfg.Content.Keywords(), q)
		n := int64(0)
		for _, err := range waiting {
			if err != nil {
				yield(automation.Item{}, err)
				return
			}
			n++
		}
		if in.MaxItems > 0 {
			n = min(n, in.MaxItems)
		}
		if n < functions.MinKeywords {
			return
		}
		sizes := batches(n, int64(s.cfg.BatchSize))
		var batch clusterItem
		number := 0
		for k, err := range waiting {
			if err != nil {
				yield(automation.Item{}, err)
				return
			}
			batch.IDs = append(batch.IDs, k.ID)
			batch.Request.Keywords = append(batch.Request.Keywords, functions.Query{N: len(batch.IDs), Text: k.Text, Volume: k.Volume})
			if int64(len(batch.IDs)) < sizes[number] {
				continue
			}
			number++
			made, err := newItem(fmt.Sprintf("batch-%05d", number), batch)
			made.Rows = batch.IDs
			if !yield(made, err) || number == len(sizes) {
				return
			}
			batch = clusterItem{}
		}
	}
}

// Save maps the batch's keywords to clusters. A cluster is known by its name within the site, so batches that came to
// the same subject share one.
func (s *clusterStage) Save(ctx context.Context, tx automation.Tx, c automation.Call, out json.RawMessage) (created int, err error) {
	if out == nil { // what it was for does not wait any more
		return 0, nil
	}
	store, err := s.cfg.Content.In(tx)
	if err != nil {
		return 0, err
	}
	item, err := decode[clusterItem](c.Item.Input)
	if err != nil {
		return 0, err
	}
	answer, err := decode[functions.ClusterOutput](out)
	if err != nil {
		return 0, err
	}
	// In one order, so that of two batches that came to the same clusters one waits and not each for the other.
	slices.SortStableFunc(answer.Clusters, func(a, b functions.ClusterGroup) int {
		return cmp.Compare(content.Fold(a.Name), content.Fold(b.Name))
	})
	for _, group := range answer.Clusters {
		var members []content.Keyword
		for _, n := range group.Keywords {
			k, err := store.Keywords().Get(ctx, item.IDs[n-1])
			if err != nil {
				return 0, err
			}
			members = append(members, k)
		}
		isNew, err := saveCluster(ctx, store, c.Site, group, members)
		if err != nil {
			return 0, err
		}
		if isNew {
			created++
		}
	}
	return created, nil
}

func saveCluster(ctx context.Context, store content.Store, site string, group functions.ClusterGroup, members []content.Keyword) (created bool, err error) {
	first := members[0].Position
	for _, k := range members {
		first = min(first, k.Position)
	}
	id := content.NewID(site, "cluster", content.Fold(group.Name))
	cluster, err := store.Clusters().Get(ctx, id)
	switch {
	case errors.Is(err, content.ErrNotFound):
		created = true
		cluster = content.Cluster{Base: content.Base{ID: id, Site: site, Position: first, Status: content.New},
			Name: group.Name, Description: group.Description}
	case err != nil:
		return false, err
	}
	cluster.Position = min(cluster.Position, first)
	if err := store.Clusters().Save(ctx, cluster); err != nil {
		return false, err
	}
	for i := range members {
		members[i].Cluster, members[i].Status = id, content.Mapped
	}
	return created, store.Keywords().Save(ctx, members...)
}
