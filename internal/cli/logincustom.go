package cli

import (
	"context"

	"github.com/xeroauth/xeroauth/internal/login"
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
