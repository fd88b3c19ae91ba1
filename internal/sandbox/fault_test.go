package sandbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

const tokenPath = "/connect/token"

// broken sends a refresh whose answer is lost, and gives the client's error.
func (w *world) broken(token string) error {
	w.t.Helper()
	a, err := w.try(w.request("POST", tokenPath, form("grant_type", "refresh_token", "client_id", DefaultPublicClientID, "refresh_token", token).Encode(), "Content-Type", formType))
	if err == nil {
		w.t.Fatalf("an answer came: %d %s", a.status, a.body)
	}
	return err
}

// processed reports whether the last refresh reached the token: only then is it past its grace after 31 minutes.
func (w *world) processed(token string) bool {
	w.t.Helper()
	w.s.ClearFaults()
	w.s.Advance(31 * time.Minute)
	return strings.Contains(w.refresh(token).body, consumed)
}

func TestFaultsThatAnswer(t *testing.T) {
	const page = "text/html; charset=utf-8"
	cases := []struct {
		name                                string
		fault                               Fault
		status                              int
		body, contentType, retryAfter, rate string
		processed                           bool
	}{
		{"503", Fault{Kind: FaultStatus}, 503, "", "", "", "", false},
		{"429", Fault{Kind: FaultStatus, Status: 429, RetryAfter: "7"}, 429, "", "", "7", "minute", false},
		{"an edge page", Fault{Kind: FaultStatus, Status: 403, Body: "<p>no", ContentType: "text/html"}, 403, "<p>no", "text/html", "", "", false},
		{"a JSON error", Fault{Kind: FaultStatus, Status: 400, Body: `{"error":"x"}`}, 400, `{"error":"x"}`, "application/json", "", "", false},
		{"a status that is none", Fault{Kind: FaultStatus, Status: 7}, 503, "", "", "", "", false},
		{"another body", Fault{Kind: FaultBody, Body: `{"access_token":1}`}, 200, `{"access_token":1}`, "application/json", "", "", false},
		{"a page", Fault{Kind: FaultHTML}, 200, "<!doctype html><title>Xero</title><p>We'll be back soon.</p>\n", page, "", "", true},
		{"nothing", Fault{Kind: FaultEmpty}, 200, "", "", "", "", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			token := w.login().RefreshToken
			c.fault.Path = tokenPath
			w.s.SetFault(c.fault)
			a := w.refresh(token)
			if a.status != c.status || a.body != c.body {
				t.Errorf("got %d %q; want %d %q", a.status, a.body, c.status, c.body)
			}
			for header, want := range map[string]string{
				"Content-Type": c.contentType, "Retry-After": c.retryAfter, "X-Rate-Limit-Problem": c.rate, "Date": "Sat, 21 Nov 2026 09:30:00 GMT",
			} {
				if got := a.header.Get(header); got != want {
					t.Errorf("%s is %q; want %q", header, got, want)
				}
			}
			if last := w.last(); last.Fault != string(c.fault.Kind) || last.Status != c.status {
				t.Errorf("recorded as %+v", last)
			}
			if got := w.processed(token); got != c.processed {
				t.Errorf("processed: %t; want %t", got, c.processed)
			}
		})
	}
}

func (w *world) last() Request {
	all := w.s.Requests()
	return all[len(all)-1]
}

func TestFaultsThatBreakTheConnection(t *testing.T) {
	for _, c := range []struct {
		kind      FaultKind
		cleanEnd  bool // of the connection; a reset is another error, which each system names in its own way
		processed bool
	}{
		{FaultResetBefore, false, false},
		{FaultResetAfter, false, true},
		{FaultTruncate, true, true},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			w := newWorld(t, nil)
			token := w.login().RefreshToken
			// On a fresh connection, since Go's client retries by itself when a kept one breaks.
			w.http.CloseIdleConnections()
			w.s.SetFault(Fault{Path: tokenPath, Kind: c.kind})
			err := w.broken(token)
			if got := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF); got != c.cleanEnd {
				t.Errorf("the connection ended with: %v", err)
			}
			if got := w.processed(token); got != c.processed {
				t.Errorf("processed: %t; want %t", got, c.processed)
			}
		})
	}
}

