package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/sandbox"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// TestTmux is a newcomer in a fresh HOME at a real terminal of 80 by 24: the
// guided set-up from nothing to a header, the address pasted from a browser
// elsewhere. Neither the screen nor what scrolled away holds a secret, and the
// shell's line works after every end of a login.
func TestTmux(t *testing.T) {
	needPart(t, "tmux", "tmux")
	w := newPagesWorld(t)
	w.person.sandbox().SetAutoConsent(true)
	term := newTmux(t, w)
	login := "xeroauth login --authority " + w.authority + " --redirect-uri " + w.uri

	term.typed(login)
	for _, step := range []struct{ question, answer string }{
		{"kind of app [1]:", ""}, {"client id (in Configuration):", sandbox.DefaultPublicClientID}, {"scopes [1]:", "2"},
	} {
		// All that belongs to a question fits the screen with it.
		term.see(step.question)
		term.typed(step.answer)
	}
	term.see("waiting for consent, 4:5")
	term.paste(term.redirected())
	term.see("the same without questions:")
	term.inOrder("pasted")

	term.typed("xeroauth header --api | curl -fsS --noproxy '*' -H @- " + w.authority + "/api.xro/2.0/Organisation | cut -c1-20")
	term.see(`{"DateTimeUTC":`)

	term.typed("xeroauth login --timeout 1s")
	term.see("nothing came back to " + w.uri)
	term.inOrder("late")

	term.typed("xeroauth login")
	term.see("waiting for consent")
	term.keys("C-c")
	term.see("stopped by the signal interrupt")
	term.inOrder("stopped")

	term.typed("xeroauth login")
	term.see("waiting for consent")
	if resp, err := http.Get(term.consent()); err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("the browser: %v", err)
	}
	term.see("logged in as Ada Marlowe")
	term.inOrder("won by the listener")

	all := term.run("capture-pane", "-p", "-J", "-S", "-")
	for _, s := range w.person.sandbox().Secrets() {
		if strings.Contains(all, s) {
			t.Errorf("a secret of %d characters stands on the screen", len(s))
		}
	}
	if strings.Contains(all, "filler") {
		t.Error("what was pasted stands on the screen")
	}
}

// tmux is one terminal with a shell in it.
type tmux struct {
	t      *testing.T
	socket string
	home   string
}

func newTmux(t *testing.T, w *pagesWorld) *tmux {
	dir := t.TempDir()
	term := &tmux{t: t, socket: filepath.Join(dir, "socket"), home: filepath.Join(dir, "home")}
	if err := os.Mkdir(term.home, 0o700); err != nil {
		t.Fatal(err)
	}
	start := filepath.Join(dir, "start")
	testdir.Program(t, start, "#!/bin/sh\nexec env -i HOME="+term.home+" PATH="+filepath.Dir(w.program)+":"+os.Getenv("PATH")+
		" TERM=screen LC_ALL=C.UTF-8 BROWSER=none XEROAUTH_STORE=plain NO_COLOR=1 PS1='$ ' sh\n")
	term.run("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", start)
	t.Cleanup(func() { term.run("kill-server") })
	term.see("$")
	return term
}

func (m *tmux) run(args ...string) string {
	m.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-S", m.socket}, args...)...)
	cmd.Env = append(os.Environ(), "TMUX=", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (m *tmux) keys(keys ...string) { m.run(append([]string{"send-keys"}, keys...)...) }

func (m *tmux) typed(text string) {
	if text != "" {
		m.keys("-l", text)
	}
	m.keys("Enter")
}

// paste pastes text as a person does, and Enter.
func (m *tmux) paste(text string) {
	file := filepath.Join(m.t.TempDir(), "buffer")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	m.run("load-buffer", file)
	m.run("paste-buffer")
	m.keys("Enter")
}

// see waits until the screen shows text.
func (m *tmux) see(text string) {
	m.t.Helper()
	m.until(text, func(screen string) bool { return strings.Contains(screen, text) })
}

func (m *tmux) until(what string, seen func(screen string) bool) {
	m.t.Helper()
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(tryAfter) {
		if seen(m.run("capture-pane", "-p", "-J")) {
			return
		}
	}
	m.t.Fatalf("the screen does not come to %q:\n%s", what, m.run("capture-pane", "-p"))
}

// inOrder types a command that the shell must show and run, sees that the
// waiting line is gone, and clears the screen.
func (m *tmux) inOrder(name string) {
	m.t.Helper()
	m.typed("stty -a | grep -qw -e -echo -e -icanon -e -isig || echo in or''der")
	m.see("\nin order\n")
	if screen := m.run("capture-pane", "-p"); strings.Contains(screen, "waiting for consent, ") || !strings.Contains(screen, "$ stty -a") {
		m.t.Errorf("%s: the screen is not in order:\n%s", name, screen)
	}
	m.typed("clear")
	m.until("a clear screen", func(screen string) bool { return !strings.Contains(screen, "in order") })
}

// consent is the address that the login shows.
func (m *tmux) consent() string {
	all := regexp.MustCompile(`(?m)^  (http://\S+/identity/connect/authorize\?\S+)$`).FindAllStringSubmatch(m.run("capture-pane", "-p", "-J", "-S", "-"), -1)
	if len(all) == 0 {
		m.t.Fatal("no consent address on the screen")
	}
	return all[len(all)-1][1]
}

// redirected is where consent sends a browser, made longer than two kilobytes.
func (m *tmux) redirected() string {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(m.consent())
	if err != nil {
		m.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.Header.Get("Location") + "&filler=" + strings.Repeat("f", 2048)
}
