package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/fatih/color"

	"github.com/xeroauth/xeroauth/internal/term"
)

const prefix = "xeroauth: "

// say tells a person something on stderr, one line with the program's prefix.
// Text from outside must have gone through term.Clean.
func (a *App) say(format string, args ...any) {
	if !a.flags.quiet {
		a.line("", format, args...)
	}
}

// warn is say for what --quiet must not hide.
func (a *App) warn(format string, args ...any) { a.line("warning: ", format, args...) }

// hint is advice, a whole command where there is one.
func (a *App) hint(format string, args ...any) {
	if !a.flags.quiet {
		a.line("hint: ", format, args...)
	}
}

// trace tells what -v asks for. Nothing secret may be among args.
func (a *App) trace(format string, args ...any) {
	if a.flags.verbose {
		a.line("trace: ", format, args...)
	}
}

func (a *App) line(label, format string, args ...any) {
	text := prefix + a.paint(label) + oneLine(fmt.Sprintf(format, args...)) + "\n"
	if a.waiting != nil {
		a.waiting.say(text)
		return
	}
	fmt.Fprint(a.Stderr, text)
}

// oneLine makes joined errors one line, and takes out what a terminal would
// obey.
func oneLine(text string) string {
	return term.Strip(strings.ReplaceAll(strings.TrimSpace(text), "\n", "; "))
}

// paint colours a label. It looks at stderr, where the labels go: the colour
// library by itself looks at stdout only.
func (a *App) paint(label string) string {
	attribute, ok := map[string]color.Attribute{
		"error: ": color.FgRed, "warning: ": color.FgYellow, "hint: ": color.FgCyan, "trace: ": color.Faint,
	}[label]
	if !ok || !a.colorsOn(a.Stderr) {
		return label
	}
	c := color.New(attribute)
	c.EnableColor()
	return c.Sprint(label)
}

// colorsOn reports whether a stream gets colours. Each is judged by itself: the
// one may be a terminal and the other a file.
func (a *App) colorsOn(stream any) bool {
	switch {
	case a.flags.color == "always":
		return true
	case a.flags.color == "never", a.env("NO_COLOR") != "":
		return false
	case a.env("CLICOLOR_FORCE") != "" && a.env("CLICOLOR_FORCE") != "0":
		return true
	}
	return term.IsTerminal(stream) && a.env("TERM") != "dumb"
}

// print adds to the answer. Text from outside must have gone through
// term.Clean.
func (a *App) print(format string, args ...any) { fmt.Fprintf(a.answer, format, args...) }

// printJSON adds v to the answer, indented.
func (a *App) printJSON(v any) error {
	b, err := encodeJSON(v, "  ")
	if err == nil {
		a.answer.Write(b)
	}
	return err
}

// encodeJSON is encoding/json, except that what a terminal would obey is
// escaped as well: DEL, C1 and direction marks. It ends with a newline.
func encodeJSON(v any, indent string) ([]byte, error) {
	var raw bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, r := range raw.String() {
		// Control characters below 0x20 are escaped already: those left are
		// JSON's own line ends.
		if r >= 0x20 && term.Hostile(r) {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.Bytes(), nil
}

// shortTime is a time as JSON has it: RFC 3339 in UTC, null when unknown.
func shortTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

// span is a duration for people: the largest unit that gives at least two,
// rounded to the nearest.
func span(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		noun   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if d >= 2*unit.length-unit.length/2 {
			return plural(int(d.Round(unit.length)/unit.length), unit.noun)
		}
	}
	return plural(int(d.Round(time.Second)/time.Second), "second")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
