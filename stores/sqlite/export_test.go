package sqlite

import (
	"context"
	"strings"
	"time"

	"github.com/scrip-go/scrip/credits"
)

// SetPatience shortens how long a write waits for this process's own writer.
func (d *DB) SetPatience(p time.Duration) { d.patience = p }

// Plans returns how SQLite runs each statement of the hot paths, and the statements that read sequences.
func (d *DB) Plans(ctx context.Context) (map[string]string, error) {
	const page = ` AND (position, id) > (?, ?) ORDER BY position, id LIMIT ?`
	texts := append([]string{
		selectBuckets, selectEntries, selectLast, selectRecords + ` ORDER BY u.entry LIMIT ?`, selectEvents, deleteEvent, selectTotals,
		selectAccountAttempts + ` AND seq > ? ORDER BY seq LIMIT ?`,
		selectAccountAttempts + ` AND key = ? AND +seq > ? ORDER BY +seq LIMIT ?`,
		selectAccountAttempts + ` AND scope = ? AND scope <> '' AND seq > ? ORDER BY seq LIMIT ?`,
		selectLines, selectAuditHolds, selectLatest, selectVersion, selectLatestAccount, selectSettings, selectNewest,
		selectKey, selectAllKeys, selectKeysOf, selectLastKeyChange, selectKeyChanges, upsertKey, deleteKey,
		selectSchedule, selectAllSchedules, selectSiteSchedules, selectDueSchedules, upsertSchedule, deleteSchedule,
		selectRun, selectSiteRuns, selectUnfinished, selectFailed, countUnderway, giveBackTasks, selectLiveRun, claimRow, selectClaim, selectClaimed, releaseItem, releaseRun,
		keywords.selectAll + ` WHERE site = ? AND status = ?` + page,
		keywords.selectAll + ` WHERE site = ? AND cluster = ?` + page,
		images.selectAll + ` WHERE site = ? AND article = ?` + page,
	}, hot...)
	for _, q := range []credits.UsageQuery{{Account: "a"}, {Account: "a", Scope: "s"}, {AllAccounts: true}, {AllAccounts: true, Scope: "s"}} {
		q.From, q.To = time.Unix(1, 0), time.Unix(1e6+1, 0)
		plan, err := q.Plan()
		if err != nil {
			return nil, err
		}
		totals, records := usageQueries(plan)
		texts = append(texts, totals.text, records.text)
	}
	for _, q := range []credits.ShadowQuery{{}, {Account: "a"}} {
		texts = append(texts, shadowQuery(q).text)
	}
	plans := map[string]string{}
	for _, text := range texts {
		steps, err := rows(ctx, d.reader, (*planStep).fields, `EXPLAIN QUERY PLAN `+text, make([]any, strings.Count(text, "?")+2)...)
		if err != nil {
			return nil, err
		}
		for _, s := range steps {
			plans[text] += s.detail + "\n"
		}
	}
	return plans, nil
}

type planStep struct {
	id, parent, unused int64
	detail             string
}

func (s *planStep) fields() []any { return []any{&s.id, &s.parent, &s.unused, &s.detail} }
