package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/xeroauth/xeroauth/internal/loopback"
	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/keychain"
	"github.com/xeroauth/xeroauth/internal/term"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// loginPlan is what a login will do, all questions answered.
type loginPlan struct {
	target
	app xero.App
	// newSecret is a client secret to keep; empty when it is kept already.
	newSecret secret.Text
	replace   bool
	// former is the profile as it was, nil for a new one; session tells
	// whether it holds a session, which then decides app and store.
	former  *profile.Profile
	session *store.Record
	// guided says that a person was asked what to set up; askTenant that they
	// will be asked for the default tenant, though one could be chosen.
	guided, askTenant bool
	// otherOwner says, after the save, that the session replaced was another
	// user's or app's.
	otherOwner bool
}

// planLogin puts flags, profile and environment together, and asks a person
// for what is missing.
func (a *App) planLogin(ctx context.Context, o loginOptions) (*loginPlan, error) {
	if err := a.checkLoginFlags(&o); err != nil {
		return nil, err
	}
	plan := &loginPlan{replace: o.replace}
	if err := a.planTarget(ctx, plan, o); err != nil {
		return nil, err
	}
	p := &plan.profile
	isNew := plan.former == nil && plan.session == nil
	if isNew && o.app == "" && a.customConnection() {
		o.app = profile.Custom
	}
	if o.clientID == "" && p.ClientID == "" && plan.session == nil {
		o.clientID = a.env(envClientID)
		if o.clientID == "" && a.mayAsk() {
			if err := a.guide(ctx, plan, &o); err != nil {
				return nil, err
			}
		}
	}
	if err := a.planApp(plan, o); err != nil {
		return nil, err
	}
	if p.App == profile.Custom {
		p.RedirectURIs = nil // they belong to a person's consent
		if err := a.planCustomScopes(plan, o); err != nil {
			return nil, err
		}
		return plan, a.planSecret(ctx, plan, o)
	}
	if len(o.redirectURIs) > 0 || len(p.RedirectURIs) == 0 {
		p.RedirectURIs = orDefaultURI(o.redirectURIs)
	}
	if err := a.planScopes(plan, o); err != nil {
		return nil, err
	}
	return plan, a.planSecret(ctx, plan, o)
}

func (a *App) checkLoginFlags(o *loginOptions) error {
	switch {
	case a.flags.custom && (o.app != "" || len(o.redirectURIs) > 0 || o.port != 0):
		return usagef("run: "+a.cmd("login --custom-connection"), "--app, --redirect-uri and --port have no meaning for a custom connection")
	case o.app != "" && o.app != profile.Public && o.app != profile.Web:
		return usagef("use --app public or --app web", "--app %q is no kind of app", o.app)
	case o.secretStdin && o.secretFile != "":
		return usagef("use one of them", "--client-secret-stdin and --client-secret-file exclude each other")
	case (o.secretStdin || o.secretFile != "") && o.app == profile.Public:
		return usagef("use --app web, or leave the secret out", "a public app has no secret")
	case o.port != 0 && len(o.redirectURIs) > 0:
		return usagef("use one of them", "--port and --redirect-uri exclude each other")
	case o.port < 0 || o.port > 65535:
		return usagef("use a port from 1 to 65535", "--port %d is no port", o.port)
	case o.timeout <= 0:
		return usagef("for example --timeout 5m", "--timeout must be positive")
	}
	switch {
	case a.flags.custom:
		o.app = profile.Custom
	case o.secretStdin || o.secretFile != "":
		o.app = profile.Web
	}
	if o.port != 0 {
		o.redirectURIs = []string{fmt.Sprintf("http://localhost:%d/callback", o.port)}
	}
	for _, uri := range o.redirectURIs {
		if err := loopback.CheckURI(uri); err != nil {
			return usagef("for example --redirect-uri "+defaultRedirectURI, "--redirect-uri %w", err)
		}
	}
	if _, err := xero.Authority(o.authority); err != nil {
		return usagef("", "--authority: %w", err)
	}
	return a.noJobSession("the session of a login would not be used")
}

