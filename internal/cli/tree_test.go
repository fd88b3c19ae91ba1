package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/keychain"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// walk calls f with every command that a person can run.
func walk(root *cobra.Command, f func(*cobra.Command)) {
	f(root)
	for _, c := range root.Commands() {
		if !c.Hidden {
			walk(c, f)
		}
	}
}

func testRoot() *cobra.Command {
	a, _ := desk()
	root := newRootCmd(a)
	root.InitDefaultHelpCmd()
	return root
}

func TestHelpTexts(t *testing.T) {
	n := 0
	walk(testRoot(), func(c *cobra.Command) {
		n++
		first, _ := utf8.DecodeRuneInString(c.Short)
		if !unicode.IsUpper(first) || strings.HasSuffix(c.Short, ".") || strings.Contains(c.Short, "\n") || len(c.Short) > 72 {
			t.Errorf("%s: Short is %q; want one short line with a capital and no full stop", c.CommandPath(), c.Short)
		}
		for line := range strings.Lines(viewHelp(c).Long) {
			if line = strings.TrimRight(line, "\n"); utf8.RuneCountInString(line) > 90 || strings.TrimRight(line, " ") != line {
				t.Errorf("%s: a line of Long is too long or ends in spaces: %q", c.CommandPath(), line)
			}
		}
		if !c.Runnable() { // a help topic
			if len(viewHelp(c).Long) < 200 {
				t.Errorf("the topic %s says next to nothing", c.Name())
			}
			return
		}
		if c.Example == "" {
			t.Errorf("%s has no Example", c.CommandPath())
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if first, _ := utf8.DecodeRuneInString(f.Usage); f.Usage == "" || unicode.IsUpper(first) && !strings.HasPrefix(f.Usage, "UN") || strings.HasSuffix(f.Usage, ".") {
				t.Errorf("%s --%s: %q is no usage text", c.CommandPath(), f.Name, f.Usage)
			}
		})
	})
	if n < 20 {
		t.Errorf("only %d commands were found", n)
	}
}

// Every command that is promised is there, and every topic.
func TestCommandsExist(t *testing.T) {
	root := testRoot()
	for _, path := range []string{
		"login", "logout", "refresh", "status", "tenants", "tenants list", "tenants use", "tenants disconnect", "header", "token",
		"exec", "export", "seed", "seed github", "seed exec", "seed stdout",
		"profiles", "profiles list", "profiles show", "profiles use", "profiles remove", "profiles move",
		"doctor", "sandbox", "demo", "completion", "version", "help",
		"environment", "exit-codes", "ci", "security",
	} {
		c, rest, err := root.Find(strings.Fields(path))
		if err != nil || len(rest) != 0 || c.CommandPath() != "xeroauth "+path {
			t.Errorf("%s: %v, %q", path, err, rest)
		}
	}
}

// shellWords splits a line of an Example as a shell does, as far as they need
// it: quotes, and the end at a pipe, a redirection or a comment.
func shellWords(line string) []string {
	var words []string
	var word strings.Builder
	quote, open := rune(0), false
	flush := func() {
		if open {
			words = append(words, word.String())
		}
		word.Reset()
		open = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, open = r, true
		case r == ' ':
			flush()
		case strings.ContainsRune("|<>#;&)", r) && (!open || r != '#'):
			flush()
			return words
		default:
			word.WriteRune(r)
			open = true
		}
	}
	flush()
	return words
}

// What stands in an Example can be pasted: the command and its flags exist,
// and take such arguments.
func TestExamplesParse(t *testing.T) {
	walk(testRoot(), func(c *cobra.Command) {
		for line := range strings.Lines(c.Example) {
			line = strings.TrimSpace(line)
			if _, inner, ok := strings.Cut(line, "$("); ok {
				line = inner
			}
			words := shellWords(line)
			if len(words) == 0 || words[0] != "xeroauth" {
				t.Errorf("%s: %q does not begin with xeroauth", c.CommandPath(), line)
				continue
			}
			root := testRoot()
			found, rest, err := root.Find(words[1:])
			if err != nil {
				t.Errorf("%s: %q: %v", c.CommandPath(), line, err)
				continue
			}
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("%s: %q: %v", c.CommandPath(), line, err)
				continue
			}
			if err := found.ValidateArgs(found.Flags().Args()); err != nil {
				t.Errorf("%s: %q: %v", c.CommandPath(), line, err)
			}
		}
	})
}

