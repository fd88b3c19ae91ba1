package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// tellErrorPages is for a wait that nothing answered. Xero may have stopped on
// an error page of its own (docs/xero.md section 3), which only the person has
// seen: this tells what the page said, what it means and what to do, with the
// profile's own values.
func (a *App) tellErrorPages(p profile.Profile, redirectURI string) {
	if a.flags.quiet || a.flags.json {
		return
	}
	a.say("if the browser shows an error, the words on its page tell the cause:")
	var b strings.Builder
	for _, page := range []errorPage{
		{
			"Invalid redirect_uri",
			"The app has not registered this address, letter for letter. Add it at developer.xero.com (My Apps, the app, Configuration):",
			redirectURI,
		},
		{"Unknown client or client not enabled", "There is no app with the client id " + p.ClientID + ". Copy it anew:", a.cmd("login --client-id ID")},
		a.scopePage(p.Scopes),
		a.appScopePage(p.Scopes),
	} {
		// What is to be copied stands on a line of its own.
		fmt.Fprintf(&b, "  %s\n%s      %s\n", page.words, indented(page.meaning, 6), page.do)
	}
	fmt.Fprintf(a.Stderr, "\n%s\n", b.String())
}

// errorPage is one page of Xero's: words on it, what they mean, what to do.
type errorPage struct{ words, meaning, do string }

// scopePage names the scopes at fault, the likeliest first, and the list
// without them.
func (a *App) scopePage(asked []string) errorPage {
	page := errorPage{words: "invalid_scope, Invalid scope for client"}
	var faults, mended []string
	add := func(s string) {
		if !slices.Contains(mended, s) {
			mended = append(mended, s)
		}
	}
	for _, status := range []string{"retired", "unknown", "restricted"} {
		for _, name := range asked {
			s, known := xero.Scopes().Scope(name)
			switch {
			case status == "retired" && s.Successors != nil:
				faults = append(faults, fmt.Sprintf("%s is retired: apps made since 2 March 2026 may ask for %s instead.", name, strings.Join(s.Successors, " ")))
			case status == "unknown" && !known:
				faults = append(faults, name+" is not known to this program: does Xero have it?")
			case status == "restricted" && s.Restricted != "":
				faults = append(faults, name+" is "+s.Restricted+".")
			}
		}
	}
	if faults == nil {
		page.meaning = "None that this login asked for is known to be at fault: the app itself may have fewer. Try with fewer:"
		page.do = a.cmd("login --scopes @identity")
		return page
	}
	for _, name := range asked {
		s, known := xero.Scopes().Scope(name)
		switch {
		case s.Successors != nil:
			for _, next := range s.Successors {
				add(next)
			}
		case known && s.Restricted == "":
			add(name)
		}
	}
	page.meaning = strings.Join(faults, " ") + " In their place:"
	page.do = a.cmd("login --scopes " + shortScopes(mended))
	return page
}

// appScopePage is about the scopes that belong to an app and to no user. Login
// refuses those that are known (docs/xero.md section 8).
func (a *App) appScopePage(asked []string) errorPage {
	meaning := "A scope is not for browser logins, most often app.connections, which this login did not ask for. Try with fewer:"
	if slices.Contains(asked, "app.connections") {
		meaning = "No browser login gets app.connections. Without it:"
	}
	return errorPage{"access_denied, Requested wrong apps scopes", meaning, a.cmd("login --scopes @identity")}
}

// shortScopes is a list of scopes as --scopes takes it: a preset's name if it
// is one.
func shortScopes(scopes []string) string {
	sorted := slices.Sorted(slices.Values(scopes))
	for _, p := range xero.Scopes().Presets {
		if slices.Equal(sorted, slices.Sorted(slices.Values(p.Scopes))) {
			return p.Name
		}
	}
	return strings.Join(scopes, ",")
}
