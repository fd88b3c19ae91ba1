package github_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/github"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/testhub"
)

const token = "github_pat_ofTheTest"

var place = github.Place{Owner: "octo", Repository: "books", Name: "XERO"}

// start serves h and returns a client with the token.
func start(t *testing.T, h http.Handler, with string) (*github.Client, *[]string) {
	t.Helper()
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	var traced []string
	c, err := github.New(github.Config{
		API: server.URL + "/", Token: secret.New(with), UserAgent: "xeroauth/test", Roots: roots, Now: time.Now,
		Trace: func(format string, args ...any) { traced = append(traced, fmt.Sprintf(format, args...)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, &traced
}

func TestPut(t *testing.T) {
	tests := []struct {
		name  string
		place github.Place
		path  string
	}{
		{"a repository's", place, "repos/octo/books/actions/secrets/XERO"},
		{"an environment's", github.Place{Owner: "octo", Repository: "books", Environment: "live/eu 1", Name: "XERO"}, "repos/octo/books/environments/live%2Feu%201/secrets/XERO"},
		{"an organisation's", github.Place{Organisation: "octo", Owner: "octo", Repository: "books", Name: "XERO"}, "orgs/octo/actions/secrets/XERO"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hub := testhub.New(token)
			hub.Environments = append(hub.Environments, "octo/books/live%2Feu%201")
			c, traced := start(t, hub, token)
			for n, value := range []string{"first-value-of-it", "second-value-of-it"} {
				if err := c.Probe(t.Context(), tt.place, 2500); err != nil {
					t.Fatal(err)
				}
				if err := c.Put(t.Context(), tt.place, secret.New(value)); err != nil {
					t.Fatal(err)
				}
				got, _ := hub.Secret(tt.path)
				if got.Value != value || hub.Writes(tt.path) != n+1 || !slices.Equal(hub.Names(), []string{tt.path}) {
					t.Errorf("write %d: %+v, %d writes, secrets %q", n+1, got, hub.Writes(tt.path), hub.Names())
				}
			}
			if said := strings.Join(*traced, "\n"); strings.Contains(said, token) || strings.Contains(said, "value-of-it") || !strings.Contains(said, "PUT https://127.0.0.1:") {
				t.Errorf("the trace is %s", said)
			}
			if err := c.Delete(t.Context(), tt.place); err != nil || len(hub.Names()) != 0 {
				t.Errorf("deleting: %v, left %q", err, hub.Names())
			}
		})
	}
}

// Who may read an organisation's secret is not ours to change.
func TestReadersStay(t *testing.T) {
	const path = "orgs/octo/actions/secrets/XERO"
	for _, present := range []testhub.Secret{{Value: "old", Visibility: "all"}, {Value: "old", Visibility: "private"}, {Value: "old", Visibility: "selected", Repositories: []int64{1, 2, 4711}}} {
		hub := testhub.New(token)
		hub.Set(path, present)
		c, _ := start(t, hub, token)
		p, err := github.ParsePlace("octo:XERO")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.Probe(t.Context(), p, 2500), c.Put(t.Context(), p, secret.New("new"))); err != nil {
			t.Fatal(err)
		}
		got, _ := hub.Secret(path)
		if got.Value != "new" || got.Visibility != present.Visibility || !slices.Equal(got.Repositories, present.Repositories) || len(hub.Names()) != 1 {
			t.Errorf("%+v became %+v; secrets %q", present, got, hub.Names())
		}
	}
	// A new one is for the place's repository alone, and a writeback, which
	// names none, does not make one.
	hub := testhub.New(token)
	c, _ := start(t, hub, token)
	if err := c.Put(t.Context(), github.Place{Organisation: "octo", Owner: "octo", Repository: "books", Name: "XERO"}, secret.New("new")); err != nil {
		t.Fatal(err)
	}
	if got, _ := hub.Secret(path); got.Visibility != "selected" || !slices.Equal(got.Repositories, []int64{4711}) {
		t.Errorf("a new secret of the organisation is %+v", got)
	}
	p, err := github.ParsePlace("octo:OTHER")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Probe(t.Context(), p, 2500); !isKind(err, github.NotFound) {
		t.Errorf("a secret that is not there: %v, want not-found", err)
	}
}

func isKind(err error, kind github.Kind) bool {
	var e *github.Error
	return errors.As(err, &e) && e.Kind == kind
}

// Every refusal is told apart, before anything was written.
func TestRefusals(t *testing.T) {
	tests := []struct {
		name  string
		token string
		set   func(h *testhub.Hub)
		place github.Place
		kind  github.Kind
		want  string
	}{
		{"a token that nobody knows", "github_pat_unknown", func(*testhub.Hub) {}, place, github.BadToken, "401: Bad credentials"},
		{"no right", token, func(h *testhub.Hub) { h.Tokens[token] = false }, place, github.NoRight, "403: Resource not accessible by personal access token"},
		{"no such repository", token, func(*testhub.Hub) {}, github.Place{Owner: "octo", Repository: "nothing", Name: "XERO"}, github.NotFound, "404: Not Found"},
		{"no such environment", token, func(*testhub.Hub) {}, github.Place{Owner: "octo", Repository: "books", Environment: "x", Name: "XERO"}, github.NotFound, "404: Not Found"},
		{"a secondary limit", token, func(h *testhub.Hub) { h.Limited = "60" }, place, github.Limited, "secondary rate limit"},
		{"a secondary limit without a time", token, func(h *testhub.Hub) { h.Limited = "-" }, place, github.Limited, "secondary rate limit"},
		{"GitHub's own trouble", token, func(h *testhub.Hub) { h.Fault = func(string, string) int { return 502 } }, place, github.Temporary, "502"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hub := testhub.New(token)
			tt.set(hub)
			c, _ := start(t, hub, tt.token)
			for what, err := range map[string]error{"probing": c.Probe(t.Context(), tt.place, 2500), "writing": c.Put(t.Context(), tt.place, secret.New("value"))} {
				var e *github.Error
				if !errors.As(err, &e) || e.Kind != tt.kind || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s: %v, want %s and %q", what, err, tt.kind, tt.want)
					continue
				}
				if strings.Contains(err.Error(), tt.token) {
					t.Errorf("%s: the error holds the token", what)
				}
				if wait := e.RetryAfter; (tt.name == "a secondary limit") != (wait == time.Minute) {
					t.Errorf("%s: to be tried again after %s", what, wait)
				}
				if tt.kind == github.NoRight && e.Accepted != "secrets=write" {
					t.Errorf("%s: the permissions asked for are %q", what, e.Accepted)
				}
			}
			if len(hub.Names()) != 0 {
				t.Errorf("something was written: %q", hub.Names())
			}
		})
	}
}

