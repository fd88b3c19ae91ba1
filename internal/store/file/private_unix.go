//go:build unix

package file

import (
	"errors"
	"fmt"
	"os"
)

var errNotPrivate = errors.New("others can read it")

// checkPrivate refuses a file or folder that group or others have any right
// to; the text holds the command that mends it.
func checkPrivate(f *os.File, dir string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%w (chmod 600 %s)", errNotPrivate, f.Name())
	}
	if info, err = os.Stat(dir); err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%w (chmod 700 %s)", errNotPrivate, dir)
	}
	return nil
}
