package loopback

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// Why a pasted text is not taken. None of them repeats the text.
var (
	// ErrBareCode says that a code came alone. Nothing tells that it answers
	// this login and not one that somebody else began (RFC 6749 section 10.12).
	ErrBareCode = errors.New("it is no whole address; a bare code carries no state, so nothing proves which login it answers")
	// ErrOtherAddress says that an address is not the redirect URI's.
	ErrOtherAddress = errors.New("it is another address")
	// ErrOtherState says that an address answers another login.
	ErrOtherState = errors.New("its state is not this login's: it answers another one, or was cut")
	// ErrNoAnswer says that an address has the right state and no answer.
	ErrNoAnswer = errors.New("it holds no answer from Xero")
)

// WithoutPort returns a listener on no port at all, for a redirect URI whose
// port cannot be had: what a person pastes is all that will come.
func WithoutPort(uri, issuer string) (*Listener, error) {
	r, err := parseURI(uri)
	if err != nil {
		return nil, err
	}
	return serve(r, issuer, nil), nil
}

// Take ends the wait with the whole address that a browser ended at, as Xero
// sent it there, if it is what the port would take as the callback. Only after
// Start. The first one counts, whichever way it comes.
func (l *Listener) Take(address secret.Text) error {
	text := strings.TrimSpace(address.Reveal())
	u, err := url.Parse(text)
	if err != nil || !strings.Contains(text, "://") || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return ErrBareCode
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/" // as a browser asks for it
	}
	if u.Scheme != "http" || u.User != nil || !l.redirect.isHost(u.Host) || path != l.redirect.path {
		return fmt.Errorf("%w: Xero sends the browser to %s?…", ErrOtherAddress, l.redirect.raw)
	}
	c, reason := l.parse(u.RawQuery)
	switch reason {
	case "":
		l.once.Do(func() { l.caught <- c })
		return nil
	case noState:
		return ErrOtherState
	}
	return fmt.Errorf("%w: %s", ErrNoAnswer, reason)
}
