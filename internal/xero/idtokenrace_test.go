package xero

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// lateKeys ends the wait for the keys and then answers.
type lateKeys struct{ cancel func() }

func (l lateKeys) RoundTrip(*http.Request) (*http.Response, error) {
	l.cancel()
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"keys":[]}`))}, nil
}

// go-oidc fetches keys in a goroutine that no context ends: it must not write
// where the login that gave up on it reads. Only -race sees it.
func TestKeysThatComeTooLate(t *testing.T) {
	token := signRS256(testKeys()[0], map[string]any{"alg": "RS256", "kid": "k1"}, goodClaims(Production().Issuer))
	for range 200 {
		c, _ := clientOf(Production())
		c.Trace = nil
		ctx, cancel := context.WithCancel(context.Background())
		c.http.Transport = &transport{client: c, base: lateKeys{cancel}}
		_, _, _ = c.VerifyIDToken(ctx, publicApp(), TokenSet{IDToken: secret.New(token)}, "nonce-1")
		cancel()
	}
}
