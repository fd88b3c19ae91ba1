package cli

import (
	"fmt"

	"github.com/xeroauth/xeroauth/internal/login"
)

// invite shows the address, and opens it where a browser can be expected.
func (a *App) invite(i login.Invitation, noBrowser bool) {
	for _, skipped := range i.Skipped {
		if i.NoPort {
			a.warn("%v: nothing can come back by itself", skipped)
		} else {
			a.warn("%v: trying the next redirect URI", skipped)
		}
	}
	if !i.NoPort {
		a.say("waiting for Xero to come back to %s", i.RedirectURI)
	}
	why := "--no-browser"
	if !noBrowser {
		why = a.noBrowserReason()
	}
	if why == "" {
		a.say("opening the browser; if nothing appears, open this address in it:")
	} else {
		a.say("not opening a browser (%s); open this address in one:", why)
	}
	fmt.Fprintf(a.Stderr, "\n  %s\n\n", i.URL)
	switch port := portOf(i.RedirectURI); {
	case i.NoPort || why == "" || why == "--no-browser":
	case why == whyWSL:
		a.hint("a browser of Windows will do: its localhost leads here")
	default:
		a.hint("for a browser on another machine, run there first: ssh -L %s:localhost:%s %s", port, port, a.sshDestination())
	}
	if a.paster() != nil {
		a.sayPaste(i.NoPort)
	}
	a.waiting.start(i.Until)
	if why == "" {
		a.openBrowser(i.URL)
	}
}

// sayPaste tells what can be pasted; where that is the only way, also with
// --quiet.
func (a *App) sayPaste(onlyWay bool) {
	if onlyWay {
		a.line("", "the browser will end at a page that cannot be opened: paste its whole address here (not shown), and press Enter")
		return
	}
	a.hint("or paste the whole address it ends at (not shown), then Enter")
}
