//go:build unix && !darwin

package keychain

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/xeroauth/xeroauth/internal/store"
)

// preflight stops godbus from running dbus-launch, which leaks a daemon a call
// and can wait four minutes: it does so when neither the variable nor one of
// these two files names a bus.
func preflight(busAddress string) error {
	if busAddress != "" && busAddress != "autolaunch:" {
		return nil
	}
	dir := "/run/user/" + strconv.Itoa(os.Getuid())
	for _, name := range []string{"/bus", "/dbus-session"} {
		if _, err := os.Stat(dir + name); err == nil {
			return nil
		}
	}
	return errors.New("there is no D-Bus session bus")
}

var busClasses = map[string]store.Class{
	"org.freedesktop.DBus.Error.ServiceUnknown":      store.NoService,
	"org.freedesktop.DBus.Error.NameHasNoOwner":      store.NoService,
	"org.freedesktop.DBus.Error.Spawn.ExecFailed":    store.NoService,
	"org.freedesktop.DBus.Error.Spawn.ChildExited":   store.NoService,
	"org.freedesktop.DBus.Error.Spawn.ChildSignaled": store.NoService,
	"org.freedesktop.DBus.Error.TimedOut":            store.Timeout,
	"org.freedesktop.DBus.Error.NoReply":             store.Timeout,
	"org.freedesktop.DBus.Error.AccessDenied":        store.Denied,
	"org.freedesktop.DBus.Error.UnknownMethod":       store.NoCollection,
	"org.freedesktop.DBus.Error.UnknownObject":       store.NoCollection,
	"org.freedesktop.Secret.Error.NoSuchObject":      store.NoCollection,
	"org.freedesktop.Secret.Error.IsLocked":          store.Locked,
}

var (
	errLocked       = errors.New("the keychain is locked")
	errNoCollection = errors.New("the keychain has no default collection")
)

func platformClass(err error, _ bool) (class store.Class, notFound bool) {
	var bus dbus.Error
	var network *net.OpError
	text := err.Error()
	switch {
	case errors.As(err, &bus):
		if class, ok := busClasses[bus.Name]; ok {
			return class, false
		}
		return store.Other, false
	case errors.Is(err, exec.ErrNotFound), errors.As(err, &network), strings.HasPrefix(text, "dbus: "), errors.Is(err, dbus.ErrClosed),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return store.NoBus, false
	case errors.Is(err, errLocked):
		return store.Locked, false
	case errors.Is(err, errNoCollection):
		return store.NoCollection, false
	case strings.HasPrefix(text, "failed to unlock correct collection '/org/freedesktop/secrets/aliases/default'"):
		return store.NoCollection, false
	case strings.HasPrefix(text, "failed to unlock correct collection"):
		return store.Locked, false
	}
	return store.Other, false
}
