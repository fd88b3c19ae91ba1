package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xeroauth/xeroauth/internal/sandbox"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// runsElsewhere are the examples of help that other tests run, by how they begin.
var runsElsewhere = map[string]string{
	"xeroauth completion powershell":      "shells_linux_test.go, as far as there is a PowerShell",
	"xeroauth export --format powershell": "internal/shellenv, as far as there is a PowerShell",
	"xeroauth demo":                       "real_test.go and demo.txtar",
	"xeroauth seed github":                "seed_github.txtar and ci_test.go, with a stand-in for GitHub",
	"xeroauth sandbox":                    "TestSandboxDoc",
	"xeroauth login -p test ":             "TestSandboxDoc",
}

// TestHelpExamples runs each example of docs/commands.md, which is made from
// the help texts, on a machine with two logins. What is asked of Xero goes to
// a sandbox; the programs of others are played by one that takes anything.
func TestHelpExamples(t *testing.T) {
	needPart(t, "shells", "sh", "curl", "fish", "zsh", "jq")
	examples := map[string]bool{}
	for _, block := range codeBlocks(t, "commands.md") {
		for line := range strings.Lines(block.text) {
			if block.language == "sh" {
				examples[strings.TrimSpace(line)] = true
			}
		}
	}
	ran := 0
	for example := range examples {
		if elsewhere(example) {
			continue
		}
		ran++
		t.Run(example, func(t *testing.T) {
			t.Parallel()
			runExample(t, example)
		})
	}
	if ran < 40 {
		t.Errorf("only %d examples were found", ran)
	}
}

func elsewhere(example string) bool {
	for begin := range runsElsewhere {
		if strings.HasPrefix(example, begin) {
			return true
		}
	}
	return false
}

func runExample(t *testing.T, example string) {
	shell := "sh -eu"
	switch {
	case strings.Contains(example, "| source"):
		shell = "fish --no-config"
	case strings.Contains(example, "fpath"):
		shell = "zsh -f -e"
	}
	prepare := "mkdir home/.local/share/bash-completion/completions\nmkdir home/.config/fish/completions\nmkdir functions\nenv GITHUB_ACTIONS=true\nenv GITHUB_ENV=$WORK/asked-env\n" +
		"exec xeroauth login --client-id $CLIENT --redirect-uri $REDIRECT\nexec xeroauth login -p acme --client-id " + fmt.Sprintf("%032d", 1) + " --redirect-uri $REDIRECT\n"
	if strings.Contains(example, "--app web") {
		prepare += "exec xeroauth logout\nexec xeroauth profiles remove default --yes\n"
		example = strings.Replace(example, "--app web", "--app web --client-id $WEB", 1)
	}
	if strings.Contains(example, "--store file") {
		prepare += "agekey asked-key\n"
	}
	if strings.HasPrefix(example, "xeroauth login") && !strings.Contains(example, "--redirect-uri") {
		example = strings.Replace(example, "xeroauth login", "xeroauth login --redirect-uri $REDIRECT", 1)
	}
	example = strings.NewReplacer("https://api.xero.com", "$SANDBOX", "0123456789ABCDEF0123456789ABCDEF", "$CLIENT --replace", "http://localhost:8080/callback", "$REDIRECT2",
		"3a1f7b52-9a5c-4a0e-8f3d-2f8a3d1f4b6e", "0a000000-0000-4000-8000-0000000000a1 --yes", "<secret.txt", "<asked-secret.txt").Replace(example)
	if strings.Contains(shell, "zsh") {
		example = "fpath=functions\n" + example
	}
	script := "[!linux] skip 'the examples are for Unix shells'\n" + prepare + "exec " + shell + " asked-example\n! stderr 'error: '\n-- asked-example --\n" +
		example + "\n-- asked-env --\n-- asked-secret.txt --\n" + sandbox.DefaultWebClientSecret + "\n"
	runScript(t, script, sandboxForXero, othersPrograms(t))
}

// TestSandboxDoc runs the example of docs/sandbox.md at a free port.
func TestSandboxDoc(t *testing.T) {
	needPart(t, "shells", "sh", "curl")
	blocks := codeBlocks(t, "sandbox.md")
	if len(blocks) != 1 || !strings.Contains(blocks[0].text, " &\n") {
		t.Fatalf("another form: %q", blocks)
	}
	port := regexp.MustCompile(`\d+`).FindString(freeURI())
	text := strings.NewReplacer("--auto-consent &\n", "--auto-consent --port "+port+" --redirect-uri $REDIRECT >address &\nstarted=$!\n"+
		"for try in $(seq 600); do [ ! -s address ] || break; sleep 0.1; done\n", // it listens when it says where
		"9750", port, "xeroauth login", "xeroauth login --redirect-uri $REDIRECT").Replace(blocks[0].text)
	runScript(t, "[!linux] skip 'the example is for a Unix shell'\nexec sh -eu asked-example\nstdout 'Demo Company'\n-- asked-example --\ntrap 'kill $started' EXIT\n"+text)
}

// othersPrograms puts programs of others in place that take anything.
func othersPrograms(t *testing.T) func(*testscript.Env) error {
	return func(env *testscript.Env) error {
		others := testdir.New(t)
		for _, path := range []string{
			filepath.Join(others, "npx"), filepath.Join(others, "glab"), filepath.Join(others, "vault"), filepath.Join(others, "gh"),
			filepath.Join(env.WorkDir, "import-invoices.sh"), filepath.Join(env.WorkDir, "both-ways.sh"),
		} {
			testdir.Program(t, path, "#!/bin/sh\n[ -t 0 ] || cat >/dev/null\n")
		}
		env.Setenv("PATH", others+string(os.PathListSeparator)+env.Getenv("PATH"))
		return nil
	}
}
