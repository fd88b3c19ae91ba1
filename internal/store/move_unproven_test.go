package store_test

import (
	"context"
	"testing"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
)

// TestMoveTakesBackACopyThatWasNotProven: the target wrote it and could not be
// read afterwards. The tokens must not stay in a store that nobody uses.
func TestMoveTakesBackACopyThatWasNotProven(t *testing.T) {
	from, to := newDrawer(), newDrawer()
	from.entries["acme"] = "session"
	a, b := from.store(t), to.store(t)
	a.StoreName, b.StoreName = "one", "two"
	failed := false
	read := b.Get
	b.Get = func(ctx context.Context, account string) (secret.Text, error) {
		if len(to.sets) > 0 && !failed {
			failed = true
			return secret.Text{}, errBroken
		}
		return read(ctx, account)
	}
	_, err := store.Move(t.Context(), a, b, "acme", []string{"acme"}, func() error { return nil })
	if !store.IsClass(err, store.Timeout) {
		t.Errorf("error %v, want class %s", err, store.Timeout)
	}
	if from.entries["acme"] != "session" || len(to.entries) > 0 {
		t.Errorf("the origin has %v, the target %v", from.entries, to.entries)
	}
}
