package keychain

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// The tests in this file run gnome-keyring on a D-Bus of their own, with a HOME
// of their own. The bus and the keychain of whoever runs them stay untouched:
// every process here gets an environment made from nothing.

// role makes the test binary play a part under such a bus.
const role = "XEROAUTH_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		os.Exit(m.Run())
	case "hold":
		fmt.Println(os.Getenv("DBUS_SESSION_BUS_ADDRESS"))
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "call":
		if err := json.NewEncoder(os.Stdout).Encode(playCall(os.Args[1], os.Args[2], os.Args[3])); err != nil {
			panic(err)
		}
	}
}

// outcome is what one call gave.
type outcome struct {
	Value    string
	Class    store.Class
	NotFound bool
	Error    string
}

func playCall(verb, account, limit string) outcome {
	d, err := time.ParseDuration(limit)
	if err != nil {
		panic(err)
	}
	s, ok := New(Config{Limit: d, MayPrompt: verb == "ask", BusAddress: os.Getenv("DBUS_SESSION_BUS_ADDRESS")}).(*store.Local)
	if !ok {
		panic("the keychain is no store.Local")
	}
	var out outcome
	var value secret.Text
	ctx := context.Background()
	switch verb {
	case "load", "ask":
		value, _, err = s.Load(ctx, account)
		out.Value = value.Reveal()
	case "save":
		b, readErr := io.ReadAll(os.Stdin)
		if readErr != nil {
			panic(readErr)
		}
		_, version, loadErr := s.Load(ctx, account)
		if loadErr != nil && !errors.Is(loadErr, store.ErrNotFound) {
			err = loadErr
			break
		}
		_, err = s.Save(ctx, account, secret.New(string(b)), version)
	case "delete":
		err = s.Delete(ctx, account)
	}
	if err == nil {
		return out
	}
	var e *store.Error
	if errors.As(err, &e) {
		out.Class = e.Class
	}
	out.NotFound, out.Error = errors.Is(err, store.ErrNotFound), err.Error()
	return out
}

// need skips a test whose programs are missing, or fails it where
// XEROAUTH_TEST_REQUIRE says that the keychain must be there.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if strings.Contains(os.Getenv("XEROAUTH_TEST_REQUIRE"), "keychain") {
			t.Fatalf("%s is missing", name)
		}
		t.Skipf("%s is missing", name)
	}
}

// home is where one test's processes live, and what they are known by.
type home struct {
	t    *testing.T
	dir  string
	path string // PATH

	display string // where a dialog can open, or empty
}

