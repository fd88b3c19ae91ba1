package job

import (
	"errors"
	"io/fs"
	"os"
)

var errNotPrivate = errors.New("others can get at it")

// ownFolder makes the folder if it is missing. There is nothing to check: the
// folders for temporary files lie under the user's profile, which is private by
// the rights it hands down, and Windows has no mode bits.
func ownFolder(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func checkPrivate(*os.File, string) error { return nil }
