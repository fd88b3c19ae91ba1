package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// desk is an App whose stderr can be read.
func desk(environ ...string) (*App, *bytes.Buffer) {
	var stderr bytes.Buffer
	return &App{
		Stdin: strings.NewReader(""), Stdout: new(bytes.Buffer), Stderr: &stderr, Environ: environ, answer: new(bytes.Buffer),
		Now: func() time.Time { return testNow }, command: "xeroauth test",
	}, &stderr
}

var testNow = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

func TestEncodeJSON(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"plain", "Demo Company (AU)", `"Demo Company (AU)"`},
		{"quotes and backslash", `a"b\c`, `"a\"b\\c"`},
		{"escape", "\x1b[31m", `"\u001b[31m"`},
		{"line break", "a\r\nb", `"a\r\nb"`},
		{"DEL", "a\x7fb", `"a\u007fb"`},
		{"C1", "a\u009bb\u0085", `"a\u009bb\u0085"`},
		{"right to left", "a\u202eb\u2066c\u200f\u061c", `"a\u202eb\u2066c\u200f\u061c"`},
		{"line and paragraph separators", "a\u2028b\u2029", `"a\u2028b\u2029"`},
		{"HTML is not JSON's business", "<b>&</b>", `"<b>&</b>"`},
		{"letters of the world", "東京 é 🦊", `"東京 é 🦊"`},
		{"broken UTF-8", "a\xffb", `"a` + "\uFFFD" + `b"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := encodeJSON(tt.text, "")
			// Go's encoder writes the replacement as an escape.
			if s := strings.ReplaceAll(string(got), `\ufffd`, "\uFFFD"); err != nil || s != tt.want+"\n" {
				t.Errorf("%s, %v; want %s", got, err, tt.want)
			}
			var back string
			if err := json.Unmarshal(got, &back); err != nil || back != strings.ToValidUTF8(tt.text, "\uFFFD") {
				t.Errorf("it comes back as %q, %v", back, err)
			}
		})
	}
	t.Run("keys too, and indented", func(t *testing.T) {
		got, err := encodeJSON(map[string]any{"a\u202e": []int{1}}, "  ")
		if want := "{\n  \"a\\u202e\": [\n    1\n  ]\n}\n"; err != nil || string(got) != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	})
}

func TestSpan(t *testing.T) {
	tests := []struct {
		d    time.Duration
		want string
	}{
		{0, "0 seconds"}, {time.Second, "1 second"}, {29 * time.Second, "29 seconds"}, {89 * time.Second, "89 seconds"},
		{90 * time.Second, "2 minutes"}, {29*time.Minute + 40*time.Second, "30 minutes"}, {89 * time.Minute, "89 minutes"},
		{90 * time.Minute, "2 hours"}, {35 * time.Hour, "35 hours"}, {36 * time.Hour, "2 days"}, {60 * 24 * time.Hour, "60 days"},
	}
	for _, tt := range tests {
		t.Run(tt.d.String(), func(t *testing.T) {
			if got := span(tt.d); got != tt.want {
				t.Errorf("%q; want %q", got, tt.want)
			}
		})
	}
}

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		name, text string
		want       time.Duration
		ok         bool
	}{
		{"days", "30d", 30 * day, true}, {"no days", "0d", 0, true}, {"hours", "12h", 12 * time.Hour, true},
		{"mixed", "1h30m", 90 * time.Minute, true}, {"seconds", "90s", 90 * time.Second, true}, {"nothing", "0", 0, true},
		{"most days", "65535d", 65535 * day, true}, {"too many days", "65536d", 0, false}, {"days and hours", "1d12h", 0, false},
		{"a part of a day", "1.5d", 0, false}, {"negative days", "-1d", 0, false}, {"plus", "+1d", 0, false}, {"negative", "-5m", 0, false},
		{"no unit", "30", 0, false}, {"a word", "soon", 0, false}, {"only the unit", "d", 0, false}, {"spaces", " 1d", 0, false}, {"empty", "", 0, false},
		{"beyond what there is", "9999999h", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseDuration(tt.text)
			if got != tt.want || (err == nil) != tt.ok || err != nil && !errors.Is(err, errDuration) {
				t.Errorf("parseDuration(%q) = %s, %v; want %s, %t", tt.text, got, err, tt.want, tt.ok)
			}
		})
	}
}

// Every line has the prefix, and is one line whatever stands in it.
func TestLines(t *testing.T) {
	tests := []struct {
		name    string
		quiet   bool
		verbose bool
		want    string
	}{
		{"by default", false, false, "xeroauth: said\nxeroauth: warning: warned\nxeroauth: hint: hinted\n"},
		{"quiet", true, false, "xeroauth: warning: warned\n"},
		{"verbose", false, true, "xeroauth: said\nxeroauth: warning: warned\nxeroauth: hint: hinted\nxeroauth: trace: traced\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, stderr := desk()
			a.flags.quiet, a.flags.verbose = tt.quiet, tt.verbose
			a.say("said")
			a.warn("warned")
			a.hint("hinted")
			a.trace("traced")
			if stderr.String() != tt.want {
				t.Errorf("%q; want %q", stderr, tt.want)
			}
		})
	}
	t.Run("hostile text", func(t *testing.T) {
		a, stderr := desk()
		a.warn("%s", "a\x1b[2J\u202eb\r\nxeroauth: c")
		if want := "xeroauth: warning: a[2Jb; xeroauth: c\n"; stderr.String() != want {
			t.Errorf("%q; want %q", stderr, want)
		}
	})
	t.Run("joined errors", func(t *testing.T) {
		a, stderr := desk()
		a.warn("%v", errors.Join(errors.New("one"), errors.New("two")))
		if want := "xeroauth: warning: one; two\n"; stderr.String() != want {
			t.Errorf("%q; want %q", stderr, want)
		}
	})
}

func TestColours(t *testing.T) {
	tests := []struct {
		name, flag string
		env        []string
		want       bool
	}{
		{"no terminal", "auto", nil, false},
		{"always", "always", nil, true},
		{"always beats NO_COLOR", "always", []string{"NO_COLOR=1"}, true},
		{"never beats CLICOLOR_FORCE", "never", []string{"CLICOLOR_FORCE=1"}, false},
		{"CLICOLOR_FORCE", "auto", []string{"CLICOLOR_FORCE=1"}, true},
		{"CLICOLOR_FORCE=0", "auto", []string{"CLICOLOR_FORCE=0"}, false},
		{"NO_COLOR beats CLICOLOR_FORCE", "auto", []string{"NO_COLOR=1", "CLICOLOR_FORCE=1"}, false},
		{"NO_COLOR empty is unset", "auto", []string{"NO_COLOR=", "CLICOLOR_FORCE=1"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, stderr := desk(tt.env...)
			a.flags.color = tt.flag
			a.warn("x")
			if got := strings.Contains(stderr.String(), "\x1b["); got != tt.want || !strings.Contains(stderr.String(), "warning: ") {
				t.Errorf("%q; want colours: %t", stderr, tt.want)
			}
		})
	}
}

func TestShortTime(t *testing.T) {
	if shortTime(time.Time{}) != nil {
		t.Error("an unknown time is not null")
	}
	at := time.Date(2026, 11, 21, 22, 30, 0, 999, time.FixedZone("NZDT", 13*3600))
	if got, err := encodeJSON(shortTime(at), ""); err != nil || string(got) != "\"2026-11-21T09:30:00Z\"\n" {
		t.Errorf("%s, %v; want whole seconds in UTC", got, err)
	}
}

func TestEnvironment(t *testing.T) {
	a, _ := desk("A=1", "A=2", "EMPTY=", "XERO_CLIENT_SECRET=s", "XEROAUTH_FILE_KEY=k", "XEROAUTH_SESSION=x", "XEROAUTH_WRITEBACK=w", "XERO_CLIENT_ID=id", "B=x=y")
	for name, want := range map[string]string{"A": "2", "EMPTY": "", "MISSING": "", "B": "x=y", "XERO_CLIENT_ID": "id"} {
		if got := a.env(name); got != want {
			t.Errorf("env(%s) = %q; want %q", name, got, want)
		}
	}
	if got := fmt.Sprint(a.environWithoutSecrets()); got != "[A=1 A=2 EMPTY= XERO_CLIENT_ID=id B=x=y]" {
		t.Errorf("children get %s", got)
	}
}
