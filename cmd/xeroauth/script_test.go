package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"log"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xeroauth/xeroauth/internal/atomicfile"
	"github.com/xeroauth/xeroauth/internal/cli"
	"github.com/xeroauth/xeroauth/internal/sandbox"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/keychain"
	"github.com/xeroauth/xeroauth/internal/testhub"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// world is what one script has: an address, behind it a sandbox for each
// person who may sit at the browser, and their clock.
type world struct {
	config sandbox.Config

	mu     sync.Mutex
	people map[string]*sandbox.Sandbox
	person string
	offset time.Duration
	// marked is how many requests there were at "sandbox mark".
	marked int
	// hub is the GitHub that "github serve" started.
	hub *testhub.Hub
	// server is what "serves" started.
	server *process
}

// The people. Their sandboxes have one signing key: to the program they are
// one Xero.
var people = map[string]sandbox.User{
	"ada": {ID: "0ada0000-0000-4000-8000-000000000001", GivenName: "Ada", FamilyName: "Marlowe", Email: "ada.marlowe@example.com"},
	"ben": {ID: "0be00000-0000-4000-8000-000000000002", GivenName: "Ben", FamilyName: "Okoro", Email: "ben.okoro@example.com"},
	"eve": {
		ID: "0e0e0000-0000-4000-8000-000000000003", GivenName: "Eve\x1b[31m\r\nxeroauth: all is well",
		FamilyName: "\u202e<script>alert(1)</script>\u009b", Email: "eve\x07@example.com",
	},
}

var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

const worldKey = "world"

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey).(*world) }

func (w *world) sandbox() *sandbox.Sandbox {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.people[w.person]
}

func (w *world) ServeHTTP(out http.ResponseWriter, r *http.Request) { w.sandbox().ServeHTTP(out, r) }

func (w *world) setPerson(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	user, known := people[name]
	if !known {
		return fmt.Errorf("nobody is called %q", name)
	}
	w.person = name
	if w.people[name] != nil {
		return nil
	}
	w.config.User = user
	s, err := sandbox.New(w.config)
	if err != nil {
		return err
	}
	s.Advance(w.offset)
	w.people[name] = s
	return nil
}

func (w *world) setClock(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.people {
		s.Advance(d - w.offset)
	}
	w.offset = d
	return nil
}

func (w *world) close() (secrets []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.people {
		_ = s.Close()
		secrets = append(secrets, s.Secrets()...)
	}
	if w.hub != nil {
		secrets = append(secrets, hubTokens()...)
	}
	return secrets
}

// scriptClock moves the clocks of the program and of its sandbox, or of the
// program alone: clock [-machine] DURATION (from the script's start).
func scriptClock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: clock [-machine] DURATION")
	}
	d := args[len(args)-1]
	if args[0] != "-machine" {
		ts.Check(worldOf(ts).setClock(d))
	}
	ts.Setenv("TEST_CLOCK", d)
}

func setUpScript(env *testscript.Env) error {
	redirect, second := freeURI(), freeURI()
	uris := []string{redirect, second, "http://localhost/callback"}
	clients := sandbox.DefaultClients()
	for i := range clients {
		if clients[i].Kind != sandbox.CustomConnection {
			clients[i].RedirectURIs = uris
		}
	}
	for n := range 8 {
		clients = append(clients, sandbox.Client{ID: fmt.Sprintf("%032d", n+1), Kind: sandbox.Public, RedirectURIs: uris})
	}
	w := &world{people: map[string]*sandbox.Sandbox{}, config: sandbox.Config{Clients: clients, AutoConsent: true, Key: signingKey(), MinuteLimit: 10000}}
	if err := w.setPerson("ada"); err != nil {
		return err
	}
	sockets, port, err := listenOnLoopback(0)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: w, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	for _, l := range sockets {
		go func() { _ = server.Serve(l) }()
	}
	env.Values[worldKey] = w
	captured := filepath.Join(env.WorkDir, ".captured")
	if err := os.Mkdir(captured, 0o700); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"HOME": filepath.Join(env.WorkDir, "home"), "XDG_CONFIG_HOME": "", "AppData": filepath.Join(env.WorkDir, "home"),
		"XEROAUTH_STORE": "plain", "BROWSER": "browser", "CI": "",
		"SANDBOX": fmt.Sprintf("http://localhost:%d", port), "REDIRECT": redirect, "REDIRECT2": second,
		"PORT":   strings.TrimSuffix(strings.TrimPrefix(redirect, "http://localhost:"), "/callback"),
		"CLIENT": sandbox.DefaultPublicClientID, "WEB": sandbox.DefaultWebClientID, "CUSTOM": sandbox.DefaultCustomClientID,
		"TEST_CAPTURED": captured, "TEST_LOCKS": filepath.Join(env.WorkDir, "locks"), "TEST_CLOCK": "0s",
		// Without this -race makes each process wait a second at its end.
		"GORACE": "atexit_sleep_ms=10",
	} {
		env.Setenv(name, value)
	}
	env.Defer(func() {
		secrets := w.close()
		_ = server.Close()
		findLeaks(env, secrets, captured)
	})
	return nil
}

