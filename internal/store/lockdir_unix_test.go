//go:build unix

package store_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/xeroauth/xeroauth/internal/testdir"
)

// unknownUser is an id that no user database has.
const unknownUser = 54321

// TestLockDirOfAnUnknownUser: a container runs programs under ids that its user
// database does not know. Then HOME must not decide either: the standard
// library's user.LookupId does ask it in a program built without cgo, as ours
// is released.
func TestLockDirOfAnUnknownUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The test binary's own folder is closed to others.
	open, err := os.MkdirTemp("", "xeroauth-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(open) })
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(open, "other")
	testdir.Program(t, copied, binary)
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	asUnknown := func(cmd *exec.Cmd) {
		cmd.Path, cmd.Dir = copied, "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: unknownUser, Gid: unknownUser}}
	}
	t.Cleanup(func() { os.RemoveAll("/tmp/xeroauth-54321") })
	one, two := lockDirIn(t, asUnknown, "USER=somebody", "HOME=/one"), lockDirIn(t, asUnknown, "USER=somebody", "HOME=/two")
	if one != two || !strings.HasPrefix(one, "/tmp/xeroauth-54321/") {
		t.Errorf("an unknown user's locks are in %s and %s, want one folder in /tmp", one, two)
	}
}
