package session_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/sandbox"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/session"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/file"
	"github.com/xeroauth/xeroauth/internal/testdir"
	"github.com/xeroauth/xeroauth/internal/xero"
)

func TestGoodTokenTakesNoLockAndNoRequest(t *testing.T) {
	w := newWorld(t, nil)
	before := w.login()
	w.events.take()
	w.locks = filepath.Join(testdir.New(t), "never made")
	result := w.fresh(session.Need{MinTTL: 2 * time.Minute})
	wantOutcome(t, result, session.Kept)
	if !result.Record.AccessToken.Equal(before.AccessToken) {
		t.Error("another token came")
	}
	w.wantEvents("load")
	if _, err := os.Stat(w.locks); err == nil {
		t.Error("the lock folder was made")
	}
}

func TestMinTTL(t *testing.T) {
	for _, c := range []struct {
		name     string
		age, ttl time.Duration
		outcome  session.Outcome
	}{
		{"just obtained", 0, 0, session.Kept},
		{"one second to live, any will do", life - time.Second, 0, session.Kept},
		{"expired this second", life, 0, session.Refreshed},
		{"long expired", 10 * life, 0, session.Refreshed},
		{"one second more than asked", life - 2*time.Minute - time.Second, 2 * time.Minute, session.Kept},
		{"exactly as much as asked", life - 2*time.Minute, 2 * time.Minute, session.Refreshed},
		{"less than asked", life - time.Minute, 2 * time.Minute, session.Refreshed},
		{"25 minutes asked", 6 * time.Minute, 25 * time.Minute, session.Refreshed},
		{"more asked than any token lives", 0, 10 * life, session.Refreshed},
		{"obtained in the future", -time.Hour, 2 * time.Minute, session.Refreshed},
		{"obtained one second in the future", -time.Second, 0, session.Refreshed},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			before := w.login()
			// This machine's clock moves, and the sandbox's stays.
			w.pass(c.age)
			w.sandbox.Advance(-c.age)
			result := w.fresh(session.Need{MinTTL: c.ttl})
			wantOutcome(t, result, c.outcome)
			if same := result.Record.AccessToken.Equal(before.AccessToken); same != (c.outcome == session.Kept) {
				t.Errorf("the token is the old one: %t", same)
			}
			if c.outcome == session.Refreshed {
				w.wantRequests(1)
				if want := w.clock().Add(life); !result.Record.Expiry.Equal(want) || !w.record().Expiry.Equal(want) {
					t.Errorf("expiry %s, want %s", result.Record.Expiry, want)
				}
				if result.Record.Generation != 1 || result.Record.RefreshToken.Equal(before.RefreshToken) {
					t.Errorf("generation %d, or the refresh token is the old one", result.Record.Generation)
				}
				if want := c.age; result.Skew != want {
					t.Errorf("skew %s, want %s", result.Skew, want)
				}
			} else {
				w.wantRequests(0)
			}
			if !w.works(result.Record.AccessToken) {
				t.Error("the API refuses the token")
			}
		})
	}
}

// TestSaveBeforeUse is rule 1 and rule 4: the mark is saved before the request,
// and the tokens before anybody has them.
func TestSaveBeforeUse(t *testing.T) {
	w := newWorld(t, nil)
	before := w.login()
	w.pass(life)
	w.events.take()
	var marked store.Record
	w.during(func() { marked = w.record() })
	result := w.fresh(session.Need{})
	w.wantEvents("load", "lock", "load", "save mark", "request", "save", "unlock")
	if got := w.safe.limits; !slices.Equal(got, []time.Duration{0, time.Minute}) {
		t.Errorf("the mark and the tokens were saved within %v, want the store's own limit and a minute", got)
	}
	if !marked.RefreshingSince.Equal(w.clock()) || !marked.RefreshToken.Equal(before.RefreshToken) {
		t.Errorf("during the request the record is marked %s", marked.RefreshingSince)
	}
	after := w.record()
	if !after.AccessToken.Equal(result.Record.AccessToken) || !after.RefreshingSince.IsZero() || after.User != before.User ||
		after.ClientID != before.ClientID || after.App != before.App || after.Authority != before.Authority {
		t.Error("the record is not what was handed out, or lost what does not change")
	}
	if !after.RefreshObtainedAt.Equal(w.clock()) {
		t.Errorf("the refresh token counts from %s", after.RefreshObtainedAt)
	}
	w.mustSurvive()
}

func TestExpiryCountsFromBeforeTheRequest(t *testing.T) {
	w := newWorld(t, nil)
	w.login()
	w.pass(life)
	before := w.clock()
	w.during(func() { w.pass(7 * time.Minute) }) // the answer takes its time
	result := w.fresh(session.Need{})
	if !result.Record.ObtainedAt.Equal(before) || !result.Record.Expiry.Equal(before.Add(life)) {
		t.Errorf("obtained %s, expires %s; asked at %s", result.Record.ObtainedAt, result.Record.Expiry, before)
	}
}