// runScript runs a script that a test has put together. What setUp does comes
// after setUpScript.
func runScript(t *testing.T, script string, setUp ...func(*testscript.Env) error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "script.txtar"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: dir, RequireExplicitExec: true, Cmds: scriptWords(),
		Setup: func(env *testscript.Env) error {
			for _, do := range append([]func(*testscript.Env) error{setUpScript}, setUp...) {
				if err := do(env); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

// sandboxForXero has the program take the sandbox's address for Xero's.
func sandboxForXero(env *testscript.Env) error {
	env.Setenv("TEST_AUTHORITY", env.Getenv("SANDBOX"))
	return nil
}

// nextPort walks through ports that no outgoing connection is given by the
// system: a login between two tests must find its port free.
var nextPort atomic.Int64

func freeURI() string {
	nextPort.CompareAndSwap(0, 15000+mathrand.Int64N(10000))
	for range 1000 {
		sockets, port, err := listenOnLoopback(int(nextPort.Add(1)))
		if err != nil {
			continue
		}
		for _, l := range sockets {
			_ = l.Close()
		}
		return fmt.Sprintf("http://localhost:%d/callback", port)
	}
	panic("no port is free")
}

// listenOnLoopback takes one port on both families, as far as the machine has
// them; 0 takes a free one.
func listenOnLoopback(port int) ([]net.Listener, int, error) {
	four, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, 0, err
	}
	port = four.Addr().(*net.TCPAddr).Port
	six, err := net.Listen("tcp6", fmt.Sprintf("[::1]:%d", port))
	if err == nil {
		return []net.Listener{four, six}, port, nil
	}
	if probe, lacking := net.Listen("tcp6", "[::1]:0"); lacking == nil {
		_ = probe.Close()
		_ = four.Close()
		return nil, 0, err
	}
	return []net.Listener{four}, port, nil
}

// scriptOccupy takes the ports of redirect URIs until the script ends:
// occupy URI...
func scriptOccupy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: occupy URI...")
	}
	for _, uri := range args {
		u, err := url.Parse(uri)
		ts.Check(err)
		l, err := net.Listen("tcp4", "127.0.0.1:"+u.Port())
		ts.Check(err)
		ts.Defer(func() { _ = l.Close() })
	}
}

// scriptAgeKey makes a key for the store "file" and names it to the program:
// agekey FILE.
func scriptAgeKey(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: agekey FILE")
	}
	key, err := age.GenerateX25519Identity()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(key.String()+"\n"), 0o600))
	ts.Setenv("XEROAUTH_FILE_KEY_FILE", ts.MkAbs(args[0]))
}

