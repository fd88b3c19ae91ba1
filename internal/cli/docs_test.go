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
	"github.com/spf13/pflag"
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
	b.WriteString("\n## Flags of every command\n\n" + flagTable(root.PersistentFlags()))
	for _, c := range root.Commands() {
		writeCommand(&b, c)
	}
	b.WriteString("\n## Exit codes\n\n```text\n" + helpExitCodes + "\n```\n")
	b.WriteString("\n## Environment\n\n```text\n" + helpEnvironment + "\n```\n\n" + fields)
	return b.String()
}

func writeCommand(b *strings.Builder, c *cobra.Command) {
	if !c.IsAvailableCommand() || c.Name() == "completion" {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n%s.\n", c.CommandPath(), c.Short)
	if c.Long != "" {
		fmt.Fprintf(b, "\n%s\n", c.Long)
	}
	fmt.Fprintf(b, "\n```text\n%s\n```\n", c.UseLine())
	if c.Example != "" {
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(c.Example, "  "), "\n  ", "\n"))
	}
	if rows := flagTable(c.LocalNonPersistentFlags()); rows != "" {
		b.WriteString("\n" + rows)
	}
	for _, sub := range c.Commands() {
		writeCommand(b, sub)
	}
}

func flagTable(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		preset := ""
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" && f.DefValue != "0s" {
			preset = "`" + f.DefValue + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, f.Usage, preset)
	})
	if b.Len() == 0 {
		return ""
	}
	return "| flag | what it does | default |\n|---|---|---|\n" + b.String()
}
