package loopback

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// machineVar names, in a child of the test, what kind of machine it is on.
const machineVar = "XEROAUTH_TEST_MACHINE"

// onMachine runs the named test again in a network of its own, where nobody
// else holds a port and addresses can be taken away.
func onMachine(t *testing.T, machine string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")
	cmd.Env = append(os.Environ(), machineVar+"="+machine, "GOCOVERDIR="+testdir.New(t))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil && strings.Contains(string(out), "--- SKIP"):
		t.Skipf("the other machine could not be made:\n%s", out)
	case err == nil:
	case errors.As(err, &exit):
		t.Fatalf("on the other machine:\n%s", out)
	default:
		t.Skipf("this user may make no network of its own: %v", err)
	}
}

// loopbackUp gives a fresh network its 127.0.0.1 and ::1.
func loopbackUp(t *testing.T) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		t.Skip("socket:", err)
	}
	defer syscall.Close(fd)
	var request struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], "lo")
	request.flags = syscall.IFF_UP | syscall.IFF_RUNNING | syscall.IFF_LOOPBACK
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); e != 0 {
		t.Skip("setting lo up:", e)
	}
}

// removeSix takes ::1 away.
func removeSix(t *testing.T) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return // there was none
	}
	defer syscall.Close(fd)
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Skip("lo:", err)
	}
	request := struct {
		address [16]byte
		prefix  uint32
		index   int32
	}{prefix: 128, index: int32(lo.Index)}
	request.address[15] = 1
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCDIFADDR, uintptr(unsafe.Pointer(&request))); e != 0 {
		t.Skip("removing ::1:", e)
	}
}

// A machine without ::1 serves the callback on 127.0.0.1 alone.
func TestMachineWithoutIPv6(t *testing.T) {
	if os.Getenv(machineVar) == "" {
		onMachine(t, "without ::1")
		return
	}
	loopbackUp(t)
	removeSix(t)
	l, skipped, err := Listen([]string{"http://localhost/callback"}, testIssuer)
	if err != nil || skipped != nil {
		t.Fatal(skipped, err)
	}
	if got := l.Families(); !slices.Equal(got, []string{"127.0.0.1:80"}) {
		t.Errorf("Families() = %q; want 127.0.0.1 alone", got)
	}
	if got := listening(t, 80); !slices.Equal(got, []string{procFour}) {
		t.Errorf("the kernel says that %q listen", got)
	}
	l.Start(secret.New(testState))
	done := make(chan reply, 1)
	go func() {
		r, err := raw("127.0.0.1:80", get("/callback?"+l.rightQuery(), "localhost")) // as browsers write it
		if err != nil {
			r.body = err.Error()
		}
		done <- r
	}()
	l.mustCatch(t)
	l.Answer(Page{OK: true})
	r := <-done
	if r.status != http.StatusSeeOther {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if page, err := raw("127.0.0.1:80", get(r.header.Get("Location"), "localhost")); err != nil || page.status != http.StatusOK {
		t.Errorf("the page: %d, %v", page.status, err)
	}
	l.Close(context.Background())
}

// Port 80 serves the URIs that people have registered without a port, on both
// families.
func TestPort80(t *testing.T) {
	if os.Getenv(machineVar) == "" {
		onMachine(t, "with port 80 free")
		return
	}
	loopbackUp(t)
	for _, uri := range []string{"http://localhost", "http://localhost/", "http://localhost:80/callback"} {
		for _, host := range []string{"localhost", "localhost:80"} {
			l, _, err := Listen([]string{uri}, testIssuer)
			if err != nil {
				t.Fatal(err)
			}
			l.Start(secret.New(testState))
			for _, address := range l.Families() {
				if r, err := raw(address, get(l.redirect.path+"?"+l.rightQuery(), "127.0.0.1")); err != nil || r.status != http.StatusBadRequest {
					t.Errorf("%s, %s: %d, %v; want 400", uri, address, r.status, err)
				}
			}
			done := make(chan reply, 1)
			go func() {
				r, _ := raw(l.Families()[0], get(l.redirect.path+"?"+l.rightQuery(), host))
				done <- r
			}()
			l.mustCatch(t)
			l.Answer(Page{})
			if r := <-done; r.status != http.StatusSeeOther {
				t.Errorf("%s with Host %s: %d", uri, host, r.status)
			}
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			l.Close(ctx)
		}
	}
}

// Where the OS refuses a port, that is said, and the next URI serves.
func TestPortDenied(t *testing.T) {
	if os.Getenv(machineVar) == "" {
		if os.Geteuid() != 0 {
			t.Skip("only root can become a user who may less")
		}
		onMachine(t, "of a user who may not have port 80")
		return
	}
	loopbackUp(t)
	if err := syscall.Setuid(65534); err != nil {
		t.Skip("becoming nobody:", err)
	}
	free := uriOf(freePort(t), "/callback")
	l, skipped, err := Listen([]string{"http://localhost", free}, testIssuer)
	if err != nil {
		t.Fatal(err)
	}
	var denied *DeniedError
	if l.URI() != free || len(skipped) != 1 || !errors.As(skipped[0], &denied) || denied.URI != "http://localhost" {
		t.Errorf("%s, skipped %v; want the second, and the first denied", l.URI(), skipped)
	}
	l.Close(context.Background())
	if l, skipped, err := Listen([]string{"http://localhost"}, testIssuer); l != nil || skipped != nil || !errors.As(err, &denied) {
		t.Errorf("%v, %v, %v; want *DeniedError", l, skipped, err)
	}
}
