package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/sandbox"
)

const (
	wine       = "/usr/lib/wine/wine64"
	wineServer = "/usr/lib/wine/wineserver64"
)

// TestWindowsProgram runs the Windows build under Wine: a login that keeps its
// session in the Credential Manager, a header that works, a refresh, a logout.
// Wine is not Windows: it does not hold the Credential Manager's own limit.
func TestWindowsProgram(t *testing.T) {
	needPart(t, "wine", wine)
	w := newWineWorld(t)
	loginArgs := []string{"login", "--no-browser", "--authority", w.authority, "--client-id", sandbox.DefaultPublicClientID, "--redirect-uri", w.uris[0]}
	cmd, stdout, stderr := w.command(t, loginArgs...)
	w.intoWine(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(awaitAddress(t, stderr))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if err := cmd.Wait(); err != nil || stdout.Len() > 0 || resp.StatusCode != http.StatusOK || !strings.Contains(resp.Request.URL.Path, "/done/") {
		text, _ := os.ReadFile(stderr)
		t.Fatalf("login: %v, stdout %q, page %s at %s\n%s", err, stdout, resp.Status, resp.Request.URL, text)
	}
	if out := w.mustRun(t, 0, "status", "--json"); !strings.Contains(out, `"store": "keychain"`) || !strings.Contains(out, `"state": "ok"`) {
		t.Errorf("status: %s", out)
	}
	w.checkWineHeader(t)
	w.mustRun(t, 0, "refresh")
	if n := w.sandbox.CountGrant("refresh_token"); n != 1 {
		t.Errorf("%d refreshes", n)
	}
	w.checkWineHeader(t)
	w.checkWineExec(t)
	w.mustRun(t, 0, "logout")
	if out := w.mustRun(t, 4, "header"); out != "" {
		t.Errorf("a header after logout: %q", out)
	}
	w.checkLeaksIn(t, 7)
}

type wineWorld struct {
	*realWorld
	env []string
}

func newWineWorld(t *testing.T) *wineWorld {
	w := &wineWorld{realWorld: newRealWorld(t)}
	w.sandbox.SetAutoConsent(true)
	w.program += ".exe"
	build := exec.Command("go", "build", "-o", w.program, ".")
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building for Windows: %v\n%s", err, out)
	}
	prefix := filepath.Join(t.TempDir(), "wine")
	w.env = append(os.Environ(), "WINEPREFIX="+prefix, "WINEDEBUG=-all", "DISPLAY=")
	t.Cleanup(func() { _, _ = w.wine(wineServer, "-k").CombinedOutput() })
	if out, err := w.wine(wine, "wineboot", "-i").CombinedOutput(); err != nil {
		t.Fatalf("making a Windows: %v\n%s", err, out)
	}
	shim := filepath.Join(prefix, "drive_c", "windows", "system32", "bcryptprimitives.dll")
	if out, err := exec.Command("go", "run", "../../.ci/wineshim", shim).CombinedOutput(); err != nil {
		t.Fatalf("writing the shim: %v\n%s", err, out)
	}
	return w
}

func (w *wineWorld) wine(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = w.env
	return cmd
}

// intoWine makes a prepared run of the Windows program one under Wine.
func (w *wineWorld) intoWine(cmd *exec.Cmd) {
	cmd.Args = append([]string{wine}, cmd.Args...)
	cmd.Path, cmd.Env = wine, w.env
}

func (w *wineWorld) mustRun(t *testing.T, code int, args ...string) string {
	t.Helper()
	cmd, stdout, stderr := w.command(t, args...)
	w.intoWine(cmd)
	_ = cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != code {
		text, _ := os.ReadFile(stderr)
		t.Fatalf("%v ended with %d, not %d\n%s", args, got, code, text)
	}
	return stdout.String()
}

func (w *wineWorld) checkWineHeader(t *testing.T) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, w.authority+"/api.xro/2.0/Organisation", nil)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(w.mustRun(t, 0, "header", "--api")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the API answered %s", resp.Status)
	}
}

// checkWineExec: exec waits for the program, passes its exit code on, gives it
// the token, and takes secrets away however their names are written.
func (w *wineWorld) checkWineExec(t *testing.T) {
	t.Helper()
	for _, code := range []int{0, 1, 7, 127, 255} {
		if out := w.mustRun(t, code, "exec", "--", "cmd", "/c", fmt.Sprintf("exit %d", code)); out != "" {
			t.Errorf("exit %d prints %q", code, out)
		}
	}
	w.mustRun(t, 127, "exec", "--", "no-such-program")
	before := w.env
	defer func() { w.env = before }()
	w.env = append(slices.Clip(before), "Xero_Client_Secret=canary-one", "XEROAUTH_SESSION=canary-two", "XERO_ACCESS_TOKEN=canary-three")
	out := w.mustRun(t, 0, "exec", "-p", "default", "--", "cmd", "/c", "set")
	if strings.Contains(out, "canary") || strings.Count(strings.ToUpper(out), "XERO_ACCESS_TOKEN=EY") != 1 || !strings.Contains(out, "XERO_TENANT_ID=0a000000") {
		t.Errorf("the environment of a program: %q", out)
	}
}

// checkLeaksIn is the canary over the arguments and stderr of at least so many
// runs.
func (w *realWorld) checkLeaksIn(t *testing.T, atLeast int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(w.captured, "*.stderr"))
	if err != nil || len(files) < atLeast {
		t.Fatalf("%v, %d files", err, len(files))
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range w.sandbox.Secrets() {
			if bytes.Contains(body, []byte(s)) {
				t.Errorf("a secret of %d characters stands in %s", len(s), filepath.Base(name))
			}
		}
	}
}
