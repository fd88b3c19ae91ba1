package shellenv

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/xeroauth/xeroauth/internal/testdir"
)

// needPart skips where programs are missing, and fails where
// XEROAUTH_TEST_REQUIRE says that they must be there.
func needPart(t testing.TB, part string, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			lacksPart(t, part, p+" is not installed")
		}
	}
}

func lacksPart(t testing.TB, part, why string) {
	t.Helper()
	if strings.Contains(","+os.Getenv("XEROAUTH_TEST_REQUIRE")+",", ","+part+",") {
		t.Fatalf("the part %q is required: %s", part, why)
	}
	t.Skipf("the part %q is not here: %s", part, why)
}

// needNode is needPart for a node that knows --env-file, as 20.6 and later do.
func needNode(t testing.TB) {
	t.Helper()
	needPart(t, "node", "node")
	if help, err := exec.Command("node", "--help").Output(); err != nil || !bytes.Contains(help, []byte("--env-file")) {
		lacksPart(t, "node", "node is older than 20.6")
	}
}

// hostile are values that quoting gets wrong when it gets anything wrong. What
// the program really writes are tokens, UUIDs and numbers: the first four.
var hostile = []string{
	"", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln-_~+/=", "0a000000-0000-4000-8000-0000000000a1", "1700000000",
	"'", "''", `'\''`, "it's", `say "no"`, "`id`", "‘typographic’ ‚quotes‛", "“double” „ones“",
	"$HOME", "$(id)", "${PATH}", "$$", "$", "a$b", "!!", "!$", "^a^b",
	`\`, `\\`, `\'`, `a\nb`, `C:\Users\ada`, "ends in \\",
	"two\nlines", "\n", "ends\n", "\n\n\nbegins", "a\r\nb", "\r", "tab\tbed", "\x1b[31mred", "\x01\x7f",
	"%", "%0A", "%25", "100%s", "# not a comment", "a#b", "a # b", " spaces ", "\tx", "x ", "*", "~", "a b  c", "-n", "-e", "--", "a=b", "==",
	"export A=b", "; id", "&& id", "| id", "<(id)", "> /dev/null", "{a,b}", "[a-z]", "(", ")",
	"é", "東京", "🦊", "\u00a0", "\u2028", "\u202e", "\xff\xfe", "\x81\x82\x88", "caf\xe9",
	strings.Repeat("a", 8192), strings.Repeat(`'"$\%é`+"\n", 1024), "EOF", "<<EOF", "A<<B\nC\nB",
}

// readers run a real reader on the file $1, or the last argument, and print
// the environment that a child of it gets.
var readers = map[string][]string{
	"dash": {"dash", "-c", `eval "$(cat "$1")"; exec env -0`, "sh"},
	"bash": {"bash", "-c", `eval "$(cat "$1")"; exec env -0`, "sh"},
	"zsh":  {"zsh", "-fc", `eval "$(cat "$1")"; exec env -0`, "sh"},
	"fish": {"fish", "--no-config", "-c", `cat $argv[1] | source; env -0`},
	"node": {"node", "-e", `for (const [k, v] of Object.entries(process.env)) process.stdout.write(k + "=" + v + "\0")`},
	"pwsh": {"pwsh", "-NoProfile", "-NonInteractive", "-Command", `& { param($f) Get-Content -Encoding utf8 $f | Invoke-Expression; env -0 }`},
}

// named gives each value a variable of its own: V0, V1 and so on.
func named(values []string) (vars []Var) {
	for i, value := range values {
		vars = append(vars, Var{fmt.Sprintf("V%d", i), value})
	}
	return vars
}

