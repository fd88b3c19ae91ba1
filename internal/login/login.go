// Package login gets a person's tokens: consent in a browser, the code caught
// on this machine, exchanged at once, checked, and saved before anybody is
// told. A login that fails or is refused leaves the former session as it was
// and drops the new tokens unrevoked, because revoking would cut every
// connection of this user and app.
package login

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/oauth2"

	"github.com/xeroauth/xeroauth/internal/loopback"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// Flow is one login by authorization code with PKCE (RFC 6749 section 4.1,
// RFC 7636). All functions must be set but Paste and Trace.
type Flow struct {
	Client *xero.Client
	App    xero.App
	Scopes []string
	// RedirectURIs are registered ones, tried in their order.
	RedirectURIs []string
	// Timeout bounds the wait for consent.
	Timeout time.Duration
	// Ask shows the person the address; the listener is already up. It may
	// return before the browser has opened.
	Ask func(Invitation)
	// Paste, if there is a person who can paste, runs from before Ask until its
	// context ends with the wait. It calls ready once nothing that is typed is
	// shown any more, and hands what is pasted to take, which says why it is not
	// taken. Its error ends the wait; nothing else happens before it returned.
	Paste func(ctx context.Context, ready func(), take func(address secret.Text) error) error
	// Waited is called when the wait has ended, whatever ended it.
	Waited func()
	// Keep saves the tokens. Only then do they count.
	Keep func(ctx context.Context, t Tokens) error
	// Settle takes the list of connections, or why there is none, and returns
	// the page that tells of success.
	Settle func(ctx context.Context, t Tokens, list []xero.Connection, err error) loopback.Page
	// Explain returns the page that tells of failure.
	Explain func(err error) loopback.Page
	// Pause waits between two tries of the exchange.
	Pause func(ctx context.Context, d time.Duration)
	Trace func(format string, args ...any)
}

// Invitation is what a person needs to consent.
type Invitation struct {
	URL, RedirectURI string
	// Skipped says why earlier redirect URIs could not be used.
	Skipped []error
	// NoPort says that nothing can come by itself: the system denies the port
	// of RedirectURI, and only pasting is left.
	NoPort bool
	// Until is when the wait ends.
	Until time.Time
}

// Tokens are what a login brought, checked but not yet saved.
type Tokens struct {
	Set    xero.TokenSet
	Claims xero.Claims
	// Identity is empty without an id token.
	Identity xero.Identity
	// Warnings are whole phrases for a person.
	Warnings []string
}

// UserID is Xero's id of who logged in, by either token; empty if neither says.
func (t Tokens) UserID() string {
	if t.Claims.UserID != "" {
		return t.Claims.UserID
	}
	return t.Identity.UserID
}

// ErrNoConsent is what every *NoConsentError is.
var ErrNoConsent = errors.New("nobody consented in time")

// NoConsentError says that no callback came in time: nobody consented, or Xero
// stopped on an error page of its own (docs/xero.md section 3).
type NoConsentError struct {
	RedirectURI string
	Waited      time.Duration
}

func (e *NoConsentError) Error() string {
	return fmt.Sprintf("waiting for consent: nothing came back to %s within %s", e.RedirectURI, e.Waited)
}

// Is makes errors.Is(err, ErrNoConsent) true.
func (e *NoConsentError) Is(target error) bool { return target == ErrNoConsent }

// UnansweredError says that the wait ended before anything came: Err is a
// *NoConsentError, or why it was stopped.
type UnansweredError struct {
	RedirectURI string
	Err         error
}

func (e *UnansweredError) Error() string { return e.Err.Error() }

func (e *UnansweredError) Unwrap() error { return e.Err }

// Denied is the code of a person who pressed Cancel, and of a request for
// scopes that a browser login may not have (docs/xero.md section 3).
const Denied = "access_denied"

// RefusedError is an error callback (RFC 6749 section 4.1.2.1). Its words come
// from outside.
type RefusedError struct{ Code, Description string }

func (e *RefusedError) Error() string {
	if e.Description == "" {
		return fmt.Sprintf("waiting for consent: Xero answered %s", e.Code)
	}
	return fmt.Sprintf("waiting for consent: Xero answered %s (%s)", e.Code, e.Description)
}

// UnsavedError carries tokens that Keep did not save, so that the desk can
// offer another store.
type UnsavedError struct {
	Tokens Tokens
	Err    error
}

func (e *UnsavedError) Error() string { return e.Err.Error() }

func (e *UnsavedError) Unwrap() error { return e.Err }

// listLimit bounds the list of connections: a browser waits for its page, and
// the session is saved already.
const listLimit = 30 * time.Second

// closeLimit is what the browser gets to fetch its last page after a signal.
const closeLimit = 10 * time.Second

