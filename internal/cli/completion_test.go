package cli

import (
	"bytes"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/keychain"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// completing is a desk with profiles and tenants, that fails if anybody asks
// for the keychain or the folder of locks.
func completing(t testing.TB, environ ...string) (a *App, stdout *bytes.Buffer) {
	t.Helper()
	dir := profile.Dir{Path: filepath.Join(testdir.New(t), "config")}
	a, _ = desk(append([]string{"XEROAUTH_CONFIG_DIR=" + dir.Path}, environ...)...)
	stdout = new(bytes.Buffer)
	a.Stdout = stdout
	a.Keychain = func(keychain.Config) store.Store { t.Error("the keychain was opened"); return nil }
	a.LockDir = func() (string, error) { t.Error("the folder of locks was looked for"); return "", errors.New("no") }
	for _, p := range []profile.Profile{
		{Name: "acme", App: profile.Public, Store: keychain.Name, Tenant: idB},
		{Name: "default", App: profile.Web, Store: keychain.Name},
	} {
		if err := dir.Save(p); err != nil {
			t.Fatal(err)
		}
	}
	for name, tenants := range map[string][]profile.Tenant{
		"acme": {
			tenant(idA, "Acme $(id)\n`id`", ""), tenant(idB, "Beta\t\x1b[31m\u202e:x", ""), tenant(strings.ToUpper(idA), "Twice", ""),
			tenant("$(id)", "no id", ""), tenant("0a000000-0000-4000-8000-0000000000c9\nx", "two lines", ""), tenant("not-an-id", "A", ""), tenant(idC, "", ""),
		},
		"default": {tenant(idC, "Default's", "")},
	} {
		if err := dir.SaveTenants(name, tenants); err != nil {
			t.Fatal(err)
		}
	}
	return a, stdout
}

func TestOffer(t *testing.T) {
	const acme = idA + "\tAcme $(id)`id`\n" + idB + "\tBeta[31m:x (default)\n"
	tests := []struct {
		name    string
		environ []string
		args    []string
		want    string
	}{
		{"profiles", nil, []string{"words", "header", "-p", "."}, "none\nacme\ndefault\n"},
		{"profiles that begin so", nil, []string{"words", "header", "--profile", "d."}, "none\ndefault\n"},
		{"after an equals sign", nil, []string{"words", "header", "--profile=d."}, "none\n--profile=default\n"},
		{"profiles use", nil, []string{"words", "profiles", "use", "a."}, "none\nacme\n"},
		{"one argument is all", nil, []string{"words", "profiles", "use", "acme", "."}, "none\n"},
		{"tenants of the profile in the line", nil, []string{"words", "-p", "acme", "header", "--tenant", "."}, "none\n" + idC + "\n" + acme},
		{"tenants of the profile in the environment", []string{"XEROAUTH_PROFILE=acme"}, []string{"words", "header", "--tenant", "."}, "none\n" + idC + "\n" + acme},
		{"tenants of the profile in use", nil, []string{"words", "header", "--tenant", "."}, "none\n" + idC + "\tDefault's\n"},
		{"tenants use", nil, []string{"words", "tenants", "use", "-p", "acme", "0a000000-0000-4000-8000-0000000000a."}, "none\n" + idA + "\tAcme $(id)`id`\n"},
		{"tenants disconnect", nil, []string{"words", "tenants", "disconnect", "."}, "none\n" + idC + "\tDefault's\n"},
		{"tenants of a profile that is not there", nil, []string{"words", "header", "-p", "nobody", "--tenant", "."}, "none\n"},
		{"tenants of what is no profile", nil, []string{"words", "header", "-p", "../x", "--tenant", "."}, "none\n"},
		{"scopes", nil, []string{"words", "login", "--scopes", "@re."}, "none nospace\n@read\n"},
		{"a second scope", nil, []string{"words", "login", "--scopes", "openid,profile,o."}, "none nospace\nopenid,profile,offline_access\n"},
		{"no scope that is retired or not for people", nil, []string{"words", "login", "--scopes", "accounting.tr."}, "none nospace\n"},
		{"scopes behind what is no scope", nil, []string{"words", "login", "--scopes", "$(id),profi."}, "none nospace\n"},
		{"stores", nil, []string{"words", "login", "--store", "p."}, "none\nplain\tnot encrypted\n"},
		{"colours", nil, []string{"words", "--color", "a."}, "none\nauto\nalways\n"},
		{"files", nil, []string{"words", "login", "--client-secret-file", "."}, "files\n"},
		{"nothing", nil, []string{"words", "login", "--client-id", "."}, "none\n"},
		{"flags", nil, []string{"words", "header", "--ap."}, "none\n--api\tadd Xero-Tenant-Id and Accept: application/json\n"},
		{"commands", nil, []string{"words", "tok."}, "none\ntoken\tPrint the bare access token\n"},
		{"no hidden command", nil, []string{"words", "_."}, "none\n"},
		{"commands below", nil, []string{"words", "tenants", "d."}, "none\ndisconnect\tDisconnect one tenant from the app, at Xero\n"},
		{"topics", nil, []string{"words", "help", "exi."}, "none\nexit-codes\tWhat each exit code means\n"},
		{"help of commands below", nil, []string{"words", "help", "tenants", "u."}, "none\nuse\tMake a tenant the default\n"},
		{"shells", nil, []string{"words", "completion", "."}, "none\nbash\nzsh\nfish\npowershell\n"},
		{"a full stop that was typed", nil, []string{"words", "header", "-p", ".."}, "none\n"},

		{"a line", nil, []string{"line", "xeroauth header -p ", ""}, "none\nacme\ndefault\n"},
		{"a line with quotes", nil, []string{"line", "xeroauth header '-p' \"a", "a"}, "none\nacme\n"},
		{"bash keeps what is before =", nil, []string{"line", "xeroauth header --profile=a", "a"}, "none\nacme\n"},
		{"nothing typed behind =", nil, []string{"line", "xeroauth header --profile=", ""}, "none\nacme\ndefault\n"},
		{"bash without = as a break", nil, []string{"line", "xeroauth header --profile=a", "--profile=a"}, "none\n--profile=acme\n"},
		{"bash keeps what is before :", nil, []string{"line", "xeroauth login --redirect-uri http:", ""}, "none\n//localhost:8742/callback\n"},
		{"only the program", nil, []string{"line", "xeroauth ", ""}, "none\n" + commandOffers()},
		{"not even a space", nil, []string{"line", "xeroauth", "xeroauth"}, "none\n" + commandOffers()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, stdout := completing(t, tt.environ...)
			if exit := Run(t.Context(), a, append([]string{"__offer"}, tt.args...)); exit != exitOK || stdout.String() != tt.want {
				t.Errorf("exit %d\n%q\nwant\n%q", exit, stdout, tt.want)
			}
		})
	}
}

