package store_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// drawer is a keychain of a map, with hooks that misbehave. It is for one
// goroutine.
type drawer struct {
	entries map[string]string
	cap     int
	sets    []string // accounts, in order
	removes []string

	// Each hook, if set, runs in place of the real call.
	get    func(account string) (secret.Text, error)
	set    func(account, value string) error
	remove func(account string) error
}

func newDrawer() *drawer { return &drawer{entries: map[string]string{}, cap: store.MaxPacked} }

func (d *drawer) store(t *testing.T) *store.Local {
	t.Helper()
	return &store.Local{
		StoreName: "drawer",
		Locks:     &store.Locks{Dir: testdir.New(t), Wait: time.Minute, Holder: "a test"},
		Get: func(_ context.Context, account string) (secret.Text, error) {
			if d.get != nil {
				return d.get(account)
			}
			return d.read(account)
		},
		Set: func(_ context.Context, account string, value secret.Text) error {
			d.sets = append(d.sets, account)
			if d.set != nil {
				return d.set(account, value.Reveal())
			}
			if len(value.Reveal()) > d.cap {
				return &store.Error{Store: "drawer", Class: store.TooBig, Step: "saving", Err: errors.New("too big")}
			}
			d.entries[account] = value.Reveal()
			return nil
		},
		Remove: func(_ context.Context, account string) error {
			d.removes = append(d.removes, account)
			if d.remove != nil {
				return d.remove(account)
			}
			if _, ok := d.entries[account]; !ok {
				return store.ErrNotFound
			}
			delete(d.entries, account)
			return nil
		},
	}
}

func (d *drawer) read(account string) (secret.Text, error) {
	v, ok := d.entries[account]
	if !ok {
		return secret.Text{}, store.ErrNotFound
	}
	return secret.New(v), nil
}

var errBroken = &store.Error{Store: "drawer", Class: store.Timeout, Step: "asking", Err: errors.New("no answer")}

// save is a save whose version the test needs.
func save(t *testing.T, s store.Store, account, value string, replaces store.Version) store.Version {
	t.Helper()
	v, err := s.Save(t.Context(), account, secret.New(value), replaces)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSaveReplacesOnlyWhatItNames(t *testing.T) {
	for _, c := range []struct {
		name     string
		before   string
		replaces string // the value whose version is named; empty names none
		wantErr  error
		want     string
	}{
		{"the first save", "", "", nil, "new"},
		{"in place of what it read", "old", "old", nil, "new"},
		{"what it read is gone", "", "old", store.ErrReplaced, ""},
		{"what it read was replaced", "other", "old", store.ErrReplaced, "other"},
		{"somebody was first", "other", "", store.ErrReplaced, "other"},
		{"the same value again", "new", "new", nil, "new"},
		{"what an earlier try wrote and could not prove", "new", "old", nil, "new"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDrawer()
			s := d.store(t)
			var version store.Version
			if c.replaces != "" {
				version = save(t, s, "acme", c.replaces, "")
			}
			delete(d.entries, "acme")
			if c.before != "" {
				d.entries["acme"] = c.before
			}
			d.sets = nil
			got, err := s.Save(t.Context(), "acme", secret.New("new"), version)
			if !errors.Is(err, c.wantErr) {
				t.Errorf("error %v, want %v", err, c.wantErr)
			}
			if d.entries["acme"] != c.want {
				t.Errorf("%q stands there, want %q", d.entries["acme"], c.want)
			}
			if wrote := len(d.sets) > 0; wrote != (c.wantErr == nil && c.before != c.want) {
				t.Errorf("something was written: %t", wrote)
			}
			_, loaded, _ := s.Load(t.Context(), "acme")
			if c.wantErr == nil && (got == "" || got != loaded) {
				t.Errorf("the save gave version %q and a load gives %q", got, loaded)
			}
			if c.wantErr != nil && got != "" {
				t.Errorf("a version came with the error")
			}
		})
	}
}

