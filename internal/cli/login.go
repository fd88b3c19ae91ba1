package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/login"
	"github.com/xeroauth/xeroauth/internal/loopback"
	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/term"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// defaultRedirectURI is the one that Xero's own CLI tells its users to
// register (docs/xero.md section 3).
const defaultRedirectURI = "http://localhost:8742/callback"

type loginOptions struct {
	clientID, app, secretFile, scopes, tenant, authority string
	secretStdin, noBrowser, replace                      bool
	redirectURIs                                         []string
	port                                                 int
	timeout                                              durationFlag
	// typedSecret is what the guided set-up was told.
	typedSecret secret.Text
}

func newLoginCmd(a *App) *cobra.Command {
	var o loginOptions
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Log in through the browser and keep the session",
		Long: `Opens Xero's consent page, catches the answer on this machine, and keeps the
session in the system keychain (or the store you name). Nothing is printed on
stdout without --json.

Without a client id, on a terminal, it first asks for what it needs, and ends
with the one command that does the same. Where no browser can come back to this
machine, the whole address that it ends at can be pasted: it is not shown, and a
code alone is refused. When nothing comes, you are told what Xero's own error
page may have meant, and what to do.

The redirect URI must be registered at developer.xero.com, exactly as it stands
here: ` + defaultRedirectURI + ` unless you choose another.
What you say is kept in the profile, so the next login needs no flag.`,
		Example: `  xeroauth login --client-id 0123456789ABCDEF0123456789ABCDEF
  xeroauth login --app web --client-secret-stdin <secret.txt
  xeroauth login -p acme --scopes @read --redirect-uri http://localhost:8080/callback`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runLogin(cmd.Context(), a, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.clientID, "client-id", "", "the app's client id (else $XERO_CLIENT_ID on a first login)")
	f.StringVar(&o.app, "app", "", "kind of app: public (PKCE, no secret) or web")
	f.BoolVar(&o.secretStdin, "client-secret-stdin", false, "read the client secret from stdin; means --app web")
	f.StringVar(&o.secretFile, "client-secret-file", "", "read the client secret from a file; means --app web")
	f.StringVar(&o.scopes, "scopes", "", "scopes and presets to ask for (else those of the profile, else $XERO_SCOPES, else "+xero.DefaultPreset+")")
	f.StringArrayVar(&o.redirectURIs, "redirect-uri", nil, "registered redirect URI; repeat it for others to fall back to")
	f.IntVar(&o.port, "port", 0, "short for --redirect-uri http://localhost:PORT/callback")
	f.StringVar(&o.tenant, "tenant", "", "default tenant, by id or exact name")
	f.BoolVar(&o.noBrowser, "no-browser", false, "print the address only")
	o.timeout = durationFlag(5 * time.Minute)
	f.Var(&o.timeout, "timeout", "how long to wait for consent")
	f.BoolVar(&o.replace, "replace", false, "allow another user, app or store in place of the profile's")
	f.StringVar(&o.authority, "authority", "", "address of a sandbox on this machine, such as http://localhost:9750")
	return cmd
}

func runLogin(ctx context.Context, a *App, o loginOptions) error {
	plan, err := a.planLogin(ctx, o)
	if err != nil {
		return err
	}
	if plan.guided {
		defer a.tellCommand(plan)
	}
	if plan.profile.App != profile.Custom {
		if err := a.checkScopes(plan.profile.Scopes); err != nil {
			return err
		}
	}
	if err := store.Probe(ctx, plan.store, plan.account); err != nil {
		return fmt.Errorf("trying the store before the browser opens: %w", err)
	}
	if err := plan.dir.Probe(); err != nil {
		return notWritable("trying the folder of settings before the browser opens", err)
	}
	client, err := a.client(plan.profile.Authority)
	if err != nil {
		return err
	}
	if plan.profile.App == profile.Custom {
		return a.loginCustom(ctx, plan, client, o.tenant)
	}
	return a.loginBrowser(ctx, plan, client, o)
}

// loginBrowser gets a person's consent and what follows from it.
func (a *App) loginBrowser(ctx context.Context, plan *loginPlan, client *xero.Client, o loginOptions) error {
	var settled settlement
	a.waiting = a.newCountdown()
	flow := &login.Flow{
		Client: client, App: plan.app, Scopes: plan.profile.Scopes, RedirectURIs: plan.profile.RedirectURIs, Timeout: time.Duration(o.timeout),
		Ask:    func(i login.Invitation) { a.invite(i, o.noBrowser) },
		Paste:  a.paster(),
		Waited: func() { a.waiting.stop() },
		Keep:   func(ctx context.Context, t login.Tokens) error { return a.keepLogin(ctx, plan, t) },
		Settle: func(ctx context.Context, t login.Tokens, list []xero.Connection, err error) loopback.Page {
			settled = a.settle(ctx, plan, o.tenant, t, list, err)
			return settled.page()
		},
		Explain: a.explainPage,
		Pause:   a.Pause, Trace: a.trace,
	}
	tokens, err := flow.Run(ctx)
	var unanswered *login.UnansweredError
	if errors.As(err, &unanswered) {
		a.tellErrorPages(plan.profile, unanswered.RedirectURI)
	}
	var unsaved *login.UnsavedError
	if errors.As(err, &unsaved) && a.canOfferStore(unsaved.Err) {
		if err = a.offerStores(ctx, plan, unsaved); err == nil {
			listCtx, cancel := context.WithTimeout(ctx, requestLimit)
			list, listErr := client.Connections(listCtx, tokens.Set.AccessToken)
			cancel()
			settled = a.settle(ctx, plan, o.tenant, tokens, list, listErr)
		}
	}
	if err != nil {
		return err
	}
	return a.concludeLogin(ctx, plan, tokens, settled)
}

