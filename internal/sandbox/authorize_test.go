package sandbox

import (
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestAuthorizeErrorPages(t *testing.T) {
	w := newWorld(t, func(cfg *Config) {
		cfg.Clients = append(DefaultClients(),
			Client{ID: "NARROW", Kind: Public, RedirectURIs: []string{testRedirect}, Scopes: []string{"openid", "accounting.contacts"}})
	})
	cases := []struct {
		name  string
		query []string
		page  string
	}{
		{"unknown client", []string{"client_id", "NOBODY"}, pageUnknownClient},
		{"no client", []string{"client_id", "-"}, pageUnknownClient},
		{"another port", []string{"redirect_uri", "http://localhost:8743/callback"}, pageRedirectURI},
		{"a trailing slash", []string{"redirect_uri", testRedirect + "/"}, pageRedirectURI},
		{"a query added", []string{"redirect_uri", testRedirect + "?x=1"}, pageRedirectURI},
		{"the address for the name", []string{"redirect_uri", "http://127.0.0.1:8742/callback"}, pageRedirectURI},
		{"another letter case", []string{"redirect_uri", "http://localhost:8742/Callback"}, pageRedirectURI},
		{"no redirect URI", []string{"redirect_uri", "-"}, pageRedirectURI},
		{"custom connection in a browser", []string{"client_id", DefaultCustomClientID}, pageGrantType},
		{"implicit flow", []string{"response_type", "token"}, pageResponseType},
		{"hybrid flow", []string{"response_type", "code id_token"}, pageResponseType},
		{"public without challenge", []string{"code_challenge", "-", "code_challenge_method", "-"}, pageNoChallenge},
		{"plain challenge", []string{"code_challenge_method", "plain"}, pageTransform},
		{"challenge without method", []string{"code_challenge_method", "-"}, pageTransform},
		{"challenge with padding", []string{"code_challenge", challengeOf("x") + "="}, pageChallenge},
		{"challenge too short", []string{"code_challenge", "abc"}, pageChallenge},
		{"challenge with bits to spare", []string{"code_challenge", strings.Repeat("_", 43)}, pageChallenge},
		{"challenge of another alphabet", []string{"code_challenge", strings.Repeat("+", 43)}, pageChallenge},
		{"web app with plain challenge", []string{"client_id", DefaultWebClientID, "code_challenge_method", "plain"}, pageTransform},
		{"web app with method alone", []string{"client_id", DefaultWebClientID, "code_challenge", "-"}, pageNoChallenge},
		{"no scope", []string{"scope", " "}, pageMissingScope},
		{"unknown scope", []string{"scope", "openid accounting.everything"}, pageInvalidScope},
		{"retired scope on a new app", []string{"scope", "openid accounting.transactions"}, pageInvalidScope},
		{"commas", []string{"scope", "openid,profile"}, pageInvalidScope},
		{"restricted scope", []string{"scope", "openid paymentservices"}, pageNotForClient},
		{"scope that this app lacks", []string{"client_id", "NARROW", "scope", "openid accounting.settings"}, pageNotForClient},
		{"app scope in a browser", []string{"scope", "openid app.connections"}, pageWrongScopes},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := w.authorize(c.query...)
			if a.status != 500 || a.header.Get("Location") != "" {
				t.Errorf("got status %d and Location %q; want the error page", a.status, a.header.Get("Location"))
			}
			if !strings.Contains(a.body, "Error code: 500") || !strings.Contains(a.body, `<code id="error">`+html.EscapeString(c.page)+`</code>`) {
				t.Errorf("the page lacks its code or %q:\n%s", c.page, a.body)
			}
		})
	}
	for name, query := range map[string]string{"doubled": authorizeQuery() + "&state=x", "not a query": authorizeQuery() + "&x=%zz"} {
		if a := w.do("GET", "/identity/connect/authorize?"+query, ""); a.status != 500 || !strings.Contains(a.body, pageMalformed) {
			t.Errorf("%s: got %d; want the page %q", name, a.status, pageMalformed)
		}
	}
}

