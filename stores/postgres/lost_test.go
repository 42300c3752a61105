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

// cutter cuts connections: when it is armed with n, at the nth round trip, before the request is sent or after the server
// did what it asks for, of which then nobody hears.
type cutter struct {
	left   atomic.Int64
	before atomic.Bool
	away   atomic.Bool // no new connection comes about

	meanwhile func() // runs between the request and the loss, and waits until the server is through
}

// cutConn is a connection with a cutter at it.
type cutConn struct {
	net.Conn
	by   *cutter
	deaf atomic.Bool
}

// sync ends every request of a round trip.
var syncMessage = []byte{'S', 0, 0, 0, 4}

func (c *cutConn) Write(b []byte) (int, error) {
	if !bytes.HasSuffix(b, syncMessage) || c.by.left.Load() <= 0 || c.by.left.Add(-1) > 0 {
		return c.Conn.Write(b)
	}
	defer c.Conn.Close()
	if c.by.before.Load() {
		return len(b), nil
	}
	c.deaf.Store(true)
	n, err := c.Conn.Write(b)
	c.by.meanwhile()
	return n, err
}

func (c *cutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.deaf.Load() {
		return 0, net.ErrClosed
	}
	return n, err
}

// cuttable is a pool of one connection that by cuts.
func cuttable(t *testing.T, d *pgtest.Database, by *cutter) *pgxpool.Pool {
	by.meanwhile = func() { time.Sleep(200 * time.Millisecond) }
	return d.NewPool(t, func(c *pgxpool.Config) {
		c.MaxConns = 1
		c.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if by.away.Load() {
				return nil, net.ErrClosed
			}
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return &cutConn{Conn: conn, by: by}, err
		}
	})
}

