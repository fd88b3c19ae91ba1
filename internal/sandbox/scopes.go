package sandbox

import (
	"slices"
	"strings"
)

// identityScopes open no organisation, so a login with these alone has no picker (docs/xero.md section 8).
var identityScopes = []string{"openid", "profile", "email", "offline_access"}

// appScopes belong to the app and not to a user: only a web app's own client credentials get them.
var appScopes = []string{"app.connections", "marketplace.billing"}

// restrictedScopes need Xero's approval.
var restrictedScopes = []string{
	"accounting.journals.read", "bankfeeds", "paymentservices", "finance.statements.read", "finance.cashvalidation.read",
	"finance.bankstatementsplus.read", "finance.accountingactivity.read",
}

// organisationScopes are what any new app may ask for, next to the identity scopes (docs/xero.md section 8).
var organisationScopes = []string{
	"accounting.invoices", "accounting.invoices.read", "accounting.payments", "accounting.payments.read",
	"accounting.banktransactions", "accounting.banktransactions.read", "accounting.manualjournals",
	"accounting.manualjournals.read", "accounting.settings", "accounting.settings.read", "accounting.contacts",
	"accounting.contacts.read", "accounting.attachments", "accounting.attachments.read", "accounting.budgets.read",
	"accounting.reports.aged.read", "accounting.reports.balancesheet.read", "accounting.reports.banksummary.read",
	"accounting.reports.budgetsummary.read", "accounting.reports.executivesummary.read",
	"accounting.reports.profitandloss.read", "accounting.reports.trialbalance.read", "accounting.reports.taxreports.read",
	"accounting.reports.tenninetynine.read", "files", "files.read", "assets", "assets.read", "projects", "projects.read",
	"payroll.employees", "payroll.employees.read", "payroll.payruns", "payroll.payruns.read", "payroll.payslip",
	"payroll.payslip.read", "payroll.settings", "payroll.settings.read", "payroll.timesheets", "payroll.timesheets.read",
}

// What Xero's error page says about scopes (docs/xero.md section 3).
const (
	pageInvalidScope = "invalid_scope"
	pageNotForClient = "unauthorized_client : Invalid scope for client"
	pageWrongScopes  = "access_denied : Requested wrong apps scopes"
)

// userScopeProblem says what the error page shows when this client asks a user for this scope, or nothing.
func userScopeProblem(c *client, scope string) string {
	switch {
	case slices.Contains(appScopes, scope):
		return pageWrongScopes
	case slices.Contains(c.Scopes, scope):
		return ""
	case slices.Contains(identityScopes, scope), slices.Contains(organisationScopes, scope):
		if len(c.Scopes) == 0 {
			return ""
		}
		return pageNotForClient
	case slices.Contains(restrictedScopes, scope):
		return pageNotForClient
	}
	// Unknown, or retired. Some saw "Invalid scope for client" for a retired one; section 3 gives both.
	return pageInvalidScope
}

// machineScopes are what client credentials give this client (docs/xero.md section 4).
func machineScopes(c *client) []string {
	switch {
	case c.Kind == Web:
		return appScopes
	case len(c.Scopes) > 0:
		return c.Scopes
	}
	return organisationScopes
}

// needsOrganisation reports whether any of the scopes opens an organisation.
func needsOrganisation(scopes []string) bool {
	return slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(identityScopes, s) })
}

// splitScopes splits at single spaces, as Xero does: a comma is part of a name, which is then unknown.
func splitScopes(text string) []string {
	var scopes []string
	for scope := range strings.SplitSeq(text, " ") {
		if scope != "" && !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// union keeps the order of first and appends what only second has.
func union(first, second []string) []string {
	all := slices.Clone(first)
	for _, scope := range second {
		if !slices.Contains(all, scope) {
			all = append(all, scope)
		}
	}
	return all
}