// commandOffers is what stands for the first word.
func commandOffers() string {
	var b strings.Builder
	for _, c := range testRoot().Commands() {
		if !c.Hidden && !isTopic(c) {
			b.WriteString(c.Name() + "\t" + c.Short + "\n")
		}
	}
	return b.String()
}

// No value that is offered says anything to a shell, whatever was typed.
func FuzzOffer(f *testing.F) {
	f.Add("header -p acme --tenant ", "0a")
	f.Add("login --scopes $(id),", "op")
	f.Add("header --tenant='a; id' --", "")
	app, _ := completing(f)
	f.Fuzz(func(t *testing.T, line, last string) {
		a, stdout := *app, new(bytes.Buffer)
		a.Stdout, a.Stderr = stdout, new(bytes.Buffer)
		if Run(t.Context(), &a, []string{"__offer", "line", "xeroauth " + line + last, last}) != exitOK {
			t.Fatal("it failed")
		}
		for i, offer := range strings.Split(strings.TrimSuffix(stdout.String(), "\n"), "\n") {
			value, _, _ := strings.Cut(offer, "\t")
			if i > 0 && value != "" && !fitsAnyShell(value) {
				t.Errorf("%q is offered", value)
			}
		}
	})
}

func TestBashWords(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		want       []string
	}{
		{"words", "a b  c", []string{"a", "b", "c"}}, {"a new word", "a b ", []string{"a", "b", ""}}, {"nothing", "", []string{""}},
		{"single quotes", `a 'b c' d`, []string{"a", "b c", "d"}}, {"double quotes", `a "b 'c" d`, []string{"a", "b 'c", "d"}},
		{"open quotes", `a 'b c`, []string{"a", "b c"}}, {"an empty word", `a '' b`, []string{"a", "", "b"}},
		{"escapes", `a b\ c \"d`, []string{"a", "b c", `"d`}}, {"escapes in double quotes", `"a\"b\c\$d"`, []string{`a"b\c$d`}}, {"none in single quotes", `'a\b'`, []string{`a\b`}},
		{"a line that goes on", "a\\\nb c", []string{"ab", "c"}}, {"an escape at the end", `a b\`, []string{"a", "b"}},
		{"nothing is expanded", "a $HOME $(id) `id` ~", []string{"a", "$HOME", "$(id)", "`id`", "~"}}, {"parts in quotes", `--x='a b'c`, []string{"--x=a bc"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := bashWords(tt.line); !slices.Equal(got, tt.want) {
				t.Errorf("%q; want %q", got, tt.want)
			}
		})
	}
}

func TestCompletionCommand(t *testing.T) {
	for shell, want := range map[string]string{
		"bash": "complete -o default -F _xeroauth xeroauth", "zsh": "#compdef xeroauth", "fish": "complete -c xeroauth",
		"powershell": "Register-ArgumentCompleter -Native", "pwsh": "Register-ArgumentCompleter -Native",
	} {
		t.Run(shell, func(t *testing.T) {
			a, stdout := completing(t)
			if exit := Run(t.Context(), a, []string{"completion", shell}); exit != exitOK || !strings.Contains(stdout.String(), want) {
				t.Errorf("exit %d, %q", exit, stdout)
			}
			// What evaluates text has no place in a script. The help tells how to
			// load it with such a word; the script itself does without.
			for _, word := range []string{"eval ", "Invoke-Expression", "iex ", "_describe"} {
				if strings.Contains(stdout.String(), word) {
					t.Errorf("the script has %q", word)
				}
			}
		})
	}
	t.Run("unknown", func(t *testing.T) {
		a, _, stderr := fresh(t)
		if exit := Run(t.Context(), a, []string{"completion", "tcsh"}); exit != exitUsage || !strings.Contains(stderr.String(), "choose one of: bash zsh fish powershell") {
			t.Errorf("exit %d, %q", exit, stderr)
		}
	})
}

// What completes belongs to commands and flags that exist, or that are
// completed once they do.
func TestCandidatesBelong(t *testing.T) {
	later := []string{"scopes", "exec", "seed exec", "format"}
	a, _ := desk()
	root := testRoot()
	for words := range a.argCandidates() {
		if c, rest, err := root.Find(strings.Fields(words)); (err != nil || len(rest) > 0 || !c.HasParent()) && !slices.Contains(later, words) {
			t.Errorf("there is no command %q", words)
		}
	}
	flags := map[string]bool{}
	walk(root, func(c *cobra.Command) {
		for _, f := range viewHelp(c).Flags {
			flags[f.Name] = true
		}
	})
	for _, name := range slices.Sorted(maps.Keys(a.flagCandidates())) {
		if !flags[name] && !slices.Contains(later, name) {
			t.Errorf("there is no flag --%s", name)
		}
	}
}
