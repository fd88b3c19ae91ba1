package login

import (
	"context"
	"errors"
	"sync"

	"github.com/xeroauth/xeroauth/internal/loopback"
)

// listen takes the first port that can be had. If the system denies one and no
// other is free, a person can still paste.
func (f *Flow) listen() (*loopback.Listener, []error, error) {
	issuer := f.Client.Endpoints.Issuer
	l, skipped, err := loopback.Listen(f.RedirectURIs, issuer)
	var denied *loopback.DeniedError
	if f.Paste == nil || !errors.As(err, &denied) {
		return l, skipped, err
	}
	l, pasteErr := loopback.WithoutPort(denied.URI, issuer)
	return l, []error{err}, pasteErr
}

// startPaste returns when nothing that is typed is shown, which must be before
// the person is told that they can paste. The context ends with an error of the
// pasting's. stop tells the pasting to end, and end waits until it did; each
// may be called twice.
func (f *Flow) startPaste(ctx context.Context, l *loopback.Listener) (waitCtx context.Context, stop, end func()) {
	waitCtx, fail := context.WithCancelCause(ctx)
	pasteCtx, cancel := context.WithCancel(waitCtx)
	ready, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if f.Paste == nil {
			return
		}
		if err := f.Paste(pasteCtx, sync.OnceFunc(func() { close(ready) }), l.Take); err != nil {
			fail(err)
		}
	}()
	select {
	case <-ready:
	case <-done:
	}
	return waitCtx, cancel, func() {
		cancel()
		<-done
		fail(nil)
	}
}

// wait returns what came, by the port or by hand.
func (f *Flow) wait(ctx context.Context, l *loopback.Listener) (loopback.Callback, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, f.Timeout, &NoConsentError{RedirectURI: l.URI(), Waited: f.Timeout})
	defer cancel()
	return l.Wait(ctx)
}
