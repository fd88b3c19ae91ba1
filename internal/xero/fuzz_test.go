package xero

import (
	"strings"
	"testing"
	"time"
	"unicode"
)

// fit fails the test if s could break a header line or a scope list.
func fit(t *testing.T, what, s string) {
	t.Helper()
	for _, r := range s {
		if r <= ' ' || r > unicode.MaxASCII || r == 0x7f {
			t.Fatalf("%s holds %q: %q", what, r, s)
		}
	}
}

func FuzzTokenReply(f *testing.F) {
	for _, seed := range []string{
		goodReply,
		`{"access_token":"a\r\nX: y"}`,
		`{"access_token":"a","refresh_token":"b\u0000"}`,
		`{"access_token":"a","expires_in":"1800","scope":["a","b c"]}`,
		`{"access_token":"a","expires_in":-9223372036854775808}`,
		`{"access_token":"` + jwtWith(`{"scope":["x","y\n"]}`) + `"}`,
		`{"access_token":"a","ACCESS_TOKEN":"b"}`,
		"{\"access_token\":\"\xff\"}",
		`<html>`, ``, `null`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		set, err := parseTokenReply(body, testNow)
		if err != nil {
			if !set.AccessToken.IsZero() || !set.RefreshToken.IsZero() {
				t.Fatal("tokens beside an error")
			}
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("the error has more than one line: %q", err)
			}
			return
		}
		if set.AccessToken.IsZero() || !ValidAccessToken(set.AccessToken.Reveal()) {
			t.Fatalf("access token %q", set.AccessToken.Reveal())
		}
		fit(t, "the access token", set.AccessToken.Reveal())
		fit(t, "the refresh token", set.RefreshToken.Reveal())
		fit(t, "the id token", set.IDToken.Reveal())
		for _, s := range set.Scopes {
			if s == "" || strings.ContainsAny(s, `"\`) {
				t.Fatalf("scope %q", s)
			}
			fit(t, "a scope", s)
		}
		if !set.ObtainedAt.Equal(testNow) || !set.Expiry.After(testNow) || set.Expiry.After(testNow.Add(366*24*time.Hour)) {
			t.Fatalf("expiry %v", set.Expiry)
		}
	})
}

func FuzzConnections(f *testing.F) {
	for _, seed := range []string{
		`[]`, `null`, `[null]`, `{}`, ``, `[{}]`,
		`[{"id":"` + idA + `","tenantId":"` + tnA + `"}]`,
		`[{"id":"` + idA + `","tenantId":"` + tnA + `\n"}]`,
		`[{"id":"` + idA + `","authEventId":"` + evA + `","tenantId":"` + tnA + `","tenantName":"x\u001b","createdDateUtc":"2019-12-07T18:46:19.5165400"}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := parseConnections(body)
		if err != nil {
			if list != nil || strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("%v beside %q", list, err)
			}
			return
		}
		for _, c := range list {
			if !ValidUUID(c.ID) || !ValidUUID(c.TenantID) || c.AuthEventID != "" && !ValidUUID(c.AuthEventID) {
				t.Fatalf("%+v", c)
			}
			fit(t, "an id", c.ID+c.TenantID+c.AuthEventID)
			if c.Created.Location() != time.UTC || c.Updated.Location() != time.UTC {
				t.Fatalf("%v, %v are not UTC", c.Created, c.Updated)
			}
		}
	})
}

func FuzzClaims(f *testing.F) {
	for _, seed := range []string{
		jwtWith(`{"sub":"s","xero_userid":"u","authentication_event_id":"` + evA + `","scope":["a"]}`),
		jwtWith(`{"sub":"s\n","scope":"a b"}`),
		jwtWith(`{"scope":["a b","\u202e"]}`),
		jwtWith(`null`), `a.b.c`, `..`, ``, `opaque`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		c := ParseClaims(token)
		fit(t, "the user's id", c.UserID)
		if len(c.UserID) > 128 || c.AuthenticationEventID != "" && !ValidUUID(c.AuthenticationEventID) {
			t.Fatalf("%+v", c)
		}
		for _, s := range c.Scopes {
			if s == "" {
				t.Fatal("an empty scope")
			}
			fit(t, "a scope", s)
		}
	})
}
