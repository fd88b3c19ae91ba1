package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/sandbox"
	"github.com/xeroauth/xeroauth/internal/session"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// told is what those who asked are told.
type told string

const (
	renewed    told = "all have the new token, one refreshed it"
	elsewhere  told = "all have the token that somebody else saved"
	temporary  told = "try again, nothing was lost (exit 5)"
	firstFails told = "the first: try again; the others have the new token"
	loginAgain told = "a login is needed (exit 4)"
	refused    told = "Xero refused the app (exit 6)"
)

// cell is what one cell of the matrix must show.
type cell struct {
	requests int
	told     told
	// lives: once the fault is over, the session works.
	lives bool
}

const crowdSize = 20

// each is what becomes of a cell when every asker meets the same.
func (c cell) each() cell {
	c.requests *= crowdSize
	return c
}

// matrix lists every way in which a refresh fails, once and for as long as it
// lasts. A fault "after" was carried out by Xero: with the grace the old refresh
// token is taken again, and a strict server ends the session, because nobody
// has the new one. Those are the cells in which it cannot survive.
//
// "hang" is cut by the other side here; that our own limit of 30 s counts as a
// lost answer is for package xero to show.
func matrix() []matrixRow {
	ok := func(requests int) cell { return cell{requests, renewed, true} }
	fails := func(requests int) cell { return cell{requests, temporary, true} }
	dead := cell{2, loginAgain, false}   // the second request of a strict server's session
	deadYet := cell{6, temporary, false} // the same, but the refusal never arrives
	deadYetMany := cell{6, temporary, false}.each()
	const all = 6 // tries

	status := func(code int, retryAfter string, times int) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultStatus, Status: code, RetryAfter: retryAfter, Times: times}
	}
	oauthError := func(code string, times int) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultStatus, Status: http.StatusBadRequest, Body: `{"error":"` + code + `"}`, Times: times}
	}
	soon := day.Add(time.Hour + 5*time.Second).Format(http.TimeFormat) // 5 s after the matrix's askers ask

	rows := []matrixRow{
		{name: "500 once", fault: status(500, "", 1), graceOne: ok(2), graceMany: ok(2), strictOne: ok(2), strictMany: ok(2)},
		{name: "500 lasting", fault: status(500, "", 0), graceOne: fails(all), graceMany: fails(all).each(), strictOne: fails(all), strictMany: fails(all).each()},
		{name: "503 once", fault: status(503, "", 1), graceOne: ok(2), graceMany: ok(2), strictOne: ok(2), strictMany: ok(2)},
		{name: "503 lasting", alone: true, fault: status(503, "", 0), graceOne: fails(all), graceMany: fails(all).each(), strictOne: fails(all), strictMany: fails(all).each()},
		{name: "503 with 5 seconds, once", fault: status(503, "5", 1), pause: 5 * time.Second, graceOne: ok(2), graceMany: ok(2), strictOne: ok(2), strictMany: ok(2)},
		{name: "429 with 5 seconds, once", fault: status(429, "5", 1), pause: 5 * time.Second, graceOne: ok(2), graceMany: ok(2), strictOne: ok(2), strictMany: ok(2)},
		{name: "429 with 5 seconds, lasting", alone: true, fault: status(429, "5", 0), pause: 5 * time.Second, graceOne: fails(all), graceMany: fails(all).each(), strictOne: fails(all), strictMany: fails(all).each()},
		{name: "429 with a date in 5 seconds, once", fault: status(429, soon, 1), pause: 5 * time.Second, graceOne: ok(2), graceMany: ok(2), strictOne: ok(2), strictMany: ok(2)},
		{name: "429 with 60 seconds, lasting", fault: status(429, "60", 0), pause: time.Minute, graceOne: fails(2), graceMany: fails(2).each(), strictOne: fails(2), strictMany: fails(2).each()},
		{name: "429 with a day, once", fault: status(429, "86400", 1), graceOne: fails(1), graceMany: cell{2, firstFails, true}, strictOne: fails(1), strictMany: cell{2, firstFails, true}},
		{name: "429 with a day, lasting", fault: status(429, "86400", 0), graceOne: fails(1), graceMany: fails(1).each(), strictOne: fails(1), strictMany: fails(1).each()},
		{name: "invalid_client", fault: oauthError("invalid_client", 0), graceOne: cell{1, refused, true}, graceMany: cell{1, refused, true}.each(), strictOne: cell{1, refused, true}, strictMany: cell{1, refused, true}.each()},
		{name: "invalid_grant, true", setUp: func(w *world) { w.sandbox.RevokeChains(w.app.ID) },
			graceOne: cell{1, loginAgain, false}, graceMany: cell{1, loginAgain, false}, strictOne: cell{1, loginAgain, false}, strictMany: cell{1, loginAgain, false}},
		{name: "invalid_grant, false: the record was replaced", fault: oauthError("invalid_grant", 1),
			setUp:    func(w *world) { w.during(func() { w.login() }) },
			graceOne: cell{1, elsewhere, true}, graceMany: cell{1, elsewhere, true}, strictOne: cell{1, elsewhere, true}, strictMany: cell{1, elsewhere, true}},
		{name: "missing fields once", fault: sandbox.Fault{Kind: sandbox.FaultBody, Body: `{"token_type":"Bearer","expires_in":1800}`, Times: 1}, graceOne: ok(2), graceMany: ok(2), strictOne: ok(2), strictMany: ok(2)},
		{name: "missing fields lasting", fault: sandbox.Fault{Kind: sandbox.FaultBody, Body: `{}`}, graceOne: fails(all), graceMany: fails(all).each(), strictOne: fails(all), strictMany: fails(all).each()},
		{name: "new refresh token missing", fault: sandbox.Fault{Kind: sandbox.FaultNoRefreshToken, Times: 1}, graceOne: ok(1), graceMany: ok(1), strictOne: ok(1), strictMany: ok(1)},
		{name: "reset before it was carried out, once", fault: sandbox.Fault{Kind: sandbox.FaultResetBefore, Times: 1}, graceOne: ok(2), graceMany: ok(2), strictOne: ok(2), strictMany: ok(2)},
		{name: "reset before it was carried out, lasting", fault: sandbox.Fault{Kind: sandbox.FaultResetBefore}, graceOne: fails(all), graceMany: fails(all).each(), strictOne: fails(all), strictMany: fails(all).each()},
	}
	// Carried out, and the answer is no use.
	for _, f := range []struct {
		name string
		kind sandbox.FaultKind
	}{
		{"reset after it was carried out", sandbox.FaultResetAfter}, {"hang", sandbox.FaultHang}, {"truncated", sandbox.FaultTruncate},
		{"HTML", sandbox.FaultHTML}, {"empty", sandbox.FaultEmpty},
	} {
		fault := sandbox.Fault{Kind: f.kind, Delay: time.Millisecond}
		lasting := fault
		fault.Times = 1
		rows = append(rows,
			matrixRow{name: f.name + ", once", fault: fault, graceOne: ok(2), graceMany: ok(2), strictOne: dead, strictMany: dead},
			matrixRow{name: f.name + ", lasting", fault: lasting, alone: f.kind != sandbox.FaultResetAfter, graceOne: fails(all), graceMany: fails(all).each(), strictOne: deadYet, strictMany: deadYetMany},
		)
	}
	return rows
}

