package sandbox

import (
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// zoneless is how /connections writes times: UTC, seven decimals, no zone (docs/xero.md section 7).
const zoneless = "2006-01-02T15:04:05.0000000"

type connectionJSON struct {
	ID         string `json:"id"`
	AuthEvent  string `json:"authEventId"`
	TenantID   string `json:"tenantId"`
	TenantType string `json:"tenantType"`
	TenantName string `json:"tenantName,omitempty"`
	Created    string `json:"createdDateUtc"`
	Updated    string `json:"updatedDateUtc"`
}

// serveConnections lists every organisation that the user ever connected to the app, not only the last; a token without
// any gets an empty array (docs/xero.md section 7).
func (s *Sandbox) serveConnections(c *call) reply {
	token, refusal := s.bearer(c)
	if token == nil {
		return refusal
	}
	if refusal, ok := mayListConnections(token); !ok {
		return refusal
	}
	event := c.r.URL.Query().Get("authEventId")
	list := []connectionJSON{}
	for _, conn := range s.connectionsOf(token) {
		org := s.organisation(conn.tenantID)
		if org == nil || (event != "" && !strings.EqualFold(event, conn.authEventID)) {
			continue
		}
		tenantType := org.Type
		orDefault(&tenantType, "ORGANISATION")
		list = append(list, connectionJSON{
			ID: conn.id, AuthEvent: conn.authEventID, TenantID: org.TenantID, TenantType: tenantType, TenantName: org.Name,
			Created: conn.created.UTC().Format(zoneless), Updated: conn.updated.UTC().Format(zoneless),
		})
	}
	return jsonReply(http.StatusOK, list)
}

// serveDisconnect removes one connection by its own id. A tenant id or event id in its place is what people get wrong,
// and is answered as observed (docs/xero.md section 1).
func (s *Sandbox) serveDisconnect(c *call) reply {
	token, refusal := s.bearer(c)
	if token == nil {
		return refusal
	}
	if refusal, ok := mayListConnections(token); !ok {
		return refusal
	}
	id := path.Base(c.r.URL.Path)
	if token.client.Kind == CustomConnection {
		return forbidden() // its one connection is ended in Xero, by a person
	}
	for i, conn := range token.client.connections {
		switch {
		case strings.EqualFold(id, conn.id):
			token.client.connections = slices.Delete(token.client.connections, i, i+1)
			return newReply(http.StatusNoContent, "", nil)
		case strings.EqualFold(id, conn.tenantID), strings.EqualFold(id, conn.authEventID):
			return forbidden()
		}
	}
	return problem(http.StatusNotFound, "Not Found", "NotFound")
}

// mayListConnections: a user's token needs no scope for it, a web app's own needs app.connections (docs/xero.md
// sections 4 and 7).
func mayListConnections(token *accessToken) (reply, bool) {
	if token.client.Kind == Web && token.chain == nil && !slices.Contains(token.scopes, "app.connections") {
		return insufficientScope(), false
	}
	return reply{}, true
}

// connectionsOf gives what a token can see. A custom connection has its one organisation, connected since the start.
func (s *Sandbox) connectionsOf(token *accessToken) []*connection {
	cl := token.client
	if cl.Kind != CustomConnection {
		return cl.connections
	}
	return []*connection{{
		id: uuidOf("connection of " + cl.ID), tenantID: cl.Organisation, authEventID: uuidOf("event of " + cl.ID),
		created: s.started, updated: s.started,
	}}
}

// bearer finds the caller's access token, or the 401 to answer (docs/xero.md section 5).
func (s *Sandbox) bearer(c *call) (*accessToken, reply) {
	scheme, text, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	token := s.access.items[text]
	if !strings.EqualFold(scheme, "Bearer") || token == nil {
		return nil, unauthorized("invalid_token", "AuthenticationUnsuccessful")
	}
	c.clientID = token.client.ID
	if !c.now.Before(token.expires) {
		return nil, unauthorized("invalid_token", "TokenExpired: token expired at "+token.expires.UTC().Format("01/02/2006 15:04:05"))
	}
	return token, reply{}
}

// problem is the envelope of api.xero.com's refusals (docs/xero.md section 5).
func problem(status int, title, detail string) reply {
	return jsonReply(status, struct {
		Type       *string
		Title      string
		Status     int
		Detail     string
		Instance   string
		Extensions struct{}
	}{Title: title, Status: status, Detail: detail, Instance: uuid()})
}

func unauthorized(code, detail string) reply {
	out := problem(http.StatusUnauthorized, "Unauthorized", detail)
	out.header.Set("WWW-Authenticate", `Bearer error="`+code+`"`)
	return out
}

func insufficientScope() reply {
	return unauthorized("insufficient_scope", "AuthorizationUnsuccessful")
}

func forbidden() reply {
	return problem(http.StatusForbidden, "Forbidden", "AuthenticationUnsuccessful")
}

// KillAccessTokens expires every access token at once: the API answers 401 TokenExpired.
func (s *Sandbox) KillAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for _, token := range s.access.items {
		if now.Before(token.expires) {
			token.expires = now
		}
	}
}

// RevokeChains kills every refresh token of a client, and leaves its connections.
func (s *Sandbox) RevokeChains(clientID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cl := s.clients[clientID]; cl != nil {
		cl.generation++
	}
}

// SetOrganisations replaces what the user has. Connections to an organisation that is gone end, as when Xero resets a
// demo company.
func (s *Sandbox) SetOrganisations(organisations []Organisation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setOrganisations(organisations)
}

func (s *Sandbox) setOrganisations(organisations []Organisation) {
	s.orgs = slices.Clone(organisations)
	for _, cl := range s.clients {
		cl.connections = slices.DeleteFunc(cl.connections, func(c *connection) bool { return s.organisation(c.tenantID) == nil })
	}
}

// SetConsentOrganisations replaces Config.ConsentOrganisations.
func (s *Sandbox) SetConsentOrganisations(tenantIDs []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.consentOrgs = slices.Clone(tenantIDs)
}

// SetAutoConsent replaces Config.AutoConsent.
func (s *Sandbox) SetAutoConsent(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.AutoConsent = on
}

// Advance shifts the sandbox's clock.
func (s *Sandbox) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
}
