package xero

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// Claims are what the program reads of an access token. They tell a person
// things and choose among tenants; they grant nothing.
type Claims struct {
	// UserID is Xero's id of the person: xero_userid, else sub. Empty for a
	// custom connection or an opaque token.
	UserID string
	// AuthenticationEventID names the consent that this token came from; equal
	// to the authEventId of the connections made in it (docs/xero.md section 6).
	AuthenticationEventID string
	Scopes                []string
}

// ParseClaims reads an access token's claims without checking its signature:
// the token came straight from Xero over TLS, and its audience is Xero's API.
// A token that is not a JWT gives the zero Claims.
func ParseClaims(token string) Claims {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return Claims{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return Claims{}
	}
	var c struct {
		Sub        string          `json:"sub"`
		XeroUserID string          `json:"xero_userid"`
		EventID    string          `json:"authentication_event_id"`
		Scope      json.RawMessage `json:"scope"`
	}
	if json.Unmarshal(payload, &c) != nil {
		return Claims{}
	}
	out := Claims{UserID: personID(c.XeroUserID, c.Sub)}
	if ValidUUID(c.EventID) {
		out.AuthenticationEventID = c.EventID
	}
	var text string
	if json.Unmarshal(c.Scope, &text) == nil {
		out.Scopes = strings.Fields(text)
	} else if json.Unmarshal(c.Scope, &out.Scopes) != nil {
		out.Scopes = nil
	}
	out.Scopes = validScopes(out.Scopes)
	return out
}

// personID chooses the id that both of Xero's tokens carry.
func personID(xeroUserID, sub string) string {
	for _, id := range []string{xeroUserID, sub} {
		if len(id) <= 128 && validOpaque(id) {
			return id
		}
	}
	return ""
}

// ClaimsOf is ParseClaims for those who have no business with the token's text.
func ClaimsOf(token secret.Text) Claims { return ParseClaims(token.Reveal()) }
