package store_test

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
)

// TestPackRefusesWhatUnpackDoes: a record that cannot be read again must not
// be saved, or the refresh that brought it costs the session. Only keychains
// have a cap of their own.
func TestPackRefusesWhatUnpackDoes(t *testing.T) {
	for _, c := range []struct{ name, token string }{
		{"a token longer than what is inflated", strings.Repeat("a", 70<<10)},
		{"a raw token with NUL", "a\x00b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDrawer()
			d.cap = 1 << 20
			s := d.store(t)
			r := fullRecord(t)
			before, err := store.SaveRecord(t.Context(), s, "acme", r, "")
			if err != nil {
				t.Fatal(err)
			}
			kept := maps.Clone(d.entries)
			r.AccessToken = secret.New(c.token)
			if _, err := store.SaveRecord(context.Background(), s, "acme", r, before); err == nil {
				got, _, err := store.LoadRecord(t.Context(), s, "acme")
				if err != nil || !got.AccessToken.Equal(r.AccessToken) {
					t.Errorf("it was saved, and reading it gives another token or %v", err)
				}
				return
			}
			if !maps.Equal(d.entries, kept) {
				t.Error("the save was refused, and the entry changed")
			}
		})
	}
}
