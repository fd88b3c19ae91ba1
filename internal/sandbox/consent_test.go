package sandbox

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// consentForm opens the consent page and gives its hidden request id and the page.
func (w *world) consentForm(pairs ...string) (string, answer) {
	w.t.Helper()
	a := w.authorize(pairs...)
	found := regexp.MustCompile(`name="request" value="([^"]+)"`).FindStringSubmatch(a.body)
	if a.status != http.StatusOK || found == nil {
		w.t.Fatalf("no consent page: %d %s", a.status, a.body)
	}
	return found[1], a
}

func byHand(cfg *Config) { cfg.AutoConsent = false }

func TestConsentPage(t *testing.T) {
	w := newWorld(t, func(cfg *Config) {
		byHand(cfg)
		cfg.Organisations = []Organisation{{TenantID: "t1", Name: `"><script>alert(1)</script>`}, {TenantID: "t2"}}
		cfg.ConsentOrganisations = []string{"t2"}
	})
	_, a := w.consentForm()
	for _, want := range []string{
		`<button id="allow" `, `<button id="cancel" `, `name="organisation" value="t1"> &#34;&gt;&lt;script&gt;alert(1)`,
		`name="organisation" value="t2" checked> t2</label>`, `<code>accounting.invoices</code>`, `lang="en"`, "color-scheme: light dark",
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %q:\n%s", want, a.body)
		}
	}
	for _, unwanted := range []string{"<script", "countdown", "http://", "https://"} {
		if strings.Contains(a.body, unwanted) {
			t.Errorf("the page has %q:\n%s", unwanted, a.body)
		}
	}
	nonce := regexp.MustCompile(`<style nonce="([^"]+)">`).FindStringSubmatch(a.body)
	if csp := a.header.Get("Content-Security-Policy"); nonce == nil || !strings.Contains(csp, "default-src 'none'; style-src 'nonce-"+nonce[1]+"'") {
		t.Errorf("policy %q does not fit the page", csp)
	}
	if _, a := w.consentForm("scope", "openid email"); strings.Contains(a.body, "organisation") {
		t.Errorf("an identity-only login shows a picker:\n%s", a.body)
	}
}

func TestConsentPageCanConsentByItself(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { byHand(cfg); cfg.AutoConsentAfter = 2500 * time.Millisecond })
	_, a := w.consentForm()
	nonce := regexp.MustCompile(`<script nonce="([^"]+)">`).FindStringSubmatch(a.body)
	if nonce == nil || !strings.Contains(a.header.Get("Content-Security-Policy"), "script-src 'nonce-"+nonce[1]+"'") {
		t.Error("the page's script is missing or not allowed")
	}
	for _, want := range []string{`data-after="2500"`, "after 3 seconds", " checked>"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestConsentForm(t *testing.T) {
	au, nz := defaultOrganisations()[0].TenantID, defaultOrganisations()[1].TenantID
	cases := []struct {
		name          string
		scope         string
		action        string
		organisations []string
		status        int
		answer        string // "code", "error" or, on a page, a text
		connected     int
	}{
		{"allow one", allScopes, "allow", []string{nz}, 302, "code", 1},
		{"allow two", allScopes, "allow", []string{au, nz}, 302, "code", 2},
		{"allow none", allScopes, "allow", nil, 400, "Choose at least one organisation.", 0},
		{"allow a stranger", allScopes, "allow", []string{"elsewhere"}, 400, "That organisation is no longer here.", 0},
		{"no action", allScopes, "", []string{au}, 400, "Choose Allow access or Cancel.", 0},
		{"cancel", allScopes, "cancel", []string{au}, 302, "error", 0},
		{"identity only connects nothing", "openid email", "allow", []string{au}, 302, "code", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, byHand)
			id, _ := w.consentForm("scope", c.scope)
			values := form("request", id, "action", c.action)
			values["organisation"] = c.organisations
			a := w.post("/identity/consent", values)
			if a.status != c.status {
				t.Fatalf("got status %d; want %d: %s", a.status, c.status, a.body)
			}
			if got := len(w.s.clients[DefaultPublicClientID].connections); got != c.connected {
				t.Errorf("%d connections; want %d", got, c.connected)
			}
			if c.status == 400 {
				if !strings.Contains(a.body, c.answer) {
					t.Errorf("the page lacks %q", c.answer)
				}
				if a := w.post("/identity/consent", form("request", id, "action", "cancel")); a.status != 302 {
					t.Errorf("the form cannot be sent again: %d", a.status)
				}
				return
			}
			got := w.callback(a)
			if !got.Has(c.answer) || got.Has("code") == got.Has("error") || got.Get("state") != "st/ate ü+&" {
				t.Errorf("redirected with %v; want %s and the state", got, c.answer)
			}
			if c.answer == "error" && got.Get("error") != "access_denied" {
				t.Errorf("error is %q", got.Get("error"))
			}
			if a := w.post("/identity/consent", values); a.status != 500 {
				t.Errorf("the form works twice: %d", a.status)
			}
		})
	}
}

func TestConsentWithoutOrganisations(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { byHand(cfg); cfg.Organisations = []Organisation{} })
	id, page := w.consentForm()
	if !strings.Contains(page.body, "You have no organisations.") {
		t.Error("the page does not say so")
	}
	got := w.callback(w.post("/identity/consent", form("request", id, "action", "allow")))
	if list := w.connections(w.tokens(w.exchange(got.Get("code"))).AccessToken); len(list) != 0 {
		t.Errorf("connected %v", list)
	}
}

func TestConsentNamesWhatIsConnected(t *testing.T) {
	w := newWorld(t, byHand)
	id, _ := w.consentForm()
	w.post("/identity/consent", form("request", id, "action", "allow", "organisation", defaultOrganisations()[1].TenantID))
	_, page := w.consentForm()
	if strings.Count(page.body, "already connected") != 1 || !strings.Contains(page.body, `Demo Company (NZ) <span class="note">(already connected)`) {
		t.Errorf("the page does not mark the one connected:\n%s", page.body)
	}
}
