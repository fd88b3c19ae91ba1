package sandbox

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestClientAuthentication(t *testing.T) {
	w := newWorld(t, nil)
	basic := func(id, secret string) []string {
		r := w.request("GET", "/", "")
		r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
		return []string{"Authorization", r.Header.Get("Authorization")}
	}
	const web, webSecret = DefaultWebClientID, DefaultWebClientSecret
	cases := []struct {
		name    string
		client  string // who logs in
		body    []string
		headers []string
		want    string // an error, or nothing
	}{
		{"public with its id", DefaultPublicClientID, []string{"client_id", DefaultPublicClientID}, nil, ""},
		{"public with a secret", DefaultPublicClientID, []string{"client_id", DefaultPublicClientID, "client_secret", "x"}, nil, errInvalidClient},
		{"public with an empty secret", DefaultPublicClientID, []string{"client_id", DefaultPublicClientID, "client_secret", ""}, nil, errInvalidClient},
		{"public with Basic", DefaultPublicClientID, nil, basic(DefaultPublicClientID, ""), errInvalidClient},
		{"public with a foreign Authorization", DefaultPublicClientID, []string{"client_id", DefaultPublicClientID}, []string{"Authorization", "Bearer x"}, errInvalidClient},
		{"nobody", DefaultPublicClientID, nil, nil, errInvalidClient},
		{"unknown id", DefaultPublicClientID, []string{"client_id", "NOBODY"}, nil, errInvalidClient},
		{"web with Basic", web, nil, basic(web, webSecret), ""},
		{"web with Basic and the same id", web, []string{"client_id", web}, basic(web, webSecret), ""},
		{"web with Basic and another id", web, []string{"client_id", DefaultPublicClientID}, basic(web, webSecret), errInvalidClient},
		{"web in the body", web, []string{"client_id", web, "client_secret", webSecret}, nil, ""},
		{"web in both", web, []string{"client_id", web, "client_secret", webSecret}, basic(web, webSecret), errInvalidRequest},
		{"web without secret", web, []string{"client_id", web}, nil, errInvalidClient},
		{"web with a newline", web, []string{"client_id", web, "client_secret", webSecret + "\n"}, nil, errInvalidClient},
		{"web with a wrong Basic secret", web, nil, basic(web, "wrong"), errInvalidClient},
		{"custom connection with a code", web, []string{"client_id", DefaultCustomClientID, "client_secret", DefaultCustomClientSecret}, nil, errInvalidClient},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			code := w.callback(w.authorize("client_id", c.client)).Get("code")
			a := w.post("/connect/token", form(append([]string{
				"grant_type", "authorization_code", "code", code, "redirect_uri", testRedirect, "code_verifier", testVerifier,
			}, c.body...)...), c.headers...)
			if c.want != "" {
				wantError(t, a, c.want, "")
			} else if w.tokens(a).AccessToken == "" {
				t.Error("no token")
			}
		})
	}
}

func TestTokenRequestsThatAreNone(t *testing.T) {
	w := newWorld(t, nil)
	good := form("grant_type", "refresh_token", "client_id", DefaultPublicClientID, "refresh_token", "x")
	wantError(t, w.post("/connect/token", good), errInvalidGrant, "")
	wantError(t, w.do("POST", "/connect/token", good.Encode()), errInvalidRequest, "")
	wantError(t, w.do("POST", "/connect/token", `{"grant_type":"refresh_token"}`, "Content-Type", "application/json"), errInvalidRequest, "")
	wantError(t, w.do("POST", "/connect/token", "a=%zz", "Content-Type", formType), errInvalidRequest, "")
	wantError(t, w.do("POST", "/connect/token", good.Encode()+"&client_id=x", "Content-Type", formType), errInvalidRequest, "")
	wantError(t, w.do("POST", "/connect/token?"+good.Encode(), "", "Content-Type", formType), errInvalidClient, "")
	for _, grant := range []string{"password", "-", "Authorization_Code"} {
		values := form("grant_type", grant, "client_id", DefaultPublicClientID)
		wantError(t, w.post("/connect/token", values), errUnknownGrant, "")
	}
	wantError(t, w.post("/connect/token", form("grant_type", "refresh_token", "client_id", DefaultPublicClientID)), errInvalidRequest, "")
	if a := w.do("POST", "/connect/token", strings.Repeat("a", maxBody+1), "Content-Type", formType); a.status != 413 {
		t.Errorf("a body over 1 MiB: %d", a.status)
	}
}

