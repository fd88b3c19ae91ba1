package login

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/loopback"
	"github.com/xeroauth/xeroauth/internal/sandbox"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// The order is the promise: saved before the tenants are asked for, and the
// browser told last.
func TestGoodLogin(t *testing.T) {
	for _, tt := range []struct {
		name string
		app  xero.App
	}{{"public app", xero.App{ID: sandbox.DefaultPublicClientID}}, {"web app", webApp()}} {
		t.Run(tt.name, func(t *testing.T) {
			st := newStage(t, nil)
			st.flow.App = tt.app
			before := time.Now()
			tokens, err := st.flow.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			st.wantEvents("asked", "waited", "kept, after 0 lists", "settled, after 1 lists, browser answered: false")
			st.wantPage("Logged in by the test")
			st.noSecrets(nil)
			if n := st.sandbox.CountGrant("authorization_code"); n != 1 {
				t.Errorf("the code was sent %d times; want once", n)
			}
			if len(st.kept) != 1 || !st.kept[0].Set.AccessToken.Equal(tokens.Set.AccessToken) || tokens.Set.RefreshToken.IsZero() {
				t.Errorf("%d times kept; want the very tokens that were returned", len(st.kept))
			}
			if want := "0ada0000-0000-4000-8000-000000000001"; tokens.UserID() != want || tokens.Identity.UserID != want || tokens.Claims.UserID != want {
				t.Errorf("the user is %q, %q, %q", tokens.UserID(), tokens.Identity.UserID, tokens.Claims.UserID)
			}
			if tokens.Identity.Name != "Ada Marlowe" || tokens.Identity.Email != "ada.marlowe@example.com" || len(tokens.Warnings) != 0 {
				t.Errorf("%+v, warnings %q", tokens.Identity, tokens.Warnings)
			}
			if !slices.Equal(tokens.Set.Scopes, st.flow.Scopes) || tokens.Set.ObtainedAt.Before(before) {
				t.Errorf("scopes %q, obtained %v", tokens.Set.Scopes, tokens.Set.ObtainedAt)
			}
			if st.listErr != nil || len(st.listed) != 1 || st.listed[0].Name != "Demo Company (AU)" || st.listed[0].AuthEventID != tokens.Claims.AuthenticationEventID {
				t.Errorf("the list is %+v, %v", st.listed, st.listErr)
			}
			if !slices.Contains(st.flow.RedirectURIs, st.invited.RedirectURI) || st.invited.Until.Before(before.Add(st.flow.Timeout)) {
				t.Errorf("invited with %q until %v", st.invited.RedirectURI, st.invited.Until)
			}
		})
	}
}

// State and verifier are new in each login; the nonce is there with openid.
func TestAuthorizationRequest(t *testing.T) {
	st := newStage(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	seen := map[string]bool{}
	for _, tt := range []struct {
		name   string
		scopes []string
		nonce  bool
	}{
		{"with openid", []string{"openid", "offline_access"}, true},
		{"with openid again", []string{"offline_access", "openid"}, true},
		{"without openid", []string{"offline_access", "accounting.contacts"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st.flow.Scopes = tt.scopes
			st.flow.Ask = func(i Invitation) { st.invited = i }
			_, _ = st.flow.Run(ctx)
			u, err := url.Parse(st.invited.URL)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			for _, name := range []string{"state", "nonce", "code_challenge"} {
				if name == "nonce" && !tt.nonce {
					if q.Has(name) {
						t.Errorf("there is a nonce though no id token was asked for")
					}
					continue
				}
				raw, err := base64.RawURLEncoding.DecodeString(q.Get(name))
				if err != nil || len(raw) != 32 {
					t.Errorf("%s is %q; want 256 bits", name, q.Get(name))
				}
				if seen[q.Get(name)] {
					t.Errorf("%s was used before", name)
				}
				seen[q.Get(name)] = true
			}
			if q.Get("code_challenge_method") != "S256" || q.Get("redirect_uri") != st.invited.RedirectURI || q.Get("scope") != strings.Join(tt.scopes, " ") ||
				q.Get("response_type") != "code" || q.Get("client_id") != sandbox.DefaultPublicClientID || q.Has("client_secret") || q.Has("code_verifier") {
				t.Errorf("the query is %v", q)
			}
		})
	}
}

func TestLoginWithoutOpenID(t *testing.T) {
	st := newStage(t, nil)
	st.flow.Scopes = []string{"offline_access", "accounting.contacts"}
	tokens, err := st.flow.Run(t.Context())
	if err != nil || !tokens.Set.IDToken.IsZero() || tokens.Identity != (xero.Identity{}) || tokens.UserID() == "" {
		t.Errorf("%+v, user %q, %v", tokens.Identity, tokens.UserID(), err)
	}
	st.wantPage("Logged in by the test")
}

// The listener is up before anybody is asked.
func TestListensBeforeAsking(t *testing.T) {
	st := newStage(t, nil)
	ask := st.flow.Ask
	st.flow.Ask = func(i Invitation) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", portOf(i.RedirectURI)))
		if err != nil {
			t.Errorf("nothing listens yet: %v", err)
		} else {
			conn.Close()
		}
		ask(i)
	}
	if _, err := st.flow.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", portOf(st.invited.RedirectURI))); err == nil {
		conn.Close()
		t.Error("something listens after Run")
	}
}

