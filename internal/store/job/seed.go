package job

import (
	"errors"
	"fmt"
	"strings"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
)

// Seed is what a job is given: a session, and the tenant that it works for by
// default, which may be empty. A client secret is never part of it.
type Seed struct {
	Record store.Record
	Tenant string
}

const (
	// Prefix begins every seed value of this format.
	Prefix = "xs1."
	// maxSeed bounds what is read of a value; one of real size has 2,500 bytes,
	// and GitHub takes 48 KB.
	maxSeed = 16 << 10
	// MinSeed is a size that no real value falls short of by much: what is tried
	// on a secret store before anything depends on it.
	MinSeed = 2500
)

var (
	// ErrSeed says that a value is no seed, or a damaged one.
	ErrSeed = errors.New("it does not hold a session as xeroauth seed writes it")
	// ErrNewerSeed says that a later version wrote the value.
	ErrNewerSeed = errors.New("it was written by a newer version of xeroauth")
)

// Pack writes a seed as one line of ASCII letters, digits, ".", "-" and "_",
// which every secret store takes and GitLab can mask:
//
//	"xs1." tenant "." record
//
// where record is a packed one (store.Pack) that names the tenant as its
// account, so that its checksum covers both.
func (s Seed) Pack() (secret.Text, error) {
	r := s.Record
	r.WritebackDue = false // where it is written, nothing is due
	packed, err := store.Pack(seedAccount(s.Tenant), r)
	if err != nil {
		return packed, err
	}
	text := Prefix + s.Tenant + "." + packed.Reveal()
	if len(text) > maxSeed {
		return secret.Text{}, errors.New("the session is too large to be a seed: ask for fewer scopes")
	}
	return secret.New(text), nil
}

func seedAccount(tenant string) string { return "seed " + tenant }

// ParseSeed reads what Pack wrote. Space around it, which pasting leaves, is
// not part of it. Errors wrap ErrSeed or ErrNewerSeed and quote nothing.
func ParseSeed(value secret.Text) (Seed, error) {
	text := strings.TrimSpace(value.Reveal())
	rest, ours := strings.CutPrefix(text, Prefix)
	switch {
	case len(text) > maxSeed || strings.ContainsFunc(text, notSeedRune):
		return Seed{}, ErrSeed
	case !ours && isNewer(text):
		return Seed{}, ErrNewerSeed
	case !ours:
		return Seed{}, ErrSeed
	}
	tenant, packed, ok := strings.Cut(rest, ".")
	if !ok || tenant != "" && !isUUID(tenant) {
		return Seed{}, ErrSeed
	}
	r, err := store.Unpack(seedAccount(tenant), secret.New(packed))
	if err != nil {
		return Seed{}, fmt.Errorf("%w (part of it is missing or changed)", ErrSeed)
	}
	if r.App != "public" && r.App != "web" || r.RefreshToken.IsZero() {
		return Seed{}, fmt.Errorf("%w (it is no person's, or cannot be renewed)", ErrSeed)
	}
	return Seed{Record: r, Tenant: tenant}, nil
}

func notSeedRune(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '-' || r == '_')
}

// isNewer reports whether text has the prefix of a later format: xs2. and on.
func isNewer(text string) bool {
	digits, _, ok := strings.Cut(strings.TrimPrefix(text, "xs"), ".")
	return ok && strings.HasPrefix(text, "xs") && digits != "" && len(digits) < 4 && strings.Trim(digits, "0123456789") == ""
}

// isUUID takes the form in which ids are kept: lower case, with hyphens.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (r == '-') || !hyphen && !('0' <= r && r <= '9' || 'a' <= r && r <= 'f') {
			return false
		}
	}
	return true
}
