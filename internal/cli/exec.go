package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

type execOptions struct {
	need    tokenNeed
	tenant  string
	keepEnv []string
}

func newExecCmd(a *App) *cobra.Command {
	var o execOptions
	cmd := &cobra.Command{
		Use:   "exec [flags] -- COMMAND [ARGUMENT...]",
		Short: "Run a program with a token in its environment",
		Long: `Runs the program with these variables, after refreshing the session if the token
would not live for --min-ttl:

    XERO_ACCESS_TOKEN          the access token
    XERO_CLIENT_BEARER_TOKEN   the same, by the name that xero-mcp-server reads
    XERO_TOKEN_EXPIRES_AT      when it dies, in epoch seconds
    XERO_TENANT_ID             the tenant chosen, the default or the only one;
                               empty for a custom connection

The token is not renewed while the program runs, and lives 30 minutes at most.
xeroauth's own secrets are taken out of the program's environment:
XERO_CLIENT_SECRET, XEROAUTH_FILE_KEY, XEROAUTH_SESSION and XEROAUTH_WRITEBACK.
Nothing is stored. The program has this one's terminal, streams and signals, and
its exit code is the exit code (on Unix it takes this program's place). If it is
not started, nothing is printed on stdout; 127 says that there is no such
program, 126 that it cannot be run.`,
		Example: `  xeroauth exec -- npx @xeroapi/xero-mcp-server
  xeroauth exec --tenant "Demo Company (AU)" --min-ttl 20m -- ./import-invoices.sh
  xeroauth exec --keep-env XERO_CLIENT_SECRET -- ./both-ways.sh`,
		Args: func(cmd *cobra.Command, args []string) error { return checkCommand(a, cmd.ArgsLenAtDash(), args) },
		RunE: func(cmd *cobra.Command, args []string) error { return runExec(cmd.Context(), a, o, args) },
	}
	// What follows the program's name is the program's, even where -- is
	// forgotten, so that the hint can show the whole command.
	cmd.Flags().SetInterspersed(false)
	o.need.addFlags(cmd)
	cmd.Flags().StringVar(&o.tenant, "tenant", "", "tenant by id or exact name")
	cmd.Flags().StringArrayVar(&o.keepEnv, "keep-env", nil, "leave this secret of xeroauth's in the environment (repeatable)")
	return cmd
}

// checkCommand wants the command after --, so that no flag of it can be taken
// for one of ours.
func checkCommand(a *App, dash int, args []string) error {
	switch {
	case len(args) == 0 || args[0] == "":
		return usagef("for example: "+a.cmd("exec")+" -- npx @xeroapi/xero-mcp-server", "no command is given")
	case dash != 0:
		return usagef("put -- before the command: "+a.cmd("exec")+" -- "+args[0], "the command does not stand after --")
	}
	return nil
}

func runExec(ctx context.Context, a *App, o execOptions, command []string) error {
	for _, name := range o.keepEnv {
		if !isSecretVariable(name) {
			return usagef("taken out are only "+strings.Join(secretVariables(), ", "), "--keep-env %q: that variable is not taken out", name)
		}
	}
	if err := o.need.check(); err != nil {
		return err
	}
	path, err := a.findProgram(command[0])
	if err != nil {
		return err
	}
	vars, err := a.tokenVariables(ctx, o.need, o.tenant)
	if err != nil {
		return err
	}
	a.exit, err = a.Become(path, command, withVariables(a.environWithoutSecrets(o.keepEnv...), vars))
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.Is(err, fs.ErrNotExist):
		// The file was there a moment ago: the one that its #! names is not.
		err = fmt.Errorf("what it needs to run is not there: %w", err)
	}
	return cannotRun(command[0], err)
}

// findProgram looks for a program before anything else is done: a typing slip
// must not cost a refresh.
func (a *App) findProgram(name string) (string, error) {
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) && a.isBlocked(name) {
		err = fs.ErrPermission
	}
	if err != nil {
		return "", cannotRun(name, err)
	}
	return path, nil
}

// isBlocked reports whether a plain name stands on PATH as a file that may not
// be run, which shells tell apart from one that is not there.
func (a *App) isBlocked(name string) bool {
	if runtime.GOOS == "windows" {
		return false // there a name alone says whether a file can be run
	}
	return slices.ContainsFunc(filepath.SplitList(a.env("PATH")), func(dir string) bool {
		info, err := os.Stat(filepath.Join(dir, name))
		return err == nil && info.Mode().IsRegular()
	})
}

// cannotRun is the error for a program that did not start, with the exit code
// that shells give.
func cannotRun(name string, err error) error {
	var lookup *exec.Error
	if errors.As(err, &lookup) {
		err = lookup.Err
	}
	exit, hint := exitCannotRun, ""
	switch {
	case errors.Is(err, exec.ErrDot):
		hint = "if you mean the one in this folder: ." + string(filepath.Separator) + name
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		exit = exitNoProgram
	case errors.Is(err, syscall.ENOEXEC):
		hint = "a script needs a first line such as #!/bin/sh"
	}
	return &advised{exit: exit, hint: hint, err: fmt.Errorf("running %q: %w", name, withoutFile(err))}
}
