package sandbox

import (
	"strings"
	"testing"
	"time"
)

func TestAccountingAPI(t *testing.T) {
	w := newWorld(t, func(cfg *Config) {
		cfg.Clients = append(DefaultClients(), Client{ID: "OLD", Kind: Public, RedirectURIs: []string{testRedirect}, Scopes: []string{"accounting.transactions.read"}})
	})
	read := w.login("scope", "accounting.settings.read").AccessToken
	full := w.login().AccessToken
	old := w.tokens(w.exchange(w.callback(w.authorize("client_id", "OLD", "scope", "accounting.transactions.read")).Get("code"), "client_id", "OLD")).AccessToken
	custom := w.tokens(w.machine(DefaultCustomClientID, DefaultCustomClientSecret)).AccessToken
	app := w.tokens(w.machine(DefaultWebClientID, DefaultWebClientSecret)).AccessToken
	const org, contacts, invoices = "/api.xro/2.0/Organisation", "/api.xro/2.0/Contacts", "/api.xro/2.0/Invoices"
	cases := []struct {
		name, path, access, tenant string
		status                     int
		want                       string // the list of rows, or the detail of the refusal
	}{
		{"organisation", org, full, tenantAU, 200, "Organisations"},
		{"contacts", contacts, full, tenantAU, 200, "Contacts"},
		{"invoices", invoices, full, tenantAU, 200, "Invoices"},
		{"read scope", org, read, tenantAU, 200, "Organisations"},
		{"retired scope", invoices, old, tenantAU, 200, "Invoices"},
		{"retired scope elsewhere", contacts, old, tenantAU, 401, "AuthorizationUnsuccessful"},
		{"missing scope", contacts, read, tenantAU, 401, "AuthorizationUnsuccessful"},
		{"no tenant", org, full, "", 403, "AuthenticationUnsuccessful"},
		{"a tenant not connected", org, full, tenantNZ, 403, "AuthenticationUnsuccessful"},
		{"custom connection without header", org, custom, "", 200, "Organisations"},
		{"custom connection with its tenant", org, custom, tenantAU, 200, "Organisations"},
		{"custom connection with another", org, custom, tenantNZ, 403, "AuthenticationUnsuccessful"},
		{"an app's own token", org, app, tenantAU, 401, "AuthorizationUnsuccessful"},
		{"made-up token", org, "x", tenantAU, 401, "AuthenticationUnsuccessful"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := w.api(c.path, c.access, "Xero-Tenant-Id", c.tenant)
			body := a.json(t)
			if a.status != c.status {
				t.Fatalf("got %d %s; want %d", a.status, a.body, c.status)
			}
			if c.status == 200 {
				if rows, _ := body[c.want].([]any); len(rows) == 0 {
					t.Errorf("no %s in %s", c.want, a.body)
				}
				return
			}
			title := map[int]string{401: "Unauthorized", 403: "Forbidden"}[c.status]
			if names(body) != "Detail Extensions Instance Status Title Type" || body["Detail"] != c.want || body["Title"] != title || body["Status"] != float64(c.status) {
				t.Errorf("got %s; want detail %q", a.body, c.want)
			}
			if hasScope := strings.Contains(a.header.Get("WWW-Authenticate"), "insufficient_scope"); hasScope != (c.want == "AuthorizationUnsuccessful") {
				t.Errorf("WWW-Authenticate is %q", a.header.Get("WWW-Authenticate"))
			}
		})
	}
}

func TestAccessTokensExpire(t *testing.T) {
	w := newWorld(t, nil)
	access := w.login().AccessToken
	w.pass(30*time.Minute - time.Second)
	if a := w.api("/connections", access); a.status != 200 {
		t.Errorf("a second before: %d", a.status)
	}
	w.pass(time.Second)
	a := w.api("/connections", access)
	if a.status != 401 || a.json(t)["Detail"] != "TokenExpired: token expired at 11/21/2026 10:00:00" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	for _, header := range []string{"", "Basic " + access, access} {
		if a := w.do("GET", "/connections", "", "Authorization", header); a.status != 401 {
			t.Errorf("Authorization of %d characters: %d", len(header), a.status)
		}
	}
}

func TestRateLimits(t *testing.T) {
	w := newWorld(t, func(cfg *Config) {
		cfg.MinuteLimit, cfg.DayLimit = 2, 3
		cfg.ConsentOrganisations = []string{tenantAU, tenantNZ}
	})
	login := w.login()
	call := func(tenant string) answer {
		return w.api("/api.xro/2.0/Organisation", login.AccessToken, "Xero-Tenant-Id", tenant)
	}
	want := func(a answer, status int, minute, day, problem, after string) {
		t.Helper()
		for header, want := range map[string]string{
			"X-MinLimit-Remaining": minute, "X-DayLimit-Remaining": day, "X-Rate-Limit-Problem": problem, "Retry-After": after,
		} {
			if got := a.header.Get(header); got != want {
				t.Errorf("%s is %q; want %q", header, got, want)
			}
		}
		if a.status != status || (status == 200) != (a.header.Get("X-AppMinLimit-Remaining") != "") {
			t.Errorf("status %d; want %d; headers %v", a.status, status, a.header)
		}
	}
	want(call(tenantAU), 200, "1", "2", "", "")
	w.pass(15 * time.Second)
	want(call(tenantAU), 200, "0", "1", "", "")
	want(call(tenantAU), 429, "", "", "minute", "45")
	want(call(tenantNZ), 200, "1", "2", "", "")
	w.pass(45 * time.Second)
	want(call(tenantAU), 200, "1", "0", "", "")
	want(call(tenantAU), 429, "", "", "day", "86340")
}
