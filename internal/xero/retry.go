package xero

import (
	"context"
	"crypto/tls"
	"errors"
	"time"
)

// Retry sends one token request until it is answered for good. Only Temporary
// failures are tried again: what was lost may have been carried out, and Xero
// takes a used refresh token again for 30 minutes (docs/xero.md section 2).
type Retry struct {
	// Tries is the most requests; Bound the most time for all of them.
	Tries int
	Bound time.Duration
	// Now is this machine's clock, and Pause waits, ending early with ctx.
	Now   func() time.Time
	Pause func(ctx context.Context, d time.Duration)
	// Final, if set, says of a Temporary failure that it must not be tried again.
	Final func(*Error) bool
	// Trace, if set, is told of each try that failed.
	Trace func(format string, args ...any)
}

const (
	// tryLimit is what one try gets: shorter limits lose the answers of
	// rotations that were carried out (docs/xero.md section 2).
	tryLimit = 30 * time.Second
	// firstBackoff doubles with each try.
	firstBackoff = 500 * time.Millisecond
)

// Do returns send's first answer that is for good, or its last failure, whose
// Lost then speaks of all tries. A Retry-After beyond the bound ends it at
// once. The end of ctx stops further tries, never the one under way: its answer
// may be the only copy of the next refresh token.
func (r Retry) Do(ctx context.Context, send func(context.Context) (TokenSet, error)) (TokenSet, error) {
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.Bound)
	defer cancel()
	end := r.Now().Add(r.Bound)
	var lost bool
	for try := 1; ; try++ {
		one, cancelOne := context.WithTimeout(whole, tryLimit)
		set, err := send(one)
		cancelOne()
		var e *Error
		if err == nil || !errors.As(err, &e) {
			return set, err
		}
		lost = lost || e.Lost
		e.Lost = lost
		if e.Kind != Temporary {
			return set, err
		}
		wait := max(firstBackoff<<(try-1), e.RetryAfter)
		final := r.Final != nil && r.Final(e) || isCertificate(err)
		if final || try >= r.Tries || whole.Err() != nil || r.Now().Add(wait).After(end) {
			return set, err
		}
		if r.Trace != nil {
			r.Trace("try %d of %d: %v; trying again in %s", try, r.Tries, err, wait)
		}
		r.Pause(ctx, wait)
		if ctx.Err() != nil {
			return set, context.Cause(ctx)
		}
	}
}

// isCertificate reports a server that could not prove who it is: nothing was
// sent, and asking again changes nothing.
func isCertificate(err error) bool {
	var unproven *tls.CertificateVerificationError
	return errors.As(err, &unproven)
}

// Sleep is the Pause of a running program.
func Sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