func newHome(t *testing.T) *home {
	t.Helper()
	h := &home{t: t, dir: testdir.New(t), path: os.Getenv("PATH")}
	for _, name := range []string{"run", "home/.local/share/keyrings"} {
		if err := os.MkdirAll(filepath.Join(h.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(h.end)
	return h
}

func (h *home) env(more ...string) []string {
	return append([]string{
		"PATH=" + h.path, "HOME=" + filepath.Join(h.dir, "home"), "XDG_RUNTIME_DIR=" + filepath.Join(h.dir, "run"),
		"GORACE=atexit_sleep_ms=0", "LC_ALL=C.UTF-8",
	}, more...)
}

// processes are those that have this home, by their environment.
func (h *home) processes() []int {
	h.t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		h.t.Fatal(err)
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ")); err == nil && bytes.Contains(env, []byte("HOME="+h.dir+"/")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// end ends what a test left running.
func (h *home) end() {
	for _, pid := range h.processes() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// patience ends a test in which something hangs that must not.
const patience = time.Minute

// desktop is a session bus of a home.
type desktop struct {
	*home
	address string
}

// start runs a bus until the test ends. config names a file, or is empty for
// the system's own configuration.
func (h *home) start(config string) *desktop {
	h.t.Helper()
	args := []string{"--", self(h.t)}
	if config != "" {
		args = append([]string{"--config-file=" + config}, args...)
	}
	cmd := exec.Command("dbus-run-session", args...)
	cmd.Env = h.env(role + "=hold")
	if h.display != "" {
		cmd.Env = append(cmd.Env, "DISPLAY="+h.display)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	// A pipe of our own: daemons that the bus starts inherit it, and Wait must
	// not wait for them.
	read, write, err := os.Pipe()
	if err != nil {
		h.t.Fatal(err)
	}
	cmd.Stdout = write
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	write.Close()
	h.t.Cleanup(func() {
		stdin.Close()
		h.end()
		_ = cmd.Wait()
		read.Close()
	})
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		h.t.Fatalf("the bus did not start: %v", err)
	}
	return &desktop{home: h, address: strings.TrimSpace(line)}
}

const password = "a password of tests"

// unlock starts the keychain's daemon, unlocks it and waits until it answers to
// its name. A newline would become part of the password.
func (d *desktop) unlock() {
	d.t.Helper()
	conn := d.connect()
	changed := make(chan *dbus.Signal, 100)
	conn.Signal(changed)
	if err := conn.AddMatchSignal(dbus.WithMatchInterface(busName), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, secretsName)); err != nil {
		d.t.Fatal(err)
	}
	defer func() {
		for has := false; !has; {
			if err := conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, secretsName).Store(&has); err != nil {
				d.t.Fatal(err)
			}
			if !has {
				<-changed
			}
		}
	}()
	cmd := exec.Command("gnome-keyring-daemon", "--unlock", "--components=secrets")
	cmd.Env = d.env("DBUS_SESSION_BUS_ADDRESS=" + d.address)
	cmd.Stdin = strings.NewReader(password)
	if err := cmd.Run(); err != nil {
		d.t.Fatalf("unlocking: %v", err)
	}
}

// command is one call by a process of its own.
func (d *desktop) command(ctx context.Context, verb, account string, limit time.Duration) *exec.Cmd {
	cmd := exec.CommandContext(ctx, self(d.t), verb, account, limit.String())
	cmd.Env = d.env(role+"=call", "DBUS_SESSION_BUS_ADDRESS="+d.address)
	cmd.Stderr = os.Stderr
	return cmd
}

func (d *desktop) run(cmd *exec.Cmd) outcome {
	d.t.Helper()
	b, err := cmd.Output()
	if err != nil {
		d.t.Errorf("the call crashed or hung: %v", err)
	}
	var out outcome
	if err := json.Unmarshal(b, &out); err != nil {
		d.t.Errorf("the call said %q", b)
	}
	return out
}

func (d *desktop) call(verb, account, value string, limit time.Duration) outcome {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	cmd := d.command(ctx, verb, account, limit)
	cmd.Stdin = strings.NewReader(value)
	return d.run(cmd)
}

// ok asserts that a call succeeded.
func (d *desktop) ok(verb, account, value string) outcome {
	d.t.Helper()
	out := d.call(verb, account, value, patience)
	if out.Error != "" {
		d.t.Fatalf("%s: %s", verb, out.Error)
	}
	return out
}

// fails asserts the class of a failed read and of a failed write.
func (d *desktop) fails(limit time.Duration, classes ...store.Class) {
	d.t.Helper()
	for _, verb := range []string{"load", "save", "delete"} {
		d.wantClass(verb, d.call(verb, "acme", "value", limit), classes...)
	}
}

func (d *desktop) wantClass(what string, out outcome, classes ...store.Class) {
	d.t.Helper()
	for _, c := range classes {
		if out.Class == c && !out.NotFound && out.Value == "" {
			d.t.Logf("%s: %s: %s", what, out.Class, out.Error)
			return
		}
	}
	d.t.Errorf("%s: class %q, not found %t: %s; want %s", what, out.Class, out.NotFound, out.Error, classes)
}

func (d *desktop) connect() *dbus.Conn {
	d.t.Helper()
	conn, err := dbus.Connect(d.address)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { conn.Close() })
	return conn
}

// pid finds the process behind a name on the bus.
func (d *desktop) pid(name string) int {
	d.t.Helper()
	var pid uint32
	if err := d.connect().BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, name).Store(&pid); err != nil {
		d.t.Fatalf("finding %s: %v", name, err)
	}
	return int(pid)
}

func (d *desktop) signal(pid int, s syscall.Signal) {
	d.t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		d.t.Fatal(err)
	}
}

// underway starts a call that stays unanswered, and returns when the bus has
// passed on a request named member, or its first one if that is empty; finish
// waits for the call's end.
func (d *desktop) underway(verb, member string, limit time.Duration) (finish func() outcome) {
	d.t.Helper()
	conn := d.connect()
	seen := make(chan *dbus.Message, 1000)
	rules := []string{"type='method_call'"}
	if err := conn.BusObject().Call("org.freedesktop.DBus.Monitoring.BecomeMonitor", 0, rules, uint(0)).Err; err != nil {
		d.t.Fatal(err)
	}
	conn.Eavesdrop(seen)
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	d.t.Cleanup(cancel)
	cmd := d.command(ctx, verb, "acme", limit)
	done := make(chan outcome, 1)
	go func() { done <- d.run(cmd) }()
	for {
		select {
		case m := <-seen:
			if m == nil || m.Type != dbus.TypeMethodCall {
				continue
			}
			first := member == "" && m.Headers[dbus.FieldDestination].Value() == secretsName
			if first || member != "" && m.Headers[dbus.FieldMember].Value() == member {
				return func() outcome { return <-done }
			}
		case out := <-done:
			d.t.Fatalf("the call ended by itself: %+v", out)
		}
	}
}

