package cli

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/login"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// The page tells what happened; which organisations are new.
func TestSuccessPage(t *testing.T) {
	s := settlement{user: store.User{Name: "Ada\u202e", Email: "a@x"}, tenants: []tenantView{{ID: "1", Name: "New\x1b", ConnectedNow: true}, {ID: "2", Name: "Old"}}}
	p := s.page()
	if !p.OK || p.Text != "Signed in as Ada <a@x>." || len(p.Organisations) != 2 || p.Organisations[0].Name != "New" ||
		!p.Organisations[0].New || p.Organisations[1].Name != "Old" || p.Organisations[1].New {
		t.Errorf("%+v", p)
	}
	if p := (settlement{err: errors.New("x")}).page(); !p.OK || !strings.Contains(p.Text, "did not list") {
		t.Errorf("%+v", p)
	}
	if p := (settlement{}).page(); !p.OK || !strings.Contains(p.Text, "No organisation") {
		t.Errorf("%+v", p)
	}
}

// Each failure has a page: what happened, in the heading already, and what to
// type. What comes from outside is harmless, and errors' own words stay away.
func TestFailurePages(t *testing.T) {
	words := errors.New("secret words")
	unsaved := &login.UnsavedError{Err: &login.OtherUserError{Have: store.User{Name: "Ada"}, Got: store.User{Name: "Ben\u202e"}}}
	tests := []struct {
		name                   string
		err                    error
		heading, text, command string
	}{
		{"denied", &login.RefusedError{Code: "access_denied", Description: "<b>\x1b"}, "Not logged in: no consent",
			"Consent was not given. Nothing was changed on this machine (<b>).", "xeroauth login -p acme"},
		{"scopes for apps", &login.RefusedError{Code: "access_denied", Description: "Requested wrong apps scopes"}, "Not logged in: wrong scopes",
			"Xero answered: access_denied (Requested wrong apps scopes).", "xeroauth login --scopes @accounting -p acme"},
		{"invalid scope", &login.RefusedError{Code: "invalid_scope"}, "Not logged in: wrong scopes", "Xero answered: invalid_scope.", "xeroauth login --scopes @accounting -p acme"},
		{"refused", &login.RefusedError{Code: "x\n"}, "Not logged in: Xero refused", "Xero answered: x.", ""},
		{"another user", unsaved, "Not logged in: another Xero user",
			"This browser is signed in to Xero as Ben, and the session on this machine is that of Ada. That session is unchanged.", "xeroauth login --replace -p acme"},
		{"another app", &login.UnsavedError{Err: &login.OtherAppError{}}, "Not logged in: another app",
			"The session on this machine is that of another app, and is unchanged.", "xeroauth login --replace -p acme"},
		{"not saved", &login.UnsavedError{Err: words}, "Logged in, but not saved",
			"Xero gave its consent, and the session could not be saved on this machine.", ""},
		{"Xero is away", &xero.Error{Kind: xero.Temporary, Err: words}, "Not logged in: Xero did not answer",
			"You consented, and then Xero could not be reached or was busy. Nothing was lost.", "xeroauth login -p acme"},
		{"the code is old", &xero.Error{Kind: xero.InvalidGrant, Err: words}, "Not logged in: the exchange failed",
			"You consented, and the code that Xero gave had expired or was used before.", "xeroauth login -p acme"},
		{"wrong secret", &xero.Error{Kind: xero.Refused, Code: "invalid_client", Err: words}, "Not logged in: the exchange failed",
			"You consented, and Xero did not accept this app: its client id, secret or kind is wrong.", ""},
		{"another answer", &xero.Error{Kind: xero.Refused, Err: words}, "Not logged in: the exchange failed",
			"You consented, and Xero's answer could not be used.", "xeroauth login -p acme"},
		{"stopped", &Interrupted{Signal: os.Interrupt}, "Not logged in: stopped", "The login was stopped in the terminal.", "xeroauth login -p acme"},
		{"else", words, "Not logged in", "Something went wrong on this machine.", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, _ := desk()
			a.flags.profile = "acme"
			p := a.explainPage(tt.err)
			if p.OK || p.Heading != tt.heading || p.Text != tt.text || p.Advice == "" || p.Command != tt.command {
				t.Errorf("%+v\nwant %q, %q, %q", p, tt.heading, tt.text, tt.command)
			}
		})
	}
}
