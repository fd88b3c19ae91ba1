package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

var (
	tenantAU = defaultOrganisations()[0].TenantID
	tenantNZ = defaultOrganisations()[1].TenantID
)

func (w *world) api(path, access string, headers ...string) answer {
	w.t.Helper()
	return w.do("GET", path, "", append([]string{"Authorization", "Bearer " + access}, headers...)...)
}

func event(w *world, access string) string {
	_, claims := w.verified(access)
	id, _ := claims["authentication_event_id"].(string)
	return id
}

func TestConnectionsListEverythingEverConnected(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login()
	w.pass(time.Hour)
	w.s.SetConsentOrganisations([]string{tenantNZ})
	second := w.login()
	before := w.connections(second.AccessToken)
	if len(before) != 2 || before[0]["tenantId"] != tenantAU || before[1]["tenantId"] != tenantNZ {
		t.Fatalf("got %v", before)
	}
	if names(before[0]) != "authEventId createdDateUtc id tenantId tenantName tenantType updatedDateUtc" || before[0]["tenantType"] != "ORGANISATION" || before[0]["tenantName"] != "Demo Company (AU)" {
		t.Errorf("got %v", before[0])
	}
	match(t, "id", before[0]["id"].(string), uuidPattern)
	if before[0]["authEventId"] != event(w, first.AccessToken) || before[1]["authEventId"] != event(w, second.AccessToken) {
		t.Error("authEventId is not the event of the consent")
	}
	if before[0]["createdDateUtc"] != "2026-11-21T09:30:00.0000000" || before[1]["createdDateUtc"] != "2026-11-21T10:30:00.0000000" {
		t.Errorf("times %v and %v", before[0]["createdDateUtc"], before[1]["createdDateUtc"])
	}

	w.pass(time.Hour)
	w.s.SetConsentOrganisations([]string{tenantAU})
	third := w.login()
	after := w.connections(third.AccessToken)
	if len(after) != 2 || after[0]["id"] != before[0]["id"] || after[0]["createdDateUtc"] != before[0]["createdDateUtc"] {
		t.Errorf("granting again made another connection: %v", after)
	}
	if after[0]["updatedDateUtc"] != "2026-11-21T11:30:00.0000000" || after[0]["authEventId"] != event(w, third.AccessToken) {
		t.Errorf("granting again did not renew: %v", after[0])
	}
	if after[1]["updatedDateUtc"] != before[1]["updatedDateUtc"] || after[1]["authEventId"] != before[1]["authEventId"] {
		t.Errorf("the other connection changed: %v", after[1])
	}
}

func TestConnectionsByEvent(t *testing.T) {
	w := newWorld(t, nil)
	w.login()
	w.s.SetConsentOrganisations([]string{tenantNZ})
	second := w.login()
	for query, want := range map[string]string{
		"?authEventId=" + event(w, second.AccessToken):                  tenantNZ,
		"?authEventId=" + strings.ToUpper(event(w, second.AccessToken)): tenantNZ,
		"?authEventId=" + uuid():                                        "",
	} {
		var list []map[string]any
		if err := json.Unmarshal([]byte(w.api("/connections"+query, second.AccessToken).body), &list); err != nil {
			t.Fatal(err)
		}
		if (want == "") != (len(list) == 0) || want != "" && (len(list) != 1 || list[0]["tenantId"] != want) {
			t.Errorf("%s: got %v; want %q", query, list, want)
		}
	}
}

func TestConnectionsThatAreEmptyArraysOrUnnamed(t *testing.T) {
	w := newWorld(t, nil)
	if a := w.api("/connections", w.login("scope", "openid email").AccessToken); a.status != 200 || a.body != "[]" {
		t.Errorf("identity only: %d %q", a.status, a.body)
	}
	access := w.login().AccessToken
	w.s.SetOrganisations([]Organisation{{TenantID: tenantAU, Type: "PRACTICE"}})
	if list := w.connections(access); len(list) != 1 || list[0]["tenantType"] != "PRACTICE" || names(list[0]) != "authEventId createdDateUtc id tenantId tenantType updatedDateUtc" {
		t.Errorf("got %v", list)
	}
	w.s.SetOrganisations(nil)
	w.s.SetOrganisations(defaultOrganisations())
	if a := w.api("/connections", access); a.body != "[]" {
		t.Errorf("a connection outlived its organisation: %s", a.body)
	}
}

func TestDisconnect(t *testing.T) {
	w := newWorld(t, nil)
	got := w.login()
	conn := w.connections(got.AccessToken)[0]
	machine := w.tokens(w.machine(DefaultCustomClientID, DefaultCustomClientSecret)).AccessToken
	cases := []struct {
		name, access, id string
		status           int
	}{
		{"the tenant's id", got.AccessToken, conn["tenantId"].(string), 403},
		{"the event's id", got.AccessToken, conn["authEventId"].(string), 403},
		{"a stranger", got.AccessToken, uuid(), 404},
		{"a custom connection's own", machine, uuidOf("connection of " + DefaultCustomClientID), 403},
		{"no token", "", conn["id"].(string), 401},
		{"the connection", got.AccessToken, conn["id"].(string), 204},
		{"the connection again", got.AccessToken, conn["id"].(string), 404},
	}
	for _, c := range cases {
		a := w.do("DELETE", "/connections/"+c.id, "", "Authorization", "Bearer "+c.access)
		if a.status != c.status || c.status == 403 && a.json(t)["Detail"] != "AuthenticationUnsuccessful" {
			t.Errorf("%s: got %d %s; want %d", c.name, a.status, a.body, c.status)
		}
	}
	if a := w.api("/connections", got.AccessToken); a.body != "[]" {
		t.Errorf("left: %s", a.body)
	}
	w.tokens(w.refresh(got.RefreshToken)) // token and connection live apart
}

func TestConnectionsOfMachines(t *testing.T) {
	w := newWorld(t, nil)
	custom := w.tokens(w.machine(DefaultCustomClientID, DefaultCustomClientSecret)).AccessToken
	first, second := w.connections(custom), w.connections(custom)
	if len(first) != 1 || first[0]["tenantId"] != tenantAU || first[0]["id"] != second[0]["id"] {
		t.Errorf("custom connection: %v, then %v", first, second)
	}
	code := w.callback(w.authorize("client_id", DefaultWebClientID)).Get("code")
	w.tokens(w.exchange(code, "client_id", DefaultWebClientID, "client_secret", DefaultWebClientSecret))
	own := w.tokens(w.machine(DefaultWebClientID, DefaultWebClientSecret)).AccessToken
	list := w.connections(own)
	if len(list) != 1 {
		t.Fatalf("the app's own token sees %v", list)
	}
	billing := w.tokens(w.machine(DefaultWebClientID, DefaultWebClientSecret, "scope", "marketplace.billing")).AccessToken
	for _, method := range []string{"GET", "DELETE"} {
		path := "/connections"
		if method == "DELETE" {
			path += "/" + list[0]["id"].(string)
		}
		a := w.do(method, path, "", "Authorization", "Bearer "+billing)
		if a.status != 401 || !strings.Contains(a.header.Get("WWW-Authenticate"), "insufficient_scope") {
			t.Errorf("%s without app.connections: %d", method, a.status)
		}
	}
	if a := w.do("DELETE", "/connections/"+list[0]["id"].(string), "", "Authorization", "Bearer "+own); a.status != http.StatusNoContent {
		t.Errorf("the app cannot disconnect: %d %s", a.status, a.body)
	}
}
