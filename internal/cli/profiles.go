package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/term"
)

// profileView is a profile in --json. Its field names are promised.
type profileView struct {
	Name         string   `json:"profile"`
	InUse        bool     `json:"in_use"`
	ClientID     string   `json:"client_id"`
	App          string   `json:"app"`
	Authority    string   `json:"authority"`
	RedirectURIs []string `json:"redirect_uris"`
	Scopes       []string `json:"scopes"`
	Tenant       string   `json:"tenant"`
	Store        string   `json:"store"`
	// Error is why the profile's file cannot be read; empty if it can.
	Error string `json:"error"`
}

func newProfilesCmd(a *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "profiles",
		Short: "List, show, choose, move and remove profiles",
		Long: `A profile is a named set of settings: client id, kind of app, redirect URIs,
scopes, default tenant, store. Nothing in it is secret. Without a further word
the profiles are listed.`,
		Example: `  xeroauth profiles
  xeroauth profiles use acme
  xeroauth profiles remove acme --yes`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return runProfilesList(a) },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the profiles", Long: "The same as profiles without a further word. Damaged profiles are listed too.", Example: "  xeroauth profiles list --json", Args: noArgs,
			RunE: func(*cobra.Command, []string) error { return runProfilesList(a) },
		},
		&cobra.Command{
			Use: "show [NAME]", Short: "Show a profile's settings", Long: "Shows what the profile's file holds; nothing in it is secret.", Example: "  xeroauth profiles show acme", Args: atMostOneArg("a profile's name"),
			RunE: func(_ *cobra.Command, args []string) error { return runProfilesShow(a, args) },
		},
		&cobra.Command{
			Use: "use NAME", Short: "Use a profile when none is named", Long: "Keeps the choice in the folder of settings. -p and XEROAUTH_PROFILE come first.", Example: "  xeroauth profiles use acme", Args: oneArg("a profile's name"),
			RunE: func(_ *cobra.Command, args []string) error { return runProfilesUse(a, args[0]) },
		},
		&cobra.Command{
			Use: "remove NAME", Short: "Remove a profile with its session and client secret",
			Long: `Removes the profile's settings, its list of tenants, its session and its client
secret from this machine. Xero is not told: what is connected stays connected.`,
			Example: "  xeroauth profiles remove acme --yes", Args: oneArg("a profile's name"),
			RunE: func(cmd *cobra.Command, args []string) error { return runProfilesRemove(cmd.Context(), a, args[0]) },
		},
		newProfilesMoveCmd(a),
	)
	return cmd
}

func atMostOneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return oneArg(what)(cmd, args)
	}
}

func runProfilesList(a *App) error {
	dir, err := a.profiles()
	if err != nil {
		return err
	}
	names, err := dir.Names()
	if err != nil {
		return err
	}
	current, err := dir.Current()
	if err != nil {
		a.warn("%v", err)
	}
	views := make([]profileView, 0, len(names))
	for _, name := range names {
		p, err := dir.Load(name)
		v := viewProfile(p, name == current)
		if err != nil {
			v.Name, v.Error = name, err.Error()
			a.warn("profile %q: %v", name, err)
		}
		views = append(views, v)
	}
	if a.flags.json {
		return a.printJSON(views)
	}
	if len(views) == 0 {
		a.say("there is no profile yet")
		a.hint("run: xeroauth login")
		return nil
	}
	rows := [][]string{{"", "PROFILE", "APP", "CLIENT ID", "STORE", "DEFAULT TENANT"}}
	for _, v := range views {
		mark := ""
		if v.InUse {
			mark = "*"
		}
		rows = append(rows, []string{mark, v.Name, firstOf(v.App, "damaged"), v.ClientID, storeLabel(v.Store), tenantLabel(dir, v)})
	}
	a.printTable(rows, len(rows[0])-1, nothingSpare)
	return nil
}

// tenantLabel is the default tenant as people know it: by the name in the list
// that is kept, else by id.
func tenantLabel(dir profile.Dir, v profileView) string {
	if v.Tenant == "" {
		return ""
	}
	kept, err := dir.Tenants(v.Name)
	if err != nil {
		return v.Tenant
	}
	t, err := profile.FindTenant(kept, v.Tenant, term.Strip)
	if err != nil {
		return v.Tenant
	}
	return tenantView{ID: t.ID, Name: t.Name}.label()
}

