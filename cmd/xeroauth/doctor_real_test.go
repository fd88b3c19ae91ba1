//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/sandbox"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// parseCheckup gives the outcomes that are not ok, and the fixes.
func parseCheckup(t *testing.T, text []byte) (outcomes, fixes, seen map[string]string) {
	t.Helper()
	var c checkup
	if err := json.Unmarshal(text, &c); err != nil || len(c.Checks) < 19 {
		t.Fatalf("%v: %s", err, text)
	}
	outcomes, fixes, seen = map[string]string{}, map[string]string{}, map[string]string{}
	for _, r := range c.Checks {
		if r.Outcome != "ok" {
			outcomes[r.ID] = strings.TrimSuffix(r.Outcome+":"+r.Because, ":")
		}
		fixes[r.ID], seen[r.ID] = r.Fix, r.Seen
	}
	return outcomes, fixes, seen
}

func wantOutcomes(t *testing.T, what string, text []byte, want map[string]string) (fixes, seen map[string]string) {
	t.Helper()
	got, fixes, seen := parseCheckup(t, text)
	if !maps.Equal(got, want) {
		t.Errorf("%s: %v\nwant %v\n%s", what, got, want, text)
	}
	return fixes, seen
}

// curling is a browser that follows redirects.
func curling(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "browser")
	testdir.Program(t, path, "#!/bin/sh\nexec curl -fsSL -o /dev/null \"$1\"\n")
	return path
}

