//go:build unix

package job

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

var errNotPrivate = errors.New("others can get at it")

// ownFolder makes the folder if it is missing. Whatever stands there under its
// name must be a folder, not a link to one, of this user alone: in a folder
// that all may write to, such as /tmp, anybody can be there first.
func ownFolder(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return checkFolder(dir)
}

func checkFolder(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || !isOwn(info) {
		return fmt.Errorf("%w: %s is not a folder of this user's own", errNotPrivate, dir)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%w (chmod 700 %s)", errNotPrivate, dir)
	}
	return nil
}

// checkPrivate refuses a file or folder that is another's or open to others.
func checkPrivate(f *os.File, dir string) error {
	if err := checkFolder(dir); err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || !isOwn(info) {
		return fmt.Errorf("%w: it is not a file of this user's own", errNotPrivate)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%w (chmod 600 %s)", errNotPrivate, f.Name())
	}
	return nil
}

func isOwn(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == os.Geteuid()
}
