//go:build unix

package atomicfile

import (
	"errors"
	"os"
)

func isSharing(error) bool { return false }

// syncDir makes the rename itself survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