// memoryKeychain is a keychain in a map.
func memoryKeychain(values map[string]secret.Text) func(keychain.Config) store.Store {
	return func(c keychain.Config) store.Store {
		return &store.Local{
			StoreName: keychain.Name, Locks: c.Locks,
			Get: func(_ context.Context, account string) (secret.Text, error) {
				if v, ok := values[account]; ok {
					return v, nil
				}
				return secret.Text{}, store.ErrNotFound
			},
			Set: func(_ context.Context, account string, v secret.Text) error { values[account] = v; return nil },
			Remove: func(_ context.Context, account string) error {
				delete(values, account)
				return nil
			},
		}
	}
}

// fresh is the desk on a machine where nobody has logged in.
func fresh(t *testing.T) (a *App, stdout, stderr *bytes.Buffer) {
	t.Helper()
	dir := testdir.New(t)
	a, stderr = desk("XEROAUTH_CONFIG_DIR="+filepath.Join(dir, "config"), "CI=1", "BROWSER=none")
	stdout = new(bytes.Buffer)
	a.Stdout, a.Build.Version = stdout, "1.2.3"
	a.Pause = func(context.Context, time.Duration) {}
	a.LockDir = func() (string, error) { return filepath.Join(dir, "locks"), nil }
	a.Keychain = memoryKeychain(map[string]secret.Text{})
	return a, stdout, stderr
}

// A command that fails prints nothing on stdout, so that a pipe into curl
// fails closed; with --json the error is one object on the last line.
func TestFailuresPrintNothing(t *testing.T) {
	tests := []struct {
		line string
		exit int
	}{
		{"header", exitLogin}, {"header --api", exitLogin}, {"header --tenant X", exitLogin}, {"token", exitLogin},
		{"tenants", exitLogin}, {"tenants list", exitLogin}, {"tenants use X", exitLogin}, {"tenants disconnect X", exitLogin},
		{"refresh", exitLogin}, {"logout", exitLogin}, {"logout --revoke -y", exitLogin}, {"profiles show", exitLogin}, {"profiles use x", exitLogin},
		{"profiles remove x -y", exitLogin}, {"profiles move x --store plain", exitLogin},
		{"login", exitUsage}, {"login --client-id", exitUsage}, {"login --app x", exitUsage}, {"login --port 99999", exitUsage},
		{"login --client-id X --scopes @nothing", exitUsage}, {"login --client-id X --redirect-uri http://127.0.0.1/", exitUsage},
		{"login --client-id X --authority http://example.com", exitUsage}, {"login --timeout 0s", exitUsage},
		{"login --client-id X --scopes app.connections", exitUsage}, {"login --client-id X --scopes offline_acess", exitUsage},
		{"login --app public --client-secret-stdin", exitUsage}, {"login --port 1 --redirect-uri http://localhost:2/", exitUsage},
		{"login --app web --client-id X", exitUsage}, {"login --client-id X --store nowhere", exitUsage},
		{"header --min-ttl 26m", exitUsage}, {"header --min-ttl -1s", exitUsage}, {"header extra", exitUsage}, {"header --nothing", exitUsage},
		{"header --color mauve", exitUsage}, {"header -p UPPER", exitUsage}, {"header -p con", exitUsage}, {"header -p ../x", exitUsage},
		{"token --with-refresh-token", exitUsage}, {"tenants use", exitUsage}, {"tenants use a b", exitUsage}, {"tenants lst", exitUsage},
		{"profiles use", exitUsage}, {"profiles nothing", exitUsage}, {"refresh --if-older-than soon", exitUsage}, {"refresh --all -p x", exitUsage},
		{"loginn", exitUsage}, {"help nothing", exitUsage}, {"sandbox --grace x", exitUsage}, {"version extra", exitUsage},
		{"header --custom-connection", exitUsage},
		{"seed github", exitUsage}, {"seed github --repo x", exitUsage}, {"seed github --repo o/r", exitUsage}, {"seed exec", exitUsage}, {"seed stdout", exitLogin}, {"seed nothing", exitUsage},
		{"exec", exitUsage}, {"exec --", exitUsage}, {"exec x version", exitUsage}, {"exec --min-ttl 26m -- x", exitUsage}, {"exec --tenant= -- x", exitUsage},
		{"exec --keep-env PATH -- x", exitUsage}, {"exec -- " + os.Args[0], exitLogin}, {"exec -- no-such-program-anywhere", exitNoProgram},
		{"export", exitUsage}, {"export --format", exitUsage}, {"export --format cmd", exitUsage}, {"export --format github", exitUsage},
		{"export --format sh", exitLogin}, {"export --format sh extra", exitUsage},
	}
	for _, tt := range tests {
		for _, asJSON := range []bool{false, true} {
			name := tt.line
			args := strings.Fields(tt.line)
			if asJSON {
				// Before the rest of the line: what follows -- is not ours.
				name, args = name+", in JSON", slices.Insert(args, 1, "--json")
			}
			if asJSON && (tt.line == "refresh" || tt.line == "export" || tt.line == "export --format sh" || tt.line == "token --with-refresh-token") {
				continue // a state that is reported; no failure of that kind
			}
			t.Run(name, func(t *testing.T) {
				a, stdout, stderr := fresh(t)
				exit := Run(t.Context(), a, args)
				if exit != tt.exit || stdout.Len() != 0 {
					t.Errorf("exit %d, stdout %q; want %d and nothing\n%s", exit, stdout, tt.exit, stderr)
				}
				lines := strings.Split(strings.TrimRight(stderr.String(), "\n"), "\n")
				if !asJSON {
					if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "xeroauth: error: ") }) {
						t.Errorf("no error is told: %q", stderr)
					}
					return
				}
				var object struct {
					Error struct{ Code, Message, Hint *string }
				}
				if err := json.Unmarshal([]byte(lines[len(lines)-1]), &object); err != nil || object.Error.Code == nil || *object.Error.Code != codes[tt.exit] ||
					object.Error.Message == nil || *object.Error.Message == "" || object.Error.Hint == nil {
					t.Errorf("the last line is %q, %v", lines[len(lines)-1], err)
				}
			})
		}
	}
}

