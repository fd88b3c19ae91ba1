package profile_test

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/profile"
)

var writeGolden = flag.Bool("golden.write", false, "write golden files that are missing")

// goldenProfiles and goldenTenants are what testdata/golden/settings holds. An
// entry is never changed or removed.
func goldenProfiles() []profile.Profile {
	return []profile.Profile{
		{Name: "default", ClientID: "00112233445566778899AABBCCDDEEFF", App: profile.Public, RedirectURIs: []string{"http://localhost:8742/callback"},
			Scopes: []string{"openid", "accounting.invoices", "offline_access"}, Tenant: "0a000000-0000-4000-8000-0000000000a1", Store: "keychain"},
		{Name: "a.web-app_2", ClientID: "FFEEDDCCBBAA99887766554433221100", App: profile.Web, Authority: "http://localhost:9750",
			RedirectURIs: []string{"http://localhost:8742/callback", "http://localhost/"}, Scopes: []string{"offline_access"}, Store: "file"},
		{Name: "nightly", ClientID: "0123456789ABCDEF0123456789ABCDEF", App: profile.Custom, Store: "plain"},
	}
}

func goldenTenants() map[string][]profile.Tenant {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			panic(err)
		}
		return v
	}
	return map[string][]profile.Tenant{
		// "default" and "a.web-app_2" were written indented, "nightly" with a line
		// for each tenant.
		"nightly": {
			{ID: "0a000000-0000-4000-8000-0000000000b1", Name: "Demo Company (NZ)", Type: "ORGANISATION", ConnectionID: "0c000000-0000-4000-8000-0000000000b1",
				AuthEventID: "00000000-0000-4000-8000-000000000001", Created: at("2026-11-21T09:30:00.123456Z"), Updated: at("2026-11-21T09:30:00Z")},
			{ID: "0a000000-0000-4000-8000-0000000000b2", Name: "Ünïcode & \"Söhne\" <GmbH>", Type: "PRACTICE"},
		},
		"default": {
			{ID: "0a000000-0000-4000-8000-0000000000a1", Name: "Demo Company (AU)", Type: "ORGANISATION", ConnectionID: "0c000000-0000-4000-8000-0000000000a1",
				AuthEventID: "00000000-0000-4000-8000-000000000001", Created: at("2026-11-21T09:30:00.123456Z"), Updated: at("2026-11-21T09:30:00Z")},
			{ID: "0a000000-0000-4000-8000-0000000000a2", Name: "Ünïcode & \"Söhne\" <GmbH>", Type: "PRACTICE", ConnectionID: "0c000000-0000-4000-8000-0000000000a2"},
			{ID: "0a000000-0000-4000-8000-0000000000a3"},
		},
		"a.web-app_2": {},
	}
}

// TestGoldenSettings: profiles, lists of tenants and the mark of the profile
// in use that this version wrote are readable for ever.
func TestGoldenSettings(t *testing.T) {
	dir := profile.Dir{Path: filepath.Join("..", "..", "testdata", "golden", "settings")}
	if *writeGolden {
		writeMissing(t, dir)
	}
	names, err := dir.Names()
	if err != nil || len(names) != len(goldenProfiles()) {
		t.Errorf("profiles %q: %v", names, err)
	}
	for _, want := range goldenProfiles() {
		if got, err := dir.Load(want.Name); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("profile %q: %v\n%+v, want\n%+v", want.Name, err, got, want)
		}
	}
	for name, want := range goldenTenants() {
		got, err := dir.Tenants(name)
		if err != nil || len(got) != len(want) {
			t.Errorf("tenants of %q: %d, %v", name, len(got), err)
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("tenant %d of %q is %+v, want %+v", i, name, got[i], want[i])
			}
		}
	}
	if got, err := dir.Current(); err != nil || got != "a.web-app_2" {
		t.Errorf("the profile in use is %q, %v", got, err)
	}
}

func writeMissing(t *testing.T, dir profile.Dir) {
	var errs []error
	missing := func(elem ...string) bool {
		_, err := os.Stat(filepath.Join(append([]string{dir.Path}, elem...)...))
		return errors.Is(err, fs.ErrNotExist)
	}
	for _, p := range goldenProfiles() {
		if missing("profiles", p.Name+".json") {
			errs = append(errs, dir.Save(p))
		}
	}
	for name, list := range goldenTenants() {
		if missing("tenants", name+".json") {
			errs = append(errs, dir.SaveTenants(name, list))
		}
	}
	if missing("current.json") {
		errs = append(errs, dir.Use("a.web-app_2"))
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
