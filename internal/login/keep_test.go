package login

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// memory is a store in a map, which notes what was done under the lock.
type memory struct {
	*store.Local
	mu     sync.Mutex
	values map[string]secret.Text
	events []string
}

func newMemory(t *testing.T) *memory {
	m := &memory{values: map[string]secret.Text{}}
	m.Local = &store.Local{
		StoreName: "memory", Locks: &store.Locks{Dir: testdir.New(t), Wait: time.Minute},
		Get: func(_ context.Context, account string) (secret.Text, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			v, ok := m.values[account]
			if !ok {
				return v, store.ErrNotFound
			}
			return v, nil
		},
		Set: func(ctx context.Context, account string, value secret.Text) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.events = append(m.events, "saved")
			m.values[account] = value
			return ctx.Err()
		},
		Remove: func(_ context.Context, account string) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.events = append(m.events, "removed")
			delete(m.values, account)
			return nil
		},
	}
	return m
}

func (m *memory) Lock(ctx context.Context, account string) (func(), error) {
	unlock, err := m.Local.Lock(ctx, account)
	if err != nil {
		return nil, err
	}
	m.events = append(m.events, "locked")
	return func() { m.events = append(m.events, "unlocked"); unlock() }, nil
}

func record(client, user, access string) store.Record {
	at := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	return store.Record{
		ClientID: client, App: "public", AccessToken: secret.New(access), RefreshToken: secret.New("refresh-of-" + access),
		ObtainedAt: at, Expiry: at.Add(30 * time.Minute), RefreshObtainedAt: at, User: store.User{ID: user, Name: "Ada", Email: "a@x"},
	}
}

