package cli

import (
	"errors"
	"strings"

	"github.com/xeroauth/xeroauth/internal/login"
	"github.com/xeroauth/xeroauth/internal/loopback"
	"github.com/xeroauth/xeroauth/internal/term"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// page is what the browser shows of a login that succeeded.
func (s settlement) page() loopback.Page {
	p := loopback.Page{OK: true, Heading: "You are logged in", Advice: "You can close this tab and go back to the terminal."}
	p.Text = "Signed in as " + describeUser(s.user) + "."
	switch {
	case s.err != nil:
		p.Text += " The session is saved, but Xero did not list your organisations."
	case len(s.tenants) == 0:
		p.Text += " No organisation is connected to the app yet."
	}
	for _, t := range s.tenants { // connected just now first
		p.Organisations = append(p.Organisations, loopback.Organisation{Name: t.label(), New: t.ConnectedNow})
	}
	return p
}

// explainPage is what the browser shows of a login that failed: what happened,
// what became of the session, and what to type. Errors' own texts stay in the
// terminal.
func (a *App) explainPage(err error) loopback.Page {
	var refused *login.RefusedError
	var user *login.OtherUserError
	var app *login.OtherAppError
	var unsaved *login.UnsavedError
	var web *xero.Error
	var stopped *Interrupted
	switch {
	case errors.As(err, &refused):
		return a.refusedPage(refused)
	case errors.As(err, &user):
		return loopback.Page{
			Heading: "Not logged in: another Xero user",
			Text: "This browser is signed in to Xero as " + describeUser(user.Got) + ", and the session on this machine is that of " +
				describeUser(user.Have) + ". That session is unchanged.",
			Advice:  "Sign out at go.xero.com/logout, or use a private window. To put the other user in its place:",
			Command: a.cmd("login --replace"),
		}
	case errors.As(err, &app):
		return loopback.Page{
			Heading: "Not logged in: another app", Text: "The session on this machine is that of another app, and is unchanged.",
			Advice: "To put the new one in its place:", Command: a.cmd("login --replace"),
		}
	case errors.As(err, &unsaved):
		return loopback.Page{
			Heading: "Logged in, but not saved",
			Text:    "Xero gave its consent, and the session could not be saved on this machine.",
			Advice:  "Leave this page open and look at the terminal: it says what is wrong, and may offer another place.",
		}
	case errors.As(err, &web):
		return a.xeroPage(web)
	case errors.As(err, &stopped):
		return loopback.Page{Heading: "Not logged in: stopped", Text: "The login was stopped in the terminal.", Advice: "To begin again:", Command: a.cmd("login")}
	}
	return loopback.Page{Heading: "Not logged in", Text: "Something went wrong on this machine.", Advice: "The terminal says what, and what to do."}
}

// refusedPage is for an answer of Xero's own. Its words come from outside.
func (a *App) refusedPage(e *login.RefusedError) loopback.Page {
	p := loopback.Page{Heading: "Not logged in: Xero refused", Text: "Xero answered: " + term.Clean(e.Code)}
	switch {
	case aboutScopes(e):
		p.Heading = "Not logged in: wrong scopes"
		p.Advice, p.Command = "Ask only for scopes that a browser login may have:", a.cmd("login --scopes @accounting")
	case e.Code == login.Denied:
		p.Heading, p.Text = "Not logged in: no consent", "Consent was not given. Nothing was changed on this machine"
		p.Advice, p.Command = "To consent after all:", a.cmd("login")
	default:
		p.Advice = "The terminal says what to do."
	}
	if e.Description != "" {
		p.Text += " (" + term.Clean(e.Description) + ")"
	}
	p.Text += "."
	return p
}

// aboutScopes reports an answer that is about what was asked for, not about
// the person's will (docs/xero.md section 3).
func aboutScopes(e *login.RefusedError) bool {
	return e.Code == "invalid_scope" || e.Code == login.Denied && strings.Contains(strings.ToLower(e.Description), "scope")
}

// xeroPage is for an exchange that failed after consent was given.
func (a *App) xeroPage(e *xero.Error) loopback.Page {
	p := loopback.Page{Heading: "Not logged in: the exchange failed", Advice: "The terminal says more. To try again:", Command: a.cmd("login")}
	switch {
	case e.Kind == xero.Temporary:
		p.Heading = "Not logged in: Xero did not answer"
		p.Text = "You consented, and then Xero could not be reached or was busy. Nothing was lost."
	case e.Kind == xero.InvalidGrant:
		p.Text = "You consented, and the code that Xero gave had expired or was used before."
	case e.Code == "invalid_client" || e.Code == "unauthorized_client":
		p.Text = "You consented, and Xero did not accept this app: its client id, secret or kind is wrong."
		p.Advice, p.Command = "The terminal says what to do.", ""
	default:
		p.Text = "You consented, and Xero's answer could not be used."
	}
	return p
}
