package xero

import (
	"context"
	"net/http"
	"testing"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// What a server says while it is down is no refusal, as in TestTokenErrors.
func TestRevokeTemporary(t *testing.T) {
	for _, status := range []int{429, 500, 503} {
		s := newServer(t, replying(status, `{"error":"temporarily_unavailable"}`))
		c, _ := s.client(t)
		err := c.Revoke(context.Background(), webApp(), secret.New(testRefresh))
		if e := asError(t, err); e.Kind != Temporary || e.Status != status {
			t.Errorf("%s: Kind %d; want it temporary", http.StatusText(status), e.Kind)
		}
	}
}

// Nor is an answer that is no list an empty list: the list kept on this machine
// would be lost.
func TestConnectionsNull(t *testing.T) {
	s := newServer(t, replying(http.StatusOK, `null`))
	c, _ := s.client(t)
	if got, err := c.Connections(context.Background(), secret.New(testAccess)); err == nil {
		t.Errorf("%v; want it refused", got)
	}
}
