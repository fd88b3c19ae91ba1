package xero

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

var testKeys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var keys [2]*rsa.PrivateKey
	for i := range keys {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = key
	}
	return keys
})

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func b64JSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b64(b)
}

func signRS256(key *rsa.PrivateKey, header, claims map[string]any) string {
	text := b64JSON(header) + "." + b64JSON(claims)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return text + "." + b64(sig)
}

func keySetOf(kid string, key *rsa.PrivateKey) string {
	b, err := json.Marshal(map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
		"n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes()),
	}}})
	if err != nil {
		panic(err)
	}
	return string(b)
}

const (
	unchecked = "so the id token's signature is unchecked"
	badTimes  = "the id token's times do not fit the server's clock"
)

// idCase is one id token and one answer of the key address.
type idCase struct {
	name    string
	header  map[string]any // changes to the good header
	claims  map[string]any // changes to the good claims; nil removes
	token   func(good string) string
	keys    http.HandlerFunc
	nonce   string // this login's; "-" for none
	date    time.Time
	refused string // part of the error's text; empty when the token is taken
	user    string
	warns   []string // parts of the warnings, in order
}

func TestVerifyIDToken(t *testing.T) {
	keys := testKeys()
	hs256 := func(key []byte) func(string) string {
		return func(good string) string {
			text := b64JSON(map[string]any{"alg": "HS256", "kid": "k1"}) + "." + strings.Split(good, ".")[1]
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(text))
			return text + "." + b64(mac.Sum(nil))
		}
	}
	none := func(good string) string {
		return b64JSON(map[string]any{"alg": "none"}) + "." + strings.Split(good, ".")[1] + "."
	}
	unsigned := func(good string) string { return good[:strings.LastIndexByte(good, '.')+1] }
	forged := func(good string) string {
		p := strings.Split(good, ".")
		return p[0] + "." + b64JSON(map[string]any{"sub": "evil"}) + "." + p[2]
	}
	down := replying(http.StatusInternalServerError, "")
	at := testNow.Unix()
	tests := []idCase{
		{name: "good", user: "user-1"},
		{name: "good, no xero_userid", claims: map[string]any{"xero_userid": nil}, user: "subject-1"},
		{name: "good, audience as a list", claims: map[string]any{"aud": []string{"other", testClient}}, user: "user-1"},
		{name: "good, without a kid", header: map[string]any{"kid": nil}, user: "user-1"},
		{name: "no nonce asked, none given", claims: map[string]any{"nonce": nil}, nonce: "-", user: "user-1"},

		{name: "signed with another key", token: func(string) string {
			return signRS256(keys[1], map[string]any{"alg": "RS256", "kid": "k1"}, goodClaims("http://x"))
		}, refused: "signature is not Xero's"},
		{name: "claims changed after signing", token: forged, refused: "signature is not Xero's"},
		{name: "no signature", token: unsigned, refused: "signature is not Xero's"},
		{name: "kid that Xero's keys do not have", header: map[string]any{"kid": "k2"}, refused: "signature is not Xero's"},
		{name: "alg none", token: none, refused: "checking the id token"},
		{name: "alg HS256 with the public key as secret", token: hs256(keys[0].N.Bytes()), refused: "checking the id token"},
		{name: "alg RS512 named", header: map[string]any{"alg": "RS512"}, refused: "checking the id token"},
		{name: "wrong audience", claims: map[string]any{"aud": "other-app"}, refused: "audience"},
		{name: "audience missing", claims: map[string]any{"aud": nil}, refused: "audience"},
		{name: "audience that only begins alike", claims: map[string]any{"aud": testClient + "2"}, refused: "audience"},
		{name: "wrong issuer", claims: map[string]any{"iss": "https://identity.xero.com.evil.com"}, refused: "provider"},
		{name: "issuer missing", claims: map[string]any{"iss": nil}, refused: "provider"},
		{name: "wrong nonce", claims: map[string]any{"nonce": "other"}, refused: "nonce"},
		{name: "nonce missing", claims: map[string]any{"nonce": nil}, refused: "nonce"},
		{name: "nonce given though none was asked", nonce: "-", refused: "nonce"},
		{name: "not a JWT", token: func(string) string { return "opaque" }, refused: "checking the id token"},
		{name: "payload that is no JSON", token: func(good string) string {
			p := strings.Split(good, ".")
			return p[0] + "." + b64([]byte("{")) + "." + p[2]
		}, refused: "checking the id token"},
		{name: "names of another kind", claims: map[string]any{"name": map[string]any{"x": 1}}, refused: "its claims"},

		{name: "expired for an hour", claims: map[string]any{"exp": at - 3600}, date: testNow, user: "user-1", warns: []string{badTimes}},
		{name: "expired within the tolerance", claims: map[string]any{"exp": at - 299}, date: testNow, user: "user-1"},
		{name: "issued in an hour", claims: map[string]any{"iat": at + 3600}, date: testNow, user: "user-1", warns: []string{badTimes}},
		{name: "issued within the tolerance", claims: map[string]any{"iat": at + 299}, date: testNow, user: "user-1"},
		{name: "expired, and the server told no time", claims: map[string]any{"exp": at - 3600}, user: "user-1"},
		{name: "our clock is a year off, the server's is not", claims: map[string]any{"iat": at + 365*86400, "exp": at + 365*86400 + 300},
			date: testNow.AddDate(0, 0, 365), user: "user-1"},

		{name: "keys answer 500", keys: down, user: "user-1", warns: []string{unchecked}},
		{name: "keys answer 403 with a page", keys: replying(403, "<html>", "Content-Type", "text/html"), user: "user-1", warns: []string{unchecked}},
		{name: "keys are a page under 200", keys: replying(200, "<html>", "Content-Type", "text/html"), user: "user-1", warns: []string{unchecked}},
		{name: "keys are cut off", keys: replying(200, `{"keys":[`), user: "user-1", warns: []string{unchecked}},
		{name: "keys redirect", keys: replying(302, "", "Location", "/elsewhere"), user: "user-1", warns: []string{unchecked}},
		{name: "keys reset", keys: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, user: "user-1", warns: []string{"(no answer), " + unchecked}},
		{name: "keys down, and expired", keys: down, claims: map[string]any{"exp": at - 3600}, date: testNow, user: "user-1", warns: []string{unchecked, badTimes}},
		{name: "no keys at all is a set", keys: replying(200, `{"keys":[]}`), refused: "signature is not Xero's"},
		{name: "keys down does not excuse a wrong nonce", keys: down, claims: map[string]any{"nonce": "other"}, refused: "nonce"},
		{name: "keys down does not excuse a wrong audience", keys: down, claims: map[string]any{"aud": "other"}, refused: "audience"},
		{name: "keys down does not excuse a wrong issuer", keys: down, claims: map[string]any{"iss": "http://other"}, refused: "provider"},
		{name: "keys down does not excuse alg none", keys: down, token: none, refused: "checking the id token"},
		{name: "keys down does not excuse HS256", keys: down, token: hs256([]byte("x")), refused: "checking the id token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkIDToken(t, tt) })
	}
}

