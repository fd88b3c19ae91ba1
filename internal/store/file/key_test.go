package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/file"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// TestMissingKeyFileIsNotAMissingSession: the key comes from a file that a
// person names, and its absence is no answer to whether there is a session.
func TestMissingKeyFileIsNotAMissingSession(t *testing.T) {
	f := newFolder(t)
	s := file.New(f.config(t))
	version := save(t, s, "acme", value, "")
	missing := filepath.Join(testdir.New(t), "key.txt")
	f.key = func() (secret.Text, error) {
		b, err := os.ReadFile(missing)
		return secret.New(string(b)), err
	}
	_, _, err := s.Load(t.Context(), "acme")
	if errors.Is(err, store.ErrNotFound) {
		t.Error("it says that there is no session")
	}
	if !store.IsClass(err, store.NoKey) || !strings.Contains(err.Error(), missing) {
		t.Errorf("error %v, want class %s and the key file's name", err, store.NoKey)
	}
	if _, err := s.Save(t.Context(), "acme", secret.New("new"), version); !store.IsClass(err, store.NoKey) {
		t.Errorf("saving: %v, want class %s", err, store.NoKey)
	}
	if _, err := s.Save(t.Context(), "first", secret.New("new"), ""); !store.IsClass(err, store.NoKey) {
		t.Errorf("saving a first time: %v, want class %s", err, store.NoKey)
	}
}
