package xero

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

func jwtWith(payload string) string {
	return "eyJhbGciOiJSUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
}

func TestTokenReplyTaken(t *testing.T) {
	jwt := jwtWith(`{"scope":["from","claims"]}`)
	tests := []struct {
		name, body          string
		access, refresh, id string
		lifetime            time.Duration
		scopes              []string
	}{
		{"everything", `{"access_token":"a.b.c","token_type":"Bearer","expires_in":1200,"refresh_token":"r","id_token":"i.d.t","scope":"x y"}`,
			"a.b.c", "r", "i.d.t", 20 * time.Minute, []string{"x", "y"}},
		{"nothing but an access token", `{"access_token":"opaque"}`, "opaque", "", "", 30 * time.Minute, nil},
		{"token type in small letters", `{"access_token":"a","token_type":"bearer"}`, "a", "", "", 30 * time.Minute, nil},
		{"expires_in as a string", `{"access_token":"a","expires_in":"1800"}`, "a", "", "", 30 * time.Minute, nil},
		{"expires_in null", `{"access_token":"a","expires_in":null}`, "a", "", "", 30 * time.Minute, nil},
		{"expires_in of a day", `{"access_token":"a","expires_in":86400}`, "a", "", "", 24 * time.Hour, nil},
		{"scope as an array", `{"access_token":"a","scope":["x","y"]}`, "a", "", "", 30 * time.Minute, []string{"x", "y"}},
		{"scope with odd spaces", `{"access_token":"a","scope":"  x \t y\n"}`, "a", "", "", 30 * time.Minute, []string{"x", "y"}},
		{"scope missing, named by the token", `{"access_token":"` + jwt + `"}`, jwt, "", "", 30 * time.Minute, []string{"from", "claims"}},
		{"scope null, named by the token", `{"access_token":"` + jwt + `","scope":null}`, jwt, "", "", 30 * time.Minute, []string{"from", "claims"}},
		{"scope empty, named by the token", `{"access_token":"` + jwt + `","scope":""}`, jwt, "", "", 30 * time.Minute, []string{"from", "claims"}},
		{"scope of another kind, named by the token", `{"access_token":"` + jwt + `","scope":{"x":1}}`, jwt, "", "", 30 * time.Minute, []string{"from", "claims"}},
		{"scopes that no scope can be", `{"access_token":"a","scope":["x","a\nb","q\"","b\\","","é","y"]}`, "a", "", "", 30 * time.Minute, []string{"x", "y"}},
		{"refresh token empty", `{"access_token":"a","refresh_token":""}`, "a", "", "", 30 * time.Minute, nil},
		{"keys that nobody knows", `{"access_token":"a","x":{"access_token":"b\n"},"ext":[1,2]}`, "a", "", "", 30 * time.Minute, nil},
		{"the same key twice", `{"access_token":"first\n","access_token":"second"}`, "second", "", "", 30 * time.Minute, nil},
		{"every character of a token", `{"access_token":"AZaz09._~+/=-"}`, "AZaz09._~+/=-", "", "", 30 * time.Minute, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			date := testNow.Add(-7 * time.Minute)
			s := newServer(t, replying(http.StatusOK, tt.body, "Date", date.Format(http.TimeFormat)))
			c, _ := s.client(t)
			got, err := c.Refresh(context.Background(), publicApp(), secret.New(testRefresh))
			if err != nil {
				t.Fatal(err)
			}
			if got.AccessToken.Reveal() != tt.access || got.RefreshToken.Reveal() != tt.refresh || got.IDToken.Reveal() != tt.id {
				t.Errorf("tokens %q, %q, %q; want %q, %q, %q", got.AccessToken.Reveal(), got.RefreshToken.Reveal(), got.IDToken.Reveal(),
					tt.access, tt.refresh, tt.id)
			}
			if !got.ObtainedAt.Equal(testNow) || !got.Expiry.Equal(testNow.Add(tt.lifetime)) || !got.Date.Equal(date) {
				t.Errorf("obtained %v, expiry %v, date %v; want %v, %v later and %v", got.ObtainedAt, got.Expiry, got.Date, testNow, tt.lifetime, date)
			}
			if !reflect.DeepEqual(got.Scopes, tt.scopes) {
				t.Errorf("scopes %q; want %q", got.Scopes, tt.scopes)
			}
		})
	}
}

