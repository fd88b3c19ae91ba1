package xero

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Identity is who an id token named. Name and Email are text from outside.
type Identity struct{ UserID, Name, Email string }

// keysLimit bounds the fetch of Xero's keys: a person is waiting at a browser.
const keysLimit = 15 * time.Second

// clockTolerance is how far an id token's times may be off the server's own
// clock before it is worth a word.
const clockTolerance = 5 * time.Minute

// VerifyIDToken checks set's id token for app. Signature, issuer, audience and
// nonce are hard: a failure is an *Error of kind Refused. Its times, judged by
// the server's Date, and keys that cannot be fetched only warn: machines with
// a wrong clock log in every day (OpenID Connect Core section 3.1.3.7).
func (c *Client) VerifyIDToken(ctx context.Context, app App, set TokenSet, nonce string) (Identity, []string, error) {
	ctx, cancel := context.WithTimeout(ctx, keysLimit)
	defer cancel()
	keys := &keySet{client: c}
	verifier := oidc.NewVerifier(c.Endpoints.Issuer, keys, &oidc.Config{
		ClientID: app.ID, SkipExpiryCheck: true, SupportedSigningAlgs: []string{oidc.RS256},
	})
	token, err := verifier.Verify(ctx, set.IDToken.Reveal())
	if err != nil {
		return Identity{}, nil, idTokenError(err)
	}
	if token.Nonce != nonce {
		return Identity{}, nil, idTokenError(errors.New("its nonce is not this login's"))
	}
	var claims struct {
		XeroUserID string `json:"xero_userid"`
		Sub        string `json:"sub"`
		Name       string `json:"name"`
		Email      string `json:"email"`
	}
	if err := token.Claims(&claims); err != nil {
		return Identity{}, nil, idTokenError(errors.New("its claims are not what OpenID Connect says"))
	}
	var warnings []string
	if keys.unreachable != nil {
		warnings = append(warnings, fmt.Sprintf("Xero's signing keys could not be fetched (%v), so the id token's signature is unchecked", keys.unreachable))
	}
	if !set.Date.IsZero() && (token.Expiry.Before(set.Date.Add(-clockTolerance)) || token.IssuedAt.After(set.Date.Add(clockTolerance))) {
		warnings = append(warnings, "the id token's times do not fit the server's clock")
	}
	return Identity{UserID: personID(claims.XeroUserID, claims.Sub), Name: shorten(claims.Name, 300), Email: shorten(claims.Email, 300)}, warnings, nil
}

func idTokenError(err error) *Error {
	return &Error{Step: "checking the id token", Kind: Refused, Err: err}
}

// keySet is oidc's remote key set, except that keys which cannot be had are
// noted instead of failing the login.
type keySet struct {
	client      *Client
	unreachable error
}

func (k *keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	ctx, seen := withSeen(ctx)
	// go-oidc fetches on although ctx has ended: the limit must be the client's.
	limited := *k.client.http
	limited.Timeout = keysLimit
	remote := oidc.NewRemoteKeySet(oidc.ClientContext(ctx, &limited), k.client.Endpoints.JWKS)
	payload, err := remote.VerifySignature(ctx, jwt)
	switch {
	case err == nil:
		return payload, nil
	case ctx.Err() != nil:
		// The fetch may still be writing to seen.
		k.unreachable = errors.New("no answer")
	case seen.status == http.StatusOK && isKeySet(seen.body):
		return nil, errors.New("its signature is not Xero's")
	case seen.status != 0:
		k.unreachable = fmt.Errorf("status %d", seen.status)
	default:
		k.unreachable = errors.New("no answer")
	}
	return unverifiedPayload(jwt)
}

// isKeySet reports whether body is a key set at all: an edge's HTML page under
// status 200 is an unreachable key set, not a wrong signature.
func isKeySet(body []byte) bool {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	return json.Unmarshal(body, &set) == nil && set.Keys != nil
}

func unverifiedPayload(jwt string) ([]byte, error) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return nil, errors.New("it is not a JWT")
	}
	return base64.RawURLEncoding.DecodeString(parts[1])
}