// Answers that no GitHub gives, and what a proxy may do.
func TestHostileAnswers(t *testing.T) {
	const key = `{"key_id":"1","key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`
	tests := []struct {
		name   string
		answer http.HandlerFunc
		kind   github.Kind
	}{
		{"a page", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<!doctype html>") }, github.Temporary},
		{"a key too short", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"key_id":"1","key":"AAAA"}`) }, github.Temporary},
		{"no key id", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Replace(key, `"1"`, `""`, 1)) }, github.Temporary},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, key) // and 2 MiB of space, which is JSON
			line := strings.Repeat(" ", 1<<16)
			for range 32 {
				fmt.Fprint(w, line)
			}
		}, github.Temporary},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				t.Error("the token was taken elsewhere")
			}
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, github.Refused},
		{"a long message", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"message":%q}`, strings.Repeat("ä", 1000))
		}, github.NoRight},
		{"cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, key)
		}, github.Temporary},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := start(t, tt.answer, token)
			err := c.Put(t.Context(), place, secret.New("value"))
			if !isKind(err, tt.kind) || len(err.Error()) > 400 {
				t.Errorf("%v, want %s", err, tt.kind)
			}
		})
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stopped by the test"))
	c, _ := start(t, testhub.New(token), token)
	if err := c.Put(ctx, place, secret.New("value")); err == nil || err.Error() != "stopped by the test" {
		t.Errorf("a context that has ended: %v", err)
	}
}