func viewProfile(p profile.Profile, inUse bool) profileView {
	return profileView{
		Name: p.Name, InUse: inUse, ClientID: p.ClientID, App: p.App, Authority: p.Authority,
		RedirectURIs: append([]string{}, p.RedirectURIs...), Scopes: append([]string{}, p.Scopes...), Tenant: p.Tenant, Store: p.Store,
	}
}

func runProfilesShow(a *App, args []string) error {
	dir, p, err := a.namedProfile(args)
	if err != nil {
		return err
	}
	current, err := dir.Current()
	if err != nil {
		a.warn("%v", err)
	}
	v := viewProfile(p, p.Name == current)
	if a.flags.json {
		return a.printJSON(v)
	}
	a.printFacts([][]string{
		{"profile", v.Name}, {"client id", v.ClientID}, {"app", v.App}, {"authority", firstOf(v.Authority, "Xero")},
		{"redirect URIs", strings.Join(v.RedirectURIs, " ")}, {"scopes", strings.Join(v.Scopes, " ")},
		{"default tenant", firstOf(v.Tenant, "none")}, {"store", storeLabel(v.Store)},
	})
	return nil
}

// namedProfile loads the profile that an argument names, else the one that
// flags, environment or settings name.
func (a *App) namedProfile(args []string) (profile.Dir, profile.Profile, error) {
	if len(args) == 0 {
		if err := a.noJobSession("the session in hand has no profile"); err != nil {
			return profile.Dir{}, profile.Profile{}, err
		}
	}
	dir, err := a.profiles()
	if err != nil {
		return dir, profile.Profile{}, err
	}
	name, err := a.profileName(dir)
	if len(args) > 0 {
		name, err = args[0], nil
		if !profile.ValidName(name) {
			err = usagef("", "%q: %w", name, profile.ErrName)
		}
		a.flags.profile = name // hints are about this one
	}
	if err != nil {
		return dir, profile.Profile{}, err
	}
	p, err := dir.Load(name)
	if errors.Is(err, profile.ErrNotFound) {
		err = a.noProfile(dir, name)
	}
	p.Name = name
	return dir, p, err
}

func runProfilesUse(a *App, name string) error {
	dir, p, err := a.namedProfile([]string{name})
	if err != nil {
		return err
	}
	if err := dir.Use(p.Name); err != nil {
		return notWritable("choosing the profile", err)
	}
	a.say("profile %q is used from now on", p.Name)
	if other := a.env(envProfile); other != "" && other != p.Name {
		a.warn("%s is set and still chooses %q in this shell", envProfile, other)
	}
	if a.env(envSession) != "" {
		a.warn("%s is set and still chooses its own session in this shell", envSession)
	}
	if a.flags.json {
		return a.printJSON(viewProfile(p, true))
	}
	return nil
}

func runProfilesRemove(ctx context.Context, a *App, name string) error {
	dir, p, err := a.namedProfile([]string{name})
	var damaged *profile.DamagedError
	if err != nil && !errors.As(err, &damaged) {
		return err
	}
	if err := a.confirm(ctx, fmt.Sprintf("remove profile %q with its session?", p.Name)); err != nil {
		return err
	}
	removeSettings := func() error {
		if now, err := dir.Load(p.Name); err == nil && now.Store != p.Store {
			return store.ErrReplaced // it was moved meanwhile, and its session with it
		}
		if err := dir.Remove(p.Name); err != nil {
			return notWritable("removing the profile's settings", err)
		}
		return nil
	}
	if damaged != nil {
		a.warn("%v: its session, if it has one, stays in its store", damaged)
		if err := removeSettings(); err != nil {
			return err
		}
	} else {
		st, err := a.openStore(p.Store, dir)
		if err != nil {
			return err
		}
		if err := forget(ctx, st, a.account(dir, p.Name), removeSettings); err != nil {
			return err
		}
	}
	a.say("removed profile %q", p.Name)
	if a.flags.json {
		return a.printJSON(struct {
			Profile string `json:"profile"`
			Removed bool   `json:"removed"`
		}{p.Name, true})
	}
	return nil
}
