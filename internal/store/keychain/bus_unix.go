//go:build unix && !darwin

package keychain

import (
	"errors"
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

// busClass sorts an error by its name on the bus.
func busClass(name string) store.Class {
	switch name {
	case "org.freedesktop.DBus.Error.ServiceUnknown",
		"org.freedesktop.DBus.Error.NameHasNoOwner",
		"org.freedesktop.DBus.Error.Spawn.ExecFailed",
		"org.freedesktop.DBus.Error.Spawn.ChildExited",
		"org.freedesktop.DBus.Error.Spawn.ChildSignaled":
		return store.NoService
	case "org.freedesktop.DBus.Error.TimedOut",
		"org.freedesktop.DBus.Error.NoReply":
		return store.Timeout
	case "org.freedesktop.DBus.Error.AccessDenied":
		return store.Denied
	case "org.freedesktop.DBus.Error.UnknownMethod",
		"org.freedesktop.DBus.Error.UnknownObject",
		"org.freedesktop.Secret.Error.NoSuchObject":
		return store.NoCollection
	case "org.freedesktop.Secret.Error.IsLocked":
		return store.Locked
	}
	return store.Other
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
		return busClass(bus.Name), false
	case errors.Is(err, exec.ErrNotFound), errors.As(err, &network), strings.HasPrefix(text, "dbus: "), errors.Is(err, dbus.ErrClosed):
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