// entries counts what secret-tool finds for an account.
func (d *desktop) entries(account string) int {
	d.t.Helper()
	cmd := exec.Command("secret-tool", "search", "--all", "service", "xeroauth", "username", account)
	cmd.Env = d.env("DBUS_SESSION_BUS_ADDRESS=" + d.address)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "[/") {
			n++
		}
	}
	return n
}

// lookup is secret-tool's, whose exit code says whether there is an entry.
func (d *desktop) lookup(account string) (string, bool) {
	d.t.Helper()
	cmd := exec.Command("secret-tool", "lookup", "service", "xeroauth", "username", account)
	cmd.Env = d.env("DBUS_SESSION_BUS_ADDRESS=" + d.address)
	out, err := cmd.Output()
	return string(out), err == nil
}

func newDesktop(t *testing.T) *desktop {
	t.Helper()
	need(t, "dbus-run-session", "gnome-keyring-daemon", "secret-tool")
	d := newHome(t).start("")
	d.unlock()
	return d
}

func TestRealRoundTrip(t *testing.T) {
	t.Parallel()
	d := newDesktop(t)
	if out := d.call("load", "acme", "", patience); !out.NotFound || out.Class != "" {
		t.Errorf("nothing is kept yet: %+v", out)
	}
	if out := d.call("delete", "acme", "", patience); out.Error != "" {
		t.Errorf("deleting nothing: %s", out.Error)
	}
	largest := strings.Repeat("0123456789abcdefghijklmnopqrstuv", 79)[:store.MaxPacked]
	for _, value := range []string{"first", "second", largest, "x1.-_AZaz09"} {
		d.ok("save", "acme", value)
		if out := d.ok("load", "acme", ""); out.Value != value {
			t.Errorf("%d bytes came back as %d", len(value), len(out.Value))
		}
		if got, found := d.lookup("acme"); !found || got != value {
			t.Errorf("secret-tool finds %d bytes, want %d", len(got), len(value))
		}
		if n := d.entries("acme"); n != 1 {
			t.Errorf("secret-tool finds %d entries, want exactly one", n)
		}
	}
	d.wantClass("one byte more", d.call("save", "acme", largest+"x", patience), store.TooBig)
	if out := d.ok("load", "acme", ""); out.Value != "x1.-_AZaz09" {
		t.Errorf("a refused save changed the entry to %d bytes", len(out.Value))
	}
	for _, account := range []string{"acme#client", "acme@0123abcd", strings.Repeat("p", 64) + "@0123abcd#client"} {
		d.ok("save", account, "of "+account)
		if out := d.ok("load", account, ""); out.Value != "of "+account {
			t.Errorf("%s holds %q", account, out.Value)
		}
	}
	d.ok("delete", "acme", "")
	if _, found := d.lookup("acme"); found || d.entries("acme") != 0 {
		t.Error("secret-tool still finds what was deleted")
	}
	if out := d.ok("load", "acme#client", ""); out.Value != "of acme#client" {
		t.Error("deleting a session took the client secret along")
	}
}

func TestRealProbe(t *testing.T) {
	t.Parallel()
	d := newDesktop(t)
	t.Run("in another process", func(t *testing.T) {
		d.ok("save", "acme#probe", strings.Repeat("p", store.MaxPacked))
		d.ok("delete", "acme#probe", "")
		if n := d.entries("acme#probe"); n != 0 {
			t.Errorf("%d entries are left", n)
		}
	})
}

func TestRealParallelReaders(t *testing.T) {
	t.Parallel()
	d := newDesktop(t)
	value := strings.Repeat("v", store.MaxPacked)
	d.ok("save", "acme", value)
	const readers = 50
	var all sync.WaitGroup
	for range readers {
		all.Go(func() {
			if out := d.call("load", "acme", "", patience); out.Value != value {
				t.Errorf("a reader got %d bytes and %s %s", len(out.Value), out.Class, out.Error)
			}
		})
	}
	all.Wait()
	if n := d.entries("acme"); n != 1 {
		t.Errorf("%d entries afterwards", n)
	}
}

