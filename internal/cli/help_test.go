package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/term"
)

func plain(s string) string { return s }

// Help keeps to 80 columns, but for examples, which are pasted whole; it tells
// all that the tree knows.
func TestHelpKeepsToItsWidth(t *testing.T) {
	walk(testRoot(), func(c *cobra.Command) {
		v := viewHelp(c)
		text := v.text(plain)
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if term.Cells(line) > helpWidth && !strings.Contains(v.Example, line) && !strings.Contains(line, "curl ") {
				t.Errorf("%s: %d columns: %q", v.Command, term.Cells(line), line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("%s: spaces at the end of %q", v.Command, line)
			}
		}
		if isTopic(c) {
			return
		}
		for _, want := range append([]string{v.Short, "\nUsage:\n  " + v.Usage + "\n", "\nExamples:\n" + v.Example + "\n", "\nExit codes (", "0 done"}, v.SeeAlso...) {
			if !strings.Contains(text, want) {
				t.Errorf("%s: its help lacks %q", v.Command, want)
			}
		}
		for _, f := range v.Flags {
			if !strings.Contains(text, f.spelt()) {
				t.Errorf("%s: its help lacks %s", v.Command, f.spelt())
			}
		}
		for _, x := range v.Environment {
			if squeezed := strings.Join(strings.Fields(text), " "); !strings.Contains(squeezed, x.Name) {
				t.Errorf("%s: its help lacks %s", v.Command, x.Name)
			}
		}
	})
}

// Headings are the one thing that colours add.
func TestHelpInColour(t *testing.T) {
	a, _ := desk()
	a.flags.color = "always"
	root := testRoot()
	v := viewHelp(root)
	painted := v.text(a.bold())
	if !strings.Contains(painted, "\x1b[1mUsage:\x1b[") {
		t.Errorf("no bold heading: %q", painted)
	}
	if got := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(painted, ""); got != v.text(plain) {
		t.Error("colours change the text")
	}
}

// Each command says what it works with, or stands below one that does.
func TestEveryCommandHasReference(t *testing.T) {
	all := references()
	walk(testRoot(), func(c *cobra.Command) {
		if isTopic(c) || c.Hidden {
			return
		}
		r, own := all[wordsOf(c)]
		if c.HasParent() && c.Parent() == c.Root() && (!own || !slices.Contains(groups(), r.group)) {
			t.Errorf("%s is in no group of references()", c.CommandPath())
		}
		if c.HasParent() && len(viewHelp(c).SeeAlso) == 0 {
			t.Errorf("%s has nothing to see also", c.CommandPath())
		}
	})
	known := ""
	for _, e := range exitCodes() {
		known += " " + e.uses
	}
	for _, v := range variables() {
		known += " " + v.uses
	}
	for name, r := range all {
		for _, word := range strings.Fields(r.uses) {
			if word != usesSession && !overlap(word, known) {
				t.Errorf("%s uses %q, from which nothing follows", name, word)
			}
		}
		for _, see := range r.see {
			words := strings.Fields(see)
			if _, ok := all[see]; !ok && words[0] != "help" && all[words[0]].uses == "" {
				t.Errorf("%s points to %q, which is nothing", name, see)
			}
		}
		for _, s := range r.shelves {
			c, _, err := testRoot().Find(strings.Fields(name))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range strings.Fields(s.flags) {
				if c.Flags().Lookup(f) == nil {
					t.Errorf("%s has no flag --%s to put under %q", name, f, s.title)
				}
			}
		}
	}
}

// Exit codes and variables follow from what a command works with.
func TestReferenceOf(t *testing.T) {
	for _, tt := range []struct {
		words, codes      string
		reads, readsNever string
		see               string
	}{
		{"version", "0 1 2", "", "CI", "xeroauth help"},
		{"header", "0 1 2 3 4 5 6 7", "XEROAUTH_TENANT", "BROWSER", "xeroauth token"},
		{"profiles show", "0 1 2 4", "XEROAUTH_CONFIG_DIR", "XEROAUTH_FILE_KEY", "xeroauth profiles"},
		{"tenants list", "0 1 2 3 4 5 6", "XEROAUTH_PROFILE", "XEROAUTH_TENANT", "xeroauth tenants"},
		{"sandbox", "0 1 2 130 143", "", "XEROAUTH_PROFILE", "xeroauth demo"},
	} {
		t.Run(tt.words, func(t *testing.T) {
			c, _, err := testRoot().Find(strings.Fields(tt.words))
			if err != nil {
				t.Fatal(err)
			}
			v := viewHelp(c)
			var codes, names []string
			for _, e := range v.ExitCodes {
				codes = append(codes, strconv.Itoa(e.Code))
			}
			for _, x := range v.Environment {
				names = append(names, x.Name)
			}
			if got := strings.Join(codes, " "); got != tt.codes {
				t.Errorf("exit codes %s; want %s", got, tt.codes)
			}
			if tt.reads != "" && !slices.Contains(names, tt.reads) || slices.Contains(names, tt.readsNever) {
				t.Errorf("it reads %q; want %s and never %s", names, tt.reads, tt.readsNever)
			}
			if !slices.Contains(v.SeeAlso, tt.see) {
				t.Errorf("see also %q; want %s", v.SeeAlso, tt.see)
			}
		})
	}
	t.Run("a command's own meaning of a code", func(t *testing.T) {
		r := reference{exits: []exitCode{{code: 1, meaning: "a check failed"}, {code: 127, meaning: "no such command"}}}
		got := r.exitCodes()
		if len(got) != 4 || got[1].meaning != "a check failed" || got[3].code != 127 {
			t.Errorf("%+v", got)
		}
	})
}

