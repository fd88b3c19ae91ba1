package cli

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/xeroauth/xeroauth/internal/doctor"
	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/session"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/keychain"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// doctorSetup gathers what a doctor looks at. What is wrong with the settings
// goes into it; its error is a mistake in how the program was called.
func (a *App) doctorSetup() (doctor.Setup, error) {
	s := doctor.Setup{
		Client: a.client, Now: a.Now, Browser: a.browserSeen, Cmd: a.cmd, Near: nearest, Proxy: a.proxyVariable(),
		Advise: a.doctorAdvice,
	}
	if a.customConnection() && a.flags.profile == "" {
		return a.statelessSetup(s), nil
	}
	dir, err := a.profiles()
	if err != nil {
		s.SettingsErr = err
		return s, nil
	}
	s.SettingsDir, s.Writable = dir.Path, dir.ProbeExisting
	if s.Profiles, err = dir.Names(); err != nil {
		s.SettingsErr = err
		return s, nil
	}
	name, err := a.profileName(dir)
	if errors.Is(err, profile.ErrName) {
		return s, err
	}
	if s.SettingsErr = err; err != nil {
		return s, nil
	}
	return a.profileSetup(s, dir, name)
}

// doctorAdvice is what the desk advises, as a line to type where it is one.
func (a *App) doctorAdvice(err error) string {
	if unlock := a.unlockCommand(); unlock != "" && store.IsClass(err, store.Locked) {
		return unlock
	}
	_, hint := a.advise(err)
	return firstOf(strings.TrimPrefix(hint, "run: "), "try again: "+a.cmd("doctor"))
}

// profileSetup adds what a profile leads to; a missing one to what a first
// login would use.
func (a *App) profileSetup(s doctor.Setup, dir profile.Dir, name string) (doctor.Setup, error) {
	t, err := a.targetNamed(dir, name)
	var keep *store.Error
	var known *advised
	switch {
	case errors.Is(err, session.ErrLoginRequired):
		s.Missing, s.ProfileErr = true, err
		t = target{profile: profile.Profile{
			Name: name, App: profile.Public, Authority: a.Authority, RedirectURIs: []string{defaultRedirectURI},
			Store: firstOf(a.flags.store, a.env(envStore), keychain.Name),
		}}
		if t.store, err = a.openStore(t.profile.Store, dir); errors.As(err, &keep) {
			s.LockErr = err
		} else if err != nil {
			return s, err
		}
	case errors.As(err, &keep):
		// There is no folder for locks; the profile itself is in order.
		s.LockErr = err
		if t.profile, err = dir.Load(name); err != nil {
			return s, err
		}
	case errors.As(err, &known) && known.exit == exitUsage && (a.flags.store != "" || a.flags.custom):
		return s, err
	case err != nil:
		s.ProfileErr, t.profile.Name = err, name
	}
	t.dir, t.account = dir, a.account(dir, name)
	s.Profile, s.Store, s.Account = t.profile, t.store, t.account
	s.App = func(ctx context.Context, r store.Record) (xero.App, error) { return a.appOf(ctx, t, r) }
	s.TryLock = func(ctx context.Context, account string) (func(), error) {
		return a.tryLock(ctx, t.profile.Store, account)
	}
	s.Second = func(ctx context.Context, what, account string) (doctor.SecondWord, error) {
		return a.askSecondProcess(ctx, what, t.profile.Store, account)
	}
	if v := a.env(envTenant); v != "" {
		s.TenantWanted, s.TenantVariable = v, envTenant
	}
	// What is kept of tenants only helps to explain; a damaged list is no list.
	s.KnownTenants, _ = dir.Tenants(name)
	return s, nil
}

// statelessSetup is a custom connection from the environment.
func (a *App) statelessSetup(s doctor.Setup) doctor.Setup {
	id, text := a.env(envClientID), a.env(envClientSecret)
	s.Stateless, s.Profile = true, profile.Profile{App: profile.Custom, ClientID: id}
	switch {
	case id == "" || text == "":
		s.ProfileErr = usagef("set "+envClientID+" and "+envClientSecret+", or name a profile with -p", "a custom connection needs its client id and secret")
	case strings.TrimSpace(text) != text:
		s.ProfileErr = usagef("set "+envClientSecret+" to the secret alone", "%s begins or ends with a space or a line end", envClientSecret)
	}
	s.App = func(context.Context, store.Record) (xero.App, error) {
		return xero.App{ID: id, Secret: secret.New(text)}, nil
	}
	return s
}

// lockTry is how long a doctor waits for a lock: one that is free comes at once.
const lockTry = 200 * time.Millisecond

func (a *App) tryLock(ctx context.Context, storeName, account string) (unlock func(), err error) {
	dir, err := a.LockDir()
	if err != nil {
		return nil, err
	}
	locks := &store.Locks{Dir: dir, Wait: lockTry, Holder: a.command}
	return locks.Take(ctx, store.LockName(storeName, account))
}

// proxyVariable is the variable that sends requests to Xero through a proxy.
func (a *App) proxyVariable() string {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		if a.env(name) != "" {
			return name
		}
	}
	return ""
}

// browserSeen says what would open an address, without opening any; the fix is
// empty if something would.
func (a *App) browserSeen() (seen, fix string) {
	if why := a.noBrowserReason(); why != "" {
		fix = a.cmd("login --no-browser")
		if a.env("SSH_CONNECTION") != "" {
			port := portOf(defaultRedirectURI)
			fix = "on the machine with the browser: ssh -L " + port + ":localhost:" + port + " " + a.sshDestination()
		}
		return "none is opened (" + why + "): the address of a login must be opened elsewhere", fix
	}
	list := a.env("BROWSER")
	if list == "" {
		return systemBrowser(a.cmd("login --no-browser"))
	}
	separator := ":"
	if runtime.GOOS == "windows" {
		separator = ";"
	}
	for command := range strings.SplitSeq(list, separator) {
		if words := strings.Fields(command); len(words) > 0 {
			if _, err := exec.LookPath(words[0]); err == nil {
				return "BROWSER names " + words[0] + ", which is there", ""
			}
		}
	}
	return "BROWSER names no program that is there", "unset BROWSER"
}

// systemBrowser looks for what pkg/browser would start.
func systemBrowser(without string) (seen, fix string) {
	openers := []string{"xdg-open", "x-www-browser", "www-browser"}
	switch runtime.GOOS {
	case "darwin":
		openers = []string{"open"}
	case "windows":
		return "the system opens it", ""
	}
	for _, name := range openers {
		if _, err := exec.LookPath(name); err == nil {
			return name + " opens it", ""
		}
	}
	return "nothing here opens an address (" + strings.Join(openers, ", ") + " are missing)", without
}
