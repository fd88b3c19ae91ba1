// Command xeroauth gets a Xero OAuth 2.0 token onto a laptop, into a shell pipe
// and into CI. This file is the door: it hands the real clock, streams,
// environment and stores to the desk, and turns signals into an end.
package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/xeroauth/xeroauth/internal/cli"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/keychain"
	"github.com/xeroauth/xeroauth/internal/term"
	"github.com/xeroauth/xeroauth/internal/xero"
)

func main() {
	defer term.Restore() // for a panic; all else restores by itself
	ctx, cancel := context.WithCancelCause(context.Background())
	watch, letGo := watchLater(cancel)
	os.Exit(cli.Run(ctx, &cli.App{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Watch: watch,
		Now: time.Now, Pause: xero.Sleep, LockDir: store.LockDir, Keychain: keychain.New,
		Become: becomer(ctx, letGo), Build: build(), Program: os.Executable,
	}, os.Args[1:]))
}

// becomer gives up this program's hold on signals and runs another in its
// place, unless one came before.
func becomer(ctx context.Context, letGo func()) func(string, []string, []string) (int, error) {
	return func(path string, args, environ []string) (int, error) {
		letGo()
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return become(path, args, environ)
	}
}

// watchLater handles signals from the first watch on: that takes two threads,
// which a command that only reads does without. A pipe that nobody reads is a
// write error from the start. letGo is handleSignals'.
func watchLater(cancel context.CancelCauseFunc) (watch, letGo func()) {
	signal.Ignore(syscall.SIGPIPE)
	letGo = func() {}
	watch = sync.OnceFunc(func() { letGo = handleSignals(cancel) })
	return watch, func() { letGo() }
}

// handleSignals ends ctx at the first SIGINT or SIGTERM, so that a save under
// way can finish, and the program at the second. SIGPIPE stays a write error:
// a closed pipe must not kill a refresh before its save. It is not ignored any
// more, because programs that are started would inherit that. After letGo
// signals do what they do to any program; one that came before has ended ctx
// when letGo returns.
func handleSignals(cancel context.CancelCauseFunc) (letGo func()) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		first, came := <-signals
		if !came {
			return
		}
		cancel(&cli.Interrupted{Signal: first})
		if second, came := <-signals; came {
			term.Restore()
			os.Exit((&cli.Interrupted{Signal: second}).ExitCode())
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
		<-done
	}
}
