//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// troubleWorld is a session in the plain store, in a folder of settings that a
// test makes trouble for.
func troubleWorld(t *testing.T, config string) *crashWorld {
	w := &crashWorld{realWorld: newRealWorld(t), killed: map[string]int{}}
	w.sandbox.SetAutoConsent(true)
	w.env = append(os.Environ(), "HOME="+config, "XDG_CONFIG_HOME=", "XEROAUTH_CONFIG_DIR="+config, "XEROAUTH_STORE=plain", "DBUS_SESSION_BUS_ADDRESS=")
	return w
}

// TestFullDisk: on a full disk nothing is rotated, and the session that stands
// there works again as soon as there is room.
func TestFullDisk(t *testing.T) {
	config := t.TempDir()
	if err := syscall.Mount("tmpfs", config, "tmpfs", 0, "size=128k,mode=700"); err != nil {
		t.Skipf("a disk to fill cannot be made: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(config, 0) })
	w := troubleWorld(t, config)
	w.login(t)

	ballast := filepath.Join(config, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(bytes.Repeat([]byte("x"), 512))
	}
	_ = f.Close()

	code, out, errs := w.run(t, "refresh")
	if code != 3 || out != "" || !strings.Contains(errs, "no space left on device") {
		t.Errorf("refresh on a full disk: exit %d, %q\n%s", code, out, errs)
	}
	if n := w.sandbox.CountGrant("refresh_token"); n != 0 {
		t.Errorf("%d rotations on a full disk", n)
	}
	if code, _, errs := w.run(t, "token"); code != 0 {
		t.Errorf("token on a full disk: exit %d\n%s", code, errs)
	}
	code, _, errs = w.run(t, append([]string{"login", "--no-browser"}, w.loginFlags()...)...)
	if code != 3 || strings.Contains(errs, "code_challenge") {
		t.Errorf("login on a full disk must stop before the browser: exit %d\n%s", code, errs)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := w.run(t, "refresh"); code != 0 {
		t.Errorf("refresh with room again: exit %d\n%s", code, errs)
	}
}

// TestReadOnlySettings: where the folder of settings cannot be written, reading
// works, and what would change something says so and changes nothing.
func TestReadOnlySettings(t *testing.T) {
	const nobodyElse = 54321 // an id that no system gives out, so that its lock folder is its own
	if os.Getuid() != 0 {
		t.Skip("only root can become another user, and root itself can write everywhere")
	}
	config := t.TempDir()
	w := troubleWorld(t, config)
	t.Cleanup(func() { _ = os.RemoveAll(fmt.Sprintf("/tmp/xeroauth-%d", nobodyElse)) })
	w.login(t)
	for _, dir := range []string{filepath.Dir(w.program), config} {
		for ; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	walk(t, config, func(path string, isDir bool) {
		mode := os.FileMode(0o400)
		if isDir {
			mode = 0o500
		}
		if err := os.Chown(path, nobodyElse, nobodyElse); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	})
	as := func(args ...string) (int, string) {
		cmd := exec.Command(w.program, args...)
		cmd.Env, cmd.Dir = w.env, "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobodyElse, Gid: nobodyElse}}
		out, _ := cmd.CombinedOutput()
		return cmd.ProcessState.ExitCode(), string(out)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"token"}, 0, "."},
		{[]string{"status"}, 0, "state"},
		{[]string{"refresh"}, 3, "permission denied"},
		{[]string{"logout"}, 3, "permission denied"},
		{[]string{"profiles", "use", "default"}, 3, "permission denied"},
		{[]string{"tenants"}, 0, "Demo Company (AU)"},
	} {
		if code, out := as(c.args...); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%v: exit %d, want %d with %q\n%s", c.args, code, c.code, c.says, out)
		}
	}
	if n := w.sandbox.CountGrant("refresh_token"); n != 0 {
		t.Errorf("%d rotations without a place to keep them", n)
	}
}

func walk(t *testing.T, root string, each func(path string, isDir bool)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil {
			each(path, d.IsDir())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
