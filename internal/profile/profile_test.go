package profile_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

func TestValidName(t *testing.T) {
	for _, c := range []struct {
		what, name string
		valid      bool
	}{
		{"the usual", "default", true},
		{"one letter", "a", true},
		{"one digit", "7", true},
		{"dots, dashes and underlines inside", "acme.nz-test_2", true},
		{"several in a row", "a..--__b", true},
		{"64 characters", strings.Repeat("a", 64), true},
		{"65 characters", strings.Repeat("a", 65), false},
		{"empty", "", false},
		{"a capital", "Acme", false},
		{"begins with a dot", ".acme", false},
		{"ends with a dot", "acme.", false},
		{"begins with a dash", "-p", false},
		{"ends with a dash", "acme-", false},
		{"begins with an underline", "_a", false},
		{"a space", "a b", false},
		{"a slash", "a/b", false},
		{"a backslash", `a\b`, false},
		{"the folder above", "..", false},
		{"out of the folder", "../a", false},
		{"a colon", "a:b", false},
		{"what client secrets have", "a#client", false},
		{"what other config folders have", "a@0123abcd", false},
		{"NUL", "a\x00b", false},
		{"a newline", "a\n", false},
		{"a letter of another script", "ä", false},
		{"a pattern", "a*", false},
		{"device con", "con", false},
		{"device prn", "prn", false},
		{"device aux", "aux", false},
		{"device nul", "nul", false},
		{"device com1", "com1", false},
		{"device com9", "com9", false},
		{"device com0", "com0", false},
		{"device lpt1", "lpt1", false},
		{"a device with an extension", "con.json", false},
		{"a device with two extensions", "lpt9.a.b", false},
		{"a device after a dot", "a.con", true},
		{"longer than a device", "console", true},
		{"longer than a device with a digit", "com10", true},
		{"a device without its digit", "com", true},
		{"a device with a letter", "coma", true},
		{"a device behind a dash", "con-1", true},
	} {
		t.Run(c.what, func(t *testing.T) {
			if got := profile.ValidName(c.name); got != c.valid {
				t.Errorf("%q is valid: %t, want %t", c.name, got, c.valid)
			}
			d := profile.Dir{Path: testdir.New(t)}
			p := profile.Profile{Name: c.name, App: profile.Public, Store: "keychain"}
			_, loadErr := d.Load(c.name)
			if errors.Is(loadErr, profile.ErrName) == c.valid {
				t.Errorf("Load: %v", loadErr)
			}
			if err := d.Save(p); errors.Is(err, profile.ErrName) == c.valid || c.valid && err != nil {
				t.Errorf("Save: %v", err)
			}
			if err := d.Remove(c.name); errors.Is(err, profile.ErrName) == c.valid || c.valid && err != nil {
				t.Errorf("Remove: %v", err)
			}
		})
	}
}

func full(name string) profile.Profile {
	return profile.Profile{
		Name: name, ClientID: "5A4DB0C0000000000000000000000001", App: profile.Web, Authority: "http://localhost:9750",
		RedirectURIs: []string{"http://localhost:8742/callback", "http://localhost/"}, Scopes: []string{"openid", "offline_access"},
		Tenant: "0a000000-0000-4000-8000-0000000000a1", Store: "keychain",
	}
}

