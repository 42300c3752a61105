package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// errUnanswered is a commit that was sent and never answered for: it may have happened.
var errUnanswered = fmt.Errorf("%w: the connection was lost during a commit", ErrUnavailable)

// Every batch writes its number into the row of the handle that commits it, so that after a commit without an answer the
// row says whether it happened. The number of the transaction would not do: a server that crashed may give it to another.

const upsertWriter = `INSERT INTO scrip.writers (writer, batch, committed_at) VALUES ($1, $2, now())
ON CONFLICT (writer) DO UPDATE SET batch = excluded.batch, committed_at = excluded.committed_at`

// deleteWriters forgets handles that may well be gone: one that is not writes its row anew.
const deleteWriters = `DELETE FROM scrip.writers WHERE committed_at < now() - interval '1 day'`

// selectWriter waits for the transaction that it asks about, even if that is still to write the row for the first time.
const selectWriter = `INSERT INTO scrip.writers AS w (writer, batch, committed_at) VALUES ($1, 0, now())
ON CONFLICT (writer) DO UPDATE SET batch = w.batch RETURNING batch`

// sign gives a batch the next number. Who has the turn calls it.
func (l *Ledger) sign(batch *pgx.Batch) {
	if l.batches == 0 {
		batch.Queue(l.db.sql(deleteWriters))
	}
	l.batches++
	batch.Queue(l.db.sql(upsertWriter), l.writer, l.batches)
}

// lastCommitted returns the number of the last batch that was committed. It does not give up at once: a server that
// crashed takes a moment to come back.
func (l *Ledger) lastCommitted(ctx context.Context) (last int64, err error) {
	for n := 1; ; n++ {
		err = l.db.write(ctx, func(ctx context.Context, t *txn) error {
			_, err := one(ctx, t, []any{&last}, l.db.sql(selectWriter), l.writer)
			return err
		})
		if err == nil || n == tries || again(ctx, n) != nil {
			return last, err
		}
	}
}
