package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/sandbox"
)

type sandboxOptions struct {
	port                                                 int
	redirectURIs, organisations                          []string
	autoConsent, strict                                  bool
	codeLifetime, accessLifetime, refreshLifetime, grace durationFlag
}

func newSandboxCmd(a *App) *cobra.Command {
	var o sandboxOptions
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Run a local Xero to test against, offline",
		Long: `Plays Xero on this machine: consent pages, tokens that rotate, connections, a few
API answers, and faults on demand. It is as strict as Xero and opens nothing at
Xero. The address is printed on stdout; give it to "login --authority". Faults,
clock and organisations can be set while it runs: see docs/sandbox.md.`,
		Example: `  xeroauth sandbox --auto-consent
  xeroauth login -p test --authority http://localhost:9750 --client-id ` + sandbox.DefaultPublicClientID,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSandbox(cmd.Context(), a, o) },
	}
	f := cmd.Flags()
	f.IntVar(&o.port, "port", 9750, "port to listen on, loopback only; 0 takes a free one")
	f.StringArrayVar(&o.redirectURIs, "redirect-uri", nil, "redirect URI that the apps have registered (repeatable)")
	f.StringArrayVar(&o.organisations, "organisation", nil, "name of an organisation (repeatable)")
	f.BoolVar(&o.autoConsent, "auto-consent", false, "consent at once, without a page")
	f.BoolVar(&o.strict, "strict", false, "a refresh token used twice ends its session (Xero has a grace of 30 minutes)")
	o.codeLifetime = durationFlag(time.Minute)
	f.Var(&o.codeLifetime, "code-lifetime", "how long a code lives")
	o.accessLifetime = durationFlag(30 * time.Minute)
	f.Var(&o.accessLifetime, "access-lifetime", "how long an access token lives")
	o.refreshLifetime = durationFlag(60 * 24 * time.Hour)
	f.Var(&o.refreshLifetime, "refresh-lifetime", "how long an unused refresh token lives")
	o.grace = durationFlag(30 * time.Minute)
	f.Var(&o.grace, "grace", "how long a used refresh token is taken again")
	return cmd
}

func runSandbox(ctx context.Context, a *App, o sandboxOptions) error {
	cfg := sandbox.Config{
		AutoConsent: o.autoConsent, Strict: o.strict, CodeLifetime: time.Duration(o.codeLifetime), AccessLifetime: time.Duration(o.accessLifetime),
		RefreshLifetime: time.Duration(o.refreshLifetime), Grace: time.Duration(o.grace),
		Log: func(r sandbox.Request) {
			a.say("%s %s %d%s", r.Method, r.Path, r.Status, optional(" "+r.GrantType, r.GrantType)+optional(" fault "+r.Fault, r.Fault))
		},
	}
	for i, name := range o.organisations {
		cfg.Organisations = append(cfg.Organisations, sandbox.Organisation{TenantID: fmt.Sprintf("0a000000-0000-4000-8000-%012x", i+1), Name: name})
	}
	if len(o.redirectURIs) > 0 {
		cfg.Clients = sandbox.DefaultClients()
		for i := range cfg.Clients {
			if cfg.Clients[i].Kind != sandbox.CustomConnection {
				cfg.Clients[i].RedirectURIs = o.redirectURIs
			}
		}
	}
	s, err := sandbox.New(cfg)
	if err != nil {
		return usagef("run: xeroauth sandbox --help", "starting the sandbox: %w", err)
	}
	authority, err := s.Start(fmt.Sprintf("localhost:%d", o.port))
	if err != nil {
		return &advised{exit: exitFailure, hint: "choose another port with --port", err: fmt.Errorf("starting the sandbox: %w", err)}
	}
	defer func() { _ = s.Close() }()
	if _, err := fmt.Fprintln(a.Stdout, authority); err != nil {
		return fmt.Errorf("writing the address: %w", withoutFile(err))
	}
	a.say("public app  %s", sandbox.DefaultPublicClientID)
	a.say("web app     %s with secret %s", sandbox.DefaultWebClientID, sandbox.DefaultWebClientSecret)
	a.say("custom connection %s with secret %s", sandbox.DefaultCustomClientID, sandbox.DefaultCustomClientSecret)
	a.hint("run: xeroauth login -p test --authority %s --client-id %s", authority, sandbox.DefaultPublicClientID)
	<-ctx.Done()
	return context.Cause(ctx)
}

func optional(text, when string) string {
	if when == "" {
		return ""
	}
	return text
}
