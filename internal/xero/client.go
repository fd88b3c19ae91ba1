// Package xero speaks to Xero's identity service and its connections endpoint,
// and for the doctor makes one harmless call of its API. It sends each request once: whether to try again is the
// caller's to decide, because codes and refresh tokens are for one use. It
// keeps nothing, prints nothing and never puts a secret or a reply body into
// an error. Facts it relies on are cited as sections of docs/xero.md.
package xero

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"
)

const (
	maxReply       = 1 << 20  // bytes of a token, revocation or key reply
	maxConnections = 16 << 20 // bytes of a connections reply
)

// Client sends requests to one Xero. It is safe for concurrent use.
type Client struct {
	Endpoints Endpoints
	// UserAgent goes with every request.
	UserAgent string
	// Now is this machine's clock.
	Now func() time.Time
	// Trace, if set, is told one line per request: method, address without
	// query, status, time taken.
	Trace func(format string, args ...any)

	http *http.Client
}

// NewClient returns a client that uses the usual proxy variables (loopback
// never goes through a proxy), trusts the system's roots and follows no
// redirect.
func NewClient(e Endpoints, userAgent string, now func() time.Time) *Client {
	c := &Client{Endpoints: e, UserAgent: userAgent, Now: now}
	c.http = &http.Client{
		Transport: &transport{client: c, base: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout: 15 * time.Second,
			ForceAttemptHTTP2:   true,
			IdleConnTimeout:     time.Minute,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// errTooLarge says that a reply was longer than what is read of it.
var errTooLarge = errors.New("the reply is larger than this program reads")

// transport reads every reply whole within its limit, so that a reply cut off
// on the way is one error in one place, and notes what the callers need of it.
type transport struct {
	client *Client
	base   http.RoundTripper
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", t.client.UserAgent)
	start := time.Now()
	resp, err := t.roundTrip(req)
	if trace := t.client.Trace; trace != nil {
		where := req.URL.Scheme + "://" + req.URL.Host + req.URL.Path
		took := time.Since(start).Round(time.Millisecond)
		if err != nil {
			trace("%s %s: %v after %s", req.Method, where, err, took)
		} else {
			trace("%s %s: %d in %s", req.Method, where, resp.StatusCode, took)
		}
	}
	return resp, err
}

func (t *transport) roundTrip(req *http.Request) (*http.Response, error) {
	seen, watched := req.Context().Value(seenKey{}).(*seen)
	if watched {
		req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
			GotConn: func(httptrace.GotConnInfo) { seen.connected = true },
		}))
	}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	limit := int64(maxReply)
	if req.URL.Path == pathOf(t.client.Endpoints.Connections) {
		limit = maxConnections
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = errTooLarge
	}
	if watched {
		seen.status, seen.header, seen.body = resp.StatusCode, resp.Header, body
	}
	if err != nil {
		return nil, fmt.Errorf("reading the reply: %w", err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// seen is what came back for one request, kept beside it because the OAuth
// and OpenID libraries do not hand out the reply of a success.
type seen struct {
	// connected: there was a connection to send the request on, through any
	// proxy and with a certificate that is trusted. Without one nothing left.
	connected bool
	status    int
	header    http.Header
	body      []byte
}

type seenKey struct{}

func withSeen(ctx context.Context) (context.Context, *seen) {
	s := new(seen)
	return context.WithValue(ctx, seenKey{}, s), s
}

// date returns the reply's Date, or the zero time.
func (s *seen) date() time.Time {
	at, _ := http.ParseTime(s.header.Get("Date"))
	return at
}

// failure turns what was seen of a request into an Error of kind Temporary;
// callers set Kind, Code and Description where Xero gave a reason.
func (c *Client) failure(step string, s *seen, err error) *Error {
	e := &Error{Step: step, Status: s.status, Err: err, Correlation: correlation(s.header)}
	if s.status == http.StatusTooManyRequests || s.status == http.StatusServiceUnavailable {
		e.RetryAfter = retryAfter(s.header, c.Now())
	}
	e.Lost = s.connected && (s.status == 0 || s.status/100 == 2 || s.status >= 500)
	return e
}
