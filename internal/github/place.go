package github

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Place names one secret of GitHub Actions: a repository's, or one of its
// environments', or an organisation's.
type Place struct {
	// Owner and Repository are empty only for an organisation's secret that is
	// there already.
	Owner, Repository string
	// Environment, if set, is one of the repository's.
	Environment string
	// Organisation, if set, owns the secret; the repository is then the one that
	// may read it when it is made.
	Organisation string
	Name         string
}

// ErrPlace says that a text names no secret.
var ErrPlace = errors.New("a secret is named OWNER/REPOSITORY:NAME, OWNER/REPOSITORY:ENVIRONMENT:NAME or ORGANISATION:NAME")

// ParsePlace reads what String writes.
func ParsePlace(text string) (Place, error) {
	where, name, ok := cutLast(text, ":")
	where, environment, hasEnvironment := strings.Cut(where, ":")
	owner, repository, hasRepository := strings.Cut(where, "/")
	p := Place{Owner: owner, Repository: repository, Environment: environment, Name: name}
	if !hasRepository {
		p = Place{Organisation: owner, Name: name}
	}
	if !ok || hasEnvironment && (environment == "" || !hasRepository) {
		return Place{}, ErrPlace
	}
	return p, p.Check()
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// String is how the variable XEROAUTH_WRITEBACK names the place, after "github:".
func (p Place) String() string {
	switch {
	case p.Organisation != "":
		return p.Organisation + ":" + p.Name
	case p.Environment != "":
		return p.Owner + "/" + p.Repository + ":" + p.Environment + ":" + p.Name
	}
	return p.Owner + "/" + p.Repository + ":" + p.Name
}

// Check reports what is wrong with a place. GitHub's rules for names of
// secrets: docs.github.com/actions/reference/security/secrets.
func (p Place) Check() error {
	switch {
	case p.Organisation != "" && p.Environment != "":
		return errors.New("an organisation has no environments")
	case p.Organisation != "" && !isName(p.Organisation, "-"):
		return fmt.Errorf("%q is no name of an organisation", p.Organisation)
	case (p.Organisation == "" || p.Owner+p.Repository != "") && (!isName(p.Owner, "-") || !isName(p.Repository, "-_.") || strings.Trim(p.Repository, ".") == ""):
		return fmt.Errorf("%q is no repository: OWNER/REPOSITORY", p.Owner+"/"+p.Repository)
	case p.Environment != "" && (len(p.Environment) > maxEnvironment || strings.ContainsFunc(p.Environment, func(r rune) bool { return r < ' ' || r == 0x7f })):
		return fmt.Errorf("%q is no name of an environment", p.Environment)
	case !isName(p.Name, "_") || '0' <= p.Name[0] && p.Name[0] <= '9' || strings.HasPrefix(strings.ToUpper(p.Name), "GITHUB_"):
		return fmt.Errorf("%q is no name of a secret: letters, digits and _, no digit first, not GITHUB_", p.Name)
	}
	return nil
}

const maxEnvironment = 255

func isName(s, also string) bool {
	return s != "" && len(s) <= 100 && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(also, r))
	})
}

// path is the address of the place's secrets, without a slash at its end.
func (p Place) path() string {
	switch {
	case p.Organisation != "":
		return "/orgs/" + p.Organisation + "/actions/secrets"
	case p.Environment != "":
		return "/repos/" + p.Owner + "/" + p.Repository + "/environments/" + url.PathEscape(p.Environment) + "/secrets"
	}
	return "/repos/" + p.Owner + "/" + p.Repository + "/actions/secrets"
}
