package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/xeroauth/xeroauth/internal/xero"
)

const offlineAccess = "offline_access"

// checkScopes judges what the next login will ask for.
func (v *visit) checkScopes(context.Context) finding {
	if v.custom() {
		return ok("ticked at developer.xero.com: a custom connection asks for none")
	}
	var refused, retired, unknown []string
	for _, s := range v.Profile.Scopes {
		switch {
		case xero.ClientOnly(s), v.typo(s) != "":
			refused = append(refused, s)
		case xero.Successors(s) != nil:
			retired = append(retired, s)
		case !slices.Contains(xero.KnownScopes(), s):
			unknown = append(unknown, s)
		}
	}
	fix := v.loginWithScopes()
	switch {
	case len(refused) > 0:
		return fail(fix, "Xero stops a login that asks for: %s", strings.Join(refused, " "))
	case len(retired) > 0 && !v.allGranted(retired):
		return fail(fix, "retired, and refused to apps made since 2 March 2026: %s", strings.Join(retired, " "))
	case len(retired) > 0:
		return warn(fix, "retired, and granted to this old app until September 2027: %s", strings.Join(retired, " "))
	case len(unknown) > 0:
		return warn(v.Cmd("scopes"), "not known here, and perhaps not to Xero: %s", strings.Join(unknown, " "))
	}
	return ok("%d to ask for, all known", len(v.Profile.Scopes))
}

// typo is the scope that s was meant to be, if it is none.
func (v *visit) typo(s string) string {
	if known := xero.KnownScopes(); !slices.Contains(known, s) {
		return v.Near(s, known)
	}
	return ""
}

func (v *visit) allGranted(scopes []string) bool {
	if v.record == nil {
		return false
	}
	return !slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(v.record.Scopes, s) })
}

// loginWithScopes is a login that asks for what is meant, and for
// offline_access.
func (v *visit) loginWithScopes(more ...string) string {
	var out []string
	add := func(scopes ...string) {
		for _, s := range scopes {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	for _, s := range v.Profile.Scopes {
		meant := v.typo(s)
		switch next := xero.Successors(s); {
		case xero.ClientOnly(s):
		case meant != "":
			add(meant)
		case next != nil:
			add(next...)
		default:
			add(s)
		}
	}
	add(offlineAccess)
	add(more...)
	return v.Cmd("login --scopes " + word(strings.Join(out, ",")))
}

func (v *visit) checkOfflineAccess(context.Context) finding {
	switch {
	case v.custom():
		return ok("not needed: a custom connection has no refresh token")
	case slices.Contains(v.Profile.Scopes, offlineAccess):
		return ok("asked for: a session lives for 60 days and longer")
	case v.record != nil && !v.record.RefreshToken.IsZero():
		return warn(v.loginWithScopes(), "the session has a refresh token, but the next login will not ask for one")
	}
	return fail(v.loginWithScopes(), "not asked for: a session ends after 30 minutes and cannot be renewed")
}
