package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// customConnection is the app kind whose sessions have no refresh token.
const customConnection = "custom"

// refresh trades the refresh token, under the lock. The record is marked first:
// if it can't be saved now, nothing may be rotated; and if this process dies,
// the next reader knows.
func (k *Keeper) refresh(ctx context.Context, client *xero.Client, app xero.App, r store.Record, version store.Version, tries int) (Result, error) {
	if err := k.outlastCutOff(ctx, r); err != nil {
		return Result{}, err
	}
	if err := k.proveWriteback(ctx, r); err != nil {
		return Result{}, err
	}
	marked := r
	marked.RefreshingSince = k.Now()
	markedVersion, err := store.SaveRecord(ctx, k.Store, k.Account, marked, version)
	if err != nil {
		return Result{}, err
	}
	set, err := k.retry(tries).Do(ctx, func(ctx context.Context) (xero.TokenSet, error) {
		return client.Refresh(ctx, app, r.RefreshToken)
	})
	switch {
	case xero.IsKind(err, xero.InvalidGrant):
		return k.rejected(ctx, marked, markedVersion, err)
	case err != nil && certainlyUnused(err):
		unmarked := marked
		unmarked.RefreshingSince = r.RefreshingSince
		_, saveErr := store.SaveRecord(detach(ctx), k.Store, k.Account, unmarked, markedVersion)
		return Result{}, errors.Join(err, saveErr)
	case err != nil:
		return Result{}, err
	}
	return k.keep(ctx, marked, set, markedVersion)
}

// landing is how long the request of a process that was killed is given to
// land. Marks have whole seconds, so it is one second at least.
const landing = 2 * time.Second

// outlastCutOff waits until a request that a killed process may have left under
// way has reached Xero. If it came in after the next rotation but one, it would
// be a refresh token used long after its successor: what servers that watch for
// theft end a session for.
func (k *Keeper) outlastCutOff(ctx context.Context, r store.Record) error {
	if r.RefreshingSince.IsZero() {
		return nil
	}
	if wait := r.RefreshingSince.Add(landing).Sub(k.Now()); wait > 0 && wait <= landing {
		k.trace("a refresh was cut off just now: waiting %s until its request has landed", wait.Round(time.Millisecond))
		k.Pause(ctx, wait)
	}
	return context.Cause(ctx)
}

// certainlyUnused reports whether Xero answered, for good, that it did not
// carry out the refresh, so that the mark would only send later readers into
// the same refusal.
func certainlyUnused(err error) bool {
	var e *xero.Error
	return errors.As(err, &e) && !e.Lost
}

// mint asks for a new token of a custom connection. Nothing rotates, so no
// mark is needed.
func (k *Keeper) mint(ctx context.Context, client *xero.Client, app xero.App, r store.Record, version store.Version, tries int) (Result, error) {
	set, err := k.retry(tries).Do(ctx, func(ctx context.Context) (xero.TokenSet, error) {
		return client.ClientCredentials(ctx, app)
	})
	if err != nil {
		return Result{}, err
	}
	return k.keep(ctx, r, set, version)
}

// keep saves what Xero sent before anybody sees it. The first signal does not
// stop it. A save that failed at once is tried again; one that timed out is
// not, for it may yet be written.
func (k *Keeper) keep(ctx context.Context, old store.Record, set xero.TokenSet, version store.Version) (Result, error) {
	r := Renewed(old, set)
	r.WritebackDue = k.Writeback != nil
	var err error
	for try := range saveTries {
		if try > 0 {
			k.Pause(detach(ctx), savePause)
		}
		var saved store.Version
		saved, err = store.SaveRecord(store.WithLimit(detach(ctx), saveLimit), k.Store, k.Account, r, version)
		if err == nil {
			if k.owes(r) {
				if r, _, err = k.writeBack(ctx, r, saved); err != nil {
					return Result{}, err
				}
			}
			result := Result{Record: r, Outcome: Refreshed}
			if !set.Date.IsZero() {
				result.Skew = set.ObtainedAt.Sub(set.Date)
			}
			return result, context.Cause(ctx)
		}
		if errors.Is(err, store.ErrReplaced) || store.IsClass(err, store.Timeout) || store.IsClass(err, store.TooBig) {
			break
		}
	}
	return Result{}, &UnsavedError{Until: set.ObtainedAt.Add(grace), Err: err}
}

const (
	// saveLimit is what one save of a renewed session gets.
	saveLimit = 60 * time.Second
	saveTries = 3
	savePause = 300 * time.Millisecond
	// grace is how long Xero takes a used refresh token again (docs/xero.md
	// section 2).
	grace = 30 * time.Minute
)

// UnsavedError says that Xero renewed the session and the store did not take
// it. The record that stands there still works until Until.
type UnsavedError struct {
	Until time.Time
	Err   error
}

func (e *UnsavedError) Error() string {
	return fmt.Sprintf("saving the renewed session: %v", e.Err)
}

func (e *UnsavedError) Unwrap() error { return e.Err }

// Renewed returns old with the tokens of set. A reply without a refresh token
// leaves the old one.
func Renewed(old store.Record, set xero.TokenSet) store.Record {
	r := old
	r.AccessToken, r.ObtainedAt, r.Expiry = set.AccessToken, set.ObtainedAt, set.Expiry
	if !set.RefreshToken.IsZero() {
		r.RefreshToken, r.RefreshObtainedAt = set.RefreshToken, set.ObtainedAt
	}
	if set.Scopes != nil {
		r.Scopes = set.Scopes
	}
	r.Generation++
	r.RefreshingSince, r.RejectedAt = time.Time{}, time.Time{}
	return r
}

// rejected believes an invalid_grant only if the record that stands there is
// still the one that was refused; then it is marked, never deleted.
func (k *Keeper) rejected(ctx context.Context, marked store.Record, version store.Version, refusal error) (Result, error) {
	now, present, err := k.load(detach(ctx))
	if err != nil {
		return Result{}, err
	}
	if present != version {
		if k.lives(now, 0) {
			return Result{Record: now, Outcome: RefreshedElsewhere}, nil
		}
		return Result{}, fmt.Errorf("%w: %w", store.ErrReplaced, refusal)
	}
	marked.RejectedAt, marked.RefreshingSince = k.Now(), time.Time{}
	if _, err := store.SaveRecord(detach(ctx), k.Store, k.Account, marked, version); err != nil {
		return Result{}, err
	}
	return Result{}, &LoginError{Reason: refusal.Error()}
}

const (
	// maxTries with backoffs of ½, 1, 2, 4 and 8 seconds end a refresh that is
	// answered with failures after a quarter minute; bound ends one that hangs.
	maxTries = 6
	bound    = 75 * time.Second
)

// Retry is how patient a refresh is; minting a token without a session is no
// less.
func Retry(now func() time.Time, pause func(context.Context, time.Duration), trace func(string, ...any)) xero.Retry {
	return xero.Retry{Tries: maxTries, Bound: bound, Now: now, Pause: pause, Trace: trace}
}

func (k *Keeper) retry(tries int) xero.Retry {
	r := Retry(k.Now, k.Pause, k.Trace)
	r.Tries = tries
	return r
}

// detach lets a save outlive the first signal.
func detach(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }
