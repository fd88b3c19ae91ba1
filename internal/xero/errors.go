package xero

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Kind sorts what went wrong by what the caller can do about it.
type Kind int

const (
	// Temporary: the network, Xero's 5xx and 429, an edge page, or a reply that
	// cannot be read. The same request may be tried again.
	Temporary Kind = iota
	// InvalidGrant: the code or refresh token is not, or no longer, good.
	InvalidGrant
	// Refused: Xero understood and said no (client, secret, scope, URI).
	Refused
)

// Error is a request to Xero that did not give what was asked. Its text holds
// no secret and no reply body.
type Error struct {
	// Step says what was being done, as a gerund.
	Step string
	Kind Kind
	// Code is the OAuth error code (RFC 6749 section 5.2), if Xero gave one.
	Code string
	// Description is Xero's error_description: text from outside, not yet fit
	// for a terminal.
	Description string
	// Status is the HTTP status, 0 when no reply came.
	Status int
	// RetryAfter is what a 429 or 503 asked for, 0 when it did not.
	RetryAfter time.Duration
	// Lost says that the request may have been carried out although its answer
	// did not arrive or could not be read.
	Lost bool
	// Correlation is Xero-Correlation-Id, which Xero's staff ask for.
	Correlation string
	Err         error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Step)
	b.WriteString(": ")
	switch {
	case e.Code != "":
		fmt.Fprintf(&b, "Xero answered %s", e.Code)
		if e.Description != "" {
			fmt.Fprintf(&b, " (%s)", e.Description)
		}
	case e.Err != nil:
		b.WriteString(e.Err.Error())
	case e.Status != 0:
		fmt.Fprintf(&b, "Xero answered %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Correlation != "" {
		fmt.Fprintf(&b, " [Xero-Correlation-Id %s]", e.Correlation)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// IsKind reports whether err is an *Error of kind k.
func IsKind(err error, k Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == k
}

// retryAfter reads both forms of the header (RFC 9110 section 10.2.3): seconds,
// or a date, which is judged by the server's own Date where there is one. The
// day limit can say 67,000 s (docs/xero.md section 5), so callers bound it.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	const most = 365 * 24 * time.Hour
	if n, err := strconv.ParseUint(v, 10, 63); err == nil {
		if n > uint64(most/time.Second) {
			return most
		}
		return time.Duration(n) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), most)
}

// correlation returns the id if it is fit to print.
func correlation(h http.Header) string {
	id := h.Get("Xero-Correlation-Id")
	if len(id) > 64 || !onlyBytes(id, func(c byte) bool { return isAlnum(c) || c == '-' }) {
		return ""
	}
	return id
}