func newDir(t *testing.T, names ...string) profile.Dir {
	t.Helper()
	d := profile.Dir{Path: filepath.Join(testdir.New(t), "xeroauth")}
	for _, name := range names {
		if err := d.Save(full(name)); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func (f files) profile(name string) string { return filepath.Join(string(f), "profiles", name+".json") }
func (f files) tenants(name string) string { return filepath.Join(string(f), "tenants", name+".json") }
func (f files) current() string            { return filepath.Join(string(f), "current.json") }

// files are where people find them.
type files string

func wantNames(t *testing.T, d profile.Dir, want ...string) {
	t.Helper()
	got, err := d.Names()
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("names %q, %v; want %q", got, err, want)
	}
}

func wantCurrent(t *testing.T, d profile.Dir, want string) {
	t.Helper()
	if got, err := d.Current(); err != nil || got != want {
		t.Errorf("in use: %q, %v; want %q", got, err, want)
	}
}

func wantDamaged(t *testing.T, err error, path string) {
	t.Helper()
	var damaged *profile.DamagedError
	if !errors.As(err, &damaged) || damaged.Path != path || damaged.Unwrap() == nil {
		t.Errorf("error %v, want damaged and %s", err, path)
		return
	}
	if errors.Is(err, profile.ErrNotFound) {
		t.Error("a damaged file counts as none")
	}
	if strings.Count(err.Error(), path) != 1 {
		t.Errorf("the text does not name the file once: %v", err)
	}
}

func TestSaveLoadRemove(t *testing.T) {
	for _, c := range []struct {
		name string
		p    profile.Profile
	}{
		{"every field", full("acme")},
		{"the least", profile.Profile{Name: "acme", App: profile.Public}},
		{"a custom connection", profile.Profile{Name: "acme", ClientID: "x", App: profile.Custom, Store: "plain"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDir(t)
			if _, err := d.Load("acme"); !errors.Is(err, profile.ErrNotFound) {
				t.Errorf("loading nothing: %v", err)
			}
			if err := d.Remove("acme"); err != nil {
				t.Errorf("removing nothing: %v", err)
			}
			if err := d.Save(full("other")); err != nil {
				t.Fatal(err)
			}
			if err := d.Save(full("acme")); err != nil {
				t.Fatal(err)
			}
			if err := d.Save(c.p); err != nil {
				t.Fatal(err)
			}
			got, err := d.Load("acme")
			if err != nil || !reflect.DeepEqual(got, c.p) {
				t.Errorf("loaded %+v, %v; want %+v", got, err, c.p)
			}
			if err := d.Remove("acme"); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Load("acme"); !errors.Is(err, profile.ErrNotFound) {
				t.Errorf("loading what was removed: %v", err)
			}
			if got, err := d.Load("other"); err != nil || !reflect.DeepEqual(got, full("other")) {
				t.Errorf("another profile: %+v, %v", got, err)
			}
		})
	}
}

// TestFileOnDisk: people read and copy these files, and older versions of the
// program read them too. The fields keep their names.
func TestFileOnDisk(t *testing.T) {
	d := newDir(t, "acme")
	path := files(d.Path).profile("acme")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"client_id": "5A4DB0C0000000000000000000000001", "app": "web", "authority": "http://localhost:9750",
		"redirect_uris": []any{"http://localhost:8742/callback", "http://localhost/"}, "scopes": []any{"openid", "offline_access"},
		"tenant": "0a000000-0000-4000-8000-0000000000a1", "store": "keychain",
	}
	if !reflect.DeepEqual(fields, want) {
		t.Errorf("the file has %v, want %v", fields, want)
	}
	if !strings.HasSuffix(string(b), "}\n") {
		t.Error("the file does not end with a line")
	}
	if runtime.GOOS == "windows" {
		return // no mode bits
	}
	for where, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700 | os.ModeDir, d.Path: 0o700 | os.ModeDir} {
		if info, err := os.Stat(where); err != nil || info.Mode() != mode {
			t.Errorf("%s has mode %v, want %v; %v", where, info.Mode(), mode, err)
		}
	}
}