// help environment tells of each variable that the desk reads or hands out.
func TestVariablesAreTold(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	told := environmentText()
	found := 0
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") || path == "reference.go" {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			name, err := strconv.Unquote(lit.Value)
			if err != nil || !regexp.MustCompile(`^XERO(AUTH)?_[A-Z_]+$`).MatchString(name) || name == githubTokenSecret {
				return true
			}
			if found++; !strings.Contains(told, name) {
				t.Errorf("%s reads %s, of which help environment says nothing", path, name)
			}
			return true
		})
	}
	if found < 10 {
		t.Errorf("only %d variables were found", found)
	}
}

func TestReflow(t *testing.T) {
	long := strings.TrimSuffix(strings.Repeat("word ", 20), " ")
	for _, tt := range []struct{ name, text, want string }{
		{"one line", "Short.", "Short.\n"},
		{"broken too early", "One\ntwo\nthree.", "One two three.\n"},
		{"too long", long, strings.TrimSpace(strings.Repeat("word ", 16)) + "\nword word word word\n"},
		{"paragraphs", "One\ntwo.\n\nThree.", "One two.\n\nThree.\n"},
		{"indented lines stay", "One:\n\n  a   b\n  c\nTwo\nthree.", "One:\n\n  a   b\n  c\nTwo three.\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := reflow(tt.text); got != tt.want {
				t.Errorf("%q; want %q", got, tt.want)
			}
		})
	}
}

func TestFlagSuggestions(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"header --jsno", "--json"}, {"header -json", "--json"}, {"login --client_id x", "--client-id"}, {"header --min-tll=3m", "--min-ttl"},
		{"--verson", "--version"}, {"header --tennant x", "--tenant"}, {"login --client-secret x", "--client-secret-file"}, {"header --frobnicate", ""},
		{"header -x", ""}, {"status --a", ""},
	} {
		t.Run(tt.line, func(t *testing.T) {
			a, stdout, stderr := fresh(t)
			if exit := Run(t.Context(), a, strings.Fields(tt.line)); exit != exitUsage || stdout.Len() > 0 {
				t.Errorf("exit %d, stdout %q", exit, stdout)
			}
			if hint := "hint: did you mean: " + tt.want + "; all flags: run: xeroauth"; strings.Contains(stderr.String(), hint) != (tt.want != "") {
				t.Errorf("%q; want %q", stderr, tt.want)
			}
		})
	}
}

func TestTopicSuggestions(t *testing.T) {
	for line, want := range map[string]string{
		"help environmnt": "did you mean: xeroauth help environment", "help exit-code": "did you mean: xeroauth help exit-codes", "help securty": "did you mean: xeroauth help security",
		"help heder": "did you mean: xeroauth header", "help tenants uze": "did you mean: xeroauth tenants use", "help frobnicate": "run: xeroauth --help",
	} {
		t.Run(line, func(t *testing.T) {
			a, stdout, stderr := fresh(t)
			if exit := Run(t.Context(), a, strings.Fields(line)); exit != exitUsage || stdout.Len() > 0 || !strings.Contains(stderr.String(), want) {
				t.Errorf("exit %d, stdout %q, %q; want %q", exit, stdout, stderr, want)
			}
		})
	}
}

func TestDurationsAreShort(t *testing.T) {
	for text, want := range map[string]string{"2m": "2m", "5m0s": "5m", "90s": "1m30s", "1h": "1h", "1h30m": "1h30m", "24h": "1d", "60d": "60d", "0s": "0s", "1h0m5s": "1h0m5s", "36h": "36h"} {
		var d durationFlag
		if err := d.Set(text); err != nil || d.String() != want {
			t.Errorf("%s is shown as %s, %v; want %s", text, d.String(), err, want)
		}
		var back durationFlag
		if err := back.Set(d.String()); err != nil || back != d {
			t.Errorf("%s comes back as %v, %v", d.String(), back, err)
		}
	}
}
