package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/session"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/file"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// The states of a session in --json.
const (
	stateOK          = "ok"
	stateLoginNeeded = "login_needed"
	stateNoSession   = "no_session"
)

// statusView is the answer of status and login in --json. Its field names are
// promised.
type statusView struct {
	State            string       `json:"state"`
	Profile          string       `json:"profile"`
	App              string       `json:"app"`
	Store            string       `json:"store"`
	User             userView     `json:"user"`
	ScopesGranted    []string     `json:"scopes_granted"`
	ScopesAsked      []string     `json:"scopes_asked"`
	Tenants          []tenantView `json:"tenants"`
	AccessExpiresAt  *time.Time   `json:"access_token_expires_at"`
	RefreshExpiresAt *time.Time   `json:"refresh_token_expires_at"`
}

type userView struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

func newStatusCmd(a *App) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show who is logged in, to what, and for how long",
		Long: `Reads what is kept here and asks nobody: no request, no lock. Exit code 0 means
that the session can be used (it is alive, or can be refreshed), 4 that a login
is needed. With -v it also says where each setting came from.`,
		Example: `  xeroauth status
  xeroauth status --json | jq -r .state`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runStatus(cmd.Context(), a) },
	}
}

func runStatus(ctx context.Context, a *App) error {
	t, err := a.target()
	if errors.Is(err, session.ErrLoginRequired) {
		a.reportsState = true
		dir, dirErr := a.profiles()
		name, nameErr := a.profileName(dir)
		if dirErr != nil || nameErr != nil {
			return err
		}
		return errors.Join(a.answerStatus(a.statusOf(profile.Profile{Name: name}, nil, nil), ""), err)
	}
	if err != nil {
		return err
	}
	a.tellSources(t)
	record, _, err := store.LoadRecord(ctx, t.store, t.account)
	if errors.Is(err, store.ErrNotFound) && a.follow(&t) {
		record, _, err = store.LoadRecord(ctx, t.store, t.account)
	}
	var have *store.Record
	switch {
	case err == nil:
		have = &record
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	if record.WritebackDue {
		a.warn("the session was renewed in this job and is not written back yet: the next header, token or refresh tries again")
	}
	tenants, err := a.keptTenants(t, "")
	if err != nil && !errors.Is(err, profile.ErrNotFound) {
		a.warn("%v", err)
	}
	event := xero.ParseClaims(record.AccessToken.Reveal()).AuthenticationEventID
	view := a.statusOf(t.profile, have, viewTenants(tenants, t.profile.Tenant, event))
	a.reportsState = true
	if err := a.answerStatus(view, t.profile.ClientID); err != nil {
		return err
	}
	return a.loginNeeded(view.State, have)
}

// loginNeeded is the error of a state other than ok.
func (a *App) loginNeeded(state string, r *store.Record) error {
	switch {
	case state == stateOK:
		return nil
	case r == nil:
		return session.ErrNoSession
	case !r.RejectedAt.IsZero():
		return &session.LoginError{Reason: "Xero refused the session's refresh token on " + r.RejectedAt.Format(time.RFC3339)}
	}
	return &session.LoginError{Reason: "the session has ended"}
}

// statusOf tells of a profile and its record, nil if it has none.
func (a *App) statusOf(p profile.Profile, r *store.Record, tenants []tenantView) statusView {
	v := statusView{
		State: stateNoSession, Profile: p.Name, App: p.App, Store: p.Store,
		ScopesAsked: append([]string{}, p.Scopes...), ScopesGranted: []string{}, Tenants: append([]tenantView{}, tenants...),
	}
	if r == nil {
		return v
	}
	v.State = stateOK
	refreshable := r.App == profile.Custom || a.Now().Before(r.RefreshExpiry())
	if !r.RejectedAt.IsZero() || !a.Now().Before(r.Expiry) && !refreshable {
		v.State = stateLoginNeeded
	}
	v.User = userView{ID: r.User.ID, Name: r.User.Name, Email: r.User.Email}
	v.ScopesGranted = append(v.ScopesGranted, r.Scopes...)
	v.AccessExpiresAt, v.RefreshExpiresAt = shortTime(r.Expiry), shortTime(r.RefreshExpiry())
	return v
}

func (a *App) answerStatus(v statusView, clientID string) error {
	if a.flags.json {
		return a.printJSON(v)
	}
	rows := [][]string{{"profile", firstOf(v.Profile, "none: the session is that of "+envSession)}, {"state", strings.ReplaceAll(v.State, "_", " ")}}
	if v.App != "" {
		rows = append(rows, []string{"app", v.App + ", client id " + clientID}, []string{"store", storeLabel(v.Store)})
	}
	if v.State != stateNoSession {
		rows = append(rows,
			[]string{"user", describeUser(store.User(v.User))},
			[]string{"access token", a.left(v.AccessExpiresAt)},
			[]string{"refresh token", a.left(v.RefreshExpiresAt)},
			[]string{"scopes granted", strings.Join(v.ScopesGranted, " ")})
		if missing := missingScopes(v.ScopesAsked, v.ScopesGranted); len(missing) > 0 {
			rows = append(rows, []string{"not granted", strings.Join(missing, " ")})
		}
	}
	for _, t := range v.Tenants {
		rows = append(rows, []string{"tenant", t.shown()})
	}
	a.printFacts(rows)
	return nil
}

func storeLabel(name string) string {
	if name == file.PlainName {
		return name + " (not encrypted)"
	}
	return name
}

func (a *App) left(until *time.Time) string {
	switch {
	case until == nil:
		return "none"
	case !a.Now().Before(*until):
		return "expired"
	}
	return fmt.Sprintf("%s left (until %s)", span(until.Sub(a.Now())), until.Local().Format("2006-01-02 15:04"))
}

// tellSources says with -v where the settings came from.
func (a *App) tellSources(t target) {
	if t.job != nil {
		a.trace("session: from %s, and from %s once it is renewed", envSession, t.job.Path)
		return
	}
	from := "the profile in use"
	switch {
	case a.flags.profile != "":
		from = "--profile"
	case a.env(envProfile) != "":
		from = envProfile
	}
	a.trace("profile %q: from %s", t.profile.Name, from)
	a.trace("settings: from the profile's file in %s", t.dir.Path)
	a.trace("client id %s, kind of app %s, store %s, scopes: from the profile", t.profile.ClientID, t.profile.App, t.profile.Store)
	if t.profile.Authority != "" {
		a.trace("authority %s: from the profile (a sandbox, not Xero)", t.profile.Authority)
	}
	for _, name := range []string{envClientID, envClientSecret, envScopes, envStore} {
		if a.env(name) != "" {
			a.trace("%s is set, and not used: the profile decides", name)
		}
	}
	if a.env(envTenant) != "" {
		a.trace("tenant: from %s", envTenant)
	}
}
