package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/session"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/term"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// tokenNeed are the flags of the commands that hand out a token.
type tokenNeed struct {
	minTTL     durationFlag
	allowStale bool
	// unsaved is about the session of a CI job.
	unsaved bool
}

const (
	defaultMinTTL = durationFlag(2 * time.Minute)
	// maxMinTTL is what can be asked of a token that lives 30 minutes.
	maxMinTTL = durationFlag(25 * time.Minute)
)

func (n *tokenNeed) addFlags(cmd *cobra.Command) {
	n.minTTL = defaultMinTTL
	cmd.Flags().Var(&n.minTTL, "min-ttl", "how long the token must live at least; at most 25m")
	cmd.Flags().BoolVar(&n.allowStale, "allow-stale", false, "if a refresh fails, hand out a token that lives less long")
	addUnsavedFlag(cmd, &n.unsaved)
}

func (n tokenNeed) check() error {
	if n.minTTL > maxMinTTL {
		return usagef("for example --min-ttl 10m", "--min-ttl %s is more than 25m: Xero's tokens live 30 minutes", n.minTTL.String())
	}
	return nil
}

// grant is a token in hand, with what it leads to.
type grant struct {
	record store.Record
	client *xero.Client
	// target is empty for a custom connection without a profile.
	target target
	custom bool
}

func (g grant) event() string {
	return xero.ParseClaims(g.record.AccessToken.Reveal()).AuthenticationEventID
}

// grant returns a token that satisfies need, refreshing the session if it must.
func (a *App) grant(ctx context.Context, need tokenNeed) (grant, error) {
	if err := need.check(); err != nil {
		return grant{}, err
	}
	if a.customConnection() && a.flags.profile == "" && a.env(envProfile) == "" && !a.hasJobSession() {
		return a.mintWithoutStore(ctx)
	}
	t, err := a.target()
	if err != nil {
		return grant{}, err
	}
	t.unsaved = need.unsaved
	result, err := a.withSession(&t, func(k *session.Keeper) (session.Result, error) {
		return k.Fresh(ctx, session.Need{MinTTL: time.Duration(need.minTTL), AllowStale: need.allowStale})
	})
	if err != nil {
		return grant{}, err
	}
	a.trace("session: %s", result.Outcome)
	if result.Failure != nil {
		a.warn("the token lives %s more and could not be refreshed: %v", span(result.Record.Expiry.Sub(a.Now())), result.Failure)
	}
	a.tellSkewOf(result.Skew)
	client, err := a.client(result.Record.Authority)
	return grant{record: result.Record, client: client, target: t, custom: result.Record.App == profile.Custom}, err
}

// customConnection reports whether a flag or the environment asks for one.
func (a *App) customConnection() bool {
	v := a.env(envCustom)
	return a.flags.custom || v != "" && v != "0" && v != "false"
}

// mintWithoutStore serves jobs that have a client id and secret and nothing
// else: no keychain, no HOME, no lock, no file.
func (a *App) mintWithoutStore(ctx context.Context) (grant, error) {
	// Secrets that were pasted come with line ends (docs/xero.md section 5).
	app := xero.App{ID: strings.TrimSpace(a.env(envClientID)), Secret: secret.New(strings.TrimSpace(a.env(envClientSecret)))}
	if app.ID == "" || app.Secret.IsZero() {
		return grant{}, usagef("set "+envClientID+" and "+envClientSecret+", or name a profile with -p", "a custom connection needs its client id and secret")
	}
	if text := a.env(envScopes); text != "" {
		var dropped string
		var err error
		if app.Scopes, dropped, err = customScopes(text); err != nil {
			return grant{}, err
		}
		a.trace("%s: asking for %q, and not for a person's %q", envScopes, strings.Join(app.Scopes, " "), dropped)
	}
	client, err := a.client(a.Authority)
	if err != nil {
		return grant{}, err
	}
	set, err := a.mint(ctx, client, app)
	if err != nil {
		return grant{}, withoutProfile(err)
	}
	r := session.Renewed(store.Record{ClientID: app.ID, App: profile.Custom}, set)
	return grant{record: r, client: client, custom: true}, nil
}

