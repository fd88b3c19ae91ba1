//go:build unix

package store

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// LockDir returns the folder for locks in the OS user's own state folder. It is
// found from the user database, because processes with another HOME, XDG or
// TMPDIR variable still share one keychain and so must share one lock. A user
// id that the database does not know (containers) gets a folder of its own in
// /tmp, refused if it is somebody else's.
func LockDir() (string, error) {
	uid := os.Getuid()
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil && filepath.IsAbs(u.HomeDir) {
		return filepath.Join(u.HomeDir, ".local", "state", "xeroauth", "locks"), nil
	}
	dir := fmt.Sprintf("/tmp/xeroauth-%d", uid)
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm() != 0o700 || !ok || int(owner.Uid) != uid {
		return "", fmt.Errorf("%s is not a folder of this user alone", dir)
	}
	return filepath.Join(dir, "locks"), nil
}
