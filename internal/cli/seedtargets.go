package cli

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/github"
	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store/job"
	"github.com/xeroauth/xeroauth/internal/term"
)

type seedGitHubOptions struct {
	seedOptions
	repo, environment, organisation, name string
}

func newSeedGitHubCmd(a *App) *cobra.Command {
	var o seedGitHubOptions
	cmd := &cobra.Command{
		Use:   "github --repo OWNER/REPOSITORY",
		Short: "Put a session into a secret of GitHub Actions",
		Long: `Checks the right to write with a throw-away secret, asks for consent, seals the
session on this machine, writes the secret, and prints a workflow to start from.

The token comes from GH_TOKEN or GITHUB_TOKEN: a fine-grained personal access
token, or an app's, with Secrets (write) for a repository's secret, Environments
(write) for an environment's. The GITHUB_TOKEN that a job is given cannot write
secrets. Use --env: GitHub reads a repository's secrets when a run is queued, so
that a run which waited for another would start with an old session.`,
		Example: `  xeroauth seed github --repo octo/books --env xero
  xeroauth seed github --repo octo/books --name XERO_BOOKS`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSeedGitHub(cmd.Context(), a, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.repo, "repo", "", "the repository, as OWNER/REPOSITORY")
	f.StringVar(&o.environment, "env", "", "the repository's environment that the secret belongs to; it must be there")
	f.StringVar(&o.organisation, "org", "", "make it the organisation's secret, which only --repo may read")
	f.StringVar(&o.name, "name", envSession, "the secret's name")
	o.addFlags(cmd)
	return cmd
}

func runSeedGitHub(ctx context.Context, a *App, o seedGitHubOptions) error {
	owner, repository, ok := strings.Cut(o.repo, "/")
	if o.repo == "" || !ok {
		return usagef("for example --repo octo/books", "seed github needs --repo OWNER/REPOSITORY")
	}
	place := github.Place{Owner: owner, Repository: repository, Environment: o.environment, Organisation: o.organisation, Name: o.name}
	if err := place.Check(); err != nil {
		return usagef("run: xeroauth seed github --help", "%w", err)
	}
	if _, err := a.github(); err != nil {
		return err
	}
	d := destination{
		target: "github", writeback: "github:" + place.String(),
		workflow: func(p profile.Profile) string { return workflow(place, p.App == profile.Web) },
		check: func(ctx context.Context) error {
			return a.patiently(ctx, func(ctx context.Context, c *github.Client) error { return c.Probe(ctx, place, job.MinSeed) })
		},
		deliver: func(ctx context.Context, value secret.Text) error {
			return a.patiently(ctx, func(ctx context.Context, c *github.Client) error { return c.Put(ctx, place, value) })
		},
	}
	if o.environment == "" && a.env(envSession) == "" {
		a.warn("GitHub reads this secret when a run is queued: a run that waits for another starts with an old session; --env NAME avoids that")
	}
	return a.runSeed(ctx, o.seedOptions, d)
}

func newSeedExecCmd(a *App) *cobra.Command {
	var o seedOptions
	cmd := &cobra.Command{
		Use:   "exec -- PROGRAM ARGS",
		Short: "Give a session to a program, on its stdin",
		Long: `Asks for consent and starts the program with the session on its stdin: one line,
without a line end. The program's environment lacks our own secrets, and what it
prints goes to stderr. If it fails, nothing was seeded.`,
		Example: `  xeroauth seed exec -- glab variable set XEROAUTH_SESSION --masked
  xeroauth seed exec -- vault kv put -mount=secret xeroauth session=-`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("for example: xeroauth seed exec -- glab variable set "+envSession, "seed exec needs a program")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runSeed(cmd.Context(), o, a.execDestination(args))
		},
	}
	// What follows the program's name is the program's.
	cmd.Flags().SetInterspersed(false)
	o.addFlags(cmd)
	return cmd
}

func (a *App) execDestination(line []string) destination {
	return destination{
		target: "exec",
		check: func(context.Context) error {
			if _, err := exec.LookPath(line[0]); err != nil {
				return usagef("name a program that is on PATH", "%w", err)
			}
			return nil
		},
		deliver: func(ctx context.Context, value secret.Text) error {
			run := exec.CommandContext(ctx, line[0], line[1:]...)
			run.Stdout, run.Stderr = a.Stderr, a.Stderr
			if err := a.feed(run, value); err != nil {
				return fmt.Errorf("running %s: %w", line[0], err)
			}
			return nil
		},
	}
}

func newSeedStdoutCmd(a *App) *cobra.Command {
	var o seedOptions
	cmd := &cobra.Command{
		Use:   "stdout",
		Short: "Print a session, to a pipe or file only",
		Long: `Asks for consent and prints the session as one line. Whoever reads that line can
act as you at Xero: a terminal is refused, and a file should be private.`,
		Example: "  xeroauth seed stdout | gh secret set XEROAUTH_SESSION --env xero",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runSeed(cmd.Context(), o, destination{
				target: "stdout", stdout: true,
				check: func(context.Context) error {
					if term.IsTerminal(a.Stdout) {
						return usagef("for example: xeroauth seed stdout | gh secret set "+envSession, "seed stdout does not print a session on a terminal")
					}
					return nil
				},
				deliver: func(context.Context, secret.Text) error { return nil },
			})
		},
	}
	o.addFlags(cmd)
	return cmd
}