// planTarget finds the profile, its store and the session that stands there.
func (a *App) planTarget(ctx context.Context, plan *loginPlan, o loginOptions) error {
	dir, err := a.profiles()
	if err != nil {
		return err
	}
	name, err := a.profileName(dir)
	if err != nil {
		return err
	}
	p, err := dir.Load(name)
	switch {
	case err == nil:
		former := p
		plan.former, a.hasProfile, a.hasSecret = &former, true, p.App != profile.Public
	case errors.Is(err, profile.ErrNotFound):
		p = profile.Profile{Name: name}
	default:
		return err
	}
	plan.dir = dir
	plan.account = a.account(dir, name)
	was := p.Store
	if p.Store == "" {
		p.Store = firstOf(a.flags.store, a.env(envStore), keychain.Name)
	} else if a.flags.store != "" {
		p.Store = a.flags.store
	}
	plan.profile = p
	if err := a.prepareStore(ctx, p.Store); err != nil {
		return err
	}
	if plan.store, err = a.openStore(p.Store, dir); err != nil {
		return err
	}
	present := plan.store
	if was != "" && was != p.Store {
		if present, err = a.openStore(was, dir); err != nil {
			return err
		}
	}
	r, _, err := store.LoadRecord(ctx, present, plan.account)
	switch {
	case err == nil:
		plan.session = &r
	case store.IsClass(err, store.Damaged):
		a.warn("%v: the new session will take its place", err)
	case errors.Is(err, store.ErrNotFound):
	case o.replace && present != plan.store:
		a.warn("%v: whatever session it holds stays there", err)
	default:
		return err
	}
	if plan.session != nil && was != "" && was != p.Store && !o.replace {
		return a.differs("--store", was, p.Store)
	}
	return nil
}

// differs is the answer to a flag that contradicts the profile's session.
func (a *App) differs(flag, have, got string) error {
	return usagef("use another profile with -p NAME, or add --replace to this command to put the new one in its place",
		"%s %q is not what the profile's session has: %q", flag, got, have)
}

// planApp settles client id, kind of app and authority. A session decides
// them, unless --replace.
func (a *App) planApp(plan *loginPlan, o loginOptions) error {
	p := &plan.profile
	switch {
	case plan.session != nil:
		p.ClientID, p.App, p.Authority = plan.session.ClientID, plan.session.App, plan.session.Authority
	case plan.former == nil:
		p.Authority = a.Authority
	}
	for _, s := range []struct {
		flag, got string
		have      *string
	}{
		{"--client-id", strings.TrimSpace(o.clientID), &p.ClientID},
		{"--app", o.app, &p.App},
		{"--authority", strings.TrimSuffix(o.authority, "/"), &p.Authority},
	} {
		if s.got == "" || s.got == *s.have {
			continue
		}
		if plan.session != nil && !o.replace {
			return a.differs(s.flag, *s.have, s.got)
		}
		*s.have = s.got
	}
	if p.App == "" {
		p.App = profile.Public
	}
	if p.ClientID == "" {
		return usagef("run: "+a.cmd("login --client-id ID")+"; the id stands at developer.xero.com, My Apps", "no client id is given")
	}
	if !isPrintable(p.ClientID) || len(p.ClientID) > 128 {
		return usagef("copy it from developer.xero.com, My Apps", "%q is no client id", p.ClientID)
	}
	plan.app.ID = p.ClientID
	if p.App == profile.Public && plan.former == nil && a.env(envClientSecret) != "" {
		a.say("%s is not used: this login is for a public app (add --app web for a web app)", envClientSecret)
	}
	return nil
}

func (a *App) planScopes(plan *loginPlan, o loginOptions) error {
	text := o.scopes
	if text == "" && len(plan.profile.Scopes) > 0 {
		return nil
	}
	if text == "" {
		text = firstOf(a.env(envScopes), xero.DefaultPreset)
	}
	scopes, err := expandScopes(text)
	plan.profile.Scopes = scopes
	return err
}