func TestCodeExchange(t *testing.T) {
	web := []string{"client_id", DefaultWebClientID}
	webAuth := append([]string{"client_secret", DefaultWebClientSecret}, web...)
	noChallenge := append([]string{"code_challenge", "-", "code_challenge_method", "-"}, web...)
	cases := []struct {
		name      string
		authorize []string
		after     time.Duration
		exchange  []string
		want      string
	}{
		{"as it should be", nil, 0, nil, ""},
		{"at the last moment", nil, time.Minute, nil, ""},
		{"too late", nil, time.Minute + time.Second, nil, errInvalidGrant},
		{"made-up code", nil, 0, []string{"code", handle()}, errInvalidGrant},
		{"no code", nil, 0, []string{"code", "-"}, errInvalidGrant},
		{"another registered URI", nil, 0, []string{"redirect_uri", "http://localhost:8080/callback"}, errInvalidGrant},
		{"no URI", nil, 0, []string{"redirect_uri", "-"}, errInvalidGrant},
		{"wrong verifier", nil, 0, []string{"code_verifier", testVerifier + "x"}, errInvalidGrant},
		{"no verifier", nil, 0, []string{"code_verifier", "-"}, errInvalidGrant},
		{"short verifier that fits", []string{"code_challenge", challengeOf("short")}, 0, []string{"code_verifier", "short"}, errInvalidGrant},
		{"long verifier that fits", []string{"code_challenge", challengeOf(strings.Repeat("v", 129))}, 0, []string{"code_verifier", strings.Repeat("v", 129)}, errInvalidGrant},
		{"longest verifier", []string{"code_challenge", challengeOf(strings.Repeat("v", 128))}, 0, []string{"code_verifier", strings.Repeat("v", 128)}, ""},
		{"verifier with a space", []string{"code_challenge", challengeOf(testVerifier + " ")}, 0, []string{"code_verifier", testVerifier + " "}, errInvalidGrant},
		{"another client's code", nil, 0, webAuth, errInvalidGrant},
		{"web app, challenge and verifier", web, 0, webAuth, ""},
		{"web app, challenge and wrong verifier", web, 0, append([]string{"code_verifier", testVerifier + "x"}, webAuth...), errInvalidGrant},
		{"web app, challenge and no verifier", web, 0, append([]string{"code_verifier", "-"}, webAuth...), errInvalidGrant},
		{"web app, neither", noChallenge, 0, append([]string{"code_verifier", "-"}, webAuth...), ""},
		{"web app, verifier without challenge", noChallenge, 0, webAuth, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			code := w.callback(w.authorize(c.authorize...)).Get("code")
			w.pass(c.after)
			a := w.exchange(code, c.exchange...)
			if c.want != "" {
				wantError(t, a, c.want, "")
				return
			}
			if got := w.tokens(a); got.AccessToken == "" || got.TokenType != "Bearer" || got.ExpiresIn != 1800 {
				t.Errorf("got %+v", got)
			}
			wantError(t, w.exchange(code, c.exchange...), errInvalidGrant, "")
		})
	}
}

func TestFailedExchangeSpendsTheCode(t *testing.T) {
	w := newWorld(t, nil)
	code := w.callback(w.authorize()).Get("code")
	wantError(t, w.exchange(code, "client_id", DefaultWebClientID, "client_secret", DefaultWebClientSecret), errInvalidGrant, "")
	other := w.callback(w.authorize()).Get("code")
	w.tokens(w.exchange(code)) // another client's try did not spend it
	wantError(t, w.exchange(other, "code_verifier", "-"), errInvalidGrant, "")
	wantError(t, w.exchange(other), errInvalidGrant, "")
}

