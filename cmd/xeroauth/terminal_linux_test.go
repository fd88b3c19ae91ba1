package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptTerminal runs a command at a terminal of 80 by 24 and does what the
// lines of FILE say, one after the other: terminal CODE FILE COMMAND ARGS...
//
//	see TEXT         waits until the terminal shows it, after what was seen before
//	type TEXT        types it, and Enter
//	key c|d|u        Ctrl and that key
//	open             opens the consent address in a browser beside
//	paste            pastes the address that consent leads to, of two kilobytes, and Enter
//	paste code       only the code in it
//	paste state      the address with another state
//	paste long       more than is taken
//	quiet            waits until the terminal shows nothing of what is typed
//	hup              the signal of a terminal that goes away
//
// All that the terminal showed is the script's stderr, and so is searched by
// the canary; stdout is stdout. At the end the terminal must be as it was.
func scriptTerminal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: terminal CODE FILE COMMAND ARGS...")
	}
	p := newProcess(ts, args[2:])
	t := &terminal{ts: ts, process: p, screen: &p.err}
	t.open()
	p.Stdin, p.Stderr = t.slave, t.slave
	p.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	before := t.modes()
	if ts.Getenv("PORTS_DENIED") == "" {
		ts.Check(p.Start())
	} else {
		startWithoutLowPorts(ts, p)
	}
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			t.do(line)
		}
	}
	stuck := time.AfterFunc(time.Minute, func() { _ = p.Process.Kill() })
	err := p.Wait()
	stuck.Stop()
	if after := t.modes(); after != before {
		ts.Fatalf("the terminal is left in another mode: %+v, not %+v", after, before)
	}
	t.close()
	_, _ = fmt.Fprint(ts.Stdout(), p.out.String())
	_, _ = fmt.Fprint(ts.Stderr(), strings.ReplaceAll(t.screen.String(), "\r\n", "\n"))
	// What the terminal echoed by itself is no output of the program's.
	ts.Check(os.WriteFile(fmt.Sprintf("%s/%d.terminal.screen", ts.Getenv("TEST_CAPTURED"), p.Process.Pid), []byte(t.screen.String()), 0o600))
	checkExit(ts, args[0], p.Args, err)
}

// startWithoutLowPorts starts a process that may not listen below port 1024,
// even as root.
func startWithoutLowPorts(ts *testscript.TestScript, p *process) {
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with what it lost
		const dropCapability, netBindService = 24, 10
		if _, _, e := syscall.RawSyscall(syscall.SYS_PRCTL, dropCapability, netBindService, 0); e != 0 && e != syscall.EPERM {
			started <- e // EPERM: an ordinary user, who has no such right
			return
		}
		started <- p.Start()
	}()
	ts.Check(<-started)
}

// terminal is a pseudo-terminal with a person at it.
type terminal struct {
	ts            *testscript.TestScript
	master, slave *os.File
	screen        *heard
	copied        chan struct{}
	process       *process
	seen          int
}

func (t *terminal) open() {
	var err error
	t.master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	t.ts.Check(err)
	var number, unlocked int32
	t.ioctl(t.master, syscall.TIOCGPTN, unsafe.Pointer(&number))
	t.ioctl(t.master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	t.slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	t.ts.Check(err)
	size := [4]uint16{24, 80}
	t.ioctl(t.slave, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	t.copied = make(chan struct{})
	go func() {
		defer close(t.copied)
		buffer := make([]byte, 4096)
		for {
			n, err := t.master.Read(buffer)
			_, _ = t.screen.Write(buffer[:n])
			if err != nil {
				return
			}
		}
	}()
}

func (t *terminal) ioctl(f *os.File, request uintptr, arg unsafe.Pointer) {
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(arg)); e != 0 {
		t.ts.Fatalf("setting up a pseudo-terminal: %v", e)
	}
}

func (t *terminal) modes() (m syscall.Termios) {
	t.ioctl(t.slave, syscall.TCGETS, unsafe.Pointer(&m))
	return m
}

func (t *terminal) close() {
	_ = t.slave.Close()
	<-t.copied // the last end is closed: nothing more will come
	_ = t.master.Close()
}

func (t *terminal) do(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "see":
		t.process.wait(t.ts, "showing "+rest, func() bool {
			at := strings.Index(t.screen.String()[t.seen:], rest)
			if at >= 0 {
				t.seen += at + len(rest)
			}
			return at >= 0
		})
	case "quiet":
		t.process.wait(t.ts, "showing nothing of what is typed", func() bool { return t.modes().Lflag&syscall.ECHO == 0 })
	case "type":
		t.write(rest + "\r")
	case "key":
		t.write(string(rest[0] & 0x1f))
	case "hup":
		t.ts.Check(t.process.Process.Signal(syscall.SIGHUP))
	case "open":
		address := t.consent()
		go func() {
			if resp, err := http.Get(address); err == nil {
				_ = resp.Body.Close()
			}
		}()
	case "paste":
		t.paste(rest)
	default:
		t.ts.Fatalf("what is %q?", line)
	}
}

func (t *terminal) write(text string) {
	_, err := t.master.WriteString(text)
	t.ts.Check(err)
}

func (t *terminal) consent() string {
	pattern := regexp.MustCompile(`\n  (http://\S+/identity/connect/authorize\?\S+)\r`)
	t.process.wait(t.ts, "the consent address", func() bool { return pattern.MatchString(t.screen.String()) })
	return pattern.FindStringSubmatch(t.screen.String())[1]
}

// paste consents in a browser that does not come back, and pastes where it was
// sent.
func (t *terminal) paste(what string) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(t.consent())
	t.ts.Check(err)
	t.ts.Check(resp.Body.Close())
	address, err := resp.Location()
	t.ts.Check(err)
	query := address.Query()
	query.Set("filler", strings.Repeat("f", 1500))
	switch what {
	case "":
	case "code":
		t.write(query.Get("code") + "\r")
		return
	case "state":
		query.Set("state", "x"+query.Get("state"))
	case "long":
		query.Set("filler", strings.Repeat("f", 20000))
	default:
		t.ts.Check(errors.New("paste what?"))
	}
	address.RawQuery = query.Encode()
	if n := len(address.String()); n < 2000 {
		t.ts.Fatalf("the address has only %d characters", n)
	}
	t.write(address.String() + "\r")
}
