package cli

import (
	"bytes"
	"context"
	_ "embed" // the scripts
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// The scripts are our own and not cobra's: those evaluate the words that were
// typed, and fish's does so after it has taken the quotes off, so that a name
// that was pasted in quotes runs as a command at the next TAB.
var (
	//go:embed completion/xeroauth.bash
	bashCompletion string
	//go:embed completion/xeroauth.zsh
	zshCompletion string
	//go:embed completion/xeroauth.fish
	fishCompletion string
	//go:embed completion/xeroauth.ps1
	powershellCompletion string
)

func shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

func newCompletionCmd(a *App) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a script that completes commands in your shell",
		Long: `Prints a completion script for bash, zsh, fish or powershell. It completes
commands and flags, and the names of profiles, ids of tenants (with their names
beside them) and scopes that are known here. Completing asks neither Xero nor
the keychain.

For the shell that is open:

  bash        source <(xeroauth completion bash)
  zsh         source <(xeroauth completion zsh)
  fish        xeroauth completion fish | source
  PowerShell  xeroauth completion powershell | Out-String | Invoke-Expression

For every shell to come, put the script where the shell looks, as below. zsh
needs "autoload -U compinit; compinit" in ~/.zshrc.`,
		Example: `  xeroauth completion bash >~/.local/share/bash-completion/completions/xeroauth
  xeroauth completion zsh >"${fpath[1]}/_xeroauth"
  xeroauth completion fish >~/.config/fish/completions/xeroauth.fish
  xeroauth completion powershell >>$PROFILE`,
		Args: oneArg("bash, zsh, fish or powershell"),
		RunE: func(_ *cobra.Command, args []string) error {
			script, known := map[string]string{
				"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion, "powershell": powershellCompletion, "pwsh": powershellCompletion,
			}[args[0]]
			if !known {
				return usagef("choose one of: "+strings.Join(shells(), " "), "there is no completion for the shell %q", args[0])
			}
			a.print("%s", script)
			return nil
		},
	}
}

// newOfferCmd is what the scripts call: first it prints what the shell may do,
// then what can stand in place of the last word, each on a line, with what it
// is behind a tab.
//
//	__offer words WORD... LAST.     words without their quotes; a full stop
//	                                marks the end of the last, which may be empty
//	__offer line LINE CURRENT       bash: the line as it was typed, up to the
//	                                cursor, and what bash takes for its last word
func newOfferCmd(a *App) *cobra.Command {
	return &cobra.Command{
		Use: "__offer", Hidden: true, DisableFlagParsing: true, Args: cobra.MinimumNArgs(2),
		Short: "Complete a command line, for the scripts of completion",
		RunE: func(cmd *cobra.Command, args []string) error {
			words := append([]string{}, args[1:]...)
			split := 0
			switch {
			case args[0] == "words":
				last := &words[len(words)-1]
				*last = strings.TrimSuffix(*last, ".")
			case args[0] == "line" && len(args) == 3:
				words = bashWords(args[1])[1:]
				if len(words) == 0 {
					words = []string{""}
				}
				split = splitOff(words[len(words)-1], args[2])
			default:
				return usagef("run: xeroauth completion --help", "__offer is for the scripts of completion")
			}
			return a.offer(cmd.Context(), words, split)
		},
	}
}

// splitOff is how much of the last word bash leaves as it is, because it takes
// what is behind a = or : for a word of its own.
func splitOff(last, current string) int {
	own := bashWords(current)
	if rest := own[len(own)-1]; strings.HasSuffix(last, rest) {
		return len(last) - len(rest)
	}
	return 0
}

// offer prints what can stand in place of the last of words, without its first
// split bytes.
func (a *App) offer(ctx context.Context, words []string, split int) error {
	found, directive := a.complete(ctx, words)
	last := words[len(words)-1]
	before := ""
	if name, _, ok := strings.Cut(last, "="); ok && strings.HasPrefix(name, "-") {
		before = name + "="
	}
	head := "none"
	if directive == cobra.ShellCompDirectiveDefault {
		head = "files"
	}
	if directive&cobra.ShellCompDirectiveNoSpace != 0 {
		head += " nospace"
	}
	a.print("%s\n", head)
	seen := map[string]bool{}
	for _, line := range found {
		value, description, _ := strings.Cut(line, "\t")
		value = before + value
		if seen[value] || !strings.HasPrefix(value, last) || !fitsAnyShell(value) {
			continue
		}
		seen[value] = true
		if description != "" {
			description = "\t" + description
		}
		a.print("%s%s\n", value[split:], description)
	}
	return nil
}

// complete asks the tree of commands, which cobra knows how to complete.
func (a *App) complete(ctx context.Context, words []string) ([]string, cobra.ShellCompDirective) {
	var out bytes.Buffer
	inner := *a
	inner.flags = globalFlags{}
	root := newRootCmd(&inner)
	inner.teachCompletion(root)
	root.SetArgs(append([]string{cobra.ShellCompRequestCmd}, words...))
	root.SetOut(&out)
	root.SetErr(io.Discard)
	if err := root.ExecuteContext(ctx); err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	// The last line is the directive, behind a colon.
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	n, err := strconv.Atoi(strings.TrimPrefix(lines[len(lines)-1], ":"))
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return lines[:len(lines)-1], cobra.ShellCompDirective(n)
}

// fitsAnyShell reports whether value is one word to every shell as it stands,
// but for PowerShell, whose script puts quotes around @ and commas. Nothing
// else is offered: what is offered goes into the command line.
func fitsAnyShell(value string) bool {
	for _, r := range value {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		case strings.ContainsRune("@._/:=,+-", r):
		default:
			return false
		}
	}
	return value != ""
}