// withoutProfile gives a refusal the advice for a job that has no profile:
// what is wrong stands in its environment.
func withoutProfile(err error) error {
	var e *xero.Error
	if !errors.As(err, &e) || e.Kind != xero.Refused {
		return err
	}
	switch e.Code {
	case "invalid_client", "unauthorized_client":
		return &advised{exit: exitRefused, err: err, hint: "check " + envClientID + " and " + envClientSecret + ": they must be those of a custom connection at developer.xero.com"}
	case "invalid_scope":
		return &advised{exit: exitRefused, err: err, hint: "leave " + envScopes + " out: Xero then grants what is ticked for the custom connection at developer.xero.com"}
	}
	return err
}

// mint asks for a token of a custom connection, as patiently as a refresh.
func (a *App) mint(ctx context.Context, client *xero.Client, app xero.App) (xero.TokenSet, error) {
	a.watch()
	retry := session.Retry(a.Now, a.Pause, a.trace)
	return retry.Do(ctx, func(ctx context.Context) (xero.TokenSet, error) { return client.ClientCredentials(ctx, app) })
}

// chooseTenant finds the tenant id for a header: flag, environment, default,
// the only one. The list that is kept answers without a request; what it does
// not know is asked of Xero once.
func (a *App) chooseTenant(ctx context.Context, g grant, flag string) (string, error) {
	if g.custom {
		if flag != "" && !xero.ValidUUID(flag) {
			return "", tenantError("give the tenant's id", "a custom connection knows no tenant names, and %q is not an id", flag)
		}
		return flag, nil
	}
	want := firstOf(flag, a.env(envTenant))
	kept, err := a.keptTenants(g.target, firstOf(want, g.target.profile.Tenant))
	if err == nil {
		if id, err := a.pickTenant(kept, g.target.profile.Tenant, want); err == nil || errors.Is(err, profile.ErrAmbiguous) {
			return id, err
		}
	} else if !errors.Is(err, profile.ErrNotFound) {
		a.warn("%v: asking Xero instead", err)
	}
	tenants, err := a.fetchTenants(ctx, g)
	if err != nil {
		return "", err
	}
	return a.pickTenant(tenants, g.target.profile.Tenant, want)
}

// keptTenants is the list kept beside a profile, or what of it want may mean;
// a job keeps none.
func (a *App) keptTenants(t target, want string) ([]profile.Tenant, error) {
	if t.job != nil {
		return nil, profile.ErrNotFound
	}
	return t.dir.TenantsLike(t.profile.Name, want)
}

func tenantError(hint, format string, args ...any) error {
	return &advised{exit: exitTenant, hint: hint, err: fmt.Errorf(format, args...)}
}

func (a *App) pickTenant(tenants []profile.Tenant, defaultID, want string) (string, error) {
	list := "see what is connected: " + a.cmd("tenants")
	switch {
	case want != "":
		t, err := profile.FindTenant(tenants, want, term.Strip)
		if errors.Is(err, profile.ErrAmbiguous) {
			list = "give the id instead of the name; " + list
		}
		if err != nil {
			return "", tenantError(list, "%q: %w", want, err)
		}
		return t.ID, nil
	case defaultID != "":
		if _, err := profile.FindTenant(tenants, defaultID, term.Strip); err != nil {
			return "", tenantError("choose another: "+a.cmd("tenants use NAME-or-ID"), "the default tenant %s is not connected any more", defaultID)
		}
		return defaultID, nil
	case len(tenants) == 1:
		return tenants[0].ID, nil
	case len(tenants) == 0:
		return "", tenantError("connect one by logging in and choosing it: "+a.cmd("login"), "no organisation is connected to the app")
	}
	return "", tenantError("choose one: "+a.cmd("tenants use NAME-or-ID")+"; or add --tenant", "%d tenants are connected and none is the default", len(tenants))
}

// fetchTenants asks Xero for the list and keeps it.
func (a *App) fetchTenants(ctx context.Context, g grant) ([]profile.Tenant, error) {
	a.watch()
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	list, err := g.client.Connections(ctx, g.record.AccessToken)
	if err != nil {
		return nil, err
	}
	tenants := fromConnections(list)
	if g.target.profile.Name != "" {
		if err := g.target.dir.SaveTenants(g.target.profile.Name, tenants); err != nil {
			a.warn("keeping the list of tenants: %v", err)
		}
	}
	return tenants, nil
}

// requestLimit bounds a request that renews nothing.
const requestLimit = 30 * time.Second
