package doctor

import (
	"context"
	"errors"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// requestLimit bounds each request that a check makes.
const requestLimit = 30 * time.Second

// checkNetwork asks each host for anything at all, all at once: without a
// network each of them takes its time to fail.
func (v *visit) checkNetwork(ctx context.Context) finding {
	authority := v.Profile.Authority
	if v.record != nil {
		authority = v.record.Authority // the session decides
	}
	client, err := v.Client(authority)
	if err != nil {
		return fail(v.Advise(err), "%v", err)
	}
	v.client = client
	addresses := client.Endpoints.Hosts()
	reached, errs := make([]xero.Reached, len(addresses)), make([]error, len(addresses))
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	var all sync.WaitGroup
	for i, address := range addresses {
		all.Go(func() { reached[i], errs[i] = client.Reach(ctx, address) })
	}
	all.Wait()
	var hosts []string
	for i, address := range addresses {
		var e *xero.ReachError
		if errors.As(errs[i], &e) {
			return v.unreached(e)
		}
		if u, err := url.Parse(address); err == nil {
			hosts = append(hosts, u.Host)
		}
		if reached[i].HasDate && v.ahead == nil {
			v.ahead = &reached[i].Ahead
		}
	}
	how := "directly"
	switch p := reached[0].Proxy; {
	case p != "":
		how = "through the proxy " + p
	case v.Proxy != "" && client.Endpoints.API == xero.Production().API:
		how += ", although " + v.Proxy + " is set (it holds no address, or NO_PROXY excepts Xero)"
	}
	return ok("reached %s: %s", how, strings.Join(hosts, ", "))
}

func (v *visit) unreached(e *xero.ReachError) finding {
	switch e.Stage {
	case xero.AtProxy:
		fix := "unset " + v.Proxy
		if runtime.GOOS == "windows" {
			fix = "set " + v.Proxy + "="
		}
		return fail(fix, "%v; mend the proxy or the variable %s, or go without", e, v.Proxy)
	case xero.AtName:
		return fail("nslookup "+word(e.Host), "%v; this machine's DNS does not find the name", e)
	case xero.AtTLS:
		return fail("export SSL_CERT_FILE=FILE", "%v; if a proxy here reads TLS, FILE must hold its CA", e)
	case xero.AtConnect, xero.AtAnswer:
	}
	if v.client.Endpoints.API != xero.Production().API {
		return fail("xeroauth sandbox --port "+portOf(v.client.Endpoints.API), "%v; the profile's sandbox does not run", e)
	}
	return fail("export HTTPS_PROXY=http://HOST:PORT", "%v; if this network needs a proxy, name it", e)
}

func portOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Port() == "" {
		return "80"
	}
	return u.Port()
}

const (
	// clockWarn is what other programs already complain of, and clockFail what
	// the check of an id token does not bear either.
	clockWarn = time.Minute
	clockFail = 5 * time.Minute
)

func (v *visit) checkClock(context.Context) finding {
	if v.ahead == nil {
		return warn("try again", "no host told the time")
	}
	off := v.ahead.Abs()
	direction := "ahead of"
	if *v.ahead < 0 {
		direction = "behind"
	}
	fix := map[string]string{
		"darwin": "sudo sntp -sS time.apple.com", "windows": "w32tm /resync",
	}[runtime.GOOS]
	if fix == "" {
		fix = "sudo timedatectl set-ntp true"
	}
	switch {
	case off >= clockFail:
		return fail(fix, "this machine's clock is %s %s Xero's", off, direction)
	case off > clockWarn:
		return warn(fix, "this machine's clock is %s %s Xero's", off, direction)
	}
	return ok("within %s of Xero's", max(off, time.Second))
}

// madeUp is a refresh token that nobody was ever given.
const madeUp = "made-up-by-xeroauth-doctor"

// checkClient asks Xero whether it takes id and secret. A made-up refresh token
// does for that: invalid_grant means that the app itself was accepted. A custom
// connection has none, and asks for an access token, which rotates nothing.
func (v *visit) checkClient(ctx context.Context) finding {
	asked := store.Record{ClientID: v.Profile.ClientID, App: v.Profile.App}
	if v.record != nil {
		asked = *v.record
	}
	app, err := v.App(ctx, asked)
	if err != nil {
		return fail(v.Advise(err), "%v", err)
	}
	for _, text := range []string{"[object Object]", "undefined", "null"} {
		if app.Secret.Equal(secret.New(text)) {
			return fail(v.newSecret(), "the client secret is %q: a script put an object or nothing where the secret belongs", text)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	var set xero.TokenSet
	if v.custom() {
		set, err = v.client.ClientCredentials(ctx, app)
	} else {
		_, err = v.client.Refresh(ctx, app, secret.New(madeUp))
	}
	var e *xero.Error
	switch {
	case err == nil && v.custom():
		v.token, v.granted = set.AccessToken, set.Scopes
		return ok("Xero takes id and secret, and gave a token")
	case xero.IsKind(err, xero.InvalidGrant) && !v.custom():
		if asked.App == profile.Public {
			return ok("Xero knows the client id")
		}
		return ok("Xero takes id and secret")
	case errors.As(err, &e) && e.Kind == xero.Refused:
		return v.refusedClient(e, asked)
	case err == nil:
		return warn(v.Cmd("status"), "the server took a refresh token that was made up: it is not Xero")
	}
	return fail(v.Advise(err), "%s", answer(err))
}

// answer is what Xero said without the step, which here would speak of a
// refresh that was never meant.
func answer(err error) string {
	var e *xero.Error
	if errors.As(err, &e) {
		return strings.TrimPrefix(e.Error(), e.Step+": ")
	}
	return err.Error()
}

func (v *visit) refusedClient(e *xero.Error, asked store.Record) finding {
	switch {
	case e.Code == "invalid_client" && asked.App == profile.Public:
		return fail(v.Cmd("login --replace --client-id ID"), "%s: no mobile or desktop app has the client id %s (a typing error, an app that was deleted, or a web app)", answer(e), asked.ClientID)
	case e.Code == "invalid_client":
		return fail(v.newSecret(), "%s: the secret is not that of the client id %s, or the id is wrong", answer(e), asked.ClientID)
	case e.Code == "unauthorized_client":
		return fail(v.Cmd("login --replace --client-id ID"), "%s: the app is of another kind than %q", answer(e), asked.App)
	}
	return fail(v.Advise(e), "%s", answer(e))
}

// newSecret gives the app's secret anew.
func (v *visit) newSecret() string {
	switch {
	case v.Stateless:
		return "set XERO_CLIENT_ID and XERO_CLIENT_SECRET to what developer.xero.com shows"
	case v.custom():
		return v.Cmd("login --custom-connection --client-secret-file FILE")
	}
	return v.Cmd("login --client-secret-file FILE")
}
