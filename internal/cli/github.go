package cli

import (
	"errors"
	"fmt"

	"github.com/xeroauth/xeroauth/internal/github"
	"github.com/xeroauth/xeroauth/internal/secret"
)

const (
	envGitHubToken    = "GH_TOKEN"
	envGitHubTokenToo = "GITHUB_TOKEN"
	envGitHubAPI      = "GITHUB_API_URL"
)

// ownToken says of a token what its 403 leaves people to find out.
const ownToken = "the GITHUB_TOKEN that a job is given cannot write secrets, whatever its permissions: " +
	"set GH_TOKEN to a fine-grained personal access token or an app's token that may"

// github returns a client with the token of the environment.
func (a *App) github() (*github.Client, error) {
	c, err := github.New(github.Config{
		API: a.env(envGitHubAPI), Token: secret.New(firstOf(a.env(envGitHubToken), a.env(envGitHubTokenToo))),
		UserAgent: a.userAgent(), Roots: a.Roots, Now: a.Now, Trace: a.trace,
	})
	switch {
	case err == nil:
		return c, nil
	case errors.Is(err, github.ErrAPI):
		return nil, usagef("unset "+envGitHubAPI+" for github.com", "%s: %w", envGitHubAPI, err)
	}
	return nil, usagef("set "+envGitHubToken+" to a token that may write secrets; "+ownToken, "%s: %w", envGitHubToken+" or "+envGitHubTokenToo, err)
}

// githubAdvice is one piece of advice for each kind of refusal.
func (a *App) githubAdvice(e *github.Error) (exit int, hint string) {
	switch e.Kind {
	case github.BadToken:
		return exitFailure, "GitHub does not know the token in " + a.githubTokenName() + ": make a new one"
	case github.NoRight:
		needs := "Secrets (write) for a repository's secret, Environments (write) for an environment's"
		if e.Accepted != "" {
			needs = fmt.Sprintf("GitHub asks for %q", e.Accepted)
		}
		if e.OfIntegration() {
			return exitFailure, ownToken + " (" + needs + ")"
		}
		return exitFailure, "the token in " + a.githubTokenName() + " may not write there; " + needs + ", and access to that repository"
	case github.NotFound:
		return exitFailure, "check the names; GitHub also answers 404 for a repository that the token in " + a.githubTokenName() + " may not see, and for an environment that is not made yet"
	case github.Limited:
		if e.RetryAfter > 0 {
			return exitTemporary, "too many requests, which says nothing of the token's rights; try again after " + clock(a.Now().Add(e.RetryAfter))
		}
		return exitTemporary, "too many requests, which says nothing of the token's rights; try again in a minute or later"
	case github.Temporary:
		return exitTemporary, "try again"
	case github.Refused:
	}
	return exitFailure, ""
}

// githubTokenName is the variable that the token came from.
func (a *App) githubTokenName() string {
	if a.env(envGitHubToken) != "" {
		return envGitHubToken
	}
	return envGitHubTokenToo
}
