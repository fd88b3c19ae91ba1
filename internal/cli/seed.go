package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/session"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/job"
)

// seedOptions are the flags of all seed commands.
type seedOptions struct {
	share, noBrowser bool
	tenant           string
	timeout          durationFlag
}

// destination is where a seed goes.
type destination struct {
	// target and writeback are what --json tells.
	target, writeback string
	// workflow, if set, makes the answer: a workflow for such an app.
	workflow func(p profile.Profile) string
	// check shows that a seed will be taken, before anybody is asked to consent.
	check func(ctx context.Context) error
	// deliver hands the seed over.
	deliver func(ctx context.Context, value secret.Text) error
	// stdout says that the seed itself is the answer.
	stdout bool
}

// seedView is the answer of seed in --json. Its field names are promised.
type seedView struct {
	Target       string   `json:"target"`
	Writeback    string   `json:"writeback"`
	ClientID     string   `json:"client_id"`
	App          string   `json:"app"`
	User         userView `json:"user"`
	Tenant       string   `json:"default_tenant"`
	Shared       bool     `json:"shared"`
	LocalSession string   `json:"local_session"`
	Workflow     string   `json:"workflow"`
	Value        string   `json:"value,omitempty"`
}

func newSeedCmd(a *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "seed",
		Short: "Put a session into a CI secret store",
		Long: `Asks for a consent of its own in the browser, with the profile's app and scopes,
and puts that session into a secret store, from where XEROAUTH_SESSION takes it
into a job. It is not kept on this machine, whose own session stays apart and is
renewed once at the end, to see that it still lives.

A custom connection needs none of this: see docs/ci.md for which to choose.`,
		Example: `  xeroauth seed github --repo octo/books --env xero
  xeroauth seed exec -- glab variable set XEROAUTH_SESSION --masked`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSeedGitHubCmd(a), newSeedExecCmd(a), newSeedStdoutCmd(a))
	return cmd
}

func (o *seedOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.share, "share-session", false, "copy this machine's session instead: whoever renews it first cuts off the other")
	f.StringVar(&o.tenant, "tenant", "", "the job's default tenant, by id or exact name (else this profile's)")
	f.BoolVar(&o.noBrowser, "no-browser", false, "print the address only")
	o.timeout = durationFlag(defaultConsentTimeout)
	f.Var(&o.timeout, "timeout", "how long to wait for consent")
}

// runSeed checks, gets a session, hands it over, and tells what became of the
// one on this machine.
func (a *App) runSeed(ctx context.Context, o seedOptions, d destination) error {
	if err := a.noJobSession("seed is for the machine where you log in"); err != nil {
		return err
	}
	if o.timeout <= 0 {
		return usagef("for example --timeout 5m", "--timeout must be positive")
	}
	t, err := a.target()
	if err != nil {
		return err
	}
	if err := checkSeedable(t.profile); err != nil {
		return err
	}
	local, err := a.localSession(ctx, t)
	if err != nil {
		return err
	}
	if err := d.check(ctx); err != nil {
		return err
	}
	seed, err := a.newSeed(ctx, t, local, o)
	if err != nil {
		return err
	}
	value, err := seed.Pack()
	if err == nil {
		err = d.deliver(ctx, value)
	}
	if err != nil {
		return a.notSeeded(err, o.share)
	}
	a.say("seeded: %s, with app %s (%s)", describeUser(seed.Record.User), seed.Record.ClientID, seed.Record.App)
	if seed.Tenant == "" {
		a.say("no default tenant: set %s in the job, or give header --tenant", envTenant)
	}
	if seed.Record.App == profile.Web {
		a.say("this is a web app: its client secret is no part of the session; put it into a second secret, %s", envClientSecret)
	}
	v := seedView{
		Target: d.target, Writeback: d.writeback, ClientID: seed.Record.ClientID, App: seed.Record.App, User: userView(seed.Record.User),
		Tenant: seed.Tenant, Shared: o.share, LocalSession: a.lookAfterLocal(ctx, t, local, o.share),
	}
	if d.workflow != nil {
		v.Workflow = d.workflow(t.profile)
	}
	return a.answerSeed(d, v, value)
}

