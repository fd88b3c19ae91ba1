package xero

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// The secrets of these tests. None may stand in an error or a trace line.
const (
	testCode     = "code-c0ffee-canary"
	testVerifier = "verifier-of-at-least-forty-three-characters-canary"
	testRefresh  = "refresh-deadbeef-canary"
	testAccess   = "access.canary.token"
	testSecret   = "s3cr+t/with &odd=chars-canary" // form-encoding changes it
	testClient   = "CLIENT ID+1"                   // and this
	testRedirect = "http://localhost:8742/callback"
)

var testNow = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

// arrived is one request as the server saw it.
type arrived struct {
	method, path, query string
	header              http.Header
	form                url.Values
}

// server answers every request with serve and keeps what arrived.
type server struct {
	*httptest.Server
	mu   sync.Mutex
	seen []arrived
}

func newServer(t *testing.T, serve http.HandlerFunc) *server {
	t.Helper()
	s := new(server)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		s.mu.Lock()
		s.seen = append(s.seen, arrived{r.Method, r.URL.Path, r.URL.RawQuery, r.Header, form})
		s.mu.Unlock()
		serve(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) requests() []arrived {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]arrived(nil), s.seen...)
}

// only fails the test unless exactly one request arrived, and returns it.
func (s *server) only(t *testing.T) arrived {
	t.Helper()
	list := s.requests()
	if len(list) != 1 {
		t.Fatalf("%d requests arrived; want exactly one", len(list))
	}
	return list[0]
}

// client is a Client for the server, whose trace lines are collected.
func (s *server) client(t *testing.T) (*Client, *lines) {
	t.Helper()
	e, err := Authority(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return clientOf(e)
}

func clientOf(e Endpoints) (*Client, *lines) {
	traced := new(lines)
	c := NewClient(e, "xeroauth/test", func() time.Time { return testNow })
	c.Trace = traced.add
	return c, traced
}

// lines collects trace lines.
type lines struct {
	mu   sync.Mutex
	text []string
}

func (l *lines) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, fmt.Sprintf(format, args...))
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.text...)
}

// answer writes a reply; headers come as name and value.
func answer(w http.ResponseWriter, status int, body string, headers ...string) {
	w.Header().Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		w.Header().Set(headers[i], headers[i+1])
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func replying(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answer(w, status, body, headers...) }
}

func publicApp() App { return App{ID: testClient} }

func webApp() App { return App{ID: testClient, Secret: secret.New(testSecret)} }

func testRequest() AuthRequest {
	return AuthRequest{
		RedirectURI: testRedirect, Scopes: []string{"openid", "accounting.contacts"}, State: "state-1", Nonce: "nonce-1",
		Verifier: secret.New(testVerifier),
	}
}

// asError fails the test unless err is an *Error.
func asError(t *testing.T, err error) *Error {
	t.Helper()
	e, ok := err.(*Error) //nolint:errorlint // the package's own promise is the type itself
	if !ok {
		t.Fatalf("the error is %T (%v); want *Error", err, err)
	}
	return e
}

// noCanary fails the test if a secret of these tests stands in text.
func noCanary(t *testing.T, what, text string) {
	t.Helper()
	for _, s := range []string{
		testCode, testVerifier, testRefresh, testAccess, testSecret, url.QueryEscape(testSecret), "canary",
	} {
		if strings.Contains(text, s) {
			t.Errorf("%s holds the secret %q: %s", what, s, text)
		}
	}
}

const goodReply = `{"access_token":"abc.def.ghi","token_type":"Bearer","expires_in":1800,"refresh_token":"new-refresh","scope":"a b"}`
