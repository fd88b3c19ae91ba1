// Package term is the only one that touches the terminal: it asks, hides what
// is typed, and takes out of text from outside what a terminal would obey.
package term

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	xterm "golang.org/x/term"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// IsTerminal reports whether stream is a terminal; what has no file descriptor
// is none.
func IsTerminal(stream any) bool {
	f, ok := stream.(interface{ Fd() uintptr })
	return ok && xterm.IsTerminal(int(f.Fd()))
}

// ErrNoAnswer says that the input ended before an answer.
var ErrNoAnswer = errors.New("the input ended before an answer")

// Ask prints question to out and returns the line typed, without its end. It
// returns ctx's cause when ctx ends first.
func Ask(ctx context.Context, in io.Reader, out io.Writer, question string) (string, error) {
	fmt.Fprint(out, question)
	line, err := await(ctx, func() (string, error) {
		line, err := bufio.NewReader(in).ReadString('\n')
		if err != nil && line == "" {
			return "", ErrNoAnswer
		}
		return strings.TrimRight(line, "\r\n"), nil
	})
	if err != nil {
		fmt.Fprintln(out)
	}
	return line, err
}

// AskSecret is Ask without echo. The terminal is restored on every way out.
func AskSecret(ctx context.Context, in *os.File, out io.Writer, question string) (secret.Text, error) {
	fd := int(in.Fd())
	before, err := xterm.GetState(fd)
	if err != nil {
		return secret.Text{}, err
	}
	defer holdTerminal(fd, func() { _ = xterm.Restore(fd, before) })()
	fmt.Fprint(out, question)
	defer fmt.Fprintln(out)
	text, err := await(ctx, func() (string, error) {
		line, err := readHidden(in)
		if errors.Is(err, io.EOF) {
			err = ErrNoAnswer
		}
		return strings.TrimSpace(line), err
	})
	return secret.New(text), err
}

// await runs a read that cannot be stopped, and leaves it behind when ctx ends.
func await(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := read()
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
