package keychain

import (
	"errors"
	"os/exec"

	"github.com/xeroauth/xeroauth/internal/store"
)

func preflight(string) error { return nil }

func platformClass(err error, writing bool) (class store.Class, notFound bool) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return store.Other, false
	}
	return securityClass(exit.ExitCode(), writing)
}
