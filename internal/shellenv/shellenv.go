// Package shellenv writes variables as text that a shell or another reader of
// environments takes over. It promises that each reader gets exactly the value
// that was given, and that a value which a reader cannot be given that way is
// an error, not another value. It touches no environment and no file.
package shellenv

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Var is one variable.
type Var struct{ Name, Value string }

// ValueError says that a value cannot be written in a format. It does not
// repeat the value, which may be a secret.
type ValueError struct{ Name, Format, Why string }

func (e *ValueError) Error() string {
	return fmt.Sprintf("the value of %s cannot be written as %s: %s", e.Name, e.Format, e.Why)
}

// Sh writes for POSIX shells: dash, bash, zsh, ksh.
func Sh(vars []Var) (string, error) {
	// Between single quotes nothing is special but the quote itself (POSIX
	// 2.2.2), which is written outside of them.
	return lines("sh", vars, anything, func(v Var) string {
		return "export " + v.Name + "='" + strings.ReplaceAll(v.Value, "'", `'\''`) + "'"
	})
}

// Fish writes for fish, whose single quotes know two escapes: \' and \\.
func Fish(vars []Var) (string, error) {
	return lines("fish", vars, anything, func(v Var) string {
		return "set -gx " + v.Name + " '" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(v.Value) + "'"
	})
}

// PowerShell writes for PowerShell, one whole statement a line, so that
// Invoke-Expression takes it line by line from a pipe. A value with a line
// break is therefore an error. Older versions than 7.5 take an empty value as
// no variable at all.
func PowerShell(vars []Var) (string, error) {
	// A single-quoted string ends at any of five quotes and holds one where it
	// stands twice (about_Quoting_Rules): typographic ones are quotes there too.
	double := strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛")
	return lines("powershell", vars, oneLine, func(v Var) string {
		return "$env:" + v.Name + " = '" + double.Replace(v.Value) + "'"
	})
}

// Dotenv writes NAME=VALUE without quotes, because the readers of such files
// disagree on them: docker run --env-file takes them as part of the value,
// node --env-file takes them away. A value that they would read differently is
// an error.
func Dotenv(vars []Var) (string, error) {
	return lines("dotenv", vars, plain, func(v Var) string { return v.Name + "=" + v.Value })
}

// lines writes one statement for each variable, after checking all of them.
func lines(format string, vars []Var, fits func(value string) string, write func(Var) string) (string, error) {
	var b strings.Builder
	for _, v := range vars {
		if err := check(format, v, fits); err != nil {
			return "", err
		}
		b.WriteString(write(v) + "\n")
	}
	return b.String(), nil
}

// check refuses names that are none in some shell, and values that do not fit;
// fits says why, or nothing.
func check(format string, v Var, fits func(value string) string) error {
	if !validName(v.Name) {
		return fmt.Errorf("%q is no name of a variable", v.Name)
	}
	why := fits(v.Value)
	if strings.ContainsRune(v.Value, 0) {
		why = "it holds a NUL, and no environment can"
	}
	if why != "" {
		return &ValueError{Name: v.Name, Format: format, Why: why}
	}
	return nil
}

func validName(name string) bool {
	for i, r := range name {
		if r != '_' && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

func anything(string) string { return "" }

func oneLine(value string) string {
	if strings.ContainsAny(value, "\r\n") {
		return "it holds a line break"
	}
	return ""
}

// plain refuses what node and Docker do not both take as it stands: node cuts
// at #, trims spaces and takes quotes away; Docker wants UTF-8.
func plain(value string) string {
	switch {
	case !utf8.ValidString(value):
		return "it is not UTF-8"
	case strings.ContainsFunc(value, unicode.IsControl):
		return "it holds a line break or another control character"
	case strings.TrimSpace(value) != value:
		return "it begins or ends with a space"
	case strings.Contains(value, "#"):
		return "it holds a #, which begins a comment"
	case value != "" && strings.ContainsRune("\"'`", rune(value[0])):
		return "it begins with a quote"
	}
	return ""
}