func TestBusyRedirectURI(t *testing.T) {
	st := newStage(t, nil)
	taken, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", portOf(st.flow.RedirectURIs[0])))
	if err != nil {
		t.Skip("somebody took the port first")
	}
	defer taken.Close()
	if _, err := st.flow.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var busy *loopback.BusyError
	if len(st.invited.Skipped) == 0 || !errors.As(st.invited.Skipped[0], &busy) || busy.URI != st.flow.RedirectURIs[0] ||
		st.invited.RedirectURI == st.flow.RedirectURIs[0] {
		t.Errorf("invited with %+v", st.invited)
	}
	st.flow.RedirectURIs = st.flow.RedirectURIs[:1]
	st.events = nil
	if _, err := st.flow.Run(t.Context()); !errors.As(err, &busy) {
		t.Errorf("%v; want *BusyError", err)
	}
	st.wantEvents() // nobody is asked to consent to what cannot be caught
}

// If the save fails the tokens are not thrown away: they travel in the error.
func TestKeepFails(t *testing.T) {
	st := newStage(t, nil)
	st.flow.Keep = func(context.Context, Tokens) error { st.event("not kept"); return errTest }
	tokens, err := st.flow.Run(t.Context())
	var unsaved *UnsavedError
	if !errors.As(err, &unsaved) || !errors.Is(err, errTest) || err.Error() != errTest.Error() {
		t.Fatalf("%v; want *UnsavedError around the cause", err)
	}
	if unsaved.Tokens.Set.RefreshToken.IsZero() || !unsaved.Tokens.Set.RefreshToken.Equal(tokens.Set.RefreshToken) {
		t.Error("the tokens are lost")
	}
	st.wantEvents("asked", "waited", "not kept", "explained, browser answered: false")
	if n := st.count("/connections") + st.count("/connect/revocation"); n != 0 || !errors.Is(st.failed, errTest) {
		t.Errorf("%d more requests; explained %v", n, st.failed)
	}
	st.wantPage("Failed in the test")
	st.noSecrets(err)
}

// If the list fails the login still succeeds.
func TestConnectionsFail(t *testing.T) {
	st := newStage(t, nil)
	st.sandbox.SetFault(sandbox.Fault{Path: "/connections", Kind: sandbox.FaultStatus, Status: 503})
	if _, err := st.flow.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st.listErr == nil || st.listed != nil || len(st.kept) != 1 {
		t.Errorf("list %v, %v, kept %d times", st.listed, st.listErr, len(st.kept))
	}
	st.wantPage("Logged in by the test")
}

func TestRefusedCallback(t *testing.T) {
	tests := []struct {
		name, query       string
		code, description string
		text              string
	}{
		{"consent denied", "error=access_denied", "access_denied", "", "waiting for consent: Xero answered access_denied"},
		{"with words", "error=access_denied&error_description=Requested+wrong+apps+scopes", "access_denied", "Requested wrong apps scopes",
			"waiting for consent: Xero answered access_denied (Requested wrong apps scopes)"},
		{"server error", "error=server_error", "server_error", "", "waiting for consent: Xero answered server_error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := newStage(t, nil)
			st.flow.Ask = st.answering(tt.query)
			tokens, err := st.flow.Run(t.Context())
			var refused *RefusedError
			if !errors.As(err, &refused) || refused.Code != tt.code || refused.Description != tt.description || err.Error() != tt.text {
				t.Errorf("%v; want %q", err, tt.text)
			}
			if !tokens.Set.AccessToken.IsZero() || st.count("/connect/token") != 0 {
				t.Errorf("a token request was sent")
			}
			st.wantEvents("asked", "waited", "explained, browser answered: false")
			st.wantPage("Failed in the test")
		})
	}
}

