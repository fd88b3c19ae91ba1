package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpView is a command's help in --json. Its field names are promised.
type helpView struct {
	Command  string     `json:"command"`
	Short    string     `json:"short"`
	Long     string     `json:"long"`
	Usage    string     `json:"usage"`
	Example  string     `json:"example"`
	Flags    []flagView `json:"flags"`
	Commands []string   `json:"commands"`
}

type flagView struct {
	Name      string `json:"name"`
	Shorthand string `json:"shorthand"`
	Default   string `json:"default"`
	Usage     string `json:"usage"`
}

func newHelpCmd(a *App) *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND or TOPIC]",
		Short:   "Help about a command or a topic",
		Long:    "Shows what a command does, or one of the topics environment, exit-codes, ci and security.",
		Example: "  xeroauth help login\n  xeroauth help exit-codes",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(cmd.Root(), strings.Join(args, " "))
			}
			about.InitDefaultHelpFlag()
			about.InitDefaultVersionFlag()
			if a.flags.json {
				return a.printJSON(viewHelp(about))
			}
			return about.Help()
		},
	}
}

func viewHelp(cmd *cobra.Command) helpView {
	v := helpView{
		Command: cmd.CommandPath(), Short: cmd.Short, Long: cmd.Long, Usage: cmd.UseLine(), Example: cmd.Example,
		Flags: []flagView{}, Commands: []string{},
	}
	add := func(f *pflag.Flag) {
		v.Flags = append(v.Flags, flagView{Name: f.Name, Shorthand: f.Shorthand, Default: f.DefValue, Usage: f.Usage})
	}
	cmd.NonInheritedFlags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	for _, c := range cmd.Commands() {
		v.Commands = append(v.Commands, c.Name())
	}
	return v
}

// helpTopics are commands that only have a text: cobra lists them apart.
func helpTopics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "environment", Short: "The variables that are read", Long: helpEnvironment},
		{Use: "exit-codes", Short: "What each exit code means", Long: helpExitCodes},
		{Use: "ci", Short: "Tokens in CI", Long: helpCI},
		{Use: "security", Short: "What is kept where, and what is not defended", Long: helpSecurity},
	}
}

const helpEnvironment = `A profile that holds a session decides its own client id, kind of app, authority
and store. The first three variables serve a new profile's first login, and
custom connections without a profile.

  XERO_CLIENT_ID               the app's client id
  XERO_CLIENT_SECRET           the app's secret (web apps, custom connections)
  XERO_SCOPES                  scopes and presets to ask for
  XEROAUTH_PROFILE             profile to use, like -p
  XEROAUTH_TENANT              tenant to choose, by id or exact name; it never
                               adds a header line by itself
  XEROAUTH_STORE               store of a new profile: keychain, file, plain
  XEROAUTH_CONFIG_DIR          folder of the profiles
  XEROAUTH_FILE_KEY            age identity of the store "file"
  XEROAUTH_FILE_KEY_FILE       file that holds it
  XEROAUTH_CUSTOM_CONNECTION   1: use a custom connection
  XEROAUTH_SESSION             in a CI job: the session, as seed writes it
  XEROAUTH_WRITEBACK           in a CI job: where a renewed session goes
  RUNNER_TEMP, XDG_RUNTIME_DIR   in a CI job: folder of its session's file
  GH_TOKEN, GITHUB_TOKEN       token for secrets of GitHub Actions
  GITHUB_API_URL               address of GitHub's API, https only
  GITHUB_ENV                   file that "export --format github" adds to
  BROWSER                      command that opens an address; none: open nothing
  NO_COLOR, CLICOLOR_FORCE     colour on stderr: never, always
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY   the usual proxies; loopback uses none
  CI                           set: never ask on the terminal

What exec and export hand out: XERO_ACCESS_TOKEN, XERO_CLIENT_BEARER_TOKEN (the
same token, by the name that xero-mcp-server reads), XERO_TOKEN_EXPIRES_AT (epoch
seconds), XERO_TENANT_ID (empty for a custom connection).

No variable moves Xero's addresses.`

const helpExitCodes = `    0  done
    1  another failure
    2  usage: a flag, argument or setting is wrong
    3  the store is unavailable, locked or not writable
    4  a login is needed (also: no such profile)
    5  temporary: network, Xero 5xx or 429, lock held too long; try again,
       nothing was lost
    6  Xero refused: consent denied or not given in time, wrong client, secret,
       scope or redirect URI
    7  no such tenant, ambiguous, or none to choose from
  126  exec: the program could not be run
  127  exec: there is no such program
  130  stopped by SIGINT
  143  stopped by SIGTERM

Once exec has started its program, the exit code is the program's own.`

const helpCI = `The first choice in CI is a custom connection: nothing rotates, nothing is kept.

  XERO_CLIENT_ID=…  XERO_CLIENT_SECRET=…  XEROAUTH_CUSTOM_CONNECTION=1
  xeroauth header --api | curl -fsS -H @- https://api.xero.com/api.xro/2.0/Organisation

It needs no keychain, no HOME and no set-up.

A job that must act as a person has a session of its own in a secret:

  xeroauth seed github --repo OWNER/REPOSITORY --env ENVIRONMENT

and in the job, one at a time:

  XEROAUTH_SESSION     that secret's value
  XEROAUTH_WRITEBACK   where a renewed session goes, before its token is used:
                       github:OWNER/REPOSITORY:NAME
                       github:OWNER/REPOSITORY:ENVIRONMENT:NAME
                       github:ORGANISATION:NAME
                       exec:/path/to/program (the session on its stdin)
  GH_TOKEN             for github: a token that may write that secret; the
                       GITHUB_TOKEN that a job is given may not

Recipes for GitHub, GitLab and others, and what to do when a writeback fails:
docs/ci.md.`

const helpSecurity = `The session is one entry in the system keychain: service "xeroauth", account the
profile's name. A web app's client secret is another, PROFILE#client. Profiles
and lists of tenants are plain files without secrets.

Tokens and secrets are never arguments, and never in logs, errors, -v or URLs
that are printed. The refresh token is saved, and read back, before any new
token is used.

Not defended: any program that runs as you can read your keychain, and could
run xeroauth. The store "plain" is not encrypted at all.`