func TestDamagedProfile(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                    "",
		"cut off":                  `{"client_id":"x","app":"pub`,
		"something behind":         `{"client_id":"x","app":"public"} {}`,
		"no JSON":                  "client_id = x",
		"another kind of JSON":     `["public"]`,
		"null":                     "null",
		"no app":                   `{"client_id":"x"}`,
		"an app that nobody knows": `{"client_id":"x","app":"desktop"}`,
		"a number for a text":      `{"client_id":7,"app":"public"}`,
		"a text for a list":        `{"app":"public","scopes":"openid"}`,
		"zeros, as after a crash":  strings.Repeat("\x00", 300),
	} {
		t.Run(name, func(t *testing.T) {
			d := newDir(t, "acme", "other")
			path := files(d.Path).profile("acme")
			put(t, path, text)
			p, err := d.Load("acme")
			wantDamaged(t, err, path)
			if !reflect.DeepEqual(p, profile.Profile{}) {
				t.Errorf("a profile came with the error: %+v", p)
			}
			// It costs nobody else's, is listed, and can be replaced and removed.
			if _, err := d.Load("other"); err != nil {
				t.Errorf("another profile: %v", err)
			}
			wantNames(t, d, "acme", "other")
			if err := d.Save(full("acme")); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Load("acme"); err != nil {
				t.Error(err)
			}
			put(t, path, text)
			if err := d.Remove("acme"); err != nil {
				t.Fatal(err)
			}
			wantNames(t, d, "other")
		})
	}
}

// TestNewerProfile: what a later version added is not in the way.
func TestNewerProfile(t *testing.T) {
	d := newDir(t)
	put(t, files(d.Path).profile("acme"), `{"client_id":"x","app":"public","store":"cloud","new":{"a":[1]},"name":"other"}`)
	got, err := d.Load("acme")
	if want := (profile.Profile{Name: "acme", ClientID: "x", App: "public", Store: "cloud"}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("loaded %+v, %v; want %+v", got, err, want)
	}
}

