// Package loopback catches one OAuth callback on this machine. It binds
// 127.0.0.1 and ::1 on a registered port and nothing else; it lets only a
// request with the right state end the wait, and shows the browser one page
// whose address holds no code. It trusts nothing that arrives: any process and
// any web page can reach it.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// Listener waits for one callback. It is made by Listen and ended by Close.
type Listener struct {
	redirect redirect
	issuer   string
	sockets  []net.Listener
	server   *http.Server
	crowd    *crowd
	// state is set by Expect, before any browser is opened.
	state secret.Text

	caught   chan Callback // holds the first callback with the right state
	once     sync.Once
	answered chan struct{} // closed by Answer, after page is set
	page     []byte

	mu      sync.Mutex
	ignored map[string]int
	tickets map[string]bool // /done/RANDOM pages not yet fetched
	waiting int             // callbacks whose browser has not got its page
	idle    chan struct{}   // told when waiting falls to zero
}

// Callback is what the right callback said: a code, or an error in the
// provider's words, which are text from outside.
type Callback struct {
	Code                    secret.Text
	Error, ErrorDescription string
	// At is when it was caught.
	At time.Time
}

// BusyError says that a port is in use, on either family.
type BusyError struct {
	URI string
	// Host is the family's address on which the port is taken.
	Host string
	// Holder names the process that has it, if the OS tells; else it is empty.
	Holder string
}

func (e *BusyError) Error() string {
	if e.Holder == "" {
		return fmt.Sprintf("the port of %s is in use", e.URI)
	}
	return fmt.Sprintf("the port of %s is in use by %s", e.URI, e.Holder)
}

// DeniedError says that the OS does not let this user have the port.
type DeniedError struct{ URI string }

func (e *DeniedError) Error() string {
	return fmt.Sprintf("this user may not listen on the port of %s", e.URI)
}

const (
	// A callback's headers fit many times over; cookies of other programs on
	// localhost come with it.
	maxHeader     = 64 << 10
	headerTimeout = 10 * time.Second
	// lastPage is how long Close waits for a browser to fetch its page.
	lastPage = 5 * time.Second
)

// Listen binds the port of the first of the URIs that can be had. skipped says
// why those before it could not, as *BusyError or *DeniedError; if none can,
// that is the error. issuer is what an `iss` parameter must be (RFC 9207).
func Listen(uris []string, issuer string) (l *Listener, skipped []error, err error) {
	for _, raw := range uris {
		r, err := parseURI(raw)
		if err != nil {
			return nil, nil, err
		}
		sockets, err := bind(r)
		if err != nil {
			skipped = append(skipped, err)
			continue
		}
		return serve(r, issuer, sockets), skipped, nil
	}
	return nil, nil, noPortError(skipped)
}

// noPortError is why none of several ports can be had, on one line.
type noPortError []error

func (e noPortError) Error() string {
	var texts []string
	for _, err := range e {
		texts = append(texts, err.Error())
	}
	return strings.Join(texts, "; ")
}

func (e noPortError) Unwrap() []error { return e }

// bind listens on both families. One that the machine lacks is left out; a
// port in use on either is busy, for the browser may try that one first.
func bind(r redirect) ([]net.Listener, error) {
	var sockets []net.Listener
	var absent error
	for _, family := range []struct{ network, host string }{{"tcp4", "127.0.0.1"}, {"tcp6", "::1"}} {
		s, err := net.Listen(family.network, net.JoinHostPort(family.host, strconv.Itoa(r.port)))
		switch {
		case err == nil:
			sockets = append(sockets, s)
			continue
		case isAbsent(err):
			absent = err
			continue
		case errors.Is(err, os.ErrPermission):
			err = &DeniedError{URI: r.raw}
		case isInUse(err):
			err = &BusyError{URI: r.raw, Host: family.host, Holder: holder(r.port)}
		}
		closeAll(sockets)
		return nil, err
	}
	if len(sockets) == 0 {
		return nil, fmt.Errorf("this machine has neither 127.0.0.1 nor ::1: %w", absent)
	}
	return sockets, nil
}

func closeAll(sockets []net.Listener) {
	for _, s := range sockets {
		_ = s.Close()
	}
}

func serve(r redirect, issuer string, sockets []net.Listener) *Listener {
	l := &Listener{
		redirect: r, issuer: issuer, sockets: sockets,
		caught: make(chan Callback, 1), answered: make(chan struct{}), idle: make(chan struct{}, 1),
		ignored: map[string]int{}, tickets: map[string]bool{}, crowd: newCrowd(),
	}
	l.server = &http.Server{
		Handler: l, ReadHeaderTimeout: headerTimeout, MaxHeaderBytes: maxHeader,
		ConnState: l.crowd.changed, ConnContext: l.crowd.remember,
		ErrorLog: log.New(io.Discard, "", 0), // hostile requests must not fill a terminal
	}
	return l
}

// URI is the redirect URI that this listener serves, as registered.
func (l *Listener) URI() string { return l.redirect.raw }

// Families says which addresses are bound.
func (l *Listener) Families() []string {
	var out []string
	for _, s := range l.sockets {
		out = append(out, s.Addr().String())
	}
	return out
}

// Start begins to serve. Only a callback with this state will be believed.
func (l *Listener) Start(state secret.Text) {
	l.state = state
	// One connection, one request: held connections cost an attacker's file
	// descriptors as much as ours.
	l.server.SetKeepAlivesEnabled(false)
	for _, s := range l.sockets {
		go func() { _ = l.server.Serve(s) }()
	}
}

// Wait returns the callback with the right state, or ctx's cause.
func (l *Listener) Wait(ctx context.Context) (Callback, error) {
	select {
	case c := <-l.caught:
		return c, nil
	case <-ctx.Done():
		return Callback{}, context.Cause(ctx)
	}
}

// Answer gives every browser that waits, or comes back, its page. It is called
// once.
func (l *Listener) Answer(p Page) {
	l.page = p.render()
	close(l.answered)
}

// Close stops listening. After Answer it first waits, within a limit and
// within ctx, until the waiting browser has fetched its page.
func (l *Listener) Close(ctx context.Context) {
	select {
	case <-l.answered:
		l.awaitBrowser(ctx)
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if l.server.Shutdown(ctx) != nil {
		_ = l.server.Close()
	}
	closeAll(l.sockets) // Shutdown knows only the sockets that Start served
}

func (l *Listener) awaitBrowser(ctx context.Context) {
	limit := time.NewTimer(lastPage)
	defer limit.Stop()
	for {
		l.mu.Lock()
		waiting := l.waiting
		l.mu.Unlock()
		if waiting == 0 {
			return
		}
		select {
		case <-l.idle:
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Ignored says how many requests were refused, by reason.
func (l *Listener) Ignored() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[string]int, len(l.ignored))
	for reason, n := range l.ignored {
		out[reason] = n
	}
	return out
}