func TestSaveCountsOnlyWhenProven(t *testing.T) {
	for _, c := range []struct {
		name  string
		hooks func(d *drawer)
		class store.Class
	}{
		{"the store says yes and keeps nothing", func(d *drawer) { d.set = func(string, string) error { return nil } }, store.Unproven},
		{"the store says yes and drops the entry", func(d *drawer) {
			d.set = func(account, _ string) error { delete(d.entries, account); return nil }
		}, store.Unproven},
		{"the store cuts the value", func(d *drawer) {
			d.set = func(account, value string) error { d.entries[account] = value[:len(value)-1]; return nil }
		}, store.Unproven},
		{"the store adds a newline", func(d *drawer) {
			d.set = func(account, value string) error { d.entries[account] = value + "\n"; return nil }
		}, store.Unproven},
		{"the store writes elsewhere", func(d *drawer) {
			d.set = func(_, value string) error { d.entries["ACME"] = value; return nil }
		}, store.Unproven},
		{"the store refuses", func(d *drawer) { d.set = func(string, string) error { return errBroken } }, store.Timeout},
		{"the store is not there to be read before", func(d *drawer) {
			d.get = func(string) (secret.Text, error) { return secret.Text{}, errBroken }
		}, store.Timeout},
		{"the store is not there to be read after", func(d *drawer) {
			d.get = func(account string) (secret.Text, error) {
				if len(d.sets) > 0 {
					return secret.Text{}, errBroken
				}
				return d.read(account)
			}
		}, store.Timeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDrawer()
			s := d.store(t)
			old := save(t, s, "acme", "old value", "")
			d.sets = nil
			c.hooks(d)
			version, err := s.Save(t.Context(), "acme", secret.New("new value"), old)
			if !store.IsClass(err, c.class) {
				t.Errorf("error %v, want class %s", err, c.class)
			}
			if version != "" {
				t.Error("a version came with the error")
			}
			if strings.Contains(err.Error(), "value") {
				t.Errorf("the error quotes a value: %v", err)
			}
		})
	}
}

func TestDeleteCountsOnlyWhenProven(t *testing.T) {
	for _, c := range []struct {
		name    string
		present bool
		hooks   func(d *drawer)
		class   store.Class // empty: it succeeds
	}{
		{"an entry", true, func(*drawer) {}, ""},
		{"no entry", false, func(*drawer) {}, ""},
		{"the store says yes and keeps it", true, func(d *drawer) { d.remove = func(string) error { return nil } }, store.Unproven},
		{"the store says there is none and has it", true, func(d *drawer) { d.remove = func(string) error { return store.ErrNotFound } }, store.Unproven},
		{"the store refuses", true, func(d *drawer) { d.remove = func(string) error { return errBroken } }, store.Timeout},
		{"the store cannot be read after", true, func(d *drawer) {
			d.get = func(string) (secret.Text, error) { return secret.Text{}, errBroken }
		}, store.Timeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDrawer()
			s := d.store(t)
			if c.present {
				d.entries["acme"] = "old value"
			}
			d.entries["other"] = "other value"
			c.hooks(d)
			err := s.Delete(t.Context(), "acme")
			if c.class == "" && err != nil || c.class != "" && !store.IsClass(err, c.class) {
				t.Errorf("error %v, want class %q", err, c.class)
			}
			if _, still := d.entries["acme"]; c.class == "" && still {
				t.Error("the entry is still there")
			}
			if d.entries["other"] != "other value" {
				t.Error("another account lost its entry")
			}
		})
	}
}

