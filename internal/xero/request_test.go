package xero

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/secret"
)

func TestAuthorizeURL(t *testing.T) {
	sum := sha256.Sum256([]byte(testVerifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	tests := []struct {
		name  string
		app   App
		nonce string
		want  url.Values
	}{
		{"public app with openid", publicApp(), "nonce-1", url.Values{
			"client_id": {testClient}, "redirect_uri": {testRedirect}, "response_type": {"code"}, "scope": {"openid accounting.contacts"},
			"state": {"state-1"}, "nonce": {"nonce-1"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
		}},
		{"web app without openid", webApp(), "", url.Values{
			"client_id": {testClient}, "redirect_uri": {testRedirect}, "response_type": {"code"}, "scope": {"openid accounting.contacts"},
			"state": {"state-1"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := clientOf(Production())
			r := testRequest()
			r.Nonce = tt.nonce
			address := c.AuthorizeURL(tt.app, r)
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			if got := u.Scheme + "://" + u.Host + u.Path; got != Production().Authorize {
				t.Errorf("the address is %s; want %s", got, Production().Authorize)
			}
			if got := u.Query(); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("the query is %v\nwant %v", got, tt.want)
			}
			noCanary(t, "the address", address)
		})
	}
}

// call is one kind of request, for the tests that hold for all of them.
type call struct {
	name string
	do   func(c *Client, app App) error
	path string
	// form is what the body holds beside the client's id.
	form url.Values
	// webOnly marks requests that a public app cannot make.
	webOnly bool
}

func calls() []call {
	ctx := context.Background()
	return []call{
		{"exchange", func(c *Client, app App) error {
			_, err := c.ExchangeCode(ctx, app, testRequest(), secret.New(testCode))
			return err
		}, "/connect/token", url.Values{
			"grant_type": {"authorization_code"}, "code": {testCode}, "redirect_uri": {testRedirect}, "code_verifier": {testVerifier},
		}, false},
		{"refresh", func(c *Client, app App) error {
			_, err := c.Refresh(ctx, app, secret.New(testRefresh))
			return err
		}, "/connect/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {testRefresh}}, false},
		{"client credentials", func(c *Client, app App) error {
			_, err := c.ClientCredentials(ctx, app)
			return err
		}, "/connect/token", url.Values{"grant_type": {"client_credentials"}}, true},
		{"revoke", func(c *Client, app App) error {
			return c.Revoke(ctx, app, secret.New(testRefresh))
		}, "/connect/revocation", url.Values{"token": {testRefresh}, "token_type_hint": {"refresh_token"}}, false},
	}
}

// A public app sends its id in the body and no Authorization; an app with a
// secret sends Basic, form-encoded as RFC 6749 section 2.3.1 wants, and its
// secret in no body. Nothing stands in the address.
func TestClientAuthentication(t *testing.T) {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(testClient)+":"+url.QueryEscape(testSecret)))
	for _, call := range calls() {
		for _, app := range []struct {
			name          string
			app           App
			authorization []string
		}{{"public", publicApp(), nil}, {"web", webApp(), []string{basic}}} {
			if call.webOnly && app.name == "public" {
				continue
			}
			t.Run(call.name+", "+app.name, func(t *testing.T) {
				s := newServer(t, replying(http.StatusOK, goodReply))
				c, traced := s.client(t)
				if err := call.do(c, app.app); err != nil {
					t.Fatal(err)
				}
				got := s.only(t)
				want := url.Values{}
				for k, v := range call.form {
					want[k] = v
				}
				if app.name == "public" {
					want.Set("client_id", testClient)
				}
				if !reflect.DeepEqual(got.form, want) {
					t.Errorf("the body holds %v\nwant %v", got.form, want)
				}
				if got.method != http.MethodPost || got.path != call.path || got.query != "" {
					t.Errorf("%s %s?%s; want POST %s", got.method, got.path, got.query, call.path)
				}
				if a := got.header["Authorization"]; !reflect.DeepEqual(a, app.authorization) {
					t.Errorf("Authorization is %q; want %q", a, app.authorization)
				}
				if ct := got.header.Get("Content-Type"); ct != "application/x-www-form-urlencoded" {
					t.Errorf("Content-Type is %q", ct)
				}
				if ua := got.header.Get("User-Agent"); ua != "xeroauth/test" {
					t.Errorf("User-Agent is %q", ua)
				}
				want1 := "POST " + s.URL + call.path + ": 200 in "
				if l := traced.all(); len(l) != 1 || !strings.HasPrefix(l[0], want1) {
					t.Errorf("traced %q; want one line that begins with %q", l, want1)
				}
				noCanary(t, "the trace", strings.Join(traced.all(), "\n"))
			})
		}
	}
}

// Codes and refresh tokens are for one use: a request goes out once, whatever
// the answer. x/oauth2's guess of the auth style would send it twice.
func TestOneRequestEach(t *testing.T) {
	for _, call := range calls() {
		for _, status := range []int{200, 302, 307, 308, 400, 401, 403, 404, 429, 500, 502, 503} {
			t.Run(fmt.Sprintf("%s, %d", call.name, status), func(t *testing.T) {
				body := `{"error":"invalid_client"}`
				if status == http.StatusOK {
					body = `{}`
				}
				s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
					answer(w, status, body, "Location", "http://"+r.Host+"/elsewhere")
				})
				c, _ := s.client(t)
				err := call.do(c, webApp())
				if (err == nil) != (status == http.StatusOK && call.name == "revoke") {
					t.Errorf("the error is %v", err)
				}
				s.only(t)
			})
		}
	}
}

// A connection that breaks is not tried again behind the caller's back either.
func TestOneRequestOnReset(t *testing.T) {
	for _, call := range calls() {
		t.Run(call.name, func(t *testing.T) {
			first := true
			s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
				if first { // so that the second request goes over a connection that is kept alive
					first = false
					answer(w, http.StatusOK, goodReply)
					return
				}
				panic(http.ErrAbortHandler)
			})
			c, _ := s.client(t)
			if err := call.do(c, webApp()); err != nil {
				t.Fatal(err)
			}
			e := asError(t, call.do(c, webApp()))
			if !e.Lost || e.Kind != Temporary || e.Status != 0 {
				t.Errorf("Lost is %t, Kind %d, Status %d; want a temporary loss without status", e.Lost, e.Kind, e.Status)
			}
			if n := len(s.requests()); n != 2 {
				t.Errorf("%d requests arrived; want 2", n)
			}
		})
	}
}
