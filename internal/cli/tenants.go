package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/term"
	"github.com/xeroauth/xeroauth/internal/xero"
)

func newTenantsCmd(a *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tenants",
		Short: "List the organisations connected to the app",
		Long: `Asks Xero which organisations and practices this user has connected to this app,
and keeps the list, so that --tenant NAME needs no request later. The default
tenant is the one that "header --api" uses.`,
		Example: `  xeroauth tenants
  xeroauth tenants use "Demo Company (AU)"
  xeroauth tenants disconnect 3a1f7b52-9a5c-4a0e-8f3d-2f8a3d1f4b6e`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runTenants(cmd.Context(), a) },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the organisations connected to the app", Long: "The same as tenants without a further word.", Example: "  xeroauth tenants list --json", Args: noArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return runTenants(cmd.Context(), a) },
		},
		&cobra.Command{
			Use: "use NAME-or-ID", Short: "Make a tenant the default",
			Long:    "On a terminal a beginning of the name that fits only one tenant will do.",
			Example: `  xeroauth tenants use "Demo Company (AU)"`, Args: oneArg("a tenant's name or id"),
			RunE: func(cmd *cobra.Command, args []string) error { return runTenantsUse(cmd.Context(), a, args[0]) },
		},
		&cobra.Command{
			Use: "disconnect NAME-or-ID", Short: "Disconnect one tenant from the app, at Xero",
			Long:    "Ends the connection of one organisation to the app, for this user. The session lives on.",
			Example: `  xeroauth tenants disconnect "Demo Company (AU)" --yes`, Args: oneArg("a tenant's name or id"),
			RunE: func(cmd *cobra.Command, args []string) error { return runTenantsDisconnect(cmd.Context(), a, args[0]) },
		},
	)
	return cmd
}

// defaultNeed is for commands that only make a request of their own.
var defaultNeed = tokenNeed{minTTL: defaultMinTTL, allowStale: true}

func runTenants(ctx context.Context, a *App) error {
	g, err := a.grant(ctx, defaultNeed)
	if err != nil {
		return err
	}
	tenants, err := a.fetchTenants(ctx, g)
	if err != nil {
		return err
	}
	views := viewTenants(tenants, g.target.profile.Tenant, g.event())
	if a.flags.json {
		return a.printJSON(views)
	}
	if len(views) == 0 && g.custom {
		a.say("Xero does not list the organisation of this custom connection; its token works without a tenant")
		return nil
	}
	if len(views) == 0 {
		a.say("no organisation is connected to the app")
		a.hint("to connect one, log in again and choose it: %s", a.cmd("login"))
		return nil
	}
	rows := [][]string{{"NAME", "TENANT ID", "TYPE", ""}}
	for _, v := range views {
		var notes []string
		if v.Default {
			notes = append(notes, "default")
		}
		if v.ConnectedNow {
			notes = append(notes, "connected just now")
		}
		rows = append(rows, []string{v.label(), v.ID, term.Clean(v.Type), strings.Join(notes, ", ")})
	}
	a.printTable(rows, 0, 2)
	return nil
}

// findTenant asks Xero for the list and finds one in it.
func (a *App) findTenant(ctx context.Context, g grant, want string, prefixes bool) (profile.Tenant, error) {
	tenants, err := a.fetchTenants(ctx, g)
	if err != nil {
		return profile.Tenant{}, err
	}
	t, err := profile.FindTenant(tenants, want, term.Strip)
	if errors.Is(err, profile.ErrNoTenant) && prefixes {
		var near []profile.Tenant
		for _, candidate := range tenants {
			if strings.HasPrefix(strings.ToLower(term.Strip(candidate.Name)), strings.ToLower(want)) {
				near = append(near, candidate)
			}
		}
		if len(near) == 1 {
			return near[0], nil
		}
	}
	if err != nil {
		return t, tenantError("see what is connected: "+a.cmd("tenants"), "%q: %w", want, err)
	}
	return t, nil
}

func runTenantsUse(ctx context.Context, a *App, want string) error {
	g, err := a.grantWithProfile(ctx)
	if err != nil {
		return err
	}
	t, err := a.findTenant(ctx, g, want, a.mayAsk())
	if err != nil {
		return err
	}
	if err := a.setTenant(ctx, &g.target, t.ID); err != nil {
		return fmt.Errorf("keeping the default tenant: %w", err)
	}
	view := viewTenants([]profile.Tenant{t}, t.ID, g.event())[0]
	a.say("default tenant of profile %q: %s", g.target.profile.Name, view.shown())
	if a.flags.json {
		return a.printJSON(view)
	}
	return nil
}

func (a *App) grantWithProfile(ctx context.Context) (grant, error) {
	g, err := a.grant(ctx, defaultNeed)
	if err == nil && g.target.profile.Name == "" {
		err = usagef("name a profile with -p", "without a profile there is nowhere to keep it")
	}
	return g, err
}

func runTenantsDisconnect(ctx context.Context, a *App, want string) error {
	g, err := a.grantWithProfile(ctx)
	if err != nil {
		return err
	}
	t, err := a.findTenant(ctx, g, want, false)
	if err != nil {
		return err
	}
	view := viewTenants([]profile.Tenant{t}, g.target.profile.Tenant, g.event())[0]
	if err := a.confirm(ctx, fmt.Sprintf("disconnect %s at Xero?", view.shown())); err != nil {
		return err
	}
	sendCtx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	if err := g.client.Disconnect(sendCtx, g.record.AccessToken, t.ConnectionID); err != nil && !errors.Is(err, xero.ErrNoConnection) {
		return err
	}
	if g.target.profile.Tenant == t.ID {
		if err := a.setTenant(ctx, &g.target, ""); err != nil {
			return fmt.Errorf("forgetting the default tenant: %w", err)
		}
	}
	if _, err := a.fetchTenants(ctx, g); err != nil {
		a.warn("the list of tenants kept here is out of date: %v", err)
	}
	a.say("disconnected %s", view.shown())
	if a.flags.json {
		return a.printJSON(struct {
			ID           string `json:"tenant_id"`
			ConnectionID string `json:"connection_id"`
			Disconnected bool   `json:"disconnected"`
		}{t.ID, t.ConnectionID, true})
	}
	return nil
}
