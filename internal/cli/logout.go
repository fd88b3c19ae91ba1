package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/store"
)

type logoutOptions struct{ revoke bool }

func newLogoutCmd(a *App) *cobra.Command {
	var o logoutOptions
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "Forget the session on this machine",
		Long: `Removes the session from the store. The profile's settings and a web app's
client secret stay (xeroauth profiles remove takes those too). Xero is not told:
what is connected stays connected.

With --revoke Xero is told first. That ends every connection of this user to
this app, on every machine, CI too. If it fails, the session stays.`,
		Example: `  xeroauth logout
  xeroauth logout --revoke --yes`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runLogout(cmd.Context(), a, o) },
	}
	cmd.Flags().BoolVar(&o.revoke, "revoke", false, "revoke the session at Xero first, with every connection of this user and app")
	return cmd
}

func runLogout(ctx context.Context, a *App, o logoutOptions) error {
	if err := a.noJobSession("a job's session ends with the job, and with the secret that seeds it"); err != nil {
		return err
	}
	t, err := a.target()
	if err != nil {
		return err
	}
	forgot, err := a.endSession(ctx, t, o.revoke)
	if err != nil {
		return err
	}
	if forgot {
		a.say("forgot the session of profile %q", t.profile.Name)
	} else {
		a.say("profile %q has no session", t.profile.Name)
	}
	stays := "the profile's settings stay"
	if t.profile.App != profile.Public {
		stays = "the profile's settings and client secret stay"
	}
	a.say("%s; to remove them too: xeroauth profiles remove %s", stays, t.profile.Name)
	if a.flags.json {
		return a.printJSON(struct {
			Profile string `json:"profile"`
			Forgot  bool   `json:"forgot"`
			Revoked bool   `json:"revoked"`
		}{t.profile.Name, forgot, o.revoke && forgot})
	}
	return nil
}

// endSession forgets a session, and reports whether there was one.
func (a *App) endSession(ctx context.Context, t target, revoke bool) (forgot bool, err error) {
	if revoke {
		if _, _, err := t.store.Load(ctx, t.account); errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		if err := a.confirmRevoke(ctx, t); err != nil {
			return false, err
		}
	}
	unlock, err := t.store.Lock(ctx, t.account)
	if err != nil {
		return false, err
	}
	defer unlock()
	r, _, err := store.LoadRecord(ctx, t.store, t.account)
	switch {
	case errors.Is(err, store.ErrNotFound) && a.follow(&t):
		return false, store.ErrReplaced // it was moved meanwhile
	case errors.Is(err, store.ErrNotFound):
		return false, t.store.Delete(ctx, t.account) // what a killed save may have left behind
	case store.IsClass(err, store.Newer), store.IsClass(err, store.Damaged):
		if revoke {
			return false, err
		}
		a.warn("%v: removing it", err)
	case err != nil:
		return false, err
	}
	if revoke {
		if err := a.revoke(ctx, t, r); err != nil {
			return false, err
		}
	}
	return true, t.store.Delete(context.WithoutCancel(ctx), t.account)
}

// confirmRevoke says what dies at Xero, as far as is known here, and asks.
func (a *App) confirmRevoke(ctx context.Context, t target) error {
	a.say("revoking ends every connection of this user to app %s, on every machine:", t.profile.ClientID)
	tenants, err := t.dir.Tenants(t.profile.Name)
	if err != nil && !errors.Is(err, profile.ErrNotFound) {
		a.warn("%v", err)
	}
	for _, v := range viewTenants(tenants, t.profile.Tenant, "") {
		a.say("  %s", v.shown())
	}
	return a.confirm(ctx, "revoke?")
}

func (a *App) revoke(ctx context.Context, t target, r store.Record) error {
	if r.RefreshToken.IsZero() {
		return errors.New("this session has no refresh token that could be revoked; leave --revoke out")
	}
	app, err := a.appOf(ctx, t, r)
	if err != nil {
		return err
	}
	client, err := a.client(r.Authority)
	if err != nil {
		return err
	}
	sendCtx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	if err := client.Revoke(sendCtx, app, r.RefreshToken); err != nil {
		return &advised{exit: exitTemporary, hint: "the session is still here: try again, or forget it only here: " + a.cmd("logout"), err: err}
	}
	if err := t.dir.RemoveTenants(t.profile.Name); err != nil {
		a.warn("forgetting the list of tenants: %v", err)
	}
	a.say("revoked at Xero")
	return nil
}
