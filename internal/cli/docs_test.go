package cli

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write docs/commands.md anew")

// TestCommandsDoc holds docs/commands.md to the command tree. What the tree
// does not know, JSON fields, stands in testdata/commands-json.md.
func TestCommandsDoc(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "commands.md")
	fields, err := os.ReadFile(filepath.Join("testdata", "commands-json.md"))
	if err != nil {
		t.Fatal(err)
	}
	want := commandsDoc(newRootCmd(&App{answer: new(bytes.Buffer)}), string(fields))
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/commands.md is not up to date; run: go test ./internal/cli -run TestCommandsDoc -update")
	}
}

func commandsDoc(root *cobra.Command, fields string) string {
	var b strings.Builder
	b.WriteString("# Commands\n\nWritten from the program's own help. stdout carries the answer and nothing else; a command that fails prints\nnothing there.\n")
	b.WriteString("\n## Flags of every command\n\n" + flagTable(viewHelp(root).Flags, flagsOfAll))
	for _, c := range root.Commands() {
		writeCommand(&b, c)
	}
	b.WriteString("\n## Exit codes\n\n```text\n" + exitCodesText() + "\n```\n")
	b.WriteString("\n## Environment\n\n```text\n" + environmentText() + "\n```\n\n" + fields)
	return b.String()
}

func writeCommand(b *strings.Builder, c *cobra.Command) {
	if c.Hidden || isTopic(c) {
		return
	}
	v := viewHelp(c)
	fmt.Fprintf(b, "\n## %s\n\n%s.\n\n%s\n\n```text\n%s\n```\n", v.Command, v.Short, v.Long, v.Usage)
	fmt.Fprintf(b, "\n```sh\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(v.Example, "  "), "\n  ", "\n"))
	for _, title := range v.flagGroups() {
		if title == flagsOfAll {
			continue // they stand above once
		}
		if title != flagsOwn {
			fmt.Fprintf(b, "\n%s:\n", title)
		}
		b.WriteString("\n" + flagTable(v.Flags, title))
	}
	var codes, names []string
	for _, e := range v.ExitCodes {
		codes = append(codes, fmt.Sprint(e.Code))
	}
	for _, x := range v.Environment {
		names = append(names, "`"+strings.ReplaceAll(x.Name, ", ", "`, `")+"`")
	}
	fmt.Fprintf(b, "\nExit codes: %s.", strings.Join(codes, ", "))
	if len(names) > 0 {
		fmt.Fprintf(b, " Environment: %s.", strings.Join(names, ", "))
	}
	if len(v.SeeAlso) > 0 {
		fmt.Fprintf(b, " See also: `%s`.", strings.Join(v.SeeAlso, "`, `"))
	}
	b.WriteString("\n")
	for _, sub := range c.Commands() {
		writeCommand(b, sub)
	}
}

func flagTable(flags []flagView, group string) string {
	var b strings.Builder
	for _, f := range flags {
		if f.Group != group || f.Name == "help" {
			continue
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		preset := ""
		if f.presets() {
			preset = "`" + f.Default + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, f.Usage, preset)
	}
	return "| flag | what it does | default |\n|---|---|---|\n" + b.String()
}
