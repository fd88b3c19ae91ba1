package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newManCmd(a *App) *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Hidden: true, Args: oneArg("the folder to write manual pages to"),
		Short: "Write the manual pages",
		Long: `Writes a manual page for each command and topic into DIR. The same program
writes the same bytes: the pages' date is SOURCE_DATE_EPOCH, and none without it.`,
		Example: "  xeroauth man ~/.local/share/man/man1",
		RunE:    func(cmd *cobra.Command, args []string) error { return runMan(a, cmd.Root(), args[0]) },
	}
}

func runMan(a *App, root *cobra.Command, dir string) error {
	date := ""
	if epoch := a.env("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return usagef("set it to seconds since 1970", "SOURCE_DATE_EPOCH %q is no time", epoch)
		}
		date = time.Unix(seconds, 0).UTC().Format("2006-01-02")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // G301: manual pages are for everybody
		return err
	}
	n := 0
	var write func(cmd *cobra.Command) error
	write = func(cmd *cobra.Command) error {
		if cmd.Hidden {
			return nil
		}
		v := viewHelp(cmd)
		page := v.roff(date, a.Build.Version)
		if err := os.WriteFile(filepath.Join(dir, v.manName()+"."+v.manSection()), []byte(page), 0o644); err != nil { //nolint:gosec // G306: as above
			return err
		}
		n++
		for _, c := range cmd.Commands() {
			if err := write(c); err != nil {
				return err
			}
		}
		return nil
	}
	if err := write(root); err != nil {
		return fmt.Errorf("writing the manual pages: %w", err)
	}
	a.say("wrote %s to %s", plural(n, "manual page"), dir)
	return nil
}

// manName is the page's name: xeroauth-tenants-use.
func (v helpView) manName() string { return strings.ReplaceAll(v.Command, " ", "-") }

// manSection is 1 for commands and 7, miscellany, for topics.
func (v helpView) manSection() string {
	if v.topic {
		return "7"
	}
	return "1"
}

// roff is the help as a manual page, in the language of man(7).
func (v helpView) roff(date, version string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s %s %q %q %q\n", roffText(strings.ToUpper(v.manName())), v.manSection(), date, "xeroauth "+version, "xeroauth")
	section := func(title, body string) {
		if body != "" {
			fmt.Fprintf(&b, ".SH %s\n%s", title, body)
		}
	}
	section("NAME", roffText(v.manName())+` \- `+roffText(v.Short)+"\n")
	if !v.topic {
		section("SYNOPSIS", ".nf\n"+roffBlock(strings.Join(v.synopsis(), "\n"))+".fi\n")
	}
	section("DESCRIPTION", roffParagraphs(v.Long))
	for _, s := range v.shelves {
		body := ""
		for _, row := range s.rows {
			body += roffEntry(row[0], row[1])
		}
		section(roffText(strings.ToUpper(s.title)), body)
	}
	options := ""
	for _, title := range v.flagGroups() {
		options += ".SS " + roffText(title) + "\n"
		for _, f := range v.Flags {
			if f.Group == title {
				options += roffEntry(strings.TrimSpace(f.spelt()), f.usage())
			}
		}
	}
	section("OPTIONS", options)
	if v.topic {
		return b.String()
	}
	section("EXAMPLES", ".nf\n"+roffBlock(v.Example)+".fi\n")
	var codes, variables string
	for _, e := range v.ExitCodes {
		codes += roffEntry(strconv.Itoa(e.Code), e.Meaning)
	}
	for _, x := range v.Environment {
		variables += roffEntry(x.Name, x.Meaning)
	}
	section("EXIT STATUS", codes)
	section("ENVIRONMENT", variables)
	section("SEE ALSO", roffSeeAlso(v.SeeAlso))
	return b.String()
}

func roffEntry(name, meaning string) string {
	return ".TP\n.B " + roffText(name) + "\n" + roffText(meaning) + "\n"
}

// roffSeeAlso names pages; every page leads back to the first.
func roffSeeAlso(commands []string) string {
	pages := []string{"xeroauth(1)"}
	for _, c := range commands {
		page := strings.ReplaceAll(c, " ", "-") + "(1)"
		if topic, ok := strings.CutPrefix(c, "xeroauth help "); ok {
			page = "xeroauth-" + topic + "(7)"
		}
		pages = append(pages, page)
	}
	return roffText(strings.Join(pages, ", ")) + "\n"
}

// roffParagraphs leaves indented lines as they are and fills the others.
func roffParagraphs(text string) string {
	var b strings.Builder
	block := false
	mode := func(asItIs bool) {
		if asItIs && !block {
			b.WriteString(".nf\n")
		} else if !asItIs && block {
			b.WriteString(".fi\n")
		}
		block = asItIs
	}
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		if line == "" {
			mode(false)
			b.WriteString(".PP\n")
			continue
		}
		mode(strings.HasPrefix(line, " "))
		b.WriteString(roffText(line) + "\n")
	}
	mode(false)
	return b.String()
}

func roffBlock(text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		b.WriteString(roffText(line) + "\n")
	}
	return b.String()
}

// roffText is one line that roff prints as it stands, and that can be pasted:
// quotes and dashes stay those of ASCII.
func roffText(line string) string {
	var b strings.Builder
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		b.WriteString(`\&`) // else it is a request
	}
	for _, r := range line {
		switch r {
		case '\\':
			b.WriteString(`\e`)
		case '-':
			b.WriteString(`\-`)
		case '\'':
			b.WriteString(`\(aq`)
		case '"':
			b.WriteString(`\(dq`)
		case '`':
			b.WriteString(`\(ga`)
		case '^':
			b.WriteString(`\(ha`)
		case '~':
			b.WriteString(`\(ti`)
		default:
			if r > '~' {
				fmt.Fprintf(&b, `\[u%04X]`, r)
			} else {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}
