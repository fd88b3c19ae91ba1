package session_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/sandbox"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/session"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/testdir"
	"github.com/xeroauth/xeroauth/internal/xero"
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

const (
	account  = "acme"
	redirect = "http://localhost:8742/callback"
	life     = 30 * time.Minute // of an access token
)

// day is when the tests' clock starts; records have whole seconds.
var day = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

// events is what happened, in order.
type events struct {
	mu   sync.Mutex
	list []string
}

func (e *events) add(s string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, s)
}

func (e *events) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.list
	e.list = nil
	return out
}

// safe is an in-memory keychain with the cap of the smallest, for any number
// of keepers, that can be told to fail.
type safe struct {
	mu      sync.Mutex
	entries map[string]string
	set     func(n int) error // before the n-th write
	sets    int
	get     func(n int) error // before the n-th read
	gets    int
	limits  []time.Duration // of each write, 0 for the store's own
}

func (s *safe) note(limit time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = append(s.limits, limit)
}

func (s *safe) read(account string) (secret.Text, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets++
	if s.get != nil {
		if err := s.get(s.gets); err != nil {
			return secret.Text{}, err
		}
	}
	v, ok := s.entries[account]
	if !ok {
		return secret.Text{}, store.ErrNotFound
	}
	return secret.New(v), nil
}

func (s *safe) write(account string, value secret.Text) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sets++
	if s.set != nil {
		if err := s.set(s.sets); err != nil {
			return err
		}
	}
	if n := len(value.Reveal()); n > 2560 {
		return &store.Error{Store: "safe", Class: store.TooBig, Step: "saving", Err: errors.New("too big")}
	}
	s.entries[account] = value.Reveal()
	return nil
}

// failSet makes every write from the n-th on fail.
func (s *safe) failSet(n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sets, s.set = 0, func(i int) error {
		if i >= n {
			return err
		}
		return nil
	}
}

func (s *safe) mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set, s.get = nil, nil
}

func (s *safe) present(account string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.entries[account]
	return ok
}

func (s *safe) remove(account string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.entries[account]; !ok {
		return store.ErrNotFound
	}
	delete(s.entries, account)
	return nil
}

// watched tells what a keeper asks of its store.
type watched struct {
	store.Store
	events *events
}

func (w watched) Load(ctx context.Context, account string) (secret.Text, store.Version, error) {
	w.events.add("load")
	return w.Store.Load(ctx, account)
}

func (w watched) Save(ctx context.Context, account string, value secret.Text, replaces store.Version) (store.Version, error) {
	what := "save"
	if r, err := store.Unpack(account, value); err == nil {
		switch {
		case !r.RefreshingSince.IsZero():
			what = "save mark"
		case !r.RejectedAt.IsZero():
			what = "save rejection"
		}
	}
	v, err := w.Store.Save(ctx, account, value, replaces)
	w.events.add(what)
	return v, err
}

func (w watched) Delete(ctx context.Context, account string) error {
	w.events.add("delete")
	return w.Store.Delete(ctx, account)
}

func (w watched) Lock(ctx context.Context, account string) (func(), error) {
	unlock, err := w.Store.Lock(ctx, account)
	if err != nil {
		return nil, err
	}
	w.events.add("lock")
	return func() { w.events.add("unlock"); unlock() }, nil
}

// world is a sandbox, a keychain and a clock that all keepers share.
type world struct {
	t       *testing.T
	sandbox *sandbox.Sandbox
	safe    *safe
	locks   string
	wait    time.Duration
	events  *events
	app     xero.App
	kind    string

	mu     sync.Mutex
	now    time.Time
	pauses []time.Duration
	onLog  func(sandbox.Request)
}

func newWorld(t *testing.T, change func(*sandbox.Config)) *world {
	t.Helper()
	w := &world{
		t: t, now: day, locks: testdir.New(t), wait: time.Minute, events: &events{},
		safe: &safe{entries: map[string]string{}}, app: xero.App{ID: sandbox.DefaultPublicClientID}, kind: "public",
	}
	cfg := sandbox.Config{Key: testKey(), AutoConsent: true, Now: w.clock, Log: func(r sandbox.Request) {
		w.mu.Lock()
		hook := w.onLog
		w.mu.Unlock()
		if r.Path == "/connect/token" {
			w.events.add("request")
			if hook != nil {
				hook(r)
			}
		}
	}}
	if change != nil {
		change(&cfg)
	}
	s, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := s.Start("localhost:0"); err != nil {
		t.Fatal(err)
	}
	w.sandbox = s
	return w
}

func strict(c *sandbox.Config) { c.Strict = true }

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// during runs f once, when the next token request was carried out and its
// answer was not sent yet.
func (w *world) during(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onLog = func(sandbox.Request) {
		w.mu.Lock()
		w.onLog = nil
		w.mu.Unlock()
		f()
	}
}

func (w *world) pause(_ context.Context, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pauses = append(w.pauses, d)
	w.now = w.now.Add(d)
}

func (w *world) local() *store.Local {
	return &store.Local{
		StoreName: "safe", Locks: &store.Locks{Dir: w.locks, Wait: w.wait, Holder: "a test"},
		// Like the keychain's, the calls end with ctx.
		Get: func(ctx context.Context, a string) (secret.Text, error) {
			if ctx.Err() != nil {
				return secret.Text{}, context.Cause(ctx)
			}
			return w.safe.read(a)
		},
		Set: func(ctx context.Context, a string, v secret.Text) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			w.safe.note(store.Limit(ctx, 0))
			return w.safe.write(a, v)
		},
		Remove: func(_ context.Context, a string) error { return w.safe.remove(a) },
	}
}

