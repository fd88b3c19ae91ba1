package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/xeroauth/xeroauth/internal/login"
	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// loginCustom checks a custom connection's id and secret by asking for a
// token, and keeps it. Xero may or may not list its organisation
// (docs/xero.md section 7): neither answer is a failure.
func (a *App) loginCustom(ctx context.Context, plan *loginPlan, client *xero.Client, wanted string) error {
	set, err := a.mint(ctx, client, plan.app)
	if err != nil {
		return err
	}
	tokens := login.Tokens{Set: set, Claims: xero.ParseClaims(set.AccessToken.Reveal())}
	// A custom connection has no user whose change would matter.
	tokens.Claims.UserID = ""
	if err := a.keepLogin(ctx, plan, tokens); err != nil {
		return err
	}
	listCtx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	list, err := client.Connections(listCtx, set.AccessToken)
	if err != nil {
		a.trace("listing the organisation of the custom connection: %v", err)
		list = nil
	}
	s := a.settle(ctx, plan, wanted, tokens, list, nil)
	a.tellSkew(set)
	a.say("custom connection %s works; its token is kept in the store %q as profile %q", plan.profile.ClientID, plan.profile.Store, plan.profile.Name)
	plan.removeReplaced(ctx, a)
	if err := a.settleDefault(ctx, plan, &s); err != nil {
		return err
	}
	for _, t := range s.tenants {
		a.say("organisation: %s", t.shown())
	}
	if a.flags.json {
		record := newRecord(plan.profile, tokens)
		return a.printJSON(a.statusOf(plan.profile, &record, s.tenants))
	}
	return nil
}

// planCustomScopes settles what to ask for a custom connection: nothing, unless
// a flag, the profile or, for a new profile, the environment asks. Xero then
// grants what was ticked at developer.xero.com (docs/xero.md section 4).
func (a *App) planCustomScopes(plan *loginPlan, o loginOptions) error {
	p := &plan.profile
	if plan.former == nil || plan.former.App != profile.Custom {
		p.Scopes = nil // those were a person's
	}
	text := o.scopes
	if text == "" && plan.former == nil && plan.session == nil {
		text = a.env(envScopes)
	}
	if text != "" {
		scopes, dropped, err := customScopes(text)
		if err != nil {
			return err
		}
		if dropped != "" {
			a.say("not asked for, a custom connection has no person: %s", dropped)
		}
		p.Scopes = scopes
	}
	plan.app.Scopes = p.Scopes
	return nil
}

// customScopes expands scopes for a custom connection. It drops those of a
// person, which stand in the presets and in settings that serve both kinds.
func customScopes(text string) (scopes []string, dropped string, err error) {
	all, err := expandScopes(text)
	if err != nil {
		return nil, "", err
	}
	var persons []string
	for _, s := range all {
		if xero.UserOnly(s) {
			persons = append(persons, s)
		}
	}
	scopes = slices.DeleteFunc(all, xero.UserOnly)
	return scopes, strings.Join(persons, " "), nil
}