// warm has the pool prepare its statements: from now on a decision is two round trips.
func warm(t *testing.T, l credits.Ledger) {
	t.Helper()
	for _, key := range []credits.Key{"warm", "warm 2"} {
		r := holdRequest("acme", key, 1)
		r.First = credits.Attempt{ID: "of " + string(key)}
		if _, err := l.Hold(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if err := l.Release(t.Context(), credits.ReleaseRequest{Account: "acme", Key: key, Holder: r.Holder}); err != nil {
			t.Fatal(err)
		}
	}
}

// await waits until a key is in a state, as others see it.
func await(t *testing.T, l credits.Ledger, key credits.Key, state credits.HoldState) {
	for range 1000 {
		found, err := l.Lookup(context.WithoutCancel(t.Context()), "acme", key)
		if err == nil && found.Hold != nil && found.Hold.State == state {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%q is not %s", key, state)
}

// TestAnswerLost has others build upon a mutation whose caller is still to hear that it happened.
func TestAnswerLost(t *testing.T) {
	type world struct {
		l, others credits.Ledger // on one schema
		by        *cutter
		ahead     *atomic.Int64 // how far the clock of the others is
	}
	start := func(t *testing.T) world {
		d, by, ahead := pgtest.Open(t), &cutter{}, &atomic.Int64{}
		now := time.Now()
		w := world{by: by, ahead: ahead,
			l:      handle(t, d, cuttable(t, d, by), &postgres.Options{Now: func() time.Time { return now }}).Ledger(),
			others: handle(t, d, nil, &postgres.Options{Now: func() time.Time { return now.Add(time.Duration(ahead.Load())) }}).Ledger(),
		}
		grant(t, w.l, "acme", "g", 100)
		warm(t, w.l)
		return w
	}
	hold := holdRequest("acme", "k", 10)
	hold.First = credits.Attempt{ID: "a"}
	lose := func(w world, meanwhile func()) {
		w.by.meanwhile = meanwhile
		w.by.left.Store(2)
	}

	t.Run("OfAReleaseBeforeTheKeyIsHeldAgain", func(t *testing.T) {
		w := start(t)
		if _, err := w.l.Hold(t.Context(), hold); err != nil {
			t.Fatal(err)
		}
		lose(w, func() {
			await(t, w.others, "k", credits.Released)
			again := hold
			again.First.ID = "b"
			if held, err := w.others.Hold(t.Context(), again); err != nil || !held.Hold.Fresh {
				t.Errorf("Hold of the others = %+v, %v, want a fresh one", held, err)
			}
		})
		if err := w.l.Release(t.Context(), credits.ReleaseRequest{Account: "acme", Key: "k", Holder: hold.Holder}); err != nil {
			t.Errorf("Release = %v, want none: it happened", err)
		}
		wantBalance(t, w.l, "acme", credits.Balance{Posted: 100, Held: 10, Available: 90})
		verify(t, w.l, "acme")
	})
	t.Run("OfAHoldBeforeItIsTakenOver", func(t *testing.T) {
		w := start(t)
		lose(w, func() {
			await(t, w.others, "k", credits.Open)
			w.ahead.Store(int64(90 * time.Minute)) // the lease is over, and not the hold
			taker := hold
			taker.Holder = credits.Holder{ID: "other", Fence: 2, Lease: time.Hour}
			if held, err := w.others.Hold(t.Context(), taker); err != nil || held.Hold.Fresh || held.Hold.Holder.ID != "other" {
				t.Errorf("Hold of the others = %+v, %v, want to take it over", held, err)
			}
		})
		held, err := w.l.Hold(t.Context(), hold)
		if err != nil || held.Hold == nil || !held.Hold.Fresh || held.Hold.Holder.ID != "worker" {
			t.Errorf("Hold = %+v, %v, want the fresh hold that it was", held, err)
		}
		verify(t, w.l, "acme")
	})
	t.Run("OfAHoldBeforeItIsExtended", func(t *testing.T) {
		w := start(t)
		lose(w, func() {
			await(t, w.others, "k", credits.Open)
			if _, err := w.others.Extend(t.Context(), credits.ExtendRequest{Account: "acme", Key: "k", Holder: hold.Holder, Total: 34}); err != nil {
				t.Errorf("Extend of the others = %v", err)
			}
		})
		held, err := w.l.Hold(t.Context(), hold)
		if err != nil || held.Hold == nil || !held.Hold.Fresh || held.Hold.Amount != 10 {
			t.Errorf("Hold = %+v, %v, want the fresh hold of 10 that it was", held, err)
		}
		wantBalance(t, w.l, "acme", credits.Balance{Posted: 100, Held: 34, Available: 66})
	})
	t.Run("AndTheServerGoneIsUnavailable", func(t *testing.T) {
		w := start(t)
		lose(w, func() {
			await(t, w.others, "k", credits.Open)
			w.by.away.Store(true)
		})
		if held, err := w.l.Hold(t.Context(), hold); !errors.Is(err, postgres.ErrUnavailable) || errors.Is(err, postgres.ErrBusy) {
			t.Errorf("Hold = %+v, %v, want ErrUnavailable", held, err)
		}
		w.by.away.Store(false)
		if held, err := w.l.Hold(t.Context(), hold); err != nil || held.Hold == nil || held.Hold.Fresh {
			t.Errorf("Hold again = %+v, %v, want the hold that it made", held, err)
		}
		wantBalance(t, w.l, "acme", credits.Balance{Posted: 100, Held: 10, Available: 90})
	})
}

// TestEveryAnswerLost loses each answer in turn that a handle waits for in its first call, when it also prepares its
// statements and writes its row of writers.
func TestEveryAnswerLost(t *testing.T) {
	d := pgtest.Open(t)
	calm := handle(t, d, nil, nil).Ledger()
	for trip := int64(1); ; trip++ {
		by := &cutter{}
		l := handle(t, d, cuttable(t, d, by), nil).Ledger()
		by.meanwhile = func() { time.Sleep(20 * time.Millisecond) }
		by.left.Store(trip)
		e, err := l.Grant(t.Context(), credits.Grant{Account: "acme", Key: credits.Key(fmt.Sprint(trip)), Kind: credits.Bonus, Amount: 1})
		if err != nil || e.Number != trip {
			t.Errorf("Grant with answer %d lost = %+v, %v, want entry %d", trip, e, err, trip)
		}
		wantBalance(t, calm, "acme", credits.Balance{Posted: credits.Amount(trip), Available: credits.Amount(trip)})
		if by.left.Load() > 0 {
			t.Logf("a first call waits for %d answers", trip-1)
			break
		}
	}
	verify(t, calm, "acme")
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
			warm(t, l)
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
			wantBalance(t, l, "acme", credits.Balance{Posted: 105, Held: 10, Available: 95})
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
