// Package store keeps records and client secrets. It promises that a save is
// whole or not at all, that a save or a deletion counts only when a second
// read proved it, and that two processes never change one record at once. It
// never falls from one store to another by itself, and never says "not found"
// when it could not look.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// Version names one content of one account. The empty Version means that there
// is no entry.
type Version string

// Store keeps one secret value per account. Implementations are safe for use
// by many processes at once. Errors are ErrNotFound, ErrReplaced, *LockError or
// *Error.
type Store interface {
	// Name is how users choose the store: "keychain", "file", "plain".
	Name() string
	// Load returns the account's value and its version.
	Load(ctx context.Context, account string) (secret.Text, Version, error)
	// Save writes value in place of the version named and returns the new
	// version, read back. ErrReplaced means that another version stands there
	// and nothing was written. The caller holds the account's lock.
	Save(ctx context.Context, account string, value secret.Text, replaces Version) (Version, error)
	// Delete removes the account, proven by a read; none there is no error.
	// The caller holds the account's lock.
	Delete(ctx context.Context, account string) error
	// Lock takes the lock between processes that guards the account, waiting
	// until it is free, ctx ends, or the store's limit passes (*LockError).
	// The caller calls unlock.
	Lock(ctx context.Context, account string) (unlock func(), err error)
}

var (
	// ErrNotFound says that the store answered and has no such account.
	ErrNotFound = errors.New("nothing is kept under that name")
	// ErrReplaced says that the entry to be replaced is gone or was replaced.
	ErrReplaced = errors.New("another process changed the session meanwhile")
)

// Class sorts a store's failures by what a person can do about them.
type Class string

// The classes. Each has one piece of advice, at the desk.
const (
	NoBus          Class = "no-session-bus"
	NoService      Class = "no-secret-service"
	NoCollection   Class = "no-default-collection"
	Locked         Class = "locked"
	Timeout        Class = "timeout"
	Denied         Class = "denied"
	NoLogonSession Class = "no-logon-session"
	TooBig         Class = "too-big"
	Unproven       Class = "unproven"
	Unsupported    Class = "unsupported"
	NotWritable    Class = "not-writable"
	Permissions    Class = "permissions"
	NoKey          Class = "no-key"
	WrongKey       Class = "wrong-key"
	Damaged        Class = "damaged"
	Newer          Class = "newer"
	Other          Class = "other"
)

// Error is a store that could not do what was asked. Its text holds no secret.
type Error struct {
	Store string
	Class Class
	// Step says what was being done, as a gerund.
	Step string
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Step, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// IsClass reports whether err is an *Error of class c.
func IsClass(err error, c Class) bool {
	var e *Error
	return errors.As(err, &e) && e.Class == c
}

type limitKey struct{}

// WithLimit gives a store at most d for each call made with the context, in
// place of its own limit. The save after a rotation gets more time than a read:
// the old refresh token is spent.
func WithLimit(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, limitKey{}, d)
}

// Limit returns what WithLimit set, else own.
func Limit(ctx context.Context, own time.Duration) time.Duration {
	if d, ok := ctx.Value(limitKey{}).(time.Duration); ok {
		return d
	}
	return own
}
