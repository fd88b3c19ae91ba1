package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/xeroauth/xeroauth/internal/sandbox"
	"github.com/xeroauth/xeroauth/internal/testdir"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// insideKeyring marks the copy of this test that runs under a D-Bus of its own.
const insideKeyring = "XEROAUTH_TEST_INSIDE_KEYRING"

// TestRealKeychainAndBrowser runs the built program, unmodified, with
// gnome-keyring and Chromium: nothing here is a stand-in but the sandbox.
func TestRealKeychainAndBrowser(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("this test's keychain is gnome-keyring")
	}
	needPart(t, "keychain", "dbus-run-session", "gnome-keyring-daemon", "secret-tool")
	needPart(t, "browser", "chromium")
	if os.Getenv(insideKeyring) == "" {
		runInsideKeyring(t)
		return
	}
	w := newRealWorld(t)
	for _, app := range []struct{ name, id, secret string }{
		{"public", sandbox.DefaultPublicClientID, ""},
		{"web", sandbox.DefaultWebClientID, sandbox.DefaultWebClientSecret},
	} {
		for _, uri := range w.uris {
			t.Run(app.name+" "+uri, func(t *testing.T) { w.loginWithBrowser(t, app.name, app.id, app.secret, uri) })
		}
	}
	t.Run("one small entry", w.checkEntry)
	t.Run("the header works", w.checkHeader)
	t.Run("fifty at once", w.checkFifty)
	t.Run("logout leaves nothing", w.checkLogout)
	t.Run("demo", w.checkDemo)
	w.checkLeaksIn(t, 50)
}

// runInsideKeyring runs this test again under a private D-Bus and an unlocked
// keyring in a fresh HOME, so that nobody's keychain is touched.
func runInsideKeyring(t *testing.T) {
	home, run := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".local", "share", "keyrings"), 0o700); err != nil {
		t.Fatal(err)
	}
	// The output goes to a file: daemons that D-Bus starts inherit it and would
	// hold a pipe open.
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	goEnv, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
	if err != nil {
		t.Fatal(err)
	}
	dirs := strings.Fields(string(goEnv))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "dbus-run-session", "--", "sh", "-euc",
		`printf %s test-password | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec "$@"`,
		"sh", os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), insideKeyring+"=1", "HOME="+home, "XDG_RUNTIME_DIR="+run, "XDG_CONFIG_HOME=", "XDG_DATA_HOME=", "DISPLAY=", "WAYLAND_DISPLAY=",
		"DBUS_SESSION_BUS_ADDRESS=", "GOCACHE="+dirs[0], "GOMODCACHE="+dirs[1], "GOPATH="+dirs[2])
	err = cmd.Run()
	text, readErr := os.ReadFile(out.Name())
	if err != nil || readErr != nil || !bytes.Contains(text, []byte("--- PASS: "+t.Name())) {
		t.Fatalf("%v %v\n%s", err, readErr, text)
	}
	t.Logf("%s", text)
}

type realWorld struct {
	program, authority, captured string
	uris                         []string
	sandbox                      *sandbox.Sandbox
	runs                         int
}

