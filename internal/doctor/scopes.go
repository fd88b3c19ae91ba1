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
	for _, name := range v.Profile.Scopes {
		s, known := xero.Scopes().Scope(name)
		switch {
		case s.ClientOnly, v.typo(name) != "":
			refused = append(refused, name)
		case s.Successors != nil:
			retired = append(retired, name)
		case !known:
			unknown = append(unknown, name)
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
	catalog := xero.Scopes()
	if _, known := catalog.Scope(s); known {
		return ""
	}
	return v.Near(s, catalog.Names())
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
	for _, name := range v.Profile.Scopes {
		meant := v.typo(name)
		switch s, _ := xero.Scopes().Scope(name); {
		case s.ClientOnly:
		case meant != "":
			add(meant)
		case s.Successors != nil:
			add(s.Successors...)
		default:
			add(name)
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
