package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/term"
)

// The topics whose text is made of the lists in reference.go.
const (
	topicEnvironment = "environment"
	topicExitCodes   = "exit-codes"
)

// helpTopics are commands that only have a text: help lists them apart.
func helpTopics() []*cobra.Command {
	return []*cobra.Command{
		{Use: topicEnvironment, Short: "The variables that are read"},
		{Use: topicExitCodes, Short: "What each exit code means"},
		{Use: "ci", Short: "Tokens in CI", Long: helpCI},
		{Use: "security", Short: "What is kept where, and what is not defended", Long: helpSecurity},
	}
}

const helpEnvironment = `A profile that holds a session decides its own client id, kind of app, authority
and store. The first three variables serve a new profile's first login, and
custom connections without a profile.

%s
What exec and export hand out: XERO_ACCESS_TOKEN, XERO_CLIENT_BEARER_TOKEN (the
same token, by the name that xero-mcp-server reads), XERO_TOKEN_EXPIRES_AT (in
epoch seconds), XERO_TENANT_ID (empty for a custom connection).

No variable moves Xero's addresses.`

func environmentText() string {
	var b strings.Builder
	for _, v := range variables() {
		b.WriteString(entry(2, 29, v.name, v.meaning))
	}
	return fmt.Sprintf(helpEnvironment, &b)
}

func exitCodesText() string {
	var b strings.Builder
	for _, e := range exitCodes() {
		b.WriteString(entry(0, 5, fmt.Sprintf("%5d", e.code), e.meaning))
	}
	return b.String() + "\nOnce exec has started its program, the exit code is the program's own."
}

// entry is a name and what it means, which goes on below itself. A name that
// is too wide for its column has a line of its own.
func entry(indent, column int, name, meaning string) string {
	lines := wrap(meaning, helpWidth-indent-column-gap)
	var b strings.Builder
	space := strings.Repeat(" ", indent)
	if room := column - term.Cells(name); room >= 0 {
		b.WriteString(space + name + strings.Repeat(" ", room+gap) + lines[0] + "\n")
		lines = lines[1:]
	} else {
		b.WriteString(space + name + "\n")
	}
	for _, line := range lines {
		b.WriteString(strings.Repeat(" ", indent+column+gap) + line + "\n")
	}
	return b.String()
}

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
