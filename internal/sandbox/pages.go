package sandbox

import (
	"bytes"
	"html/template"
	"math"
	"net/http"
	"slices"
	"sync"
)

// pages are parsed on first use, so that a program which only links the sandbox does not pay for them.
var pages = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Parse(layoutHTML + errorHTML + consentHTML + homeHTML))
})

const layoutHTML = `{{define "head"}}<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style nonce="{{.Nonce}}">
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
</style>
</head>
<body>
<main>
{{end}}{{define "foot"}}<p class="note">This is a sandbox on your own machine. It is not Xero, and nothing here opens anything at Xero.</p>
</main>
</body>
</html>
{{end}}`

const errorHTML = `{{define "error"}}{{template "head" .}}<h1>Sorry, something went wrong</h1>
<p>Error: <code id="error">{{.Error}}</code></p>
<p>Error code: 500</p>
<p class="note">Xero stops here too: the app that sent you hears nothing.</p>
{{template "foot" .}}{{end}}`

const consentHTML = `{{define "consent"}}{{template "head" .}}<h1>App {{.ClientID}} wants access to your data</h1>
<p>You are logged in as {{.User.GivenName}} {{.User.FamilyName}} ({{.User.Email}}).</p>
{{if .Problem}}<p class="bad" role="alert">{{.Problem}}</p>
{{end}}<h2>It asks for</h2>
<ul>{{range .Scopes}}<li><code>{{.}}</code></li>{{end}}</ul>
<form id="consent" method="post" action="/identity/consent">
<input type="hidden" name="request" value="{{.Request}}">
{{if .Picker}}<fieldset>
<legend>Organisations to connect</legend>
{{range .Organisations}}<label><input type="checkbox" name="organisation" value="{{.TenantID}}"{{if .Chosen}} checked{{end}}> {{.Name}}{{if .Connected}} <span class="note">(already connected)</span>{{end}}</label>
{{else}}<p>You have no organisations.</p>
{{end}}</fieldset>
{{end}}{{if .AfterMillis}}<p id="countdown" data-after="{{.AfterMillis}}">Access is allowed by itself after {{.AfterSeconds}} seconds, unless you touch this page.</p>
<noscript><p>Without JavaScript it is not: press a button.</p></noscript>
{{end}}<button id="allow" type="submit" name="action" value="allow">Allow access</button>
<button id="cancel" type="submit" name="action" value="cancel">Cancel</button>
</form>
{{if .AfterMillis}}<script nonce="{{.Nonce}}">
const countdown = document.getElementById("countdown");
const timer = setTimeout(() => document.getElementById("allow").click(), Number(countdown.dataset.after));
for (const touched of ["pointerdown", "keydown"]) {
  document.addEventListener(touched, () => {
    clearTimeout(timer);
    countdown.textContent = "Waiting for you.";
  }, {once: true});
}
</script>
{{end}}{{template "foot" .}}{{end}}`

const homeHTML = `{{define "home"}}{{template "head" .}}<h1>A local Xero</h1>
<p>This sandbox answers as Xero's identity service, connections and a little of its accounting API would, at {{.Authority}}.</p>
<h2>Addresses</h2>
<ul>{{range .Addresses}}<li><code>{{.}}</code></li>{{end}}</ul>
<h2>Apps</h2>
<ul>{{range .Clients}}<li><code>{{.ID}}</code> ({{.Kind}}){{range .RedirectURIs}}<br><code>{{.}}</code>{{end}}</li>{{end}}</ul>
<h2>Organisations</h2>
<ul>{{range .Organisations}}<li>{{.Name}} <code>{{.TenantID}}</code></li>{{end}}</ul>
{{template "foot" .}}{{end}}`

// frame is what every page needs.
type frame struct{ Title, Nonce string }

// page renders with no outside assets and a policy that allows only what stands in the page itself. There is no
// form-action: Chromium applies it to the redirect after the form too, which goes to the client's own address and may
// go on from there.
func page(status int, name, nonce string, data any) reply {
	var b bytes.Buffer
	if err := pages().ExecuteTemplate(&b, name, data); err != nil {
		return textReply(http.StatusInternalServerError, "the sandbox could not write its page")
	}
	out := newReply(status, "text/html; charset=utf-8", b.Bytes())
	out.header.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; script-src 'nonce-"+nonce+
		"'; base-uri 'none'; frame-ancestors 'none'")
	out.header.Set("Referrer-Policy", "no-referrer")
	return out
}

// errorPage is where Xero leaves a user whose app asked wrongly: status 500 and no way back (docs/xero.md section 3).
func errorPage(text string) reply {
	nonce := handle()
	return page(http.StatusInternalServerError, "error", nonce, struct {
		frame
		Error string
	}{frame{"Error", nonce}, text})
}

type organisationChoice struct {
	TenantID, Name    string
	Chosen, Connected bool
}

// consentPage asks the user. An organisation that is connected already can be picked again (docs/xero.md section 9).
func (s *Sandbox) consentPage(id string, a *authorization, problem string) reply {
	var choices []organisationChoice
	beforehand := s.chosenBeforehand(a)
	for _, o := range s.orgs {
		name := o.Name
		if name == "" {
			name = o.TenantID
		}
		choices = append(choices, organisationChoice{
			TenantID: o.TenantID, Name: name, Chosen: slices.Contains(beforehand, o.TenantID),
			Connected: slices.ContainsFunc(a.client.connections, func(c *connection) bool { return c.tenantID == o.TenantID }),
		})
	}
	status := http.StatusOK
	if problem != "" {
		status = http.StatusBadRequest
	}
	nonce, after := handle(), s.cfg.AutoConsentAfter
	return page(status, "consent", nonce, struct {
		frame
		ClientID, Request, Problem string
		User                       User
		Scopes                     []string
		Picker                     bool
		Organisations              []organisationChoice
		AfterMillis, AfterSeconds  int64
	}{
		frame{"Allow access?", nonce}, a.client.ID, id, problem, s.cfg.User, a.scopes, needsOrganisation(a.scopes),
		choices, after.Milliseconds(), int64(math.Ceil(after.Seconds())),
	})
}

// serveHome is for a person who opens the authority in a browser. It shows no secrets.
func (s *Sandbox) serveHome(c *call) reply {
	addresses := []string{"DELETE /connections/{id}"}
	for path, e := range s.routes {
		addresses = append(addresses, e.method+" "+path)
	}
	slices.Sort(addresses)
	var clients []Client
	for _, cl := range s.cfg.Clients {
		cl.Secret = ""
		clients = append(clients, cl)
	}
	nonce := handle()
	return page(http.StatusOK, "home", nonce, struct {
		frame
		Authority     string
		Addresses     []string
		Clients       []Client
		Organisations []Organisation
	}{frame{"Xero sandbox", nonce}, c.authority, addresses, clients, s.orgs})
}
