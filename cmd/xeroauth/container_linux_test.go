package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/sandbox"
)

// containerAddress is where Xero's names lead in the container. All of
// 127.0.0.0/8 is this machine; nobody else uses the port there.
const containerAddress = "127.84.69.82"

// TestEmptyContainer runs the built program, unmodified, in a root folder that
// holds nothing but itself, a CA and a list of hosts, by which Xero's own names
// lead to a sandbox: no HOME, no D-Bus, no terminal, no shell, no /tmp, no
// /proc. A custom connection's client id and secret are all that it is given.
func TestEmptyContainer(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make a root folder")
	}
	s, err := sandbox.New(sandbox.Config{Key: signingKey()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	root := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(root, "xeroauth"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as releases are built
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	ca := serveAsXero(t, s, containerAddress)
	for name, content := range map[string]string{
		"ca.pem":            ca,
		"etc/hosts":         containerAddress + " login.xero.com identity.xero.com api.xero.com\n",
		"etc/nsswitch.conf": "hosts: files\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := everything(t, root)
	run := func(args ...string) (string, string) {
		var stdout, stderr bytes.Buffer
		cmd := exec.Command("/xeroauth", args...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = "/", &stdout, &stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Setsid: true}
		cmd.Env = []string{
			"SSL_CERT_FILE=/ca.pem", "XEROAUTH_CUSTOM_CONNECTION=1",
			"XERO_CLIENT_ID=" + sandbox.DefaultCustomClientID, "XERO_CLIENT_SECRET=" + sandbox.DefaultCustomClientSecret,
		}
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, &stderr)
		}
		return stdout.String(), stderr.String()
	}

	header, said := run("header")
	token, ok := strings.CutPrefix(header, "Authorization: Bearer ")
	if !ok || strings.Count(header, "\n") != 1 || !strings.HasSuffix(header, "\n") || said != "" {
		t.Fatalf("header is %d lines, and says %q", strings.Count(header, "\n"), said)
	}
	if !slices.Contains(s.Secrets(), strings.TrimSpace(token)) {
		t.Error("the sandbox did not issue this token")
	}
	if out, _ := run("header", "--api"); !strings.HasSuffix(out, "\nAccept: application/json\n") || strings.Count(out, "\n") != 2 {
		t.Errorf("header --api is %d lines", strings.Count(out, "\n"))
	}
	if out, _ := run("export", "--format", "sh"); !strings.HasSuffix(out, "\nexport XERO_TENANT_ID=''\n") {
		t.Errorf("export ends with %q", out[max(0, len(out)-40):])
	}
	if out, _ := run("exec", "--", "/xeroauth", "version"); !strings.HasPrefix(out, "xeroauth ") {
		t.Errorf("exec: %q", out)
	}
	for _, r := range s.Requests() {
		if r.Path != "/connect/token" {
			t.Errorf("a request for %s", r.Path)
		}
	}
	if n := s.CountGrant("client_credentials"); n != 4 {
		t.Errorf("%d tokens for 4 commands", n)
	}
	if after := everything(t, root); !slices.Equal(before, after) {
		t.Errorf("before:\n%q\nafter:\n%q", before, after)
	}
}

// everything lists what stands in a folder, with sizes and times.
func everything(t *testing.T, root string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			list = append(list, path+" "+info.Mode().String()+" "+info.ModTime().Format(time.RFC3339Nano))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
