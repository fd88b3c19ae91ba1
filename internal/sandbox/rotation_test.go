package sandbox

import (
	"strings"
	"testing"
	"time"
)

func TestRotation(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login()
	w.pass(60 * 24 * time.Hour)
	second := w.tokens(w.refresh(first.RefreshToken))
	if second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken || second.Scope != first.Scope {
		t.Error("a refresh must replace both tokens and keep the scopes")
	}
	w.pass(20 * time.Minute)
	again := w.tokens(w.refresh(first.RefreshToken))
	if again.RefreshToken == second.RefreshToken {
		t.Error("a repeated refresh must give a new successor")
	}
	w.pass(10 * time.Minute) // thirty since the first use, ten since the second
	w.tokens(w.refresh(first.RefreshToken))
	w.pass(time.Second)
	wantError(t, w.refresh(first.RefreshToken), errInvalidGrant, consumed)
	w.tokens(w.refresh(second.RefreshToken)) // the chain lives
	w.tokens(w.refresh(again.RefreshToken))
}

func TestRefreshTokensOfOthersAndOfThePast(t *testing.T) {
	w := newWorld(t, nil)
	got := w.login()
	wantError(t, w.post("/connect/token", form("grant_type", "refresh_token", "refresh_token", got.RefreshToken,
		"client_id", DefaultWebClientID, "client_secret", DefaultWebClientSecret)), errInvalidGrant, "")
	wantError(t, w.post("/connect/token", form("grant_type", "refresh_token", "refresh_token", got.RefreshToken,
		"client_id", DefaultCustomClientID, "client_secret", DefaultCustomClientSecret)), errInvalidClient, "")
	w.pass(60*24*time.Hour + time.Second)
	wantError(t, w.refresh(got.RefreshToken), errInvalidGrant, "")
}

func TestStrictKillsTheChainOnReuse(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { cfg.Strict = true })
	first, other := w.login(), w.login()
	second := w.tokens(w.refresh(first.RefreshToken))
	wantError(t, w.refresh(first.RefreshToken), errInvalidGrant, consumed)
	wantError(t, w.refresh(second.RefreshToken), errInvalidGrant, "")
	w.tokens(w.refresh(other.RefreshToken)) // another consent's chain is another chain
}

func TestRevocation(t *testing.T) {
	w := newWorld(t, nil)
	first, second := w.login(), w.login()
	webSecret := []string{"client_id", DefaultWebClientID, "client_secret", DefaultWebClientSecret}
	web := w.tokens(w.exchange(w.callback(w.authorize("client_id", DefaultWebClientID)).Get("code"), webSecret...))
	pending := w.callback(w.authorize()).Get("code")
	id := form("client_id", DefaultPublicClientID)
	revoke := func(token string, pairs ...string) answer {
		return w.post("/connect/revocation", form(append([]string{"client_id", DefaultPublicClientID, "token", token}, pairs...)...))
	}
	wantError(t, w.post("/connect/revocation", id), errInvalidRequest, "")
	wantError(t, revoke(first.RefreshToken, "client_secret", "x"), errInvalidClient, "")
	for _, a := range []answer{
		revoke("unknown"), revoke(first.AccessToken),
		revoke(first.RefreshToken, webSecret...),
	} {
		if a.status != 200 || a.body != "" {
			t.Errorf("got %d %q; want 200 and nothing", a.status, a.body)
		}
	}
	if len(w.connections(first.AccessToken)) != 1 || len(w.connections(web.AccessToken)) != 1 {
		t.Fatal("somebody else's token, or none, revoked something")
	}
	if a := revoke(first.RefreshToken); a.status != 200 || a.body != "" {
		t.Errorf("got %d %q; want 200 and nothing", a.status, a.body)
	}
	wantError(t, w.refresh(first.RefreshToken), errInvalidGrant, "")
	wantError(t, w.refresh(second.RefreshToken), errInvalidGrant, "")
	wantError(t, w.exchange(pending), errInvalidGrant, "")
	if got := w.connections(second.AccessToken); len(got) != 0 {
		t.Errorf("connections left: %v", got)
	}
	if got := w.login("scope", "openid"); got.Scope != "openid" {
		t.Errorf("old scopes came back: %q", got.Scope)
	}
}

func TestRevokeChainsAndKillAccessTokens(t *testing.T) {
	w := newWorld(t, nil)
	got := w.login()
	w.s.RevokeChains(DefaultWebClientID)
	got = w.tokens(w.refresh(got.RefreshToken))
	w.s.RevokeChains(DefaultPublicClientID)
	wantError(t, w.refresh(got.RefreshToken), errInvalidGrant, "")
	if len(w.connections(got.AccessToken)) != 1 {
		t.Error("RevokeChains must leave the connections")
	}
	w.s.KillAccessTokens()
	if a := w.do("GET", "/connections", "", "Authorization", "Bearer "+got.AccessToken); a.status != 401 || !strings.Contains(a.body, "TokenExpired") {
		t.Errorf("got %d %s", a.status, a.body)
	}
	w.connections(w.login().AccessToken)
}
