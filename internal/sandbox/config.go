package sandbox

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Kind is the kind of app a client is registered as (docs/xero.md section 4).
type Kind string

// The three kinds of app in Xero's developer portal.
const (
	// Public is a mobile or desktop app: code with PKCE, no secret.
	Public Kind = "public"
	// Web is a web app: code with a secret, and client credentials for what belongs to the app itself.
	Web Kind = "web"
	// CustomConnection is an app for one organisation: client credentials only.
	CustomConnection Kind = "custom"
)

// What a sandbox without configured clients knows. The identifiers have the length of real ones.
const (
	DefaultPublicClientID     = "5A4DB0C0000000000000000000000001"
	DefaultWebClientID        = "5A4DB0C0000000000000000000000002"
	DefaultWebClientSecret    = "sandbox-web-secret-opens-nothing-at-xero"
	DefaultCustomClientID     = "5A4DB0C0000000000000000000000003"
	DefaultCustomClientSecret = "sandbox-custom-secret-opens-nothing-at-xero"
)

// maxRedirectURIs is the portal's limit per app (docs/xero.md section 3).
const maxRedirectURIs = 50

// Client is an app as it would stand in Xero's developer portal.
type Client struct {
	ID           string
	Secret       string // web apps and custom connections have one, public apps must not
	Kind         Kind
	RedirectURIs []string // matched as strings; https, or http://localhost
	// Scopes the app may ask for; empty means every scope that a new app may have. A retired or restricted scope is
	// available only to a client that names it here, which makes the client an old or an approved app.
	Scopes       []string
	Organisation string // tenant id of a custom connection; empty means the first organisation
}

// Organisation is what the user can connect.
type Organisation struct {
	TenantID string `json:"tenant_id"`
	Name     string `json:"name"` // an empty name is left out of /connections, as old answers did
	Type     string `json:"type"` // empty means ORGANISATION
}

// User is the one person who logs in.
type User struct {
	ID         string // the xero_userid, a UUID
	GivenName  string
	FamilyName string
	Email      string
}

// Config says what a sandbox knows and how it behaves. The zero value is usable.
type Config struct {
	// Now is the clock, time.Now by default. It is called under the sandbox's lock, so it must not call the sandbox.
	Now func() time.Time
	// Clients default to one of each kind with the Default… identifiers, whose redirect URIs are
	// http://localhost:8742/callback and http://localhost:8080/callback.
	Clients []Client
	// Organisations default to three invented ones.
	Organisations []Organisation
	// User defaults to an invented Ada.
	User User
	// AutoConsent grants at once, without showing a page.
	AutoConsent bool
	// AutoConsentAfter, when positive, shows the page and presses Allow after this long unless somebody touches it.
	AutoConsentAfter time.Duration
	// ConsentOrganisations are the tenant ids that consent without a person connects, and that the page has ticked
	// beforehand. The default is the first organisation.
	ConsentOrganisations []string
	// Strict treats a second use of a refresh token as theft: the whole chain dies. By default there is Xero's grace.
	Strict bool
	// Lifetimes; zero means Xero's. A code lives 60 s here: the shortest that any guide gives (docs/xero.md section 2).
	CodeLifetime, AccessLifetime, IDLifetime, RefreshLifetime, Grace time.Duration
	// MinuteLimit and DayLimit are the API calls allowed per app and organisation; zero means 60 and 5,000.
	MinuteLimit, DayLimit int
	// Key signs the tokens. Without one New generates one, which takes a moment.
	Key *rsa.PrivateKey
	// Log is called once for each handled request, except those to /sandbox/. It may be called from several
	// goroutines at once.
	Log func(Request)
}

func (cfg Config) withDefaults() Config {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Organisations == nil {
		cfg.Organisations = defaultOrganisations()
	}
	if cfg.Clients == nil {
		cfg.Clients = DefaultClients()
	}
	if cfg.User == (User{}) {
		cfg.User = User{ID: "0ada0000-0000-4000-8000-000000000001", GivenName: "Ada", FamilyName: "Marlowe", Email: "ada.marlowe@example.com"}
	}
	// docs/xero.md section 2, and section 5 for the rates.
	orDefault(&cfg.CodeLifetime, time.Minute)
	orDefault(&cfg.AccessLifetime, 30*time.Minute)
	orDefault(&cfg.IDLifetime, 5*time.Minute)
	orDefault(&cfg.RefreshLifetime, 60*24*time.Hour)
	orDefault(&cfg.Grace, 30*time.Minute)
	orDefault(&cfg.MinuteLimit, 60)
	orDefault(&cfg.DayLimit, 5000)
	return cfg
}

func orDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

func defaultOrganisations() []Organisation {
	return []Organisation{
		{TenantID: "0a000000-0000-4000-8000-0000000000a1", Name: "Demo Company (AU)"},
		{TenantID: "0a000000-0000-4000-8000-0000000000a2", Name: "Demo Company (NZ)"},
		{TenantID: "0a000000-0000-4000-8000-0000000000a3", Name: "Quillfeather University"},
	}
}

// DefaultClients returns the clients of a sandbox without configured ones, for callers that change a part of them.
func DefaultClients() []Client {
	uris := []string{"http://localhost:8742/callback", "http://localhost:8080/callback"}
	return []Client{
		{ID: DefaultPublicClientID, Kind: Public, RedirectURIs: uris},
		{ID: DefaultWebClientID, Secret: DefaultWebClientSecret, Kind: Web, RedirectURIs: uris},
		{ID: DefaultCustomClientID, Secret: DefaultCustomClientSecret, Kind: CustomConnection, Scopes: []string{
			"accounting.settings.read", "accounting.contacts", "accounting.invoices", "accounting.payments",
		}},
	}
}

func checkClient(c Client) error {
	if c.ID == "" {
		return errors.New("a client has no id")
	}
	switch c.Kind {
	case Public:
		if c.Secret != "" {
			return fmt.Errorf("client %q is public and can have no secret", c.ID)
		}
	case Web, CustomConnection:
		if c.Secret == "" {
			return fmt.Errorf("client %q needs a secret", c.ID)
		}
	default:
		return fmt.Errorf("client %q has the unknown kind %q", c.ID, c.Kind)
	}
	if len(c.RedirectURIs) > maxRedirectURIs {
		return fmt.Errorf("client %q has more than %d redirect URIs", c.ID, maxRedirectURIs)
	}
	for _, uri := range c.RedirectURIs {
		if err := checkRedirectURI(uri); err != nil {
			return fmt.Errorf("client %q: redirect URI %q: %w", c.ID, uri, err)
		}
	}
	return nil
}

// checkRedirectURI holds what the portal lets an app register: https, or plain http for the name localhost and not for
// 127.0.0.1 (docs/xero.md section 3).
func checkRedirectURI(uri string) error {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return errors.New("not a URL")
	case u.Host == "" || u.User != nil || strings.Contains(uri, "#"):
		return errors.New("it needs a host, and neither user nor fragment")
	case u.Scheme == "https", u.Scheme == "http" && u.Hostname() == "localhost":
		return nil
	}
	return errors.New("it must be https, or http on localhost")
}

func checkOrganisations(organisations []Organisation) error {
	for i, o := range organisations {
		if o.TenantID == "" {
			return fmt.Errorf("organisation %q has no tenant id", o.Name)
		}
		if slices.ContainsFunc(organisations[:i], func(other Organisation) bool { return other.TenantID == o.TenantID }) {
			return fmt.Errorf("tenant id %q stands twice", o.TenantID)
		}
	}
	return nil
}