func TestNoSession(t *testing.T) {
	w := newWorld(t, nil)
	_, err := w.keeper().Fresh(t.Context(), session.Need{AllowStale: true})
	wantLogin(t, err)
	_, err = w.keeper().Rotate(t.Context(), 0)
	wantLogin(t, err)
	w.wantRequests(0)
}

func TestRecordThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		value string
		class store.Class
	}{"damaged": {"x1.damaged", store.Damaged}, "newer": {"x2.newer", store.Newer}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.safe.entries[account] = c.value
			_, err := w.keeper().Fresh(t.Context(), session.Need{AllowStale: true})
			if !store.IsClass(err, c.class) || errors.Is(err, session.ErrLoginRequired) {
				t.Errorf("error %v, want class %s and no login", err, c.class)
			}
			if w.safe.entries[account] != c.value {
				t.Error("the entry changed")
			}
			w.wantRequests(0)
		})
	}
}

func TestKeychainThatDoesNotAnswerIsNoMissingSession(t *testing.T) {
	w := newWorld(t, nil)
	w.login()
	w.safe.get = func(int) error {
		return &store.Error{Store: "safe", Class: store.Locked, Step: "reading", Err: errors.New("locked")}
	}
	for name, ask := range map[string]func(*session.Keeper) error{
		"fresh": func(k *session.Keeper) error {
			_, err := k.Fresh(t.Context(), session.Need{AllowStale: true})
			return err
		},
		"rotate": func(k *session.Keeper) error { _, err := k.Rotate(t.Context(), 0); return err },
	} {
		if err := ask(w.keeper()); !store.IsClass(err, store.Locked) || errors.Is(err, session.ErrLoginRequired) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.mustSurvive()
}

func TestNoRefreshToken(t *testing.T) {
	w := newWorld(t, nil)
	r := w.login()
	r.RefreshToken, r.RefreshObtainedAt = secret.Text{}, time.Time{}
	w.put(r)
	wantOutcome(t, w.fresh(session.Need{}), session.Kept)
	w.pass(life)
	_, err := w.keeper().Fresh(t.Context(), session.Need{})
	wantLogin(t, err)
	if err == nil || !strings.Contains(err.Error(), "offline_access") {
		t.Errorf("the reason does not name offline_access: %v", err)
	}
	w.wantRequests(0)
	if !w.safe.present(account) {
		t.Error("the record is gone")
	}
}

func TestMarkThatCannotBeSaved(t *testing.T) {
	for name, failure := range map[string]error{
		"the store refuses":            &store.Error{Store: "safe", Class: store.Timeout, Step: "saving", Err: errors.New("no answer")},
		"the store was never writable": &store.Error{Store: "safe", Class: store.NotWritable, Step: "saving", Err: errors.New("read only")},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.login()
			w.pass(life)
			w.safe.failSet(1, failure)
			_, err := w.keeper().Fresh(t.Context(), session.Need{})
			if !errors.Is(err, failure) {
				t.Errorf("error %v", err)
			}
			var unsaved *session.UnsavedError
			if errors.As(err, &unsaved) {
				t.Error("it says that something was renewed")
			}
			w.wantRequests(0)
			w.mustSurvive()
		})
	}
	t.Run("the store says yes and writes nothing", func(t *testing.T) {
		w := newWorld(t, nil)
		w.login()
		w.pass(life)
		k := w.keeper()
		lying := w.local()
		lying.Set = func(context.Context, string, secret.Text) error { return nil }
		k.Store = lying
		if _, err := k.Fresh(t.Context(), session.Need{}); !store.IsClass(err, store.Unproven) {
			t.Errorf("error %v, want class %s", err, store.Unproven)
		}
		w.wantRequests(0)
		w.mustSurvive()
	})
}

