package sandbox

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// verified checks a token's signature with the published key and gives its header and claims.
func (w *world) verified(token string) (header, claims map[string]any) {
	w.t.Helper()
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal([]byte(w.do("GET", "/.well-known/openid-configuration/jwks", "").body), &set); err != nil || len(set.Keys) != 1 {
		w.t.Fatalf("keys: %v, %v", set, err)
	}
	decode := func(text string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			w.t.Fatal(err)
		}
		return b
	}
	key := rsa.PublicKey{
		N: new(big.Int).SetBytes(decode(set.Keys[0]["n"])),
		E: int(new(big.Int).SetBytes(decode(set.Keys[0]["e"])).Int64()),
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		w.t.Fatalf("%d parts", len(parts))
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&key, crypto.SHA256, sum[:], decode(parts[2])); err != nil {
		w.t.Error(err)
	}
	for i, into := range []*map[string]any{&header, &claims} {
		if err := json.Unmarshal(decode(parts[i]), into); err != nil {
			w.t.Fatal(err)
		}
	}
	if header["kid"] != set.Keys[0]["kid"] || set.Keys[0]["alg"] != "RS256" || key.N.BitLen() != 2048 {
		w.t.Errorf("header %v does not fit the published key", header)
	}
	return header, claims
}

func names(m map[string]any) string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

func TestAccessTokenClaims(t *testing.T) {
	w := newWorld(t, nil)
	now := float64(w.now.Unix())
	got := w.login()
	header, claims := w.verified(got.AccessToken)
	if names(header) != "alg kid typ x5t" || header["alg"] != "RS256" || header["typ"] != "JWT" {
		t.Errorf("header %v", header)
	}
	match(t, "kid", header["kid"].(string), `[0-9A-F]{40}`)
	if want := "aud auth_time authentication_event_id client_id exp global_session_id iss jti nbf scope sub xero_userid"; names(claims) != want {
		t.Errorf("claims %s; want %s", names(claims), want)
	}
	if claims["iss"] != w.base || claims["aud"] != w.base+"/resources" || claims["client_id"] != DefaultPublicClientID {
		t.Errorf("claims %v", claims)
	}
	if claims["nbf"] != now || claims["exp"] != now+1800 || claims["auth_time"] != now {
		t.Errorf("times of %v", claims)
	}
	match(t, "sub", claims["sub"].(string), `[0-9a-f]{32}`)
	match(t, "jti", claims["jti"].(string), `[0-9A-F]{32}`)
	match(t, "event", claims["authentication_event_id"].(string), uuidPattern)
	match(t, "user", claims["xero_userid"].(string), uuidPattern)
	if scope, _ := json.Marshal(claims["scope"]); string(scope) != `["`+strings.ReplaceAll(got.Scope, " ", `","`)+`"]` {
		t.Errorf("scope %s; want the list of %q", scope, got.Scope)
	}
	w.pass(time.Hour)
	_, later := w.verified(w.tokens(w.refresh(got.RefreshToken)).AccessToken)
	if later["auth_time"] != now || later["authentication_event_id"] != claims["authentication_event_id"] || later["nbf"] != now+3600 || later["jti"] == claims["jti"] {
		t.Errorf("after a refresh %v; before %v", later, claims)
	}
}

func TestMachineTokenClaims(t *testing.T) {
	w := newWorld(t, nil)
	_, claims := w.verified(w.tokens(w.machine(DefaultCustomClientID, DefaultCustomClientSecret)).AccessToken)
	if want := "aud client_id exp iss jti nbf scope"; names(claims) != want {
		t.Errorf("claims %s; want %s", names(claims), want)
	}
}

func TestIDTokenClaims(t *testing.T) {
	w := newWorld(t, nil)
	now := float64(w.now.Unix())
	got := w.login()
	_, claims := w.verified(got.IDToken)
	if want := "amr at_hash aud auth_time email exp family_name given_name global_session_id iat iss name nbf nonce preferred_username s_hash sid sub xero_userid"; names(claims) != want {
		t.Errorf("claims %s; want %s", names(claims), want)
	}
	half := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return base64.RawURLEncoding.EncodeToString(sum[:16])
	}
	for name, want := range map[string]any{
		"iss": w.base, "aud": DefaultPublicClientID, "iat": now, "exp": now + 300, "nonce": "n-1",
		"at_hash": half(got.AccessToken), "s_hash": half("st/ate ü+&"), "name": "Ada Marlowe", "email": "ada.marlowe@example.com",
	} {
		if claims[name] != want {
			t.Errorf("%s is %v; want %v", name, claims[name], want)
		}
	}
	_, later := w.verified(w.tokens(w.refresh(got.RefreshToken)).IDToken)
	if later["nonce"] != nil || later["s_hash"] != nil || later["sub"] != claims["sub"] {
		t.Errorf("after a refresh %v", later)
	}

	bare := newWorld(t, nil)
	_, claims = bare.verified(bare.login("scope", "openid", "nonce", "-", "state", "-").IDToken)
	if want := "amr at_hash aud auth_time exp global_session_id iat iss nbf sid sub xero_userid"; names(claims) != want {
		t.Errorf("with openid alone %s; want %s", names(claims), want)
	}
}

// The sizes that were computed for Xero's tokens (docs/xero.md section 6) decide what fits a keychain, so the sandbox's
// must not be smaller than those by more than the shorter issuer explains.
func TestTokensHaveRealSize(t *testing.T) {
	cli := "openid profile email offline_access accounting.contacts accounting.settings accounting.invoices accounting.payments " +
		"accounting.banktransactions accounting.manualjournals accounting.attachments accounting.budgets.read " +
		"accounting.reports.aged.read accounting.reports.balancesheet.read accounting.reports.profitandloss.read accounting.reports.trialbalance.read"
	for _, c := range []struct {
		scope      string
		access, id int
	}{
		{"openid email", 1110, 1140},
		{cli, 1610, 1240},
	} {
		w := newWorld(t, nil)
		got := w.login("scope", c.scope)
		for what, pair := range map[string][2]int{"access": {len(got.AccessToken), c.access}, "id": {len(got.IDToken), c.id}} {
			if size, want := pair[0], pair[1]; size < want*94/100 || size > want*106/100 {
				t.Errorf("%q: %s token has %d bytes; want about %d", c.scope, what, size, want)
			}
		}
	}
}

func TestSigningKeys(t *testing.T) {
	if s, err := New(Config{}); err != nil || s.signer.key.N.BitLen() != keyBits {
		t.Errorf("a generated key: %v", err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Key: small}); err == nil {
		t.Error("a key of another size was taken: its tokens would be too short")
	}
}