// scriptedXeroauth is the program as scripts run it: everything real but the
// clock, the lock folder and the keychain, and what it prints is kept for the
// canary.
func scriptedXeroauth() {
	offset, err := time.ParseDuration(os.Getenv("TEST_CLOCK"))
	if err != nil {
		panic(err)
	}
	out, errs := capture("stdout", os.Stdout), capture("stderr", os.Stderr)
	_, _ = capture("argv", nil).Write([]byte(strings.Join(os.Args, "\x00")))
	ctx, cancel := context.WithCancelCause(context.Background())
	watch, letGo := watchLater(cancel)
	os.Exit(cli.Run(ctx, &cli.App{
		Stdin: os.Stdin, Stdout: out, Stderr: errs, Environ: os.Environ(),
		Now:      func() time.Time { return time.Now().Add(offset) },
		Pause:    func(ctx context.Context, _ time.Duration) { xero.Sleep(ctx, time.Millisecond) },
		LockDir:  func() (string, error) { return os.Getenv("TEST_LOCKS"), nil },
		Keychain: scriptedKeychain, Authority: os.Getenv("TEST_AUTHORITY"), Roots: scriptedRoots(),
		Watch: watch, Become: becomer(ctx, letGo), Build: cli.Build{Version: "1.2.3-test"}, Program: os.Executable,
	}, os.Args[1:]))
}

// scriptedKeychain stands in for the system's, which scripts do not touch. As
// TEST_KEYCHAIN says it works, keeping each entry as a file in the folder
// keychain; is "full:N", where each process may write N times; or fails with
// that class. That it was asked for at all it notes in keychain-touched.
func scriptedKeychain(c keychain.Config) store.Store {
	mode, work := os.Getenv("TEST_KEYCHAIN"), filepath.Dir(os.Getenv("TEST_CAPTURED"))
	number, isFull := strings.CutPrefix(mode, "full:")
	writes, _ := strconv.Atoi(number)
	entry := func(account string) string { return filepath.Join(work, "keychain", account) }
	refuse := func(class store.Class) error {
		return &store.Error{Store: keychain.Name, Class: class, Step: "using the keychain", Err: errors.New("a keychain made for tests says no")}
	}
	use := func() error {
		if err := os.WriteFile(filepath.Join(work, "keychain-touched"), nil, 0o600); err != nil {
			panic(err)
		}
		if mode == "works" || isFull {
			return os.MkdirAll(entry(""), 0o700)
		}
		if mode == "" {
			mode = string(store.NoBus)
		}
		return refuse(store.Class(mode))
	}
	found := func(err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return store.ErrNotFound
		}
		return err
	}
	return &store.Local{
		StoreName: keychain.Name, Locks: c.Locks,
		Get: func(_ context.Context, account string) (secret.Text, error) {
			if err := use(); err != nil {
				return secret.Text{}, err
			}
			b, err := os.ReadFile(entry(account))
			return secret.New(string(b)), found(err)
		},
		Set: func(_ context.Context, account string, value secret.Text) error {
			if err := use(); err != nil {
				return err
			}
			if writes--; isFull && writes < 0 {
				return refuse(store.NotWritable)
			}
			return atomicfile.Write(entry(account), []byte(value.Reveal()))
		},
		Remove: func(_ context.Context, account string) error {
			if err := use(); err != nil {
				return err
			}
			return found(os.Remove(entry(account)))
		},
	}
}

// capture returns a writer to a file for the canary and to also, if that is
// not nil.
func capture(what string, also io.Writer) io.Writer {
	dir := os.Getenv("TEST_CAPTURED")
	command := "none"
	if len(os.Args) > 1 {
		command = strings.Map(func(r rune) rune {
			if r == '-' || 'a' <= r && r <= 'z' {
				return r
			}
			return '_'
		}, os.Args[1])
	}
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("%d.%s.%s", os.Getpid(), command, what)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	if also == nil {
		return f
	}
	both := io.MultiWriter(f, also)
	if stream, ok := also.(*os.File); ok {
		return capturedStream{both, stream}
	}
	return both
}

// capturedStream is still the terminal that it was, if it was one.
type capturedStream struct {
	io.Writer
	stream *os.File
}

func (c capturedStream) Fd() uintptr { return c.stream.Fd() }

