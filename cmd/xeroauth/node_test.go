package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/sandbox"
)

// needNode finds node, one that knows --env-file, and the folder where .ci/run
// has installed xero-node; on other machines XEROAUTH_TEST_NODE_MODULES names it.
func needNode(t *testing.T) (modules string) {
	t.Helper()
	needPart(t, "node", "node")
	modules = os.Getenv("XEROAUTH_TEST_NODE_MODULES")
	_, err := os.Stat(filepath.Join(modules, "xero-node"))
	if modules == "" {
		err = errors.New("XEROAUTH_TEST_NODE_MODULES names no folder")
	}
	if help, helpErr := exec.Command("node", "--help").Output(); helpErr != nil || !strings.Contains(string(help), "--env-file") {
		err = errors.Join(err, errors.New("node is older than 20.6"))
	}
	if err != nil {
		lacksPart(t, "node", err.Error())
	}
	return modules
}

// TestXeroNode gives what token, exec and export hand out to node programs:
// Xero's own library takes the token sets, calls with them, and refreshes one.
func TestXeroNode(t *testing.T) {
	modules := needNode(t)
	w := newCrashWorld(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	answer := func(args ...string) string {
		code, out, errs := w.run(t, args...)
		if code != 0 {
			t.Fatalf("%v: exit %d\n%s", args, code, errs)
		}
		return out
	}
	node := func(args ...string) string {
		cmd := exec.Command("node", args...)
		cmd.Env = append(w.env, "NODE_PATH="+modules, "SANDBOX="+w.authority, "CLIENT_ID="+sandbox.DefaultPublicClientID)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	call := write("call.js", `
const { XeroClient } = require('xero-node')
const { Issuer } = require('openid-client')
const [file, what] = process.argv.slice(2)
const xero = new XeroClient({ clientId: process.env.CLIENT_ID, clientSecret: '', redirectUris: [], scopes: [] })
xero.accountingApi.basePath = process.env.SANDBOX + '/api.xro/2.0'
const issuer = new Issuer({ issuer: process.env.SANDBOX, token_endpoint: process.env.SANDBOX + '/connect/token', jwks_uri: process.env.SANDBOX + '/.well-known/openid-configuration/jwks' })
xero.openIdClient = new issuer.Client({ client_id: process.env.CLIENT_ID, token_endpoint_auth_method: 'none' })
const given = JSON.parse(require('fs').readFileSync(file, 'utf8'))
const { expires_in, ...withoutLifetime } = given;
(async () => {
  // The library takes expires_in for the truth where both are there.
  for (const form of [withoutLifetime, given]) {
    xero.setTokenSet(form)
    const set = xero.readTokenSet()
    if (set.expired() || set.expires_in < 1700 || set.expires_in > 1800 || set.token_type !== 'Bearer' || !set.scope.includes('accounting.')) throw new Error('the token set is not what it was')
  }
  if (what === 'refresh') await xero.refreshToken()
  if (what === 'none' && given.refresh_token !== undefined) throw new Error('there is a refresh token')
  const { body } = await xero.accountingApi.getOrganisations('0a000000-0000-4000-8000-0000000000a1')
  console.log(body.organisations[0].name)
})().catch(e => { console.error(e); process.exit(1) })
`)
	const want = "Demo Company (AU)\n"
	if got := node(call, write("set.json", answer("token", "--json")), "none"); got != want {
		t.Errorf("token --json: %q", got)
	}
	variables := write("variables.js", `
const e = process.env
if (e.XERO_ACCESS_TOKEN !== e.XERO_CLIENT_BEARER_TOKEN) throw new Error('the tokens differ')
fetch(e.SANDBOX + '/api.xro/2.0/Organisation', { headers: { Authorization: 'Bearer ' + e.XERO_ACCESS_TOKEN, 'Xero-Tenant-Id': e.XERO_TENANT_ID } })
  .then(r => r.json()).then(o => console.log(o.Organisations[0].Name))
`)
	if got := node("--env-file="+write("variables.env", answer("export", "--format", "dotenv")), variables); got != want {
		t.Errorf("export --format dotenv: %q", got)
	}
	w.env = append(w.env, "SANDBOX="+w.authority)
	if got := answer("exec", "--", "node", variables); got != want {
		t.Errorf("exec: %q", got)
	}
	// Last, because from here on the session is xero-node's.
	if got := node(call, write("whole.json", answer("token", "--json", "--with-refresh-token")), "refresh"); got != want {
		t.Errorf("token --json --with-refresh-token: %q", got)
	}
	if n := w.sandbox.CountGrant("refresh_token"); n != 1 {
		t.Errorf("%d refreshes; want xero-node's", n)
	}
}
