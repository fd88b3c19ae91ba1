package doctor

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/term"
	"github.com/xeroauth/xeroauth/internal/xero"
)

func (v *visit) checkConnections(ctx context.Context) finding {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	list, err := v.client.Connections(ctx, v.token)
	var e *xero.Error
	refused := errors.As(err, &e) && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
	switch {
	case v.custom() && (refused || err == nil && len(list) == 0):
		return ok("Xero does not list its organisation, which is fine for a custom connection")
	case refused && e.Status == http.StatusUnauthorized:
		return fail(v.Cmd("refresh"), "%v: Xero does not take the access token (ended early, or the clock is wrong)", err)
	case err != nil:
		return fail(v.Advise(err), "%v", err)
	case len(list) == 0:
		return fail(v.Cmd("login"), "no organisation is connected to the app: log in again, and choose one on Xero's page")
	}
	v.list = list
	if len(list) == 1 {
		return ok("1 is connected")
	}
	return ok("%d are connected", len(list))
}

// checkTenant judges the id that goes into the header, and says what lies
// behind one that Xero answers with 403 AuthenticationUnsuccessful.
func (v *visit) checkTenant(context.Context) finding {
	if v.custom() {
		return ok("not needed: a custom connection has one organisation, and sends no header")
	}
	want, from := v.Profile.Tenant, "the profile's default tenant"
	if v.TenantWanted != "" {
		want, from = v.TenantWanted, v.TenantVariable
	}
	if want == "" {
		v.tenant = v.list[0].TenantID
		if len(v.list) == 1 {
			return ok("the only one connected: %s", v.tenant)
		}
		return warn(v.Cmd("tenants use NAME-or-ID"), "%d are connected and none is the default: header --api needs --tenant", len(v.list))
	}
	var tenants []profile.Tenant
	for _, c := range v.list {
		tenants = append(tenants, profile.Tenant{ID: c.TenantID, Name: c.Name})
	}
	found, err := profile.FindTenant(tenants, want, term.Strip)
	switch {
	case err == nil:
		v.tenant = found.ID
		return ok("%s is connected: %s", from, found.ID)
	case errors.Is(err, profile.ErrAmbiguous):
		return fail(v.choose("ID"), "%s is a name that several connected tenants have", from)
	}
	return v.wrongTenant(want, from)
}

// wrongTenant goes through the reasons why an id is not among those connected.
func (v *visit) wrongTenant(want, from string) finding {
	const effect = "calls with it are answered 403 " + xero.AuthenticationUnsuccessful
	shown := ""
	if xero.ValidUUID(want) {
		shown = " " + want
	}
	is := func(id string) func(xero.Connection) bool {
		return func(c xero.Connection) bool {
			return strings.EqualFold(c.ID, id) || strings.EqualFold(c.AuthEventID, id)
		}
	}
	if i := slices.IndexFunc(v.list, is(want)); i >= 0 && want != "" {
		return fail(v.choose(v.list[i].TenantID), "%s%s is the id of a connection, not of its tenant: %s", from, shown, effect)
	}
	if isNoText(want) {
		return fail(v.choose(v.only()), "%s is %q: a script put an object or nothing where the id belongs", from, want)
	}
	known := slices.IndexFunc(v.KnownTenants, func(t profile.Tenant) bool { return strings.EqualFold(t.ID, want) })
	if known < 0 {
		return fail(v.choose(v.only()), "%s%s is not connected to this app by this user: %s", from, shown, effect)
	}
	was := v.KnownTenants[known]
	// A Demo Company that was reset is another tenant under the same name.
	for _, c := range v.list {
		if c.Name != "" && c.Name == was.Name {
			return fail(v.choose(c.TenantID), "%s%s was reset or connected anew, and has another id now: %s", from, shown, effect)
		}
	}
	if strings.HasPrefix(was.Name, "Demo Company") {
		return fail(v.Cmd("login"), "%s%s was a Demo Company that Xero reset, or was disconnected: %s", from, shown, effect)
	}
	return fail(v.choose(v.only()), "%s%s was connected, and is not any more: %s", from, shown, effect)
}

// only is the id of the one tenant that is connected; with several a person
// must choose, for the wrong ledger is worse than none.
func (v *visit) only() string {
	if len(v.list) == 1 {
		return v.list[0].TenantID
	}
	return "NAME-or-ID"
}

// choose is the command that puts id where the wrong one stands.
func (v *visit) choose(id string) string {
	if v.TenantWanted != "" {
		return "export " + v.TenantVariable + "=" + id
	}
	return v.Cmd("tenants use " + id)
}
