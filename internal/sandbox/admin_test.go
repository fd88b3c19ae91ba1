package sandbox

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func (w *world) admin(path, body string) answer {
	w.t.Helper()
	return w.do("POST", path, body, "Content-Type", "application/json")
}

func TestAdminFault(t *testing.T) {
	w := newWorld(t, nil)
	a := w.admin("/sandbox/fault", `{"path":"/connect/token","grant_type":"refresh_token","kind":"status","status":429,"retry_after":"9","delay":"2s","body":"b","content_type":"text/plain","times":3}`)
	want := Fault{Path: "/connect/token", GrantType: "refresh_token", Kind: FaultStatus, Status: 429, RetryAfter: "9", Delay: 2 * time.Second, Body: "b", ContentType: "text/plain", Times: 3}
	if a.status != 204 || len(w.s.faults) != 1 || *w.s.faults[0] != want {
		t.Fatalf("got %d %s and %+v", a.status, a.body, w.s.faults)
	}
	if a := w.admin("/sandbox/faults/clear", ""); a.status != 204 || len(w.s.faults) != 0 {
		t.Errorf("clear: %d, %d left", a.status, len(w.s.faults))
	}
	for name, body := range map[string]string{
		"no path": `{"kind":"status"}`, "no kind": `{"path":"/"}`, "unknown kind": `{"path":"/","kind":"fire"}`,
		"delay as a number": `{"path":"/","kind":"delay","delay":2}`, "delay without unit": `{"path":"/","kind":"delay","delay":"2"}`,
		"negative delay": `{"path":"/","kind":"delay","delay":"-2s"}`, "status": `{"path":"/","kind":"status","status":100}`,
		"times": `{"path":"/","kind":"status","times":-1}`, "misspelt name": `{"path":"/","kind":"status","time":1}`,
		"no JSON": `path=/`, "two values": `{"path":"/","kind":"status"}{}`, "nothing": ``,
	} {
		if a := w.admin("/sandbox/fault", body); a.status != 400 || a.json(t)["error"] == "" || len(w.s.faults) != 0 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	for _, kind := range faultKinds {
		if a := w.admin("/sandbox/fault", `{"path":"/x","kind":"`+string(kind)+`"}`); a.status != 204 {
			t.Errorf("%s: %d %s", kind, a.status, a.body)
		}
	}
}

func TestAdminClockAndOrganisations(t *testing.T) {
	w := newWorld(t, nil)
	access := w.login().AccessToken
	if a := w.admin("/sandbox/organisations", `[{"tenant_id":"`+tenantAU+`","name":"Renamed","type":"PRACTICE"}]`); a.status != 204 {
		t.Errorf("organisations: %d %s", a.status, a.body)
	}
	if list := w.connections(access); list[0]["tenantName"] != "Renamed" || list[0]["tenantType"] != "PRACTICE" {
		t.Errorf("got %v", list)
	}
	for _, body := range []string{`{}`, `[{"name":"no id"}]`, `[{"tenant_id":"a"},{"tenant_id":"a"}]`} {
		if a := w.admin("/sandbox/organisations", body); a.status != 400 {
			t.Errorf("%s: %d", body, a.status)
		}
	}
	a := w.admin("/sandbox/clock", `{"advance":"1h"}`)
	if a.status != 200 || a.json(t)["now"] != "2026-11-21T10:30:00Z" || a.header.Get("Date") != "Sat, 21 Nov 2026 10:30:00 GMT" {
		t.Errorf("clock: %d %s, Date %s", a.status, a.body, a.header.Get("Date"))
	}
	if a := w.api("/connections", access); a.status != 401 {
		t.Errorf("the token outlived the hour: %d", a.status)
	}
	if a := w.admin("/sandbox/clock", `{"advance":"soon"}`); a.status != 400 {
		t.Errorf("soon: %d", a.status)
	}
}

func TestAdminRequests(t *testing.T) {
	w := newWorld(t, nil)
	if a := w.do("GET", "/sandbox/requests", ""); a.body != "[]" {
		t.Errorf("before any: %s", a.body)
	}
	w.login()
	var list []map[string]any
	a := w.do("GET", "/sandbox/requests", "")
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || len(list) != 2 {
		t.Fatalf("%v: %s", err, a.body)
	}
	if names(list[1]) != "client_id grant_type method path status time" || list[1]["grant_type"] != "authorization_code" || list[1]["client_id"] != DefaultPublicClientID {
		t.Errorf("got %v", list[1])
	}
	for _, secret := range w.s.Secrets() {
		if strings.Contains(a.body, secret) {
			t.Error("a secret stands in the record")
		}
	}
}

// A web page can send simple requests to any port of the machine of who reads it.
func TestAdminRefusesWhatAWebPageCanSend(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/sandbox/fault", "/sandbox/faults/clear", "/sandbox/clock", "/sandbox/organisations"} {
		for _, contentType := range []string{"", "text/plain", formType, "multipart/form-data", "text/plain;application/json"} {
			if a := w.do("POST", path, `{"path":"/","kind":"status"}`, "Content-Type", contentType); a.status != 415 {
				t.Errorf("%s as %q: %d", path, contentType, a.status)
			}
		}
		if a := w.do("OPTIONS", path, ""); a.status != 405 || a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: a preflight got %d", path, a.status)
		}
	}
	if len(w.s.faults) != 0 {
		t.Error("a fault was set")
	}
}

func TestFaultsDoNotReachTheAdminAddresses(t *testing.T) {
	w := newWorld(t, nil)
	w.s.SetFault(Fault{Path: "/sandbox/faults/clear", Kind: FaultStatus})
	if a := w.admin("/sandbox/faults/clear", "{}"); a.status != 204 {
		t.Errorf("got %d", a.status)
	}
	if got := w.s.Requests(); len(got) != 0 {
		t.Errorf("recorded: %v", got)
	}
}
