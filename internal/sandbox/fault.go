package sandbox

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// FaultKind says how a request fails.
type FaultKind string

// The kinds of fault.
const (
	// FaultStatus answers Status (503 by default) with Body and RetryAfter; the request is not processed.
	FaultStatus FaultKind = "status"
	// FaultResetBefore resets the TCP connection before the request is processed.
	FaultResetBefore FaultKind = "reset_before"
	// FaultResetAfter processes the request, then resets the TCP connection: the answer is lost.
	FaultResetAfter FaultKind = "reset_after"
	// FaultDelay waits until Delay has passed or the client has left, then processes normally in either case.
	FaultDelay FaultKind = "delay"
	// FaultHang processes, then says nothing until the client leaves or Delay (120 s by default) has passed, and resets.
	FaultHang FaultKind = "hang"
	// FaultTruncate processes, sends the real headers with the full Content-Length and half the body, and closes.
	FaultTruncate FaultKind = "truncate"
	// FaultHTML processes, then answers 200 with a web page in place of the result.
	FaultHTML FaultKind = "html"
	// FaultEmpty processes, then answers 200 with an empty body.
	FaultEmpty FaultKind = "empty"
	// FaultBody does not process, and answers 200 with Body as ContentType, application/json by default.
	FaultBody FaultKind = "body"
	// FaultErrorPage does not process, and leaves the user on Xero's error page, which says Body.
	FaultErrorPage FaultKind = "error_page"
	// FaultNoRefreshToken processes, gives no new refresh token, and leaves the old one as valid as it was.
	FaultNoRefreshToken FaultKind = "no_refresh_token"
)

// hangLimit bounds FaultHang when no Delay is given.
const hangLimit = 120 * time.Second

// Fault is a failure on demand.
type Fault struct {
	// Path is an exact path such as "/connect/token"; "/connections" also covers the addresses below it.
	Path string
	// GrantType, when set, limits the fault to token requests with this grant_type.
	GrantType   string
	Kind        FaultKind
	Status      int
	RetryAfter  string
	Delay       time.Duration
	Body        string
	ContentType string
	// Times is how often the fault strikes; 0 means for ever.
	Times int
}

// SetFault adds a fault. Of those that fit a request the one set first strikes, until its Times are used up; so several
// faults with Times make a sequence.
func (s *Sandbox) SetFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// ClearFaults ends all faults.
func (s *Sandbox) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault finds the fault for a request and uses it once; the lock must be held.
func (s *Sandbox) takeFault(c *call) Fault {
	path := c.r.URL.Path
	for i, f := range s.faults {
		fits := f.Path == path || f.Path == "/connections" && strings.HasPrefix(path, "/connections/")
		if !fits || f.GrantType != "" && f.GrantType != c.grantType {
			continue
		}
		if f.Times == 1 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		} else if f.Times > 1 {
			f.Times--
		}
		return *f
	}
	return Fault{}
}

// perform gives the answer as the fault leaves it. Where there will be none its status is 0.
func (s *Sandbox) perform(c *call, f Fault) reply {
	switch f.Kind {
	case FaultStatus:
		return f.statusReply()
	case FaultBody:
		contentType := f.ContentType
		orDefault(&contentType, "application/json")
		return newReply(http.StatusOK, contentType, []byte(f.Body))
	case FaultErrorPage:
		return errorPage(f.Body)
	case FaultResetBefore:
		return reply{}
	case FaultDelay:
		s.wait(c.r.Context(), f.Delay)
	case FaultNoRefreshToken:
		c.withoutRotate = true
	}
	out := s.process(c)
	switch f.Kind {
	case FaultResetAfter, FaultHang:
		return reply{}
	case FaultHTML:
		return newReply(http.StatusOK, "text/html; charset=utf-8", []byte("<!doctype html><title>Xero</title><p>We'll be back soon.</p>\n"))
	case FaultEmpty:
		return newReply(http.StatusOK, "", nil)
	}
	return out
}

func (f Fault) statusReply() reply {
	status := f.Status
	if status < 200 || status > 599 { // what net/http can send as a final answer
		status = http.StatusServiceUnavailable
	}
	contentType := f.ContentType
	if f.Body != "" {
		orDefault(&contentType, "application/json")
	}
	out := newReply(status, contentType, []byte(f.Body))
	if status == http.StatusTooManyRequests {
		out.header.Set("X-Rate-Limit-Problem", "minute")
	}
	if f.RetryAfter != "" {
		out.header.Set("Retry-After", f.RetryAfter)
	}
	return out
}

// deliver sends the answer, or breaks the connection.
func (s *Sandbox) deliver(w http.ResponseWriter, r *http.Request, out reply, f Fault) {
	switch {
	case out.status == 0:
		if f.Kind == FaultHang {
			delay := f.Delay
			orDefault(&delay, hangLimit)
			s.wait(r.Context(), delay)
		}
		reset(w)
	case f.Kind == FaultTruncate:
		out.header.Set("Content-Length", strconv.Itoa(len(out.body)))
		out.body = out.body[:len(out.body)/2]
		// net/http closes a connection whose handler wrote less than it announced.
		send(w, out)
	default:
		send(w, out)
	}
}

func send(w http.ResponseWriter, out reply) {
	for name, values := range out.header {
		w.Header()[name] = values
	}
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body) // a client that has left needs no answer
}

// reset closes the TCP connection so that the client sees a reset and not a clean end.
func reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
		return
	}
	panic(http.ErrAbortHandler) // what net/http documents for giving up without an answer
}

// wait returns after d, when the client has left, or when the sandbox closes.
func (s *Sandbox) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.done:
	}
}
