package xero

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// Each answer that is no success, sorted by what the caller can do about it.
func TestTokenErrors(t *testing.T) {
	const page = `<html><body>canary: Access Denied by edge</body></html>`
	date := testNow.Add(3 * time.Hour) // the server's clock is not ours
	tests := []struct {
		name        string
		status      int
		body        string
		headers     []string
		kind        Kind
		code        string
		description string
		lost        bool
		retryAfter  time.Duration
		text        string
	}{
		{"invalid_grant, nothing else", 400, `{"error":"invalid_grant"}`, nil, InvalidGrant, "invalid_grant", "", false, 0,
			"refreshing the session: Xero answered invalid_grant"},
		{"invalid_grant with words", 400, `{"error":"invalid_grant","error_description":"Refresh token has been consumed"}`, nil,
			InvalidGrant, "invalid_grant", "Refresh token has been consumed", false, 0,
			"refreshing the session: Xero answered invalid_grant (Refresh token has been consumed)"},
		{"invalid_client, 400", 400, `{"error":"invalid_client"}`, nil, Refused, "invalid_client", "", false, 0,
			"refreshing the session: Xero answered invalid_client"},
		{"invalid_client, 401", 401, `{"error":"invalid_client"}`, nil, Refused, "invalid_client", "", false, 0,
			"refreshing the session: Xero answered invalid_client"},
		{"invalid_scope", 400, `{"error":"invalid_scope"}`, nil, Refused, "invalid_scope", "", false, 0,
			"refreshing the session: Xero answered invalid_scope"},
		{"unauthorized_client", 400, `{"error":"unauthorized_client"}`, nil, Refused, "unauthorized_client", "", false, 0,
			"refreshing the session: Xero answered unauthorized_client"},
		{"unsupported_grant_type", 400, `{"error":"unsupported_grant_type"}`, nil, Refused, "unsupported_grant_type", "", false, 0,
			"refreshing the session: Xero answered unsupported_grant_type"},
		{"an error that nobody knows", 400, `{"error":"whatever"}`, nil, Refused, "whatever", "", false, 0,
			"refreshing the session: Xero answered whatever"},
		{"temporarily_unavailable as 400", 400, `{"error":"temporarily_unavailable"}`, nil, Temporary, "temporarily_unavailable", "", false, 0,
			"refreshing the session: Xero answered temporarily_unavailable"},
		{"server_error as 400", 400, `{"error":"server_error"}`, nil, Temporary, "server_error", "", false, 0,
			"refreshing the session: Xero answered server_error"},
		{"500 with JSON that says invalid_grant", 500, `{"error":"invalid_grant"}`, nil, Temporary, "", "", true, 0,
			"refreshing the session: Xero answered 500 Internal Server Error"},
		{"503 with JSON that says invalid_client", 503, `{"error":"invalid_client"}`, nil, Temporary, "", "", true, 0,
			"refreshing the session: Xero answered 503 Service Unavailable"},
		{"502 with a page", 502, page, []string{"Content-Type", "text/html"}, Temporary, "", "", true, 0,
			"refreshing the session: Xero answered 502 Bad Gateway"},
		{"429 with JSON that says invalid_grant", 429, `{"error":"invalid_grant"}`, []string{"Retry-After", "7"}, Temporary, "", "", false, 7 * time.Second,
			"refreshing the session: Xero answered 429 Too Many Requests"},
		{"429, empty, nothing to wait for", 429, ``, nil, Temporary, "", "", false, 0,
			"refreshing the session: Xero answered 429 Too Many Requests"},
		{"429 with a day to wait", 429, ``, []string{"Retry-After", "67000"}, Temporary, "", "", false, 67000 * time.Second,
			"refreshing the session: Xero answered 429 Too Many Requests"},
		{"429 with more seconds than there are", 429, ``, []string{"Retry-After", "9223372036854775807"}, Temporary, "", "", false, 365 * 24 * time.Hour,
			"refreshing the session: Xero answered 429 Too Many Requests"},
		{"429 with a number beyond 64 bits", 429, ``, []string{"Retry-After", "99999999999999999999"}, Temporary, "", "", false, 0,
			"refreshing the session: Xero answered 429 Too Many Requests"},
		{"429 with a negative number", 429, ``, []string{"Retry-After", "-5"}, Temporary, "", "", false, 0,
			"refreshing the session: Xero answered 429 Too Many Requests"},
		{"429 with nonsense", 429, ``, []string{"Retry-After", "soon"}, Temporary, "", "", false, 0,
			"refreshing the session: Xero answered 429 Too Many Requests"},
		{"429 with a date, judged by the server's clock", 429, ``,
			[]string{"Date", date.Format(http.TimeFormat), "Retry-After", date.Add(90 * time.Second).Format(http.TimeFormat)},
			Temporary, "", "", false, 90 * time.Second, "refreshing the session: Xero answered 429 Too Many Requests"},
		{"429 with a date gone by", 429, ``,
			[]string{"Date", date.Format(http.TimeFormat), "Retry-After", date.Add(-time.Hour).Format(http.TimeFormat)},
			Temporary, "", "", false, 0, "refreshing the session: Xero answered 429 Too Many Requests"},
		{"429 with a date in 300 years", 429, ``, []string{"Retry-After", "Sat, 01 Jan 2300 00:00:00 GMT"}, Temporary, "", "", false, 365 * 24 * time.Hour,
			"refreshing the session: Xero answered 429 Too Many Requests"},
		{"503 with seconds", 503, ``, []string{"Retry-After", "3"}, Temporary, "", "", true, 3 * time.Second,
			"refreshing the session: Xero answered 503 Service Unavailable"},
		{"500 with seconds, which mean nothing there", 500, ``, []string{"Retry-After", "3"}, Temporary, "", "", true, 0,
			"refreshing the session: Xero answered 500 Internal Server Error"},
		{"403 of the edge", 403, page, []string{"Content-Type", "text/html"}, Temporary, "", "", false, 0,
			"refreshing the session: Xero answered 403 Forbidden"},
		{"404 with a page", 404, page, []string{"Content-Type", "text/html"}, Temporary, "", "", false, 0,
			"refreshing the session: Xero answered 404 Not Found"},
		{"400 with a page", 400, page, []string{"Content-Type", "text/html"}, Temporary, "", "", false, 0,
			"refreshing the session: Xero answered 400 Bad Request"},
		{"400, empty", 400, ``, nil, Temporary, "", "", false, 0, "refreshing the session: Xero answered 400 Bad Request"},
		{"400 with JSON of another kind", 400, `{"error":{"canary":1}}`, nil, Temporary, "", "", false, 0,
			"refreshing the session: Xero answered 400 Bad Request"},
		{"redirect", 302, goodReply, []string{"Location", "/connect/elsewhere"}, Temporary, "", "", false, 0,
			"refreshing the session: Xero answered 302 Found"},
		{"redirect that keeps the method", 307, goodReply, []string{"Location", "/connect/elsewhere"}, Temporary, "", "", false, 0,
			"refreshing the session: Xero answered 307 Temporary Redirect"},
		{"correlation id", 500, ``, []string{"Xero-Correlation-Id", "0a1b-2C3D"}, Temporary, "", "", true, 0,
			"refreshing the session: Xero answered 500 Internal Server Error [Xero-Correlation-Id 0a1b-2C3D]"},
		{"correlation id not fit to print", 500, ``, []string{"Xero-Correlation-Id", "canary<b>"}, Temporary, "", "", true, 0,
			"refreshing the session: Xero answered 500 Internal Server Error"},
		{"correlation id far too long", 500, ``, []string{"Xero-Correlation-Id", strings.Repeat("a", 65)}, Temporary, "", "", true, 0,
			"refreshing the session: Xero answered 500 Internal Server Error"},
		{"code and words without an end", 400, `{"error":"` + strings.Repeat("ee ", 2000) + `","error_description":"` + strings.Repeat("dd ", 2000) + `"}`, nil,
			Refused, strings.Repeat("ee ", 22)[:64] + "…", strings.Repeat("dd ", 100) + "…", false, 0,
			"refreshing the session: Xero answered " + strings.Repeat("ee ", 22)[:64] + "… (" + strings.Repeat("dd ", 100) + "…)"},
		{"words cut within a letter", 400, `{"error":"e","error_description":"` + strings.Repeat("dd ", 99) + `ddé"}`, nil,
			Refused, "e", strings.Repeat("dd ", 99) + "dd…", false, 0,
			"refreshing the session: Xero answered e (" + strings.Repeat("dd ", 99) + "dd…)"},
		{"words that repeat what was sent", 400, `{"error":"` + testRefresh + `","error_description":"no: ` + testRefresh + `, ` + testSecret + `"}`, nil,
			Refused, "[redacted]", "no: [redacted], [redacted]", false, 0, "refreshing the session: Xero answered [redacted] (no: [redacted], [redacted])"},
		{"words that hold what could be a token", 400, `{"error":"e","error_description":"got ` + strings.Repeat("canary", 6) + `."}`, nil,
			Refused, "e", "got [redacted]", false, 0, "refreshing the session: Xero answered e (got [redacted])"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
				answer(w, tt.status, tt.body, tt.headers...)
			})
			c, _ := s.client(t)
			set, err := c.Refresh(context.Background(), webApp(), secret.New(testRefresh))
			e := asError(t, err)
			if e.Kind != tt.kind || e.Code != tt.code || e.Description != tt.description || e.Status != tt.status {
				t.Errorf("Kind %d, Code %q, Description %q, Status %d\nwant %d, %q, %q, %d",
					e.Kind, e.Code, e.Description, e.Status, tt.kind, tt.code, tt.description, tt.status)
			}
			if e.Lost != tt.lost || e.RetryAfter != tt.retryAfter {
				t.Errorf("Lost %t, RetryAfter %s; want %t, %s", e.Lost, e.RetryAfter, tt.lost, tt.retryAfter)
			}
			if e.Error() != tt.text {
				t.Errorf("the text is %q\nwant %q", e.Error(), tt.text)
			}
			if !IsKind(err, tt.kind) || !set.AccessToken.IsZero() {
				t.Errorf("IsKind says %t; the token is empty: %t", IsKind(err, tt.kind), set.AccessToken.IsZero())
			}
			noCanary(t, "the error", err.Error())
			s.only(t)
		})
	}
}

