// Package keychain keeps entries in the OS keychain: macOS Keychain, Windows
// Credential Manager or a Secret Service. It never calls go-keyring bare: that
// library can start D-Bus daemons, wait for ever and panic. Each call here is
// bounded, each failure has a class, and "could not look" is never "not found".
package keychain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
)

// Service is the service name of every entry; the account is the profile's.
const Service = "xeroauth"

// Name is how users choose this store.
const Name = "keychain"

// Config says how patient to be.
type Config struct {
	Locks *store.Locks
	// Limit bounds one call, unless store.WithLimit says otherwise.
	Limit time.Duration
	// Waiting, if set, is called once when a call has taken a second: a dialog
	// may be open on the desktop.
	Waiting func()
	// MayPrompt lets a read wait for the system's unlock dialog, where there is
	// one. Without it a locked keychain is class Locked at once, on Linux; other
	// systems decide for themselves.
	MayPrompt bool
	// BusAddress is DBUS_SESSION_BUS_ADDRESS; only Linux and the BSDs look.
	BusAddress string
}

// New returns the keychain as a store. It does not touch the keychain.
func New(c Config) store.Store {
	return &store.Local{
		StoreName: Name, Locks: c.Locks,
		Get: func(ctx context.Context, account string) (secret.Text, error) {
			v, err := read(ctx, c, step("reading", account), account)
			return secret.New(v), err
		},
		Set: func(ctx context.Context, account string, value secret.Text) error {
			if n := len(value.Reveal()); n > store.MaxPacked {
				return failure(store.TooBig, step("saving", account), fmt.Errorf("the session takes %d bytes, and a keychain entry holds %d", n, store.MaxPacked))
			}
			_, err := guard(ctx, c, step("saving", account), true, func() (struct{}, error) { return struct{}{}, keyring.Set(Service, account, value.Reveal()) })
			return err
		},
		Remove: func(ctx context.Context, account string) error {
			_, err := guard(ctx, c, step("deleting", account), true, func() (struct{}, error) { return struct{}{}, keyring.Delete(Service, account) })
			return err
		},
	}
}

// readByLibrary reads where we have no reader of our own.
func readByLibrary(ctx context.Context, c Config, step, account string) (string, error) {
	return guard(ctx, c, step, false, func() (string, error) { return keyring.Get(Service, account) })
}

func step(verb, account string) string { return fmt.Sprintf("%s keychain entry %q", verb, account) }

func failure(class store.Class, step string, err error) error {
	return &store.Error{Store: Name, Class: class, Step: step, Err: err}
}

var (
	errNoAnswer = errors.New("the keychain did not answer")
	// errWentAway is a panic of go-keyring: it has one when the bus dies while
	// an unlock dialog is open.
	errWentAway = errors.New("the keychain went away during the call")
)

// guard runs one call of the library in a goroutine that may outlive it: a
// call that hangs cannot be stopped, only left behind.
func guard[T any](ctx context.Context, c Config, step string, writing bool, call func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var zero T
	if err := preflight(c.BusAddress); err != nil {
		return zero, failure(store.NoBus, step, err)
	}
	done := make(chan result, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- result{zero, errWentAway}
			}
		}()
		v, err := call()
		done <- result{v, err}
	}()
	limit := store.Limit(ctx, c.Limit)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	slow := time.NewTimer(time.Second)
	defer slow.Stop()
	for {
		select {
		case r := <-done:
			if r.err == nil {
				return r.value, nil
			}
			if errors.Is(r.err, keyring.ErrNotFound) {
				return zero, store.ErrNotFound
			}
			return zero, classify(step, writing, r.err)
		case <-slow.C:
			if c.Waiting != nil {
				c.Waiting()
			}
		case <-timer.C:
			return zero, failure(store.Timeout, step, fmt.Errorf("%w within %s", errNoAnswer, limit))
		case <-ctx.Done():
			return zero, context.Cause(ctx)
		}
	}
}

// classify sorts an error of go-keyring or of what lies under it. Types come
// before texts; texts are those of fixed strings in go-keyring and godbus.
func classify(step string, writing bool, err error) error {
	var class store.Class
	switch {
	case errors.Is(err, errWentAway):
		class = store.NoBus
	case errors.Is(err, keyring.ErrSetDataTooBig):
		class = store.TooBig
	case errors.Is(err, keyring.ErrUnsupportedPlatform):
		class = store.Unsupported
	default:
		var notFound bool
		if class, notFound = platformClass(err, writing); notFound {
			return store.ErrNotFound
		}
	}
	return failure(class, step, err)
}
