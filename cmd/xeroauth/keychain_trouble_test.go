//go:build linux

package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/testdir"
)

// TestKeychainTrouble runs the built program in each situation in which a
// keychain cannot be read, made for real, and logs what docs/reliability.md
// shows: exit code, error, time. Situations within one call (a prompt that
// nobody answers, daemons that die) are internal/store/keychain's tests.
func TestKeychainTrouble(t *testing.T) {
	needPart(t, "keychain", "dbus-run-session", "gnome-keyring-daemon", "secret-tool")
	w := newRealWorld(t)
	noServices := filepath.Join(t.TempDir(), "bus.conf")
	if err := os.WriteFile(noServices, []byte(busWithoutServices), 0o600); err != nil {
		t.Fatal(err)
	}
	const (
		unlock = `printf %s pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1`
		start  = `gnome-keyring-daemon --start --components=secrets >/dev/null 2>&1`
		run    = `exec "$XEROAUTH" header`
		// The daemons of this test's HOME, and of no other.
		ours = `ours() { for p in $(pidof gnome-keyring-daemon); do grep -qzx "HOME=$HOME" /proc/$p/environ && echo $p; done; }; `
	)
	for _, c := range []struct {
		situation, script, bus string
		// inside is how a bus is started around the script; empty for none.
		inside []string
		exit   int
		says   string
	}{
		{situation: "no session bus", script: run, exit: 3, says: "there is no D-Bus session bus"},
		{situation: "address disabled:", script: run, bus: "disabled:", exit: 3, says: "invalid bus address"},
		{situation: "address is garbage", script: run, bus: "garbage", exit: 3, says: "invalid bus address"},
		{situation: "socket is missing", script: run, bus: "unix:path=/nonexistent/bus", exit: 3, says: "no such file or directory"},
		{situation: "no secret service", script: run, inside: []string{"--config-file=" + noServices}, exit: 3, says: "not provided by any .service files"},
		{situation: "no collection", script: start + "; " + run, inside: []string{}, exit: 3, says: "aliases/default"},
		{situation: "locked, no display", script: `mkdir -m 700 "$HOME/first"; XDG_RUNTIME_DIR=$HOME/first dbus-run-session -- sh -c '` + unlock + `; printf x | secret-tool store --label=x for test'; ` + start + "; " + run, inside: []string{}, exit: 3, says: "collection/login"},
		{situation: "daemon frozen", script: unlock + "; " + ours + `kill -STOP $(ours); "$XEROAUTH" header; code=$?; kill -CONT $(ours); exit $code`, inside: []string{}, exit: 3, says: "did not answer within 5s"},
		{situation: "unlocked, nothing kept", script: unlock + "; " + run, inside: []string{}, exit: 4, says: "there is no session"},
	} {
		t.Run(c.situation, func(t *testing.T) {
			home := t.TempDir()
			settings := filepath.Join(home, ".config", "xeroauth", "profiles")
			for _, dir := range []string{settings, filepath.Join(home, ".local", "share", "keyrings"), filepath.Join(home, "run")} {
				if err := os.MkdirAll(dir, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(settings, "default.json"), []byte(`{"client_id":"A","app":"public","store":"keychain"}`), 0o600); err != nil {
				t.Fatal(err)
			}
			timed := filepath.Join(home, "timed")
			testdir.Program(t, timed, "#!/bin/sh\ns=$(date +%s%N); "+w.program+" \"$@\"; code=$?; e=$(date +%s%N); echo took $(((e-s)/1000000)) ms >&2; exit $code\n")
			t.Cleanup(func() {
				// A daemon that was frozen outlives its bus.
				end := exec.Command("sh", "-c", ours+"for p in $(ours); do kill $p; done")
				end.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
				_ = end.Run()
			})
			args := []string{"sh", "-c", c.script}
			if c.inside != nil {
				args = append(append(append([]string{"dbus-run-session"}, c.inside...), "--"), args...)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, args[0], args[1:]...)
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + filepath.Join(home, "run"), "XEROAUTH=" + timed}
			if c.bus != "" {
				cmd.Env = append(cmd.Env, "DBUS_SESSION_BUS_ADDRESS="+c.bus)
			}
			var stdout bytes.Buffer
			errs, err := os.Create(filepath.Join(home, "stderr"))
			if err != nil {
				t.Fatal(err)
			}
			cmd.Stdout, cmd.Stderr = &stdout, errs
			_ = cmd.Run()
			_ = errs.Close()
			text, err := os.ReadFile(errs.Name())
			if err != nil {
				t.Fatal(err)
			}
			if code := cmd.ProcessState.ExitCode(); code != c.exit || stdout.Len() > 0 || !bytes.Contains(text, []byte(c.says)) || !bytes.Contains(text, []byte("xeroauth: hint: ")) {
				t.Errorf("exit %d, want %d and %q; stdout %q\n%s", code, c.exit, c.says, &stdout, text)
			}
			for line := range strings.Lines(string(text)) {
				if strings.HasPrefix(line, "xeroauth: ") || strings.HasPrefix(line, "took ") {
					t.Log(strings.TrimSpace(line))
				}
			}
		})
	}
}

// busWithoutServices is a session bus that starts no service.
const busWithoutServices = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`
