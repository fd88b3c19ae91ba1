package sandbox

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The token endpoint's errors; the status is always 400 (docs/xero.md section 5).
const (
	errInvalidRequest = "invalid_request"
	errInvalidClient  = "invalid_client"
	errInvalidGrant   = "invalid_grant"
	errInvalidScope   = "invalid_scope"
	errUnknownGrant   = "unsupported_grant_type"
)

// consumed is what three observers read when a refresh token was used again too late (docs/xero.md section 2).
const consumed = "Refresh token has been consumed"

func oauthError(code, description string) reply {
	return jsonReply(http.StatusBadRequest, struct {
		Error       string `json:"error"`
		Description string `json:"error_description,omitempty"`
	}{code, description})
}

func (s *Sandbox) serveToken(c *call) reply {
	cl, problem := s.authenticate(c)
	if problem != "" {
		return oauthError(problem, "")
	}
	// An app that asks for a grant of another kind of app is told invalid_client (docs/xero.md section 5).
	switch c.grantType {
	case "authorization_code":
		if cl.Kind == CustomConnection {
			return oauthError(errInvalidClient, "")
		}
		return s.exchangeCode(c, cl)
	case "refresh_token":
		if cl.Kind == CustomConnection {
			return oauthError(errInvalidClient, "")
		}
		return s.rotate(c, cl)
	case "client_credentials":
		if cl.Kind == Public {
			return oauthError(errInvalidClient, "")
		}
		return s.clientCredentials(c, cl)
	}
	return oauthError(errUnknownGrant, "")
}

// exchangeCode takes a code, which is spent by the first try of the client it was made for, successful or not.
func (s *Sandbox) exchangeCode(c *call, cl *client) reply {
	text := c.form.Get("code")
	held, known := s.codes.items[text]
	if !known || held.chain.client != cl {
		return oauthError(errInvalidGrant, "")
	}
	delete(s.codes.items, text)
	switch {
	case c.now.After(held.expires), !held.chain.alive():
		return oauthError(errInvalidGrant, "")
	case c.form.Get("redirect_uri") != held.redirectURI: // docs/xero.md section 3
		return oauthError(errInvalidGrant, "")
	case held.challenge != "" && !verifies(c.form.Get("code_verifier"), held.challenge):
		return oauthError(errInvalidGrant, "")
	}
	return s.userTokens(c, held.chain, held)
}

// verifies reports whether the verifier is well-formed (RFC 7636 section 4.1) and hashes to the challenge.
func verifies(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 || strings.ContainsFunc(verifier, notUnreserved) {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:]) == challenge
}

func notUnreserved(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~", r))
}

// rotate replaces a refresh token. The one just used may be used again for the grace, counted from its first use, so
// that a lost answer costs nothing (docs/xero.md section 2).
func (s *Sandbox) rotate(c *call, cl *client) reply {
	text := c.form.Get("refresh_token")
	if text == "" {
		return oauthError(errInvalidRequest, "")
	}
	held, known := s.refresh.items[text]
	if !known || held.chain.client != cl || !held.chain.alive() {
		return oauthError(errInvalidGrant, "")
	}
	switch {
	case held.firstUsed.IsZero() && c.now.After(held.issued.Add(s.cfg.RefreshLifetime)):
		return oauthError(errInvalidGrant, "")
	case held.firstUsed.IsZero():
		if !c.withoutRotate {
			held.firstUsed = c.now
		}
	case s.cfg.Strict:
		held.chain.dead = true
		return oauthError(errInvalidGrant, consumed)
	case c.now.After(held.firstUsed.Add(s.cfg.Grace)):
		return oauthError(errInvalidGrant, consumed)
	}
	return s.userTokens(c, held.chain, nil)
}

func (s *Sandbox) clientCredentials(c *call, cl *client) reply {
	may := machineScopes(cl)
	scopes := splitScopes(c.form.Get("scope"))
	if len(scopes) == 0 {
		return s.machineTokens(c, cl, may)
	}
	for _, scope := range scopes {
		if !slices.Contains(may, scope) {
			return oauthError(errInvalidScope, "")
		}
	}
	return s.machineTokens(c, cl, scopes)
}

// serveRevocation takes a refresh token. Revoking one cuts everything between this user and this app: all connections,
// all chains, and what was granted. Access tokens live on until they expire (docs/xero.md section 1).
func (s *Sandbox) serveRevocation(c *call) reply {
	cl, problem := s.authenticate(c)
	if problem != "" {
		return oauthError(problem, "")
	}
	text := c.form.Get("token")
	if text == "" {
		return oauthError(errInvalidRequest, "")
	}
	// An unknown token is revoked already (RFC 7009 section 2.2).
	if held := s.refresh.items[text]; held != nil && held.chain.client == cl && held.chain.alive() {
		cl.generation++
		cl.connections, cl.granted = nil, nil
	}
	return newReply(http.StatusOK, "", nil)
}

// authenticate finds the client of a form request, or says which error it gets. A web app and a custom connection prove
// themselves by Basic or in the body; a public app sends its client_id in the body, no Authorization header and no
// secret (docs/xero.md section 4).
func (s *Sandbox) authenticate(c *call) (*client, string) {
	if c.form == nil || c.badForm {
		return nil, errInvalidRequest
	}
	for _, values := range c.form {
		if len(values) > 1 { // RFC 6749 section 3.2
			return nil, errInvalidRequest
		}
	}
	id, secret, inBody := c.form.Get("client_id"), c.form.Get("client_secret"), c.form.Has("client_secret")
	s.keepSeen(secret)
	s.keepSeen(c.form.Get("code_verifier"))
	header := c.r.Header.Get("Authorization")
	if header != "" {
		user, password, ok := basicAuth(c.r)
		s.keepSeen(password)
		switch {
		case inBody: // two ways at once (RFC 6749 section 5.2)
			return nil, errInvalidRequest
		case !ok || (id != "" && id != user):
			return nil, errInvalidClient
		}
		id, secret = user, password
	}
	cl := s.clients[id]
	if cl == nil {
		return nil, errInvalidClient
	}
	c.clientID = cl.ID
	if cl.Kind == Public {
		if header != "" || inBody {
			return nil, errInvalidClient
		}
		return cl, ""
	}
	if subtle.ConstantTimeCompare([]byte(secret), []byte(cl.Secret)) != 1 {
		return nil, errInvalidClient
	}
	return cl, ""
}

// basicAuth undoes the form encoding that RFC 6749 section 2.3.1 asks of both parts.
func basicAuth(r *http.Request) (user, password string, ok bool) {
	rawUser, rawPassword, ok := r.BasicAuth()
	if !ok {
		return "", "", false
	}
	user, errUser := url.QueryUnescape(rawUser)
	password, errPassword := url.QueryUnescape(rawPassword)
	return user, password, errUser == nil && errPassword == nil
}
