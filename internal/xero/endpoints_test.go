package xero

import (
	"errors"
	"testing"
)

// The addresses stand in docs/xero.md section 1. A slip here sends tokens to
// somebody else.
func TestProduction(t *testing.T) {
	want := Endpoints{
		Authorize:   "https://login.xero.com/identity/connect/authorize",
		Token:       "https://identity.xero.com/connect/token",
		Revocation:  "https://identity.xero.com/connect/revocation",
		JWKS:        "https://identity.xero.com/.well-known/openid-configuration/jwks",
		Connections: "https://api.xero.com/connections",
		Issuer:      "https://identity.xero.com",
		API:         "https://api.xero.com",
	}
	if got := Production(); got != want {
		t.Errorf("Production() = %+v\nwant %+v", got, want)
	}
	got, err := Authority("")
	if err != nil || got != want {
		t.Errorf(`Authority("") = %+v, %v; want Xero itself`, got, err)
	}
}

func TestAuthorityAccepts(t *testing.T) {
	tests := []struct{ name, origin, base string }{
		{"localhost with port", "http://localhost:9750", "http://localhost:9750"},
		{"localhost without port", "http://localhost", "http://localhost"},
		{"slash at the end", "http://localhost:9750/", "http://localhost:9750"},
		{"https", "https://localhost:9750", "https://localhost:9750"},
		{"127.0.0.1", "http://127.0.0.1:1", "http://127.0.0.1:1"},
		{"another address of 127.0.0.0/8", "http://127.0.0.2:1", "http://127.0.0.2:1"},
		{"::1", "http://[::1]:1", "http://[::1]:1"},
		{"scheme in capitals", "HTTP://localhost:1", "http://localhost:1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Authority(tt.origin)
			want := Endpoints{
				Authorize:   tt.base + "/identity/connect/authorize",
				Token:       tt.base + "/connect/token",
				Revocation:  tt.base + "/connect/revocation",
				JWKS:        tt.base + "/.well-known/openid-configuration/jwks",
				Connections: tt.base + "/connections",
				Issuer:      tt.base,
				API:         tt.base,
			}
			if err != nil || got != want {
				t.Errorf("Authority(%q) = %+v, %v\nwant %+v", tt.origin, got, err, want)
			}
		})
	}
}

func TestAuthorityRefuses(t *testing.T) {
	tests := []struct{ name, origin string }{
		{"Xero's own host", "https://identity.xero.com"},
		{"another host", "http://example.com:9750"},
		{"localhost as a label of another domain", "http://localhost.evil.com"},
		{"localhost with a dot at the end", "http://localhost.:9750"},
		{"loopback address as a label", "http://127.0.0.1.evil.com"},
		{"private address", "http://192.168.1.1:9750"},
		{"unspecified address", "http://0.0.0.0:9750"},
		{"link-local IPv6", "http://[fe80::1]:9750"},
		{"unspecified IPv6", "http://[::]:9750"},
		{"number that a resolver reads as 127.0.0.1", "http://2130706433"},
		{"short form that a resolver reads as 127.0.0.1", "http://127.1:9750"},
		{"hexadecimal form", "http://0x7f000001"},
		{"userinfo that looks like the host", "http://localhost:9750@evil.com"},
		{"userinfo before localhost", "http://user:password@localhost:9750"},
		{"empty userinfo", "http://@localhost:9750"},
		{"path", "http://localhost:9750/xero"},
		{"dots as path", "http://localhost:9750/.."},
		{"query", "http://localhost:9750?x=1"},
		{"fragment", "http://localhost:9750#x"},
		{"host in the fragment", "http://evil.com#@localhost"},
		{"backslash", `http://localhost\@evil.com`},
		{"no scheme", "localhost:9750"},
		{"no scheme, two slashes", "//localhost:9750"},
		{"another scheme", "ftp://localhost:9750"},
		{"file", "file:///localhost"},
		{"opaque", "http:localhost:9750"},
		{"no host", "http://"},
		{"port only", "http://:9750"},
		{"line break", "http://localhost:9750\n"},
		{"space", "http://local host:9750"},
		{"tab in the host", "http://localhost\t:9750"},
		{"not a URL", "http://[::1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Authority(tt.origin)
			if !errors.Is(err, ErrAuthority) || got != (Endpoints{}) {
				t.Errorf("Authority(%q) = %+v, %v; want nothing and ErrAuthority", tt.origin, got, err)
			}
		})
	}
}
