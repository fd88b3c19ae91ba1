package doctor

import (
	"context"
	"time"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// Setup is what a doctor looks at. All functions must be set, but those of
// what is kept when Stateless is.
type Setup struct {
	// Profile has its name even if its file is damaged. If there is no such
	// profile, Missing is set and Profile holds what a first login would use.
	Profile profile.Profile
	Missing bool
	// Stateless: a custom connection from the environment, which keeps nothing.
	Stateless bool
	// SettingsDir is the folder of settings. SettingsErr is why the profile in
	// use is not known, ProfileErr why the profile cannot be used, LockErr why
	// there is no folder for locks.
	SettingsDir                      string
	SettingsErr, ProfileErr, LockErr error
	// Writable reports why the folder of settings cannot be written.
	Writable func() error
	// Profiles are the names of all profiles.
	Profiles []string

	Store   store.Store
	Account string
	// TryLock takes the lock of an account, waiting only a moment.
	TryLock func(ctx context.Context, account string) (unlock func(), err error)
	// Second runs a second process of this program on an account.
	Second func(ctx context.Context, what, account string) (SecondWord, error)

	// Client speaks to the Xero at authority; App finds the app with its secret.
	Client func(authority string) (*xero.Client, error)
	App    func(ctx context.Context, r store.Record) (xero.App, error)
	Now    func() time.Time
	// TenantWanted is what the environment chooses, by the variable TenantVariable.
	TenantWanted, TenantVariable string
	// KnownTenants is the list that is kept, nil without one.
	KnownTenants []profile.Tenant
	// Proxy names the variable that sets a proxy for Xero, empty without one.
	Proxy string

	// Browser says what opens an address; a fix if nothing does.
	Browser func() (seen, fix string)
	// Cmd is a command line of this program for the profile in hand.
	Cmd func(words string) string
	// Advise is what the desk advises on an error.
	Advise func(err error) string
	// Near is the scope that a typing slip away from word, or "".
	Near func(word string, scopes []string) string
}

// What a second process is asked to do.
const (
	SecondRead = "read" // a probe's value
	SecondLock = "lock" // an account
)

// SecondWord is what a second process says.
type SecondWord struct {
	// Sum is the SHA-256 of what it read, in hex.
	Sum string
	// Locked says that it was given the lock.
	Locked bool
	// Err is why it could do neither.
	Err error
}

// visit is one run, with what earlier checks found for later ones.
type visit struct {
	Setup
	client *xero.Client
	// record is the session, nil without one.
	record *store.Record
	ahead  *time.Duration
	// token opens the API; granted are its scopes.
	token   secret.Text
	granted []string
	list    []xero.Connection
	// tenant is the id for the header, empty for none.
	tenant string
	path   string
}

func (v *visit) custom() bool { return v.Profile.App == profile.Custom }

// checks are all checks for a set-up, each after those it needs.
func checks(s Setup) []check {
	settled := []string{"profile"}
	if s.Missing {
		settled = []string{"config"} // checked with what a first login would use
	}
	client, token := []string{"app", "store", "network"}, []string{"session"}
	if s.Profile.App == profile.Public {
		client = []string{"app", "network"} // no secret to be read
	}
	if s.Profile.App == profile.Custom {
		token = []string{"client"} // which asked for one
	}
	return []check{
		{"config", nil, (*visit).checkConfig},
		{"profile", []string{"config"}, (*visit).checkProfile},
		{"app", []string{"profile"}, (*visit).checkApp},
		{"redirect", settled, (*visit).checkRedirect},
		{"browser", nil, (*visit).checkBrowser},
		{"store", settled, (*visit).checkStore},
		{"lock", settled, (*visit).checkLock},
		{"session", []string{"profile", "store"}, (*visit).checkSession},
		{"scopes", []string{"profile"}, (*visit).checkScopes},
		{"offline-access", []string{"profile"}, (*visit).checkOfflineAccess},
		{"network", settled, (*visit).checkNetwork},
		{"clock", []string{"network"}, (*visit).checkClock},
		{"client", client, (*visit).checkClient},
		{"renewal", []string{"session", "offline-access", "client"}, (*visit).checkRenewal},
		{"token", token, (*visit).checkToken},
		{"connections", []string{"token", "network"}, (*visit).checkConnections},
		{"tenant", []string{"connections"}, (*visit).checkTenant},
		{"api", []string{"tenant"}, (*visit).checkAPI},
		{"api-no-tenant", []string{"api"}, (*visit).checkAPINoTenant},
	}
}
