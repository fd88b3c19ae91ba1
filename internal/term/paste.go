package term

import (
	"bytes"
	"context"
	"errors"
	"os"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// maxPaste is the most bytes of one pasted text.
const maxPaste = 16 << 10

// look is how long a wait for input lasts before it is asked whether to go on:
// a read that cannot be stopped would take what the next question is meant to
// get.
const look = 50 * time.Millisecond

var (
	// ErrInterrupt says that Ctrl-C was pressed while the terminal did not make
	// a signal of it.
	ErrInterrupt = errors.New("Ctrl-C was pressed")
	// ErrTooLong says that a pasted text is longer than 16 KB.
	ErrTooLong = errors.New("it is longer than 16 KB")
)

// Paste calls ready once nothing that is typed is shown any more, and hands to
// take each line that is typed or pasted into the terminal in, without its end,
// until ctx ends; then it returns nil. A line that is too long is handed on as
// ErrTooLong. Lines of any length come whole, which a terminal that edits lines
// itself does not grant. What was typed and not taken is thrown away, so that
// it cannot end in a shell. The terminal is restored on every way out. Errors:
// ErrInterrupt; ErrNoAnswer when the terminal is gone or belongs to another
// program.
func Paste(ctx context.Context, in *os.File, ready func(), take func(line secret.Text, err error)) error {
	if !inForeground(in) {
		return ErrNoAnswer // touching the terminal would stop this process
	}
	release, err := hush(in)
	if err != nil {
		return err
	}
	defer release()
	ready()
	var line pasted
	for ctx.Err() == nil {
		input, err := readSoon(in, look)
		if err != nil {
			return err
		}
		if bytes.IndexByte(input, ctrlC) >= 0 || bytes.IndexByte(input, ctrlBackslash) >= 0 {
			return ErrInterrupt
		}
		for _, b := range input {
			if line.add(b) {
				take(line.end())
			}
		}
	}
	return nil
}

// What the keys send that a terminal by itself would act on.
const (
	ctrlC         = 0x03
	backspace     = 0x08
	ctrlU         = 0x15
	ctrlBackslash = 0x1c
	del           = 0x7f
)

// pasted is a line as it comes.
type pasted struct {
	text    []byte
	tooLong bool
}

// add takes one byte and reports whether it ends the line.
func (p *pasted) add(b byte) bool {
	switch {
	case b == '\r' || b == '\n':
		return len(p.text) > 0 || p.tooLong // an Enter alone is no answer
	case b == ctrlU:
		*p = pasted{}
	case b == backspace || b == del:
		p.text = p.text[:max(len(p.text)-1, 0)]
	case len(p.text) == maxPaste:
		p.tooLong = true
	default:
		p.text = append(p.text, b)
	}
	return false
}

// end returns the line and begins another.
func (p *pasted) end() (secret.Text, error) {
	line := *p
	*p = pasted{}
	if line.tooLong {
		return secret.Text{}, ErrTooLong
	}
	for _, mark := range []string{"\x1b[200~", "\x1b[201~"} { // terminals put them around a paste, when told to
		line.text = bytes.ReplaceAll(line.text, []byte(mark), nil)
	}
	return secret.New(string(bytes.TrimSpace(line.text))), nil
}
