package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		panic(err)
	}
	return key
})

const (
	testRedirect = "http://localhost:8742/callback"
	testVerifier = "a-verifier-of-at-least-forty-three-characters"
	allScopes    = "openid profile email offline_access accounting.invoices accounting.contacts accounting.settings"
)

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// world is a started sandbox with a clock of its own and a client that follows no redirect.
type world struct {
	t    *testing.T
	s    *Sandbox
	base string
	http *http.Client

	mu  sync.Mutex
	now time.Time
}

func newWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)}
	cfg := Config{Key: testKey(), AutoConsent: true, Now: func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.now
	}}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w.s = s
	if w.base, err = s.Start("localhost:0"); err != nil {
		t.Fatal(err)
	}
	w.http = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{},
	}
	t.Cleanup(w.http.CloseIdleConnections)
	return w
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// answer is a reply that was read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%v in %q", err, a.body)
	}
	return v
}

func (w *world) try(r *http.Request) (answer, error) {
	resp, err := w.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body)}, err
}

func (w *world) do(method, path, body string, headers ...string) answer {
	w.t.Helper()
	a, err := w.try(w.request(method, path, body, headers...))
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (w *world) request(method, path, body string, headers ...string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequest(method, w.base+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// form makes values from pairs; a later pair replaces an earlier one and "-" as a value removes the name.
func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if v.Set(pairs[i], pairs[i+1]); pairs[i+1] == "-" {
			v.Del(pairs[i])
		}
	}
	return v
}

func authorizeQuery(pairs ...string) string {
	return form(append([]string{
		"client_id", DefaultPublicClientID, "redirect_uri", testRedirect, "response_type", "code", "scope", allScopes,
		"state", "st/ate ü+&", "nonce", "n-1", "code_challenge", challengeOf(testVerifier), "code_challenge_method", "S256",
	}, pairs...)...).Encode()
}

func (w *world) authorize(pairs ...string) answer {
	w.t.Helper()
	return w.do("GET", "/identity/connect/authorize?"+authorizeQuery(pairs...), "")
}

// callback gives the query that the client's listener would get.
func (w *world) callback(a answer) url.Values {
	w.t.Helper()
	if a.status != http.StatusFound {
		w.t.Fatalf("status %d where a redirect was due: %s", a.status, a.body)
	}
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil {
		w.t.Fatal(err)
	}
	return u.Query()
}

const formType = "application/x-www-form-urlencoded"

func (w *world) post(path string, values url.Values, headers ...string) answer {
	w.t.Helper()
	return w.do("POST", path, values.Encode(), append([]string{"Content-Type", formType}, headers...)...)
}

func (w *world) exchange(code string, pairs ...string) answer {
	w.t.Helper()
	return w.post("/connect/token", form(append([]string{
		"grant_type", "authorization_code", "client_id", DefaultPublicClientID, "code", code, "redirect_uri", testRedirect,
		"code_verifier", testVerifier,
	}, pairs...)...))
}

func (w *world) refresh(token string) answer {
	w.t.Helper()
	return w.post("/connect/token", form("grant_type", "refresh_token", "client_id", DefaultPublicClientID, "refresh_token", token))
}

func (w *world) machine(id, secret string, pairs ...string) answer {
	w.t.Helper()
	return w.post("/connect/token", form(append([]string{
		"grant_type", "client_credentials", "client_id", id, "client_secret", secret,
	}, pairs...)...))
}

// tokens are the fields of a token answer.
type tokens struct {
	IDToken      string `json:"id_token"`
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"`
	TokenType    string `json:"token_type"`
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope"`
}

func (w *world) tokens(a answer) tokens {
	w.t.Helper()
	var v tokens
	if err := json.Unmarshal([]byte(a.body), &v); err != nil || a.status != http.StatusOK {
		w.t.Fatalf("status %d, %v: %s", a.status, err, a.body)
	}
	return v
}

// login goes through consent and exchange.
func (w *world) login(pairs ...string) tokens {
	w.t.Helper()
	return w.tokens(w.exchange(w.callback(w.authorize(pairs...)).Get("code")))
}

func (w *world) connections(access string) []map[string]any {
	w.t.Helper()
	a := w.do("GET", "/connections", "", "Authorization", "Bearer "+access)
	var v []map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil || a.status != http.StatusOK {
		w.t.Fatalf("status %d, %v: %s", a.status, err, a.body)
	}
	return v
}

// wantError asserts a token error: its code and its description.
func wantError(t *testing.T, a answer, code, description string) {
	t.Helper()
	body := a.json(t)
	got, _ := body["error_description"].(string)
	if a.status != http.StatusBadRequest || body["error"] != code || got != description {
		t.Errorf("got %d %s; want 400 with error %q and description %q", a.status, a.body, code, description)
	}
}

func match(t *testing.T, what, text, pattern string) {
	t.Helper()
	if !regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(text) {
		t.Errorf("%s is %q, which is not %s", what, text, pattern)
	}
}

const uuidPattern = `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`
