package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/xeroauth/xeroauth/internal/sandbox"
)

var crashRounds = flag.Int("crash.rounds", 120, "how many commands TestCrash kills")

// killPoints are the system calls before which a process is killed: all that
// read, write or lock what survives it, or speak to Xero.
const killPoints = "openat,write,read,renameat,renameat2,fsync,flock,connect,close,unlinkat,mkdirat,newfstatat"

// TestCrash kills the built program with SIGKILL before one system call after
// the other, in every command that writes, and asks after each kill whether
// the next command works. -crash.rounds says how often; docs/reliability.md has
// the figures of a long run.
func TestCrash(t *testing.T) {
	needPart(t, "strace", "strace")
	w := newCrashWorld(t)
	operations := w.operations()
	next := make([]int, len(operations))
	for round := range *crashRounds {
		i := round % len(operations)
		op := operations[i]
		next[i]++
		if !w.kill(t, op, next[i]) {
			next[i] = 0 // it came to its end: begin again at its first call
		}
		w.check(t, op, next[i])
	}
	t.Logf("%d rounds, %d kills, %d sessions lost, %d sessions that needed the old refresh token", *crashRounds, w.kills, w.lost, w.oldToken)
	for _, name := range slices.Sorted(maps.Keys(w.killed)) {
		t.Logf("  %-22s %d kills", name, w.killed[name])
	}
	if w.lost > 0 || w.kills == 0 {
		t.Errorf("%d sessions lost in %d kills", w.lost, w.kills)
	}
}

type crashOperation struct {
	name string
	args []string
	// mayEnd allows the session to be gone afterwards: logout was asked for.
	mayEnd bool
}

type crashWorld struct {
	*realWorld
	env                   []string
	kills, lost, oldToken int
	killed                map[string]int
	// refreshes is how many the sandbox had carried out before the kill.
	refreshes int
}

func newCrashWorld(t *testing.T) *crashWorld {
	w := &crashWorld{realWorld: newRealWorld(t), killed: map[string]int{}}
	w.sandbox.SetAutoConsent(true)
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	w.env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME=", "XEROAUTH_CONFIG_DIR="+filepath.Join(home, "config"),
		"XEROAUTH_FILE_KEY="+key.String(), "XEROAUTH_STORE=file", "DBUS_SESSION_BUS_ADDRESS=")
	w.login(t)
	return w
}

func (w *crashWorld) operations() []crashOperation {
	login := append([]string{"login", "--no-browser"}, w.loginFlags()...)
	return []crashOperation{
		{name: "refresh", args: []string{"refresh"}},
		{name: "login", args: login},
		{name: "login into plain", args: append(slices.Clone(login), "--replace", "--store", "plain")},
		{name: "login into file", args: append(slices.Clone(login), "--replace", "--store", "file")},
		{name: "tenants", args: []string{"tenants"}},
		{name: "tenants use", args: []string{"tenants", "use", "Demo Company (AU)"}},
		{name: "profiles use", args: []string{"profiles", "use", "default"}},
		{name: "profiles move to plain", args: []string{"profiles", "move", "--store", "plain"}},
		{name: "profiles move to file", args: []string{"profiles", "move", "--store", "file"}},
		{name: "logout", args: []string{"logout"}, mayEnd: true},
		{name: "profiles remove", args: []string{"profiles", "remove", "default", "--yes"}, mayEnd: true},
	}
}

func (w *crashWorld) loginFlags() []string {
	return []string{"--authority", w.authority, "--client-id", sandbox.DefaultPublicClientID, "--redirect-uri", w.uris[0]}
}

// kill runs the operation and reports whether it was killed before call n.
func (w *crashWorld) kill(t *testing.T, op crashOperation, n int) bool {
	t.Helper()
	w.refreshes = w.sandbox.CountGrant("refresh_token")
	inject := fmt.Sprintf("inject=%s:signal=KILL:when=%d", killPoints, n)
	cmd, _, stderr := w.command(t, op.args...)
	cmd.Args = append([]string{"strace", "-f", "-qq", "-o", os.DevNull, "-e", "trace=" + killPoints, "-e", inject, w.program}, op.args...)
	var err error
	if cmd.Path, err = exec.LookPath("strace"); err != nil {
		t.Fatal(err)
	}
	cmd.Env = w.env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if op.args[0] == "login" {
		go consentWhenAsked(stderr)
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if err == nil {
		return false
	}
	if !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		text, _ := os.ReadFile(stderr)
		t.Fatalf("%s before call %d: %v\n%s", op.name, n, err, text)
	}
	w.kills++
	w.killed[op.name]++
	return true
}

// consentWhenAsked is the browser of a login that may die at any moment.
func consentWhenAsked(stderr string) {
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		text, err := os.ReadFile(stderr)
		if err != nil {
			return
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "http://") && strings.Contains(line, "code_challenge=") {
				if resp, err := http.Get(line); err == nil {
					_ = resp.Body.Close()
				}
				return
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// check asks whether the session works after a kill.
func (w *crashWorld) check(t *testing.T, op crashOperation, n int) {
	t.Helper()
	rotated := w.sandbox.CountGrant("refresh_token") > w.refreshes
	code, out, errs := w.run(t, "token")
	if code == 4 && op.mayEnd {
		w.login(t)
		return
	}
	if code != 0 || !w.works(t, strings.TrimSpace(out)) {
		w.lost++
		t.Errorf("after a kill of %s before call %d: exit %d\n%s", op.name, n, code, errs)
		w.login(t)
		return
	}
	// A second refresh right after one that was carried out and not kept is
	// the old refresh token, taken again within the grace.
	if rotated && w.sandbox.CountGrant("refresh_token") > w.refreshes+1 {
		w.oldToken++
	}
	if code, _, errs := w.run(t, "profiles", "list"); code != 0 || strings.Contains(errs, "warning") {
		t.Errorf("after a kill of %s before call %d, profiles: exit %d\n%s", op.name, n, code, errs)
	}
}

func (w *crashWorld) works(t *testing.T, token string) bool {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, w.authority+"/connections", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (w *crashWorld) run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(w.program, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &errs, w.env
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func (w *crashWorld) login(t *testing.T) {
	t.Helper()
	cmd, _, stderr := w.command(t, append([]string{"login", "--no-browser"}, w.loginFlags()...)...)
	cmd.Env = w.env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go consentWhenAsked(stderr)
	if err := cmd.Wait(); err != nil {
		text, _ := os.ReadFile(stderr)
		t.Fatalf("logging in again: %v\n%s", err, text)
	}
}
