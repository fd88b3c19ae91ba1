package xero

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"
)

// Reached is what a host answered to a request that asks for nothing.
type Reached struct {
	// Proxy is the address of the proxy that was used, empty without one.
	Proxy string
	// Ahead is how far this machine's clock is ahead of the host's, to a
	// second. HasDate is false when the host did not tell.
	Ahead   time.Duration
	HasDate bool
}

// Stage is how far a request came.
type Stage string

// The stages, in their order.
const (
	AtProxy   Stage = "proxy"
	AtName    Stage = "name"
	AtConnect Stage = "connection"
	AtTLS     Stage = "tls"
	AtAnswer  Stage = "answer"
)

// ReachError says where on the way to a host a request ended.
type ReachError struct {
	Host  string
	Stage Stage
	// Proxy is the proxy's address, without its password; empty without one.
	Proxy string
	Err   error
}

func (e *ReachError) Error() string {
	if e.Proxy != "" {
		return fmt.Sprintf("%s through the proxy %s: %v", e.Host, e.Proxy, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Host, e.Err)
}

func (e *ReachError) Unwrap() error { return e.Err }

// Hosts are addresses of the endpoints that a session needs, one for each host.
func (e Endpoints) Hosts() []string {
	var out []string
	seen := map[string]bool{}
	for _, address := range []string{e.Authorize, e.Token, e.Connections} {
		u, err := url.Parse(address)
		if err == nil && !seen[u.Host] {
			seen[u.Host] = true
			out = append(out, address)
		}
	}
	return out
}

// Reach sends address a HEAD request: any answer at all says that names,
// proxies, routes and certificates are in order. It fails with *ReachError.
func (c *Client) Reach(ctx context.Context, address string) (Reached, error) {
	ctx, s := withSeen(ctx)
	var handshake bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{TLSHandshakeStart: func() { handshake = true }})
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return Reached{}, &ReachError{Host: address, Stage: AtName, Err: err}
	}
	proxy, err := http.ProxyFromEnvironment(req)
	if err != nil {
		return Reached{}, &ReachError{Host: req.URL.Hostname(), Stage: AtProxy, Err: err}
	}
	var out Reached
	if proxy != nil {
		out.Proxy = proxy.Host
	}
	before := c.Now()
	if err := c.send(req); err != nil {
		return out, &ReachError{Host: req.URL.Hostname(), Stage: stageOf(err, proxy != nil, handshake), Proxy: out.Proxy, Err: err}
	}
	if date := s.date(); !date.IsZero() {
		// Date has whole seconds: on average it is half a second behind.
		middle := before.Add(c.Now().Sub(before) / 2)
		out.Ahead, out.HasDate = middle.Sub(date.Add(time.Second/2)).Round(time.Second), true
	}
	return out, nil
}

func stageOf(err error, viaProxy, handshake bool) Stage {
	var name *net.DNSError
	var dial *net.OpError
	var header tls.RecordHeaderError
	switch {
	case viaProxy && !handshake:
		return AtProxy
	case errors.As(err, &name):
		return AtName
	case isCertificate(err), errors.As(err, &header):
		return AtTLS
	case errors.As(err, &dial) && dial.Op == "dial":
		return AtConnect
	case handshake:
		return AtTLS
	}
	return AtAnswer
}
