package session_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/session"
	"github.com/xeroauth/xeroauth/internal/store"
)

// secretStore is what a job's session is written back to.
type secretStore struct {
	mu           sync.Mutex
	prove, write error
	written      []store.Record
	events       *events
}

func (e *secretStore) fail(prove, write error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.prove, e.write = prove, write
}

func (e *secretStore) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.written)
}

// keeperWith is a process of a job.
func (w *world) keeperWith(e *secretStore) *session.Keeper {
	k := w.keeper()
	e.events = w.events
	k.Writeback = &session.Writeback{
		Prove: func(context.Context, store.Record) error {
			w.events.add("prove")
			e.mu.Lock()
			defer e.mu.Unlock()
			return e.prove
		},
		Write: func(ctx context.Context, r store.Record) error {
			w.events.add("write")
			e.mu.Lock()
			defer e.mu.Unlock()
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if e.write == nil {
				e.written = append(e.written, r)
			}
			return e.write
		},
	}
	return k
}

func wantUnwritten(t *testing.T, err error, renewed bool) *session.WritebackError {
	t.Helper()
	var e *session.WritebackError
	if !errors.As(err, &e) || e.Renewed() != renewed {
		t.Fatalf("error %v, want a failed writeback, renewed %t", err, renewed)
	}
	return e
}

var errElsewhere = errors.New("no right to write there")

// Proof before the mark and the request, the writeback after the save and
// before anybody gets the token.
func TestWritebackOrder(t *testing.T) {
	w := newWorld(t, strict)
	w.login()
	w.pass(life)
	w.events.take()
	e := &secretStore{}
	result, err := w.keeperWith(e).Fresh(t.Context(), session.Need{})
	if err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, result, session.Refreshed)
	w.wantEvents("load", "lock", "load", "prove", "save mark", "request", "save", "write", "save", "unlock")
	if e.count() != 1 || !e.written[0].AccessToken.Equal(result.Record.AccessToken) || e.written[0].WritebackDue {
		t.Error("what was written is not the session that was handed out")
	}
	if w.record().WritebackDue || result.Record.WritebackDue {
		t.Error("the record still says that the writeback is due")
	}
	// While the token is good nothing is locked, proven or written.
	if _, err := w.keeperWith(e).Fresh(t.Context(), session.Need{}); err != nil {
		t.Fatal(err)
	}
	w.wantEvents("load")
	// A store that lasts owes nothing.
	w.pass(life)
	w.fresh(session.Need{})
	if w.record().WritebackDue {
		t.Error("without a writeback one is due")
	}
}

func TestUnprovenWritebackRenewsNothing(t *testing.T) {
	w := newWorld(t, strict)
	before := w.login()
	w.pass(life - time.Minute)
	w.events.take()
	e := &secretStore{prove: errElsewhere}
	_, err := w.keeperWith(e).Fresh(t.Context(), session.Need{MinTTL: 2 * time.Minute})
	if e := wantUnwritten(t, err, false); !e.Until.IsZero() || !errors.Is(err, errElsewhere) {
		t.Errorf("until %s; %v", e.Until, err)
	}
	if _, err := w.keeperWith(e).Rotate(t.Context(), 0); err == nil {
		t.Error("it was renewed on demand")
	}
	w.wantRequests(0)
	if now := w.record(); !now.RefreshToken.Equal(before.RefreshToken) || !now.RefreshingSince.IsZero() {
		t.Error("the record was changed")
	}
	// Nothing is lost, so that a token which lives may go out where that is asked.
	result, err := w.keeperWith(e).Fresh(t.Context(), session.Need{MinTTL: 2 * time.Minute, AllowStale: true})
	if err != nil || !errors.Is(result.Failure, errElsewhere) {
		t.Errorf("a stale token: %v, %v", err, result.Failure)
	}
	w.mustSurvive()
}

// A renewed session whose writeback failed is kept, and its token waits: for
// every reader, for a stale one too.
func TestDueWritebackKeepsTheTokenBack(t *testing.T) {
	w := newWorld(t, strict)
	w.login()
	w.pass(life - time.Minute)
	e := &secretStore{write: errElsewhere}
	renewedAt := w.clock()
	need := session.Need{MinTTL: 2 * time.Minute, AllowStale: true}
	_, err := w.keeperWith(e).Fresh(t.Context(), need)
	if e := wantUnwritten(t, err, true); !e.Until.Equal(renewedAt.Add(30 * time.Minute)) {
		t.Errorf("Xero takes the former until %s, want 30 minutes after %s", e.Until, renewedAt)
	}
	if r := w.record(); !r.WritebackDue || r.Generation != 1 {
		t.Errorf("the store has generation %d, due %t", r.Generation, r.WritebackDue)
	}
	w.pass(5 * time.Minute)
	for _, ask := range []func(*session.Keeper) error{
		func(k *session.Keeper) error { _, err := k.Fresh(t.Context(), session.Need{}); return err },
		func(k *session.Keeper) error { _, err := k.Fresh(t.Context(), need); return err },
		func(k *session.Keeper) error { _, err := k.Rotate(t.Context(), time.Hour); return err },
		func(k *session.Keeper) error { _, err := k.Rotate(t.Context(), 0); return err },
	} {
		if e := wantUnwritten(t, ask(w.keeperWith(e)), true); !e.Until.Equal(renewedAt.Add(30 * time.Minute)) {
			t.Errorf("Xero takes the former until %s", e.Until)
		}
	}
	w.wantRequests(1)
	// The next reader pays, asks Xero nothing, and gets the token.
	e.fail(nil, nil)
	w.events.take()
	result, err := w.keeperWith(e).Fresh(t.Context(), session.Need{})
	if err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, result, session.Kept)
	w.wantEvents("load", "lock", "load", "write", "save", "unlock")
	w.wantRequests(1)
	if w.record().WritebackDue || e.count() != 1 {
		t.Errorf("due %t, written %d times", w.record().WritebackDue, e.count())
	}
}

