package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/keychain"
	"github.com/xeroauth/xeroauth/internal/term"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// appPage is where apps are made (docs/xero.md section 4).
const appPage = "https://developer.xero.com/app/manage"

// appKinds are the kinds of app in the order in which they are offered.
var appKinds = []struct{ kind, portal, why string }{
	{profile.Public, "Mobile or desktop app", "for a laptop: no secret to keep (PKCE)"},
	{profile.Web, "Web app", "has a client secret, which the store will keep"},
	{profile.Custom, "Custom connection", "for CI: one organisation, no browser, no user"},
}

// guide sets up a first login by asking. Whatever a flag or the environment
// says already is not asked. Nothing is kept before the login has succeeded, so
// that leaving at any point leaves nothing behind.
func (a *App) guide(ctx context.Context, plan *loginPlan, o *loginOptions) error {
	// A store that does not work would make all the answers vain.
	if err := store.Probe(ctx, plan.store, plan.account); err != nil {
		return fmt.Errorf("trying the store before the set-up: %w", err)
	}
	plan.guided, plan.askTenant = true, o.tenant == ""
	a.say("nothing is set up for the profile %q yet: a few questions", plan.profile.Name)
	a.say("leaving with Ctrl-C at any of them leaves nothing behind")
	for _, step := range []func(context.Context, *loginOptions) error{a.guideKind, a.guideApp, a.guideClient, a.guideSecret, a.guideScopes} {
		err := step(ctx, o)
		if errors.Is(err, term.ErrNoAnswer) {
			return usagef("run: "+a.cmd("login --client-id ID"), "the set-up was left, and nothing was kept: %w", err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ask asks until take accepts the answer; it says why it does not.
func (a *App) ask(ctx context.Context, question string, take func(answer string) error) error {
	for {
		answer, err := term.Ask(ctx, a.Stdin, a.Stderr, prefix+question)
		if err != nil {
			return err
		}
		if err = take(strings.TrimSpace(answer)); err == nil {
			return nil
		}
		a.warn("%v", err)
		if _, hint := a.advise(err); hint != "" {
			a.hint("%s", hint)
		}
	}
}

// choice reads a number from 1 to n; nothing is 1.
func choice(answer string, n int) (int, error) {
	if answer == "" {
		return 0, nil
	}
	i, err := strconv.Atoi(answer)
	if err != nil || i < 1 || i > n {
		return 0, fmt.Errorf("answer with a number from 1 to %d", n)
	}
	return i - 1, nil
}

func (a *App) guideKind(ctx context.Context, o *loginOptions) error {
	if o.app != "" {
		return nil
	}
	var rows [][]string
	for i, k := range appKinds {
		if k.kind == profile.Custom && (o.scopes != "" || len(o.redirectURIs) > 0) {
			continue // what was said has no meaning for it
		}
		rows = append(rows, []string{"   ", strconv.Itoa(i + 1), k.portal, k.why})
	}
	fmt.Fprintf(a.Stderr, "\n  What kind of app is it to be?\n%s", table(rows))
	return a.ask(ctx, "kind of app [1]: ", func(answer string) error {
		i, err := choice(answer, len(rows))
		if err == nil {
			o.app = appKinds[i].kind
		}
		return err
	})
}

// guideApp says what to fill in where the app is made, and opens that page if
// it is told to.
func (a *App) guideApp(ctx context.Context, o *loginOptions) error {
	page := appPage
	if authority := firstOf(o.authority, a.Authority); authority != "" {
		page = strings.TrimSuffix(authority, "/") + "/"
	}
	fmt.Fprintf(a.Stderr, "\n  Make the app, or look up one that you have, at %s\n", page)
	i := slices.IndexFunc(appKinds, func(k struct{ kind, portal, why string }) bool { return k.kind == o.app })
	rows := [][]string{{"   ", "Integration type", appKinds[i].portal}}
	if o.app != profile.Custom {
		rows = append(rows, []string{"   ", "Company or application URL", "any https address of yours"})
		for _, uri := range orDefaultURI(o.redirectURIs) {
			rows = append(rows, []string{"   ", "Redirect URI", uri})
		}
	}
	fmt.Fprint(a.Stderr, table(rows))
	if o.app != profile.Custom {
		fmt.Fprintln(a.Stderr, "  Xero compares the redirect URI letter by letter: copy it from here.")
	}
	if a.noBrowserReason() != "" || o.noBrowser {
		return nil
	}
	answer, err := term.Ask(ctx, a.Stdin, a.Stderr, prefix+"open that page in the browser? [y/N] ")
	if strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes") {
		a.openBrowser(page)
	}
	return err
}

func orDefaultURI(uris []string) []string {
	if len(uris) > 0 {
		return uris
	}
	return []string{defaultRedirectURI}
}

func (a *App) guideClient(ctx context.Context, o *loginOptions) error {
	fmt.Fprintln(a.Stderr)
	return a.ask(ctx, "client id (in Configuration): ", func(answer string) error {
		if !looksLikeClientID(answer) {
			return errors.New("that is no client id, which is 32 of 0-9 and A-F")
		}
		o.clientID = answer
		return nil
	})
}

// looksLikeClientID: 32 hexadecimal digits (docs/xero.md section 4).
func looksLikeClientID(s string) bool {
	return len(s) == 32 && !strings.ContainsFunc(s, func(r rune) bool {
		return !('0' <= r && r <= '9' || 'a' <= r && r <= 'f' || 'A' <= r && r <= 'F')
	})
}

func (a *App) guideSecret(ctx context.Context, o *loginOptions) error {
	switch {
	case o.app == profile.Public || o.secretStdin || o.secretFile != "":
		return nil
	case a.env(envClientSecret) != "":
		a.say("the client secret is that of %s", envClientSecret)
		return nil
	}
	for {
		text, err := a.askSecret(ctx)
		if err != nil {
			return err
		}
		if o.typedSecret = secret.New(strings.TrimSpace(text.Reveal())); isPrintable(o.typedSecret.Reveal()) {
			return nil
		}
		a.warn("that is no client secret: it is one word")
	}
}

// isPrintable reports one word of ASCII, as ids and secrets are.
func isPrintable(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

func (a *App) guideScopes(ctx context.Context, o *loginOptions) error {
	switch {
	case o.app == profile.Custom || o.scopes != "":
		return nil
	case a.env(envScopes) != "":
		a.say("the scopes are those of %s", envScopes)
		return nil
	}
	presets := xero.Scopes().Presets
	var rows [][]string
	for i, p := range presets {
		rows = append(rows, []string{"   ", strconv.Itoa(i + 1), p.Name, p.Opens})
	}
	fmt.Fprintf(a.Stderr, "\n  What may the tokens open?\n%s", table(rows))
	fmt.Fprintf(a.Stderr, "  Or names of scopes and presets; %q lists them all.\n", "xeroauth scopes")
	return a.ask(ctx, "scopes [1]: ", func(answer string) error {
		if i, err := choice(answer, len(presets)); err == nil {
			o.scopes = presets[i].Name
			return nil
		}
		scopes, err := expandScopes(answer)
		if err == nil {
			err = refuseScopes(scopes)
		}
		o.scopes = answer
		return err
	})
}

// tellCommand prints the command that does without questions what a guided
// set-up did.
func (a *App) tellCommand(plan *loginPlan) {
	if a.flags.json {
		return
	}
	p := plan.profile
	words := []string{"login", "--client-id", p.ClientID}
	switch p.App {
	case profile.Web:
		words = append(words, "--app", "web", "--client-secret-stdin")
	case profile.Custom:
		words = append(words, "--custom-connection", "--client-secret-stdin")
		p.Tenant = "" // it has one organisation
	}
	if len(p.Scopes) > 0 && shortScopes(p.Scopes) != xero.DefaultPreset {
		words = append(words, "--scopes", shortScopes(p.Scopes))
	}
	for _, uri := range p.RedirectURIs {
		if len(p.RedirectURIs) > 1 || uri != defaultRedirectURI {
			words = append(words, "--redirect-uri", uri)
		}
	}
	for _, s := range []struct{ flag, value string }{{"--tenant", p.Tenant}, {"--authority", p.Authority}, {"--store", p.Store}} {
		if s.value != "" && s.value != firstOf(a.env(envStore), keychain.Name) {
			words = append(words, s.flag, s.value)
		}
	}
	for i := range words {
		words[i] = shellWord(words[i])
	}
	a.say("the same without questions:")
	fmt.Fprintf(a.Stderr, "\n  %s\n\n", a.cmd(strings.Join(words, " ")))
}

// shellWord quotes a word that a shell would not leave alone.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || strings.ContainsRune("@%+=:,./_-", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
