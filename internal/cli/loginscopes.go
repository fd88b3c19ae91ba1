package cli

import (
	"slices"
	"strings"

	"github.com/xeroauth/xeroauth/internal/xero"
)

// scopeWords splits what a person or a variable says of scopes.
func scopeWords(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' || r == '\t' })
}

// expandScopes reads names and presets, separated by spaces or commas.
func expandScopes(text string) ([]string, error) {
	var scopes []string
	for _, word := range scopeWords(text) {
		list := []string{word}
		if strings.HasPrefix(word, "@") {
			p, err := presetNamed(word)
			if err != nil {
				return nil, err
			}
			list = p.Scopes
		}
		for _, s := range list {
			if !slices.Contains(scopes, s) {
				scopes = append(scopes, s)
			}
		}
	}
	if len(scopes) == 0 {
		return nil, usagef("for example: --scopes "+xero.DefaultPreset, "no scope is given")
	}
	return scopes, nil
}

func presetNamed(word string) (xero.Preset, error) {
	catalog := xero.Scopes()
	p, known := catalog.Preset(word)
	if known {
		return p, nil
	}
	names := catalog.PresetNames()
	hint := "the presets are " + strings.Join(slices.Sorted(slices.Values(names)), " ")
	if near := nearest(word, names); near != "" {
		hint = "did you mean: " + near
	}
	return p, usagef(hint, "there is no scope preset %q", word)
}

// misspelt is the error for a scope that Xero does not have and that is a
// typing slip away from one that it has; nil for any other.
func misspelt(scope string) error {
	catalog := xero.Scopes()
	if _, known := catalog.Scope(scope); known {
		return nil
	}
	if near := nearest(scope, catalog.Names()); near != "" {
		return usagef("did you mean: "+near, "Xero has no scope %q", scope)
	}
	return nil
}

// refuseScopes stops a login that Xero would answer with an error page and no
// callback, whatever the app.
func refuseScopes(scopes []string) error {
	for _, name := range scopes {
		if s, _ := xero.Scopes().Scope(name); s.ClientOnly {
			return usagef("leave it out of --scopes", "Xero refuses the scope %q in a browser login", name)
		}
		if err := misspelt(name); err != nil {
			return err
		}
	}
	return nil
}

// checkScopes refuses what cannot work, and warns of what may stop at Xero or
// will surprise later.
func (a *App) checkScopes(scopes []string) error {
	if err := refuseScopes(scopes); err != nil {
		return err
	}
	for _, name := range scopes {
		s, known := xero.Scopes().Scope(name)
		switch {
		case !known:
			a.warn("the scope %q is not one that this program knows; Xero shows an error page if it does not know it either", name)
		case s.Successors != nil:
			a.warn("the scope %q is retired: apps made since 2 March 2026 may not ask for it; its successors are %s", name, strings.Join(s.Successors, " "))
		case s.Restricted != "":
			a.warn("the scope %q is %s; Xero shows an error page to any other", name, s.Restricted)
		}
	}
	if !slices.Contains(scopes, "offline_access") {
		a.warn("without the scope offline_access there is no refresh token: this login ends after 30 minutes")
	}
	return nil
}
