package sandbox

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // a name for the key, as x5t is
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
)

// keyBits is the size of Xero's signing key, from which the length of every token follows (docs/xero.md section 6).
const keyBits = 2048

// signer makes RS256 tokens.
type signer struct {
	key      *rsa.PrivateKey
	kid, x5t string
	header   string // encoded, the same for every token
}

func newSigner(key *rsa.PrivateKey) (*signer, error) {
	if key == nil {
		var err error
		if key, err = rsa.GenerateKey(rand.Reader, keyBits); err != nil {
			return nil, fmt.Errorf("generating a key: %w", err)
		}
	}
	if key.N.BitLen() != keyBits {
		return nil, errors.New("the signing key must have 2048 bits, as Xero's has")
	}
	// SHA-1 only names the key here, in the form of Xero's key ids: 40 hex digits, and the same bytes as x5t.
	sum := sha1.Sum(x509.MarshalPKCS1PublicKey(&key.PublicKey)) //nolint:gosec // a name, not a signature
	s := &signer{key: key, kid: strings.ToUpper(hex.EncodeToString(sum[:])), x5t: base64.RawURLEncoding.EncodeToString(sum[:])}
	s.header = encodeJSON(struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
		X5t string `json:"x5t"`
		Typ string `json:"typ"`
	}{"RS256", s.kid, s.x5t, "JWT"})
	return s, nil
}

func (s *signer) sign(claims any) (string, error) {
	text := s.header + "." + encodeJSON(claims)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}

// encodeJSON is for claims of strings and numbers, which always have a JSON form.
func encodeJSON(v any) string {
	b, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b)
}

// halfHash is the form of at_hash and s_hash: the left half of the SHA-256 (OpenID Connect Core 3.1.3.6).
func halfHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func (s *Sandbox) serveKeys(*call) reply {
	public := s.signer.key.PublicKey
	return jsonReply(http.StatusOK, map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": s.signer.kid, "x5t": s.signer.x5t,
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()),
		"n": base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
	}}})
}