// Who cannot get at the lock does not get the token either: nobody knows
// whether it was written back.
func TestDueAndLocked(t *testing.T) {
	w := newWorld(t, strict)
	r := w.login()
	r.WritebackDue = true
	w.put(r)
	unlock, err := w.local().Lock(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	w.wait = time.Millisecond
	var held *store.LockError
	if _, err := w.keeperWith(&secretStore{}).Fresh(t.Context(), session.Need{AllowStale: true}); !errors.As(err, &held) {
		t.Errorf("error %v, want the lock to be held", err)
	}
}

// A process that is killed between the save and the writeback leaves the mark:
// the same record, found by twenty at once, is written once.
func TestKilledBeforeWriteback(t *testing.T) {
	w := newWorld(t, strict)
	r := w.login()
	r.WritebackDue, r.Generation = true, 1
	w.put(r)
	e := &secretStore{}
	var all sync.WaitGroup
	for range 20 {
		k := w.keeperWith(e)
		all.Go(func() {
			if result, err := k.Fresh(t.Context(), session.Need{}); err != nil || !result.Record.AccessToken.Equal(r.AccessToken) {
				t.Errorf("%v, or another token", err)
			}
		})
	}
	all.Wait()
	w.wantRequests(0)
	if e.count() != 1 {
		t.Errorf("written %d times, want once", e.count())
	}
}

// What is due when the token has expired is paid before the next renewal.
func TestDueAndExpired(t *testing.T) {
	w := newWorld(t, strict)
	r := w.login()
	r.WritebackDue, r.Generation = true, 1
	w.put(r)
	w.pass(2 * life)
	e := &secretStore{write: errElsewhere}
	_, err := w.keeperWith(e).Fresh(t.Context(), session.Need{})
	wantUnwritten(t, err, true)
	w.wantRequests(0)
	e.fail(nil, nil)
	w.events.take()
	if _, err := w.keeperWith(e).Fresh(t.Context(), session.Need{}); err != nil {
		t.Fatal(err)
	}
	w.wantEvents("load", "lock", "load", "write", "save", "prove", "save mark", "request", "save", "write", "save", "unlock")
	if e.count() != 2 || e.written[0].Generation != 1 || e.written[1].Generation != 2 {
		t.Errorf("written %d times", e.count())
	}
}

// The note that a session was written back may get lost: it is written again.
func TestNoteOfWritebackLost(t *testing.T) {
	w := newWorld(t, strict)
	w.login()
	w.pass(life)
	e := &secretStore{}
	w.safe.failSet(3, errors.New("the disk is full")) // the mark, the session, the note
	if _, err := w.keeperWith(e).Fresh(t.Context(), session.Need{}); err != nil {
		t.Fatal(err)
	}
	w.safe.mend()
	if !w.record().WritebackDue {
		t.Fatal("the note was saved")
	}
	if _, err := w.keeperWith(e).Fresh(t.Context(), session.Need{}); err != nil || e.count() != 2 || w.record().WritebackDue {
		t.Errorf("%v; written %d times, want twice", err, e.count())
	}
	w.wantRequests(1)
}

// A signal while Xero answers stops neither the save nor the writeback.
func TestSignalBeforeWriteback(t *testing.T) {
	w := newWorld(t, strict)
	w.login()
	w.pass(life)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	w.during(func() { cancel(stopped) })
	e := &secretStore{}
	if _, err := w.keeperWith(e).Fresh(ctx, session.Need{}); !errors.Is(err, stopped) {
		t.Errorf("error %v, want the signal", err)
	}
	if e.count() != 1 || w.record().WritebackDue {
		t.Errorf("written %d times, due %t", e.count(), w.record().WritebackDue)
	}
	// And one that comes while the writeback is proven renews nothing.
	w.pass(life)
	ctx, cancel = context.WithCancelCause(t.Context())
	k := w.keeperWith(e)
	prove := k.Writeback.Prove
	k.Writeback.Prove = func(ctx context.Context, r store.Record) error { cancel(stopped); return prove(ctx, r) }
	if _, err := k.Fresh(ctx, session.Need{}); !errors.Is(err, stopped) {
		t.Errorf("error %v, want the signal", err)
	}
	w.wantRequests(1)
}
