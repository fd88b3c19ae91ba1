// Package session keeps a session alive: it hands out a token that is good for
// long enough and refreshes it when it is not. It promises that of all
// processes that ask at once one refreshes, that no new token leaves before
// its record is proven saved, and that no failure deletes a session. It never
// opens a browser: it says that a login is needed.
package session

import (
	"context"
	"errors"
	"time"

	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// Outcome says what became of a session when it was asked for.
type Outcome string

// The outcomes that scripts are told.
const (
	// Refreshed: this process rotated and saved the tokens.
	Refreshed Outcome = "refreshed"
	// RefreshedElsewhere: another process did, while this one waited.
	RefreshedElsewhere Outcome = "refreshed_elsewhere"
	// Kept: the tokens are those that stood there before.
	Kept Outcome = "kept"
	// LoginNeeded: only a login helps.
	LoginNeeded Outcome = "login_needed"
)

// Result is a session that can be used.
type Result struct {
	Record  store.Record
	Outcome Outcome
	// Failure is why a refresh was tried and did not come off, when the record
	// is handed out all the same.
	Failure error
	// Skew is how far this machine's clock is ahead of the server's, known
	// only after a refresh.
	Skew time.Duration
}

// ErrLoginRequired is what every *LoginError is.
var ErrLoginRequired = errors.New("a login is needed")

// ErrNoSession is the *LoginError of an account that holds nothing. The session
// may have been moved to another store since the caller chose this one.
var ErrNoSession error = &LoginError{Reason: "there is no session"}

// errNoRefreshToken is the *LoginError of a session that lives as long as its
// access token and no longer.
var errNoRefreshToken = &LoginError{Reason: "the session has no refresh token to renew it with (the scope offline_access gives one)"}

// LoginError says that only a login helps, and why.
type LoginError struct{ Reason string }

func (e *LoginError) Error() string { return e.Reason }

// Is makes errors.Is(err, ErrLoginRequired) true.
func (e *LoginError) Is(target error) bool { return target == ErrLoginRequired }

// Keeper keeps the session of one profile. It is for one goroutine; any number
// of processes may have one each.
type Keeper struct {
	Store   store.Store
	Account string
	// Client returns a client for the Xero that the record's tokens are of:
	// a refresh token must never go to another.
	Client func(r store.Record) (*xero.Client, error)
	// App finds the app that the record's tokens were issued for, with its
	// secret where it has one.
	App func(ctx context.Context, r store.Record) (xero.App, error)
	// Now is this machine's clock.
	Now func() time.Time
	// Pause waits between two tries; tests pass one that does not.
	Pause func(ctx context.Context, d time.Duration)
	// Writeback, if set, carries each renewed session to where it came from: a
	// store that ends with the job must not hold the only copy.
	Writeback *Writeback
	// Trace, if set, is told what happens, in words without secrets.
	Trace func(format string, args ...any)
}

// Need says how good a token must be.
type Need struct {
	// MinTTL is how long the token must live at least. A token minted just now
	// is good however short it lives.
	MinTTL time.Duration
	// AllowStale hands out a token that is still alive, though not for MinTTL,
	// when a refresh fails.
	AllowStale bool
}

// peek is how long a reader of a good token waits to see whether a refresh
// that was begun is still at work.
const peek = 50 * time.Millisecond

// Fresh returns a session whose token satisfies need, refreshing it if it must.
// Reading a good token takes no lock and sends no request. Errors: *LoginError,
// those of store and xero, and the cause that ended ctx.
func (k *Keeper) Fresh(ctx context.Context, need Need) (Result, error) {
	r, _, err := k.load(ctx)
	if err != nil {
		return Result{}, err
	}
	good := k.lives(r, need.MinTTL)
	switch {
	case k.owes(r):
		// The token must wait for the writeback, and rotate sees to that first.
	case good && r.RefreshingSince.IsZero():
		return Result{Record: r, Outcome: Kept}, nil
	case good:
		return k.mend(ctx, r)
	}
	result, err := k.rotate(ctx, r, func(now store.Record) bool { return !k.lives(now, need.MinTTL) })
	if err != nil && need.AllowStale && k.lives(r, 0) && !k.owes(r) && stillUsable(err) && ctx.Err() == nil {
		return Result{Record: r, Outcome: Kept, Failure: err}, nil
	}
	return result, err
}

// Rotate refreshes the session now, unless its refresh token is younger than
// ifOlderThan or another process refreshed it meanwhile.
func (k *Keeper) Rotate(ctx context.Context, ifOlderThan time.Duration) (Result, error) {
	r, _, err := k.load(ctx)
	if err != nil {
		return Result{}, err
	}
	due := func(now store.Record) bool {
		return ifOlderThan == 0 || k.Now().Sub(refreshedAt(now)) >= ifOlderThan
	}
	if !due(r) && !k.owes(r) {
		return Result{Record: r, Outcome: Kept}, nil
	}
	return k.rotate(ctx, r, due)
}

// refreshedAt is when the session was last renewed; a custom connection has
// only its access token.
func refreshedAt(r store.Record) time.Time {
	if r.RefreshToken.IsZero() {
		return r.ObtainedAt
	}
	return r.RefreshObtainedAt
}

// mend refreshes a session whose token is good but whose last refresh was cut
// off: Xero takes the old refresh token for 30 minutes only (docs/xero.md
// section 2). If that refresh is still running, or fails, the good token serves.
func (k *Keeper) mend(ctx context.Context, r store.Record) (Result, error) {
	kept := Result{Record: r, Outcome: Kept}
	peekCtx, cancel := context.WithTimeout(ctx, peek)
	defer cancel()
	unlock, err := k.Store.Lock(peekCtx, k.Account)
	if err != nil {
		if peekCtx.Err() == nil {
			kept.Failure = err // not another refresh at work, but no lock to be had
		}
		return kept, context.Cause(ctx)
	}
	defer unlock()
	k.trace("an earlier refresh was cut off: trying again with the same refresh token")
	result, err := k.rotateLocked(ctx, r, func(now store.Record) bool { return !now.RefreshingSince.IsZero() }, 1)
	if err != nil && stillUsable(err) && ctx.Err() == nil {
		kept.Failure = err
		return kept, nil
	}
	return result, err
}

// stillUsable reports whether a failed refresh leaves the old access token fit
// to be handed out. One whose writeback failed does not: a job that went on as
// if nothing were wrong would end with the session.
func stillUsable(err error) bool {
	var unwritten *WritebackError
	if errors.As(err, &unwritten) && unwritten.Renewed() {
		return false
	}
	return !errors.Is(err, ErrLoginRequired) || errors.Is(err, errNoRefreshToken)
}

// lives reports whether the access token is good for at least ttl more. One
// that was obtained in the future is not: the clock has jumped, and nothing is
// known of its age.
func (k *Keeper) lives(r store.Record, ttl time.Duration) bool {
	now := k.Now()
	return !r.ObtainedAt.After(now) && now.Add(ttl).Before(r.Expiry)
}

// load reads the record; ErrNotFound and a rejected record are a *LoginError.
func (k *Keeper) load(ctx context.Context) (store.Record, store.Version, error) {
	r, version, err := store.LoadRecord(ctx, k.Store, k.Account)
	if errors.Is(err, store.ErrNotFound) {
		return r, version, ErrNoSession
	}
	if err == nil && !r.RejectedAt.IsZero() {
		err = &LoginError{Reason: "Xero refused the session's refresh token on " + r.RejectedAt.Format(time.RFC3339)}
	}
	return r, version, err
}

func (k *Keeper) trace(format string, args ...any) {
	if k.Trace != nil {
		k.Trace(format, args...)
	}
}

// rotate takes the lock and refreshes if due still says so of the record that
// stands there then. seen is the record as read before the lock.
func (k *Keeper) rotate(ctx context.Context, seen store.Record, due func(store.Record) bool) (Result, error) {
	unlock, err := k.Store.Lock(ctx, k.Account)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	return k.rotateLocked(ctx, seen, due, maxTries)
}

func (k *Keeper) rotateLocked(ctx context.Context, seen store.Record, due func(store.Record) bool, tries int) (Result, error) {
	r, version, err := k.load(ctx)
	if err == nil && k.owes(r) {
		r, version, err = k.writeBack(ctx, r, version)
	}
	if err != nil {
		return Result{}, err
	}
	if !r.AccessToken.Equal(seen.AccessToken) && k.lives(r, 0) {
		k.trace("another process refreshed the session meanwhile")
		return Result{Record: r, Outcome: RefreshedElsewhere}, nil
	}
	if !due(r) {
		return Result{Record: r, Outcome: Kept}, nil
	}
	if r.App != customConnection && r.RefreshToken.IsZero() {
		return Result{}, errNoRefreshToken
	}
	app, err := k.App(ctx, r)
	if err != nil {
		return Result{}, err
	}
	client, err := k.Client(r)
	if err != nil {
		return Result{}, err
	}
	if r.App == customConnection {
		return k.mint(ctx, client, app, r, version, tries)
	}
	return k.refresh(ctx, client, app, r, version, tries)
}
