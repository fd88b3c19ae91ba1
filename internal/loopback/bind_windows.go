package loopback

import (
	"errors"
	"syscall"
)

// Winsock's own numbers, which the syscall package's names do not match.
const (
	wsaeafnosupport  = syscall.Errno(10047)
	wsaeaddrinuse    = syscall.Errno(10048)
	wsaeaddrnotavail = syscall.Errno(10049)
)

// isAbsent reports a family that this machine does not have.
func isAbsent(err error) bool {
	return errors.Is(err, wsaeaddrnotavail) || errors.Is(err, wsaeafnosupport)
}

func isInUse(err error) bool { return errors.Is(err, wsaeaddrinuse) }