func (w *world) client() *xero.Client {
	w.t.Helper()
	e, err := xero.Authority(w.sandbox.Authority())
	if err != nil {
		w.t.Fatal(err)
	}
	return xero.NewClient(e, "xeroauth/test", w.clock)
}

// keeper is one process's.
func (w *world) keeper() *session.Keeper {
	w.t.Helper()
	return &session.Keeper{
		Store: watched{w.local(), w.events}, Account: account, Client: func(store.Record) (*xero.Client, error) { return w.client(), nil }, Now: w.clock, Pause: w.pause,
		App: func(context.Context, store.Record) (xero.App, error) { return w.app, nil },
	}
}

// login saves a session as a login does.
func (w *world) login() store.Record {
	w.t.Helper()
	client := w.client()
	request := xero.AuthRequest{
		RedirectURI: redirect, State: "a state", Verifier: secret.New("a-verifier-of-at-least-forty-three-characters"),
		Scopes: []string{"offline_access", "accounting.settings.read", "accounting.contacts"},
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer browser.CloseIdleConnections()
	resp, err := browser.Get(client.AuthorizeURL(w.app, request))
	if err != nil {
		w.t.Fatal(err)
	}
	resp.Body.Close()
	back, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		w.t.Fatalf("consent gave %d, %v", resp.StatusCode, err)
	}
	set, err := client.ExchangeCode(w.t.Context(), w.app, request, secret.New(back.Query().Get("code")))
	if err != nil {
		w.t.Fatal(err)
	}
	r := store.Record{
		ClientID: w.app.ID, App: w.kind, Authority: w.sandbox.Authority(), AccessToken: set.AccessToken, RefreshToken: set.RefreshToken,
		ObtainedAt: set.ObtainedAt, Expiry: set.Expiry, RefreshObtainedAt: set.ObtainedAt, Scopes: set.Scopes,
		User: store.User{ID: "ada", Name: "Ada Marlowe", Email: "ada@example.com"},
	}
	w.put(r)
	return r
}

// put makes r the record that stands there, whatever stood there before.
func (w *world) put(r store.Record) {
	w.t.Helper()
	v, err := store.Pack(account, r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.safe.mu.Lock()
	defer w.safe.mu.Unlock()
	w.safe.entries[account] = v.Reveal()
}

// record is what stands there now.
func (w *world) record() store.Record {
	w.t.Helper()
	w.safe.mu.Lock()
	v := w.safe.entries[account]
	w.safe.mu.Unlock()
	r, err := store.Unpack(account, secret.New(v))
	if err != nil {
		w.t.Fatalf("the record: %v", err)
	}
	return r
}

// requests is how many refreshes and mints arrived so far.
func (w *world) requests() int {
	return w.sandbox.CountGrant("refresh_token") + w.sandbox.CountGrant("client_credentials")
}

// works reports whether the access token opens the API.
func (w *world) works(token secret.Text) bool {
	w.t.Helper()
	req, err := http.NewRequest(http.MethodGet, w.sandbox.Authority()+"/connections", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// survives reports whether the session lives on once all faults are over: a
// token that the API takes, now and after another two refreshes.
func (w *world) survives() error {
	w.t.Helper()
	w.sandbox.ClearFaults()
	w.safe.mend()
	for range 3 {
		result, err := w.keeper().Fresh(w.t.Context(), session.Need{MinTTL: 2 * time.Minute})
		if err != nil {
			return err
		}
		if !w.works(result.Record.AccessToken) {
			return errors.New("the API refuses the token")
		}
		w.pass(life)
	}
	return nil
}

func (w *world) mustSurvive() {
	w.t.Helper()
	if err := w.survives(); err != nil {
		w.t.Errorf("the session does not work afterwards: %v", err)
	}
}

// fresh asks for a good token and expects one.
func (w *world) fresh(need session.Need) session.Result {
	w.t.Helper()
	result, err := w.keeper().Fresh(w.t.Context(), need)
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

func (w *world) wantRequests(want int) {
	w.t.Helper()
	if got := w.requests(); got != want {
		w.t.Errorf("%d token requests, want %d", got, want)
	}
}

func (w *world) wantEvents(want ...string) {
	w.t.Helper()
	if got := w.events.take(); !slices.Equal(got, want) {
		w.t.Errorf("what happened: %q, want %q", got, want)
	}
}

func wantOutcome(t *testing.T, got session.Result, want session.Outcome) {
	t.Helper()
	if got.Outcome != want {
		t.Errorf("outcome %q, want %q (%v)", got.Outcome, want, got.Failure)
	}
}

func wantLogin(t *testing.T, err error) {
	t.Helper()
	var login *session.LoginError
	if !errors.Is(err, session.ErrLoginRequired) || !errors.As(err, &login) || login.Reason == "" {
		t.Errorf("error %v, want a login to be needed, with the reason", err)
	}
}

// asProcess makes the test binary a process that asks for a token.
const asProcess = "XEROAUTH_TEST_PROCESS"

func TestMain(m *testing.M) {
	if os.Getenv(asProcess) != "" {
		playProcess()
		return
	}
	os.Exit(m.Run())
}