func TestAuthorizeAnswersWithCodeAndState(t *testing.T) {
	w := newWorld(t, nil)
	cases := []struct {
		name  string
		query []string
		keys  string
		state string
	}{
		{"public app", nil, "code scope session_state state", "st/ate ü+&"},
		{"without state", []string{"state", "-"}, "code scope session_state", ""},
		{"web app without PKCE", []string{"client_id", DefaultWebClientID, "code_challenge", "-", "code_challenge_method", "-"}, "code scope session_state state", "st/ate ü+&"},
		{"web app with PKCE", []string{"client_id", DefaultWebClientID}, "code scope session_state state", "st/ate ü+&"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := w.authorize(c.query...)
			got := w.callback(a)
			var keys []string
			for key := range got {
				keys = append(keys, key)
			}
			slices.Sort(keys)
			if strings.Join(keys, " ") != c.keys || got.Get("state") != c.state {
				t.Errorf("got %v with state %q; want %s with state %q", keys, got.Get("state"), c.keys, c.state)
			}
			match(t, "code", got.Get("code"), `[A-Za-z0-9_-]{43}`)
			if !strings.HasPrefix(a.header.Get("Location"), testRedirect+"?") || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("headers: %v", a.header)
			}
		})
	}
}

func TestRegisteredRedirectURIsAreKeptAsText(t *testing.T) {
	for _, uri := range []string{"http://localhost", "http://localhost/", "http://localhost:9/a?b=c", "https://app.example.com/x%20y"} {
		w := newWorld(t, func(cfg *Config) {
			cfg.Clients = []Client{{ID: "ONE", Kind: Public, RedirectURIs: []string{uri}}}
		})
		a := w.authorize("client_id", "ONE", "redirect_uri", uri)
		separator := "?"
		if strings.Contains(uri, "?") {
			separator = "&"
		}
		if got := a.header.Get("Location"); !strings.HasPrefix(got, uri+separator+"code=") {
			t.Errorf("%s: sent to %q", uri, got)
		}
	}
}

func TestNewRefusesWhatThePortalRefuses(t *testing.T) {
	public := func(uris ...string) []Client { return []Client{{ID: "A", Kind: Public, RedirectURIs: uris}} }
	many := make([]string, maxRedirectURIs+1)
	for i := range many {
		many[i] = fmt.Sprintf("http://localhost:%d/", 8000+i)
	}
	cases := []struct {
		name string
		cfg  Config
		ok   bool
	}{
		{"https", Config{Clients: public("https://example.com/cb")}, true},
		{"fifty URIs", Config{Clients: public(many[1:]...)}, true},
		{"fifty-one URIs", Config{Clients: public(many...)}, false},
		{"127.0.0.1", Config{Clients: public("http://127.0.0.1:8742/callback")}, false},
		{"[::1]", Config{Clients: public("http://[::1]:8742/callback")}, false},
		{"http elsewhere", Config{Clients: public("http://example.com/cb")}, false},
		{"custom scheme", Config{Clients: public("myapp://callback")}, false},
		{"fragment", Config{Clients: public("https://example.com/#x")}, false},
		{"user in the URI", Config{Clients: public("https://me@example.com/")}, false},
		{"no id", Config{Clients: []Client{{Kind: Public}}}, false},
		{"same id twice", Config{Clients: append(public(), public()...)}, false},
		{"unknown kind", Config{Clients: []Client{{ID: "A", Kind: "spa"}}}, false},
		{"public with secret", Config{Clients: []Client{{ID: "A", Kind: Public, Secret: "s"}}}, false},
		{"web without secret", Config{Clients: []Client{{ID: "A", Kind: Web}}}, false},
		{"custom without secret", Config{Clients: []Client{{ID: "A", Kind: CustomConnection}}}, false},
		{"tenant without id", Config{Organisations: []Organisation{{Name: "x"}}}, false},
		{"tenant twice", Config{Organisations: []Organisation{{TenantID: "x"}, {TenantID: "x"}}}, false},
	}
	for _, c := range cases {
		c.cfg.Key = testKey()
		if _, err := New(c.cfg); (err == nil) != c.ok {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
}

func TestEveryReplyIsMarked(t *testing.T) {
	w := newWorld(t, nil)
	seen := map[string]bool{}
	for _, path := range []string{"/", "/nothing", "/identity/connect/authorize", "/connect/token", "/connections", "/sandbox/requests"} {
		a := w.do("GET", path, "")
		id := a.header.Get("Xero-Correlation-Id")
		match(t, path+": Xero-Correlation-Id", id, uuidPattern)
		if seen[id] || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: correlation id repeated or reply storable: %v", path, a.header)
		}
		seen[id] = true
	}
	if a := w.do("GET", "/connect/token", ""); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" {
		t.Errorf("GET on the token endpoint: %d, Allow %q", a.status, a.header.Get("Allow"))
	}
}
