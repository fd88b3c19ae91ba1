package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/term"
)

// paster returns how a person at the terminal hands in the address that their
// browser ended at; nil where there is nobody.
func (a *App) paster() func(ctx context.Context, ready func(), take func(address secret.Text) error) error {
	in, ok := a.Stdin.(*os.File)
	if !ok || !a.mayAsk() {
		return nil
	}
	return func(ctx context.Context, ready func(), take func(secret.Text) error) error {
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		// These end a process at once, and the terminal would stay dumb.
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGHUP, syscall.SIGQUIT)
		defer signal.Stop(signals)
		go func() {
			select {
			case s := <-signals:
				stop(&Interrupted{Signal: s})
			case <-ctx.Done():
			}
		}()
		err := term.Paste(ctx, in, ready, func(line secret.Text, err error) { a.pasted(line, err, take) })
		var stopped *Interrupted
		switch {
		case errors.Is(err, term.ErrInterrupt):
			return &Interrupted{Signal: os.Interrupt}
		case errors.As(context.Cause(ctx), &stopped):
			return stopped
		case err != nil:
			a.trace("nothing can be pasted here: %v", err)
		}
		return nil
	}
}

// pasted hands in one line, and says why it is not taken. What was pasted is
// never repeated.
func (a *App) pasted(line secret.Text, err error, take func(secret.Text) error) {
	if err == nil {
		err = take(line)
	}
	if err != nil {
		a.warn("the paste is not taken: %v", err)
		return
	}
	a.say("the address is taken")
}
