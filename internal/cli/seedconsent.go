package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/xeroauth/xeroauth/internal/login"
	"github.com/xeroauth/xeroauth/internal/loopback"
	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/job"
	"github.com/xeroauth/xeroauth/internal/term"
	"github.com/xeroauth/xeroauth/internal/xero"
)

const defaultConsentTimeout = 5 * time.Minute

// consentSeed gets a session of the jobs' own by a login whose tokens stay in
// memory: the profile and its store are not touched.
func (a *App) consentSeed(ctx context.Context, t target, local *store.Record, o seedOptions) (job.Seed, error) {
	if err := a.checkScopes(t.profile.Scopes); err != nil {
		return job.Seed{}, err
	}
	client, err := a.client(t.profile.Authority)
	if err != nil {
		return job.Seed{}, err
	}
	app, err := a.appOf(ctx, t, store.Record{ClientID: t.profile.ClientID, App: t.profile.App})
	if err != nil {
		return job.Seed{}, err
	}
	var tenants []profile.Tenant
	var listErr error
	a.waiting = a.newCountdown()
	flow := &login.Flow{
		Client: client, App: app, Scopes: t.profile.Scopes, RedirectURIs: t.profile.RedirectURIs, Timeout: time.Duration(o.timeout),
		Ask: func(i login.Invitation) {
			a.say("this consent is for the jobs; this machine's own session stays apart")
			a.invite(i, o.noBrowser)
		},
		Paste:  a.paster(),
		Waited: func() { a.waiting.stop() },
		Keep:   func(context.Context, login.Tokens) error { return nil },
		Settle: func(_ context.Context, tokens login.Tokens, list []xero.Connection, err error) loopback.Page {
			tenants, listErr = fromConnections(list), err
			return seedPage(newRecord(t.profile, tokens).User, viewTenants(tenants, "", tokens.Claims.AuthenticationEventID))
		},
		Explain: a.explainPage,
		Pause:   a.Pause, Trace: a.trace,
	}
	tokens, err := flow.Run(ctx)
	var unanswered *login.UnansweredError
	if errors.As(err, &unanswered) {
		a.tellErrorPages(t.profile, unanswered.RedirectURI)
	}
	if err != nil {
		return job.Seed{}, err
	}
	for _, w := range tokens.Warnings {
		a.warn("%s", w)
	}
	r := newRecord(t.profile, tokens)
	if r.RefreshToken.IsZero() {
		return job.Seed{}, fmt.Errorf("consenting for the jobs: Xero gave no refresh token although offline_access was asked for")
	}
	if missing := missingScopes(t.profile.Scopes, r.Scopes); len(missing) > 0 {
		a.warn("asked for but not granted: %s", strings.Join(missing, " "))
	}
	if local != nil && local.User.ID != "" && r.User.ID != "" && local.User.ID != r.User.ID {
		a.warn("you consented as %s, and this machine's session is that of %s: the jobs act as the former", describeUser(r.User), describeUser(local.User))
	}
	tenant, err := a.seedTenant(t, o.tenant, tenants, listErr, tokens.Claims.AuthenticationEventID)
	return job.Seed{Record: r, Tenant: tenant}, err
}

// seedTenant chooses the jobs' default tenant among those that their own
// session can reach.
func (a *App) seedTenant(t target, wanted string, tenants []profile.Tenant, listErr error, event string) (string, error) {
	switch {
	case listErr != nil && wanted == "":
		a.warn("the tenants could not be listed: %v", listErr)
		return "", nil
	case listErr != nil:
		return "", fmt.Errorf("looking for --tenant %q: %w", wanted, listErr)
	case wanted == "":
		return strings.ToLower(chooseDefault(tenants, t.profile.Tenant, event)), nil
	}
	found, err := profile.FindTenant(tenants, wanted, term.Strip)
	if err != nil {
		return "", tenantError("nothing was seeded; see what is connected: "+a.cmd("tenants"), "--tenant %q: %w", wanted, err)
	}
	return strings.ToLower(found.ID), nil
}

// seedPage is what the browser shows once the jobs' consent was given.
func seedPage(user store.User, tenants []tenantView) loopback.Page {
	p := loopback.Page{
		OK: true, Heading: "You have given your consent",
		Text:   "Signed in as " + describeUser(user) + ". This session is for your jobs; this machine does not keep it.",
		Advice: "The terminal says whether it has arrived there. You can close this tab.",
	}
	for _, t := range tenants {
		p.Organisations = append(p.Organisations, loopback.Organisation{Name: t.label(), New: t.ConnectedNow})
	}
	return p
}
