package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/session"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/file"
	"github.com/xeroauth/xeroauth/internal/store/job"
	"github.com/xeroauth/xeroauth/internal/store/keychain"
	"github.com/xeroauth/xeroauth/internal/term"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// target is the profile that a command works on, with what it leads to.
type target struct {
	profile profile.Profile
	dir     profile.Dir
	store   store.Store
	// account is the profile's name in the store.
	account string
	// job is set instead of a profile's name: the session is that of
	// XEROAUTH_SESSION, and profile holds what the seed tells.
	job *job.Store
	// unsaved allows a renewal that no writeback carries out of the job.
	unsaved bool
}

// profiles returns the folder of the profiles.
func (a *App) profiles() (profile.Dir, error) {
	if dir := a.env(envConfigDir); dir != "" {
		abs, err := filepath.Abs(dir)
		return profile.Dir{Path: abs}, err
	}
	dir, err := a.defaultConfigDir()
	return profile.Dir{Path: dir}, err
}

func (a *App) defaultConfigDir() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", &advised{exit: exitFailure, hint: "set HOME, or XEROAUTH_CONFIG_DIR to a folder", err: fmt.Errorf("finding the folder for settings: %w", err)}
	}
	return filepath.Join(dir, "xeroauth"), nil
}

// profileName is the profile that flags, environment or settings name.
func (a *App) profileName(dir profile.Dir) (string, error) {
	name := a.flags.profile
	if name == "" {
		name = a.env(envProfile)
	}
	if name == "" {
		return dir.Current()
	}
	if !profile.ValidName(name) {
		return "", usagef("", "%q: %w", name, profile.ErrName)
	}
	return name, nil
}

// target finds the session of the job, else an existing profile and its store;
// a missing one is exit 4.
func (a *App) target() (target, error) {
	if a.hasJobSession() {
		return a.jobTarget()
	}
	dir, err := a.profiles()
	if err != nil {
		return target{}, err
	}
	name, err := a.profileName(dir)
	if err != nil {
		return target{}, err
	}
	return a.targetNamed(dir, name)
}

func (a *App) targetNamed(dir profile.Dir, name string) (target, error) {
	p, err := dir.Load(name)
	if errors.Is(err, profile.ErrNotFound) {
		return target{}, a.noProfile(dir, name)
	}
	if err != nil {
		return target{}, err
	}
	a.hasProfile, a.hasSecret = true, p.App != profile.Public
	if a.flags.custom && p.App != profile.Custom {
		return target{}, usagef("leave --custom-connection out, or name another profile with -p", "profile %q is no custom connection", name)
	}
	if s := a.flags.store; s != "" && s != p.Store {
		return target{}, usagef("leave --store out, or use another profile with -p", "profile %q keeps its session in the store %q, not %q", name, p.Store, s)
	}
	st, err := a.openStore(p.Store, dir)
	if err != nil {
		return target{}, err
	}
	return target{profile: p, dir: dir, store: st, account: a.account(dir, name)}, nil
}

func (a *App) noProfile(dir profile.Dir, name string) error {
	err := fmt.Errorf("there is no profile %q: %w", name, &session.LoginError{Reason: "nobody has logged in with it"})
	names, listErr := dir.Names()
	if listErr == nil {
		if near := nearest(name, names); near != "" {
			return &advised{exit: exitLogin, hint: fmt.Sprintf("did you mean: -p %s; or make it: xeroauth login -p %s", near, name), err: err}
		}
	}
	if name == profile.DefaultName {
		return &advised{exit: exitLogin, hint: "run: xeroauth login", err: err}
	}
	return &advised{exit: exitLogin, hint: "run: xeroauth login -p " + name, err: err}
}

// account is the profile's name in the store. Profiles of another folder of
// settings are other profiles, and the keychain is one for all.
func (a *App) account(dir profile.Dir, name string) string {
	if a.env(envConfigDir) == "" {
		return name
	}
	if own, err := a.defaultConfigDir(); err == nil && own == dir.Path {
		return name
	}
	sum := sha256.Sum256([]byte(dir.Path))
	return name + "@" + hex.EncodeToString(sum[:4])
}

const (
	lockWait = 90 * time.Second
	// A read of the keychain takes milliseconds; with somebody at the terminal
	// an unlock dialog may be open.
	keychainLimit       = 5 * time.Second
	keychainLimitPerson = 60 * time.Second
)