func TestProbe(t *testing.T) {
	blocked := func(t *testing.T) *store.Locks { return &store.Locks{Dir: fileInTheWay(t), Wait: time.Minute} }
	for _, c := range []struct {
		name  string
		hooks func(d *drawer)
		locks func(t *testing.T) *store.Locks
		class store.Class // empty: it succeeds
	}{
		{"a good store", func(*drawer) {}, nil, ""},
		{"a probe was left there before", func(d *drawer) { d.entries["acme#probe"] = "x" }, nil, ""},
		{"a store that takes one byte less than a record may have", func(d *drawer) { d.cap = store.MaxPacked - 1 }, nil, store.TooBig},
		{"a store that cuts long values", func(d *drawer) {
			d.set = func(account, value string) error { d.entries[account] = value[:1024]; return nil }
		}, nil, store.Unproven},
		{"a store that says yes and keeps nothing", func(d *drawer) { d.set = func(string, string) error { return nil } }, nil, store.Unproven},
		{"a store that refuses", func(d *drawer) { d.set = func(string, string) error { return errBroken } }, nil, store.Timeout},
		{"a store that gives nothing back", func(d *drawer) {
			d.get = func(account string) (secret.Text, error) {
				if _, ok := d.entries[account]; ok {
					return secret.Text{}, errBroken
				}
				return secret.Text{}, store.ErrNotFound
			}
		}, nil, store.Timeout},
		{"a store that cannot be read", func(d *drawer) {
			d.get = func(string) (secret.Text, error) { return secret.Text{}, errBroken }
		}, nil, store.Timeout},
		{"a store that never deletes", func(d *drawer) { d.remove = func(string) error { return nil } }, nil, store.Unproven},
		{"a lock that cannot be made", func(*drawer) {}, blocked, store.NotWritable},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDrawer()
			s := d.store(t)
			if c.locks != nil {
				s.Locks = c.locks(t)
			}
			d.entries["acme"] = "the session"
			c.hooks(d)
			err := store.Probe(t.Context(), s, "acme")
			if c.class == "" && err != nil || c.class != "" && !store.IsClass(err, c.class) {
				t.Errorf("error %v, want class %q", err, c.class)
			}
			left := slices.DeleteFunc(slices.Sorted(maps.Keys(d.entries)), func(a string) bool { return a == "acme" })
			if d.remove == nil && len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
			if d.entries["acme"] != "the session" || slices.Contains(d.sets, "acme") || slices.Contains(d.removes, "acme") {
				t.Error("the account's own entry was touched")
			}
			if c.locks == nil {
				unlock, err := s.Lock(t.Context(), "acme")
				if err != nil {
					t.Fatalf("the lock was not given back: %v", err)
				}
				unlock()
			}
		})
	}
}

// TestSaveRecordAndLoadRecord goes the way that sessions go.
func TestSaveRecordAndLoadRecord(t *testing.T) {
	d := newDrawer()
	s := d.store(t)
	if _, _, err := store.LoadRecord(t.Context(), s, "acme"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("loading nothing: %v", err)
	}
	want := fullRecord(t)
	first, err := store.SaveRecord(t.Context(), s, "acme", want, "")
	if err != nil {
		t.Fatal(err)
	}
	got, version, err := store.LoadRecord(t.Context(), s, "acme")
	if err != nil || version != first {
		t.Fatalf("version %q, want %q; error %v", version, first, err)
	}
	wantRecord(t, got, want)
	want.Generation++
	if _, err := store.SaveRecord(t.Context(), s, "acme", want, "another version"); !errors.Is(err, store.ErrReplaced) {
		t.Errorf("saving over another version: %v", err)
	}
	second, err := store.SaveRecord(t.Context(), s, "acme", want, first)
	if err != nil || second == first {
		t.Errorf("another content has version %q after %q; error %v", second, first, err)
	}
}

func TestWithLimit(t *testing.T) {
	ctx := t.Context()
	if got := store.Limit(ctx, 5*time.Second); got != 5*time.Second {
		t.Errorf("without a limit: %s", got)
	}
	if got := store.Limit(store.WithLimit(ctx, time.Minute), 5*time.Second); got != time.Minute {
		t.Errorf("with a limit of a minute: %s", got)
	}
	detached := context.WithoutCancel(store.WithLimit(ctx, time.Minute))
	if got := store.Limit(detached, 5*time.Second); got != time.Minute {
		t.Errorf("detached from the signal: %s", got)
	}
}

func TestErrorText(t *testing.T) {
	inner := errors.New("permission denied")
	err := error(&store.Error{Store: "file", Class: store.Denied, Step: "reading a", Err: inner})
	if got, want := err.Error(), "reading a: permission denied"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if !errors.Is(err, inner) || !store.IsClass(err, store.Denied) || store.IsClass(err, store.Locked) || store.IsClass(inner, store.Denied) {
		t.Error("the class or the cause is not found")
	}
}
