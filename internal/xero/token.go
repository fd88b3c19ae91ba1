package xero

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// App names the registered app that a request is made for.
type App struct {
	ID string
	// Secret is empty for a public app, which then sends its id in the body.
	Secret secret.Text
	// Scopes are those to ask for with client credentials; none leaves the
	// choice to Xero. A person's consent has its own, in AuthRequest.
	Scopes []string
}

// style is set and never guessed: x/oauth2's guess repeats a failed request in
// the other style, so that a one-use code or refresh token goes out twice
// (docs/xero.md section 4).
func (a App) style() oauth2.AuthStyle {
	if a.Secret.IsZero() {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// TokenSet is a token reply, checked.
type TokenSet struct {
	AccessToken secret.Text
	// RefreshToken is empty when the reply had none.
	RefreshToken secret.Text
	// IDToken is empty without the scope openid, and sometimes with it
	// (docs/xero.md section 5).
	IDToken secret.Text
	// ObtainedAt is the moment before the request was sent, by this machine's
	// clock, and Expiry is counted from it.
	ObtainedAt, Expiry time.Time
	// Scopes are those granted; nil when neither reply nor token names them.
	Scopes []string
	// Date is the server's clock, zero when it did not say.
	Date time.Time
}

// AuthRequest is what one authorization request holds.
type AuthRequest struct {
	RedirectURI string
	Scopes      []string
	State       string
	// Nonce is left out when empty.
	Nonce string
	// Verifier is the PKCE code verifier (RFC 7636); its S256 challenge is sent.
	Verifier secret.Text
}

// AuthorizeURL returns the address of the consent page. It holds the state and
// the challenge, neither verifier nor secret.
func (c *Client) AuthorizeURL(app App, r AuthRequest) string {
	opts := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(r.Verifier.Reveal())}
	if r.Nonce != "" {
		opts = append(opts, oauth2.SetAuthURLParam("nonce", r.Nonce))
	}
	return c.config(app, r.RedirectURI, r.Scopes).AuthCodeURL(r.State, opts...)
}

// ExchangeCode trades an authorization code for tokens (RFC 6749 section
// 4.1.3 with RFC 7636). The request is sent once.
func (c *Client) ExchangeCode(ctx context.Context, app App, r AuthRequest, code secret.Text) (TokenSet, error) {
	return c.fetch(ctx, "exchanging the code", []secret.Text{code, r.Verifier, app.Secret}, func(ctx context.Context) (*oauth2.Token, error) {
		return c.config(app, r.RedirectURI, nil).Exchange(ctx, code.Reveal(), oauth2.VerifierOption(r.Verifier.Reveal()))
	})
}

// Refresh trades a refresh token for new tokens (RFC 6749 section 6). The
// request is sent once. A reply without a new refresh token leaves
// TokenSet.RefreshToken empty.
func (c *Client) Refresh(ctx context.Context, app App, refreshToken secret.Text) (TokenSet, error) {
	return c.fetch(ctx, "refreshing the session", []secret.Text{refreshToken, app.Secret}, func(ctx context.Context) (*oauth2.Token, error) {
		old := &oauth2.Token{RefreshToken: refreshToken.Reveal()}
		return c.config(app, "", nil).TokenSource(ctx, old).Token()
	})
}

// ClientCredentials asks for a token of a custom connection (RFC 6749 section
// 4.4). Without app.Scopes no scope is sent: Xero grants what was ticked in its
// portal, and refuses a request for more (docs/xero.md section 4).
func (c *Client) ClientCredentials(ctx context.Context, app App) (TokenSet, error) {
	return c.fetch(ctx, "asking for a token", []secret.Text{app.Secret}, func(ctx context.Context) (*oauth2.Token, error) {
		conf := clientcredentials.Config{
			ClientID: app.ID, ClientSecret: app.Secret.Reveal(), Scopes: app.Scopes,
			TokenURL: c.Endpoints.Token, AuthStyle: oauth2.AuthStyleInHeader,
		}
		return conf.Token(ctx)
	})
}

func (c *Client) config(app App, redirectURI string, scopes []string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: app.ID, ClientSecret: app.Secret.Reveal(), RedirectURL: redirectURI, Scopes: scopes,
		Endpoint: oauth2.Endpoint{AuthURL: c.Endpoints.Authorize, TokenURL: c.Endpoints.Token, AuthStyle: app.style()},
	}
}

// fetch makes one token request. sent are the secrets in it, which no error may
// repeat even if the server does.
func (c *Client) fetch(ctx context.Context, step string, sent []secret.Text, request func(context.Context) (*oauth2.Token, error)) (TokenSet, error) {
	ctx, seen := withSeen(context.WithValue(ctx, oauth2.HTTPClient, c.http))
	before := c.Now()
	_, err := request(ctx)
	if err != nil {
		return TokenSet{}, c.tokenError(step, seen, err, sent)
	}
	set, err := parseTokenReply(seen.body, before)
	if err != nil {
		return TokenSet{}, c.failure(step, seen, err)
	}
	set.Date = seen.date()
	return set, nil
}

