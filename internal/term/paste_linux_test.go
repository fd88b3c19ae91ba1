package term

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	xterm "golang.org/x/term"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// pasting runs Paste on a pseudo-terminal; lines are what it handed on.
type pasting struct {
	master, slave *os.File
	before        xterm.State
	lines         chan string
	done          chan error
	stop          context.CancelFunc
}

func startPasting(t *testing.T) *pasting {
	t.Helper()
	master, slave := openPTY(t)
	p := &pasting{master: master, slave: slave, before: stateOf(t, slave), lines: make(chan string, 10), done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	p.stop = cancel
	ready := make(chan struct{})
	go func() {
		p.done <- Paste(ctx, slave, func() { close(ready) }, func(line secret.Text, err error) {
			if err != nil {
				p.lines <- "error: " + err.Error()
				return
			}
			p.lines <- line.Reveal()
		})
	}()
	<-ready
	if stateOf(t, slave) == p.before {
		t.Fatal("it is ready, and what is typed would be shown")
	}
	return p
}

func (p *pasting) typed(t *testing.T, text string) {
	t.Helper()
	// In pieces: a terminal holds four kilobytes until they are read.
	for len(text) > 0 {
		n, err := io.WriteString(p.master, text[:min(len(text), 1000)])
		if err != nil {
			t.Fatal(err)
		}
		text = text[n:]
	}
}

// ended checks that the terminal is as it was and that nothing was shown.
func (p *pasting) ended(t *testing.T, want error) {
	t.Helper()
	if err := <-p.done; !errors.Is(err, want) {
		t.Errorf("it ended with %v; want %v", err, want)
	}
	if stateOf(t, p.slave) != p.before {
		t.Error("the terminal is not as it was")
	}
	if n := readable(t, p.master); n != 0 {
		t.Errorf("%d bytes were shown", n)
	}
}

// readable says how many bytes a read would find.
func readable(t *testing.T, f *os.File) (n int32) {
	t.Helper()
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TIOCINQ, uintptr(unsafe.Pointer(&n))); e != 0 {
		t.Fatal(e)
	}
	return n
}

func TestPasteLines(t *testing.T) {
	long := strings.Repeat("0123456789", 205)
	most := strings.Repeat("m", maxPaste)
	tests := []struct{ name, typed, want string }{
		{"a line", "address\r", "address"},
		{"a line feed", "address\n", "address"},
		{"two kilobytes", long + "\r", long},
		{"sixteen kilobytes", most + "\r", most},
		{"one byte more", most + "m\r", "error: " + ErrTooLong.Error()},
		{"empty lines are no answer", "\r\r\naddress\r", "address"},
		{"spaces around", "  address \r", "address"},
		{"as terminals mark a paste", "\x1b[200~address\x1b[201~\r", "address"},
		{"corrected", "addrexx\x7f\bss\r", "address"},
		{"begun anew", "something\x15address\r", "address"},
		{"too long, begun anew", most + "mm\x15address\r", "address"},
		{"Ctrl-S, Ctrl-Z and Ctrl-D stop nothing", "\x13\x1a\x04\x15address\r", "address"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := startPasting(t)
			p.typed(t, tt.typed)
			if got := <-p.lines; got != tt.want {
				t.Errorf("%d bytes, %.40q; want %d, %.40q", len(got), got, len(tt.want), tt.want)
			}
			p.stop()
			p.ended(t, nil)
		})
	}
}

func TestPasteSeveral(t *testing.T) {
	p := startPasting(t)
	p.typed(t, "one\rtwo\r")
	if a, b := <-p.lines, <-p.lines; a != "one" || b != "two" {
		t.Errorf("%q, %q", a, b)
	}
	p.stop()
	p.ended(t, nil)
}

func TestPasteInterrupted(t *testing.T) {
	for name, key := range map[string]string{"Ctrl-C": "\x03", "in the middle of a paste": "addr\x03ess\r", "Ctrl-backslash": "\x1c"} {
		t.Run(name, func(t *testing.T) {
			p := startPasting(t)
			p.typed(t, key)
			p.ended(t, ErrInterrupt)
			if len(p.lines) != 0 {
				t.Errorf("%q was handed on", <-p.lines)
			}
		})
	}
}

// What nobody read is gone: it would end in a shell, which shows and keeps it.
func TestPasteThrowsAway(t *testing.T) {
	master, slave := openPTY(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { _, _ = io.WriteString(master, "first\r") }()
	err := Paste(ctx, slave, func() {}, func(secret.Text, error) {
		_, _ = io.WriteString(master, "the rest of an address\r")
		for readable(t, slave) == 0 && t.Context().Err() == nil { // until it is there
		}
		cancel()
	})
	if n := readable(t, slave); err != nil || n != 0 {
		t.Errorf("%v; %d bytes are left for the next reader", err, n)
	}
}

// A terminal that goes away is no answer, and no loop.
func TestPasteHangUp(t *testing.T) {
	p := startPasting(t)
	p.master.Close()
	select {
	case err := <-p.done:
		if err == nil {
			t.Error("no error")
		}
	case <-time.After(time.Minute):
		t.Fatal("it did not end")
	}
}

// Restore is for a process that ends without unwinding.
func TestRestore(t *testing.T) {
	p := startPasting(t)
	Restore()
	if stateOf(t, p.slave) != p.before {
		t.Error("the terminal is not as it was")
	}
	p.stop()
	p.ended(t, nil)
}

// A panic in what is done with a line restores the terminal.
func TestPastePanics(t *testing.T) {
	master, slave := openPTY(t)
	before := stateOf(t, slave)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		ready := func() { _, _ = io.WriteString(master, "address\r") }
		_ = Paste(t.Context(), slave, ready, func(secret.Text, error) { panic("test") })
	}()
	if stateOf(t, slave) != before {
		t.Error("the terminal is not as it was")
	}
}

func TestPasteNeedsATerminal(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if err := Paste(t.Context(), r, func() {}, func(secret.Text, error) { t.Error("a line") }); err == nil {
		t.Error("a pipe is taken for a terminal")
	}
}