// TestRenewedSessionThatCannotBeSaved: Xero has rotated, and the store takes
// the mark and nothing after it.
func TestRenewedSessionThatCannotBeSaved(t *testing.T) {
	for _, c := range []struct {
		name  string
		class store.Class
		saves int // after the mark
	}{
		{"a failure is tried again", store.Other, 3},
		{"a lock is tried again", store.Locked, 3},
		{"a save that timed out may yet be written", store.Timeout, 1},
		{"too big stays too big", store.TooBig, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			before := w.login()
			w.pass(life)
			asked := w.clock()
			w.safe.failSet(2, &store.Error{Store: "safe", Class: c.class, Step: "saving", Err: errors.New("no")})
			w.events.take()
			result, err := w.keeper().Fresh(t.Context(), session.Need{})
			var unsaved *session.UnsavedError
			if !errors.As(err, &unsaved) || !store.IsClass(err, c.class) {
				t.Fatalf("error %v, want unsaved and class %s", err, c.class)
			}
			if !unsaved.Until.Equal(asked.Add(30 * time.Minute)) {
				t.Errorf("the grace ends at %s, want 30 minutes after %s", unsaved.Until, asked)
			}
			if !result.Record.AccessToken.IsZero() {
				t.Error("a token was handed out that stands nowhere")
			}
			if got := w.safe.sets - 1; got != c.saves {
				t.Errorf("%d saves of the renewed session, want %d", got, c.saves)
			}
			after := w.record()
			if !after.RefreshToken.Equal(before.RefreshToken) || after.RefreshingSince.IsZero() {
				t.Error("the old record is not there with its mark")
			}
			w.wantRequests(1)
			// The next run works by the grace, at its last moment too.
			w.safe.mend()
			w.mu.Lock()
			w.now = unsaved.Until
			w.mu.Unlock()
			wantOutcome(t, w.fresh(session.Need{}), session.Refreshed)
			w.wantRequests(2)
			w.mustSurvive()
		})
	}
	t.Run("the second try succeeds", func(t *testing.T) {
		w := newWorld(t, nil)
		w.login()
		w.pass(life)
		w.safe.set = func(n int) error {
			if n == 2 {
				return &store.Error{Store: "safe", Class: store.Other, Step: "saving", Err: errors.New("once")}
			}
			return nil
		}
		wantOutcome(t, w.fresh(session.Need{}), session.Refreshed)
		w.wantRequests(1)
		w.mustSurvive()
	})
	t.Run("a strict server ends it", func(t *testing.T) {
		w := newWorld(t, strict)
		w.login()
		w.pass(life)
		w.safe.failSet(2, &store.Error{Store: "safe", Class: store.Other, Step: "saving", Err: errors.New("no")})
		if _, err := w.keeper().Fresh(t.Context(), session.Need{}); err == nil {
			t.Fatal("no error")
		}
		wantLogin(t, w.survives()) // it cannot survive: only the unsaved token was good
		if !w.safe.present(account) {
			t.Error("the record is gone")
		}
	})
}

func TestSavesMadeDuringTheRefreshAreNotOverwritten(t *testing.T) {
	t.Run("logged out", func(t *testing.T) {
		w := newWorld(t, nil)
		w.login()
		w.pass(life)
		w.during(func() { w.safe.remove(account) })
		result, err := w.keeper().Fresh(t.Context(), session.Need{})
		if !errors.Is(err, store.ErrReplaced) || !result.Record.AccessToken.IsZero() {
			t.Errorf("error %v, want %v, and no token", err, store.ErrReplaced)
		}
		if w.safe.present(account) {
			t.Error("a session that was logged out is back")
		}
		w.wantRequests(1)
	})
	t.Run("logged in anew", func(t *testing.T) {
		w := newWorld(t, nil)
		other := w.login()
		other.Generation = 99
		w.login()
		w.pass(life)
		w.during(func() { w.put(other) })
		if _, err := w.keeper().Fresh(t.Context(), session.Need{}); !errors.Is(err, store.ErrReplaced) {
			t.Errorf("error %v, want %v", err, store.ErrReplaced)
		}
		if w.record().Generation != 99 {
			t.Error("the newer record was overwritten")
		}
	})
}