// TestRealNoBus: with no bus, go-keyring's library runs dbus-launch, which
// leaves a daemon behind at each call and can take four minutes.
func TestRealNoBus(t *testing.T) {
	t.Parallel()
	if ambientBus() {
		t.Skip("this machine has a session bus of its own, which tests leave alone")
	}
	for _, address := range []string{"", "autolaunch:"} {
		t.Run(fmt.Sprintf("address %q, no dbus-launch", address), func(t *testing.T) {
			h := newHome(t)
			h.path = testdir.New(t)
			(&desktop{home: h, address: address}).fails(patience, store.NoBus)
			if left := h.processes(); len(left) > 0 {
				t.Errorf("%d processes are left running", len(left))
			}
		})
		t.Run(fmt.Sprintf("address %q, dbus-launch is installed", address), func(t *testing.T) {
			h := newHome(t)
			bin, ran := testdir.New(t), filepath.Join(h.dir, "ran")
			// It does what the real one does as far as we look: it leaves a daemon.
			script := "#!/bin/sh\necho run >>'" + ran + "'\nsleep 300 >/dev/null 2>&1 &\nexec /usr/bin/env -u PATH dbus-launch \"$@\"\n"
			testdir.Program(t, filepath.Join(bin, "dbus-launch"), script)
			h.path = bin + ":" + h.path
			(&desktop{home: h, address: address}).fails(patience, store.NoBus)
			if _, err := os.Stat(ran); err == nil {
				t.Error("dbus-launch was run")
			}
			if left := h.processes(); len(left) > 0 {
				t.Errorf("%d processes are left running", len(left))
			}
		})
	}
}