func newRealWorld(t *testing.T) *realWorld {
	w := &realWorld{program: buildProgram(t), captured: t.TempDir()}
	// Xero's users have registered addresses with a path, with a slash, and bare.
	for _, path := range []string{"/callback", "/", ""} {
		w.uris = append(w.uris, strings.TrimSuffix(freeURI(), "/callback")+path)
	}
	clients := sandbox.DefaultClients()
	for i := range clients {
		if clients[i].Kind != sandbox.CustomConnection {
			clients[i].RedirectURIs, clients[i].Scopes = w.uris, xero.Scopes().Names()
		}
	}
	var err error
	if w.sandbox, err = sandbox.New(sandbox.Config{Clients: clients, Key: signingKey(), MinuteLimit: 10000}); err == nil {
		w.authority, err = w.sandbox.Start("localhost:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.sandbox.Close() })
	return w
}

// buildProgram builds the program as a release does, without cgo.
func buildProgram(t testing.TB, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "xeroauth")
	cmd := exec.Command("go", append(append([]string{"build", "-trimpath", "-o", path}, args...), ".")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	return path
}

// command prepares a run of the program; what it prints is kept for the canary.
func (w *realWorld) command(t *testing.T, args ...string) (cmd *exec.Cmd, stdout *bytes.Buffer, stderr string) {
	w.runs++
	stderr = filepath.Join(w.captured, fmt.Sprintf("%d.stderr", w.runs))
	f, err := os.Create(stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if _, err := fmt.Fprintln(f, args); err != nil {
		t.Fatal(err)
	}
	stdout = new(bytes.Buffer)
	cmd = exec.Command(w.program, args...)
	cmd.Stdout, cmd.Stderr = stdout, f
	return cmd, stdout, stderr
}

func (w *realWorld) loginWithBrowser(t *testing.T, kind, id, secret, uri string) {
	args := []string{"login", "-v", "--no-browser", "--authority", w.authority, "--client-id", id, "--redirect-uri", uri, "--scopes", strings.Join(manyScopes(), ","), "--replace"}
	if secret != "" {
		args = append(args, "--client-secret-stdin")
	} else {
		args = append(args, "--app", "public")
	}
	cmd, stdout, stderr := w.command(t, args...)
	cmd.Stdin = strings.NewReader(secret + "\n")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := awaitAddress(t, stderr)
	p := consentInChromium(t, address)
	if err := cmd.Wait(); err != nil {
		text, _ := os.ReadFile(stderr)
		t.Fatalf("%v\n%s", err, text)
	}
	if stdout.Len() != 0 {
		t.Errorf("stdout: %q", stdout)
	}
	for _, want := range []string{"You are logged in", "Ada Marlowe", "Demo Company (AU)", "Connected just now"} {
		if !strings.Contains(p.text, want) {
			t.Errorf("the page lacks %q:\n%s", want, p.text)
		}
	}
	for _, visited := range append(p.history, p.address) {
		if strings.HasPrefix(visited, uri[:strings.LastIndex(uri, ":")]) && (strings.Contains(visited, "code=") || strings.Contains(visited, "state=")) && !strings.Contains(visited, "/connect/authorize") {
			t.Errorf("the browser keeps a callback address: %s", visited)
		}
	}
	if u, err := url.Parse(p.address); err != nil || u.RawQuery != "" || !strings.HasPrefix(u.Path, "/done/") {
		t.Errorf("the browser ends at %s", p.address)
	}
	if kind == "web" && lookup(t, "default#client") != secret {
		t.Error("the client secret is not in the keychain")
	}
}

// manyScopes are all that a browser login can ask for.
func manyScopes() []string {
	var list []string
	for _, s := range xero.Scopes().Scopes {
		if !s.ClientOnly {
			list = append(list, s.Name)
		}
	}
	return list
}

// awaitAddress reads the consent page's address from what login says.
func awaitAddress(t *testing.T, stderr string) string {
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		f, err := os.Open(stderr)
		if err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if text := strings.TrimSpace(lines.Text()); strings.HasPrefix(text, "http://") {
				_ = f.Close()
				return text
			}
		}
		_ = f.Close()
		time.Sleep(5 * time.Millisecond)
	}
	text, _ := os.ReadFile(stderr)
	t.Fatalf("login printed no address:\n%s", text)
	return ""
}

type finalPage struct {
	address, text string
	history       []string
}

// consentInChromium opens the address, presses Allow, and reads where the
// browser ends.
func consentInChromium(t *testing.T, address string) finalPage {
	ctx, cancel := context.WithTimeout(startChromium(t), time.Minute)
	defer cancel()
	err := chromedp.Do(ctx,
		chromedp.Navigate(address),
		chromedp.Click(chromedp.ID("allow")),
		chromedp.WaitVisible(chromedp.CSS("header + main ul")),
	)
	if err != nil {
		t.Fatalf("consenting in the browser: %v", err)
	}
	p := finalPage{address: see(ctx, t, chromedp.Location()), text: see(ctx, t, chromedp.Text(chromedp.CSS("main")))}
	for _, entry := range see(ctx, t, chromedp.NavigationEntries()).Entries {
		p.history = append(p.history, entry.URL)
	}
	if dir := os.Getenv("XEROAUTH_TEST_SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "done.png"), see(ctx, t, chromedp.FullScreenshot(100)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func see[T any](ctx context.Context, t *testing.T, a chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		t.Fatalf("looking at the browser: %v", err)
	}
	return v
}

func lookup(t *testing.T, account string) string {
	t.Helper()
	out, err := exec.Command("secret-tool", "lookup", "service", "xeroauth", "username", account).Output()
	if err != nil {
		t.Fatalf("secret-tool finds no %q: %v", account, err)
	}
	return string(out)
}

// checkEntry: one entry of at most 2,500 bytes for 48 scopes and more.
func (w *realWorld) checkEntry(t *testing.T) {
	if n := len(manyScopes()); n < 48 {
		t.Fatalf("only %d scopes", n)
	}
	value := lookup(t, "default")
	t.Logf("%d scopes: %d bytes", len(manyScopes()), len(value))
	if len(value) > 2500 {
		t.Errorf("the entry has %d bytes", len(value))
	}
	out, err := exec.Command("secret-tool", "search", "--all", "service", "xeroauth", "username", "default").CombinedOutput()
	if err != nil || bytes.Count(out, []byte("label = ")) != 1 {
		t.Errorf("entries: %v\n%s", err, out)
	}
}

func (w *realWorld) header(t *testing.T) http.Header {
	t.Helper()
	cmd, stdout, stderr := w.command(t, "header", "--api")
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(stderr)
		t.Fatalf("%v\n%s", err, text)
	}
	h := http.Header{}
	for line := range strings.Lines(stdout.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		h.Set(name, value)
	}
	return h
}