func TestSave(t *testing.T) {
	pack := func(r store.Record) secret.Text {
		v, err := store.Pack("acme", r)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	sandboxed := record("app1", "u1", "old")
	sandboxed.Authority = "http://localhost:9750"
	nobody := record("app1", "", "old")
	all := []string{"locked", "saved", "after", "unlocked"}
	stopped := []string{"locked", "unlocked"}
	tests := []struct {
		name    string
		present secret.Text
		user    string // of the new record
		replace bool
		after   error
		want    string // "", or the kind of error
		events  []string
	}{
		{"nothing there", secret.Text{}, "u1", false, nil, "", all},
		{"same app and user", pack(record("app1", "u1", "old")), "u1", false, nil, "", all},
		{"damaged", secret.New("x1.damaged"), "u1", false, nil, "", all},
		{"not ours at all", secret.New("hunter2"), "u1", false, nil, "", all},
		{"of another profile", func() secret.Text { v, _ := store.Pack("other", record("app1", "u1", "old")); return v }(), "u1", false, nil, "", all},
		{"newer", secret.New("x2.future"), "u1", false, nil, "newer", stopped},
		{"newer, with --replace", secret.New("x2.future"), "u1", true, nil, "newer", stopped},
		{"another app", pack(record("app2", "u1", "old")), "u1", false, nil, "app", stopped},
		{"another app, with --replace", pack(record("app2", "u1", "old")), "u1", true, nil, "", all},
		{"same app at another Xero", pack(sandboxed), "u1", false, nil, "app", stopped},
		{"another user", pack(record("app1", "u2", "old")), "u1", false, nil, "user", stopped},
		{"another user, with --replace", pack(record("app1", "u2", "old")), "u1", true, nil, "", all},
		{"session that names nobody", pack(nobody), "u1", false, nil, "", all},
		{"login that names nobody", pack(record("app1", "u1", "old")), "", false, nil, "", all},
		{"After fails", pack(record("app1", "u1", "old")), "u1", false, errTest, "after", []string{"locked", "saved", "after", "saved", "unlocked"}},
		{"After fails, nothing there", secret.Text{}, "u1", false, errTest, "after", []string{"locked", "saved", "after", "removed", "unlocked"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMemory(t)
			if !tt.present.IsZero() {
				m.values["acme"] = tt.present
			}
			err := Save{Store: m, Account: "acme", Replace: tt.replace, After: func(context.Context, store.Record) error {
				m.events = append(m.events, "after")
				return tt.after
			}}.Run(context.Background(), record("app1", tt.user, "new"))

			var user *OtherUserError
			var app *OtherAppError
			got := ""
			switch {
			case errors.As(err, &user):
				got = "user"
				if user.Have.ID != "u2" || user.Got.ID != "u1" || err.Error() != "you logged in as Ada <a@x>, and the session is that of Ada <a@x>" {
					t.Errorf("%+v: %v", user, err)
				}
			case errors.As(err, &app):
				got = "app"
				if app.Got != "app1" || app.Have != "app1" && app.Have != "app2" {
					t.Errorf("%+v: %v", app, err)
				}
			case store.IsClass(err, store.Newer):
				got = "newer"
			case errors.Is(err, errTest):
				got = "after"
			case err != nil:
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("%v; want the error %q", err, tt.want)
			}
			if !reflect.DeepEqual(m.events, tt.events) {
				t.Errorf("what happened: %q; want %q", m.events, tt.events)
			}
			if tt.want != "" {
				if !m.values["acme"].Equal(tt.present) {
					t.Error("the former session is not as it was")
				}
				return
			}
			if r, _, err := store.LoadRecord(context.Background(), m, "acme"); err != nil || r.AccessToken.Reveal() != "new" || r.User.ID != tt.user {
				t.Errorf("kept %q of %q, %v", r.AccessToken.Reveal(), r.User.ID, err)
			}
		})
	}
}

// A signal does not stop a save once the lock is held; before, it does.
func TestSaveAndSignals(t *testing.T) {
	m := newMemory(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	err := Save{Store: m, Account: "acme", After: func(ctx context.Context, _ store.Record) error {
		cancel(errTest)
		return ctx.Err()
	}}.Run(ctx, record("app1", "u1", "new"))
	if err != nil || m.values["acme"].IsZero() {
		t.Errorf("%v; want it saved", err)
	}
	m = newMemory(t)
	err = Save{Store: m, Account: "acme", After: func(context.Context, store.Record) error { t.Error("After ran"); return nil }}.Run(ctx, record("app1", "u1", "new"))
	if !errors.Is(err, errTest) || len(m.values) != 0 {
		t.Errorf("%v; want the cause, and nothing saved", err)
	}
}

// A store that cannot look is not an empty store.
func TestSaveCannotLook(t *testing.T) {
	m := newMemory(t)
	locked := &store.Error{Store: "memory", Class: store.Locked, Step: "reading", Err: errTest}
	m.Get = func(context.Context, string) (secret.Text, error) { return secret.Text{}, locked }
	err := Save{Store: m, Account: "acme", Replace: true, After: func(context.Context, store.Record) error { t.Error("After ran"); return nil }}.Run(context.Background(), record("app1", "u1", "new"))
	if !store.IsClass(err, store.Locked) || len(m.values) != 0 {
		t.Errorf("%v; want the store's error", err)
	}
}

func TestDescribe(t *testing.T) {
	for _, tt := range []struct {
		name string
		user store.User
		want string
	}{
		{"name and address", store.User{ID: "u", Name: "Ada", Email: "a@x"}, "Ada <a@x>"},
		{"name", store.User{ID: "u", Name: "Ada"}, "Ada"},
		{"address", store.User{ID: "u", Email: "a@x"}, "a@x"},
		{"id", store.User{ID: "u"}, "user u"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := describe(tt.user); got != tt.want {
				t.Errorf("%q; want %q", got, tt.want)
			}
		})
	}
}

// TestSaveLooksAtTheFormerSession: where the store holds none, the session that
// the login began with, in another store, decides who may take its place.
func TestSaveLooksAtTheFormerSession(t *testing.T) {
	former := record("app1", "u2", "old")
	for _, replace := range []bool{false, true} {
		m := newMemory(t)
		err := Save{Store: m, Account: "acme", Former: &former, Replace: replace, After: func(context.Context, store.Record) error { return nil }}.
			Run(context.Background(), record("app1", "u1", "new"))
		var user *OtherUserError
		if errors.As(err, &user) == replace || (len(m.values) == 1) != replace {
			t.Errorf("replace %t: %v, %d entries", replace, err, len(m.values))
		}
	}
}