// followRedirects is the browser: it does what the sandbox's consent makes a
// real one do, presses the button of a consent page that BROWSER_DO names
// (allow or cancel), and keeps the last page as page.html and then its address
// as page.url in the folder of the script.
func followRedirects() {
	dir := filepath.Dir(os.Getenv("TEST_CAPTURED"))
	body, address, err := browse(os.Args[len(os.Args)-1], os.Getenv("BROWSER_DO"))
	err = errors.Join(err, os.WriteFile(filepath.Join(dir, "page.html"), body, 0o600),
		os.WriteFile(filepath.Join(dir, "page.part"), []byte(address), 0o600),
		os.Rename(filepath.Join(dir, "page.part"), filepath.Join(dir, "page.url")))
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func browse(address, button string) (page []byte, at string, err error) {
	client := &http.Client{Timeout: time.Minute}
	read := func(resp *http.Response, err error) error {
		if err != nil {
			return err
		}
		at = resp.Request.URL.String()
		page, err = io.ReadAll(resp.Body)
		return errors.Join(err, resp.Body.Close())
	}
	if err := read(client.Get(address)); err != nil || button == "" {
		return page, at, err
	}
	form := url.Values{"action": {button}}
	for _, field := range regexp.MustCompile(`name="(request|organisation)" value="([^"]*)"( checked|>)`).FindAllStringSubmatch(string(page), -1) {
		if field[1] == "request" || field[3] == " checked" {
			form.Add(field[1], html.UnescapeString(field[2]))
		}
	}
	consent, err := url.Parse(at)
	if err != nil {
		return page, at, err
	}
	return page, at, read(client.PostForm(consent.Scheme+"://"+consent.Host+"/identity/consent", form))
}

// scriptSandbox drives the script's sandbox:
//
//	sandbox fault PATH KIND [STATUS [TIMES [RETRY-AFTER [BODY]]]]   sandbox clear
//	sandbox count GRANT-TYPE N      sandbox await GRANT-TYPE-or-PATH N
//	sandbox requests PATH N
//	sandbox mark                    sandbox silent   (no request since the mark)
//	sandbox organisations FILE      sandbox consent TENANT-ID...
//	sandbox page                    (consent is a page with buttons)
//	sandbox person NAME             (who sits at the browser: ada, ben, eve)
//	sandbox settings JSON           (as POST /sandbox/settings takes it)
//	sandbox end CLIENT-ID           (its refresh tokens die)
func scriptSandbox(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: see scriptSandbox")
	}
	w := worldOf(ts)
	s := w.sandbox()
	arg := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	switch args[0] {
	case "fault":
		status, _ := strconv.Atoi(arg(3))
		times, _ := strconv.Atoi(arg(4))
		s.SetFault(sandbox.Fault{
			Path: arg(1), Kind: sandbox.FaultKind(arg(2)), Status: status, Times: times, RetryAfter: arg(5), Body: arg(6), Delay: time.Second,
		})
	case "clear":
		s.ClearFaults()
	case "count":
		expect(ts, "token requests with "+arg(1), s.CountGrant(arg(1)), arg(2))
	case "await":
		come := s.CountGrant
		if strings.HasPrefix(arg(1), "/") {
			come = s.Count
		}
		for tries := 0; fmt.Sprint(come(arg(1))) != arg(2); tries++ {
			if tries > 2000 {
				ts.Fatalf("%s did not come %s times", arg(1), arg(2))
			}
			time.Sleep(5 * time.Millisecond)
		}
	case "requests":
		expect(ts, "requests for "+arg(1), s.Count(arg(1)), arg(2))
	case "mark":
		w.marked = len(s.Requests())
	case "silent":
		expect(ts, "requests since the mark", len(s.Requests())-w.marked, "0")
	case "organisations":
		var list []sandbox.Organisation
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(arg(1))), &list))
		s.SetOrganisations(list)
	case "consent":
		s.SetConsentOrganisations(args[1:])
	case "page":
		s.SetAutoConsent(false)
	case "person":
		ts.Check(w.setPerson(arg(1)))
	case "settings":
		r := httptest.NewRequest(http.MethodPost, "http://localhost/sandbox/settings", strings.NewReader(arg(1)))
		r.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, r)
		expect(ts, "status of the new settings", answer.Code, "204")
	case "end":
		s.RevokeChains(arg(1))
	default:
		ts.Fatalf("sandbox: unknown word %q", args[0])
	}
}

func expect(ts *testscript.TestScript, what string, got int, want string) {
	if strconv.Itoa(got) != want {
		ts.Fatalf("%s: %d, not %s", what, got, want)
	}
}
