package xero

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

func quiet(s *httptest.Server) *httptest.Server {
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	return s
}

func TestReach(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead || r.Header.Get("Authorization") != "" {
			t.Errorf("%s %v", r.Method, r.Header)
		}
		w.Header().Set("Date", now.Add(-10*time.Minute).Format(http.TimeFormat))
		w.WriteHeader(http.StatusNotFound)
	})
	good := httptest.NewServer(answer)
	defer good.Close()
	unproven := quiet(httptest.NewUnstartedServer(answer))
	unproven.StartTLS()
	defer unproven.Close()
	mute := quiet(httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })))
	mute.Start()
	defer mute.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	c := NewClient(Production(), "test", func() time.Time { return now })
	reached, err := c.Reach(t.Context(), good.URL+"/identity/connect/authorize")
	if err != nil || !reached.HasDate || reached.Ahead.Round(time.Minute) != 10*time.Minute || reached.Proxy != "" {
		t.Errorf("an answer of any status: %+v, %v", reached, err)
	}
	for _, tt := range []struct {
		name, address string
		want          Stage
	}{
		{"a certificate of an unknown authority", unproven.URL, AtTLS},
		{"no TLS at all", strings.Replace(good.URL, "http:", "https:", 1), AtTLS},
		{"nobody there", "http://" + gone.Addr().String(), AtConnect},
		{"no answer", mute.URL, AtAnswer},
	} {
		_, err := c.Reach(t.Context(), tt.address)
		var e *ReachError
		if !errors.As(err, &e) || e.Stage != tt.want || e.Host != "127.0.0.1" {
			t.Errorf("%s: %v, %+v", tt.name, err, e)
		}
	}
}

func TestStageOf(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: errors.New("refused")}
	tests := []struct {
		name            string
		err             error
		proxy, handshke bool
		want            Stage
	}{
		{"the proxy is not there", &net.OpError{Op: "proxyconnect", Err: refused}, true, false, AtProxy},
		{"the proxy's name is not", &net.OpError{Op: "proxyconnect", Err: &net.DNSError{}}, true, false, AtProxy},
		{"the proxy refuses", errors.New("Forbidden"), true, false, AtProxy},
		{"behind the proxy", &tls.CertificateVerificationError{}, true, true, AtTLS},
		{"no such name", &net.OpError{Op: "dial", Err: &net.DNSError{}}, false, false, AtName},
		{"nobody there", refused, false, false, AtConnect},
		{"no TLS", tls.RecordHeaderError{}, false, true, AtTLS},
		{"cut off in the handshake", io.EOF, false, true, AtTLS},
		{"cut off", io.EOF, false, false, AtAnswer},
	}
	for _, tt := range tests {
		if got := stageOf(tt.err, tt.proxy, tt.handshke); got != tt.want {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}

func TestHosts(t *testing.T) {
	if got := len(Production().Hosts()); got != 3 {
		t.Errorf("Xero has %d hosts", got)
	}
	local, err := Authority("http://localhost:9750")
	if err != nil || len(local.Hosts()) != 1 {
		t.Errorf("a sandbox has %q, %v", local.Hosts(), err)
	}
}

func TestCall(t *testing.T) {
	tests := []struct {
		name, challenge, body, tenant string
		status                        int
		want                          Answer
	}{
		{"a success", "", `{"Detail":"not looked at"}`, "t", 200, Answer{Status: 200}},
		{"wrong tenant", "", `{"Title":"Forbidden","Detail":"AuthenticationUnsuccessful"}`, "t", 403, Answer{Status: 403, Detail: AuthenticationUnsuccessful}},
		{"in lower case", "", `{"title":"Forbidden","detail":"AuthenticationUnsuccessful"}`, "", 403, Answer{Status: 403, Detail: AuthenticationUnsuccessful}},
		{"a scope is missing", `Bearer error="insufficient_scope"`, `{}`, "", 401, Answer{Status: 401, NoScope: true}},
		{"the other spelling", `Bearer error="insufficent_scope"`, ``, "", 401, Answer{Status: 401, NoScope: true}}, //nolint:misspell // Xero's
		{"an expired token", `Bearer error="invalid_token"`, `{"Detail":"TokenExpired: token expired at 01/02/2026"}`, "", 401,
			Answer{Status: 401, Detail: "TokenExpired: token expired at 01/02/2026"}},
		{"the words with another status", `Bearer error="insufficient_scope"`, ``, "", 403, Answer{Status: 403}},
		{"a page of the edge", "", `<html>`, "", 502, Answer{Status: 502}},
		{"the token, echoed", "", `{"Detail":"no: abcdefghijklmnopqrstuvwxyz0123456789"}`, "", 403, Answer{Status: 403, Detail: "no: [redacted]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, sent := r.Header["Xero-Tenant-Id"]
				if r.Header.Get("Authorization") != "Bearer abc" || r.Header.Get("Xero-Tenant-Id") != tt.tenant || sent != (tt.tenant != "") {
					t.Errorf("%v", r.Header)
				}
				if tt.challenge != "" {
					w.Header().Set("WWW-Authenticate", tt.challenge)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer s.Close()
			e, err := Authority(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			got, err := NewClient(e, "test", time.Now).Call(t.Context(), "/api.xro/2.0/Organisation", secret.New("abc"), tt.tenant)
			if err != nil || got != tt.want {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	e, err := Authority("http://localhost:9750")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewClient(e, "test", time.Now).Call(ctx, "/", secret.New("abc"), ""); !IsKind(err, Temporary) {
		t.Errorf("no answer: %v", err)
	}
}