func (a *App) answerSeed(d destination, v seedView, value secret.Text) error {
	if a.flags.json {
		if d.stdout {
			v.Value = value.Reveal()
		}
		return a.printJSON(v)
	}
	if d.stdout {
		a.print("%s\n", value.Reveal())
	}
	a.print("%s", v.Workflow)
	return nil
}

func checkSeedable(p profile.Profile) error {
	switch {
	case p.App == profile.Custom:
		return usagef("set "+envClientID+", "+envClientSecret+" and "+envCustom+"=1 in the job", "a custom connection needs no seed: its id and secret are enough")
	case !slices.Contains(p.Scopes, "offline_access"):
		return usagef("run: xeroauth login -p "+p.Name+" with that scope", "a seed needs the scope offline_access: without it the session ends after 30 minutes")
	}
	return nil
}

// localSession is this machine's session of the profile, nil if it has none.
func (a *App) localSession(ctx context.Context, t target) (*store.Record, error) {
	r, _, err := store.LoadRecord(ctx, t.store, t.account)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &r, nil
}

func (a *App) newSeed(ctx context.Context, t target, local *store.Record, o seedOptions) (job.Seed, error) {
	if o.share {
		return a.sharedSeed(ctx, t, local, o.tenant)
	}
	return a.consentSeed(ctx, t, local, o)
}

// sharedSeed copies this machine's session, and says what that means.
func (a *App) sharedSeed(ctx context.Context, t target, local *store.Record, wanted string) (job.Seed, error) {
	if local == nil {
		return job.Seed{}, &session.LoginError{Reason: "there is no session to share"}
	}
	if err := a.loginNeeded(a.statusOf(t.profile, local, nil).State, local); err != nil {
		return job.Seed{}, err
	}
	if local.RefreshToken.IsZero() {
		return job.Seed{}, &session.LoginError{Reason: "the session has no refresh token, and ends with its access token"}
	}
	a.warn("this machine and the jobs will share one session: whoever renews it first cuts off the other within 30 minutes")
	seed := job.Seed{Record: *local, Tenant: strings.ToLower(t.profile.Tenant)}
	if wanted == "" {
		return seed, nil
	}
	client, err := a.client(local.Authority)
	if err != nil {
		return seed, err
	}
	id, err := a.chooseTenant(ctx, grant{record: *local, client: client, target: t}, wanted)
	seed.Tenant = strings.ToLower(id)
	return seed, err
}

// notSeeded says what became of the sessions when a seed was not taken.
func (a *App) notSeeded(err error, shared bool) error {
	exit, hint := a.advise(err)
	after := "the session just consented to is dropped, and this machine's is as it was"
	if shared {
		after = "this machine's session is as it was"
	}
	return &advised{exit: exit, hint: joinHints(after, firstOf(hint, "mend that, and run this again")), err: fmt.Errorf("handing over the session: %w", err)}
}

// lookAfterLocal renews this machine's session after a consent of the same user
// and app: what a second consent does to the first is not documented (docs/xero.md
// section 2), and a person should hear of it now. It returns what --json tells.
func (a *App) lookAfterLocal(ctx context.Context, t target, local *store.Record, shared bool) string {
	switch {
	case shared:
		a.hint("leave the session to the jobs: xeroauth logout -p %s (without --revoke, which would end theirs)", t.profile.Name)
		return "shared"
	case local == nil:
		return "none"
	}
	result, err := a.keeper(t).Rotate(ctx, 0)
	switch {
	case errors.Is(err, session.ErrLoginRequired):
		a.warn("this machine's own session has ended: %v", err)
		a.hint("the seeded one is not affected; for this machine run: xeroauth login -p %s", t.profile.Name)
		return string(session.LoginNeeded)
	case err != nil:
		a.warn("whether this machine's own session still lives could not be seen: %v", err)
		a.hint("see later: xeroauth refresh -p %s", t.profile.Name)
		return string(session.Kept)
	}
	a.say("this machine's own session still lives: it was renewed just now")
	return string(result.Outcome)
}