func TestNoConsent(t *testing.T) {
	st := newStage(t, nil)
	st.flow.Timeout = time.Millisecond
	st.flow.Ask = func(Invitation) { st.event("asked") }
	_, err := st.flow.Run(t.Context())
	var late *NoConsentError
	if !errors.As(err, &late) || !errors.Is(err, ErrNoConsent) || late.RedirectURI != st.flow.RedirectURIs[0] || late.Waited != time.Millisecond {
		t.Errorf("%v; want *NoConsentError with the URI and the time", err)
	}
	if want := "waiting for consent: nothing came back to " + st.flow.RedirectURIs[0] + " within 1ms"; err.Error() != want {
		t.Errorf("the text is %q; want %q", err, want)
	}
	st.wantEvents("asked", "waited")
}

func TestCancelled(t *testing.T) {
	st := newStage(t, nil)
	ctx, cancel := context.WithCancelCause(context.Background())
	st.flow.Ask = func(Invitation) { st.event("asked"); cancel(errTest) }
	if _, err := st.flow.Run(ctx); !errors.Is(err, errTest) || errors.Is(err, ErrNoConsent) {
		t.Errorf("%v; want the cause", err)
	}
	st.wantEvents("asked", "waited")
}

// Forged requests change nothing and are told in the trace.
func TestForgedCallbacks(t *testing.T) {
	st := newStage(t, nil)
	ask := st.flow.Ask
	st.flow.Ask = func(i Invitation) {
		for _, query := range []string{"state=wrong&code=x", "error=access_denied", "state=wrong&error=access_denied", ""} {
			if v := browse(i.RedirectURI + "?" + query); v.status != http.StatusBadRequest {
				t.Errorf("%q: %d, %v", query, v.status, v.err)
			}
		}
		ask(i)
	}
	if _, err := st.flow.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := st.sandbox.CountGrant("authorization_code"); n != 1 {
		t.Errorf("%d exchanges; want 1", n)
	}
	if !slices.Contains(st.traced, "ignored 4 requests to the listener: no state or a wrong one") {
		t.Errorf("traced:\n%s", strings.Join(st.traced, "\n"))
	}
}

// A code that Xero may not have seen is sent again; one that it answered is
// spent, whatever the answer was worth. A lost answer is the reason that is
// told, not the invalid_grant that follows from it.
func TestExchangeFaults(t *testing.T) {
	const path = "/connect/token"
	tests := []struct {
		name   string
		faults []sandbox.Fault
		sent   int
		ok     bool
		kind   xero.Kind
	}{
		{"503, then well", []sandbox.Fault{{Path: path, Kind: sandbox.FaultStatus, Status: 503, Times: 1}}, 2, true, 0},
		{"reset before, then well", []sandbox.Fault{{Path: path, Kind: sandbox.FaultResetBefore, Times: 1}}, 2, true, 0},
		{"429 with a second to wait", []sandbox.Fault{{Path: path, Kind: sandbox.FaultStatus, Status: 429, RetryAfter: "1", Times: 1}}, 2, true, 0},
		{"429 with more to wait than a code lives", []sandbox.Fault{{Path: path, Kind: sandbox.FaultStatus, Status: 429, RetryAfter: "61"}}, 1, false, xero.Temporary},
		{"503 for ever", []sandbox.Fault{{Path: path, Kind: sandbox.FaultStatus, Status: 503}}, 4, false, xero.Temporary},
		{"answer lost", []sandbox.Fault{{Path: path, Kind: sandbox.FaultResetAfter, Times: 1}}, 2, false, xero.Temporary},
		{"answer a page", []sandbox.Fault{{Path: path, Kind: sandbox.FaultHTML, Times: 1}}, 1, false, xero.Temporary},
		{"refused", []sandbox.Fault{{Path: path, Kind: sandbox.FaultStatus, Status: 400, Body: `{"error":"invalid_client"}`}}, 1, false, xero.Refused},
		{"hostile token", []sandbox.Fault{{Path: path, Kind: sandbox.FaultBody, Body: `{"access_token":"a\r\nX-Evil: 1"}`}}, 1, false, xero.Temporary},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := newStage(t, nil)
			for _, f := range tt.faults {
				st.sandbox.SetFault(f)
			}
			_, err := st.flow.Run(t.Context())
			if n := st.sandbox.CountGrant("authorization_code"); n != tt.sent {
				t.Errorf("the code was sent %d times; want %d", n, tt.sent)
			}
			st.noSecrets(err)
			if tt.ok {
				if err != nil || len(st.kept) != 1 {
					t.Errorf("%v, kept %d times; want success", err, len(st.kept))
				}
				st.wantPage("Logged in by the test")
				return
			}
			if !xero.IsKind(err, tt.kind) || len(st.kept) != 0 || st.count("/connections")+st.count("/connect/revocation") != 0 {
				t.Errorf("%v, kept %d times; want kind %d and nothing kept, listed or revoked", err, len(st.kept), tt.kind)
			}
			st.wantPage("Failed in the test")
		})
	}
}

