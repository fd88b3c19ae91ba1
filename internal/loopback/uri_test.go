package loopback

import (
	"errors"
	"testing"
)

func TestParseURI(t *testing.T) {
	tests := []struct {
		name, raw string
		port      int
		path      string
	}{
		{"the default", "http://localhost:8742/callback", 8742, "/callback"},
		{"no path", "http://localhost:8742", 8742, "/"},
		{"root path", "http://localhost:8742/", 8742, "/"},
		{"port 80 unsaid", "http://localhost/callback", 80, "/callback"},
		{"port 80 unsaid, no path", "http://localhost", 80, "/"},
		{"port 80 unsaid, root path", "http://localhost/", 80, "/"},
		{"port 80 said", "http://localhost:80/x", 80, "/x"},
		{"deep path", "http://localhost:1/a/b/c", 1, "/a/b/c"},
		{"slash at the end counts", "http://localhost:1/callback/", 1, "/callback/"},
		{"two slashes", "http://localhost:1//callback", 1, "//callback"},
		{"encoded path stays encoded", "http://localhost:1/call%2Fback", 1, "/call%2Fback"},
		{"letters beyond ASCII are sent encoded", "http://localhost:1/café", 1, "/caf%C3%A9"},
		{"highest port", "http://localhost:65535/", 65535, "/"},
		{"scheme in capitals", "HTTP://localhost:1/", 1, "/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseURI(tt.raw)
			if want := (redirect{raw: tt.raw, port: tt.port, path: tt.path}); err != nil || got != want {
				t.Errorf("parseURI(%q) = %+v, %v; want %+v", tt.raw, got, err, want)
			}
			if err := CheckURI(tt.raw); err != nil {
				t.Errorf("CheckURI(%q) = %v", tt.raw, err)
			}
		})
	}
}

func TestParseURIRefuses(t *testing.T) {
	tests := []struct{ name, raw string }{
		{"empty", ""},
		{"no scheme", "localhost:8742/callback"},
		{"https", "https://localhost:8742/callback"},
		{"custom scheme", "xeroauth://callback"},
		{"127.0.0.1, which Xero refuses", "http://127.0.0.1:8742/callback"},
		{"::1, which Xero refuses", "http://[::1]:8742/callback"},
		{"another host", "http://example.com:8742/callback"},
		{"localhost as a label", "http://localhost.evil.com:8742/callback"},
		{"dot at the end", "http://localhost.:8742/callback"},
		{"userinfo", "http://user@localhost:8742/callback"},
		{"query", "http://localhost:8742/callback?x=1"},
		{"empty query", "http://localhost:8742/callback?"},
		{"fragment", "http://localhost:8742/callback#x"},
		{"empty fragment", "http://localhost:8742/callback#"},
		{"port 0", "http://localhost:0/callback"},
		{"port too high", "http://localhost:65536/callback"},
		{"port negative", "http://localhost:-1/callback"},
		{"port with a zero before it", "http://localhost:08742/callback"},
		{"port with a plus", "http://localhost:+8742/callback"},
		{"port empty", "http://localhost:/callback"},
		{"port a word", "http://localhost:http/callback"},
		{"space", "http://localhost:8742/call back"},
		{"backslash", `http://localhost:8742\callback`},
		{"line break", "http://localhost:8742/callback\n"},
		{"opaque", "http:localhost:8742"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := parseURI(tt.raw); !errors.Is(err, ErrURI) || got != (redirect{}) {
				t.Errorf("parseURI(%q) = %+v, %v; want nothing and ErrURI", tt.raw, got, err)
			}
			if err := CheckURI(tt.raw); !errors.Is(err, ErrURI) {
				t.Errorf("CheckURI(%q) = %v; want ErrURI", tt.raw, err)
			}
			if l, skipped, err := Listen([]string{tt.raw}, ""); l != nil || skipped != nil || !errors.Is(err, ErrURI) {
				t.Errorf("Listen(%q) = %v, %v, %v; want ErrURI alone", tt.raw, l, skipped, err)
			}
		})
	}
}

func TestIsHost(t *testing.T) {
	tests := []struct {
		name, uri, host string
		want            bool
	}{
		{"the URI's authority", "http://localhost:8742/x", "localhost:8742", true},
		{"in capitals", "http://localhost:8742/x", "LocalHost:8742", true},
		{"no port", "http://localhost:8742/x", "localhost", false},
		{"another port", "http://localhost:8742/x", "localhost:8743", false},
		{"127.0.0.1", "http://localhost:8742/x", "127.0.0.1:8742", false},
		{"::1", "http://localhost:8742/x", "[::1]:8742", false},
		{"a name that was rebound", "http://localhost:8742/x", "evil.com:8742", false},
		{"localhost as a label", "http://localhost:8742/x", "localhost.evil.com:8742", false},
		{"dot at the end", "http://localhost:8742/x", "localhost.:8742", false},
		{"userinfo", "http://localhost:8742/x", "localhost:8742@evil.com", false},
		{"empty", "http://localhost:8742/x", "", false},
		{"spaces", "http://localhost:8742/x", " localhost:8742", false},
		{"port 80 unsaid in both", "http://localhost/x", "localhost", true},
		{"port 80 said in Host", "http://localhost/x", "localhost:80", true},
		{"port 80 said in the URI", "http://localhost:80/x", "localhost", true},
		{"port 80, another host", "http://localhost/x", "evil.com", false},
		{"port 80, 127.0.0.1", "http://localhost/x", "127.0.0.1", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := parseURI(tt.uri)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.isHost(tt.host); got != tt.want {
				t.Errorf("isHost(%q) of %s = %t", tt.host, tt.uri, got)
			}
		})
	}
}
