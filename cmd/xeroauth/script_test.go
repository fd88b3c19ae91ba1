package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xeroauth/xeroauth/internal/cli"
	"github.com/xeroauth/xeroauth/internal/sandbox"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/keychain"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// world is what one script has: a sandbox and its clock.
type world struct {
	sandbox *sandbox.Sandbox
	mu      sync.Mutex
	offset  time.Duration
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

func (w *world) setClock(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sandbox.Advance(d - w.offset)
	w.offset = d
	return nil
}

func setUpScript(env *testscript.Env) error {
	redirect, second := freeURI(), freeURI()
	uris := []string{redirect, second}
	clients := sandbox.DefaultClients()
	for i := range clients {
		if clients[i].Kind != sandbox.CustomConnection {
			clients[i].RedirectURIs = uris
		}
	}
	for n := range 8 {
		clients = append(clients, sandbox.Client{ID: fmt.Sprintf("%032d", n+1), Kind: sandbox.Public, RedirectURIs: uris})
	}
	s, err := sandbox.New(sandbox.Config{Clients: clients, AutoConsent: true, Key: signingKey(), MinuteLimit: 10000})
	if err != nil {
		return err
	}
	authority, err := s.Start("localhost:0")
	if err != nil {
		return err
	}
	env.Values[worldKey] = &world{sandbox: s}
	captured := filepath.Join(env.WorkDir, ".captured")
	if err := os.Mkdir(captured, 0o700); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"HOME": filepath.Join(env.WorkDir, "home"), "XDG_CONFIG_HOME": "", "AppData": filepath.Join(env.WorkDir, "home"),
		"XEROAUTH_STORE": "plain", "BROWSER": "browser", "CI": "",
		"SANDBOX": authority, "REDIRECT": redirect, "REDIRECT2": second,
		"CLIENT": sandbox.DefaultPublicClientID, "WEB": sandbox.DefaultWebClientID, "CUSTOM": sandbox.DefaultCustomClientID,
		"TEST_CAPTURED": captured, "TEST_LOCKS": filepath.Join(env.WorkDir, "locks"), "TEST_CLOCK": "0s",
		// Without this -race makes each process wait a second at its end.
		"GORACE": "atexit_sleep_ms=10",
	} {
		env.Setenv(name, value)
	}
	env.Defer(func() {
		_ = s.Close()
		findLeaks(env, s.Secrets(), captured)
	})
	return nil
}

func freeURI() string {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return fmt.Sprintf("http://localhost:%d/callback", l.Addr().(*net.TCPAddr).Port)
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
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() { cancel(&cli.Interrupted{Signal: <-signals}) }()
	os.Exit(cli.Run(ctx, &cli.App{
		Stdin: os.Stdin, Stdout: out, Stderr: errs, Environ: os.Environ(),
		Now:      func() time.Time { return time.Now().Add(offset) },
		Pause:    func(ctx context.Context, _ time.Duration) { xero.Sleep(ctx, time.Millisecond) },
		LockDir:  func() (string, error) { return os.Getenv("TEST_LOCKS"), nil },
		Keychain: scriptedKeychain, Authority: os.Getenv("TEST_AUTHORITY"),
		Build:    cli.Build{Version: "1.2.3-test"},
	}, os.Args[1:]))
}

// scriptedKeychain fails as TEST_KEYCHAIN says: scripts touch no keychain.
func scriptedKeychain(c keychain.Config) store.Store {
	class := store.Class(os.Getenv("TEST_KEYCHAIN"))
	if class == "" {
		class = store.NoBus
	}
	err := &store.Error{Store: keychain.Name, Class: class, Step: "reading the keychain", Err: errors.New("a keychain made for tests says no")}
	return &store.Local{
		StoreName: keychain.Name, Locks: c.Locks,
		Get:    func(context.Context, string) (secret.Text, error) { return secret.Text{}, err },
		Set:    func(context.Context, string, secret.Text) error { return err },
		Remove: func(context.Context, string) error { return err },
	}
}

// capture returns a writer to a file for the canary and to also, if that is
// not nil.
func capture(what string, also io.Writer) io.Writer {
	dir := os.Getenv("TEST_CAPTURED")
	command := "none"
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("%d.%s.%s", os.Getpid(), command, what)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	if also == nil {
		return f
	}
	return io.MultiWriter(also, f)
}

// followRedirects is the browser: it does what the sandbox's consent makes a
// real one do, and keeps the last page as page.html and its address as
// page.url in the folder of the script.
func followRedirects() {
	client := &http.Client{Timeout: time.Minute}
	resp, err := client.Get(os.Args[len(os.Args)-1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1)
	}
	body, err := io.ReadAll(resp.Body)
	dir := filepath.Dir(os.Getenv("TEST_CAPTURED"))
	err = errors.Join(err, os.WriteFile(filepath.Join(dir, "page.html"), body, 0o600),
		os.WriteFile(filepath.Join(dir, "page.url"), []byte(resp.Request.URL.String()), 0o600))
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// scriptSandbox drives the script's sandbox:
//
//	sandbox fault PATH KIND [STATUS [TIMES [RETRY-AFTER]]]   sandbox clear
//	sandbox count GRANT-TYPE N      sandbox requests PATH N
//	sandbox organisations FILE      sandbox consent TENANT-ID...
//	sandbox end CLIENT-ID           (its refresh tokens die)
func scriptSandbox(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: see scriptSandbox")
	}
	s := worldOf(ts).sandbox
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
		s.SetFault(sandbox.Fault{Path: arg(1), Kind: sandbox.FaultKind(arg(2)), Status: status, Times: times, RetryAfter: arg(5), Body: arg(6)})
	case "clear":
		s.ClearFaults()
	case "count":
		expect(ts, "token requests with "+arg(1), s.CountGrant(arg(1)), arg(2))
	case "requests":
		expect(ts, "requests for "+arg(1), s.Count(arg(1)), arg(2))
	case "organisations":
		var list []sandbox.Organisation
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(arg(1))), &list))
		s.SetOrganisations(list)
	case "consent":
		s.SetConsentOrganisations(args[1:])
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

// scriptParallel runs N processes at once, all of which must succeed, and puts
// their stdouts into FILE: parallel N FILE COMMAND ARGS...; {n} in ARGS is the
// process's number from 1.
func scriptParallel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: parallel N FILE COMMAND ARGS...")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	env := environOf(ts)
	outs, errs := make([]string, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			var line []string
			for _, a := range args[2:] {
				line = append(line, strings.ReplaceAll(a, "{n}", strconv.Itoa(i+1)))
			}
			outs[i], errs[i] = runProgram(env, line)
		})
	}
	all.Wait()
	ts.Check(errors.Join(errs...))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(outs, "")), 0o600))
}
