package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// appMinuteLimit is for all organisations of one app together (docs/xero.md section 5).
const appMinuteLimit = 10_000

// window counts calls within one minute or one day.
type window struct {
	start time.Time
	used  int
}

// take counts one call, and gives what remains of the limit and, when nothing did, how long until it is renewed.
func (w *window) take(now time.Time, length time.Duration, limit int) (remaining int, wait time.Duration) {
	if now.Sub(w.start) >= length || now.Before(w.start) {
		w.start, w.used = now, 0
	}
	if w.used >= limit {
		return 0, w.start.Add(length).Sub(now)
	}
	w.used++
	return limit - w.used, 0
}

// usage is what one app used of one organisation.
type usage struct{ minute, day window }

func (s *Sandbox) serveOrganisation(c *call) reply {
	return s.accounting(c, []string{"accounting.settings"}, func(o *Organisation) (string, []any) {
		return "Organisations", []any{map[string]any{
			"OrganisationID": o.TenantID, "Name": o.Name, "LegalName": o.Name, "OrganisationType": "COMPANY",
			"BaseCurrency": "AUD", "CountryCode": "AU", "OrganisationStatus": "ACTIVE", "PaysTax": true, "Version": "AU",
			"IsDemoCompany": strings.HasPrefix(o.Name, "Demo Company"),
		}}
	})
}

func (s *Sandbox) serveContacts(c *call) reply {
	return s.accounting(c, []string{"accounting.contacts"}, func(o *Organisation) (string, []any) {
		var rows []any
		for _, name := range []string{"Bellbird Stationers", "Copper Kettle Catering"} {
			rows = append(rows, map[string]any{
				"ContactID": uuidOf(o.TenantID + name), "ContactStatus": "ACTIVE", "Name": name,
				"IsSupplier": true, "IsCustomer": false,
			})
		}
		return "Contacts", rows
	})
}

func (s *Sandbox) serveInvoices(c *call) reply {
	// The retired scope still opens invoices for the old apps that have it (docs/xero.md section 8).
	return s.accounting(c, []string{"accounting.invoices", "accounting.transactions"}, func(o *Organisation) (string, []any) {
		return "Invoices", []any{map[string]any{
			"InvoiceID": uuidOf(o.TenantID + "INV-0001"), "InvoiceNumber": "INV-0001", "Type": "ACCREC", "Status": "AUTHORISED",
			"Contact":      map[string]any{"ContactID": uuidOf(o.TenantID + "Bellbird Stationers"), "Name": "Bellbird Stationers"},
			"CurrencyCode": "AUD", "SubTotal": 100, "TotalTax": 10, "Total": 110, "AmountDue": 110, "AmountPaid": 0,
		}}
	})
}

// accounting answers one GET of the accounting API, in JSON whatever the caller accepts. Any of the scopes opens it,
// also as its .read twin.
func (s *Sandbox) accounting(c *call, scopes []string, rows func(*Organisation) (string, []any)) reply {
	token, refusal := s.bearer(c)
	if token == nil {
		return refusal
	}
	if !slices.ContainsFunc(token.scopes, func(has string) bool { return slices.Contains(scopes, strings.TrimSuffix(has, ".read")) }) {
		return insufficientScope()
	}
	org := s.tenant(c, token)
	if org == nil {
		return forbidden()
	}
	left, limited := s.count(c, token.client, org.TenantID)
	if limited != nil {
		return *limited
	}
	name, list := rows(org)
	out := jsonReply(http.StatusOK, map[string]any{
		"Id": uuid(), "Status": "OK", "ProviderName": "Sandbox", "DateTimeUTC": fmt.Sprintf("/Date(%d)/", c.now.UnixMilli()), name: list,
	})
	for header, remaining := range left {
		out.header.Set(header, strconv.Itoa(remaining))
	}
	return out
}

// tenant finds the organisation that the header names among those the token opens, or nil. A custom connection's token
// has only one and needs no header; SDKs send it an empty one (docs/xero.md section 7).
func (s *Sandbox) tenant(c *call, token *accessToken) *Organisation {
	id := c.r.Header.Get("Xero-Tenant-Id")
	if token.client.Kind == CustomConnection && id == "" {
		id = token.client.Organisation
	}
	for _, conn := range s.connectionsOf(token) {
		if strings.EqualFold(conn.tenantID, id) {
			return s.organisation(conn.tenantID)
		}
	}
	return nil
}

// count takes one call off the limits, and gives the headers of a success or the refusal (docs/xero.md section 5).
func (s *Sandbox) count(c *call, cl *client, tenantID string) (map[string]int, *reply) {
	u := cl.usage[tenantID]
	if u == nil {
		u = &usage{}
		cl.usage[tenantID] = u
	}
	left := make(map[string]int)
	for _, limit := range []struct {
		problem, header string
		window          *window
		length          time.Duration
		most            int
	}{
		{"minute", "X-MinLimit-Remaining", &u.minute, time.Minute, s.cfg.MinuteLimit},
		{"day", "X-DayLimit-Remaining", &u.day, 24 * time.Hour, s.cfg.DayLimit},
		{"appminute", "X-AppMinLimit-Remaining", &cl.appMinute, time.Minute, appMinuteLimit},
	} {
		remaining, wait := limit.window.take(c.now, limit.length, limit.most)
		if wait > 0 {
			out := rateLimited(limit.problem, strconv.Itoa(int((wait+time.Second-1)/time.Second)))
			return nil, &out
		}
		left[limit.header] = remaining
	}
	return left, nil
}

func rateLimited(problem, retryAfter string) reply {
	out := newReply(http.StatusTooManyRequests, "", nil)
	out.header.Set("X-Rate-Limit-Problem", problem)
	out.header.Set("Retry-After", retryAfter)
	return out
}