// checkReader lets a real reader read what write makes of the values, all at
// once, and compares them.
func checkReader(t *testing.T, reader string, write func([]Var) (string, error), values ...string) {
	t.Helper()
	vars := named(values)
	text, err := write(vars)
	if err != nil {
		t.Fatal(err)
	}
	dir := testdir.New(t)
	file := filepath.Join(dir, "text")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	command := readers[reader]
	args := append(slices.Clone(command[1:]), file)
	if reader == "node" {
		args = append([]string{"--env-file=" + file}, command[1:]...)
	}
	cmd := exec.Command(command[0], args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: %v\n%s\nread: %q", reader, err, &stderr, text)
	}
	got := map[string]string{}
	for entry := range strings.SplitSeq(string(out), "\x00") {
		name, value, _ := strings.Cut(entry, "=")
		got[name] = value
	}
	for _, v := range vars {
		if value, ok := got[v.Name]; !ok || value != v.Value {
			t.Errorf("%s: %q came back as %q, %v", reader, v.Value, value, ok)
		}
	}
}

// readAsDocker reads variables as docker run --env-file does by its
// documentation: lines, # at the beginning of one for comments, white space
// before the name left out, and all after the first = is the value.
func readAsDocker(t *testing.T, text string) map[string]string {
	t.Helper()
	got := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line := strings.TrimLeftFunc(lines.Text(), unicode.IsSpace)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || !utf8.ValidString(line) || strings.ContainsFunc(name, unicode.IsSpace) {
			t.Fatalf("Docker refuses %q", line)
		}
		got[name] = value
	}
	if lines.Err() != nil {
		t.Fatalf("Docker refuses the file: %v", lines.Err())
	}
	return got
}

func checkDocker(t *testing.T, values ...string) {
	t.Helper()
	text, err := Dotenv(named(values))
	if err != nil {
		t.Fatal(err)
	}
	got := readAsDocker(t, text)
	for _, v := range named(values) {
		if value, ok := got[v.Name]; !ok || value != v.Value {
			t.Errorf("Docker: %q came back as %q, %v", v.Value, value, ok)
		}
	}
	if len(got) != len(values) {
		t.Errorf("Docker: %d variables, not %d", len(got), len(values))
	}
}

func TestRealShells(t *testing.T) {
	for _, shell := range []string{"dash", "bash", "zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			needPart(t, "shells", shell, "env")
			write := Sh
			if shell == "fish" {
				write = Fish
			}
			checkReader(t, shell, write, hostile...)
		})
	}
}

// maxValue is below what Linux allows in one variable (128 KiB) and Docker in
// one line (64 KiB).
const maxValue = 32 << 10

// FuzzSh: whatever the value, each POSIX shell gets it as it is.
func FuzzSh(f *testing.F) {
	needPart(f, "shells", "dash", "bash", "zsh", "env")
	f.Add(strings.Join(hostile, ""))
	f.Fuzz(func(t *testing.T, value string) {
		if len(value) > maxValue {
			return
		}
		if strings.ContainsRune(value, 0) {
			_, err := Sh(named([]string{value}))
			wantValueError(t, err, "sh")
			return
		}
		for _, shell := range []string{"dash", "bash", "zsh"} {
			checkReader(t, shell, Sh, value)
		}
	})
}

func wantValueError(t *testing.T, err error, format string) {
	t.Helper()
	var e *ValueError
	if !errors.As(err, &e) || e.Format != format || !validName(e.Name) || e.Why == "" {
		t.Errorf("%v; want an error that names variable, format and reason", err)
	}
}

// TestDotenv: node and Docker read the same value, the one that was given, or
// the value is refused.
func TestDotenv(t *testing.T) {
	needNode(t)
	var carried []string
	for _, value := range hostile {
		if _, err := Dotenv(named([]string{value})); err != nil {
			wantValueError(t, err, "dotenv")
			continue
		}
		carried = append(carried, value)
	}
	if len(carried) < 40 {
		t.Errorf("only %d of %d values are carried", len(carried), len(hostile))
	}
	checkReader(t, "node", Dotenv, carried...)
	checkDocker(t, carried...)
}