// TestCutOffRefresh: somebody died between the mark and the save.
func TestCutOffRefresh(t *testing.T) {
	begin := func(t *testing.T, change func(*sandbox.Config)) (*world, store.Record) {
		w := newWorld(t, change)
		r := w.login()
		r.RefreshingSince = w.clock()
		w.put(r)
		w.pass(time.Minute)
		w.events.take()
		return w, r
	}
	t.Run("the token is good: mended at once with the old refresh token", func(t *testing.T) {
		w, r := begin(t, nil)
		// It had reached Xero.
		if _, err := w.client().Refresh(t.Context(), w.app, r.RefreshToken); err != nil {
			t.Fatal(err)
		}
		w.events.take()
		wantOutcome(t, w.fresh(session.Need{}), session.Refreshed)
		w.wantEvents("load", "lock", "load", "save mark", "request", "save", "unlock")
		if !w.record().RefreshingSince.IsZero() {
			t.Error("the mark is still there")
		}
		w.mustSurvive()
	})
	t.Run("the mark is that of the last try", func(t *testing.T) {
		w, r := begin(t, nil)
		w.sandbox.SetFault(sandbox.Fault{Path: "/connect/token", Kind: sandbox.FaultResetAfter})
		result := w.fresh(session.Need{})
		wantOutcome(t, result, session.Kept)
		if result.Failure == nil || !result.Record.AccessToken.Equal(r.AccessToken) {
			t.Errorf("the good token was not handed out with the failure: %v", result.Failure)
		}
		w.wantRequests(1) // a good token does not wait for six tries
		if !w.record().RefreshingSince.Equal(w.clock().Truncate(time.Second)) {
			t.Errorf("the mark is of %s, want %s", w.record().RefreshingSince, w.clock())
		}
		w.mustSurvive()
	})
	t.Run("the token is good, another process holds the lock", func(t *testing.T) {
		w, r := begin(t, nil)
		unlock, err := w.local().Lock(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		result := w.fresh(session.Need{})
		unlock()
		wantOutcome(t, result, session.Kept)
		if result.Failure != nil || !result.Record.AccessToken.Equal(r.AccessToken) {
			t.Errorf("the good token was not handed out without a word: %v", result.Failure)
		}
		w.wantRequests(0)
		w.mustSurvive()
	})
	t.Run("the token is good, the store takes nothing", func(t *testing.T) {
		w, r := begin(t, nil)
		w.safe.failSet(1, &store.Error{Store: "safe", Class: store.NotWritable, Step: "saving", Err: errors.New("read only")})
		result := w.fresh(session.Need{})
		wantOutcome(t, result, session.Kept)
		if !store.IsClass(result.Failure, store.NotWritable) || !result.Record.AccessToken.Equal(r.AccessToken) {
			t.Errorf("the good token was not handed out: %v", result.Failure)
		}
		w.wantRequests(0)
		w.mustSurvive()
	})
	t.Run("the token is good, Xero is strict", func(t *testing.T) {
		w, r := begin(t, strict)
		if _, err := w.client().Refresh(t.Context(), w.app, r.RefreshToken); err != nil {
			t.Fatal(err)
		}
		_, err := w.keeper().Fresh(t.Context(), session.Need{})
		wantLogin(t, err) // it cannot survive
		if !w.safe.present(account) {
			t.Error("the record is gone")
		}
	})
	t.Run("the token is expired", func(t *testing.T) {
		w, r := begin(t, nil)
		if _, err := w.client().Refresh(t.Context(), w.app, r.RefreshToken); err != nil {
			t.Fatal(err)
		}
		w.pass(life - 2*time.Minute)
		wantOutcome(t, w.fresh(session.Need{MinTTL: 2 * time.Minute}), session.Refreshed)
		w.mustSurvive()
	})
	t.Run("the grace is over", func(t *testing.T) {
		w, r := begin(t, nil)
		if _, err := w.client().Refresh(t.Context(), w.app, r.RefreshToken); err != nil {
			t.Fatal(err)
		}
		w.pass(2 * life)
		_, err := w.keeper().Fresh(t.Context(), session.Need{})
		wantLogin(t, err)
	})
	t.Run("a signal came before", func(t *testing.T) {
		w, _ := begin(t, nil)
		cause := errors.New("a signal")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		if _, err := w.keeper().Fresh(ctx, session.Need{}); !errors.Is(err, cause) {
			t.Errorf("error %v, want the signal", err)
		}
		w.wantRequests(0)
	})
}

// TestRefreshCutOffJustNow: the request of a killed process may still be on its
// way, so the next one gives it two seconds to land.
func TestRefreshCutOffJustNow(t *testing.T) {
	for _, c := range []struct {
		name   string
		ago    time.Duration
		pauses []time.Duration
	}{
		{"this second", 0, []time.Duration{2 * time.Second}},
		{"a second ago", time.Second, []time.Duration{time.Second}},
		{"two seconds ago", 2 * time.Second, nil},
		{"long ago", 10 * time.Minute, nil},
		{"in the future: the clock was set back", -time.Hour, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			r := w.login()
			w.pass(life)
			r.RefreshingSince = w.clock().Add(-c.ago)
			w.put(r)
			wantOutcome(t, w.fresh(session.Need{}), session.Refreshed)
			if !slices.Equal(w.pauses, c.pauses) {
				t.Errorf("it paused %v, want %v", w.pauses, c.pauses)
			}
			w.wantRequests(1)
		})
	}
	t.Run("a signal in the pause: no request", func(t *testing.T) {
		w := newWorld(t, nil)
		r := w.login()
		w.pass(life)
		r.RefreshingSince = w.clock()
		w.put(r)
		cause := errors.New("a signal")
		ctx, cancel := context.WithCancelCause(t.Context())
		k := w.keeper()
		k.Pause = func(context.Context, time.Duration) { cancel(cause) }
		if _, err := k.Fresh(ctx, session.Need{}); !errors.Is(err, cause) {
			t.Errorf("error %v, want the signal", err)
		}
		w.wantRequests(0)
		w.mustSurvive()
	})
}

