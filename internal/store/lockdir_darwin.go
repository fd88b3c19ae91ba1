package store

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// LockDir returns the folder for locks in the OS user's own home, as the
// directory service names it and not as HOME does.
func LockDir() (string, error) {
	u, err := user.LookupId(strconv.Itoa(os.Getuid()))
	if err != nil {
		return "", err
	}
	return filepath.Join(u.HomeDir, ".local", "state", "xeroauth", "locks"), nil
}