// planSecret finds a web app's secret: flag, store, environment, person.
func (a *App) planSecret(ctx context.Context, plan *loginPlan, o loginOptions) error {
	if plan.profile.App == profile.Public {
		return nil
	}
	given, err := a.givenSecret(ctx, o)
	if err != nil {
		return err
	}
	if given.IsZero() {
		if err := a.keptSecret(ctx, plan); err != nil || !plan.app.Secret.IsZero() {
			return err
		}
	}
	if given.IsZero() {
		given = secret.New(strings.TrimSpace(a.env(envClientSecret)))
	}
	if given.IsZero() && a.mayAsk() {
		if given, err = a.askSecret(ctx); err != nil {
			return err
		}
	}
	if given.IsZero() {
		return usagef("run: "+a.cmd("login --client-secret-file FILE")+"; or use --client-secret-stdin, or set "+envClientSecret, "this kind of app needs its client secret")
	}
	plan.app.Secret, plan.newSecret = given, given
	return nil
}

// keptSecret finds the secret that an earlier login of the same app kept, also
// in a store that this login replaces.
func (a *App) keptSecret(ctx context.Context, plan *loginPlan) error {
	from := plan.store
	switch {
	case plan.former != nil && plan.former.ClientID == plan.profile.ClientID:
		if plan.former.Store != plan.profile.Store {
			var err error
			if from, err = a.openStore(plan.former.Store, plan.dir); err != nil {
				return err
			}
		}
	case plan.former == nil && plan.session != nil && plan.session.ClientID == plan.profile.ClientID:
	default:
		return nil
	}
	kept, _, err := from.Load(ctx, secretAccount(plan.account))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	plan.app.Secret = kept
	if from != plan.store {
		plan.newSecret = kept
	}
	return err
}

func (a *App) askSecret(ctx context.Context) (secret.Text, error) {
	in, ok := a.Stdin.(*os.File)
	if !ok {
		return secret.Text{}, nil
	}
	return term.AskSecret(ctx, in, a.Stderr, prefix+"client secret (not shown): ")
}

// maxSecret bounds what is read of a client secret, in bytes.
const maxSecret = 4096

// givenSecret reads the secret that a flag names. Pasted secrets come with
// spaces and line ends that Xero would refuse (docs/xero.md section 5).
func (a *App) givenSecret(ctx context.Context, o loginOptions) (secret.Text, error) {
	var in io.Reader
	from := "stdin"
	switch {
	case !o.typedSecret.IsZero():
		return o.typedSecret, nil
	case o.secretStdin && term.IsTerminal(a.Stdin):
		return a.askSecret(ctx) // what is typed must not be shown
	case o.secretStdin:
		in = a.Stdin
	case o.secretFile != "":
		f, err := os.Open(o.secretFile)
		if err != nil {
			return secret.Text{}, usagef("name a file that can be read", "--client-secret-file: %w", err)
		}
		defer func() { _ = f.Close() }()
		in, from = f, o.secretFile
	default:
		return secret.Text{}, nil
	}
	b, err := io.ReadAll(io.LimitReader(in, maxSecret+1))
	if err != nil {
		return secret.Text{}, fmt.Errorf("reading the client secret from %s: %w", from, err)
	}
	text := strings.TrimSpace(string(b))
	if !isPrintable(text) || len(b) > maxSecret {
		return secret.Text{}, usagef("copy it from developer.xero.com; one line, nothing else", "what %s holds is no client secret", from)
	}
	return secret.New(text), nil
}

// removeReplaced forgets the session that --replace left in another store.
func (plan *loginPlan) removeReplaced(ctx context.Context, a *App) {
	if plan.former == nil || plan.former.Store == plan.profile.Store {
		return
	}
	old, err := a.openStore(plan.former.Store, plan.dir)
	if err == nil {
		err = forget(ctx, old, plan.account, nothingElse)
	}
	if err != nil {
		a.warn("the replaced session still stands in the store %q: %v", plan.former.Store, err)
	}
}

// forget removes an account's record and secret under its lock, and does what
// else belongs to it. A record of a newer version stays: only logout, which
// says so, removes what this version cannot read.
func forget(ctx context.Context, s store.Store, account string, also func() error) error {
	unlock, err := s.Lock(ctx, account)
	if err != nil {
		return err
	}
	defer unlock()
	if _, _, err := store.LoadRecord(ctx, s, account); store.IsClass(err, store.Newer) {
		return err
	}
	for _, name := range []string{account, secretAccount(account)} {
		if err := s.Delete(ctx, name); err != nil {
			return err
		}
	}
	return also()
}

func nothingElse() error { return nil }

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