// TestInvalidGrantIsBelievedAfterASecondLook is rule 6.
func TestInvalidGrantIsBelievedAfterASecondLook(t *testing.T) {
	t.Run("the record is unchanged", func(t *testing.T) {
		w := newWorld(t, nil)
		before := w.login()
		w.pass(life)
		w.sandbox.RevokeChains(w.app.ID)
		w.events.take()
		_, err := w.keeper().Fresh(t.Context(), session.Need{AllowStale: true})
		wantLogin(t, err)
		w.wantEvents("load", "lock", "load", "save mark", "request", "load", "save rejection", "unlock")
		after := w.record()
		if !after.RejectedAt.Equal(w.clock()) || !after.RefreshingSince.IsZero() || !after.RefreshToken.Equal(before.RefreshToken) {
			t.Errorf("the record says rejected %s, refreshing %s", after.RejectedAt, after.RefreshingSince)
		}
		// Later readers ask nobody.
		for range 3 {
			_, err = w.keeper().Fresh(t.Context(), session.Need{AllowStale: true})
			wantLogin(t, err)
			_, err = w.keeper().Rotate(t.Context(), 0)
			wantLogin(t, err)
		}
		w.wantRequests(1)
		w.login()
		w.mustSurvive()
	})
	t.Run("the record was replaced by a good one", func(t *testing.T) {
		w := newWorld(t, nil)
		w.login()
		w.pass(life)
		w.sandbox.RevokeChains(w.app.ID)
		var other store.Record
		w.during(func() {
			w.mu.Lock()
			w.onLog = nil
			w.mu.Unlock()
			other = w.login()
		})
		result := w.fresh(session.Need{})
		wantOutcome(t, result, session.RefreshedElsewhere)
		if !result.Record.AccessToken.Equal(other.AccessToken) || !w.record().RejectedAt.IsZero() {
			t.Error("the other's token was not handed out, or was marked")
		}
		w.wantRequests(1)
		w.mustSurvive()
	})
	t.Run("the record was replaced by one that has expired", func(t *testing.T) {
		w := newWorld(t, nil)
		other := w.login()
		w.login()
		w.pass(life)
		other.Generation = 99
		w.sandbox.SetFault(sandbox.Fault{Path: "/connect/token", Kind: sandbox.FaultStatus, Status: 400, Body: `{"error":"invalid_grant"}`, Times: 1})
		w.during(func() { w.put(other) })
		_, err := w.keeper().Fresh(t.Context(), session.Need{})
		if !errors.Is(err, store.ErrReplaced) || errors.Is(err, session.ErrLoginRequired) {
			t.Errorf("error %v, want %v", err, store.ErrReplaced)
		}
		if r := w.record(); r.Generation != 99 || !r.RejectedAt.IsZero() {
			t.Error("the other's record was touched")
		}
		w.mustSurvive()
	})
	t.Run("the record was logged out", func(t *testing.T) {
		w := newWorld(t, nil)
		w.login()
		w.pass(life)
		w.sandbox.RevokeChains(w.app.ID)
		w.during(func() { w.safe.remove(account) })
		_, err := w.keeper().Fresh(t.Context(), session.Need{})
		wantLogin(t, err)
		if w.safe.present(account) {
			t.Error("the record is back")
		}
	})
	t.Run("the rejection cannot be saved", func(t *testing.T) {
		w := newWorld(t, nil)
		w.login()
		w.pass(life)
		w.sandbox.RevokeChains(w.app.ID)
		w.safe.failSet(2, &store.Error{Store: "safe", Class: store.NotWritable, Step: "saving", Err: errors.New("full")})
		_, err := w.keeper().Fresh(t.Context(), session.Need{})
		if err == nil || !w.safe.present(account) {
			t.Errorf("error %v, record there: %t", err, w.safe.present(account))
		}
	})
}

func TestAllowStale(t *testing.T) {
	for _, c := range []struct {
		name    string
		age     time.Duration
		fault   sandbox.Fault
		want    bool // the old token goes out
		refused bool // for good
	}{
		{"still alive, Xero is down", life - time.Minute, sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503}, true, false},
		{"still alive, Xero hangs up", life - time.Minute, sandbox.Fault{Kind: sandbox.FaultResetBefore}, true, false},
		{"still alive, the secret is wrong", life - time.Minute, sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, Body: `{"error":"invalid_client"}`}, true, false},
		{"still alive, Xero refuses the session", life - time.Minute, sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, Body: `{"error":"invalid_grant"}`}, false, true},
		{"dead", life, sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, stale := range []bool{true, false} {
				w := newWorld(t, nil)
				before := w.login()
				w.pass(c.age)
				c.fault.Path = "/connect/token"
				w.sandbox.SetFault(c.fault)
				result, err := w.keeper().Fresh(t.Context(), session.Need{MinTTL: 2 * time.Minute, AllowStale: stale})
				if c.want && stale {
					if err != nil || result.Failure == nil || !result.Record.AccessToken.Equal(before.AccessToken) {
						t.Errorf("error %v, failure %v", err, result.Failure)
					}
					wantOutcome(t, result, session.Kept)
					continue
				}
				if err == nil || !result.Record.AccessToken.IsZero() {
					t.Errorf("stale allowed %t: error %v, or a token came", stale, err)
				}
				if errors.Is(err, session.ErrLoginRequired) != c.refused {
					t.Errorf("a login is needed: %v, want %t", err, c.refused)
				}
			}
		})
	}
}

