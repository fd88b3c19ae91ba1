package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// codeBlock is a fenced block of a document.
type codeBlock struct{ language, text string }

func codeBlocks(t *testing.T, document string) (blocks []codeBlock) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", document))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, codeBlock{m[1], m[2]})
	}
	return blocks
}

// TestScriptsDoc runs the examples of docs/scripts.md as they stand, each after
// a login of its own, against a sandbox in Xero's place.
func TestScriptsDoc(t *testing.T) {
	ran := map[string]int{}
	for i, block := range codeBlocks(t, "scripts.md") {
		if slices.Contains([]string{"console", "ini", "xml"}, block.language) {
			continue
		}
		ran[block.language]++
		t.Run(fmt.Sprintf("%d %s", i+1, block.language), func(t *testing.T) { runBlock(t, block) })
	}
	for _, language := range []string{"sh", "bash", "python", "js", "powershell", "fish"} {
		if ran[language] == 0 {
			t.Errorf("no example in %s was found", language)
		}
	}
}

func runBlock(t *testing.T, block codeBlock) {
	file, line := "block.sh", "exec sh -eu block.sh"
	modules := ""
	needPart(t, "shells", "sh", "curl")
	switch block.language {
	case "sh":
	case "bash":
		needPart(t, "shells", "bash")
		line = "exec bash -eu block.sh"
	case "fish":
		needPart(t, "shells", "fish")
		line = "exec fish --no-config block.sh"
	case "python":
		needPart(t, "clients", "python3")
		if err := exec.Command("python3", "-c", "import requests").Run(); err != nil {
			lacksPart(t, "clients", "python3 has no requests")
		}
		line = "exec python3 block.sh"
	case "js":
		modules = needNode(t)
		file = "block.mjs"
		if strings.Contains(block.text, "require(") {
			file = "block.cjs"
		}
		line = "exec node " + file
	case "powershell":
		needPart(t, "pwsh", "pwsh")
		file, line = "block.ps1", "exec pwsh -NoProfile -NonInteractive -File block.ps1"
	default:
		t.Fatalf("nothing runs %s", block.language)
	}
	for command, program := range map[string]string{"\nwget ": "wget", "\nhttp ": "http"} {
		if strings.Contains(block.text, command) {
			needPart(t, "clients", program)
		}
	}
	script := "exec xeroauth login --authority $SANDBOX --client-id $CLIENT --redirect-uri $REDIRECT\nsandbox mark\n" + line + "\n"
	if calls := strings.Count(block.text, "https://api.xero.com/api.xro/2.0/Organisation") + strings.Count(block.text, "getOrganisations"); calls > 0 {
		script += fmt.Sprintf("sandbox requests /api.xro/2.0/Organisation %d\nstdout 'Demo Company \\(AU\\)'\n", calls)
	}
	runScript(t, script+"! stderr .\n", func(env *testscript.Env) error {
		env.Setenv("NODE_PATH", modules)
		// The library has Xero's address in itself.
		text := strings.Replace(block.text, "new XeroClient()", "new XeroClient(); xero.accountingApi.basePath = 'https://api.xero.com/api.xro/2.0'", 1)
		text = strings.ReplaceAll(text, "https://api.xero.com", env.Getenv("SANDBOX"))
		return os.WriteFile(filepath.Join(env.WorkDir, file), []byte(text), 0o600)
	})
}

// TestScriptsDocTimers: systemd takes the units of docs/scripts.md, the
// property list is XML, and what both run is a command of ours.
func TestScriptsDocTimers(t *testing.T) {
	dir := t.TempDir()
	var commands [][]string
	units := 0
	for _, block := range codeBlocks(t, "scripts.md") {
		switch block.language {
		case "ini":
			units++
			name := "xeroauth.timer"
			if _, line, ok := strings.Cut(block.text, "ExecStart=%h/go/bin/"); ok {
				name = "xeroauth.service"
				line, _, _ = strings.Cut(line, "\n")
				commands = append(commands, strings.Fields(line))
			}
			// The home folder of whoever runs this test lacks the program.
			text := strings.Replace(block.text, "%h/go/bin/xeroauth", "/bin/true", 1)
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		case "xml":
			commands = append(commands, programArguments(t, block.text))
		}
	}
	if units != 2 || len(commands) != 2 {
		t.Fatalf("%d units, %d commands", units, len(commands))
	}
	w := newRealWorld(t)
	for _, command := range commands {
		if filepath.Base(command[0]) != "xeroauth" || command[1] != "refresh" {
			t.Errorf("%q is no refresh", command)
		}
		cmd, stdout, stderr := w.command(t, command[1:]...)
		cmd.Env = append(os.Environ(), "XEROAUTH_CONFIG_DIR="+t.TempDir(), "HOME="+t.TempDir())
		if err := cmd.Run(); err != nil || stdout.Len() > 0 {
			text, _ := os.ReadFile(stderr)
			t.Errorf("%q: %v\n%s", command, err, text)
		}
	}
	t.Run("systemd", func(t *testing.T) {
		needPart(t, "clients", "systemd-analyze")
		cmd := exec.Command("systemd-analyze", "verify", "--user", filepath.Join(dir, "xeroauth.service"), filepath.Join(dir, "xeroauth.timer"))
		cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// programArguments reads a property list as far as is needed: the strings of
// the array after the key ProgramArguments.
func programArguments(t *testing.T, text string) (args []string) {
	t.Helper()
	inside, arguments := false, false
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return args
		}
		if err != nil {
			t.Fatalf("the property list: %v", err)
		}
		start, ok := token.(xml.StartElement)
		if end, isEnd := token.(xml.EndElement); isEnd && end.Name.Local == "array" {
			inside = false
		}
		if !ok || start.Name.Local != "key" && start.Name.Local != "string" && start.Name.Local != "array" {
			continue
		}
		if start.Name.Local == "array" {
			inside = arguments
			continue
		}
		var content string
		if err := d.DecodeElement(&content, &start); err != nil {
			t.Fatal(err)
		}
		switch {
		case start.Name.Local == "key":
			arguments = content == "ProgramArguments"
		case inside:
			args = append(args, content)
		}
	}
}