func TestUnreadable(t *testing.T) {
	t.Run("a folder stands there", func(t *testing.T) {
		d := newDir(t, "other")
		for _, path := range []string{files(d.Path).profile("acme"), files(d.Path).tenants("acme"), files(d.Path).current()} {
			if err := os.MkdirAll(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		_, err := d.Load("acme")
		wantDamaged(t, err, files(d.Path).profile("acme"))
		_, err = d.Tenants("acme")
		wantDamaged(t, err, files(d.Path).tenants("acme"))
		_, err = d.Current()
		wantDamaged(t, err, files(d.Path).current())
	})
	t.Run("far too large", func(t *testing.T) {
		d := newDir(t)
		path := files(d.Path).profile("acme")
		put(t, path, "")
		if err := os.Truncate(path, 16<<20+1); err != nil {
			t.Fatal(err)
		}
		_, err := d.Load("acme")
		wantDamaged(t, err, path)
	})
	t.Run("no right to", func(t *testing.T) {
		if runtime.GOOS == "windows" || os.Getuid() == 0 {
			t.Skip("root reads everything, and Windows has no mode bits")
		}
		d := newDir(t, "acme")
		path := files(d.Path).profile("acme")
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		_, err := d.Load("acme")
		wantDamaged(t, err, path)
		if !errors.Is(err, os.ErrPermission) {
			t.Errorf("the reason is lost: %v", err)
		}
	})
	t.Run("a file stands where the folder goes", func(t *testing.T) {
		d := profile.Dir{Path: filepath.Join(testdir.New(t), "file")}
		put(t, d.Path, "x")
		if err := d.Save(full("acme")); err == nil {
			t.Error("Save: no error")
		}
		if err := d.Use("acme"); err == nil {
			t.Error("Use: no error")
		}
		if err := d.SaveTenants("acme", nil); err == nil {
			t.Error("SaveTenants: no error")
		}
	})
}

func TestNames(t *testing.T) {
	d := newDir(t)
	wantNames(t, d)
	d = newDir(t, "b", "a", "c.d", "a-1")
	others := []string{"a.json.tmp-1", "README", "Big.json", ".json", "x.txt"}
	if runtime.GOOS != "windows" {
		others = append(others, "con.json") // a device there
	}
	for _, name := range others {
		put(t, filepath.Join(d.Path, "profiles", name), "{}")
	}
	wantNames(t, d, "a", "a-1", "b", "c.d")
}

func TestCurrent(t *testing.T) {
	d := newDir(t, "acme", "other")
	wantCurrent(t, d, "default")
	if err := d.Use("acme"); err != nil {
		t.Fatal(err)
	}
	wantCurrent(t, d, "acme")
	if err := d.Remove("other"); err != nil {
		t.Fatal(err)
	}
	wantCurrent(t, d, "acme")
	if err := d.Remove("acme"); err != nil {
		t.Fatal(err)
	}
	wantCurrent(t, d, "default")
	for name, text := range map[string]string{
		"no JSON": "acme", "empty": "", "no name": "{}", "a bad name": `{"profile":"../acme"}`, "a device": `{"profile":"con"}`, "a number": `{"profile":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			d := newDir(t, "acme")
			put(t, files(d.Path).current(), text)
			got, err := d.Current()
			wantDamaged(t, err, files(d.Path).current())
			if got != "" {
				t.Errorf("a name came with the error: %q", got)
			}
			if _, err := d.Load("acme"); err != nil {
				t.Errorf("a profile: %v", err)
			}
			if err := d.Remove("acme"); err != nil {
				t.Errorf("removing a profile: %v", err)
			}
			if err := d.Use("acme"); err != nil {
				t.Fatal(err)
			}
			wantCurrent(t, d, "acme")
		})
	}
}

func tenants() []profile.Tenant {
	at := time.Date(2026, 11, 21, 9, 30, 0, 123456700, time.UTC)
	return []profile.Tenant{
		{ID: "0a000000-0000-4000-8000-0000000000a1", Name: "Demo Company (AU)", Type: "ORGANISATION", ConnectionID: "c1", AuthEventID: "e1", Created: at, Updated: at.Add(time.Hour)},
		{ID: "0a000000-0000-4000-8000-0000000000A2", Name: "Twins", Type: "ORGANISATION"},
		{ID: "0a000000-0000-4000-8000-0000000000a3", Name: "Twins", Type: "PRACTICE"},
		{ID: "0a000000-0000-4000-8000-0000000000a4"},
		{ID: "0a000000-0000-4000-8000-0000000000a5", Name: "Red\x1b[31m Ltd\u202e"},
		{ID: "0a000000-0000-4000-8000-0000000000a6", Name: "0a000000-0000-4000-8000-0000000000a1"},
	}
}

func TestTenants(t *testing.T) {
	d := newDir(t, "acme")
	if _, err := d.Tenants("acme"); !errors.Is(err, profile.ErrNotFound) {
		t.Errorf("a list that was never kept: %v", err)
	}
	if err := d.SaveTenants("acme", []profile.Tenant{}); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Tenants("acme"); err != nil || len(got) != 0 {
		t.Errorf("an empty list: %v, %v", got, err)
	}
	if err := d.SaveTenants("acme", tenants()); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Tenants("acme"); err != nil || !reflect.DeepEqual(got, tenants()) {
		t.Errorf("the list came back as %+v, %v", got, err)
	}
	path := files(d.Path).tenants("acme")
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("mode %v, want 0600; %v", info.Mode(), err)
	}
	put(t, path, `{"tenants":[{`)
	_, err := d.Tenants("acme")
	wantDamaged(t, err, path)
	if _, err := d.Load("acme"); err != nil {
		t.Errorf("a damaged list costs the profile: %v", err)
	}
	for range 2 { // the second finds none
		if err := d.RemoveTenants("acme"); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.SaveTenants("acme", tenants()); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove("acme"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Tenants("acme"); !errors.Is(err, profile.ErrNotFound) {
		t.Errorf("the list outlives its profile: %v", err)
	}
}

// TestManyTenants: 5,000 with the longest names fit.
func TestManyTenants(t *testing.T) {
	d := newDir(t)
	list := make([]profile.Tenant, 5000)
	for i := range list {
		list[i] = tenants()[0]
		list[i].Name = strings.Repeat("\u202e", 300)
	}
	if err := d.SaveTenants("acme", list); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Tenants("acme"); err != nil || !reflect.DeepEqual(got, list) {
		t.Errorf("%d came back, %v", len(got), err)
	}
}

func TestFindTenant(t *testing.T) {
	const one, two = "0a000000-0000-4000-8000-0000000000a1", "0a000000-0000-4000-8000-0000000000A2"
	for _, c := range []struct {
		name, want, id string
		err            error
	}{
		{"by id", one, one, nil},
		{"by id in capitals", strings.ToUpper(one), one, nil},
		{"by an id that stands there in capitals", strings.ToLower(two), two, nil},
		{"by name", "Demo Company (AU)", one, nil},
		{"by a name as a terminal shows it", "Red Ltd", "0a000000-0000-4000-8000-0000000000a5", nil},
		{"by the raw name", "Red\x1b[31m Ltd\u202e", "0a000000-0000-4000-8000-0000000000a5", nil},
		{"a name that is another's id", one, one, nil},
		{"a name of two", "Twins", "", profile.ErrAmbiguous},
		{"a prefix", "Demo", "", profile.ErrNoTenant},
		{"a name in another case", "demo company (au)", "", profile.ErrNoTenant},
		{"a name with a space behind", "Demo Company (AU) ", "", profile.ErrNoTenant},
		{"a prefix of an id", one[:8], "", profile.ErrNoTenant},
		{"the empty name, which one has", "", "", profile.ErrNoTenant},
		{"nobody", "Nobody", "", profile.ErrNoTenant},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := profile.FindTenant(tenants(), c.want, func(s string) string {
				return strings.NewReplacer("\x1b[31m", "", "\u202e", "").Replace(s)
			})
			if !errors.Is(err, c.err) || got.ID != c.id {
				t.Errorf("found %q, %v; want %q, %v", got.ID, err, c.id, c.err)
			}
		})
	}
	same := func(s string) string { return s }
	if _, err := profile.FindTenant(nil, "x", same); !errors.Is(err, profile.ErrNoTenant) {
		t.Errorf("among none: %v", err)
	}
}

// FuzzLoad: whatever stands in a file, loading it ends with a profile that is
// saved and loaded as the same, or says that it is damaged.
func FuzzLoad(f *testing.F) {
	for _, s := range []string{
		"", "{}", "null", "[]", `{"app":"public"}`, `{"client_id":"x","app":"web","store":"file","scopes":["a"],"redirect_uris":[""]}`,
		`{"app":"custom","tenant":"\u0000\ud800"}`, `{"APP":"public","app":1}`, `{"app":"public"}x`, "\xff\xfe",
		`{"tenants":[{"tenant_id":"x","created_at":"2026-11-21T09:30:00Z"}]}`, `{"tenants":[{"created_at":"yesterday"}]}`, `{"profile":"acme"}`,
		strings.Repeat("[", 20_000),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := profile.Dir{Path: testdir.New(t)}
		put(t, files(d.Path).profile("acme"), string(b))
		put(t, files(d.Path).tenants("acme"), string(b))
		put(t, files(d.Path).current(), string(b))
		if p, err := d.Load("acme"); err != nil {
			wantDamaged(t, err, files(d.Path).profile("acme"))
		} else {
			if err := d.Save(p); err != nil {
				t.Fatal(err)
			}
			again, err := d.Load("acme")
			if err != nil || again.Name != "acme" || again.App != p.App || again.ClientID != p.ClientID || !slices.Equal(again.Scopes, p.Scopes) {
				t.Errorf("%+v came back as %+v, %v", p, again, err)
			}
		}
		if list, err := d.Tenants("acme"); err != nil {
			wantDamaged(t, err, files(d.Path).tenants("acme"))
		} else if err := d.SaveTenants("acme", list); err != nil {
			t.Errorf("a list that was read cannot be written: %v", err)
		}
		if name, err := d.Current(); err != nil {
			wantDamaged(t, err, files(d.Path).current())
		} else if !profile.ValidName(name) {
			t.Errorf("the profile in use is %q", name)
		}
	})
}
