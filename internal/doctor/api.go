package doctor

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/xeroauth/xeroauth/internal/xero"
)

// apiCalls are harmless calls, each with a scope that opens it.
var apiCalls = []struct{ scope, path string }{
	{"accounting.settings", "/api.xro/2.0/Organisation"},
	{"accounting.contacts", "/api.xro/2.0/Contacts?page=1&pageSize=1"},
	{"accounting.invoices", "/api.xro/2.0/Invoices?page=1&pageSize=1"},
	{"accounting.transactions", "/api.xro/2.0/Invoices?page=1&pageSize=1"},
}

// callFor chooses a call that the token's scopes open. Without one the first
// is tried all the same: its refusal is what the person's own calls get.
func (v *visit) callFor() (path string, open bool) {
	for _, c := range apiCalls {
		if slices.Contains(v.granted, c.scope) || slices.Contains(v.granted, c.scope+".read") {
			return c.path, true
		}
	}
	return apiCalls[0].path, false
}

func shortPath(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return path
}

func (v *visit) call(ctx context.Context, path, tenant string) (xero.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	return v.client.Call(ctx, path, v.token, tenant)
}

// checkAPI makes one call as `header --api` would.
func (v *visit) checkAPI(ctx context.Context) finding {
	path, open := v.callFor()
	a, err := v.call(ctx, path, v.tenant)
	if err != nil {
		return fail(v.Advise(err), "%v", err)
	}
	v.path = path
	with := " with Xero-Tenant-Id " + v.tenant
	if v.custom() {
		with = ""
	}
	where := shortPath(path) + with
	switch {
	case a.Status/100 == 2:
		return ok("%s: %d", where, a.Status)
	case a.NoScope && !open:
		f := warn(v.moreScopes("accounting.settings.read"), "%s: 401 insufficient_scope, for no scope of the accounting API is granted", where)
		f.stops = true
		return f
	case a.NoScope:
		return fail(v.moreScopes(scopeOf(path)+".read"), "%s: 401 insufficient_scope: the token lacks what this call needs; a new scope takes a new consent", where)
	case a.Status == http.StatusUnauthorized:
		return fail(v.Cmd("refresh"), "%s: 401 %s: Xero does not take the access token", where, a.Detail)
	case a.Status == http.StatusForbidden && v.custom():
		return v.forbiddenCustom(ctx, path, a)
	case a.Status == http.StatusForbidden:
		return fail(v.Cmd("login"), "%s: 403 %s although it is connected: this user lost the rights in it, or it ended (a trial, a Demo Company that was reset)%s", where, a.Detail, correlation(a))
	case a.Status == http.StatusTooManyRequests:
		return warn("wait "+a.RetryAfter.String(), "%s: 429, the limit of calls is reached", where)
	}
	return fail("try again later; ask Xero if it stays so", "%s: %d %s%s", where, a.Status, http.StatusText(a.Status), correlation(a))
}

// forbiddenCustom tells a custom connection that was deactivated from one that
// needs the tenant's header after all (docs/xero.md section 7).
func (v *visit) forbiddenCustom(ctx context.Context, path string, a xero.Answer) finding {
	if len(v.list) == 1 {
		id := v.list[0].TenantID
		if again, err := v.call(ctx, path, id); err == nil && again.Status/100 == 2 {
			return warn(v.Cmd("header --api --tenant "+id), "%s: 403 without Xero-Tenant-Id, and %d with it", shortPath(path), again.Status)
		}
	}
	return fail("authorise the connection again at developer.xero.com (My Apps, Connection management)",
		"%s: 403 %s: the custom connection is not active; editing its scopes or organisation deactivates it until it is authorised again%s", shortPath(path), a.Detail, correlation(a))
}

// moreScopes is what gets a scope granted.
func (v *visit) moreScopes(scope string) string {
	if v.custom() {
		return "tick " + scope + " at developer.xero.com, and authorise the connection again"
	}
	return v.loginWithScopes(scope)
}

func scopeOf(path string) string {
	for _, c := range apiCalls {
		if c.path == path {
			return c.scope
		}
	}
	return ""
}

func correlation(a xero.Answer) string {
	if a.Correlation == "" {
		return ""
	}
	return " [Xero-Correlation-Id " + a.Correlation + "]"
}

// checkAPINoTenant shows what the commonest mistake looks like: the same call
// without the tenant's header.
func (v *visit) checkAPINoTenant(ctx context.Context) finding {
	if v.custom() {
		return ok("the call before was made without it")
	}
	a, err := v.call(ctx, v.path, "")
	where := shortPath(v.path) + " without Xero-Tenant-Id"
	switch {
	case err != nil:
		return fail(v.Advise(err), "%v", err)
	case a.Status == http.StatusForbidden:
		return ok("%s: 403 %s, as it must be; header --api adds the line", where, a.Detail)
	}
	return warn("always send the line: "+v.Cmd("header --api"), "%s: %d; Xero did not ask for it this time", where, a.Status)
}