// keepLogin saves a login's record, and under the same lock what belongs to it.
func (a *App) keepLogin(ctx context.Context, plan *loginPlan, t login.Tokens) error {
	p := plan.profile
	r := newRecord(p, t)
	return login.Save{
		Store: plan.store, Account: plan.account, Replace: plan.replace, Former: plan.session,
		After: func(ctx context.Context, old store.Record) error {
			plan.otherOwner = old.ClientID != "" && (old.ClientID != r.ClientID || old.User.ID != r.User.ID)
			if !plan.newSecret.IsZero() {
				if err := saveSecret(ctx, plan.store, secretAccount(plan.account), plan.newSecret); err != nil {
					return err
				}
			}
			if err := plan.dir.Save(p); err != nil {
				return notWritable("saving the profile", err)
			}
			return nil
		},
	}.Run(ctx, r)
}

// newRecord is the first record of a login.
func newRecord(p profile.Profile, t login.Tokens) store.Record {
	scopes := t.Set.Scopes
	if scopes == nil {
		scopes = p.Scopes // RFC 6749 section 5.1: left out when equal to what was asked
	}
	return store.Record{
		ClientID: p.ClientID, App: p.App, Authority: p.Authority,
		AccessToken: t.Set.AccessToken, RefreshToken: t.Set.RefreshToken,
		ObtainedAt: t.Set.ObtainedAt, Expiry: t.Set.Expiry, RefreshObtainedAt: t.Set.ObtainedAt,
		Scopes: scopes,
		User:   store.User{ID: t.UserID(), Name: term.Strip(t.Identity.Name), Email: term.Strip(t.Identity.Email)},
	}
}

func notWritable(step string, err error) error {
	return &store.Error{Store: "profiles", Class: store.NotWritable, Step: step, Err: err}
}

func saveSecret(ctx context.Context, s store.Store, account string, text secret.Text) error {
	old, version, err := s.Load(ctx, account)
	if err != nil && !errors.Is(err, store.ErrNotFound) || old.Equal(text) {
		return err
	}
	_, err = s.Save(ctx, account, text, version)
	return err
}

// concludeLogin tells what a login brought.
func (a *App) concludeLogin(ctx context.Context, plan *loginPlan, t login.Tokens, s settlement) error {
	for _, w := range t.Warnings {
		a.warn("%s", w)
	}
	a.tellSkew(t.Set)
	record := newRecord(plan.profile, t)
	// Also with --quiet: a browser may have signed in somebody else.
	a.line("", "logged in as %s, with app %s (%s)", describeUser(record.User), plan.profile.ClientID, plan.profile.App)
	a.say("session kept in the store %q as profile %q", plan.profile.Store, plan.profile.Name)
	if missing := missingScopes(plan.profile.Scopes, record.Scopes); len(missing) > 0 {
		a.warn("asked for but not granted: %s", strings.Join(missing, " "))
	}
	if record.RefreshToken.IsZero() && slices.Contains(plan.profile.Scopes, "offline_access") {
		a.warn("Xero gave no refresh token although offline_access was asked for: this session ends at %s", record.Expiry.Local().Format("15:04"))
	}
	plan.removeReplaced(ctx, a)
	if err := a.settleDefault(ctx, plan, &s); err != nil {
		return err
	}
	a.tellTenants(s)
	if a.flags.json {
		return a.printJSON(a.statusOf(plan.profile, &record, s.tenants))
	}
	return nil
}

func (a *App) tellSkew(set xero.TokenSet) {
	if !set.Date.IsZero() {
		a.tellSkewOf(set.ObtainedAt.Sub(set.Date))
	}
}

// tellSkewOf warns of a clock that is far off: it cannot harm this program,
// which counts by one clock, but it harms others.
func (a *App) tellSkewOf(skew time.Duration) {
	if skew.Abs() > time.Minute {
		direction := "ahead of"
		if skew < 0 {
			direction = "behind"
		}
		a.warn("this machine's clock is %s %s Xero's", span(skew.Abs()), direction)
	}
}

func describeUser(u store.User) string {
	name, email := term.Clean(u.Name), term.Clean(u.Email)
	switch {
	case name != "" && email != "":
		return name + " <" + email + ">"
	case name+email != "":
		return name + email
	case u.ID != "":
		return "user " + term.Clean(u.ID)
	}
	return "a user whose name Xero did not tell"
}

func missingScopes(asked, granted []string) []string {
	have := map[string]bool{}
	for _, s := range granted {
		have[s] = true
	}
	var missing []string
	for _, s := range asked {
		if !have[s] {
			missing = append(missing, s)
		}
	}
	return missing
}
