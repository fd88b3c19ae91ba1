package atomicfile

import (
	"errors"
	"syscall"
)

// isSharing reports a file that is open elsewhere: access denied (5) or a
// sharing violation (32).
func isSharing(err error) bool {
	return errors.Is(err, syscall.ERROR_ACCESS_DENIED) || errors.Is(err, syscall.Errno(32))
}

// Windows has no folder handle to sync.
func syncDir(string) error { return nil }
