//go:build unix

package loopback

import (
	"errors"
	"syscall"
)

// isAbsent reports a family that this machine does not have.
func isAbsent(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EPROTONOSUPPORT)
}

func isInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
