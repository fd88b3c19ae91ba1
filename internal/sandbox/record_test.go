package sandbox

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestRequestsAreRecordedAndLogged(t *testing.T) {
	var mu sync.Mutex
	var logged []Request
	w := newWorld(t, func(cfg *Config) {
		cfg.Log = func(r Request) { mu.Lock(); defer mu.Unlock(); logged = append(logged, r) }
	})
	start := w.now
	w.login()
	w.s.Advance(time.Hour)
	w.api("/connections", "x", "Authorization", "Bearer x")
	want := []Request{
		{start, "GET", "/identity/connect/authorize", "", DefaultPublicClientID, 302, ""},
		{start, "POST", "/connect/token", "authorization_code", DefaultPublicClientID, 200, ""},
		{start.Add(time.Hour), "GET", "/connections", "", "", 401, ""},
	}
	if got := w.s.Requests(); !slices.Equal(got, want) {
		t.Errorf("got %+v; want %+v", got, want)
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(logged, want) {
		t.Errorf("logged %+v", logged)
	}
}

func TestRequestsAreBounded(t *testing.T) {
	s, err := New(Config{Key: testKey()})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2*keepRequests + 5 {
		r := httptest.NewRequest("GET", fmt.Sprintf("http://localhost/%d", i), nil)
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
	got := s.Requests()
	if len(got) != keepRequests || got[keepRequests-1].Path != fmt.Sprintf("/%d", 2*keepRequests+4) || len(s.requests) > 2*keepRequests {
		t.Errorf("%d requests, the last %v; %d held", len(got), got[len(got)-1], len(s.requests))
	}
	if len(s.pathCounts) != keepPaths {
		t.Errorf("%d paths counted", len(s.pathCounts))
	}
}

func TestBoundedForgetsTheOldest(t *testing.T) {
	b := newBounded[int](2)
	for i, key := range []string{"a", "b", "a", "c"} {
		b.put(key, i)
	}
	if _, old := b.items["a"]; old || len(b.items) != 2 || b.items["c"] != 3 {
		t.Errorf("holds %v", b.items)
	}
}

func TestSecretsHasEverySecret(t *testing.T) {
	w := newWorld(t, nil)
	code := w.callback(w.authorize()).Get("code")
	login := w.tokens(w.exchange(code))
	second := w.tokens(w.refresh(login.RefreshToken))
	w.post("/connect/token", form("client_id", DefaultWebClientID, "client_secret", "a wrong secret of some length"))
	r := w.request("POST", "/connect/token", "", "Content-Type", formType)
	r.SetBasicAuth(DefaultWebClientID, "another+wrong+secret")
	if _, err := w.try(r); err != nil {
		t.Fatal(err)
	}
	w.post("/connect/token", form("client_id", DefaultWebClientID, "client_secret", "too short"))
	got := w.s.Secrets()
	for _, want := range []string{
		code, testVerifier, login.AccessToken, login.IDToken, login.RefreshToken, second.AccessToken, second.IDToken, second.RefreshToken,
		DefaultWebClientSecret, DefaultCustomClientSecret, "a wrong secret of some length", "another wrong secret",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%.20q… is missing", want)
		}
	}
	if len(got) != 12 {
		t.Errorf("%d secrets; want 12", len(got))
	}
}

func TestManyAtOnce(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { cfg.Strict = true })
	token := w.login().RefreshToken
	var group sync.WaitGroup
	statuses := make([]int, 20)
	for i := range statuses {
		group.Go(func() { statuses[i] = w.refresh(token).status })
	}
	group.Wait()
	slices.Sort(statuses)
	if statuses[0] != http.StatusOK || statuses[1] != http.StatusBadRequest {
		t.Errorf("a strict sandbox let more or less than one of %v through", statuses)
	}
	if got := w.s.CountGrant("refresh_token"); got != len(statuses) {
		t.Errorf("counted %d", got)
	}
}