type matrixRow struct {
	name  string
	fault sandbox.Fault
	setUp func(*world)
	// pause, when set, is what the first pause between two tries must be.
	pause time.Duration
	// alone leaves out the crowd, where another row shows the same of it.
	alone                                      bool
	graceOne, graceMany, strictOne, strictMany cell
}

func TestRefreshMatrix(t *testing.T) {
	for _, row := range matrix() {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range []struct {
				strict  bool
				askers  int
				expired bool
				want    cell
			}{
				{false, 1, false, row.graceOne}, {false, 1, true, row.graceOne},
				{false, crowdSize, false, row.graceMany}, {false, crowdSize, true, row.graceMany},
				{true, 1, false, row.strictOne}, {true, 1, true, row.strictOne},
				{true, crowdSize, false, row.strictMany}, {true, crowdSize, true, row.strictMany},
			} {
				if row.alone && c.askers > 1 {
					continue
				}
				name := fmt.Sprintf("grace, %d, still good", c.askers)
				if c.strict {
					name = fmt.Sprintf("strict, %d, still good", c.askers)
				}
				if c.expired {
					name = name[:len(name)-len("still good")] + "expired"
				}
				t.Run(name, func(t *testing.T) { row.test(t, c.strict, c.askers, c.expired, c.want) })
			}
		})
	}
}

