package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/sandbox"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/file"
	"github.com/xeroauth/xeroauth/internal/store/keychain"
)

func newDemoCmd(a *App) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show all of it against a local sandbox, without a Xero account",
		Long: `Starts a sandbox on this machine and does what you would do with Xero: logs in
through your browser, lists the tenants, pipes a header into a call, refreshes,
and cleans up. It uses the system keychain under a name of its own and removes
that entry. What is missing here (browser, keychain) is replaced, and said.`,
		Example: "  xeroauth demo",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), a) },
	}
}

const (
	// demoConsentAfter is how long the demo's consent page waits for a click
	// before it consents by itself.
	demoConsentAfter = 15 * time.Second
	// demoArrival is how long a browser gets to fetch the consent page.
	demoArrival = 20 * time.Second
)

// demo is one run: a sandbox, a folder, and the desk as it is used in it.
type demo struct {
	outer, inner *App
	sandbox      *sandbox.Sandbox
	authority    string
	// arrived is closed when a browser asks for the consent page.
	arrived chan struct{}
	mu      sync.Mutex
	used    []string // guarded by mu: the browser's goroutine adds to it
}

func (d *demo) use(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.used = append(d.used, what)
}

func (d *demo) whatWasUsed() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.used, " and ")
}

func runDemo(ctx context.Context, a *App) (err error) {
	dir, err := os.MkdirTemp("", "xeroauth-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d := &demo{outer: a, arrived: make(chan struct{})}
	if err := d.start(); err != nil {
		return err
	}
	defer func() { _ = d.sandbox.Close() }()
	if err := d.prepare(ctx, dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.cleanUp(ctx)) }()
	return d.tour(ctx)
}

func (d *demo) start() (err error) {
	var once sync.Once
	clients := sandbox.DefaultClients()
	for i := range clients {
		if clients[i].Kind == sandbox.Public {
			clients[i].RedirectURIs = demoRedirectURIs()
		}
	}
	d.sandbox, err = sandbox.New(sandbox.Config{
		Clients: clients, AutoConsentAfter: demoConsentAfter,
		Log: func(r sandbox.Request) {
			if strings.HasSuffix(r.Path, "/authorize") {
				once.Do(func() { close(d.arrived) })
			}
		},
	})
	if err == nil {
		d.authority, err = d.sandbox.Start("localhost:0")
	}
	if err != nil {
		return fmt.Errorf("starting the sandbox: %w", err)
	}
	return nil
}

// demoRedirectURIs leaves room beside a login that waits on the usual port.
func demoRedirectURIs() []string {
	uris := []string{defaultRedirectURI}
	for port := 8743; port < 8753; port++ {
		uris = append(uris, fmt.Sprintf("http://localhost:%d/callback", port))
	}
	return uris
}

// prepare makes the desk that the demo works at: its own folder, profile and
// locks, so that nothing of the person's is touched.
func (d *demo) prepare(ctx context.Context, dir string) error {
	inner := *d.outer
	inner.flags = globalFlags{}
	d.inner = &inner
	var env []string
	for _, kv := range d.outer.Environ {
		if !strings.HasPrefix(kv, "XERO_") && !strings.HasPrefix(kv, "XEROAUTH_") {
			env = append(env, kv)
		}
	}
	name := "demo-" + strings.ToLower(rand.Text()[:8])
	inner.Environ = append(env, envConfigDir+"="+filepath.Join(dir, "config"), envProfile+"="+name, "CI=1")
	inner.LockDir = func() (string, error) { return filepath.Join(dir, "locks"), nil }
	inner.command = "xeroauth demo"
	chosen, err := d.chooseStore(ctx)
	if err != nil {
		return err
	}
	inner.Environ = append(inner.Environ, envStore+"="+chosen)
	d.chooseBrowser(ctx)
	return nil
}

// chooseStore takes the keychain if it works, else an encrypted file.
func (d *demo) chooseStore(ctx context.Context) (string, error) {
	dir, err := d.inner.profiles()
	if err != nil {
		return "", err
	}
	chain, err := d.inner.openStore(keychain.Name, dir)
	if err != nil {
		return "", err
	}
	err = store.Probe(ctx, chain, d.inner.account(dir, d.inner.env(envProfile)))
	if err == nil {
		d.use("the system keychain")
		return keychain.Name, nil
	}
	if ctx.Err() != nil {
		return "", err
	}
	key, keyErr := age.GenerateX25519Identity()
	if keyErr != nil {
		return "", keyErr
	}
	d.inner.Environ = append(d.inner.Environ, envFileKey+"="+key.String())
	d.use("an encrypted file in a temporary folder instead of a keychain")
	d.outer.say("no keychain can be used here (%v): an encrypted file takes its place", err)
	return file.Name, nil
}