// TestFirstSignal is rule 8.
func TestFirstSignal(t *testing.T) {
	cause := errors.New("a signal")
	t.Run("in the request: the answer is awaited and saved", func(t *testing.T) {
		w := newWorld(t, nil)
		before := w.login()
		w.pass(life)
		ctx, cancel := context.WithCancelCause(t.Context())
		w.during(func() { cancel(cause) })
		_, err := w.keeper().Fresh(ctx, session.Need{})
		if !errors.Is(err, cause) {
			t.Errorf("error %v, want the signal", err)
		}
		after := w.record()
		if after.RefreshToken.Equal(before.RefreshToken) || !after.RefreshingSince.IsZero() || after.Generation != 1 {
			t.Error("the answer was not saved before returning")
		}
		w.wantRequests(1)
		w.mustSurvive()
	})
	t.Run("in the request, with a save that fails at first", func(t *testing.T) {
		w := newWorld(t, nil)
		w.login()
		w.pass(life)
		ctx, cancel := context.WithCancelCause(t.Context())
		w.during(func() { cancel(cause) })
		w.safe.set = func(n int) error {
			if n == 2 || n == 3 {
				return &store.Error{Store: "safe", Class: store.Other, Step: "saving", Err: errors.New("not now")}
			}
			return nil
		}
		if _, err := w.keeper().Fresh(ctx, session.Need{}); !errors.Is(err, cause) {
			t.Errorf("error %v, want the signal", err)
		}
		if w.record().Generation != 1 {
			t.Error("the answer was not saved")
		}
		w.mustSurvive()
	})
	t.Run("between two tries: no further one", func(t *testing.T) {
		w := newWorld(t, nil)
		w.login()
		w.pass(life)
		w.sandbox.SetFault(sandbox.Fault{Path: "/connect/token", Kind: sandbox.FaultStatus, Status: 500})
		ctx, cancel := context.WithCancelCause(t.Context())
		k := w.keeper()
		k.Pause = func(context.Context, time.Duration) { cancel(cause) }
		if _, err := k.Fresh(ctx, session.Need{}); !errors.Is(err, cause) {
			t.Errorf("error %v, want the signal", err)
		}
		w.wantRequests(1)
		w.mustSurvive()
	})
	t.Run("in a refusal: it is written down", func(t *testing.T) {
		w := newWorld(t, nil)
		w.login()
		w.pass(life)
		w.sandbox.RevokeChains(w.app.ID)
		ctx, cancel := context.WithCancelCause(t.Context())
		w.during(func() { cancel(cause) })
		if _, err := w.keeper().Fresh(ctx, session.Need{}); err == nil {
			t.Error("no error")
		}
		if w.record().RejectedAt.IsZero() {
			t.Error("the refusal was not saved")
		}
	})
	t.Run("while waiting for the lock: no request", func(t *testing.T) {
		w := newWorld(t, nil)
		w.login()
		w.pass(life)
		unlock, err := w.local().Lock(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() { _, err := w.keeper().Fresh(ctx, session.Need{}); done <- err }()
		cancel(cause)
		if err := <-done; !errors.Is(err, cause) {
			t.Errorf("error %v, want the signal", err)
		}
		unlock()
		w.wantRequests(0)
		w.mustSurvive()
	})
	t.Run("before: no request", func(t *testing.T) {
		w := newWorld(t, nil)
		w.login()
		w.pass(life)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		if _, err := w.keeper().Fresh(ctx, session.Need{}); !errors.Is(err, cause) {
			t.Errorf("error %v, want the signal", err)
		}
		w.wantRequests(0)
		w.mustSurvive()
	})
}

func TestLockHeldTooLong(t *testing.T) {
	w := newWorld(t, nil)
	w.login()
	w.pass(life)
	unlock, err := w.local().Lock(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	w.wait = time.Millisecond
	_, err = w.keeper().Fresh(t.Context(), session.Need{})
	var held *store.LockError
	if !errors.As(err, &held) || !strings.Contains(held.Holder, "a test") {
		t.Errorf("error %v, want one that names the holder", err)
	}
	unlock()
	w.wantRequests(0)
	w.wait = time.Minute
	w.mustSurvive()
}

func TestRotate(t *testing.T) {
	t.Run("now", func(t *testing.T) {
		w := newWorld(t, nil)
		before := w.login()
		result, err := w.keeper().Rotate(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		wantOutcome(t, result, session.Refreshed)
		if w.record().RefreshToken.Equal(before.RefreshToken) {
			t.Error("the refresh token is the old one")
		}
		w.wantRequests(1)
		w.mustSurvive()
	})
	for _, c := range []struct {
		name      string
		age, than time.Duration
		outcome   session.Outcome
	}{
		{"younger", 29 * 24 * time.Hour, 30 * 24 * time.Hour, session.Kept},
		{"exactly as old", 30 * 24 * time.Hour, 30 * 24 * time.Hour, session.Refreshed},
		{"older", 31 * 24 * time.Hour, 30 * 24 * time.Hour, session.Refreshed},
		{"young, and its access token has expired", time.Hour, 30 * 24 * time.Hour, session.Kept},
	} {
		t.Run("if older than 30 days: "+c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.login()
			w.pass(c.age)
			result, err := w.keeper().Rotate(t.Context(), c.than)
			if err != nil {
				t.Fatal(err)
			}
			wantOutcome(t, result, c.outcome)
			if c.outcome == session.Kept {
				w.wantRequests(0)
			} else {
				w.wantRequests(1)
			}
			w.mustSurvive()
		})
	}
	t.Run("another process did meanwhile", func(t *testing.T) {
		w := newWorld(t, nil)
		w.login()
		unlock, err := w.local().Lock(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		loaded := make(chan struct{})
		k := w.keeper()
		k.Store = signalling{k.Store, sync.OnceFunc(func() { close(loaded) })}
		done := make(chan session.Result, 1)
		go func() {
			result, err := k.Rotate(t.Context(), 0)
			if err != nil {
				t.Error(err)
			}
			done <- result
		}()
		<-loaded
		w.pass(time.Second)
		other := w.login()
		unlock()
		result := <-done
		wantOutcome(t, result, session.RefreshedElsewhere)
		if !result.Record.AccessToken.Equal(other.AccessToken) {
			t.Error("the other's token was not handed out")
		}
		w.wantRequests(0)
	})
}

// signalling tells when the record was read.
type signalling struct {
	store.Store
	loaded func()
}

func (s signalling) Load(ctx context.Context, account string) (secret.Text, store.Version, error) {
	defer s.loaded()
	return s.Store.Load(ctx, account)
}

func TestAppThatCannotBeFound(t *testing.T) {
	w := newWorld(t, nil)
	w.login()
	w.pass(life)
	k := w.keeper()
	why := &store.Error{Store: "safe", Class: store.Locked, Step: "reading the client secret", Err: errors.New("locked")}
	k.App = func(context.Context, store.Record) (xero.App, error) { return xero.App{}, why }
	if _, err := k.Fresh(t.Context(), session.Need{}); !errors.Is(err, why) {
		t.Errorf("error %v", err)
	}
	w.wantRequests(0)
	if !w.record().RefreshingSince.IsZero() {
		t.Error("the record was marked")
	}
	w.mustSurvive()
}

func TestWebAppRefreshesWithItsSecret(t *testing.T) {
	w := newWorld(t, nil)
	w.app = xero.App{ID: sandbox.DefaultWebClientID, Secret: secret.New(sandbox.DefaultWebClientSecret)}
	w.kind = "web"
	w.login()
	w.pass(life)
	wantOutcome(t, w.fresh(session.Need{}), session.Refreshed)
	w.mustSurvive()
}

// TestCustomConnection is rule 10.
func TestCustomConnection(t *testing.T) {
	begin := func(t *testing.T) *world {
		w := newWorld(t, nil)
		w.app = xero.App{ID: sandbox.DefaultCustomClientID, Secret: secret.New(sandbox.DefaultCustomClientSecret)}
		set, err := w.client().ClientCredentials(t.Context(), w.app)
		if err != nil {
			t.Fatal(err)
		}
		r := session.Renewed(store.Record{ClientID: w.app.ID, App: "custom"}, set)
		w.put(r)
		return w
	}
	t.Run("minted once an expiry", func(t *testing.T) {
		w := begin(t)
		wantOutcome(t, w.fresh(session.Need{}), session.Kept)
		w.wantRequests(1)
		w.pass(life)
		w.events.take()
		result := w.fresh(session.Need{})
		wantOutcome(t, result, session.Refreshed)
		w.wantEvents("load", "lock", "load", "request", "save", "unlock")
		if !w.works(result.Record.AccessToken) || !result.Record.RefreshToken.IsZero() || !result.Record.RefreshExpiry().IsZero() {
			t.Error("the token does not work, or a refresh token appeared")
		}
		wantOutcome(t, w.fresh(session.Need{}), session.Kept)
		w.wantRequests(2)
	})
	t.Run("20 ask at once", func(t *testing.T) {
		w := begin(t)
		w.pass(life)
		all := w.crowd(20, session.Need{})
		w.wantCrowd(all)
		w.wantRequests(2)
	})
	t.Run("a lost answer is asked for again", func(t *testing.T) {
		w := begin(t)
		w.pass(life)
		w.sandbox.SetFault(sandbox.Fault{Path: "/connect/token", Kind: sandbox.FaultResetAfter, Times: 1})
		wantOutcome(t, w.fresh(session.Need{}), session.Refreshed)
		w.wantRequests(3)
	})
	t.Run("a wrong secret deletes nothing", func(t *testing.T) {
		w := begin(t)
		w.app.Secret = secret.New("wrong")
		w.pass(life)
		if _, err := w.keeper().Fresh(t.Context(), session.Need{}); !xero.IsKind(err, xero.Refused) {
			t.Errorf("error %v, want refused", err)
		}
		w.app.Secret = secret.New(sandbox.DefaultCustomClientSecret)
		w.mustSurvive()
	})
	t.Run("if older than", func(t *testing.T) {
		w := begin(t)
		w.pass(10 * time.Minute)
		for _, c := range []struct {
			than    time.Duration
			outcome session.Outcome
		}{{11 * time.Minute, session.Kept}, {10 * time.Minute, session.Refreshed}, {time.Minute, session.Kept}} {
			result, err := w.keeper().Rotate(t.Context(), c.than)
			if err != nil {
				t.Fatal(err)
			}
			wantOutcome(t, result, c.outcome)
		}
	})
}

// answer is what one of many got.
type answer struct {
	result session.Result
	err    error
}

// crowd lets n keepers ask at once.
func (w *world) crowd(n int, need session.Need) []answer {
	w.t.Helper()
	out := make([]answer, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		k := w.keeper()
		all.Go(func() {
			<-start
			out[i].result, out[i].err = k.Fresh(w.t.Context(), need)
		})
	}
	close(start)
	all.Wait()
	return out
}

// wantCrowd asserts that all have the one token, and who refreshed.
func (w *world) wantCrowd(all []answer) {
	w.t.Helper()
	refreshed := 0
	now := w.record().AccessToken
	for _, a := range all {
		if a.err != nil {
			w.t.Errorf("somebody got no token: %v", a.err)
			continue
		}
		if !a.result.Record.AccessToken.Equal(now) {
			w.t.Error("somebody got another token than the record's")
		}
		if a.result.Outcome == session.Refreshed {
			refreshed++
		}
	}
	if refreshed != 1 {
		w.t.Errorf("%d say that they refreshed, want one", refreshed)
	}
	if !w.works(now) {
		w.t.Error("the API refuses the token")
	}
}

// TestOneRefreshForMany is rule 3, against a server that kills the session
// when a refresh token is used twice.
func TestOneRefreshForMany(t *testing.T) {
	w := newWorld(t, strict)
	w.login()
	for round := range 3 {
		w.pass(life)
		w.wantCrowd(w.crowd(30, session.Need{MinTTL: 2 * time.Minute}))
		w.wantRequests(round + 1)
	}
	w.mustSurvive()
}

// playProcess is one process of TestOneRefreshForManyProcesses.
func playProcess() {
	dir, authority := os.Args[1], os.Args[2]
	seconds, err := strconv.ParseInt(os.Args[3], 10, 64)
	check(err)
	now := func() time.Time { return time.Unix(seconds, 0) }
	e, err := xero.Authority(authority)
	check(err)
	k := &session.Keeper{
		Store: plainStore(dir), Account: account, Client: func(store.Record) (*xero.Client, error) { return xero.NewClient(e, "xeroauth/test", now), nil }, Now: now, Pause: xero.Sleep,
		App: func(context.Context, store.Record) (xero.App, error) {
			return xero.App{ID: sandbox.DefaultPublicClientID}, nil
		},
	}
	result, err := k.Fresh(context.Background(), session.Need{MinTTL: 2 * time.Minute})
	check(err)
	fmt.Printf("%s %x", result.Outcome, sha256.Sum256([]byte(result.Record.AccessToken.Reveal())))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func plainStore(dir string) store.Store {
	return file.NewPlain(file.Config{
		Dir:   filepath.Join(dir, "sessions"),
		Locks: &store.Locks{Dir: filepath.Join(dir, "locks"), Wait: 90 * time.Second, Holder: "a test"},
	})
}

func TestOneRefreshForManyProcesses(t *testing.T) {
	const processes = 12
	w := newWorld(t, strict)
	r := w.login()
	dir := testdir.New(t)
	s := plainStore(dir)
	if _, err := store.SaveRecord(t.Context(), s, account, r, ""); err != nil {
		t.Fatal(err)
	}
	w.pass(life)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	said := make([]string, processes)
	var all sync.WaitGroup
	for i := range processes {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), self, dir, w.sandbox.Authority(), strconv.FormatInt(w.clock().Unix(), 10))
			cmd.Env = append(os.Environ(), asProcess+"=1", "GORACE=atexit_sleep_ms=0")
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Errorf("a process: %v", err)
			}
			said[i] = string(out)
		})
	}
	all.Wait()
	w.wantRequests(1)
	after, _, err := store.LoadRecord(t.Context(), s, account)
	if err != nil {
		t.Fatal(err)
	}
	token := fmt.Sprintf("%x", sha256.Sum256([]byte(after.AccessToken.Reveal())))
	refreshed := 0
	for _, line := range said {
		outcome, hash, _ := strings.Cut(line, " ")
		if hash != token {
			t.Errorf("a process said %q, which is not the record's token", line)
		}
		if outcome == string(session.Refreshed) {
			refreshed++
		}
	}
	if refreshed != 1 {
		t.Errorf("%d processes say that they refreshed", refreshed)
	}
	if !w.works(after.AccessToken) {
		t.Error("the API refuses the token")
	}
}
