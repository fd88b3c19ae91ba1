package loopback

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// ErrURI says that a redirect URI cannot be served here.
var ErrURI = errors.New("a redirect URI is http://localhost[:PORT][/PATH]; Xero refuses plain http to any other host, 127.0.0.1 too")

// redirect is a redirect URI taken apart. Xero compares URIs as text
// (docs/xero.md section 3), so raw is what is sent and is never rebuilt.
type redirect struct {
	raw  string
	port int
	// path is what the browser will ask for: "/" for a URI without a path.
	path string
}

func parseURI(raw string) (redirect, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" || u.Hostname() != "localhost" || u.User != nil || u.Opaque != "" ||
		u.RawQuery != "" || u.ForceQuery || strings.ContainsAny(raw, "?# \\") || strings.HasSuffix(u.Host, ":") {
		return redirect{}, fmt.Errorf("%q: %w", raw, ErrURI)
	}
	r := redirect{raw: raw, port: 80, path: u.EscapedPath()}
	if r.path == "" {
		r.path = "/"
	}
	if p := u.Port(); p != "" {
		if r.port, err = strconv.Atoi(p); err != nil || r.port < 1 || r.port > 65535 || strconv.Itoa(r.port) != p {
			return redirect{}, fmt.Errorf("%q: %w", raw, ErrURI)
		}
	}
	return r, nil
}

// CheckURI reports with ErrURI a redirect URI that Listen could not serve.
func CheckURI(raw string) error {
	_, err := parseURI(raw)
	return err
}

// isHost reports whether a request's Host is the URI's authority. A page that
// rebinds its own name to 127.0.0.1 comes with its own Host.
func (r redirect) isHost(host string) bool {
	host = strings.ToLower(host)
	return host == "localhost:"+strconv.Itoa(r.port) || r.port == 80 && host == "localhost"
}