func (row matrixRow) test(t *testing.T, strictly bool, askers int, expired bool, want cell) {
	w := newWorld(t, func(cfg *sandbox.Config) { cfg.Strict = strictly })
	// Either token is asked for an hour after the clock's start.
	w.pass(45 * time.Minute)
	if expired {
		w.pass(-45 * time.Minute)
	}
	before := w.login()
	w.pass(day.Add(time.Hour).Sub(w.clock()))
	if row.setUp != nil {
		row.setUp(w)
	}
	if row.fault.Kind != "" {
		row.fault.Path, row.fault.GrantType = "/connect/token", "refresh_token"
		w.sandbox.SetFault(row.fault)
	}

	answers := w.crowd(askers, session.Need{MinTTL: 20 * time.Minute})
	w.wantRequests(want.requests)
	w.wantTold(answers, want.told)
	if row.pause > 0 && (len(w.pauses) == 0 || w.pauses[0] < row.pause || w.pauses[0] > row.pause+time.Second) {
		t.Errorf("pauses %v, want %s first", w.pauses, row.pause)
	}

	// Whatever happened, the record stands there, and belongs to the same person.
	if !w.safe.present(account) || slices.Contains(w.events.take(), "delete") {
		t.Fatal("the record was deleted")
	}
	now := w.record()
	if now.User != before.User || now.ClientID != before.ClientID || now.RefreshToken.IsZero() {
		t.Error("the record lost what must stay")
	}
	if want.told == temporary && !now.RefreshToken.Equal(before.RefreshToken) {
		t.Error("the refresh token is another although nothing was refreshed")
	}
	if rejected := !now.RejectedAt.IsZero(); rejected != (want.told == loginAgain) {
		t.Errorf("the record is marked rejected: %t", rejected)
	}
	// Who needs no more than the old token has it, fault or not.
	if want.told == temporary && w.clock().Before(before.Expiry) {
		result := w.fresh(session.Need{})
		wantOutcome(t, result, session.Kept)
		if !result.Record.AccessToken.Equal(before.AccessToken) {
			t.Error("a good token was not handed out")
		}
	}
	err := w.survives()
	switch {
	case want.lives && err != nil:
		t.Errorf("the session does not work afterwards: %v", err)
	case !want.lives && !errors.Is(err, session.ErrLoginRequired):
		t.Errorf("the session cannot survive here, and afterwards it says: %v", err)
	}
	if !w.safe.present(account) {
		t.Error("the record was deleted afterwards")
	}
}

func (w *world) wantTold(answers []answer, want told) {
	w.t.Helper()
	if want == renewed {
		w.wantCrowd(answers)
		return
	}
	failed := 0
	for _, a := range answers {
		if a.err != nil {
			failed++
			if !a.result.Record.AccessToken.IsZero() {
				w.t.Error("a token came with an error")
			}
		}
		right := false
		switch want {
		case elsewhere:
			right = a.err == nil && a.result.Outcome != session.Refreshed && a.result.Record.AccessToken.Equal(w.record().AccessToken)
		case temporary:
			right = xero.IsKind(a.err, xero.Temporary) && !errors.Is(a.err, session.ErrLoginRequired)
		case firstFails:
			right = a.err == nil || xero.IsKind(a.err, xero.Temporary)
		case loginAgain:
			right = errors.Is(a.err, session.ErrLoginRequired)
		case refused:
			right = xero.IsKind(a.err, xero.Refused) && !errors.Is(a.err, session.ErrLoginRequired)
		}
		if !right {
			w.t.Errorf("somebody was told %q, %v; want: %s", a.result.Outcome, a.err, want)
		}
	}
	if want == firstFails && failed != 1 {
		w.t.Errorf("%d failed, want one", failed)
	}
}
