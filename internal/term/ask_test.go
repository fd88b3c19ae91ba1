package term

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

func TestAsk(t *testing.T) {
	tests := []struct {
		name, in string
		answer   string
		err      error
		out      string
	}{
		{"a line", "yes\nmore\n", "yes", nil, "question? "},
		{"a line of Windows", "yes\r\n", "yes", nil, "question? "},
		{"spaces are part of it", "  yes \n", "  yes ", nil, "question? "},
		{"empty line", "\n", "", nil, "question? "},
		{"no line end", "yes", "yes", nil, "question? "},
		{"nothing", "", "", ErrNoAnswer, "question? \n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			answer, err := Ask(context.Background(), strings.NewReader(tt.in), &out, "question? ")
			if answer != tt.answer || !errors.Is(err, tt.err) || out.String() != tt.out {
				t.Errorf("%q, %v, %q; want %q, %v, %q", answer, err, out.String(), tt.answer, tt.err, tt.out)
			}
		})
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	in, feed := io.Pipe()
	defer feed.Close()
	cause := errors.New("stopped by a signal")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	var out bytes.Buffer
	if answer, err := Ask(ctx, in, &out, "q"); answer != "" || !errors.Is(err, cause) || out.String() != "q\n" {
		t.Errorf("%q, %v, %q; want the cause, and the line ended", answer, err, out.String())
	}
}

func TestIsTerminal(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for name, stream := range map[string]any{"pipe": r, "buffer": new(bytes.Buffer), "nil": nil, "nil file": (*bytes.Buffer)(nil)} {
		if IsTerminal(stream) {
			t.Errorf("a %s is taken for a terminal", name)
		}
	}
}

func TestAskSecretNeedsATerminal(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	var out bytes.Buffer
	if text, err := AskSecret(context.Background(), r, &out, "secret: "); err == nil || !text.IsZero() || out.Len() != 0 {
		t.Errorf("%v, %q; want an error and no question", err, out.String())
	}
}