// TestDoctorLockedKeyring: a real gnome-keyring that is locked, with no display
// to ask on. What the doctor says unlocks it when it is typed.
func TestDoctorLockedKeyring(t *testing.T) {
	needPart(t, "keychain", "dbus-run-session", "gnome-keyring-daemon", "secret-tool", "bash", "curl")
	w := newRealWorld(t)
	w.sandbox.SetAutoConsent(true)
	home := t.TempDir()
	for _, dir := range []string{".local/share/keyrings", "first", "second"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	inSession := func(run, script string) {
		t.Helper()
		// Output goes to files: the daemons inherit it and would hold a pipe open.
		out, err := os.Create(filepath.Join(home, run+".out"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "dbus-run-session", "--", "sh", "-euc", script)
		cmd.Stdout, cmd.Stderr, cmd.Dir = out, out, home
		cmd.Env = []string{
			"PATH=" + filepath.Dir(w.program) + ":" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + filepath.Join(home, run),
			"BROWSER=" + curling(t), "AUTHORITY=" + w.authority, "CLIENT=" + sandbox.DefaultPublicClientID, "URI=" + w.uris[0],
		}
		if err := cmd.Run(); err != nil {
			text, _ := os.ReadFile(out.Name())
			t.Fatalf("%v\n%s", err, text)
		}
	}
	read := func(name string) []byte {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(home, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	inSession("first", `printf %s pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
xeroauth login --authority "$AUTHORITY" --client-id "$CLIENT" --redirect-uri "$URI"
xeroauth doctor --json >unlocked.json`)
	wantOutcomes(t, "unlocked", read("unlocked.json"), nil)
	inSession("second", `gnome-keyring-daemon --start --components=secrets >/dev/null 2>&1
xeroauth doctor --json >locked.json && exit 9
xeroauth doctor | sed -n 's/^ *fix: //p' | head -n 1 >fix
printf 'pw\n' | sh ./fix >/dev/null 2>&1
xeroauth doctor --json >again.json
secret-tool search --all service xeroauth 2>&1 | sed -n 's/^attribute.username = //p' >entries`)
	fixes, seen := wantOutcomes(t, "locked", read("locked.json"), map[string]string{
		"store": "fail", "session": "skipped:store", "renewal": "skipped:store", "token": "skipped:store",
		"connections": "skipped:store", "tenant": "skipped:store", "api": "skipped:store", "api-no-tenant": "skipped:store",
	})
	if !strings.HasPrefix(fixes["store"], "bash -c 'read ") || !strings.Contains(seen["store"], "collection/login") {
		t.Errorf("%s\nfix: %s", seen["store"], fixes["store"])
	}
	wantOutcomes(t, "after the fix", read("again.json"), nil)
	if entries := strings.TrimSpace(string(read("entries"))); entries != "default" {
		t.Errorf("the keyring holds %q", entries)
	}
}

// xeroAt is an address of this machine that plays Xero's three hosts.
const xeroAt = "127.7.7.7"

// TestDoctorNetwork runs the program with Xero's own host names, which lead to
// a sandbox on this machine: it sees a TLS server with their certificate, names
// in a hosts file of its own, and proxies that work and do not.
func TestDoctorNetwork(t *testing.T) {
	needPart(t, "keychain", "unshare", "curl")
	if os.Getuid() != 0 {
		t.Skip("only root can give a process a hosts file of its own")
	}
	w := troubleWorld(t, t.TempDir())
	w.login(t)
	w.leadToXero(t)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, []byte(serveAsXero(t, w.sandbox, xeroAt)), 0o644); err != nil {
		t.Fatal(err)
	}
	proxy, closed := connectProxy(t, http.StatusOK), "http://user:proxy-password@127.0.0.1:1"
	refusing := connectProxy(t, http.StatusProxyAuthRequired)
	files := t.TempDir()
	const few, xeros = "127.0.0.1 localhost\n::1 localhost\n", " login.xero.com identity.xero.com api.xero.com\n"
	for name, text := range map[string]string{
		"hosts": few + xeroAt + xeros, "few": few,
		// Nobody listens there, nor at the address of a name server.
		"closed": few + "127.7.7.8" + xeros, "resolv": "nameserver 127.7.7.8\noptions attempts:1 timeout:1\n",
	} {
		if err := os.WriteFile(filepath.Join(files, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	doctor := func(hosts, before string, env ...string) []byte {
		t.Helper()
		cmd := exec.Command("unshare", "-m", "sh", "-euc", `mount --bind "$1" /etc/hosts; mount --bind "$2" /etc/resolv.conf; eval "$3"; exec "$0" doctor --json`,
			w.program, filepath.Join(files, hosts), filepath.Join(files, "resolv"), before)
		cmd.Env = append(w.env, append([]string{"HTTPS_PROXY=", "https_proxy=", "NO_PROXY=", "no_proxy=", "BROWSER=true", "SSL_CERT_FILE=" + roots, "SSL_CERT_DIR=" + files}, env...)...)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if len(out) == 0 {
			t.Fatalf("no answer: %v\n%s", err, &errs)
		}
		if strings.Contains(string(out), "proxy-password") {
			t.Errorf("the proxy's password stands in %s", out)
		}
		return out
	}
	broken := map[string]string{
		"network": "fail", "clock": "skipped:network", "client": "skipped:network", "renewal": "skipped:network",
		"connections": "skipped:network", "tenant": "skipped:network", "api": "skipped:network", "api-no-tenant": "skipped:network",
	}
	_, seen := wantOutcomes(t, "directly", doctor("hosts", ""), nil)
	if seen["network"] != "reached directly: login.xero.com, identity.xero.com, api.xero.com" {
		t.Errorf("directly: %s", seen["network"])
	}
	_, seen = wantOutcomes(t, "through a proxy", doctor("few", "", "HTTPS_PROXY="+proxy), nil)
	if !strings.HasPrefix(seen["network"], "reached through the proxy "+strings.TrimPrefix(proxy, "http://")) {
		t.Errorf("through a proxy: %s", seen["network"])
	}
	_, seen = wantOutcomes(t, "a variable that holds no address", doctor("hosts", "", "HTTPS_PROXY=http://user:proxy-password%@[::1"), nil)
	if !strings.HasPrefix(seen["network"], "reached directly, although HTTPS_PROXY is set") {
		t.Errorf("a variable that holds no address: %s", seen["network"])
	}
	for _, c := range []struct {
		name, hosts, says, word, text string
		env                           []string
	}{
		{name: "a proxy that is not there", hosts: "hosts", says: "login.xero.com through the proxy 127.0.0.1:1: ", env: []string{"HTTPS_PROXY=" + closed}},
		{name: "named in lower case", hosts: "hosts", says: "login.xero.com through the proxy 127.0.0.1:1: ", env: []string{"https_proxy=" + closed}},
		{name: "a proxy that wants a password", hosts: "hosts", says: "Proxy Authentication Required", env: []string{"HTTPS_PROXY=" + refusing}},
		{name: "a network that needs a proxy", hosts: "closed", says: "if this network needs a proxy, name it", word: "http://HOST:PORT", text: proxy},
		{name: "an authority nobody trusts", hosts: "hosts", says: "if a proxy here reads TLS, FILE must hold its CA", word: "=FILE", text: "=" + roots, env: []string{"SSL_CERT_FILE=" + filepath.Join(files, "few")}},
	} {
		fixes, seen := wantOutcomes(t, c.name, doctor(c.hosts, "", c.env...), broken)
		if !strings.Contains(seen["network"], c.says) {
			t.Errorf("%s: %s", c.name, seen["network"])
		}
		fix := fixes["network"]
		if c.word != "" {
			fix = strings.ReplaceAll(fix, c.word, c.text)
		}
		wantOutcomes(t, c.name+", after: "+fix, doctor(c.hosts, fix, c.env...), nil)
	}
	fixes, seen := wantOutcomes(t, "a name that is not found", doctor("few", ""), broken)
	if fixes["network"] != "nslookup login.xero.com" || !strings.Contains(seen["network"], "this machine's DNS does not find the name") {
		t.Errorf("a name that is not found: %s, fix %s", seen["network"], fixes["network"])
	}
	w.customFromEnvironment(t, doctor)
}

// customFromEnvironment: a custom connection that keeps nothing.
func (w *crashWorld) customFromEnvironment(t *testing.T, doctor func(hosts, before string, env ...string) []byte) {
	custom := []string{"XEROAUTH_CUSTOM_CONNECTION=1", "XERO_CLIENT_ID=" + sandbox.DefaultCustomClientID}
	afterwards := func(id, root string) map[string]string {
		m := map[string]string{id: "fail"}
		for _, skipped := range []string{"client", "renewal", "token", "connections", "tenant", "api", "api-no-tenant"} {
			if skipped != id {
				m[skipped] = "skipped:" + root
			}
		}
		return m
	}
	wantOutcomes(t, "custom", doctor("hosts", "", append(custom, "XERO_CLIENT_SECRET="+sandbox.DefaultCustomClientSecret)...), nil)
	wantOutcomes(t, "custom without a secret", doctor("hosts", "", append(custom, "XERO_CLIENT_SECRET=")...), afterwards("app", "app"))
	for name, wrong := range map[string]string{"another secret": "another-secret", "an object": "[object Object]"} {
		text := doctor("hosts", "", append(custom, "XERO_CLIENT_SECRET="+wrong)...)
		fixes, _ := wantOutcomes(t, name, text, afterwards("client", "client"))
		if fixes["client"] != "set XERO_CLIENT_ID and XERO_CLIENT_SECRET to what developer.xero.com shows" || strings.Contains(string(text), "another-secret") {
			t.Errorf("%s: %s", name, text)
		}
	}
	_, seen := wantOutcomes(t, "a line end", doctor("hosts", "", append(custom, "XERO_CLIENT_SECRET="+sandbox.DefaultCustomClientSecret+"\n")...), afterwards("app", "app"))
	if seen["app"] != "XERO_CLIENT_SECRET begins or ends with a space or a line end" {
		t.Errorf("a line end: %s", seen["app"])
	}
}

// leadToXero makes the session and its profile ones of Xero itself.
func (w *crashWorld) leadToXero(t *testing.T) {
	t.Helper()
	config := ""
	for _, kv := range w.env {
		if v, found := strings.CutPrefix(kv, "XEROAUTH_CONFIG_DIR="); found {
			config = v
		}
	}
	entries, err := filepath.Glob(filepath.Join(config, "sessions", "*.txt"))
	if err != nil || len(entries) != 1 {
		t.Fatalf("%q, %v", entries, err)
	}
	account := strings.TrimSuffix(filepath.Base(entries[0]), ".txt")
	text, err := os.ReadFile(entries[0])
	if err != nil {
		t.Fatal(err)
	}
	r, err := store.Unpack(account, secret.New(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	r.Authority = ""
	packed, err := store.Pack(account, r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(entries[0], []byte(packed.Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(config, "profiles", "default.json")
	settings, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	settings = []byte(strings.Replace(string(settings), fmt.Sprintf("%q", w.authority), `""`, 1))
	if err := os.WriteFile(path, settings, 0o600); err != nil {
		t.Fatal(err)
	}
}

// connectProxy is a proxy that leads every name to xeroAt, or that answers
// each CONNECT with another status.
func connectProxy(t *testing.T, status int) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodConnect || status != http.StatusOK {
				w.WriteHeader(status)
				return
			}
			far, err := net.Dial("tcp", xeroAt+":443")
			if err != nil {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			defer far.Close()
			near, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer near.Close()
			_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
			go func() { _, _ = io.Copy(far, near); _ = far.Close() }()
			_, _ = io.Copy(near, far)
		}),
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + l.Addr().String()
}