// What is read of an answer is bounded, not only what is taken of it.
func TestEndlessAnswer(t *testing.T) {
	const most = 64 << 20
	sent := make(chan int, 1)
	c, _ := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		total := 0
		for line := []byte(strings.Repeat(" ", 1<<16)); total < most; total += len(line) {
			if _, err := w.Write(line); err != nil {
				break
			}
		}
		sent <- total
	}), token)
	if err := c.Delete(t.Context(), place); !isKind(err, github.Temporary) {
		t.Errorf("%v, want temporary", err)
	}
	if n := <-sent; n >= most {
		t.Errorf("%d bytes were read", n)
	}
}

// A server that cannot prove who it is never sees the token.
func TestUnprovenServer(t *testing.T) {
	hub := testhub.New(token)
	server := httptest.NewTLSServer(hub)
	defer server.Close()
	server.Config.ErrorLog = nil
	c, err := github.New(github.Config{API: server.URL, Token: secret.New(token), UserAgent: "x", Roots: x509.NewCertPool(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Put(t.Context(), place, secret.New("value")); !isKind(err, github.Temporary) || len(hub.Requests()) != 0 {
		t.Errorf("%v, %q", err, hub.Requests())
	}
}

func TestNew(t *testing.T) {
	for _, api := range []string{"http://api.github.com", "https://", "ftp://x", "https://user:pass@host", "https://host/?a=b", "https://host/#x", "api.github.com", "://"} {
		if _, err := github.New(github.Config{API: api, Token: secret.New(token)}); !errors.Is(err, github.ErrAPI) || strings.Contains(fmt.Sprint(err), "pass") {
			t.Errorf("%q: %v, want ErrAPI", api, err)
		}
	}
	for _, text := range []string{"", " \n", "two words", "line\nend", "tökens"} {
		if _, err := github.New(github.Config{Token: secret.New(text)}); !errors.Is(err, github.ErrToken) {
			t.Errorf("%q: %v, want ErrToken", text, err)
		}
	}
	for _, api := range []string{"", "https://github.example.com/api/v3/"} {
		if c, err := github.New(github.Config{API: api, Token: secret.New(token + "\n")}); err != nil || strings.HasSuffix(c.API, "/") || c.Token.Reveal() != token {
			t.Errorf("%q: %v", api, err)
		}
	}
}

func TestPlaces(t *testing.T) {
	for text, want := range map[string]github.Place{
		"octo/books:XERO":           place,
		"octo/my.books_2:x":         {Owner: "octo", Repository: "my.books_2", Name: "x"},
		"octo/books:xero:XERO":      {Owner: "octo", Repository: "books", Environment: "xero", Name: "XERO"},
		"octo/books:a b: c/d:XERO":  {Owner: "octo", Repository: "books", Environment: "a b: c/d", Name: "XERO"},
		"octo-org:XEROAUTH_SESSION": {Organisation: "octo-org", Name: "XEROAUTH_SESSION"},
	} {
		got, err := github.ParsePlace(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q is %+v, %q, %v", text, got, got, err)
		}
	}
	for _, text := range []string{
		"", "octo/books", "octo/books:", ":XERO", "/:XERO", "octo/:XERO", "/books:XERO", "octo/books::XERO", "octo:env:XERO", "octo/books/x:XERO", "octo/..:XERO", "octo/.:XERO",
		"octo/books:1X", "octo/books:GITHUB_X", "octo/books:github_x", "octo/books:A-B", "octo/books:A B", "octo/bo oks:X", "octo?/books:X", "octo/books#:X", "octo/books:e\x00:X", "octo/books:" + strings.Repeat("e", 256) + ":X",
	} {
		if got, err := github.ParsePlace(text); err == nil {
			t.Errorf("%q is %+v, and must be refused", text, got)
		}
	}
}
