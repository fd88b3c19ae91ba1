package session

import (
	"context"
	"fmt"
	"time"

	"github.com/xeroauth/xeroauth/internal/store"
)

// Writeback carries a renewed session to where the next job will read it. It is
// a pair of functions and no store: what it writes to cannot be read, locked or
// compared. Its calls are bounded by whoever made it.
type Writeback struct {
	// Prove shows that Write will be taken, before anything is rotated. It is
	// given the session as it stands. An error means that nothing is rotated.
	Prove func(ctx context.Context, r store.Record) error
	// Write writes the session, over whatever stands there.
	Write func(ctx context.Context, r store.Record) error
}

// WritebackError says that a session could not be written back. If it was
// renewed the store holds it, marked as due, and the next reader tries again
// before it hands out the token.
type WritebackError struct {
	// Until is when Xero stops taking the session that was written back before
	// (docs/xero.md section 2); zero if nothing was renewed.
	Until time.Time
	Err   error
}

func (e *WritebackError) Error() string {
	if !e.Renewed() {
		return fmt.Sprintf("trying the writeback before the session is renewed: %v", e.Err)
	}
	return fmt.Sprintf("writing the renewed session back: %v", e.Err)
}

func (e *WritebackError) Unwrap() error { return e.Err }

// Renewed reports whether the session was renewed before the writeback failed.
func (e *WritebackError) Renewed() bool { return !e.Until.IsZero() }

// owes reports whether a record's token has to wait for its writeback.
func (k *Keeper) owes(r store.Record) bool { return r.WritebackDue && k.Writeback != nil }

func (k *Keeper) proveWriteback(ctx context.Context, r store.Record) error {
	if k.Writeback == nil {
		return nil
	}
	if err := k.Writeback.Prove(ctx, r); err != nil {
		return &WritebackError{Err: err}
	}
	return context.Cause(ctx)
}

// writeBack pays what a record owes, under the lock, and notes that it is paid.
// The first signal does not stop it. It returns the record as it stands then.
func (k *Keeper) writeBack(ctx context.Context, r store.Record, version store.Version) (store.Record, store.Version, error) {
	r.WritebackDue = false
	if err := k.Writeback.Write(detach(ctx), r); err != nil {
		return r, version, &WritebackError{Until: r.ObtainedAt.Add(grace), Err: err}
	}
	saved, err := store.SaveRecord(store.WithLimit(detach(ctx), saveLimit), k.Store, k.Account, r, version)
	if err != nil {
		// The session is safe in both places; the next reader writes it once more.
		k.trace("noting that the session was written back: %v", err)
		return r, version, nil
	}
	return r, saved, nil
}
