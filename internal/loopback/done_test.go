package loopback

import (
	"net/http"
	"strings"
	"testing"
)

// Any path may be registered, also one below the pages' own.
func TestCallbackBelowDone(t *testing.T) {
	l := listen(t, "/done/callback")
	r, err := raw(l.Families()[0], get("/done/callback?state=wrong&code=x", l.host()))
	if err != nil || r.status != http.StatusBadRequest || l.Ignored()["no state or a wrong one"] != 1 {
		t.Errorf("%d, %v, %v; want it read as a callback", r.status, err, l.Ignored())
	}
}

// What people see is one line.
func TestAllBusyIsOneLine(t *testing.T) {
	first, second := listen(t, "/callback"), listen(t, "/callback")
	_, _, err := Listen([]string{first.URI(), second.URI()}, testIssuer)
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("%q", err)
	}
}
