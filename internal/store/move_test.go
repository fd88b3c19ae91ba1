package store_test

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// TestMove: at every moment one store has the whole session.
func TestMove(t *testing.T) {
	both := map[string]string{"acme": "session", "acme#client": "client secret", "other": "other's"}
	why := errors.New("the profile cannot be written")
	for _, c := range []struct {
		name       string
		from, to   map[string]string // before
		hooks      func(from, to *drawer)
		switchErr  error
		moved      bool
		switched   bool
		class      store.Class // of the error; empty with a nil err
		err        error
		wantFrom   map[string]string
		wantTo     map[string]string
		inTheirWay bool // the target's lock is held
	}{
		{name: "both entries", from: both, moved: true, switched: true,
			wantFrom: map[string]string{"other": "other's"}, wantTo: map[string]string{"acme": "session", "acme#client": "client secret"}},
		{name: "a session without a client secret", from: map[string]string{"acme": "session"}, moved: true, switched: true,
			wantFrom: map[string]string{}, wantTo: map[string]string{"acme": "session"}},
		{name: "nothing to move", from: map[string]string{"other": "other's"}, switched: true,
			wantFrom: map[string]string{"other": "other's"}, wantTo: map[string]string{}},
		{name: "something stands in the target", from: both, to: map[string]string{"acme": "an old one", "third": "third's"}, moved: true, switched: true,
			wantFrom: map[string]string{"other": "other's"}, wantTo: map[string]string{"acme": "session", "acme#client": "client secret", "third": "third's"}},
		{name: "the target refuses", from: both, hooks: func(_, to *drawer) { to.set = func(string, string) error { return errBroken } },
			class: store.Timeout, wantFrom: both, wantTo: map[string]string{}},
		{name: "the target says yes and keeps nothing", from: both, hooks: func(_, to *drawer) { to.set = func(string, string) error { return nil } },
			class: store.Unproven, wantFrom: both, wantTo: map[string]string{}},
		{name: "the target takes the first and refuses the second", from: both, hooks: func(_, to *drawer) {
			to.set = func(account, value string) error {
				if account != "acme" {
					return errBroken
				}
				to.entries[account] = value
				return nil
			}
		}, class: store.Timeout, wantFrom: both, wantTo: map[string]string{}},
		{name: "the origin cannot be read", from: both, hooks: func(from, _ *drawer) {
			from.get = func(string) (secret.Text, error) { return secret.Text{}, errBroken }
		}, class: store.Timeout, wantFrom: both, wantTo: map[string]string{}},
		{name: "the profile cannot be switched over", from: both, switchErr: why, switched: true, err: why, wantFrom: both, wantTo: map[string]string{}},
		{name: "the originals cannot be removed", from: both, hooks: func(from, _ *drawer) {
			from.remove = func(string) error { return errBroken }
		}, moved: true, switched: true, class: store.Timeout, wantFrom: both, wantTo: map[string]string{"acme": "session", "acme#client": "client secret"}},
		{name: "somebody holds the target's lock", from: both, inTheirWay: true, wantFrom: both, wantTo: map[string]string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			from, to := newDrawer(), newDrawer()
			maps.Copy(from.entries, c.from)
			maps.Copy(to.entries, c.to)
			a, b := from.store(t), to.store(t)
			a.StoreName, b.StoreName = "one", "two"
			if c.hooks != nil {
				c.hooks(from, to)
			}
			if c.inTheirWay {
				unlock, err := b.Lock(t.Context(), "acme")
				if err != nil {
					t.Fatal(err)
				}
				defer unlock()
				b.Locks = &store.Locks{Dir: b.Locks.Dir, Wait: time.Millisecond}
			}
			switched := false
			moved, err := store.Move(t.Context(), a, b, "acme", []string{"acme", "acme#client"}, func() error {
				switched = true
				if to.entries["acme"] != c.from["acme"] || from.entries["acme"] != c.from["acme"] {
					t.Error("at the switch the two stores have not the same session")
				}
				return c.switchErr
			})
			if moved != c.moved || switched != c.switched {
				t.Errorf("moved %t, switched over %t; want %t, %t", moved, switched, c.moved, c.switched)
			}
			var held *store.LockError
			switch {
			case c.inTheirWay && !errors.As(err, &held), c.class != "" && !store.IsClass(err, c.class), c.err != nil && !errors.Is(err, c.err),
				err != nil && c.class == "" && c.err == nil && !c.inTheirWay:
				t.Errorf("error %v, want class %q, %v", err, c.class, c.err)
			}
			if !maps.Equal(from.entries, c.wantFrom) {
				t.Errorf("the origin has %v, want %v", from.entries, c.wantFrom)
			}
			if !maps.Equal(to.entries, c.wantTo) {
				t.Errorf("the target has %v, want %v", to.entries, c.wantTo)
			}
			if c.inTheirWay {
				return
			}
			for _, s := range []*store.Local{a, b} {
				unlock, err := s.Lock(t.Context(), "acme")
				if err != nil {
					t.Fatalf("a lock was not given back: %v", err)
				}
				unlock()
			}
		})
	}
}

// TestMoveBothWaysAtOnce: two moves against each other end, whoever is first.
func TestMoveBothWaysAtOnce(t *testing.T) {
	dir := testdir.New(t)
	stores := make([]*store.Local, 2)
	for i, name := range []string{"one", "two"} {
		stores[i] = newDrawer().store(t)
		stores[i].StoreName, stores[i].Locks = name, &store.Locks{Dir: dir, Wait: time.Minute}
	}
	done := make(chan error, 2)
	for i := range 2 {
		go func() {
			var err error
			for range 20 {
				if _, moveErr := store.Move(t.Context(), stores[i], stores[1-i], "acme", []string{"acme"}, func() error { return nil }); moveErr != nil {
					err = moveErr
				}
			}
			done <- err
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Errorf("a move against another: %v", err)
		}
	}
}
