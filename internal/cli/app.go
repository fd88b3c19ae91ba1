// Package cli is the desk: one file for each command, and one place where
// errors become advice and exit codes. It alone reads flags and the
// environment and prints; what the commands do lies on the floors below.
package cli

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"time"

	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/keychain"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// App is all that the program has of the world. main fills it with the real
// one, tests with theirs; no variable of the environment changes it.
type App struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Environ is the environment as NAME=VALUE.
	Environ []string
	// Now is this machine's clock, and Pause waits.
	Now   func() time.Time
	Pause func(ctx context.Context, d time.Duration)
	// LockDir finds the folder for locks.
	LockDir func() (string, error)
	// Keychain makes the store of the OS.
	Keychain func(keychain.Config) store.Store
	// Authority is where new profiles find Xero; empty means Xero itself.
	Authority string
	// Roots are the authorities that GitHub's address is checked by; nil means
	// the system's.
	Roots *x509.CertPool
	// Browser opens an address; nil means the person's own browser.
	Browser func(address string) error
	// Become runs a program in the place of this one, with its streams and its
	// signals. Where the system can do that it only returns if the program
	// could not be started or a signal came before; elsewhere, with the
	// program's exit code.
	Become func(path string, args, environ []string) (exit int, err error)
	// Watch makes SIGINT and SIGTERM end the context, once and for good. It is
	// called before anything that must come to an orderly end; a command that
	// only reads is ended by them as any program is. nil: the context is watched
	// already.
	Watch func()
	// Program is the path of this program, for the doctor's second process.
	Program func() (string, error)
	Build   Build

	flags globalFlags
	// answer collects stdout, so that a command that fails prints none of it.
	answer *bytes.Buffer
	// reportsState is set by commands whose answer is printed even if they fail.
	reportsState bool
	// hasProfile and hasSecret say of the profile in hand, for hints, that it
	// stands already and that its app has a client secret.
	hasProfile, hasSecret bool
	// waiting is the countdown of a login.
	waiting *countdown
	// madeKey is the file of a key that this run made for the file store.
	madeKey string
	// toldSession is set once it was said that XEROAUTH_SESSION is not used.
	toldSession bool
	// jobFile is the file of the job session in hand; empty if there is none.
	jobFile string
	// exit is what the program that exec ran ended with.
	exit int
	// command is what waiters for a lock are told.
	command string
}

// Build says which program this is.
type Build struct{ Version, Commit, Date string }

func (a *App) watch() {
	if a.Watch != nil {
		a.Watch()
	}
}

// userAgent names the program to Xero.
func (a *App) userAgent() string {
	return "xeroauth/" + a.Build.Version + " (+https://github.com/xeroauth/xeroauth)"
}

// client returns a client for the Xero at authority, if that is empty at the
// App's own.
func (a *App) client(authority string) (*xero.Client, error) {
	endpoints, err := xero.Authority(firstOf(authority, a.Authority))
	if err != nil {
		return nil, usagef("", "--authority: %v", err)
	}
	c := xero.NewClient(endpoints, a.userAgent(), a.Now)
	c.Trace = a.trace
	return c, nil
}
