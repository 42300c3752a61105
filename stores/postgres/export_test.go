package postgres

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrip-go/scrip/credits"
)

// SetPatience shortens how long a call waits for others.
func (d *DB) SetPatience(p time.Duration) { d.patience, d.bounds = p, ofItsOwn(p) }

// Plans returns how PostgreSQL runs the statements of the hot paths, as it plans them once for all arguments.
func (d *DB) Plans(ctx context.Context) (map[string]string, error) {
	const page = ` AND (position, id) > ($3, $4) ORDER BY position, id LIMIT $5`
	plans := map[string]string{}
	texts := []string{
		lockAccounts, selectAccounts, selectFurther, selectBuckets, selectExpired, selectHolds, selectAttempts, selectKeyed, selectReceipts, selectChargedBuckets,
		selectCaps, deleteCap, deleteEvents, selectEvents,
		selectEntries, selectLast, pruneReceipts,
		selectRecordsOnce, selectAccountAttempts + ` WHERE account COLLATE "POSIX" = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
		selectAccountAttempts + ` WHERE account = $1 AND key = $2 AND seq > $3 ORDER BY seq LIMIT $4`,
		selectSame, lockRun, giveBackTasks, countOpen, claimTasks, extendTasks, completeTask, countCompleted, retryTask, failTask, dropTask,
		selectStage, insertTasks, selectTaskState, selectRun, selectSiteRuns, selectUnfinished, selectFailed, takeOwn, takeFree, selectTaken, countOwn, selectClaimed, releaseItem, releaseRun,
		selectLatest, selectVersion, selectLatestAccount, selectSettings, selectNewest, selectKey, selectAllKeys, selectKeysOf, selectLastKeyChange, selectKeyChanges, upsertKey, deleteKey,
		lockSchedule, selectAllSchedules, selectSiteSchedules, selectDueSchedules, updateSchedule, deleteSchedule,
		keywords.selectByID, keywords.selectForSave, keywords.insert, keywords.update,
		keywords.selectAll + ` WHERE site = $1 AND status = $2` + page, keywords.selectAll + ` WHERE site = $1 AND cluster = $2` + page,
		images.selectAll + ` WHERE site = $1 AND article = $2` + page,
	}
	for _, s := range []statement{insertAccounts, updateAccounts, upsertHolds, upsertAttempts, insertEntries, upsertBuckets, insertRecords,
		insertReceipts, upsertCaps, addTotals, insertEvents} {
		texts = append(texts, s.one, s.many)
	}
	for _, q := range []credits.UsageQuery{{Account: "a"}, {Account: "a", Scope: "s"}, {AllAccounts: true}, {AllAccounts: true, Scope: "s"}} {
		q.From, q.To = time.Unix(1, 0), time.Unix(1e6+1, 0)
		p, err := q.Plan()
		if err != nil {
			return nil, err
		}
		totals, records := usageQueries(p)
		texts = append(texts, totals.text, records.text)
	}
	for _, q := range []credits.ShadowQuery{{}, {Account: "a"}} {
		q.From, q.To = time.Unix(1, 0), time.Unix(2, 0)
		texts = append(texts, shadowQuery(q).text)
	}
	for _, text := range texts {
		plan, err := d.plan(ctx, text)
		if err != nil {
			return nil, err
		}
		plans[text] = plan
	}
	return plans, nil
}

var selectRecordsOnce = strings.NewReplacer(`account = ?`, `account = $1`, `> ?`, `> $2`).Replace(selectRecords) + ` ORDER BY u.entry LIMIT $3`

func (d *DB) plan(ctx context.Context, text string) (string, error) {
	tx, err := d.pool.Begin(ctx)
	if err != nil {
		return "", err
	}
	defer tx.Rollback(ctx)
	text = d.sql(text)
	highest := 0
	for i := range 40 {
		if strings.Contains(text, "$"+strconv.Itoa(i)) {
			highest = i
		}
	}
	nulls := ""
	if highest > 0 {
		nulls = "(NULL" + strings.Repeat(", NULL", highest-1) + ")"
	}
	for _, s := range []string{`SET LOCAL plan_cache_mode = force_generic_plan`, `SET LOCAL enable_seqscan = off`, `PREPARE planned AS ` + text} {
		if _, err := tx.Exec(ctx, s, pgx.QueryExecModeSimpleProtocol); err != nil {
			return "", err
		}
	}
	lines, err := rows(ctx, tx, func(s *string) []any { return []any{s} }, `EXPLAIN EXECUTE planned`+nulls, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return "", err
	}
	_, err = tx.Exec(ctx, `DEALLOCATE planned`, pgx.QueryExecModeSimpleProtocol)
	return strings.Join(lines, "\n"), err
}