// fakeXero answers the token request with what the test says; its keys cannot
// be had, so that the id token's claims count unsigned.
func fakeXero(t *testing.T, st *stage, access, id map[string]any) {
	t.Helper()
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	jwt := func(claims map[string]any) string {
		b, err := json.Marshal(claims)
		if err != nil {
			t.Error(err)
		}
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256"}`)) + "." + base64.RawURLEncoding.EncodeToString(b) + ".c2ln"
	}
	id["iss"], id["aud"] = s.URL, sandbox.DefaultPublicClientID
	id["iat"], id["exp"] = time.Now().Unix(), time.Now().Add(5*time.Minute).Unix()
	mux.HandleFunc("/connect/token", func(w http.ResponseWriter, _ *http.Request) {
		u, err := url.Parse(st.invited.URL)
		if err != nil {
			t.Error(err)
		}
		if _, own := id["nonce"]; !own {
			id["nonce"] = u.Query().Get("nonce")
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": jwt(access), "id_token": jwt(id), "expires_in": 1800, "refresh_token": "r"})
	})
	mux.HandleFunc("/connections", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "[]") })
	st.flow = st.newFlow(s.URL, st.flow.RedirectURIs)
	st.flow.Ask = st.answering("code=c")
}

func TestIDToken(t *testing.T) {
	tests := []struct {
		name       string
		access, id map[string]any
		refused    string // part of the error's text
		user       string
	}{
		{"same person", map[string]any{"xero_userid": "u1"}, map[string]any{"xero_userid": "u1"}, "", "u1"},
		{"another person", map[string]any{"xero_userid": "u1"}, map[string]any{"xero_userid": "u2"}, "another user", ""},
		{"access token that names nobody", map[string]any{}, map[string]any{"xero_userid": "u2"}, "", "u2"},
		{"id token that names nobody", map[string]any{"xero_userid": "u1"}, map[string]any{}, "", "u1"},
		{"nonce of another login", map[string]any{"xero_userid": "u1"}, map[string]any{"xero_userid": "u1", "nonce": "old"}, "nonce", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := newStage(t, nil)
			fakeXero(t, st, tt.access, tt.id)
			tokens, err := st.flow.Run(t.Context())
			if tt.refused != "" {
				if !xero.IsKind(err, xero.Refused) || !strings.Contains(err.Error(), tt.refused) || len(st.kept) != 0 {
					t.Errorf("%v, kept %d times; want it refused with %q", err, len(st.kept), tt.refused)
				}
				st.wantPage("Failed in the test")
				return
			}
			if err != nil || tokens.UserID() != tt.user || len(tokens.Warnings) != 1 || !strings.Contains(tokens.Warnings[0], "unchecked") {
				t.Errorf("user %q, warnings %q, %v; want %q and one warning", tokens.UserID(), tokens.Warnings, err, tt.user)
			}
			st.wantPage("Logged in by the test")
		})
	}
}
