package github

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Kind sorts GitHub's refusals by what a person can do about them.
type Kind string

// The kinds.
const (
	// BadToken: GitHub does not know the token (401).
	BadToken Kind = "bad-token"
	// NoRight: the token may not do this (403).
	NoRight Kind = "no-right"
	// NotFound: there is no such thing, or the token may not see it (404).
	NotFound Kind = "not-found"
	// Limited: too many requests, by the primary or a secondary limit (403 or
	// 429); nothing is said about rights.
	Limited Kind = "limited"
	// Temporary: the network, or GitHub's own trouble.
	Temporary Kind = "temporary"
	// Refused: any other answer.
	Refused Kind = "refused"
)

// Error is an answer of GitHub's other than success, or none.
type Error struct {
	Step   string
	Kind   Kind
	Status int
	// Message is GitHub's own, cut short: text from outside.
	Message string
	// Accepted names the permissions, any of which would have been enough, in
	// GitHub's words ("secrets=write"); empty if it did not tell.
	Accepted string
	// RetryAfter is how long GitHub asks to wait; zero if it did not say.
	RetryAfter time.Duration
	Err        error
}

func (e *Error) Error() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("%s: %v", e.Step, e.Err)
	case e.Message != "":
		return fmt.Sprintf("%s: GitHub answered %d: %s", e.Step, e.Status, e.Message)
	}
	return fmt.Sprintf("%s: GitHub answered %d", e.Step, e.Status)
}

func (e *Error) Unwrap() error { return e.Err }

// OfIntegration reports whether GitHub refused the token as one of an app,
// which the GITHUB_TOKEN of a job is as well.
func (e *Error) OfIntegration() bool {
	return strings.Contains(strings.ToLower(e.Message), "not accessible by integration")
}

const maxMessage = 200

func (c *Client) failure(step string, status int, header http.Header, reply []byte) *Error {
	e := &Error{Step: step, Kind: Refused, Status: status, RetryAfter: c.retryAfter(header)}
	var body struct {
		Message string `json:"message"`
	}
	// A page of a proxy's is no JSON, and has no message.
	_ = json.Unmarshal(reply, &body)
	e.Message = cut(body.Message)
	if accepted := header.Get("X-Accepted-GitHub-Permissions"); len(accepted) <= maxMessage {
		e.Accepted = accepted
	}
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusForbidden && isLimit(header, body.Message):
		e.Kind = Limited
	case status == http.StatusUnauthorized:
		e.Kind = BadToken
	case status == http.StatusForbidden:
		e.Kind = NoRight
	case status == http.StatusNotFound:
		e.Kind = NotFound
	case status >= http.StatusInternalServerError:
		e.Kind = Temporary
	}
	return e
}

// isLimit tells a 403 that speaks of too many requests from one that speaks of
// rights: docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api.
// A secondary limit may come without Retry-After.
func isLimit(header http.Header, message string) bool {
	return header.Get("Retry-After") != "" || header.Get("X-RateLimit-Remaining") == "0" || strings.Contains(strings.ToLower(message), "rate limit")
}

// retryAfter reads how long GitHub asks to wait: seconds, or the time at which
// the primary limit is counted anew.
func (c *Client) retryAfter(header http.Header) time.Duration {
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if reset, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64); err == nil && header.Get("X-RateLimit-Remaining") == "0" {
		return max(time.Unix(reset, 0).Sub(c.Now()), time.Second)
	}
	return 0
}

func cut(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + "…"
}