// Quotes inside, dollars, backslashes, percent signs, other alphabets and 8 KB
// are carried; what the two readers disagree on is not.
func TestDotenvRefuses(t *testing.T) {
	for _, value := range []string{"", hostile[1], hostile[2], hostile[3], `a"b'c`, "$HOME", `C:\x`, "100%", "é東京🦊", strings.Repeat("a", 8192), "a b", "a=b"} {
		if text, err := Dotenv(named([]string{value})); err != nil || text != "V0="+value+"\n" {
			t.Errorf("%.20q: %.40q, %v", value, text, err)
		}
	}
	for _, value := range []string{"a\nb", "a\rb", "a\x00b", "a#b", " a", "a ", "a\u00a0", `"a"`, "'a'", "`a`", "\xff", "\x1b[0m", "a\u0085b"} {
		text, err := Dotenv(named([]string{value}))
		wantValueError(t, err, "dotenv")
		if text != "" || err != nil && len(value) > 2 && strings.Contains(err.Error(), value) {
			t.Errorf("%q: %q, %v; want nothing, and an error that does not repeat the value", value, text, err)
		}
	}
}

// FuzzDotenv: node and Docker get the value as it is, or it is refused.
func FuzzDotenv(f *testing.F) {
	needNode(f)
	for _, value := range []string{"", "$a`b\\c\"d'e%f", "東京", "a b=c", "a#b", "'a'", "a\nb"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if len(value) > maxValue {
			return
		}
		if _, err := Dotenv(named([]string{value})); err != nil {
			wantValueError(t, err, "dotenv")
			return
		}
		checkReader(t, "node", Dotenv, value)
		checkDocker(t, value)
	})
}

// readAsPowerShell reads one line by the rules of about_Quoting_Rules: a
// single-quoted string ends at a single quote of any kind that is not doubled.
func readAsPowerShell(t *testing.T, line string) string {
	t.Helper()
	rest, ok := strings.CutPrefix(line, "$env:V = '")
	if !ok || strings.Count(line, "\n") != 1 {
		t.Fatalf("%q is not one statement", line)
	}
	var value strings.Builder
	runes := []rune(rest)
	isQuote := func(i int) bool { return i < len(runes) && strings.ContainsRune("'‘’‚‛", runes[i]) }
	for i := 0; i < len(runes); i++ {
		if isQuote(i) {
			if !isQuote(i + 1) {
				if after := string(runes[i+1:]); after != "\n" {
					t.Fatalf("%q goes on after its string with %q", line, after)
				}
				return value.String()
			}
			i++
		}
		value.WriteRune(runes[i])
	}
	t.Fatalf("%q does not end", line)
	return ""
}

func TestPowerShell(t *testing.T) {
	var carried []string
	for _, value := range hostile {
		text, err := PowerShell([]Var{{"V", value}})
		if strings.ContainsAny(value, "\r\n") {
			wantValueError(t, err, "powershell")
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", value, err)
			continue
		}
		if !utf8.ValidString(value) {
			continue // PowerShell's strings are Unicode
		}
		if got := readAsPowerShell(t, text); got != value {
			t.Errorf("%q came back as %q", value, got)
		}
		if value != "" && !strings.ContainsFunc(value, unicode.IsControl) {
			carried = append(carried, value)
		}
	}
	t.Run("pwsh", func(t *testing.T) {
		needPart(t, "pwsh", "pwsh")
		checkReader(t, "pwsh", PowerShell, carried...)
	})
}

// Names are checked as well: none can smuggle a statement in.
func TestNames(t *testing.T) {
	for _, name := range []string{"", "1A", "A B", "A=B", "A;id", "A\n", "é", "A-B", "$(id)", "A<<B"} {
		for format, write := range map[string]func([]Var) (string, error){
			"sh": Sh, "fish": Fish, "powershell": PowerShell, "dotenv": Dotenv,
			"github": func(v []Var) (string, error) { return GitHubEnv(v, "D") },
		} {
			if text, err := write([]Var{{"GOOD", "x"}, {name, "x"}}); err == nil || text != "" {
				t.Errorf("%s takes the name %q: %q", format, name, text)
			}
		}
	}
}
