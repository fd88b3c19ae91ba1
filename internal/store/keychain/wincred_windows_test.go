package keychain

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// TestCredentialManager keeps a value of the largest size in Windows'
// Credential Manager. It runs where a Windows was made for it, under Wine, and
// leaves a person's own alone. Wine does not hold Windows' limit of 2,560 bytes.
func TestCredentialManager(t *testing.T) {
	if !strings.Contains(","+os.Getenv("XEROAUTH_TEST_REQUIRE")+",", ",wine,") {
		t.Skip("this Credential Manager may be a person's own")
	}
	s := New(Config{Locks: &store.Locks{Dir: testdir.New(t), Wait: time.Minute}, Limit: time.Minute})
	const account = "a-profile-for-tests"
	if err := store.Probe(t.Context(), s, account); err != nil {
		t.Fatalf("probe: %v", err)
	}
	value := secret.New(strings.Repeat("v", store.MaxPacked))
	version, err := s.Save(t.Context(), account, value, "")
	if err != nil {
		t.Fatalf("save: %v", err)
	}
	got, loaded, err := s.Load(t.Context(), account)
	if err != nil || !got.Equal(value) || loaded != version {
		t.Errorf("load: %v, equal %t, version %q, want %q", err, got.Equal(value), loaded, version)
	}
	if _, err := s.Save(t.Context(), account, secret.New("other"), ""); err != store.ErrReplaced { //nolint:errorlint // the sentinel itself
		t.Errorf("saving over another version: %v", err)
	}
	if err := s.Delete(t.Context(), account); err != nil {
		t.Errorf("delete: %v", err)
	}
	if _, _, err := s.Load(t.Context(), account); err != store.ErrNotFound { //nolint:errorlint // the sentinel itself
		t.Errorf("after the delete: %v", err)
	}
}
