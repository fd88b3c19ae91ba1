package xero

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// AuthenticationUnsuccessful is the detail of the 403 that api.xero.com gives
// for a wrong or missing tenant and for lost rights alike (docs/xero.md
// section 5).
const AuthenticationUnsuccessful = "AuthenticationUnsuccessful"

// Answer is what Xero's API said to one call.
type Answer struct {
	Status int
	// Detail is the envelope's reason: text from outside, empty on success.
	Detail string
	// NoScope says that the token lacks the call's scope.
	NoScope bool
	// RetryAfter is what a 429 or 503 asked for.
	RetryAfter  time.Duration
	Correlation string
}

// Call sends one GET to a path of Xero's API, with a tenant's header unless
// tenantID is empty. Every answer is one, refusals too; the error is for none.
// What the API sends on success is not looked at.
func (c *Client) Call(ctx context.Context, path string, accessToken secret.Text, tenantID string) (Answer, error) {
	const step = "calling Xero's API"
	ctx, s := withSeen(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Endpoints.API+path, nil)
	if err != nil {
		return Answer{}, c.failure(step, s, err)
	}
	req.Header.Set("Authorization", "Bearer "+accessToken.Reveal())
	req.Header.Set("Accept", "application/json")
	if tenantID != "" {
		req.Header.Set("Xero-Tenant-Id", tenantID)
	}
	if err := c.send(req); err != nil {
		return Answer{}, c.failure(step, s, err)
	}
	e := c.failure(step, s, nil)
	a := Answer{Status: s.status, RetryAfter: e.RetryAfter, Correlation: e.Correlation}
	var envelope struct{ Detail string }
	if s.status/100 != 2 && json.Unmarshal(s.body, &envelope) == nil {
		a.Detail = quote(envelope.Detail, 200)
	}
	// One package reports the second spelling (docs/xero.md section 5).
	challenge := strings.ToLower(strings.Join(s.header.Values("WWW-Authenticate"), " "))
	spelt := strings.Contains(challenge, "insufficient_scope") || strings.Contains(challenge, "insufficent_scope") //nolint:misspell // Xero's
	a.NoScope = spelt && s.status == http.StatusUnauthorized
	return a, nil
}
