package xero

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

const (
	idA = "0c000000-0000-4000-8000-0000000000a1"
	idB = "0c000000-0000-4000-8000-0000000000b2"
	tnA = "0a000000-0000-4000-8000-0000000000a1"
	tnB = "0a000000-0000-4000-8000-0000000000b2"
	evA = "0e000000-0000-4000-8000-0000000000a1"
)

func TestConnections(t *testing.T) {
	at := time.Date(2019, 12, 7, 18, 46, 19, 516540000, time.UTC)
	one := func(change string) string {
		return `[{"id":"` + idA + `","tenantId":"` + tnA + `"` + change + `}]`
	}
	only := func(c Connection) []Connection { c.ID, c.TenantID = idA, tnA; return []Connection{c} }
	hostile := "a\x1b[31m\n\u202e$(id)\"<b>"
	tests := []struct {
		name, body string
		want       []Connection
	}{
		{"as in Xero's description", `[{"id":"` + idA + `","authEventId":"` + evA + `","tenantId":"` + tnA + `","tenantType":"ORGANISATION",
			"tenantName":"Maple Florists Ltd","createdDateUtc":"2019-12-07T18:46:19.5165400","updatedDateUtc":"2019-12-07T18:46:19.5165400"}]`,
			only(Connection{AuthEventID: evA, Type: "ORGANISATION", Name: "Maple Florists Ltd", Created: at, Updated: at})},
		{"time with Z", one(`,"createdDateUtc":"2019-12-07T18:46:19.51654Z"`), only(Connection{Created: at})},
		{"time with an offset", one(`,"createdDateUtc":"2019-12-08T07:46:19.51654+13:00"`), only(Connection{Created: at})},
		{"time without a fraction", one(`,"updatedDateUtc":"2019-12-07T18:46:19"`), only(Connection{Updated: at.Truncate(time.Second)})},
		{"time that nobody can read", one(`,"createdDateUtc":"yesterday","updatedDateUtc":""`), only(Connection{})},
		{"nothing but the ids", one(``), only(Connection{})},
		{"nulls", one(`,"authEventId":null,"tenantName":null,"tenantType":null,"createdDateUtc":null`), only(Connection{})},
		{"authEventId empty", one(`,"authEventId":""`), only(Connection{})},
		{"type that is new", one(`,"tenantType":"PRACTICE"`), only(Connection{Type: "PRACTICE"})},
		{"hostile name is passed on as it is", one(`,"tenantName":"a\u001b[31m\n\u202e$(id)\"<b>"`), only(Connection{Name: hostile})},
		{"keys that nobody knows", one(`,"x":{"id":1}`), only(Connection{})},
		{"two, in their order", `[{"id":"` + idB + `","tenantId":"` + tnB + `"},{"id":"` + idA + `","tenantId":"` + tnA + `"}]`,
			[]Connection{{ID: idB, TenantID: tnB}, {ID: idA, TenantID: tnA}}},
		{"none", `[]`, []Connection{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, replying(http.StatusOK, tt.body))
			c, traced := s.client(t)
			got, err := c.Connections(context.Background(), secret.New(testAccess))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, %v\nwant %+v", got, err, tt.want)
			}
			r := s.only(t)
			if r.method != "GET" || r.path != "/connections" || r.query != "" || r.header.Get("Authorization") != "Bearer "+testAccess ||
				r.header.Get("Accept") != "application/json" || r.header.Get("User-Agent") != "xeroauth/test" {
				t.Errorf("%s %s?%s with %v", r.method, r.path, r.query, r.header)
			}
			noCanary(t, "the trace", strings.Join(traced.all(), "\n"))
		})
	}
}