func (w *realWorld) checkHeader(t *testing.T) {
	req, err := http.NewRequest(http.MethodGet, w.authority+"/api.xro/2.0/Organisation", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = w.header(t)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || !json.Valid(body) {
		t.Errorf("%d %v %s", resp.StatusCode, err, body)
	}
}

// checkFifty: on an expired session, by the keychain, fifty processes cause
// one refresh.
func (w *realWorld) checkFifty(t *testing.T) {
	before := w.sandbox.CountGrant("refresh_token")
	// A token minted now lives a minute: shorter than --min-ttl, so that the
	// next reader refreshes.
	if out, err := postJSON(w.authority+"/sandbox/settings", `{"access_lifetime":"1m"}`); err != nil {
		t.Fatal(err, out)
	}
	cmd, _, _ := w.command(t, "refresh")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if out, err := postJSON(w.authority+"/sandbox/settings", `{"access_lifetime":"30m","strict":true}`); err != nil {
		t.Fatal(err, out)
	}
	const processes = 50
	type run struct {
		cmd    *exec.Cmd
		stdout *bytes.Buffer
	}
	var runs []run
	for range processes {
		cmd, stdout, _ := w.command(t, "token")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run{cmd, stdout})
	}
	for _, r := range runs {
		if err := r.cmd.Wait(); err != nil || r.stdout.Len() < 100 {
			t.Errorf("%v, %d bytes", err, r.stdout.Len())
		}
	}
	if n := w.sandbox.CountGrant("refresh_token") - before; n != 2 {
		t.Errorf("%d refresh requests: one to shorten the session, and one for all the others", n)
	}
	w.header(t)
}

func postJSON(address, body string) (string, error) {
	resp, err := http.Post(address, "application/json", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return string(text), err
}

func (w *realWorld) checkLogout(t *testing.T) {
	for _, args := range [][]string{{"logout"}, {"profiles", "remove", "default", "--yes"}} {
		cmd, _, stderr := w.command(t, args...)
		if err := cmd.Run(); err != nil {
			text, _ := os.ReadFile(stderr)
			t.Fatalf("%v: %v\n%s", args, err, text)
		}
	}
	if out, _ := exec.Command("secret-tool", "search", "--all", "service", "xeroauth").CombinedOutput(); bytes.Contains(out, []byte("label")) {
		t.Errorf("left behind:\n%s", out)
	}
}

// checkDemo: the demo uses the keychain and the browser that are here, and
// leaves nothing in either.
func (w *realWorld) checkDemo(t *testing.T) {
	dir := t.TempDir()
	asked, script := filepath.Join(dir, "asked"), filepath.Join(dir, "browser")
	testdir.Program(t, script, "#!/bin/sh\nprintf '\\n%s\\n' \"$1\" >"+asked+"\n")
	if err := os.WriteFile(asked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, _, stderr := w.command(t, "demo")
	cmd.Env = append(os.Environ(), "BROWSER="+script, "TMPDIR="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	consentInChromium(t, awaitAddress(t, asked))
	err := cmd.Wait()
	text, readErr := os.ReadFile(stderr)
	if err != nil || readErr != nil || !bytes.Contains(text, []byte("with the system keychain and your browser")) {
		t.Errorf("%v %v\n%s", err, readErr, text)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "xeroauth-demo-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if out, _ := exec.Command("secret-tool", "search", "--all", "service", "xeroauth").CombinedOutput(); bytes.Contains(out, []byte("label")) {
		t.Errorf("left in the keychain:\n%s", out)
	}
}
