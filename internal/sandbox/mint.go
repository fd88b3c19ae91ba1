package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

// accessClaims are the claims of a user's access token, and of a machine's with the user's left out (docs/xero.md
// section 6). It names no organisation and no e-mail address.
type accessClaims struct {
	NotBefore int64    `json:"nbf"`
	Expires   int64    `json:"exp"`
	Issuer    string   `json:"iss"`
	Audience  string   `json:"aud"`
	ClientID  string   `json:"client_id"`
	Subject   string   `json:"sub,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	UserID    string   `json:"xero_userid,omitempty"`
	SessionID string   `json:"global_session_id,omitempty"`
	ID        string   `json:"jti"`
	AuthEvent string   `json:"authentication_event_id,omitempty"`
	Scope     []string `json:"scope"`
}

// idClaims are the claims of an id token (docs/xero.md section 6). It has no authentication_event_id.
type idClaims struct {
	NotBefore  int64    `json:"nbf"`
	Expires    int64    `json:"exp"`
	Issuer     string   `json:"iss"`
	Audience   string   `json:"aud"`
	IssuedAt   int64    `json:"iat"`
	Nonce      string   `json:"nonce,omitempty"`
	TokenHash  string   `json:"at_hash"`
	StateHash  string   `json:"s_hash,omitempty"`
	Session    string   `json:"sid"`
	Subject    string   `json:"sub"`
	AuthTime   int64    `json:"auth_time"`
	UserID     string   `json:"xero_userid"`
	SessionID  string   `json:"global_session_id"`
	Username   string   `json:"preferred_username,omitempty"`
	Email      string   `json:"email,omitempty"`
	GivenName  string   `json:"given_name,omitempty"`
	FamilyName string   `json:"family_name,omitempty"`
	Name       string   `json:"name,omitempty"`
	Methods    []string `json:"amr"`
}

// tokenReply is the JSON of a token answer; scope is one string on the wire (docs/xero.md section 5).
type tokenReply struct {
	IDToken      string `json:"id_token,omitempty"`
	AccessToken  string `json:"access_token"`
	ExpiresIn    int64  `json:"expires_in"`
	TokenType    string `json:"token_type"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
}

// userTokens answers with what one chain gives. from is the code that was exchanged, or nil for a refresh: nonce and
// state belong to the login and are not repeated.
func (s *Sandbox) userTokens(c *call, ch *chain, from *code) reply {
	access, err := s.mintAccess(c, ch.client, ch, ch.scopes)
	if err != nil {
		return textReply(http.StatusInternalServerError, err.Error())
	}
	out := tokenReply{AccessToken: access, ExpiresIn: int64(s.cfg.AccessLifetime.Seconds()), TokenType: "Bearer", Scope: strings.Join(ch.scopes, " ")}
	if slices.Contains(ch.scopes, "openid") {
		if out.IDToken, err = s.mintID(c, ch, from, access); err != nil {
			return textReply(http.StatusInternalServerError, err.Error())
		}
	}
	// offline_access is the only way to a refresh token (docs/xero.md section 8).
	if slices.Contains(ch.scopes, "offline_access") && !c.withoutRotate {
		out.RefreshToken = handle()
		s.refresh.put(out.RefreshToken, &refreshToken{chain: ch, issued: c.now})
		s.keepSecret(out.RefreshToken)
	}
	return jsonReply(http.StatusOK, out)
}

// machineTokens answers client credentials: neither id token nor refresh token (docs/xero.md section 5).
func (s *Sandbox) machineTokens(c *call, cl *client, scopes []string) reply {
	access, err := s.mintAccess(c, cl, nil, scopes)
	if err != nil {
		return textReply(http.StatusInternalServerError, err.Error())
	}
	return jsonReply(http.StatusOK, tokenReply{
		AccessToken: access, ExpiresIn: int64(s.cfg.AccessLifetime.Seconds()), TokenType: "Bearer", Scope: strings.Join(scopes, " "),
	})
}

func (s *Sandbox) mintAccess(c *call, cl *client, ch *chain, scopes []string) (string, error) {
	expires := c.now.Add(s.cfg.AccessLifetime)
	claims := accessClaims{
		NotBefore: c.now.Unix(), Expires: expires.Unix(), Issuer: c.authority, Audience: c.authority + "/resources",
		ClientID: cl.ID, ID: strings.ToUpper(hex32()), Scope: scopes,
	}
	if ch != nil {
		claims.Subject, claims.UserID, claims.AuthTime = s.subject(), s.cfg.User.ID, ch.authTime.Unix()
		claims.SessionID, claims.AuthEvent = ch.sessionID, ch.authEventID
	}
	token, err := s.signer.sign(claims)
	if err != nil {
		return "", err
	}
	s.access.put(token, &accessToken{client: cl, chain: ch, scopes: scopes, expires: expires})
	s.keepSecret(token)
	return token, nil
}

func (s *Sandbox) mintID(c *call, ch *chain, from *code, access string) (string, error) {
	user := s.cfg.User
	claims := idClaims{
		NotBefore: c.now.Unix(), Expires: c.now.Add(s.cfg.IDLifetime).Unix(), IssuedAt: c.now.Unix(),
		Issuer: c.authority, Audience: ch.client.ID, TokenHash: halfHash(access),
		Session: ch.sessionID, SessionID: ch.sessionID, Subject: s.subject(), UserID: user.ID,
		AuthTime: ch.authTime.Unix(), Methods: []string{"pwd"},
	}
	if from != nil {
		claims.Nonce = from.nonce
		if from.state != "" {
			claims.StateHash = halfHash(from.state)
		}
	}
	if slices.Contains(ch.scopes, "profile") {
		claims.Username, claims.Name = user.Email, strings.TrimSpace(user.GivenName+" "+user.FamilyName)
		claims.GivenName, claims.FamilyName = user.GivenName, user.FamilyName
	}
	if slices.Contains(ch.scopes, "email") {
		claims.Email = user.Email
	}
	token, err := s.signer.sign(claims)
	if err != nil {
		return "", err
	}
	s.keepSecret(token)
	return token, nil
}

// subject is the user's id in the form that "sub" has: 32 hex digits, not the xero_userid.
func (s *Sandbox) subject() string {
	return strings.ReplaceAll(uuidOf("subject of "+s.cfg.User.ID), "-", "")
}