// chooseBrowser takes the person's browser if there is one; if it does not
// come, and where there is none, the demo follows the redirects itself.
func (d *demo) chooseBrowser(ctx context.Context) {
	reason := d.outer.noBrowserReason()
	d.inner.Browser = func(address string) error {
		if reason == "" {
			opened := make(chan error, 1)
			go func() { opened <- d.outer.open(address) }()
			if reason = d.awaitBrowser(ctx, opened); reason == "" {
				d.use("your browser")
				return nil
			}
		}
		d.outer.say("no browser is used (%s): the sandbox consents by itself", reason)
		d.use("the sandbox's own consent instead of a browser")
		d.sandbox.SetAutoConsent(true)
		return follow(ctx, address)
	}
}

// awaitBrowser returns why no browser came, or "".
func (d *demo) awaitBrowser(ctx context.Context, opened <-chan error) string {
	limit := time.NewTimer(demoArrival)
	defer limit.Stop()
	for {
		select {
		case <-d.arrived:
			return ""
		case err := <-opened:
			if err != nil {
				return err.Error()
			}
			opened = nil // it started; the page may still be on its way
		case <-limit.C:
			return "it did not open the page"
		case <-ctx.Done():
			return context.Cause(ctx).Error()
		}
	}
}

// follow does what a browser does with redirects.
func follow(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}

// tour runs the commands that a person would type.
func (d *demo) tour(ctx context.Context) error {
	login := []string{"login", "--authority", d.authority, "--client-id", sandbox.DefaultPublicClientID}
	for _, uri := range demoRedirectURIs() {
		login = append(login, "--redirect-uri", uri)
	}
	d.show("xeroauth login")
	if _, err := d.run(ctx, login...); err != nil {
		return err
	}
	d.show("xeroauth tenants")
	list, err := d.run(ctx, "tenants")
	if err != nil {
		return err
	}
	fmt.Fprint(d.outer.Stderr, list)
	call := d.authority + "/api.xro/2.0/Organisation"
	d.show("xeroauth header --api | curl -fsS -H @- " + call)
	header, err := d.run(ctx, "header", "--api")
	if err != nil {
		return err
	}
	if err := d.call(ctx, call, header); err != nil {
		return err
	}
	d.show("xeroauth refresh")
	if _, err := d.run(ctx, "refresh"); err != nil {
		return err
	}
	d.show("xeroauth status")
	status, err := d.run(ctx, "status")
	if err != nil {
		return err
	}
	fmt.Fprint(d.outer.Stderr, status)
	d.outer.say("that was all of it, with %s", d.whatWasUsed())
	d.outer.hint("with your own app: xeroauth login --client-id ID (register %s at developer.xero.com)", defaultRedirectURI)
	return nil
}

func (d *demo) show(line string) {
	fmt.Fprintf(d.outer.Stderr, "\n$ %s\n", line)
}

// run is a command at the inner desk; its stdout is returned.
func (d *demo) run(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	inner := *d.inner
	inner.Stdout = &out
	if code := Run(ctx, &inner, args); code != exitOK {
		return "", &advised{exit: code, err: fmt.Errorf("the demo stopped at: xeroauth %s", args[0])}
	}
	return out.String(), nil
}

// call does what curl -H @- does with the header lines.
func (d *demo) call(ctx context.Context, address, headerLines string) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	for line := range strings.Lines(headerLines) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the sandbox's API answered %s", resp.Status)
	}
	fmt.Fprintf(d.outer.Stderr, "%s\n", bytes.TrimSpace(body))
	return nil
}

// cleanUp removes the demo's entries, also when it was stopped half-way.
func (d *demo) cleanUp(ctx context.Context) error {
	dir, err := d.inner.profiles()
	if err != nil {
		return err
	}
	name := d.inner.env(envProfile)
	st, err := d.inner.openStore(d.inner.env(envStore), dir)
	if err != nil {
		return err
	}
	return forget(context.WithoutCancel(ctx), st, d.inner.account(dir, name), nothingElse)
}