// Run performs the login. It returns after the browser has its page.
func (f *Flow) Run(ctx context.Context) (Tokens, error) {
	l, skipped, err := f.listen()
	if err != nil {
		return Tokens{}, err
	}
	defer func() {
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		l.Close(closeCtx)
	}()
	req := xero.AuthRequest{
		RedirectURI: l.URI(), Scopes: f.Scopes, State: random(), Verifier: secret.New(oauth2.GenerateVerifier()),
	}
	if slices.Contains(f.Scopes, "openid") {
		req.Nonce = random()
	}
	// The first request over TLS reads the system's certificates, which takes
	// milliseconds: now nobody waits for them.
	go func() { _, _ = x509.SystemCertPool() }()
	l.Start(secret.New(req.State))
	f.trace("listening on %v", l.Families())
	waitCtx, stopPaste, endPaste := f.startPaste(ctx, l)
	defer endPaste()
	f.Ask(Invitation{
		URL: f.Client.AuthorizeURL(f.App, req), RedirectURI: l.URI(), Skipped: skipped, NoPort: len(l.Families()) == 0,
		Until: f.Client.Now().Add(f.Timeout),
	})
	callback, err := f.wait(waitCtx, l)
	stopPaste()
	waited := func() {
		endPaste() // the terminal is in order before anything is said
		f.Waited()
		f.traceIgnored(l.Ignored())
	}
	if err != nil {
		waited()
		return Tokens{}, &UnansweredError{RedirectURI: l.URI(), Err: err}
	}
	tokens, page, err := f.complete(ctx, req, callback, waited)
	if err != nil {
		page = f.Explain(err)
	}
	l.Answer(page)
	return tokens, err
}

func (f *Flow) traceIgnored(ignored map[string]int) {
	for _, reason := range slices.Sorted(maps.Keys(ignored)) {
		f.trace("ignored %d requests to the listener: %s", ignored[reason], reason)
	}
}

// complete turns a callback into a saved session. Nothing is asked of anybody,
// and not even the end of the pasting waited for, between the code's arrival
// and its exchange: it may live a minute only.
func (f *Flow) complete(ctx context.Context, req xero.AuthRequest, c loopback.Callback, waited func()) (Tokens, loopback.Page, error) {
	if c.Error != "" {
		waited()
		return Tokens{}, loopback.Page{}, &RefusedError{Code: c.Error, Description: c.ErrorDescription}
	}
	set, err := f.exchange(ctx, req, c)
	waited()
	if err != nil {
		return Tokens{}, loopback.Page{}, err
	}
	t := Tokens{Set: set, Claims: xero.ParseClaims(set.AccessToken.Reveal())}
	if !set.IDToken.IsZero() {
		if t.Identity, t.Warnings, err = f.Client.VerifyIDToken(ctx, f.App, set, req.Nonce); err != nil {
			return Tokens{}, loopback.Page{}, err
		}
	}
	if a, b := t.Claims.UserID, t.Identity.UserID; a != "" && b != "" && a != b {
		return Tokens{}, loopback.Page{}, &xero.Error{Step: "checking the id token", Kind: xero.Refused, Err: errors.New("it names another user than the access token")}
	}
	if err := f.Keep(ctx, t); err != nil {
		return t, loopback.Page{}, &UnsavedError{Tokens: t, Err: err}
	}
	listCtx, cancel := context.WithTimeout(ctx, listLimit)
	defer cancel()
	list, err := f.Client.Connections(listCtx, set.AccessToken)
	return t, f.Settle(ctx, t, list, err), nil
}

// exchange sends the code, and sends it again only if Xero may not have seen
// it. The code lives a minute in the shortest account of it (docs/xero.md
// section 2), which bounds the tries.
func (f *Flow) exchange(ctx context.Context, req xero.AuthRequest, c loopback.Callback) (xero.TokenSet, error) {
	retry := xero.Retry{
		Tries: 4, Bound: time.Minute, Now: f.Client.Now, Pause: f.Pause, Trace: f.Trace,
		Final: func(e *xero.Error) bool { return e.Status/100 == 2 },
	}
	var lost error
	set, err := retry.Do(ctx, func(ctx context.Context) (xero.TokenSet, error) {
		f.trace("sending the code %s after it was caught", time.Since(c.At).Round(10*time.Microsecond))
		set, err := f.Client.ExchangeCode(ctx, f.App, req, c.Code)
		var e *xero.Error
		if errors.As(err, &e) && e.Lost {
			lost = err
		}
		return set, err
	})
	if lost != nil && xero.IsKind(err, xero.InvalidGrant) {
		// The code was spent by a try whose answer was lost: that is the reason
		// to tell, not that it was used before.
		return set, lost
	}
	return set, err
}

func (f *Flow) trace(format string, args ...any) {
	if f.Trace != nil {
		f.Trace(format, args...)
	}
}

// random returns 256 bits as base64url.
func random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}
