package sandbox

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// What the error page says about an authorize request (docs/xero.md section 3); the last ones are IdentityServer's
// wording, because nobody published Xero's.
const (
	pageUnknownClient = "unauthorised_client: Unknown client or client not enabled"
	pageRedirectURI   = "unauthorized_client : Invalid redirect_uri"
	pageGrantType     = "unauthorized_client : Invalid grant type for client"
	pageResponseType  = "unsupported_response_type : Response type not supported"
	pageMissingScope  = "invalid_request : Missing scope"
	pageNoChallenge   = "invalid_request : code challenge required"
	pageChallenge     = "invalid_request : Invalid code_challenge"
	pageTransform     = "invalid_request : Transform algorithm not supported"
	pageMalformed     = "invalid_request : Malformed request"
)

// authorization is an authorize request that passed every check and waits for the user.
type authorization struct {
	client                               *client
	redirectURI, state, nonce, challenge string
	scopes                               []string
}

func (s *Sandbox) serveAuthorize(c *call) reply {
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return errorPage(pageMalformed)
	}
	a, problem := s.checkAuthorize(c, query)
	if problem != "" {
		// Never a redirect: the user is left on this page and the client's listener hears nothing.
		return errorPage(problem)
	}
	if s.cfg.AutoConsent {
		return s.consented(c, a, s.chosenBeforehand(a))
	}
	id := handle()
	s.pending.put(id, a)
	return s.consentPage(id, a, "")
}

func (s *Sandbox) checkAuthorize(c *call, query url.Values) (*authorization, string) {
	for _, values := range query {
		if len(values) > 1 { // RFC 6749 section 3.1
			return nil, pageMalformed
		}
	}
	cl := s.clients[query.Get("client_id")]
	if cl == nil {
		return nil, pageUnknownClient
	}
	c.clientID = cl.ID
	switch {
	case cl.Kind == CustomConnection:
		return nil, pageGrantType
	case !slices.Contains(cl.RedirectURIs, query.Get("redirect_uri")):
		return nil, pageRedirectURI
	case query.Get("response_type") != "code":
		return nil, pageResponseType
	}
	if problem := challengeProblem(cl, query); problem != "" {
		return nil, problem
	}
	scopes := splitScopes(query.Get("scope"))
	if len(scopes) == 0 {
		return nil, pageMissingScope
	}
	for _, scope := range scopes {
		if problem := userScopeProblem(cl, scope); problem != "" {
			return nil, problem
		}
	}
	return &authorization{
		client: cl, redirectURI: query.Get("redirect_uri"), state: query.Get("state"), nonce: query.Get("nonce"),
		challenge: query.Get("code_challenge"), scopes: scopes,
	}, ""
}

// challengeProblem: a public app must use PKCE, a web app may, and S256 is the only method (docs/xero.md section 4).
func challengeProblem(cl *client, query url.Values) string {
	challenge, method := query.Get("code_challenge"), query.Get("code_challenge_method")
	switch {
	case challenge == "" && method == "" && cl.Kind == Web:
		return ""
	case challenge == "":
		return pageNoChallenge
	case method != "S256":
		return pageTransform
	}
	// Exactly what a SHA-256 becomes. A padded or truncated one could never be verified later.
	if sum, err := base64.RawURLEncoding.Strict().DecodeString(challenge); err != nil || len(sum) != 32 {
		return pageChallenge
	}
	return ""
}

// serveConsent takes the form of the consent page. The random request id is what makes the form ours: no other page can
// know it.
func (s *Sandbox) serveConsent(c *call) reply {
	id := c.form.Get("request")
	a := s.pending.items[id]
	if a == nil {
		return errorPage("invalid_request : This consent page was answered before, or is too old")
	}
	c.clientID = a.client.ID
	switch c.form.Get("action") {
	case "cancel":
		delete(s.pending.items, id)
		return redirect(a, url.Values{"error": {"access_denied"}}) // docs/xero.md section 9
	case "allow":
	default:
		return s.consentPage(id, a, "Choose Allow access or Cancel.")
	}
	var chosen []string
	if needsOrganisation(a.scopes) {
		chosen = c.form["organisation"]
		if len(chosen) == 0 && len(s.orgs) > 0 {
			return s.consentPage(id, a, "Choose at least one organisation.")
		}
		for _, tenantID := range chosen {
			if s.organisation(tenantID) == nil {
				return s.consentPage(id, a, "That organisation is no longer here. Choose again.")
			}
		}
	}
	delete(s.pending.items, id)
	return s.consented(c, a, chosen)
}

// chosenBeforehand is what consent without a person connects, as far as it exists.
func (s *Sandbox) chosenBeforehand(a *authorization) []string {
	if !needsOrganisation(a.scopes) || len(s.orgs) == 0 {
		return nil
	}
	var chosen []string
	for _, tenantID := range s.consentOrgs {
		if s.organisation(tenantID) != nil {
			chosen = append(chosen, tenantID)
		}
	}
	if len(chosen) == 0 {
		chosen = []string{s.orgs[0].TenantID}
	}
	return chosen
}

// consented records the consent and sends the browser back with a code. Consent adds to what was granted before, and
// its event id marks the connections that were made or renewed in it (docs/xero.md sections 7 and 8).
func (s *Sandbox) consented(c *call, a *authorization, tenantIDs []string) reply {
	cl := a.client
	cl.granted = union(a.scopes, cl.granted)
	event := uuid()
	for _, tenantID := range tenantIDs {
		s.connect(cl, tenantID, event, c.now)
	}
	ch := &chain{
		client: cl, generation: cl.generation, scopes: slices.Clone(cl.granted), authEventID: event,
		sessionID: hex32(), authTime: c.now,
	}
	text := handle()
	s.codes.put(text, &code{
		chain: ch, redirectURI: a.redirectURI, challenge: a.challenge, nonce: a.nonce, state: a.state,
		expires: c.now.Add(s.cfg.CodeLifetime),
	})
	s.keepSecret(text)
	// The four parameters of a real callback, and no "iss" (docs/xero.md section 1).
	return redirect(a, url.Values{
		"code": {text}, "scope": {strings.Join(ch.scopes, " ")}, "session_state": {handle() + "." + hex32()},
	})
}

func (s *Sandbox) connect(cl *client, tenantID, event string, now time.Time) {
	for _, old := range cl.connections {
		if old.tenantID == tenantID {
			old.authEventID, old.updated = event, now
			return
		}
	}
	cl.connections = append(cl.connections, &connection{
		id: uuid(), tenantID: tenantID, authEventID: event, created: now, updated: now,
	})
}

// redirect sends the browser back, with the state as it came. The registered URI is extended as text, because parsing
// it might change it.
func redirect(a *authorization, values url.Values) reply {
	if a.state != "" {
		values.Set("state", a.state)
	}
	separator := "?"
	if strings.Contains(a.redirectURI, "?") {
		separator = "&"
	}
	out := newReply(http.StatusFound, "", nil)
	out.header.Set("Location", a.redirectURI+separator+values.Encode())
	out.header.Set("Referrer-Policy", "no-referrer")
	return out
}

func (s *Sandbox) organisation(tenantID string) *Organisation {
	for i := range s.orgs {
		if s.orgs[i].TenantID == tenantID {
			return &s.orgs[i]
		}
	}
	return nil
}