func TestConnectionsRefused(t *testing.T) {
	tests := []struct{ name, body string }{
		{"id that is no UUID", `[{"id":"canary","tenantId":"` + tnA + `"}]`},
		{"id missing", `[{"tenantId":"` + tnA + `"}]`},
		{"tenant id with a header behind it", `[{"id":"` + idA + `","tenantId":"` + tnA + `\r\nX-canary: 1"}]`},
		{"tenant id that is a command", `[{"id":"` + idA + `","tenantId":"$(canary)"}]`},
		{"tenant id that is a path", `[{"id":"` + idA + `","tenantId":"../../canary"}]`},
		{"tenant id missing", `[{"id":"` + idA + `"}]`},
		{"tenant id a number", `[{"id":"` + idA + `","tenantId":7}]`},
		{"event id that is no UUID", `[{"id":"` + idA + `","tenantId":"` + tnA + `","authEventId":"canary"}]`},
		{"the second is bad", `[{"id":"` + idA + `","tenantId":"` + tnA + `"},{"id":"canary","tenantId":"` + tnB + `"}]`},
		{"an element null", `[null]`},
		{"an element a string", `["canary"]`},
		{"an object", `{"id":"canary"}`},
		{"a page under 200", `<html>canary`},
		{"empty", ``},
		{"cut off", `[{"id":"canary`},
		{"more behind it", `[]["canary"]`},
		{"over 16 MiB", `[` + strings.Repeat(" ", 16<<20) + `]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, replying(http.StatusOK, tt.body))
			c, _ := s.client(t)
			got, err := c.Connections(context.Background(), secret.New(testAccess))
			e := asError(t, err)
			if got != nil || e.Kind != Temporary || e.Status != http.StatusOK || e.Step != "listing the tenants" {
				t.Errorf("%v, Kind %d, Status %d, Step %q; want nothing and a temporary failure", got, e.Kind, e.Status, e.Step)
			}
			noCanary(t, "the error", err.Error())
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("the error has more than one line: %q", err)
			}
		})
	}
}

// 5,000 tenants with long names are more than the 1 MiB of other replies.
func TestConnectionsMany(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, `,{"id":"0c000000-0000-4000-8000-%012x","tenantId":"0a000000-0000-4000-8000-%012x","tenantName":%q}`, i, i, strings.Repeat("n", 300))
	}
	s := newServer(t, replying(http.StatusOK, "["+b.String()[1:]+"]"))
	c, _ := s.client(t)
	got, err := c.Connections(context.Background(), secret.New(testAccess))
	if err != nil || len(got) != 5000 || got[4999].TenantID != fmt.Sprintf("0a000000-0000-4000-8000-%012x", 4999) {
		t.Errorf("%d connections, %v; want 5000", len(got), err)
	}
}

// The API's envelope, in both spellings, and what is none.
func TestAPIErrors(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		after  string
		kind   Kind
		code   string
		wait   time.Duration
		text   string
	}{
		{"401, expired", 401, `{"Type":null,"Title":"Unauthorized","Status":401,"Detail":"TokenExpired: token expired at 11/21/2026 09:30:00"}`, "", Refused,
			"TokenExpired: token expired at 11/21/2026 09:30:00", 0, "Xero answered TokenExpired: token expired at 11/21/2026 09:30:00"},
		{"401, in small letters", 401, `{"title":"Unauthorized","detail":"TokenExpired"}`, "", Refused, "TokenExpired", 0, "Xero answered TokenExpired"},
		{"401, nothing with it", 401, ``, "", Refused, "", 0, "Xero answered 401 Unauthorized"},
		{"403 of the API", 403, `{"Title":"Forbidden","Detail":"AuthenticationUnsuccessful"}`, "", Refused, "AuthenticationUnsuccessful", 0,
			"Xero answered AuthenticationUnsuccessful"},
		{"403 of the API, in small letters", 403, `{"title":"Forbidden","detail":"AuthenticationUnsuccessful"}`, "", Refused, "AuthenticationUnsuccessful", 0,
			"Xero answered AuthenticationUnsuccessful"},
		{"403 of the edge", 403, `<html>canary`, "", Temporary, "", 0, "Xero answered 403 Forbidden"},
		{"403, detail of another kind", 403, `{"Detail":{"canary":1}}`, "", Temporary, "", 0, "Xero answered 403 Forbidden"},
		{"403, words without an end", 403, `{"Detail":"` + strings.Repeat("d ", 2500) + `"}`, "", Refused, strings.Repeat("d ", 100) + "…", 0,
			"Xero answered " + strings.Repeat("d ", 100) + "…"},
		{"403 that repeats a token", 403, `{"Detail":"no: ` + strings.Repeat("canary.", 6) + `"}`, "", Refused, "no: [redacted]", 0, "Xero answered no: [redacted]"},
		{"429", 429, ``, "9", Temporary, "", 9 * time.Second, "Xero answered 429 Too Many Requests"},
		{"503", 503, `canary`, "", Temporary, "", 0, "Xero answered 503 Service Unavailable"},
		{"500", 500, `{"Detail":"boom"}`, "", Temporary, "boom", 0, "Xero answered boom"},
		{"302 to a login page", 302, `<html>canary`, "", Temporary, "", 0, "Xero answered 302 Found"},
		{"204 where a list is due", 204, ``, "", Temporary, "", 0, "Xero answered 204 No Content"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/login?canary")
				if tt.after != "" {
					w.Header().Set("Retry-After", tt.after)
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			})
			c, _ := s.client(t)
			_, err := c.Connections(context.Background(), secret.New(testAccess))
			e := asError(t, err)
			if e.Kind != tt.kind || e.Code != tt.code || e.Status != tt.status || e.RetryAfter != tt.wait {
				t.Errorf("Kind %d, Code %q, Status %d, RetryAfter %s\nwant %d, %q, %d, %s", e.Kind, e.Code, e.Status, e.RetryAfter, tt.kind, tt.code, tt.status, tt.wait)
			}
			if want := "listing the tenants: " + tt.text; e.Error() != want {
				t.Errorf("the text is %q; want %q", e.Error(), want)
			}
			s.only(t)
		})
	}
}

func TestDisconnect(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		none   bool // ErrNoConnection
		kind   Kind
		ok     bool
	}{
		{"done", 204, "", false, 0, true},
		{"done, with 200", 200, "{}", false, 0, true},
		{"no such connection", 404, "", true, 0, false},
		{"not allowed", 403, `{"Detail":"AuthenticationUnsuccessful"}`, false, Refused, false},
		{"edge", 403, `<html>`, false, Temporary, false},
		{"down", 500, ``, false, Temporary, false},
		{"redirect", 302, ``, false, Temporary, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			})
			c, traced := s.client(t)
			err := c.Disconnect(context.Background(), secret.New(testAccess), idA)
			switch {
			case tt.ok:
				if err != nil {
					t.Errorf("%v; want success", err)
				}
			case tt.none:
				if !errors.Is(err, ErrNoConnection) {
					t.Errorf("%v; want ErrNoConnection", err)
				}
			default:
				if e := asError(t, err); e.Kind != tt.kind || e.Status != tt.status || e.Step != "disconnecting the tenant" {
					t.Errorf("Kind %d, Status %d, Step %q; want %d, %d", e.Kind, e.Status, e.Step, tt.kind, tt.status)
				}
			}
			r := s.only(t)
			if r.method != "DELETE" || r.path != "/connections/"+idA || r.query != "" || r.header.Get("Authorization") != "Bearer "+testAccess {
				t.Errorf("%s %s?%s", r.method, r.path, r.query)
			}
			noCanary(t, "the trace", strings.Join(traced.all(), "\n"))
		})
	}
	t.Run("an id that is none stays one segment", func(t *testing.T) {
		s := newServer(t, replying(404, ""))
		c, _ := s.client(t)
		_ = c.Disconnect(context.Background(), secret.New(testAccess), "../x?y=1#z")
		if r := s.only(t); r.query != "" || !strings.HasPrefix(r.path, "/connections/") {
			t.Errorf("the request went to %s?%s", r.path, r.query)
		}
	})
}

func TestRevoke(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		ok     bool
		kind   Kind
		code   string
	}{
		{"done", 200, "", true, 0, ""},
		{"done, with 204", 204, "", true, 0, ""},
		{"wrong client", 400, `{"error":"invalid_client"}`, false, Refused, "invalid_client"},
		{"wrong client, 401", 401, `{"error":"invalid_client"}`, false, Refused, "invalid_client"},
		{"down", 503, `canary`, false, Temporary, ""},
		{"too many", 429, ``, false, Temporary, ""},
		{"edge", 403, `<html>canary`, false, Temporary, ""},
		{"redirect", 302, ``, false, Temporary, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			})
			c, _ := s.client(t)
			err := c.Revoke(context.Background(), webApp(), secret.New(testRefresh))
			if tt.ok {
				if err != nil {
					t.Errorf("%v; want success", err)
				}
				return
			}
			e := asError(t, err)
			if e.Kind != tt.kind || e.Code != tt.code || e.Status != tt.status || e.Step != "revoking the session" {
				t.Errorf("Kind %d, Code %q, Status %d, Step %q; want %d, %q, %d", e.Kind, e.Code, e.Status, e.Step, tt.kind, tt.code, tt.status)
			}
			noCanary(t, "the error", err.Error())
		})
	}
}
