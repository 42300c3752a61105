package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/internal/pgtest"
	"github.com/scrip-go/scrip/stores/postgres"
)

// cutter cuts connections: when it is armed with n, at the nth round trip, before the request is sent or after.
type cutter struct {
	left   atomic.Int64
	before atomic.Bool
}

// cutConn is a connection with a cutter at it.
type cutConn struct {
	net.Conn
	by *cutter
}

// sync ends every request of a round trip.
var syncMessage = []byte{'S', 0, 0, 0, 4}

func (c *cutConn) Write(b []byte) (int, error) {
	if !bytes.HasSuffix(b, syncMessage) || c.by.left.Load() <= 0 || c.by.left.Add(-1) > 0 {
		return c.Conn.Write(b)
	}
	n := len(b)
	if !c.by.before.Load() {
		n, _ = c.Conn.Write(b)
		time.Sleep(100 * time.Millisecond) // the server does it, and nobody hears of it
	}
	c.Conn.Close()
	return n, nil
}

// cuttable is a pool of one connection that by cuts.
func cuttable(t *testing.T, d *pgtest.Database, by *cutter) *pgxpool.Pool {
	return d.NewPool(t, func(c *pgxpool.Config) {
		c.MaxConns = 1
		c.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return &cutConn{conn, by}, err
		}
	})
}

func TestConnectionLost(t *testing.T) {
	for _, c := range []struct {
		name   string
		trip   int64 // of a decision: it loads with the first, and saves and commits with the second
		before bool
	}{
		{"BeforeTheLoad", 1, true}, {"AfterTheLoad", 1, false}, {"BeforeTheCommit", 2, true}, {"AfterTheCommit", 2, false},
	} {
		t.Run(c.name+"LosesNoMutationAndRepeatsNone", func(t *testing.T) {
			d, by := pgtest.Open(t), &cutter{}
			by.before.Store(c.before)
			l := handle(t, d, cuttable(t, d, by), nil).Ledger()
			grant(t, l, "acme", "g", 100)
			warm := holdRequest("acme", "warm", 1)
			warm.First = credits.Attempt{ID: "warm"}
			for range 2 { // the statements are prepared: from now on a decision is two round trips
				if _, err := l.Hold(t.Context(), warm); err != nil {
					t.Fatal(err)
				}
				warm.Key, warm.First.ID = "warm 2", "warm 2"
			}
			r := holdRequest("acme", "k", 10)
			r.First = credits.Attempt{ID: "a"}
			by.left.Store(c.trip)
			held, err := l.Hold(t.Context(), r)
			if err != nil || held.Hold == nil || !held.Hold.Fresh || by.left.Load() > 0 {
				t.Fatalf("Hold = %+v, %v, want the fresh hold as if nothing had been; %d round trips were left", held, err, by.left.Load())
			}
			by.left.Store(c.trip)
			if e, err := l.Grant(t.Context(), credits.Grant{Account: "acme", Key: "g2", Kind: credits.Bonus, Amount: 5}); err != nil || e.Number != 2 {
				t.Errorf("Grant = %+v, %v, want entry 2", e, err)
			}
			wantBalance(t, l, "acme", credits.Balance{Posted: 105, Held: 12, Available: 93})
			verify(t, l, "acme")
		})
	}
	t.Run("OfACompletionIsSaid", func(t *testing.T) {
		d, by := pgtest.Open(t), &cutter{}
		db := handle(t, d, cuttable(t, d, by), nil)
		task := claimOne(t, db, "run-1")
		err := db.Runs().Complete(t.Context(), "w", task.Ref, automation.Outcome{}, func(automation.Tx) (int, error) {
			by.before.Store(true)
			by.left.Store(1)
			return 0, nil
		})
		if !errors.Is(err, postgres.ErrUnavailable) {
			t.Errorf("Complete = %v, want ErrUnavailable", err)
		}
		if err := db.Runs().Complete(t.Context(), "w", task.Ref, automation.Outcome{}, nil); err != nil {
			t.Errorf("Complete again = %v: nothing had happened", err)
		}
	})
}

// TestTerminatedBackends kills server processes while many callers work.
func TestTerminatedBackends(t *testing.T) {
	d := pgtest.Open(t)
	pool := d.NewPool(t, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["application_name"] = d.Schema })
	l := handle(t, d, pool, nil).Ledger()
	grant(t, l, "acme", "g", 1000)
	var kills int
	over := make(chan struct{})
	var killer, callers sync.WaitGroup
	killer.Go(func() {
		for kills < 10 { // a new connection prepares its statements first: without an end to this nobody would get anywhere
			select {
			case <-over:
				return
			case <-time.After(time.Duration(rand.IntN(100)) * time.Millisecond):
			}
			var n int
			err := d.Pool.QueryRow(context.Background(), `SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = $1 AND state <> 'idle'`, d.Schema).Scan(&n)
			if err != nil {
				t.Error(err)
			}
			kills += n
		}
	})
	for w := range 8 {
		callers.Go(func() {
			for i := range 25 {
				key := credits.Key(fmt.Sprintf("k%d/%d", w, i))
				again(t, func() error {
					_, err := l.Hold(t.Context(), holdRequest("acme", key, 3))
					return err
				})
				again(t, func() error {
					r, err := l.Settle(t.Context(), credits.SettleRequest{Account: "acme", Key: key, Amount: 2, Result: []byte(key)})
					if err == nil && (r.Charged != 2 || string(r.Result) != string(key)) {
						t.Errorf("Settle(%q) = %+v", key, r)
					}
					return err
				})
			}
		})
	}
	callers.Wait()
	close(over)
	killer.Wait()
	if kills == 0 {
		t.Error("no server process was killed at work")
	}
	t.Logf("%d server processes were killed", kills)
	wantBalance(t, l, "acme", credits.Balance{Posted: 600, Available: 600})
	verify(t, l, "acme")
}

// again calls f as a caller does who was told that the database was not available.
func again(t *testing.T, f func() error) {
	for {
		err := f()
		if !errors.Is(err, postgres.ErrUnavailable) {
			if err != nil {
				t.Error(err)
			}
			return
		}
	}
}
