package xero

import (
	"slices"
	"strings"
)

// DefaultPreset is what a login asks for when nothing else is said: the
// granular list that Xero's own CLI asks for (docs/xero.md section 8).
const DefaultPreset = "@accounting"

// Presets returns the named lists of scopes.
func Presets() map[string][]string {
	identity := []string{"openid", "profile", "email", "offline_access"}
	return map[string][]string{
		DefaultPreset: slices.Concat(identity, words(`accounting.contacts accounting.settings accounting.invoices accounting.payments
			accounting.banktransactions accounting.manualjournals accounting.attachments accounting.budgets.read
			accounting.reports.aged.read accounting.reports.balancesheet.read accounting.reports.profitandloss.read
			accounting.reports.trialbalance.read`)),
		"@read": slices.Concat(identity, words(`accounting.contacts.read accounting.settings.read accounting.invoices.read
			accounting.payments.read accounting.banktransactions.read accounting.manualjournals.read
			accounting.attachments.read accounting.budgets.read accounting.reports.aged.read
			accounting.reports.balancesheet.read accounting.reports.profitandloss.read accounting.reports.trialbalance.read`)),
		"@identity": words("openid profile email"),
		"@payroll": slices.Concat(identity, words(`payroll.employees payroll.payruns payroll.payslip payroll.settings
			payroll.timesheets`)),
		"@files": slices.Concat(identity, words("files")),
	}
}

func words(s string) []string { return strings.Fields(s) }

// Successors returns the granular scopes that took the place of a retired
// broad one; nil for any other (docs/xero.md section 8).
func Successors(scope string) []string {
	switch scope {
	case "accounting.transactions":
		return words("accounting.invoices accounting.payments accounting.banktransactions accounting.manualjournals")
	case "accounting.transactions.read":
		return words("accounting.invoices.read accounting.payments.read accounting.banktransactions.read accounting.manualjournals.read")
	case "accounting.reports.read":
		return words(`accounting.reports.aged.read accounting.reports.balancesheet.read accounting.reports.banksummary.read
			accounting.reports.budgetsummary.read accounting.reports.executivesummary.read
			accounting.reports.profitandloss.read accounting.reports.trialbalance.read accounting.reports.taxreports.read`)
	}
	return nil
}

// KnownScopes returns every scope that Xero is known to have, retired ones too.
func KnownScopes() []string {
	list := words(`openid profile email offline_access app.connections marketplace.billing
		accounting.transactions accounting.transactions.read accounting.reports.read
		accounting.reports.aged.read accounting.reports.balancesheet.read accounting.reports.banksummary.read
		accounting.reports.budgetsummary.read accounting.reports.executivesummary.read
		accounting.reports.profitandloss.read accounting.reports.trialbalance.read accounting.reports.taxreports.read
		accounting.reports.tenninetynine.read accounting.budgets.read accounting.journals.read accounting.classicexpenses
		bankfeeds paymentservices finance.statements.read finance.cashvalidation.read
		finance.bankstatementsplus.read finance.accountingactivity.read`)
	for _, both := range words(`accounting.invoices accounting.payments accounting.banktransactions accounting.manualjournals
		accounting.settings accounting.contacts accounting.attachments files assets projects
		payroll.employees payroll.payruns payroll.payslip payroll.settings payroll.timesheets`) {
		list = append(list, both, both+".read")
	}
	return list
}

// UserOnly reports the scopes that belong to a person, and that no custom
// connection has (docs/xero.md section 8).
func UserOnly(scope string) bool {
	return slices.Contains(words("openid profile email offline_access"), scope)
}

// ClientOnly reports the scopes that a browser login is refused for
// (docs/xero.md section 8).
func ClientOnly(scope string) bool {
	return scope == "app.connections" || scope == "marketplace.billing"
}
