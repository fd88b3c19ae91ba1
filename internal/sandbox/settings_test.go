package sandbox

import (
	"testing"
	"time"
)

func TestAdminSettings(t *testing.T) {
	w := newWorld(t, nil)
	a := w.admin("/sandbox/settings", `{"auto_consent":false,"strict":true,"code_lifetime":"10s","access_lifetime":"1m","refresh_lifetime":"1h","grace":"1m"}`)
	got := w.s.cfg
	if a.status != 204 || got.AutoConsent || !got.Strict || got.CodeLifetime != 10*time.Second || got.AccessLifetime != time.Minute ||
		got.RefreshLifetime != time.Hour || got.Grace != time.Minute {
		t.Errorf("%d, %+v", a.status, got)
	}
	if a := w.admin("/sandbox/settings", `{"access_lifetime":"2m"}`); a.status != 204 || w.s.cfg.AccessLifetime != 2*time.Minute || w.s.cfg.Grace != time.Minute {
		t.Errorf("what is left out must stay: %d", a.status)
	}
	for _, body := range []string{`{"grace":"soon"}`, `{"grace":"-1m"}`, `{"misspelt":true}`} {
		if a := w.admin("/sandbox/settings", body); a.status != 400 {
			t.Errorf("%s: %d", body, a.status)
		}
	}
}