func TestRealBadAddresses(t *testing.T) {
	t.Parallel()
	dir := testdir.New(t)
	stale := filepath.Join(dir, "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// Somebody who takes the connection and says goodbye.
	rude, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "rude"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer rude.Close()
	go func() {
		for {
			conn, err := rude.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	for name, address := range map[string]string{
		"disabled":              "disabled:",
		"garbage":               "garbage",
		"a transport of nobody": "carrier-pigeon:path=/x",
		"no path":               "unix:",
		"the socket is missing": "unix:path=" + filepath.Join(dir, "missing"),
		"the socket is stale":   "unix:path=" + stale,
		"a file is no socket":   "unix:path=" + file,
		"it hangs up":           "unix:path=" + rude.Addr().String(),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			(&desktop{home: h, address: address}).fails(patience, store.NoBus)
			if left := h.processes(); len(left) > 0 {
				t.Errorf("%d processes are left running", len(left))
			}
		})
	}
}

// TestRealOtherUsersBus is what sudo and su meet.
func TestRealOtherUsersBus(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	d := newDesktop(t)
	// The test binary's own folder is closed to others.
	open, err := os.MkdirTemp("", "xeroauth-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(open) })
	binary, err := os.ReadFile(self(t))
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(open, "other")
	testdir.Program(t, copied, binary)
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := d.command(ctx, "load", "acme", patience)
	cmd.Path, cmd.Dir = copied, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	d.wantClass("load", d.run(cmd), store.NoBus)
}

// withoutServices is a bus that starts nothing.
func (h *home) withoutServices() *desktop {
	h.t.Helper()
	config := filepath.Join(h.dir, "nosvc.conf")
	text := `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <keep_umask/>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return h.start(config)
}

func TestRealNoService(t *testing.T) {
	t.Parallel()
	need(t, "dbus-run-session")
	newHome(t).withoutServices().fails(patience, store.NoService)
}

// TestRealNoCollection: a fresh headless HOME. The keychain answers, and has
// nowhere to keep anything: that is not "not found".
func TestRealNoCollection(t *testing.T) {
	t.Parallel()
	need(t, "dbus-run-session", "gnome-keyring-daemon")
	newHome(t).start("").fails(patience, store.NoCollection)
}

// lockedHome has a keychain with an entry, and no daemon that knows the password.
func lockedHome(t *testing.T) *home {
	t.Helper()
	need(t, "dbus-run-session", "gnome-keyring-daemon")
	h := newHome(t)
	if !t.Run("an entry is made", func(t *testing.T) {
		first := *h
		first.t = t
		d := first.start("")
		d.unlock()
		d.ok("save", "acme", "value")
	}) {
		t.FailNow()
	}
	return h
}

// TestRealLocked: there is a session, and nobody is there to be asked for the
// password.
func TestRealLocked(t *testing.T) {
	t.Parallel()
	d := lockedHome(t).start("")
	d.fails(patience, store.Locked)
	if out := d.call("load", "another", "", patience); out.NotFound || out.Class != store.Locked {
		t.Errorf("an entry that nobody looked for: %+v", out)
	}
}

// TestRealFrozenDaemon: the library would wait for ever.
func TestRealFrozenDaemon(t *testing.T) {
	t.Parallel()
	d := newDesktop(t)
	d.ok("save", "acme", "value")
	daemon := d.pid(secretsName)
	d.signal(daemon, syscall.SIGSTOP)
	d.fails(300*time.Millisecond, store.Timeout)
	d.signal(daemon, syscall.SIGCONT)
	d.stillWorks()
}

// stillWorks asserts that the keychain still works. What was abandoned
// may have been done meanwhile, so only the answer counts, not its content.
func (d *desktop) stillWorks() {
	d.t.Helper()
	d.ok("save", "acme", "value after all")
	if out := d.ok("load", "acme", ""); out.Value != "value after all" {
		d.t.Errorf("the entry holds %q", out.Value)
	}
}

func TestRealDaemonKilledInACall(t *testing.T) {
	t.Parallel()
	t.Run("nothing starts another", func(t *testing.T) {
		need(t, "dbus-run-session", "gnome-keyring-daemon")
		d := newHome(t).withoutServices()
		d.unlock()
		d.ok("save", "acme", "value")
		daemon := d.pid(secretsName)
		d.signal(daemon, syscall.SIGSTOP)
		finish := d.underway("load", "", patience)
		d.signal(daemon, syscall.SIGKILL)
		d.wantClass("load", finish(), store.Timeout, store.NoService)
		d.wantClass("the next call", d.call("load", "acme", "", patience), store.NoService)
		d.unlock()
		if out := d.ok("load", "acme", ""); out.Value != "value" {
			t.Errorf("the entry holds %q", out.Value)
		}
	})
	// The bus starts another daemon, which is locked. go-keyring takes the lost
	// answer to its first question for "there is no login collection".
	t.Run("the bus starts another", func(t *testing.T) {
		d := newDesktop(t)
		d.ok("save", "acme", "value")
		daemon := d.pid(secretsName)
		d.signal(daemon, syscall.SIGSTOP)
		finish := d.underway("load", "", patience)
		d.signal(daemon, syscall.SIGKILL)
		d.wantClass("load", finish(), store.Timeout, store.Locked, store.NoCollection)
		d.wantClass("the next call", d.call("load", "acme", "", patience), store.Locked)
	})
}

func TestRealBusKilledInACall(t *testing.T) {
	t.Parallel()
	d := newDesktop(t)
	d.ok("save", "acme", "value")
	bus, daemon := d.pid(busName), d.pid(secretsName)
	d.signal(daemon, syscall.SIGSTOP)
	finish := d.underway("load", "", patience)
	d.signal(bus, syscall.SIGKILL)
	d.wantClass("load", finish(), store.NoBus)
	d.wantClass("the next call", d.call("load", "acme", "", patience), store.NoBus)
	d.signal(daemon, syscall.SIGCONT)
}

// withDisplay gives a home a screen on which nobody looks.
func (h *home) withDisplay() {
	h.t.Helper()
	need(h.t, "Xvfb", "/usr/libexec/gcr-prompter")
	read, write, err := os.Pipe()
	if err != nil {
		h.t.Fatal(err)
	}
	defer read.Close()
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-nolisten", "tcp", "-screen", "0", "640x480x24")
	cmd.Env = h.env()
	cmd.ExtraFiles = []*os.File{write}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	write.Close()
	h.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	number, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		h.t.Fatalf("no screen: %v", err)
	}
	h.display = ":" + strings.TrimSpace(number)
}

// dialogOpens is what gnome-keyring tells its prompter.
const dialogOpens = "PerformPrompt"

// TestRealUnansweredPrompt: the system asks for the password, and nobody types
// it. The library would wait for ever.
func TestRealUnansweredPrompt(t *testing.T) {
	t.Parallel()
	h := lockedHome(t)
	h.withDisplay()
	d := h.start("")
	// The prompt must be seen, or a slow start would pass for one.
	finish := d.underway("ask", dialogOpens, 4*time.Second)
	d.wantClass("ask", finish(), store.Timeout)
}

// TestRealBusKilledInAPrompt: the library panics.
func TestRealBusKilledInAPrompt(t *testing.T) {
	t.Parallel()
	h := lockedHome(t)
	h.withDisplay()
	d := h.start("")
	bus := d.pid(busName)
	finish := d.underway("ask", dialogOpens, patience)
	d.signal(bus, syscall.SIGKILL)
	d.wantClass("ask", finish(), store.NoBus)
}