// openStore returns the store of that name without touching it.
func (a *App) openStore(name string, dir profile.Dir) (store.Store, error) {
	lockDir, err := a.LockDir()
	if err != nil {
		return nil, &store.Error{Store: name, Class: store.NotWritable, Step: "finding the folder for locks", Err: err}
	}
	locks := &store.Locks{Dir: lockDir, Wait: lockWait, Holder: a.command, Taking: a.watch}
	files := file.Config{Dir: filepath.Join(dir.Path, "sessions"), Locks: locks, Key: a.fileKey}
	switch name {
	case keychain.Name:
		c := keychain.Config{Locks: locks, Limit: keychainLimit, BusAddress: a.env("DBUS_SESSION_BUS_ADDRESS")}
		if term.IsTerminal(a.Stderr) {
			a.watch() // a dialog must be taken away again
			c.Limit, c.MayPrompt = keychainLimitPerson, true
			c.Waiting = func() { a.say("waiting for the keychain; is an unlock dialog open?") }
		}
		return a.Keychain(c), nil
	case file.Name:
		return file.New(files), nil
	case file.PlainName:
		return file.NewPlain(files), nil
	}
	return nil, usagef("use keychain, file or plain", "there is no store %q", name)
}

// fileKey reads the age identity of the file store.
func (a *App) fileKey() (secret.Text, error) {
	if key := a.env(envFileKey); key != "" {
		return secret.New(key), nil
	}
	path := firstOf(a.env(envFileKeyFile), a.madeKey)
	if path == "" {
		return secret.Text{}, nil
	}
	b, err := os.ReadFile(path)
	return secret.New(string(b)), err
}

// keeper returns what keeps the target's session alive.
func (a *App) keeper(t target) *session.Keeper {
	return &session.Keeper{
		Store: t.store, Account: t.account, Now: a.Now, Pause: a.Pause, Trace: a.trace, Writeback: a.writeback(t),
		Client: func(r store.Record) (*xero.Client, error) { return a.client(r.Authority) },
		App:    func(ctx context.Context, r store.Record) (xero.App, error) { return a.appOf(ctx, t, r) },
	}
}

// withSession does something with the target's session, and follows one that
// was moved while the target's profile was read.
func (a *App) withSession(t *target, do func(*session.Keeper) (session.Result, error)) (session.Result, error) {
	const moves = 3 // nobody moves a session faster than it can be followed
	for try := 1; ; try++ {
		result, err := do(a.keeper(*t))
		if !errors.Is(err, session.ErrNoSession) || try > moves || !a.follow(t) {
			return result, err
		}
	}
}

// follow reads the profile of a target whose store has no session, and reports
// whether it names another store by now.
func (a *App) follow(t *target) bool {
	if t.job != nil {
		return false
	}
	now, err := a.targetNamed(t.dir, t.profile.Name)
	if err != nil || now.profile.Store == t.profile.Store {
		return false
	}
	now.unsaved = t.unsaved
	*t = now
	return true
}

// updateProfile changes a profile under its session's lock, as it stands then:
// another command may have moved or removed it since this one read it.
func (a *App) updateProfile(ctx context.Context, t target, change func(*profile.Profile)) error {
	unlock, err := t.store.Lock(ctx, t.account)
	if err != nil {
		return err
	}
	defer unlock()
	p, err := t.dir.Load(t.profile.Name)
	if err != nil {
		return err
	}
	change(&p)
	if err := t.dir.Save(p); err != nil {
		return notWritable("saving the profile", err)
	}
	return nil
}

// setTenant notes the default tenant of the target's profile.
func (a *App) setTenant(ctx context.Context, t *target, id string) error {
	t.profile.Tenant = id
	return a.updateProfile(ctx, *t, func(p *profile.Profile) { p.Tenant = id })
}

// secretAccount is where a profile's client secret is kept.
func secretAccount(account string) string { return account + "#client" }

// appOf finds the app of a record, with its secret unless it is public.
func (a *App) appOf(ctx context.Context, t target, r store.Record) (xero.App, error) {
	app := xero.App{ID: r.ClientID}
	switch r.App {
	case profile.Public:
		return app, nil
	case profile.Custom:
		app.Scopes = t.profile.Scopes
	}
	if t.job != nil {
		return a.jobApp(app)
	}
	text, _, err := t.store.Load(ctx, secretAccount(t.account))
	if errors.Is(err, store.ErrNotFound) {
		return app, &advised{exit: exitLogin, hint: "run: " + a.cmd("login --client-secret-file FILE"),
			err: fmt.Errorf("the client secret of profile %q is not in the store", t.profile.Name)}
	}
	app.Secret = text
	return app, err
}
