package cli

import (
	"context"

	"github.com/spf13/cobra"
)

type headerOptions struct {
	need   tokenNeed
	api    bool
	tenant string
}

func newHeaderCmd(a *App) *cobra.Command {
	var o headerOptions
	cmd := &cobra.Command{
		Use:   "header",
		Short: "Print the Authorization header, for curl -H @-",
		Long: `Prints "Authorization: Bearer …" on one line, refreshing the session first if
the token would not live for --min-ttl. With --api it adds the tenant's header
and "Accept: application/json". If anything fails, nothing is printed, so that
a pipe into curl fails closed.`,
		Example: `  xeroauth header --api | curl -fsS -H @- https://api.xero.com/api.xro/2.0/Organisation
  xeroauth header --tenant "Demo Company (AU)"
  xeroauth header --api --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runHeader(cmd.Context(), a, o) },
	}
	o.need.addFlags(cmd)
	cmd.Flags().BoolVar(&o.api, "api", false, "add Xero-Tenant-Id and Accept: application/json")
	cmd.Flags().StringVar(&o.tenant, "tenant", "", "tenant by id or exact name; adds Xero-Tenant-Id")
	return cmd
}

func runHeader(ctx context.Context, a *App, o headerOptions) error {
	g, err := a.grant(ctx, o.need)
	if err != nil {
		return err
	}
	type field struct{ name, value string }
	fields := []field{{"Authorization", "Bearer " + g.record.AccessToken.Reveal()}}
	if o.api || o.tenant != "" {
		id, err := a.chooseTenant(ctx, g, o.tenant)
		if err != nil {
			return err
		}
		if id != "" {
			fields = append(fields, field{"Xero-Tenant-Id", id})
		}
	}
	if o.api {
		fields = append(fields, field{"Accept", "application/json"})
	}
	if a.flags.json {
		object := map[string]string{}
		for _, f := range fields {
			object[f.name] = f.value
		}
		return a.printJSON(object)
	}
	for _, f := range fields {
		a.print("%s: %s\n", f.name, f.value)
	}
	return nil
}
