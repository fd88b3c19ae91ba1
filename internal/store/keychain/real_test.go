//go:build darwin || windows

package keychain

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// TestSystemKeychain writes, reads, replaces and deletes an entry of the
// largest size in the keychain of this macOS or Windows. It runs where that is
// asked for, as on a machine made for tests, and leaves a person's own alone.
// Under Wine it runs too; Wine does not hold Windows' limit of 2,560 bytes.
func TestSystemKeychain(t *testing.T) {
	if !strings.Contains(","+os.Getenv("XEROAUTH_TEST_REQUIRE")+",", ",keychain,") {
		t.Skip("this keychain may be a person's own")
	}
	s := New(Config{Locks: &store.Locks{Dir: testdir.New(t), Wait: time.Minute}, Limit: time.Minute})
	account := "test-" + rand.Text()
	t.Cleanup(func() {
		if err := s.Delete(context.Background(), account); err != nil {
			t.Errorf("an entry %q is left behind: %v", account, err)
		}
	})
	ctx := t.Context()
	wantNone := func(when string) {
		t.Helper()
		if value, _, err := s.Load(ctx, account); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v and %d bytes", when, err, len(value.Reveal()))
		}
	}
	wantNone("before anything was saved")
	if err := store.Probe(ctx, s, account); err != nil {
		t.Fatalf("probe: %v", err)
	}
	var version store.Version
	for _, value := range []string{realSize(), "a short one", "x1.-_AZaz09" + realSize()[11:]} {
		saved, err := s.Save(ctx, account, secret.New(value), version)
		if err != nil {
			t.Fatalf("saving %d bytes: %v", len(value), err)
		}
		got, loaded, err := s.Load(ctx, account)
		if err != nil || got.Reveal() != value || loaded != saved {
			t.Fatalf("%d bytes came back as %d, version %q as %q: %v", len(value), len(got.Reveal()), saved, loaded, err)
		}
		version = saved
	}
	if _, err := s.Save(ctx, account, secret.New("other"), ""); !errors.Is(err, store.ErrReplaced) {
		t.Errorf("saving over another version: %v", err)
	}
	var refused *store.Error
	if _, err := s.Save(ctx, account, secret.New(realSize()+"x"), version); !errors.As(err, &refused) || refused.Class != store.TooBig {
		t.Errorf("one byte more: %v", err)
	}
	if err := s.Delete(ctx, account); err != nil {
		t.Errorf("delete: %v", err)
	}
	wantNone("after the delete")
}

// realSize is a value as long as a record may be, of the letters that a record
// consists of.
func realSize() string {
	return strings.Repeat("0123456789abcdefghijklmnopqrstuv", 79)[:store.MaxPacked]
}
