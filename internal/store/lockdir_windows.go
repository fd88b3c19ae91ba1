package store

import (
	"os/user"
	"path/filepath"
)

// LockDir returns the folder for locks in the OS user's own profile folder, as
// the process's token names it and not as environment variables do.
func LockDir() (string, error) {
	u, err := user.Current()
	if err != nil {
		return "", err
	}
	return filepath.Join(u.HomeDir, "AppData", "Local", "xeroauth", "locks"), nil
}