// Without an answer: what was never sent is not lost, all else may be.
func TestLost(t *testing.T) {
	t.Run("nobody listens", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		e, err := Authority("http://" + l.Addr().String())
		l.Close()
		if err != nil {
			t.Fatal(err)
		}
		c, _ := clientOf(e)
		_, err = c.Refresh(context.Background(), webApp(), secret.New(testRefresh))
		if e := asError(t, err); e.Lost || e.Kind != Temporary || e.Status != 0 {
			t.Errorf("Lost %t, Kind %d, Status %d; want a temporary failure that lost nothing", e.Lost, e.Kind, e.Status)
		}
		noCanary(t, "the error", err.Error())
	})
	t.Run("no such host", func(t *testing.T) {
		// A name that no resolver is asked for.
		c, _ := clientOf(Endpoints{Token: "http://x..invalid/connect/token"})
		_, err := c.Refresh(context.Background(), webApp(), secret.New(testRefresh))
		if e := asError(t, err); e.Lost || e.Kind != Temporary || e.Status != 0 {
			t.Errorf("Lost %t, Kind %d, Status %d; want a temporary failure that lost nothing", e.Lost, e.Kind, e.Status)
		}
	})
	for name, refuse := range map[string]http.HandlerFunc{
		"a proxy that refuses":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"a proxy that goes away": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			proxy := newServer(t, refuse)
			c, _ := clientOf(Endpoints{Token: "https://identity.xero.com/connect/token"})
			c.http.Transport.(*transport).base.(*http.Transport).Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
			_, err := c.Refresh(context.Background(), webApp(), secret.New(testRefresh))
			if e := asError(t, err); e.Lost || e.Kind != Temporary || e.Status != 0 {
				t.Errorf("Lost %t, Kind %d, Status %d; want a temporary failure that lost nothing", e.Lost, e.Kind, e.Status)
			}
			if asked := proxy.only(t); asked.method != http.MethodConnect {
				t.Errorf("the proxy was asked to %s", asked.method)
			}
		})
	}
	t.Run("reset", func(t *testing.T) {
		s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			conn.Close()
		})
		c, traced := s.client(t)
		_, err := c.Refresh(context.Background(), webApp(), secret.New(testRefresh))
		if e := asError(t, err); !e.Lost || e.Kind != Temporary || e.Status != 0 {
			t.Errorf("Lost %t, Kind %d, Status %d; want a temporary loss", e.Lost, e.Kind, e.Status)
		}
		noCanary(t, "the error", err.Error())
		noCanary(t, "the trace", strings.Join(traced.all(), "\n"))
		s.only(t)
	})
	t.Run("a certificate that nobody vouches for", func(t *testing.T) {
		s := httptest.NewUnstartedServer(replying(http.StatusOK, goodReply))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		defer s.Close()
		c, _ := clientOf(Endpoints{Token: s.URL})
		_, err := c.Refresh(context.Background(), webApp(), secret.New(testRefresh))
		if e := asError(t, err); e.Lost || e.Kind != Temporary || e.Status != 0 {
			t.Errorf("Lost %t, Kind %d, Status %d; want a failure that lost nothing", e.Lost, e.Kind, e.Status)
		}
	})
	t.Run("hangs until the caller's limit", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		s := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
			cancel() // it has arrived
			<-r.Context().Done()
		})
		c, _ := s.client(t)
		_, err := c.Refresh(ctx, webApp(), secret.New(testRefresh))
		if e := asError(t, err); !e.Lost || e.Kind != Temporary || e.Status != 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("Lost %t, Kind %d, Status %d, %v; want a temporary loss", e.Lost, e.Kind, e.Status, err)
		}
	})
}

// deaf never answers: its requests end with their context.
type deaf struct{}

func (deaf) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestNoAnswerInTime(t *testing.T) {
	c, _ := clientOf(Production())
	c.http.Transport = &transport{client: c, base: deaf{}}
	ctx, cancel := context.WithDeadline(context.Background(), time.Unix(1, 0))
	defer cancel()
	_, err := c.Refresh(ctx, webApp(), secret.New(testRefresh))
	e := asError(t, err)
	if !errors.Is(err, context.DeadlineExceeded) || e.Kind != Temporary || !strings.Contains(e.Error(), "no answer in time") {
		t.Errorf("%v (Kind %d); want a temporary failure that says so", err, e.Kind)
	}
}

func TestProxyNeverForLoopback(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	s := newServer(t, replying(http.StatusOK, goodReply))
	c, _ := s.client(t)
	if _, err := c.Refresh(context.Background(), publicApp(), secret.New(testRefresh)); err != nil {
		t.Errorf("a request to loopback went to a proxy: %v", err)
	}
}
