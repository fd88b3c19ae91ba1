package keychain

import (
	"errors"
	"syscall"

	"github.com/xeroauth/xeroauth/internal/store"
)

func preflight(string) error { return nil }

func platformClass(err error, _ bool) (class store.Class, notFound bool) {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return store.Other, false
	}
	return errnoClass(uint(errno)), false
}