func goodClaims(issuer string) map[string]any {
	return map[string]any{
		"iss": issuer, "aud": testClient, "sub": "subject-1", "xero_userid": "user-1", "nonce": "nonce-1",
		"iat": testNow.Unix(), "exp": testNow.Add(5 * time.Minute).Unix(), "name": "Ada Marlowe", "email": "ada@example.com",
	}
}

func change(good, changes map[string]any) map[string]any {
	out := maps.Clone(good)
	for k, v := range changes {
		if v == nil {
			delete(out, k)
		} else {
			out[k] = v
		}
	}
	return out
}

func checkIDToken(t *testing.T, tt idCase) {
	serve := tt.keys
	if serve == nil {
		serve = replying(http.StatusOK, keySetOf("k1", testKeys()[0]))
	}
	s := newServer(t, serve)
	c, traced := s.client(t)
	token := signRS256(testKeys()[0], change(map[string]any{"alg": "RS256", "kid": "k1", "typ": "JWT"}, tt.header), change(goodClaims(s.URL), tt.claims))
	if tt.token != nil {
		token = tt.token(token)
	}
	nonce := "nonce-1"
	if tt.nonce == "-" {
		nonce = ""
	}
	who, warnings, err := c.VerifyIDToken(context.Background(), publicApp(), TokenSet{IDToken: secret.New(token), Date: tt.date}, nonce)
	if n := len(s.requests()); n > 1 {
		t.Errorf("%d requests for the keys", n)
	}
	if strings.Contains(strings.Join(traced.all(), "\n"), token) {
		t.Error("the token was traced")
	}
	if tt.refused != "" {
		e := asError(t, err)
		if e.Kind != Refused || !strings.Contains(e.Error(), tt.refused) || who != (Identity{}) || warnings != nil {
			t.Errorf("Kind %d, %v, %+v, %q; want it refused with %q", e.Kind, e, who, warnings, tt.refused)
		}
		if p := strings.Split(token, "."); len(p) == 3 && (strings.Contains(e.Error(), p[1]) || p[2] != "" && strings.Contains(e.Error(), p[2])) {
			t.Errorf("the error holds a part of the token: %v", e)
		}
		return
	}
	if want := (Identity{UserID: tt.user, Name: "Ada Marlowe", Email: "ada@example.com"}); err != nil || who != want {
		t.Errorf("%+v, %v; want %+v", who, err, want)
	}
	if len(warnings) != len(tt.warns) {
		t.Fatalf("warnings %q; want %q", warnings, tt.warns)
	}
	for i, w := range tt.warns {
		if !strings.Contains(warnings[i], w) {
			t.Errorf("warning %q; want %q in it", warnings[i], w)
		}
	}
}

func TestVerifyIDTokenNobodyAnswers(t *testing.T) {
	c, _ := clientOf(Production())
	c.http.Transport = &transport{client: c, base: deaf{}}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	token := signRS256(testKeys()[0], map[string]any{"alg": "RS256", "kid": "k1"}, goodClaims(Production().Issuer))
	who, warnings, err := c.VerifyIDToken(ctx, publicApp(), TokenSet{IDToken: secret.New(token)}, "nonce-1")
	if err != nil || who.UserID != "user-1" || len(warnings) != 1 || !strings.Contains(warnings[0], unchecked) {
		t.Errorf("%+v, %q, %v; want the user and one warning", who, warnings, err)
	}
}

func TestIdentityIsCut(t *testing.T) {
	s := newServer(t, replying(http.StatusOK, keySetOf("k1", testKeys()[0])))
	c, _ := s.client(t)
	long := strings.Repeat("x", 5000)
	token := signRS256(testKeys()[0], map[string]any{"alg": "RS256", "kid": "k1"},
		change(goodClaims(s.URL), map[string]any{"name": long, "email": long, "xero_userid": long}))
	who, _, err := c.VerifyIDToken(context.Background(), publicApp(), TokenSet{IDToken: secret.New(token)}, "nonce-1")
	want := Identity{UserID: "subject-1", Name: long[:300] + "…", Email: long[:300] + "…"}
	if err != nil || who != want {
		t.Errorf("%+v, %v; want the texts cut and the id that is usable", who, err)
	}
}
