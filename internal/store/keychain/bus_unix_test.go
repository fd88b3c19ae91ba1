//go:build unix && !darwin

package keychain

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/xeroauth/xeroauth/internal/store"
)

// TestBusErrors: exact types and texts, as measured with godbus and go-keyring.
func TestBusErrors(t *testing.T) {
	bus := func(name, text string) error { return dbus.Error{Name: name, Body: []any{text}} }
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "unix", Addr: &net.UnixAddr{Name: "/tmp/bus", Net: "unix"}, Err: os.NewSyscallError("connect", err)}
	}
	for _, c := range []struct {
		name  string
		err   error
		class store.Class
	}{
		{"no dbus-launch", &exec.Error{Name: "dbus-launch", Err: exec.ErrNotFound}, store.NoBus},
		{"no socket file", dial(syscall.ENOENT), store.NoBus},
		{"a stale socket", dial(syscall.ECONNREFUSED), store.NoBus},
		{"another user's bus", &net.OpError{Op: "write", Net: "unix", Err: os.NewSyscallError("write", syscall.EPIPE)}, store.NoBus},
		{"root on a user's bus, or the bus dies", &net.OpError{Op: "read", Net: "unix", Err: io.EOF}, store.NoBus},
		{"address disabled:", errors.New("dbus: invalid bus address (invalid or unsupported transport)"), store.NoBus},
		{"address garbage", errors.New("dbus: invalid bus address (no transport)"), store.NoBus},
		{"no address", errors.New("dbus: couldn't determine address of session bus"), store.NoBus},
		{"authentication refused", errors.New("dbus: authentication failed"), store.NoBus},
		{"the connection was closed", dbus.ErrClosed, store.NoBus},

		{"no service file", bus("org.freedesktop.DBus.Error.ServiceUnknown", "The name org.freedesktop.secrets was not provided by any .service files"), store.NoService},
		{"nobody has the name", bus("org.freedesktop.DBus.Error.NameHasNoOwner", "Could not get owner of name 'org.freedesktop.secrets': no such name"), store.NoService},
		{"the daemon cannot be started", bus("org.freedesktop.DBus.Error.Spawn.ExecFailed", "Failed to execute program org.freedesktop.secrets: No such file or directory"), store.NoService},
		{"the daemon ends at once", bus("org.freedesktop.DBus.Error.Spawn.ChildExited", "Process org.freedesktop.secrets exited with status 1"), store.NoService},
		{"the daemon crashes", bus("org.freedesktop.DBus.Error.Spawn.ChildSignaled", "Process org.freedesktop.secrets received signal 11"), store.NoService},
		{"activation took too long", bus("org.freedesktop.DBus.Error.TimedOut", "Failed to activate service 'org.freedesktop.secrets': timed out (service_start_timeout=120000ms)"), store.Timeout},
		{"the daemon died in the call", bus("org.freedesktop.DBus.Error.NoReply", "Message recipient disconnected from message bus without replying"), store.Timeout},
		{"a policy forbids it", bus("org.freedesktop.DBus.Error.AccessDenied", "Rejected send message"), store.Denied},
		{"not what we know as a secret service", bus("org.freedesktop.DBus.Error.UnknownMethod", "No such method 'SearchItems'"), store.NoCollection},
		{"no such collection", bus("org.freedesktop.DBus.Error.UnknownObject", "No such object path"), store.NoCollection},
		{"no such object", bus("org.freedesktop.Secret.Error.NoSuchObject", "The collection does not exist"), store.NoCollection},
		{"KeePassXC is locked", bus("org.freedesktop.Secret.Error.IsLocked", ""), store.Locked},
		{"an error that nobody knows", bus("org.example.Error.New", "new"), store.Other},

		{"no default collection", errors.New("failed to unlock correct collection '/org/freedesktop/secrets/aliases/default'"), store.NoCollection},
		{"locked, nobody to ask", errors.New("failed to unlock correct collection '/org/freedesktop/secrets/collection/login'"), store.Locked},
		{"another text", errors.New("failed to unlock the door"), store.Other},
		{"a file error is no bus error", &fs.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}, store.Other},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, err := range []error{c.err, fmt.Errorf("wrapped: %w", c.err)} {
				if err.Error() != c.err.Error() && !typed(c.err) {
					continue // fixed texts are known bare
				}
				for _, writing := range []bool{false, true} {
					got := classify("asking", writing, err)
					wantError(t, got, c.class, "asking")
					if cause := errors.Unwrap(got); cause == nil || cause.Error() != err.Error() {
						t.Errorf("the cause is lost: %v", got)
					}
				}
			}
		})
	}
}

// typed reports whether an error is known by what it is.
func typed(err error) bool {
	var bus dbus.Error
	var network *net.OpError
	return errors.As(err, &bus) || errors.As(err, &network) || errors.Is(err, exec.ErrNotFound) || errors.Is(err, dbus.ErrClosed)
}

// ambientBus reports whether this machine has a bus of the person's own where
// programs look when they are told of none. Tests stay away from it.
func ambientBus() bool {
	dir := "/run/user/" + strconv.Itoa(os.Getuid())
	for _, name := range []string{"/bus", "/dbus-session"} {
		if _, err := os.Stat(dir + name); err == nil {
			return true
		}
	}
	return false
}

// TestNoBusIsNoCall: without an address the library would start daemons.
func TestNoBusIsNoCall(t *testing.T) {
	if ambientBus() {
		t.Skip("this machine has a session bus of its own, which tests leave alone")
	}
	for _, address := range []string{"", "autolaunch:"} {
		called := false
		_, err := guard(t.Context(), Config{Limit: time.Minute, BusAddress: address}, "asking", false, func() (string, error) {
			called = true
			return "", nil
		})
		wantError(t, err, store.NoBus, "asking")
		if called {
			t.Errorf("with the address %q the library was called", address)
		}
	}
}