func TestWhatScopesGive(t *testing.T) {
	cases := []struct {
		scope       string
		id, refresh bool
	}{
		{"accounting.contacts", false, false},
		{"openid accounting.contacts", true, false},
		{"accounting.contacts offline_access", false, true},
		{"openid profile  offline_access", true, true},
	}
	for _, c := range cases {
		w := newWorld(t, nil)
		got := w.login("scope", c.scope)
		if (got.IDToken != "") != c.id || (got.RefreshToken != "") != c.refresh {
			t.Errorf("%q: id token %t, refresh token %t", c.scope, got.IDToken != "", got.RefreshToken != "")
		}
		if want := strings.Join(strings.Fields(c.scope), " "); got.Scope != want {
			t.Errorf("scope is %q; want %q", got.Scope, want)
		}
		if c.refresh {
			match(t, "refresh token", got.RefreshToken, `[A-Za-z0-9_-]{43}`)
		}
	}
}

func TestConsentAdds(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login("scope", "openid offline_access accounting.contacts")
	second := w.login("scope", "openid accounting.settings")
	if want := "openid accounting.settings offline_access accounting.contacts"; second.Scope != want {
		t.Errorf("second consent has %q; want %q", second.Scope, want)
	}
	if got := w.tokens(w.refresh(first.RefreshToken)); got.Scope != first.Scope {
		t.Errorf("the first chain became %q; a chain keeps what it had", got.Scope)
	}
	web := w.tokens(w.exchange(w.callback(w.authorize("client_id", DefaultWebClientID, "scope", "openid")).Get("code"),
		"client_id", DefaultWebClientID, "client_secret", DefaultWebClientSecret))
	if web.Scope != "openid" {
		t.Errorf("another app got %q", web.Scope)
	}
}

func TestClientCredentials(t *testing.T) {
	const all = "accounting.settings.read accounting.contacts accounting.invoices accounting.payments"
	custom := []string{DefaultCustomClientID, DefaultCustomClientSecret}
	web := []string{DefaultWebClientID, DefaultWebClientSecret}
	cases := []struct {
		name   string
		client []string
		scope  string
		want   string // the scope that is given, or an error
		fails  bool
	}{
		{"custom, no scope", custom, "-", all, false},
		{"custom, empty scope", custom, "", all, false},
		{"custom, one scope", custom, "accounting.contacts", "accounting.contacts", false},
		{"custom, one too many", custom, "accounting.contacts files", errInvalidScope, true},
		{"custom, openid", custom, "openid", errInvalidScope, true},
		{"custom, wrong secret", []string{DefaultCustomClientID, "wrong"}, "-", errInvalidClient, true},
		{"web, no scope", web, "-", "app.connections marketplace.billing", false},
		{"web, its own", web, "app.connections", "app.connections", false},
		{"web, a tenant's", web, "accounting.contacts", errInvalidScope, true},
	}
	w := newWorld(t, nil)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := w.machine(c.client[0], c.client[1], "scope", c.scope)
			if c.fails {
				wantError(t, a, c.want, "")
				return
			}
			got := w.tokens(a)
			if got.Scope != c.want || got.IDToken != "" || got.RefreshToken != "" || got.ExpiresIn != 1800 {
				t.Errorf("got %+v; want scope %q and an access token alone", got, c.want)
			}
		})
	}
	wantError(t, w.post("/connect/token", form("grant_type", "client_credentials", "client_id", DefaultPublicClientID)), errInvalidClient, "")
}

func TestCustomConnectionMayHaveEveryScope(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { cfg.Clients = []Client{{ID: "C", Secret: "s", Kind: CustomConnection}} })
	got := strings.Fields(w.tokens(w.machine("C", "s")).Scope)
	if !slices.Equal(got, organisationScopes) {
		t.Errorf("got %v", got)
	}
}

func TestRetiredScopesOfAnOldApp(t *testing.T) {
	w := newWorld(t, func(cfg *Config) {
		cfg.Clients = []Client{{ID: "OLD", Kind: Public, RedirectURIs: []string{testRedirect}, Scopes: []string{"accounting.transactions", "paymentservices"}}}
	})
	got := w.callback(w.authorize("client_id", "OLD", "scope", "accounting.transactions paymentservices"))
	if got.Get("scope") != "accounting.transactions paymentservices" {
		t.Errorf("got %v", got)
	}
}