// A reply that cannot be what it should be is refused whole, as temporary and
// lost: the refresh token may have been rotated.
func TestTokenReplyRefused(t *testing.T) {
	const formType = "application/x-www-form-urlencoded"
	big := `{"access_token":"` + strings.Repeat("canary", 1<<20/6) + `"}`
	tests := []struct{ name, contentType, body string }{
		{"access token with a line break", "", `{"access_token":"canary\nX-Evil: 1"}`},
		{"access token with CRLF and a header", "", `{"access_token":"canary\r\nXero-Tenant-Id: evil"}`},
		{"access token with a space", "", `{"access_token":"canary b"}`},
		{"access token with a tab", "", `{"access_token":"canary\tb"}`},
		{"access token with NUL", "", `{"access_token":"canary\u0000"}`},
		{"access token with an escape", "", `{"access_token":"canary\u001b[31m"}`},
		{"access token with quotes", "", `{"access_token":"canary\"b"}`},
		{"access token with a shell's dollar", "", `{"access_token":"canary$(id)"}`},
		{"access token with a semicolon", "", `{"access_token":"canary;b"}`},
		{"access token beyond ASCII", "", `{"access_token":"canaryé"}`},
		{"access token with a wide letter", "", `{"access_token":"canaryＡ"}`},
		{"access token with broken UTF-8", "", "{\"access_token\":\"canary\xff\"}"},
		{"access token empty", "", `{"access_token":"","refresh_token":"canary"}`},
		{"access token missing", "", `{"refresh_token":"canary"}`},
		{"access token null", "", `{"access_token":null}`},
		{"access token a number", "", `{"access_token":12345}`},
		{"access token a list", "", `{"access_token":["canary"]}`},
		{"bad access token given second", "", `{"access_token":"good","access_token":"canary\n"}`},
		{"bad access token under a key in capitals", "", `{"access_token":"good","ACCESS_TOKEN":"canary\n"}`},
		{"refresh token with a control character", "", `{"access_token":"a","refresh_token":"canary\u0007"}`},
		{"refresh token with a line break", "", `{"access_token":"a","refresh_token":"canary\nb"}`},
		{"refresh token with a space", "", `{"access_token":"a","refresh_token":"canary b"}`},
		{"refresh token beyond ASCII", "", `{"access_token":"a","refresh_token":"canaryé"}`},
		{"refresh token a number", "", `{"access_token":"a","refresh_token":1}`},
		{"id token with a line break", "", `{"access_token":"a","id_token":"canary\nb"}`},
		{"token type of another kind", "", `{"access_token":"a","token_type":"mac"}`},
		{"token type with a line break", "", `{"access_token":"a","token_type":"Bearer\r\n"}`},
		{"expires_in zero", "", `{"access_token":"a","expires_in":0}`},
		{"expires_in negative", "", `{"access_token":"a","expires_in":-1}`},
		{"expires_in of centuries", "", `{"access_token":"a","expires_in":9999999999}`},
		{"expires_in beyond 64 bits", "", `{"access_token":"a","expires_in":99999999999999999999}`},
		{"expires_in a fraction", "", `{"access_token":"a","expires_in":1800.5}`},
		{"expires_in with an exponent", "", `{"access_token":"a","expires_in":1e300}`},
		{"expires_in words", "", `{"access_token":"a","expires_in":"soon"}`},
		{"expires_in a list", "", `{"access_token":"a","expires_in":[1800]}`},
		{"web page", "text/html", `<!doctype html><title>canary</title>`},
		{"web page under JSON's name", "", `<!doctype html><title>canary</title>`},
		{"form as text", "text/plain", `access_token=canary&token_type=Bearer&expires_in=1800`},
		{"form", formType, `access_token=canary&token_type=Bearer&expires_in=1800`},
		{"JSON as text", "text/plain", `{"access_token":"canary"}`},
		{"form without a content type", "-", `access_token=canary`},
		{"empty", "", ``},
		{"spaces", "", `   `},
		{"null", "", `null`},
		{"list", "", `[{"access_token":"canary"}]`},
		{"string", "", `"canary"`},
		{"truncated", "", `{"access_token":"canary","refresh_to`},
		{"more behind it", "", `{"access_token":"a"}{"access_token":"canary"}`},
		{"too large", "", big},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
				switch tt.contentType {
				case "":
					answer(w, http.StatusOK, tt.body)
				case "-":
					w.Header()["Content-Type"] = nil
					_, _ = w.Write([]byte(tt.body))
				default:
					answer(w, http.StatusOK, tt.body, "Content-Type", tt.contentType)
				}
			})
			c, _ := s.client(t)
			set, err := c.ExchangeCode(context.Background(), publicApp(), testRequest(), secret.New(testCode))
			e := asError(t, err)
			if e.Kind != Temporary || !e.Lost || e.Status != http.StatusOK || e.Code != "" || e.Step != "exchanging the code" {
				t.Errorf("Kind %d, Lost %t, Status %d, Code %q, Step %q; want a lost 200", e.Kind, e.Lost, e.Status, e.Code, e.Step)
			}
			if !set.AccessToken.IsZero() || !set.RefreshToken.IsZero() || !set.IDToken.IsZero() {
				t.Error("tokens came out of it")
			}
			noCanary(t, "the error", err.Error())
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("the error has more than one line: %q", err)
			}
			s.only(t)
		})
	}
}

// What ends early must not look like a short answer.
func TestTokenReplyCutOff(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, `{"access_token":"canary"}`, "Content-Length", "4000")
	})
	c, _ := s.client(t)
	_, err := c.Refresh(context.Background(), publicApp(), secret.New(testRefresh))
	e := asError(t, err)
	if e.Kind != Temporary || !e.Lost || e.Status != http.StatusOK || e.Step != "refreshing the session" {
		t.Errorf("Kind %d, Lost %t, Status %d, Step %q; want a lost 200", e.Kind, e.Lost, e.Status, e.Step)
	}
	noCanary(t, "the error", err.Error())
}

// The limit counts what comes out of a compressed reply.
func TestTokenReplyInflated(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(`{"access_token":"` + strings.Repeat("a", 8<<20) + `"}`))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, replying(http.StatusOK, packed.String(), "Content-Encoding", "gzip"))
	c, _ := s.client(t)
	_, err := c.Refresh(context.Background(), publicApp(), secret.New(testRefresh))
	if e := asError(t, err); !strings.Contains(e.Error(), "larger than") || !e.Lost {
		t.Errorf("%v (Lost %t); want it refused for its size", e, e.Lost)
	}
}
