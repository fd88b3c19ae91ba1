package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/shellenv"
)

type exportOptions struct {
	need           tokenNeed
	tenant, format string
}

const (
	formatGitHub  = "github"
	formatChoices = "sh, fish, powershell, dotenv or github"
)

// textFormats are the formats that are text on stdout.
func textFormats() map[string]func([]shellenv.Var) (string, error) {
	return map[string]func([]shellenv.Var) (string, error){
		"sh": shellenv.Sh, "fish": shellenv.Fish, "powershell": shellenv.PowerShell, "dotenv": shellenv.Dotenv,
	}
}

func newExportCmd(a *App) *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use:   "export --format FORMAT",
		Short: "Print a token as variables, for a shell or a file of variables",
		Long: `Prints the variables that exec sets, never the refresh token, after refreshing
the session if the token would not live for --min-ttl:

    sh           export NAME='VALUE', for dash, bash, zsh
    fish         set -gx NAME 'VALUE'
    powershell   $env:NAME = 'VALUE'
    dotenv       NAME=VALUE, for node --env-file and docker run --env-file
    github       for a step of a GitHub workflow: adds the variables to the file
                 $GITHUB_ENV, for the steps after it, and prints the command
                 that masks the token in the log

With --json and no format it prints an object of names and values. A file that
you write this to holds a token for half an hour: exec leaves none behind.`,
		Example: `  VARIABLES=$(xeroauth export --format sh) && eval "$VARIABLES"
  xeroauth export --format fish | source
  xeroauth export --format powershell | Invoke-Expression
  xeroauth export --format github`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runExport(cmd.Context(), a, o) },
	}
	o.need.addFlags(cmd)
	cmd.Flags().StringVar(&o.format, "format", "", "what to write for: "+formatChoices)
	cmd.Flags().StringVar(&o.tenant, "tenant", "", "tenant by id or exact name")
	return cmd
}

func runExport(ctx context.Context, a *App, o exportOptions) error {
	write, isText := textFormats()[o.format]
	switch {
	case a.flags.json && o.format != "":
		return usagef("leave one of them out", "--json and --format %s are two answers", o.format)
	case a.flags.json:
		return a.exportJSON(ctx, o)
	case o.format == "":
		return usagef("for example: "+a.cmd("export --format sh"), "no format is given: %s", formatChoices)
	case o.format == formatGitHub:
		return a.exportGitHub(ctx, o)
	case !isText:
		return usagef("use "+formatChoices, "there is no format %q", o.format)
	}
	vars, err := a.tokenVariables(ctx, o.need, o.tenant)
	if err != nil {
		return err
	}
	text, err := write(vars)
	a.print("%s", text)
	return err
}

func (a *App) exportJSON(ctx context.Context, o exportOptions) error {
	vars, err := a.tokenVariables(ctx, o.need, o.tenant)
	if err != nil {
		return err
	}
	object := map[string]string{}
	for _, v := range vars {
		object[v.Name] = v.Value
	}
	return a.printJSON(object)
}

// exportGitHub adds to $GITHUB_ENV and prints the mask. The file comes first,
// because a command that fails prints nothing; if the mask then cannot be
// printed the file is put back, because no later step may have a token that
// the log would show.
func (a *App) exportGitHub(ctx context.Context, o exportOptions) (err error) {
	path := a.env(envGitHubEnv)
	if path == "" {
		return usagef("this is for a step of a GitHub workflow; elsewhere: "+a.cmd("export --format sh"), "%s is not set", envGitHubEnv)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return usagef("the runner sets it; do not change it", "opening the file that %s names: %w", envGitHubEnv, withoutFile(err))
	}
	defer func() { err = errors.Join(err, withoutFile(f.Close())) }()
	vars, err := a.tokenVariables(ctx, o.need, o.tenant)
	if err != nil {
		return err
	}
	text, err := shellenv.GitHubEnv(vars, "xeroauth_"+rand.Text())
	if err != nil {
		return err
	}
	size, err := appendLines(f, text)
	if err != nil {
		return errors.Join(fmt.Errorf("adding to the file that %s names: %w", envGitHubEnv, withoutFile(err)), os.Truncate(path, size))
	}
	if _, err := io.WriteString(a.Stdout, shellenv.GitHubMask(vars[0].Value)); err != nil {
		return errors.Join(fmt.Errorf("writing the answer: %w", withoutFile(err)), os.Truncate(path, size))
	}
	a.say("set %s for the steps after this one", plural(len(vars), "variable"))
	return nil
}

// appendLines adds whole lines to a file, whose own last line may lack its
// end, and tells its size before.
func appendLines(f *os.File, text string) (size int64, err error) {
	if size, err = f.Seek(0, io.SeekEnd); err != nil {
		return size, err
	}
	last := make([]byte, 1)
	if size > 0 {
		if _, err := f.ReadAt(last, size-1); err != nil {
			return size, err
		}
		if last[0] != '\n' {
			text = "\n" + text
		}
	}
	_, err = io.WriteString(f, text)
	return size, err
}
