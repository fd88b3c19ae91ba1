package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/xeroauth/xeroauth/internal/sandbox"
)

// axeCore is the source of axe-core, which .ci/run installs by npm.
func axeCore(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(os.Getenv("XEROAUTH_TEST_NODE_MODULES"), "axe-core", "axe.min.js"))
	if err == nil {
		return string(source)
	}
	lacksPart(t, "node", "XEROAUTH_TEST_NODE_MODULES names no folder that holds axe-core")
	return ""
}

// TestPages brings Chromium to the page of each outcome of a login, and checks
// it with axe-core in light and dark, on a telephone and on a desk. With
// XEROAUTH_TEST_SCREENSHOTS=DIR it keeps pictures.
func TestPages(t *testing.T) {
	needPart(t, "browser", "chromium")
	axe := axeCore(t)
	w := newPagesWorld(t)
	ctx := startChromium(t)
	w.logIn(ctx, t, w.uri, allow) // so that there is an organisation from before
	w.person.sandbox().SetConsentOrganisations([]string{"0a000000-0000-4000-8000-0000000000a2"})
	web := []string{"-p", "web", "--client-id", sandbox.DefaultWebClientID, "--client-secret-file", w.write(t, "secret", "wrong")}
	for _, tt := range []struct {
		name, heading string
		args          []string
		consent       func(*testing.T, *pagesWorld) string
	}{
		{"success", "You are logged in", nil, allow},
		{"denied", "Not logged in: no consent", nil, cancel},
		{"wrong scopes", "Not logged in: wrong scopes", nil, answer("error=access_denied&error_description=Requested+wrong+apps+scopes")},
		{"refused", "Not logged in: Xero refused", nil, answer("error=server_error")},
		{"another user", "Not logged in: another Xero user", nil, allow},
		{"wrong secret", "Not logged in: the exchange failed", web, allow},
		{"not saved", "Logged in, but not saved", []string{"-p", "unsaved", "--client-id", sandbox.DefaultPublicClientID}, func(t *testing.T, w *pagesWorld) string {
			// The store was tried before the browser opened; it breaks after that.
			sessions := filepath.Join(w.dir, "config", "sessions")
			if err := os.Rename(sessions, sessions+".away"); err != nil {
				t.Fatal(err)
			}
			w.write(t, "config/sessions", "in the way")
			return allow(t, w)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "another user" {
				if err := w.person.setPerson("ben"); err != nil {
					t.Fatal(err)
				}
			}
			w.logIn(ctx, t, w.uri, tt.consent, tt.args...)
			if title := see(ctx, t, chromedp.Title()); title != tt.heading+" · xeroauth" {
				t.Errorf("the title is %q", title)
			}
			for _, scheme := range []string{"light", "dark"} {
				for _, width := range []int64{320, 1280} {
					lookAt(ctx, t, axe, strings.ReplaceAll(tt.name, " ", "-"), scheme, width)
				}
			}
		})
	}
}

// lookAt checks the page that the browser shows.
func lookAt(ctx context.Context, t *testing.T, axe, name, scheme string, width int64) {
	t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 800)); err != nil {
		t.Fatal(err)
	}
	see(ctx, t, chromedp.Evaluate[bool](axe+";true"))
	var found struct {
		Passes     int
		Incomplete []string
		Violations []string
	}
	report := see(ctx, t, chromedp.Evaluate[string](`axe.run().then(r => JSON.stringify({
		passes: r.passes.length, incomplete: r.incomplete.map(v => v.id),
		violations: r.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.map(n => n.html).join(" "))}))`, chromedp.EvalAwaitPromise))
	if err := json.Unmarshal([]byte(report), &found); err != nil {
		t.Fatal(err)
	}
	if len(found.Violations) > 0 || len(found.Incomplete) > 0 || found.Passes < 10 {
		t.Errorf("%s at %d: %d rules passed, could not decide %q, broken: %q", scheme, width, found.Passes, found.Incomplete, found.Violations)
	}
	if wide := see(ctx, t, chromedp.Evaluate[int64]("document.documentElement.scrollWidth")); wide > width {
		t.Errorf("at %d the page is %d wide", width, wide)
	}
	if dir := os.Getenv("XEROAUTH_TEST_SCREENSHOTS"); dir != "" {
		file := filepath.Join(dir, fmt.Sprintf("%s-%s-%d.png", name, scheme, width))
		if err := os.WriteFile(file, see(ctx, t, chromedp.FullScreenshot(100)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// pagesWorld is the built program, a sandbox with a consent page, and the
// address of the consent page that is asked for just now.
type pagesWorld struct {
	program, dir, authority, uri, address string
	person                                *world
}

func newPagesWorld(t *testing.T) *pagesWorld {
	w := &pagesWorld{program: buildProgram(t), dir: t.TempDir(), uri: freeURI()}
	clients := sandbox.DefaultClients()
	for i := range clients {
		if clients[i].Kind != sandbox.CustomConnection {
			clients[i].RedirectURIs = []string{w.uri}
		}
	}
	w.person = &world{people: map[string]*sandbox.Sandbox{}, config: sandbox.Config{Clients: clients, Key: signingKey()}}
	if err := w.person.setPerson("ada"); err != nil {
		t.Fatal(err)
	}
	sockets, port, err := listenOnLoopback(0)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: w.person, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	for _, l := range sockets {
		go func() { _ = server.Serve(l) }()
	}
	t.Cleanup(func() { _ = server.Close(); w.person.close() })
	w.authority = fmt.Sprintf("http://localhost:%d", port)
	return w
}

func (w *pagesWorld) write(t *testing.T, name, text string) (path string) {
	path = filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// logIn runs a login whose browser is ours, until the browser has its page.
// consent returns what the browser has to do, as JavaScript on the consent page.
func (w *pagesWorld) logIn(ctx context.Context, t *testing.T, uri string, consent func(*testing.T, *pagesWorld) string, args ...string) {
	t.Helper()
	if len(args) == 0 {
		args = []string{"--client-id", sandbox.DefaultPublicClientID}
	}
	args = append([]string{"login", "--no-browser", "--timeout", "1m", "--store", "plain", "--authority", w.authority, "--redirect-uri", uri}, args...)
	stderr := filepath.Join(t.TempDir(), "stderr")
	f, err := os.Create(stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.Command(w.program, args...)
	cmd.Stderr = f
	cmd.Env = append(os.Environ(), "XEROAUTH_CONFIG_DIR="+filepath.Join(w.dir, "config"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.address = awaitAddress(t, stderr)
	if err := chromedp.Do(ctx, chromedp.Navigate(w.address)); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](consent(t, w))); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // after the browser has its page; most of these logins fail
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS("header + main h1"))); err != nil {
		text, _ := os.ReadFile(stderr)
		t.Fatalf("%v\n%s", err, text)
	}
}

func allow(*testing.T, *pagesWorld) string { return `document.getElementById("allow").click()` }

func cancel(*testing.T, *pagesWorld) string { return `document.getElementById("cancel").click()` }

// answer makes Xero answer something else than a code.
func answer(query string) func(*testing.T, *pagesWorld) string {
	return func(t *testing.T, w *pagesWorld) string {
		u, err := url.Parse(w.address)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("location.href = %q", w.uri+"?"+query+"&state="+url.QueryEscape(u.Query().Get("state")))
	}
}

func startChromium(t *testing.T) context.Context {
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancelAllocator := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancelAllocator)
	ctx, cancelContext := chromedp.NewContext(ctx)
	t.Cleanup(cancelContext)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	ctx, cancelTimeout := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancelTimeout)
	return ctx
}
