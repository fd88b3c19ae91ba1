package loopback

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// pasteOnly is a listener without a port, started.
func pasteOnly(t *testing.T, uri string) *Listener {
	t.Helper()
	l, err := WithoutPort(uri, testIssuer)
	if err != nil {
		t.Fatal(err)
	}
	l.Start(secret.New(testState))
	if len(l.Families()) != 0 || l.URI() != uri {
		t.Fatalf("it is on %v, for %s", l.Families(), l.URI())
	}
	return l
}

// A pasted address passes the checks of a callback, each of them.
func TestTake(t *testing.T) {
	const uri = "http://localhost:8742/callback"
	right := "state=" + testState + "&code=" + testCode
	iss := "&iss=" + url.QueryEscape(testIssuer)
	tests := []struct {
		name, uri, text string
		err             error
	}{
		{"as Xero sends it", uri, uri + "?" + right + "&scope=a+b&session_state=x.y", nil},
		{"two kilobytes", uri, uri + "?" + right + "&scope=" + strings.Repeat("accounting.contacts+", 100), nil},
		{"spaces around it", uri, "  " + uri + "?" + right + "\n", nil},
		{"with the issuer", uri, uri + "?" + right + iss, nil},
		{"a fragment, which no server would get", uri, uri + "?" + right + "#x", nil},
		{"an error", uri, uri + "?state=" + testState + "&error=access_denied", nil},
		{"port 80, as registered", "http://localhost/", "http://localhost/?" + right, nil},
		{"port 80, without the slash that a browser adds", "http://localhost", "http://localhost?" + right, nil},
		{"port 80, with it", "http://localhost", "http://localhost/?" + right, nil},
		{"port 80, named", "http://localhost:80/cb", "http://localhost/cb?" + right, nil},
		{"a bare code", uri, testCode, ErrBareCode},
		{"a bare query", uri, right, ErrBareCode},
		{"without the scheme", uri, "localhost:8742/callback?" + right, ErrBareCode},
		{"nothing", uri, "", ErrBareCode},
		{"cut by a line end", uri, uri + "?" + right[:8] + "\r\n" + right[8:], ErrBareCode},
		{"https", uri, "https://localhost:8742/callback?" + right, ErrOtherAddress},
		{"127.0.0.1", uri, "http://127.0.0.1:8742/callback?" + right, ErrOtherAddress},
		{"another port", uri, "http://localhost:8743/callback?" + right, ErrOtherAddress},
		{"another path", uri, "http://localhost:8742/callback/?" + right, ErrOtherAddress},
		{"another spelling of the path", uri, "http://localhost:8742/%63allback?" + right, ErrOtherAddress},
		{"a user", uri, "http://x@localhost:8742/callback?" + right, ErrOtherAddress},
		{"the consent page's own address", uri, "https://login.xero.com/identity/connect/authorize?" + right, ErrOtherAddress},
		{"no state", uri, uri + "?code=" + testCode, ErrOtherState},
		{"a wrong state", uri, uri + "?state=" + testState + "x&code=" + testCode, ErrOtherState},
		{"state twice", uri, uri + "?" + right + "&state=" + testState, ErrNoAnswer},
		{"another issuer", uri, uri + "?" + right + "&iss=https%3A%2F%2Fevil.example", ErrNoAnswer},
		{"code and error", uri, uri + "?" + right + "&error=access_denied", ErrNoAnswer},
		{"neither", uri, uri + "?state=" + testState, ErrNoAnswer},
		{"the address alone", uri, uri, ErrOtherState},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := pasteOnly(t, tt.uri)
			err := l.Take(secret.New(tt.text))
			if !errors.Is(err, tt.err) {
				t.Fatalf("%v; want %v", err, tt.err)
			}
			if err != nil {
				mustHaveCaughtNothing(t, l)
				if s := err.Error(); strings.Contains(s, testCode) || strings.Contains(s, testState) || strings.Contains(s, "\n") {
					t.Errorf("the error repeats what was pasted: %s", s)
				}
				return
			}
			c, err := l.Wait(t.Context())
			if err != nil || (c.Code.Reveal() != testCode) != (c.Error == "access_denied") || c.At.IsZero() {
				t.Errorf("caught %q, %q, %v", c.Code.Reveal(), c.Error, err)
			}
		})
	}
}

// The address that is pasted and the one that comes by itself are one race.
func TestTakeIsRaced(t *testing.T) {
	l := listen(t, "/callback")
	if err := l.Take(secret.New(l.URI() + "?state=" + testState + "&code=pasted")); err != nil {
		t.Fatal(err)
	}
	if c, err := l.Wait(t.Context()); err != nil || c.Code.Reveal() != "pasted" {
		t.Fatalf("caught %q, %v", c.Code.Reveal(), err)
	}
	// A browser that comes too late gets the page all the same.
	l.Answer(Page{OK: true})
	if r := <-l.callback(l.Families()[0]); r.status != 303 {
		t.Errorf("the browser got %d", r.status)
	}
	mustHaveCaughtNothing(t, l)
	if err := l.Take(secret.New(l.URI() + "?" + l.rightQuery())); err != nil {
		t.Errorf("the second time: %v", err)
	}
	mustHaveCaughtNothing(t, l)
}

func TestWithoutPort(t *testing.T) {
	if _, err := WithoutPort("http://127.0.0.1/", testIssuer); !errors.Is(err, ErrURI) {
		t.Errorf("%v", err)
	}
	l := pasteOnly(t, "http://localhost/callback")
	l.Answer(Page{})
	l.Close(t.Context()) // waits for nobody
}

func FuzzTake(f *testing.F) {
	const uri = "http://localhost:8742/callback"
	for _, seed := range []string{"", testCode, uri, uri + "?state=" + testState + "&code=x", uri + "?state=x&code=y", "http://[::1", "http://localhost:8742/callback?%zz", "\x1b[200~http://localhost"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := WithoutPort(uri, testIssuer)
		if err != nil {
			t.Fatal(err)
		}
		l.Start(secret.New(testState))
		if err := l.Take(secret.New(text)); err == nil && !strings.Contains(text, "state") {
			t.Errorf("%q was taken", text)
		}
		if err := l.Take(secret.New(text)); err != nil && len(text) > 20 && !strings.Contains(uri, text) && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats what was pasted: %v", err)
		}
	})
}
