package term

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	xterm "golang.org/x/term"
)

// openPTY makes a pseudo-terminal: what is typed goes into master, and the
// program has slave.
func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { master.Close() })
	ioctl := func(request uintptr, arg *int32) {
		t.Helper()
		if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(unsafe.Pointer(arg))); e != 0 {
			t.Skip("no pseudo-terminals here:", e)
		}
	}
	var number, unlocked int32
	ioctl(syscall.TIOCGPTN, &number)
	ioctl(syscall.TIOCSPTLCK, &unlocked)
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

func stateOf(t *testing.T, f *os.File) xterm.State {
	t.Helper()
	s, err := xterm.GetState(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return *s
}

// typist types once the question was asked and the echo is off.
type typist struct {
	bytes.Buffer
	mu    sync.Mutex
	once  sync.Once
	asked func()
}

func (w *typist) Write(p []byte) (int, error) {
	w.mu.Lock()
	n, err := w.Buffer.Write(p)
	w.mu.Unlock()
	w.once.Do(w.asked)
	return n, err
}

func TestAskSecret(t *testing.T) {
	tests := []struct{ name, typed, want string }{
		{"a line", "s3cr3t\n", "s3cr3t"},
		{"spaces of a paste", "  s3cr3t \n", "s3cr3t"},
		{"corrected", "x\x7fs3cr3t\n", "s3cr3t"},
		{"empty", "\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			master, slave := openPTY(t)
			if !IsTerminal(slave) {
				t.Fatal("a pseudo-terminal is taken for none")
			}
			before := stateOf(t, slave)
			w := &typist{asked: func() { _, _ = io.WriteString(master, tt.typed) }}
			got, err := AskSecret(context.Background(), slave, w, "secret: ")
			if err != nil || got.Reveal() != tt.want || w.String() != "secret: \n" {
				t.Errorf("%q, %v, asked %q; want %q", got.Reveal(), err, w.String(), tt.want)
			}
			if stateOf(t, slave) != before {
				t.Error("the terminal is not as it was")
			}
		})
	}
}

// A terminal that goes away is an error, not an empty secret.
func TestAskSecretHangUp(t *testing.T) {
	master, slave := openPTY(t)
	w := &typist{asked: func() { master.Close() }}
	if got, err := AskSecret(context.Background(), slave, w, "q"); err == nil || !got.IsZero() {
		t.Errorf("%q, %v; want an error", got.Reveal(), err)
	}
}

// Ctrl-D is the end of the input: no answer, and no wait for another.
func TestAskSecretEnd(t *testing.T) {
	master, slave := openPTY(t)
	before := stateOf(t, slave)
	w := &typist{asked: func() { _, _ = io.WriteString(master, "\x04") }}
	if got, err := AskSecret(context.Background(), slave, w, "q"); !errors.Is(err, ErrNoAnswer) || !got.IsZero() {
		t.Errorf("%v; want ErrNoAnswer", err)
	}
	if stateOf(t, slave) != before {
		t.Error("the terminal is not as it was")
	}
}

// A signal while the echo is off leaves no dumb terminal behind.
func TestAskSecretStopped(t *testing.T) {
	_, slave := openPTY(t)
	before := stateOf(t, slave)
	cause := errors.New("stopped by a signal")
	ctx, cancel := context.WithCancelCause(context.Background())
	w := &typist{asked: func() {
		go func() {
			for stateOf(t, slave) == before { // until the echo is off
				if ctx.Err() != nil {
					return
				}
			}
			cancel(cause)
		}()
	}}
	if got, err := AskSecret(ctx, slave, w, "q"); !errors.Is(err, cause) || !got.IsZero() {
		t.Errorf("%v; want the cause", err)
	}
	if stateOf(t, slave) != before {
		t.Error("the terminal is not as it was")
	}
}
