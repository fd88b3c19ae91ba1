package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/xeroauth/xeroauth/internal/xero"
)

// expandScopes reads names and presets, separated by spaces or commas.
func expandScopes(text string) ([]string, error) {
	presets := xero.Presets()
	var scopes []string
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' || r == '\t' }) {
		list := []string{word}
		if strings.HasPrefix(word, "@") {
			var ok bool
			if list, ok = presets[word]; !ok {
				return nil, usagef("the presets are "+strings.Join(slices.Sorted(maps.Keys(presets)), " "), "there is no scope preset %q", word)
			}
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

// checkScopes stops a login that Xero would answer with an error page and no
// callback, and warns of what will surprise later.
func (a *App) checkScopes(scopes []string) error {
	known := xero.KnownScopes()
	for _, s := range scopes {
		if xero.ClientOnly(s) {
			return usagef("leave it out of --scopes", "Xero refuses the scope %q in a browser login", s)
		}
		if slices.Contains(known, s) {
			continue
		}
		if near := nearest(s, known); near != "" {
			return usagef("did you mean: "+near, "Xero has no scope %q", s)
		}
		a.warn("the scope %q is not one that this program knows; Xero shows an error page if it does not know it either", s)
	}
	for _, s := range scopes {
		if next := xero.Successors(s); next != nil {
			a.warn("the scope %q is retired: apps made since 2 March 2026 may not ask for it; its successors are %s", s, strings.Join(next, " "))
		}
	}
	if !slices.Contains(scopes, "offline_access") {
		a.warn("without the scope offline_access there is no refresh token: this login ends after 30 minutes")
	}
	return nil
}
