package xero

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// Connection is one organisation or practice that the user connected to the
// app (docs/xero.md section 7). Name is text from outside and may be empty.
type Connection struct {
	// ID is what Disconnect takes; TenantID is what the API's header takes.
	ID, TenantID string
	// AuthEventID names the consent that made or renewed it; may be empty.
	AuthEventID      string
	Type, Name       string
	Created, Updated time.Time
}

// Connections lists every connection of the token's user and app.
func (c *Client) Connections(ctx context.Context, accessToken secret.Text) ([]Connection, error) {
	const step = "listing the tenants"
	s, err := c.bearer(ctx, http.MethodGet, c.Endpoints.Connections, accessToken)
	if err != nil {
		return nil, c.failure(step, s, err)
	}
	if s.status != http.StatusOK {
		return nil, c.apiError(step, s)
	}
	list, err := parseConnections(s.body)
	if err != nil {
		return nil, c.failure(step, s, err)
	}
	return list, nil
}

// ErrNoConnection says that Xero knows no connection of that id.
var ErrNoConnection = errors.New("Xero knows no such connection")

// Disconnect removes one connection by its id, never by its tenant id.
func (c *Client) Disconnect(ctx context.Context, accessToken secret.Text, connectionID string) error {
	const step = "disconnecting the tenant"
	s, err := c.bearer(ctx, http.MethodDelete, c.Endpoints.Connections+"/"+url.PathEscape(connectionID), accessToken)
	switch {
	case err != nil:
		return c.failure(step, s, err)
	case s.status == http.StatusNotFound:
		return ErrNoConnection
	case s.status/100 != 2:
		return c.apiError(step, s)
	}
	return nil
}

// Revoke ends the session at Xero (RFC 7009) and with it every connection of
// this user to this app (docs/xero.md section 1).
func (c *Client) Revoke(ctx context.Context, app App, refreshToken secret.Text) error {
	const step = "revoking the session"
	form := url.Values{"token": {refreshToken.Reveal()}, "token_type_hint": {"refresh_token"}}
	if app.Secret.IsZero() {
		form.Set("client_id", app.ID)
	}
	ctx, s := withSeen(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Endpoints.Revocation, strings.NewReader(form.Encode()))
	if err != nil {
		return c.failure(step, s, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if !app.Secret.IsZero() {
		// RFC 6749 section 2.3.1 wants both form-encoded before Basic.
		req.SetBasicAuth(url.QueryEscape(app.ID), url.QueryEscape(app.Secret.Reveal()))
	}
	if err := c.send(req); err != nil {
		return c.failure(step, s, err)
	}
	if s.status/100 != 2 {
		e := c.failure(step, s, nil)
		var reply struct {
			Error string `json:"error"`
		}
		definite := s.status < 500 && s.status != http.StatusTooManyRequests
		if definite && json.Unmarshal(s.body, &reply) == nil && reply.Error != "" {
			e.Code, e.Kind = quote(reply.Error, 64), Refused
		}
		return e
	}
	return nil
}

func (c *Client) bearer(ctx context.Context, method, address string, token secret.Text) (*seen, error) {
	ctx, s := withSeen(ctx)
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return s, err
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	req.Header.Set("Accept", "application/json")
	return s, c.send(req)
}

func (c *Client) send(req *http.Request) error {
	resp, err := c.http.Do(req)
	if err == nil {
		return resp.Body.Close()
	}
	var network *url.Error
	if errors.As(err, &network) {
		return withoutURL(network)
	}
	return err
}

// apiError reads the envelope that api.xero.com wraps errors in; its keys come
// in both cases, which encoding/json does not mind (docs/xero.md section 5).
func (c *Client) apiError(step string, s *seen) *Error {
	e := c.failure(step, s, nil)
	var envelope struct{ Title, Detail string }
	if json.Unmarshal(s.body, &envelope) == nil && envelope.Detail != "" {
		e.Code = quote(envelope.Detail, 200)
	}
	if s.status == http.StatusUnauthorized || s.status == http.StatusForbidden && e.Code != "" {
		e.Kind = Refused
	}
	return e
}

func parseConnections(body []byte) ([]Connection, error) {
	var raw []struct {
		ID          string `json:"id"`
		AuthEventID string `json:"authEventId"`
		TenantID    string `json:"tenantId"`
		TenantType  string `json:"tenantType"`
		TenantName  string `json:"tenantName"`
		Created     string `json:"createdDateUtc"`
		Updated     string `json:"updatedDateUtc"`
	}
	if err := json.Unmarshal(body, &raw); err != nil || raw == nil {
		return nil, errors.New("the list of connections is not what Xero's API description says")
	}
	list := make([]Connection, 0, len(raw))
	for i, r := range raw {
		if !ValidUUID(r.ID) || !ValidUUID(r.TenantID) || r.AuthEventID != "" && !ValidUUID(r.AuthEventID) {
			return nil, fmt.Errorf("connection %d has an id that is not a UUID", i+1)
		}
		list = append(list, Connection{
			ID: r.ID, TenantID: r.TenantID, AuthEventID: r.AuthEventID, Type: r.TenantType, Name: r.TenantName,
			Created: parseTime(r.Created), Updated: parseTime(r.Updated),
		})
	}
	return list, nil
}

// parseTime reads "2019-12-07T18:46:19.5165400", UTC without a zone, and the
// same with one (docs/xero.md section 7). What it cannot read is the zero time:
// no decision hangs on it.
func parseTime(s string) time.Time {
	for _, layout := range []string{"2006-01-02T15:04:05.9999999", time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Path
}
