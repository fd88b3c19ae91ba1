// Package github writes secrets of GitHub Actions over its REST API, and does
// nothing else there. A value is sealed on this machine, so that GitHub's front
// ends never see it; the token goes to one address, over https, and follows no
// redirect. It keeps nothing, prints nothing, and puts neither token nor value
// into an error.
package github

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// DefaultAPI is GitHub's own address; an Enterprise Server has another.
const DefaultAPI = "https://api.github.com"

const (
	// apiVersion is the oldest that GitHub.com and every Enterprise Server in
	// support know; what is used here has not changed since.
	apiVersion = "2022-11-28"
	// maxReply bounds what is read of an answer, in bytes.
	maxReply = 1 << 20
	// requestLimit is what one request gets.
	requestLimit = 20 * time.Second
)

// Config says whom to ask, and as whom.
type Config struct {
	// API is the address; empty means DefaultAPI.
	API   string
	Token secret.Text
	// UserAgent is sent with each request: GitHub refuses those without one.
	UserAgent string
	// Roots are the authorities to trust; nil means the system's.
	Roots *x509.CertPool
	Now   func() time.Time
	// Trace, if set, is told one line per request.
	Trace func(format string, args ...any)
}

// Client sends requests to one GitHub.
type Client struct {
	Config
	http *http.Client
	// probeName is one for the client's life, so that a probe that is tried again
	// leaves nothing behind.
	probeName string
}

var (
	// ErrAPI says that an address is not one of https.
	ErrAPI = errors.New("GitHub's address must be https://HOST, with a path at most")
	// ErrToken says that there is no token, or that it cannot be one.
	ErrToken = errors.New("there is no token for GitHub")
)

// New returns a client. Errors: ErrAPI, ErrToken.
func New(c Config) (*Client, error) {
	if c.API == "" {
		c.API = DefaultAPI
	}
	u, err := url.Parse(c.API)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, ErrAPI // without quoting it: it may hold a password
	}
	c.API = strings.TrimSuffix(c.API, "/")
	token := strings.TrimSpace(c.Token.Reveal())
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, ErrToken
	}
	c.Token = secret.New(token)
	return &Client{Config: c, probeName: "XEROAUTH_CHECK_" + rand.Text()[:8], http: &http.Client{
		Timeout: requestLimit,
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSClientConfig:     &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: 10 * time.Second,
			ForceAttemptHTTP2:   true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// send makes one request and decodes its answer into out, if that is not nil.
// Statuses other than 2xx are an *Error.
func (c *Client) send(ctx context.Context, step, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.API+path, body)
	if err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token.Reveal())
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("X-GitHub-Api-Version", apiVersion)
	req.Header.Set("User-Agent", c.UserAgent)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	status, header, reply, err := c.roundTrip(req)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return &Error{Step: step, Kind: Temporary, Err: withoutAddress(err)}
	}
	if status/100 != 2 {
		return c.failure(step, status, header, reply)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(reply, out); err != nil {
		return &Error{Step: step, Kind: Temporary, Status: status, Err: errors.New("the answer cannot be read")}
	}
	return nil
}

func (c *Client) roundTrip(req *http.Request) (status int, header http.Header, reply []byte, err error) {
	start := time.Now()
	resp, err := c.http.Do(req)
	if err == nil {
		defer func() { _ = resp.Body.Close() }()
		status, header = resp.StatusCode, resp.Header
		reply, err = io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
		if err == nil && len(reply) > maxReply {
			err = errors.New("the answer is larger than this program reads")
		}
	}
	if c.Trace != nil {
		result := fmt.Sprint(status)
		if err != nil {
			result = withoutAddress(err).Error()
		}
		c.Trace("%s %s://%s%s: %s in %s", req.Method, req.URL.Scheme, req.URL.Host, req.URL.Path, result, time.Since(start).Round(time.Millisecond))
	}
	return status, header, reply, err
}

// withoutAddress drops what net/http puts before an error.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
