package doctor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/xeroauth/xeroauth/internal/loopback"
	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/xero"
)

func (v *visit) checkConfig(context.Context) finding {
	if v.Stateless {
		return ok("not needed: a custom connection from the environment keeps nothing")
	}
	var damaged *profile.DamagedError
	switch {
	case errors.As(v.SettingsErr, &damaged):
		name := "NAME"
		if len(v.Profiles) == 1 {
			name = v.Profiles[0]
		} else if slices.Contains(v.Profiles, profile.DefaultName) {
			name = profile.DefaultName
		}
		return fail("xeroauth profiles use "+name, "which profile is in use cannot be told: %v", v.SettingsErr)
	case v.SettingsErr != nil:
		return fail(v.Advise(v.SettingsErr), "%v", v.SettingsErr)
	}
	if err := v.Writable(); err != nil {
		fix := "make that folder writable for this user"
		if runtime.GOOS != "windows" {
			fix = "chmod -R u+rwX " + word(v.SettingsDir)
		}
		return fail(fix, "settings in %s cannot be changed: %v", v.SettingsDir, err)
	}
	return ok("settings in %s", v.SettingsDir)
}

func (v *visit) checkProfile(context.Context) finding {
	p := v.Profile
	var damaged *profile.DamagedError
	switch {
	case v.Stateless:
		return ok("none is used: a custom connection from the environment")
	case v.Missing:
		return fail(v.Advise(v.ProfileErr), "there is no profile %q; what follows is what a first login would meet", p.Name)
	case errors.As(v.ProfileErr, &damaged):
		return fail(fmt.Sprintf("xeroauth profiles remove %s --yes && xeroauth login -p %s", p.Name, p.Name), "%v", v.ProfileErr)
	case v.ProfileErr != nil:
		return fail(v.Advise(v.ProfileErr), "%v", v.ProfileErr)
	case p.ClientID == "":
		return fail(v.Cmd("login --client-id ID"), "profile %q has no client id", p.Name)
	}
	if _, err := xero.Authority(p.Authority); err != nil {
		return fail(v.Cmd("login --replace --authority http://localhost:9750"), "profile %q has an authority that is none: %v", p.Name, err)
	}
	if !v.custom() && len(p.RedirectURIs) == 0 {
		return fail(v.Cmd("login --redirect-uri "+firstRedirectURI), "profile %q has no redirect URI", p.Name)
	}
	if !v.custom() && len(p.Scopes) == 0 {
		return fail(v.Cmd("login --scopes "+xero.DefaultPreset), "profile %q has no scopes to ask for", p.Name)
	}
	for _, uri := range p.RedirectURIs {
		if err := loopback.CheckURI(uri); err != nil {
			return fail(v.Cmd("login --redirect-uri "+firstRedirectURI), "profile %q: %v", p.Name, err)
		}
	}
	where := "at Xero"
	if p.Authority != "" {
		where = "at the sandbox " + p.Authority
	}
	return ok("profile %q: client id %s %s, session in the store %q", p.Name, p.ClientID, where, p.Store)
}

// firstRedirectURI is the one that a new profile has (docs/xero.md section 3).
const firstRedirectURI = "http://localhost:8742/callback"

// isNoText reports what a script writes where it meant a text: JavaScript's
// name of an object, or of nothing.
func isNoText(s string) bool {
	return s == "[object Object]" || s == "undefined" || s == "null" || strings.HasPrefix(s, "${") || strings.HasPrefix(s, "{{")
}

const clientIDLength = 32 // hex digits (docs/xero.md section 6)

func (v *visit) checkApp(context.Context) finding {
	id := v.Profile.ClientID
	fix := v.Cmd("login --replace --client-id ID")
	if v.Stateless {
		fix = "export XERO_CLIENT_ID=ID"
	}
	kind := map[string]string{
		profile.Public: "a mobile or desktop app, which has no secret", profile.Web: "a web app, which has a secret",
		profile.Custom: "a custom connection, which has a secret and no login",
	}[v.Profile.App]
	switch {
	case v.Stateless && v.ProfileErr != nil:
		return fail(v.Advise(v.ProfileErr), "%v", v.ProfileErr)
	case isNoText(id):
		return fail(fix, "the client id is %q: a script put an object or nothing where the id belongs", id)
	case strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\'' }):
		return fail(fix, "the client id %q holds what no client id holds", id)
	case len(id) != clientIDLength || strings.Trim(id, "0123456789abcdefABCDEF") != "":
		return warn(fix, "the client id %q is not 32 hex digits, as Xero's are; the app is registered as %s", id, kind)
	}
	return ok("%s", kind)
}

// checkRedirect tries each redirect URI as a login does: one that works will do.
func (v *visit) checkRedirect(ctx context.Context) finding {
	if v.custom() {
		return ok("not needed: a custom connection has no browser login")
	}
	var failed []finding
	for _, uri := range v.Profile.RedirectURIs {
		answered, err := loopback.SelfTest(ctx, uri)
		if err != nil {
			failed = append(failed, v.redirectTrouble(uri, err))
			continue
		}
		if len(failed) > 0 {
			first := failed[0]
			return warn(first.fix, "%s; a login falls back to %s", first.seen, uri)
		}
		return ok("%s: listened, and was heard at %s", uri, strings.Join(answered, ", "))
	}
	return failed[0]
}

func (v *visit) redirectTrouble(uri string, err error) finding {
	const register = "register another redirect URI at developer.xero.com, then: "
	other := register + v.Cmd("login --redirect-uri http://localhost:8080/callback")
	var busy *loopback.BusyError
	var denied *loopback.DeniedError
	switch {
	case errors.As(err, &busy) && busy.Holder != "":
		stop := "stop that program"
		if _, pid, found := strings.Cut(strings.TrimSuffix(busy.Holder, ")"), "(process "); found && runtime.GOOS != "windows" {
			stop = "kill " + pid
		}
		return fail(stop, "the port of %s is in use at %s by %s", uri, busy.Host, busy.Holder)
	case errors.As(err, &busy):
		return fail("stop that program; or "+other, "the port of %s is in use at %s by another program", uri, busy.Host)
	case errors.As(err, &denied):
		return warn(register+v.Cmd("login --redirect-uri "+firstRedirectURI),
			"this user may not listen on the port of %s: the address must be pasted at each login", uri)
	}
	return fail(other, "%v", err)
}

func (v *visit) checkBrowser(context.Context) finding {
	if v.custom() {
		return ok("not needed: a custom connection has no browser login")
	}
	seen, fix := v.Browser()
	if fix != "" {
		return warn(fix, "%s", seen)
	}
	return ok("%s", seen)
}

// word is text as one word of a shell, also of PowerShell.
func word(text string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._/:@+,=", r)
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
