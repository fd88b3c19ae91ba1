package login

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/loopback"
	"github.com/xeroauth/xeroauth/internal/sandbox"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/xero"
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// redirectURIs names ports that are free on 127.0.0.1 just now; several, so
// that one that somebody takes does not matter.
func redirectURIs(t *testing.T) []string {
	t.Helper()
	var uris []string
	for range 5 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		uris = append(uris, "http://localhost:"+port+"/callback")
	}
	return uris
}

// stage is a sandbox, a flow that logs in to it, and what happened in order.
type stage struct {
	t       *testing.T
	sandbox *sandbox.Sandbox
	flow    *Flow

	mu     sync.Mutex
	events []string
	traced []string
	// page is what the browser got last, and address where.
	browser chan visit
	invited Invitation
	kept    []Tokens
	listed  []xero.Connection
	listErr error
	failed  error
}

// visit is what a browser ended on.
type visit struct {
	address, page string
	status        int
	err           error
}

func newStage(t *testing.T, configure func(*sandbox.Config)) *stage {
	t.Helper()
	uris := redirectURIs(t)
	clients := sandbox.DefaultClients()
	for i := range clients {
		clients[i].RedirectURIs = uris
	}
	cfg := sandbox.Config{Key: testKey(), AutoConsent: true, Clients: clients}
	if configure != nil {
		configure(&cfg)
	}
	s, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	authority, err := s.Start("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	st := &stage{t: t, sandbox: s, browser: make(chan visit, 1)}
	st.flow = st.newFlow(authority, uris)
	return st
}

func (st *stage) newFlow(authority string, uris []string) *Flow {
	endpoints, err := xero.Authority(authority)
	if err != nil {
		st.t.Fatal(err)
	}
	return &Flow{
		Client: xero.NewClient(endpoints, "xeroauth/test", time.Now),
		App:    xero.App{ID: sandbox.DefaultPublicClientID},
		Scopes: []string{"openid", "profile", "email", "offline_access", "accounting.contacts"}, RedirectURIs: uris, Timeout: time.Minute,
		Ask: func(i Invitation) {
			st.event("asked")
			st.invited = i
			go func() { st.browser <- browse(i.URL) }()
		},
		Waited: func() { st.event("waited") },
		Keep: func(_ context.Context, t Tokens) error {
			st.event(fmt.Sprintf("kept, after %d lists", st.count("/connections")))
			st.kept = append(st.kept, t)
			return nil
		},
		Settle: func(_ context.Context, _ Tokens, list []xero.Connection, err error) loopback.Page {
			st.event(fmt.Sprintf("settled, after %d lists, browser answered: %t", st.count("/connections"), len(st.browser) > 0))
			st.listed, st.listErr = list, err
			return loopback.Page{OK: true, Heading: "Logged in by the test"}
		},
		Explain: func(err error) loopback.Page {
			st.event(fmt.Sprintf("explained, browser answered: %t", len(st.browser) > 0))
			st.failed = err
			return loopback.Page{Heading: "Failed in the test"}
		},
		Pause: func(context.Context, time.Duration) {},
		Trace: func(format string, args ...any) {
			st.mu.Lock()
			defer st.mu.Unlock()
			st.traced = append(st.traced, fmt.Sprintf(format, args...))
		},
	}
}

func (st *stage) event(text string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.events = append(st.events, text)
}

func (st *stage) wantEvents(want ...string) {
	st.t.Helper()
	st.mu.Lock()
	defer st.mu.Unlock()
	if !slices.Equal(st.events, want) {
		st.t.Errorf("what happened:\n%s\nwant:\n%s", strings.Join(st.events, "\n"), strings.Join(want, "\n"))
	}
}

func (st *stage) count(path string) int {
	if st.sandbox == nil {
		return 0
	}
	return st.sandbox.Count(path)
}

// wantPage fails the test unless the browser ended on a page with that heading
// whose address holds no code.
func (st *stage) wantPage(heading string) {
	st.t.Helper()
	v := <-st.browser
	if v.err != nil || v.status != http.StatusOK || !strings.Contains(v.page, heading+"</h1>") {
		st.t.Errorf("the browser got %d, %v:\n%s\nwant a page headed %q", v.status, v.err, v.page, heading)
	}
	if u, err := url.Parse(v.address); err != nil || !strings.HasPrefix(u.Path, "/done/") || u.RawQuery != "" {
		st.t.Errorf("the browser ended on %s", v.address)
	}
}

// noSecrets fails the test if anything secret was traced or stands in err.
func (st *stage) noSecrets(err error) {
	st.t.Helper()
	st.mu.Lock()
	defer st.mu.Unlock()
	text := strings.Join(st.traced, "\n") + fmt.Sprint(err)
	for _, s := range st.sandbox.Secrets() {
		if strings.Contains(text, s) {
			st.t.Errorf("a secret of the sandbox stands in:\n%s", text)
		}
	}
}

// browse follows redirects as a browser does.
func browse(address string) visit {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(address)
	if err != nil {
		return visit{err: err}
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	return visit{address: resp.Request.URL.String(), page: string(page), status: resp.StatusCode, err: err}
}

// answering makes a browser that does not consent but sends query to the
// listener, with the right state.
func (st *stage) answering(query string) func(Invitation) {
	return func(i Invitation) {
		st.event("asked")
		st.invited = i
		u, err := url.Parse(i.URL)
		if err != nil {
			st.t.Error(err)
		}
		state := url.QueryEscape(u.Query().Get("state"))
		go func() { st.browser <- browse(i.RedirectURI + "?state=" + state + "&" + query) }()
	}
}

var errTest = errors.New("an error of the test's")

func portOf(uri string) int {
	u, err := url.Parse(uri)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(u.Port())
	return n
}

func webApp() xero.App {
	return xero.App{ID: sandbox.DefaultWebClientID, Secret: secret.New(sandbox.DefaultWebClientSecret)}
}
