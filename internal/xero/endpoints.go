package xero

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// Endpoints are the addresses of one Xero: the real one or a sandbox.
type Endpoints struct {
	Authorize, Token, Revocation, JWKS, Connections string
	// Issuer is the `iss` of callbacks (RFC 9207) and id tokens.
	Issuer string
	// API is the origin of the accounting API.
	API string
}

// Production returns Xero's own addresses. They are fixed here because Xero's
// edge answers 403 to repeated discovery calls (docs/xero.md section 1).
func Production() Endpoints {
	return Endpoints{
		Authorize:   "https://login.xero.com/identity/connect/authorize",
		Token:       "https://identity.xero.com/connect/token",
		Revocation:  "https://identity.xero.com/connect/revocation",
		JWKS:        "https://identity.xero.com/.well-known/openid-configuration/jwks",
		Connections: "https://api.xero.com/connections",
		Issuer:      "https://identity.xero.com",
		API:         "https://api.xero.com",
	}
}

// ErrAuthority says that an authority is not a sandbox on this machine.
var ErrAuthority = errors.New("an authority is http(s)://HOST:PORT with localhost, 127.0.0.0/8 or ::1 as host")

// Authority returns the addresses of a sandbox at origin, such as
// "http://localhost:9750". An empty origin means Xero itself. Any host that is
// not loopback gives ErrAuthority: nothing may move Xero's addresses.
func Authority(origin string) (Endpoints, error) {
	if origin == "" {
		return Production(), nil
	}
	u, err := url.Parse(origin)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.RawQuery != "" ||
		u.Fragment != "" || strings.Trim(u.Path, "/") != "" || u.Opaque != "" || !isLoopback(u.Hostname()) {
		return Endpoints{}, ErrAuthority // without quoting it: it may hold a password
	}
	base := u.Scheme + "://" + u.Host
	return Endpoints{
		Authorize:   base + "/identity/connect/authorize",
		Token:       base + "/connect/token",
		Revocation:  base + "/connect/revocation",
		JWKS:        base + "/.well-known/openid-configuration/jwks",
		Connections: base + "/connections",
		Issuer:      base,
		API:         base,
	}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
