package sandbox

import (
	"fmt"
	"html"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// markup is HTML. html/template is not used: the linker must keep each method that a template could name, and programs
// that only link the sandbox would pay for it at every start.
type markup struct{ strings.Builder }

// add adds a constant format whose verbs, all %s, stand between tags or in quoted attributes, where the escaped texts
// are nothing but text.
func (m *markup) add(format string, texts ...string) {
	escaped := make([]any, len(texts))
	for i, t := range texts {
		escaped[i] = html.EscapeString(t)
	}
	fmt.Fprintf(m, format, escaped...)
}

const styleCSS = `
:root { color-scheme: light dark; --ink: #16202c; --soft: #51606f; --paper: #fff; --edge: #c3ccd6; --go: #0b6b50; --goink: #fff; --bad: #a3201b }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf2; --soft: #a5b2bf; --paper: #141a21; --edge: #435060; --go: #4fd1a5; --goink: #05130d; --bad: #ff9d96 } }
body { margin: 0; padding: 2rem 1rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 36rem; margin: 0 auto; overflow-wrap: anywhere }
h1 { font-size: 1.5rem; line-height: 1.25 } h2 { font-size: 1.1rem }
.note { color: var(--soft) } .bad { color: var(--bad); font-weight: 600 }
fieldset { border: 1px solid var(--edge); border-radius: .5rem; margin: 1rem 0; padding: .5rem 1rem }
label { display: block; padding: .4rem 0 }
button { font: inherit; padding: .55rem 1.2rem; margin: 0 .5rem .5rem 0; border: 1px solid var(--edge); border-radius: .4rem; background: transparent; color: inherit; cursor: pointer }
#allow { background: var(--go); border-color: var(--go); color: var(--goink) }
:focus-visible { outline: 3px solid var(--go); outline-offset: 2px }
`

const countdownJS = `
const countdown = document.getElementById("countdown");
const timer = setTimeout(() => document.getElementById("allow").click(), Number(countdown.dataset.after));
for (const touched of ["pointerdown", "keydown"]) {
  document.addEventListener(touched, () => {
    clearTimeout(timer);
    countdown.textContent = "Waiting for you.";
  }, {once: true});
}
`

// page renders with no outside assets and a policy that allows only what stands in the page itself, by the nonce that
// main is given too. There is no form-action: Chromium applies it to the redirect after the form too, which goes to the
// client's own address and may go on from there.
func page(status int, title string, main func(m *markup, nonce string)) reply {
	m, nonce := new(markup), handle()
	m.add(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<style nonce="%s">`, title, nonce)
	m.WriteString(styleCSS)
	m.add("</style>\n</head>\n<body>\n<main>\n")
	main(m, nonce)
	m.add(`<p class="note">This is a sandbox on your own machine. It is not Xero, and nothing here opens anything at Xero.</p>
</main>
</body>
</html>
`)
	out := newReply(status, "text/html; charset=utf-8", []byte(m.String()))
	out.header.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; script-src 'nonce-"+nonce+
		"'; base-uri 'none'; frame-ancestors 'none'")
	out.header.Set("Referrer-Policy", "no-referrer")
	return out
}

// errorPage is where Xero leaves a user whose app asked wrongly: status 500 and no way back (docs/xero.md section 3).
func errorPage(text string) reply {
	return page(http.StatusInternalServerError, "Error", func(m *markup, _ string) {
		m.add(`<h1>Sorry, something went wrong</h1>
<p>Error: <code id="error">%s</code></p>
<p>Error code: 500</p>
<p class="note">Xero stops here too: the app that sent you hears nothing.</p>
`, text)
	})
}

// consentPage asks the user. An organisation that is connected already can be picked again (docs/xero.md section 9).
func (s *Sandbox) consentPage(id string, a *authorization, problem string) reply {
	status := http.StatusOK
	if problem != "" {
		status = http.StatusBadRequest
	}
	return page(status, "Allow access?", func(m *markup, nonce string) {
		user := s.cfg.User
		m.add("<h1>App %s wants access to your data</h1>\n", a.client.ID)
		m.add("<p>You are logged in as %s %s (%s).</p>\n", user.GivenName, user.FamilyName, user.Email)
		if problem != "" {
			m.add(`<p class="bad" role="alert">%s</p>`+"\n", problem)
		}
		m.add("<h2>It asks for</h2>\n<ul>")
		for _, scope := range a.scopes {
			m.add("<li><code>%s</code></li>", scope)
		}
		m.add(`</ul>
<form id="consent" method="post" action="/identity/consent">
<input type="hidden" name="request" value="%s">
`, id)
		if needsOrganisation(a.scopes) {
			s.addPicker(m, a)
		}
		after := s.cfg.AutoConsentAfter
		if after > 0 {
			m.add(`<p id="countdown" data-after="%s">Access is allowed by itself after %s seconds, unless you touch this page.</p>
<noscript><p>Without JavaScript it is not: press a button.</p></noscript>
`, strconv.FormatInt(after.Milliseconds(), 10), strconv.FormatInt(int64(math.Ceil(after.Seconds())), 10))
		}
		m.add(`<button id="allow" type="submit" name="action" value="allow">Allow access</button>
<button id="cancel" type="submit" name="action" value="cancel">Cancel</button>
</form>
`)
		if after > 0 {
			m.add(`<script nonce="%s">`, nonce)
			m.WriteString(countdownJS)
			m.add("</script>\n")
		}
	})
}

// addPicker adds the choice of organisations.
func (s *Sandbox) addPicker(m *markup, a *authorization) {
	m.add("<fieldset>\n<legend>Organisations to connect</legend>\n")
	beforehand := s.chosenBeforehand(a)
	for _, o := range s.orgs {
		name, checked := o.Name, ""
		if name == "" {
			name = o.TenantID
		}
		if slices.Contains(beforehand, o.TenantID) {
			checked = " checked"
		}
		m.add(`<label><input type="checkbox" name="organisation" value="%s"%s> %s`, o.TenantID, checked, name)
		if slices.ContainsFunc(a.client.connections, func(c *connection) bool { return c.tenantID == o.TenantID }) {
			m.add(` <span class="note">(already connected)</span>`)
		}
		m.add("</label>\n")
	}
	if len(s.orgs) == 0 {
		m.add("<p>You have no organisations.</p>\n")
	}
	m.add("</fieldset>\n")
}

// serveHome is for a person who opens the authority in a browser. It shows no secrets.
func (s *Sandbox) serveHome(c *call) reply {
	addresses := []string{"DELETE /connections/{id}"}
	for path, e := range s.routes {
		addresses = append(addresses, e.method+" "+path)
	}
	slices.Sort(addresses)
	return page(http.StatusOK, "Xero sandbox", func(m *markup, _ string) {
		m.add(`<h1>A local Xero</h1>
<p>This sandbox answers as Xero's identity service, connections and a little of its accounting API would, at %s.</p>
<h2>Addresses</h2>
<ul>`, c.authority)
		for _, address := range addresses {
			m.add("<li><code>%s</code></li>", address)
		}
		m.add("</ul>\n<h2>Apps</h2>\n<ul>")
		for _, cl := range s.cfg.Clients {
			m.add("<li><code>%s</code> (%s)", cl.ID, string(cl.Kind))
			for _, uri := range cl.RedirectURIs {
				m.add("<br><code>%s</code>", uri)
			}
			m.add("</li>")
		}
		m.add("</ul>\n<h2>Organisations</h2>\n<ul>")
		for _, o := range s.orgs {
			m.add("<li>%s <code>%s</code></li>", o.Name, o.TenantID)
		}
		m.add("</ul>\n")
	})
}
