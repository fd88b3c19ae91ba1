//go:build unix && !darwin

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// LockDir returns the folder for locks in the OS user's own state folder. It is
// found from the user database, because processes with another HOME, XDG or
// TMPDIR variable still share one keychain and so must share one lock. A user
// id that /etc/passwd does not know (containers, network directories) gets a
// folder of its own in /tmp, refused if it is somebody else's.
func LockDir() (string, error) {
	uid := os.Getuid()
	if home := passwdHome(uid); home != "" {
		return filepath.Join(home, ".local", "state", "xeroauth", "locks"), nil
	}
	return ownFolder(fmt.Sprintf("/tmp/xeroauth-%d", uid), uid)
}

// passwdHome reads /etc/passwd itself: os/user answers with $HOME for an id it
// does not find, in programs built without cgo, as releases are.
func passwdHome(uid int) string {
	b, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		const fields, idField, homeField = 7, 2, 5
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) == fields && f[idField] == strconv.Itoa(uid) && filepath.IsAbs(f[homeField]) {
			return f[homeField]
		}
	}
	return ""
}

func ownFolder(dir string, uid int) (string, error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
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
