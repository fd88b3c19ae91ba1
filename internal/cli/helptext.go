package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fatih/color"

	"github.com/xeroauth/xeroauth/internal/term"
)

// helpWidth is what help keeps to on any terminal. Only examples are longer
// where they must be: they are pasted whole.
const helpWidth = 80

// bold returns how to print a heading on stdout.
func (a *App) bold() func(string) string {
	if !a.colorsOn(a.Stdout) {
		return func(s string) string { return s }
	}
	c := color.New(color.Bold)
	c.EnableColor()
	return func(s string) string { return c.Sprint(s) }
}

// text is the help of a command on a terminal.
func (v helpView) text(bold func(string) string) string {
	if v.topic {
		return v.Long + "\n"
	}
	var b strings.Builder
	section := func(title, body string) {
		if body != "" {
			b.WriteString("\n" + bold(title+":") + "\n" + body)
		}
	}
	b.WriteString(v.Short + "\n")
	section("Usage", "  "+strings.Join(v.synopsis(), "\n  ")+"\n")
	b.WriteString("\n" + reflow(v.Long))
	for _, s := range v.shelves {
		section(s.title, commandList(s.rows))
	}
	for _, title := range v.flagGroups() {
		section(title, flagList(v.Flags, title))
	}
	section("Examples", strings.TrimRight(v.Example, "\n")+"\n")
	section("Exit codes (xeroauth help exit-codes)", v.codesInShort())
	section("Environment (xeroauth help environment)", v.variablesInShort())
	section("See also", indented(strings.Join(v.SeeAlso, ", "), 2))
	return b.String()
}

// reflow breaks paragraphs anew at helpWidth; indented lines stay as they are.
func reflow(text string) string {
	var b strings.Builder
	var paragraph []string
	flush := func() {
		if len(paragraph) > 0 {
			b.WriteString(strings.Join(wrap(strings.Join(paragraph, " "), helpWidth), "\n") + "\n")
		}
		paragraph = nil
	}
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		if line == "" || strings.HasPrefix(line, " ") {
			flush()
			b.WriteString(line + "\n")
		} else {
			paragraph = append(paragraph, line)
		}
	}
	flush()
	return b.String()
}

func commandList(rows [][]string) string {
	width := 0
	for _, row := range rows {
		width = max(width, len(row[0]))
	}
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(entry(2, max(width, 12), row[0], row[1]))
	}
	return b.String()
}

// flagColumn is the widest that a flag may be beside its usage.
const flagColumn = 29

func flagList(flags []flagView, group string) string {
	width := 0
	for _, f := range flags {
		if n := term.Cells(f.spelt()); f.Group == group && n <= flagColumn {
			width = max(width, n)
		}
	}
	var b strings.Builder
	for _, f := range flags {
		if f.Group == group {
			b.WriteString(entry(2, width, f.spelt(), f.usage()))
		}
	}
	return b.String()
}

// spelt is the flag as it is typed, with a name for its value.
func (f flagView) spelt() string {
	s := "    --" + f.Name
	if f.Shorthand != "" {
		s = "-" + f.Shorthand + ", --" + f.Name
	}
	if f.Value != "" {
		s += " " + f.Value
	}
	return s
}

func (f flagView) usage() string {
	if f.presets() {
		return fmt.Sprintf("%s (default %s)", f.Usage, f.Default)
	}
	return f.Usage
}

// presets reports a default that says something.
func (f flagView) presets() bool {
	switch f.Default {
	case "", "false", "0", "[]", "0s":
		return false
	}
	return true
}

func (v helpView) codesInShort() string {
	const noBreak = "\u00a0" // a code and its word stay together
	var list []string
	for i, e := range v.ExitCodes {
		list = append(list, strings.ReplaceAll(fmt.Sprintf("%d %s", e.Code, v.words[i]), " ", noBreak))
	}
	return strings.ReplaceAll(indented(strings.Join(list, ", "), 2), noBreak, " ")
}

func (v helpView) variablesInShort() string {
	var list []string
	for _, x := range v.Environment {
		list = append(list, x.Name)
	}
	return indented(strings.Join(list, ", "), 2)
}

// indented wraps text and moves it to the right by some columns.
func indented(text string, by int) string {
	if text == "" {
		return ""
	}
	space := strings.Repeat(" ", by)
	return space + strings.Join(wrap(text, helpWidth-by), "\n"+space) + "\n"
}

// synopsis is how the command is typed, alone and with a further command.
func (v helpView) synopsis() []string {
	if len(v.Commands) == 0 {
		return []string{v.Usage}
	}
	return []string{v.Usage, v.Command + " COMMAND [flags]"}
}

func (v helpView) flagGroups() []string {
	var titles []string
	for _, f := range v.Flags {
		if !slices.Contains(titles, f.Group) {
			titles = append(titles, f.Group)
		}
	}
	return titles
}