func TestTruncatedAnswersAreTheBeginningOfRealOnes(t *testing.T) {
	w := newWorld(t, nil)
	whole := w.do("GET", "/.well-known/openid-configuration/jwks", "")
	w.s.SetFault(Fault{Path: "/.well-known/openid-configuration/jwks", Kind: FaultTruncate})
	resp, err := w.http.Do(w.request("GET", "/.well-known/openid-configuration/jwks", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	half, err := io.ReadAll(resp.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) || string(half) != whole.body[:len(whole.body)/2] || resp.ContentLength != int64(len(whole.body)) {
		t.Errorf("got %d of %d bytes and %v", len(half), resp.ContentLength, err)
	}
}

// A client that gives up while the server hangs must find its token rotated, as it was for xero-node's users.
func TestHangProcessesAndWaitsForTheClientToLeave(t *testing.T) {
	handled := make(chan Request, 10)
	w := newWorld(t, func(cfg *Config) { cfg.Log = func(r Request) { handled <- r } })
	token := w.login().RefreshToken
	w.s.SetFault(Fault{Path: tokenPath, Kind: FaultHang, Delay: time.Hour})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for r := range handled {
			if r.Fault == string(FaultHang) {
				cancel()
				return
			}
		}
	}()
	r := w.request("POST", tokenPath, form("grant_type", "refresh_token", "client_id", DefaultPublicClientID, "refresh_token", token).Encode(), "Content-Type", formType)
	if _, err := w.try(r.WithContext(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if !w.processed(token) {
		t.Error("not processed")
	}
}

func TestHangEndsWithItsDelayAndWithTheSandbox(t *testing.T) {
	w := newWorld(t, nil)
	token := w.login().RefreshToken
	w.s.SetFault(Fault{Path: tokenPath, Kind: FaultHang, Delay: time.Millisecond, Times: 1})
	w.http.CloseIdleConnections()
	w.broken(token)
	// On somebody else's server Close cannot cut the connection, and must let go of it all the same.
	foreign := httptest.NewServer(w.s)
	defer foreign.Close()
	held := make(chan error)
	w.s.SetFault(Fault{Path: "/", Kind: FaultHang})
	go func() {
		_, err := w.http.Get(foreign.URL)
		held <- err
	}()
	for w.s.Count("/") == 0 { // arrived, so that Close finds it waiting
		runtime.Gosched()
	}
	w.s.Close()
	if err := <-held; err == nil {
		t.Error("an answer came")
	}
}

func TestDelayProcessesEvenWithoutTheClient(t *testing.T) {
	delayed := make(chan Request, 2)
	w := newWorld(t, func(cfg *Config) {
		cfg.Log = func(r Request) {
			if r.Fault == string(FaultDelay) {
				delayed <- r
			}
		}
	})
	token := w.login().RefreshToken
	w.s.SetFault(Fault{Path: tokenPath, Kind: FaultDelay, Delay: time.Millisecond, Times: 1})
	token = w.tokens(w.refresh(token)).RefreshToken
	<-delayed

	w.s.SetFault(Fault{Path: tokenPath, Kind: FaultDelay, Delay: time.Hour})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for w.s.CountGrant("refresh_token") < 2 { // arrived, so that it is waiting
			runtime.Gosched()
		}
		cancel()
	}()
	r := w.request("POST", tokenPath, form("grant_type", "refresh_token", "client_id", DefaultPublicClientID, "refresh_token", token).Encode(), "Content-Type", formType)
	if _, err := w.try(r.WithContext(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-delayed
	if !w.processed(token) {
		t.Error("not processed")
	}
}

func TestNoRefreshTokenKeepsTheOldOne(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { cfg.Strict = true })
	token := w.login().RefreshToken
	w.s.SetFault(Fault{Path: tokenPath, Kind: FaultNoRefreshToken, Times: 1})
	if got := w.tokens(w.refresh(token)); got.RefreshToken != "" || got.AccessToken == "" || got.IDToken == "" {
		t.Errorf("got %+v", got)
	}
	if got := w.tokens(w.refresh(token)); got.RefreshToken == "" {
		t.Error("no token after the fault")
	}
}

func TestFaultsInSequenceAndByGrant(t *testing.T) {
	w := newWorld(t, nil)
	token := w.login().RefreshToken
	w.s.SetFault(Fault{Path: tokenPath, Kind: FaultStatus, Status: 500, GrantType: "refresh_token", Times: 2})
	w.s.SetFault(Fault{Path: tokenPath, Kind: FaultStatus, Status: 429, GrantType: "refresh_token", Times: 1})
	w.s.SetFault(Fault{Path: "/connections", Kind: FaultStatus, Status: 502})
	for i, want := range []int{500, 500, 429, 200} {
		if got := w.refresh(token).status; got != want {
			t.Errorf("refresh %d: %d; want %d", i, got, want)
		}
		w.tokens(w.machine(DefaultCustomClientID, DefaultCustomClientSecret))
	}
	for _, path := range []string{"/connections", "/connections/" + uuid(), "/connections"} {
		if got := w.do("DELETE", path, "").status; got != 502 {
			t.Errorf("%s: %d", path, got)
		}
	}
	if got := w.do("GET", "/connectionsx", "").status; got != 404 {
		t.Errorf("the fault reached another path: %d", got)
	}
	w.s.ClearFaults()
	if got := w.do("GET", "/connections", "").status; got != http.StatusUnauthorized {
		t.Errorf("after clearing: %d", got)
	}
	if w.s.CountGrant("refresh_token") != 4 || w.s.CountGrant("client_credentials") != 4 || w.s.CountGrant("authorization_code") != 1 {
		t.Error("a faulted token request was not counted, or one too many")
	}
	if w.s.Count("/connections") != 3 || w.s.Count(tokenPath) != 9 {
		t.Errorf("counts: %d and %d", w.s.Count("/connections"), w.s.Count(tokenPath))
	}
}