// tokenError sorts what x/oauth2 returned. Its own texts can quote a reply
// body, so none of them is passed on.
func (c *Client) tokenError(step string, s *seen, err error, sent []secret.Text) *Error {
	var network *url.Error
	if errors.As(err, &network) {
		return c.failure(step, s, withoutURL(network))
	}
	e := c.failure(step, s, nil)
	if s.status/100 == 2 {
		e.Err = errors.New("the reply is not a token set")
	}
	var retrieve *oauth2.RetrieveError
	if !errors.As(err, &retrieve) || retrieve.ErrorCode == "" || s.status >= 500 || s.status == http.StatusTooManyRequests {
		return e
	}
	e.Lost, e.Err = false, nil
	e.Code, e.Description = quote(retrieve.ErrorCode, 64, sent...), quote(retrieve.ErrorDescription, 300, sent...)
	switch retrieve.ErrorCode {
	case "invalid_grant":
		e.Kind = InvalidGrant
	case "server_error", "temporarily_unavailable":
		e.Kind = Temporary
	default:
		e.Kind = Refused
	}
	return e
}

// withoutURL drops the method and address that url.Error puts in front: the
// step says which request it was.
func withoutURL(e *url.Error) error {
	if e.Timeout() {
		return timeoutError{}
	}
	return e.Err
}

// timeoutError is context.DeadlineExceeded in words for people.
type timeoutError struct{}

func (timeoutError) Error() string { return "no answer in time" }

func (timeoutError) Unwrap() error { return context.DeadlineExceeded }

// longWord is the length from which a word in a server's message may be a
// token that it repeats; Xero's own words are shorter.
const longWord = 32

// quote makes a server's message fit for an error: cut to n bytes, without the
// secrets that were sent, and without anything else that could be a token.
func quote(s string, n int, sent ...secret.Text) string {
	for _, hide := range sent {
		if !hide.IsZero() {
			s = strings.ReplaceAll(s, hide.Reveal(), hide.String())
		}
	}
	words := strings.FieldsFunc(s, func(r rune) bool { return r > 0x7e || !ValidAccessToken(string(r)) })
	for _, w := range words {
		if len(w) >= longWord {
			s = strings.ReplaceAll(s, w, "[redacted]")
		}
	}
	return shorten(s, n)
}

func shorten(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}

// tokenReply is RFC 6749 section 5.1. Scope is a string on Xero's wire and an
// array in its SDKs' papers (docs/xero.md section 5): both are read.
type tokenReply struct {
	AccessToken  string          `json:"access_token"`
	TokenType    string          `json:"token_type"`
	ExpiresIn    json.Number     `json:"expires_in"`
	RefreshToken string          `json:"refresh_token"`
	IDToken      string          `json:"id_token"`
	Scope        json.RawMessage `json:"scope"`
}

// defaultLifetime stands in for an expires_in that is missing (docs/xero.md
// section 2).
const defaultLifetime = 30 * time.Minute

func parseTokenReply(body []byte, before time.Time) (TokenSet, error) {
	var r tokenReply
	if err := json.Unmarshal(body, &r); err != nil {
		return TokenSet{}, errors.New("the reply is not JSON")
	}
	switch {
	case !ValidAccessToken(r.AccessToken):
		return TokenSet{}, errors.New("the reply's access token has characters that a token cannot have")
	case r.RefreshToken != "" && !validOpaque(r.RefreshToken):
		return TokenSet{}, errors.New("the reply's refresh token has characters that a token cannot have")
	case r.IDToken != "" && !ValidAccessToken(r.IDToken):
		return TokenSet{}, errors.New("the reply's id token has characters that a token cannot have")
	case r.TokenType != "" && !strings.EqualFold(r.TokenType, "Bearer"):
		return TokenSet{}, errors.New("the reply's token is not a bearer token")
	}
	lifetime := defaultLifetime
	if n, err := r.ExpiresIn.Int64(); err == nil {
		if n <= 0 || n > 366*24*3600 {
			return TokenSet{}, errors.New("the reply's expires_in makes no sense")
		}
		lifetime = time.Duration(n) * time.Second
	}
	return TokenSet{
		AccessToken: secret.New(r.AccessToken), RefreshToken: secret.New(r.RefreshToken), IDToken: secret.New(r.IDToken),
		ObtainedAt: before, Expiry: before.Add(lifetime), Scopes: parseScope(r),
	}, nil
}

func parseScope(r tokenReply) []string {
	var text string
	var list []string
	if json.Unmarshal(r.Scope, &text) == nil && text != "" {
		list = strings.Fields(text)
	} else if json.Unmarshal(bytes.TrimSpace(r.Scope), &list) != nil || len(list) == 0 {
		list = ParseClaims(r.AccessToken).Scopes
	}
	return validScopes(list)
}

// validScopes drops what RFC 6749 section 3.3 does not allow in a scope.
func validScopes(list []string) []string {
	var out []string
	for _, s := range list {
		if validOpaque(s) && !strings.ContainsAny(s, `"\`) {
			out = append(out, s)
		}
	}
	return out
}