// Commands that report a state print it whatever their exit code.
func TestStatesAreReported(t *testing.T) {
	for _, line := range []string{"status", "status --json", "refresh --json"} {
		t.Run(line, func(t *testing.T) {
			a, stdout, _ := fresh(t)
			if exit := Run(t.Context(), a, strings.Fields(line)); exit != exitLogin || stdout.Len() == 0 {
				t.Errorf("exit %d, stdout %q; want 4 and a state", exit, stdout)
			}
		})
	}
}

// brokenPipe is a stdout that nobody reads.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// An answer that did not arrive is no success.
func TestAnswerLost(t *testing.T) {
	for _, line := range []string{"version", "profiles --json", "help", "help exit-codes", "--version"} {
		t.Run(line, func(t *testing.T) {
			a, _, stderr := fresh(t)
			a.Stdout = brokenPipe{}
			if exit := Run(t.Context(), a, strings.Fields(line)); exit != exitFailure || !strings.Contains(stderr.String(), "writing the answer: broken pipe") {
				t.Errorf("exit %d, %q; want 1, and why", exit, stderr)
			}
		})
	}
}

// Help and version wake neither the keychain nor the folder of locks.
func TestHelpWakesNothing(t *testing.T) {
	for _, line := range []string{"", "--help", "help", "version", "--version", "login --help", "header --help", "help environment", "help --json", "profiles list", "completion bash", "__offer words header --tenant .", "__offer words -p .", "__offer words login --store ."} {
		t.Run("xeroauth "+line, func(t *testing.T) {
			a, stdout, stderr := fresh(t)
			a.Keychain = func(keychain.Config) store.Store { t.Error("the keychain was opened"); return nil }
			a.LockDir = func() (string, error) { t.Error("the folder of locks was looked for"); return "", errors.New("no") }
			if exit := Run(t.Context(), a, strings.Fields(line)); exit != exitOK || line != "profiles list" && stdout.Len() == 0 {
				t.Errorf("exit %d, stdout %q, %s", exit, stdout, stderr)
			}
		})
	}
}
