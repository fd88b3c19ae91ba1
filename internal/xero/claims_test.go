package xero

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseClaims(t *testing.T) {
	const event, user = "0f0f0f0f-0000-4000-8000-000000000001", "0ada0000-0000-4000-8000-000000000001"
	tests := []struct {
		name, token   string
		user, eventID string
		scopes        []string
	}{
		{"an access token of Xero's", jwtWith(`{"sub":"s","xero_userid":"` + user + `","authentication_event_id":"` + event + `","scope":["openid","files"]}`),
			user, event, []string{"openid", "files"}},
		{"scope as a string", jwtWith(`{"scope":"openid files"}`), "", "", []string{"openid", "files"}},
		{"no xero_userid", jwtWith(`{"sub":"s"}`), "s", "", nil},
		{"hostile xero_userid, good sub", jwtWith(`{"sub":"s","xero_userid":"a\u001b[2J"}`), "s", "", nil},
		{"hostile both", jwtWith(`{"sub":"a b","xero_userid":"é"}`), "", "", nil},
		{"far too long", jwtWith(`{"sub":"` + strings.Repeat("s", 129) + `"}`), "", "", nil},
		{"longest", jwtWith(`{"sub":"` + strings.Repeat("s", 128) + `"}`), strings.Repeat("s", 128), "", nil},
		{"event id that is no UUID", jwtWith(`{"sub":"s","authentication_event_id":"../../etc"}`), "s", "", nil},
		{"event id in capitals", jwtWith(`{"authentication_event_id":"` + strings.ToUpper(event) + `"}`), "", strings.ToUpper(event), nil},
		{"hostile scopes", jwtWith(`{"scope":["ok","a b","x\n","\u001b[31m","q\"","b\\","","\u202e"]}`), "", "", []string{"ok"}},
		{"scope of mixed kinds", jwtWith(`{"sub":"s","scope":["ok",1,null]}`), "s", "", nil},
		{"scope null", jwtWith(`{"sub":"s","scope":null}`), "s", "", nil},
		{"sub a number", jwtWith(`{"sub":1}`), "", "", nil},
		{"empty object", jwtWith(`{}`), "", "", nil},
		{"no object", jwtWith(`[]`), "", "", nil},
		{"null", jwtWith(`null`), "", "", nil},
		{"payload that is no JSON", jwtWith(`{`), "", "", nil},
		{"payload that is no base64url", "a.!!!.c", "", "", nil},
		{"padded base64", "a." + "eyJzdWIiOiJzIn0=" + ".c", "", "", nil},
		{"opaque token", "0123456789abcdef", "", "", nil},
		{"two parts", "a.e30", "", "", nil},
		{"four parts", "a.e30.c.d", "", "", nil},
		{"five parts, encrypted", "a.b.c.d.e", "", "", nil},
		{"dots", "..", "", "", nil},
		{"empty", "", "", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ParseClaims(tt.token)
			if got.UserID != tt.user || got.AuthenticationEventID != tt.eventID || !reflect.DeepEqual(got.Scopes, tt.scopes) {
				t.Errorf("%+v\nwant %q, %q, %q", got, tt.user, tt.eventID, tt.scopes)
			}
		})
	}
}

func TestValidUUID(t *testing.T) {
	tests := []struct {
		name, text string
		want       bool
	}{
		{"small letters", "0a000000-0000-4000-8000-0000000000a1", true},
		{"capitals", "0A000000-0000-4000-8000-0000000000A1", true},
		{"empty", "", false},
		{"braces", "{0a000000-0000-4000-8000-0000000000a}", false},
		{"no hyphens", "0a0000000000400080000000000000a10000", false},
		{"hyphen out of place", "0a0000000-000-4000-8000-0000000000a1", false},
		{"letter beyond f", "0g000000-0000-4000-8000-0000000000a1", false},
		{"line break in place of a digit", "0a000000-0000-4000-8000-0000000000\n1", false},
		{"line break at the end", "0a000000-0000-4000-8000-0000000000a1\n", false},
		{"one too short", "0a000000-0000-4000-8000-0000000000a", false},
		{"digits of another script", "٠a000000-0000-4000-8000-000000000a1", false},
		{"path", "../../../../../../../../../../../../", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ValidUUID(tt.text); got != tt.want {
				t.Errorf("ValidUUID(%q) = %t", tt.text, got)
			}
		})
	}
}
