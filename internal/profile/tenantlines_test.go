package profile_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// visible takes out some of what a terminal would obey, and nothing else.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == '\u202e' || r == '\u2028' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

var oddNames = []string{
	"Demo Company (AU)", "Demo", "demo", `with "quotes"`, `back\slash`, "a & b < c > d", "tab\there", "evil\x7f", "Evil\u202e", "Evil", "Ünïcode",
	"line\u2028break", "linebreak", "nul\x00", "nul", "bad\xffbytes", "bad\uFFFDbytes", "", "ORGANISATION", "tenant_name", "0A000000-0000-4000-8000-000000000001", "{}", ",", "]}",
}

// TestTenantsLike: finding one among those that may be meant gives the same as
// finding it among all.
func TestTenantsLike(t *testing.T) {
	dir := profile.Dir{Path: testdir.New(t)}
	var list []profile.Tenant
	for i, name := range append(oddNames, oddNames[:3]...) {
		tenant := manyTenants(i + 1)[i]
		tenant.Name = name
		list = append(list, tenant)
	}
	if err := dir.SaveTenants("acme", list); err != nil {
		t.Fatal(err)
	}
	wants := append([]string{"nobody", list[3].ID, strings.ToUpper(list[3].ID), list[3].ID[:35], list[3].ID + "0", list[3].ConnectionID}, oddNames...)
	for _, want := range wants {
		all, err := dir.Tenants("acme")
		if err != nil || len(all) != len(list) {
			t.Fatalf("%d tenants: %v", len(all), err)
		}
		like, err := dir.TenantsLike("acme", want)
		if err != nil {
			t.Errorf("%q: %v", want, err)
		}
		a, errA := profile.FindTenant(all, want, visible)
		b, errB := profile.FindTenant(like, want, visible)
		if a != b || !errors.Is(errB, errA) {
			t.Errorf("%q: among all %q, %v; among %d %q, %v", want, a.ID, errA, len(like), b.ID, errB)
		}
	}
	if like, err := dir.TenantsLike("acme", "Demo Company (AU)"); err != nil || len(like) >= len(list) {
		t.Errorf("%d of %d lines were read as JSON: %v", len(like), len(list), err)
	}
	if like, err := dir.TenantsLike("acme", ""); err != nil || len(like) != len(list) {
		t.Errorf("nothing wanted: %d of %d: %v", len(like), len(list), err)
	}
	if _, err := dir.TenantsLike("nobody", "Demo"); !errors.Is(err, profile.ErrNotFound) {
		t.Errorf("no list: %v", err)
	}
}

// TestTenantsInOtherForms: what is not in our lines is read as any JSON.
func TestTenantsInOtherForms(t *testing.T) {
	tenants := manyTenants(2)
	want := tenants[1].Name
	one := `{"tenant_id":"` + tenants[1].ID + `","tenant_name":"` + want + `"}`
	for _, c := range []struct {
		name, text string
		damaged    bool
	}{
		{"indented", "{\n  \"tenants\": [\n    " + one + "\n  ]\n}\n", false},
		{"on one line", `{"tenants":[` + one + `]}`, false},
		{"two on a line", "{\"tenants\":[\n" + strings.Replace(one, want, "other", 1) + "," + one + "\n]}\n", false},
		{"without an end of the last line", "{\"tenants\":[\n" + one + "\n]}", false},
		{"a very long line", "{\"tenants\":[\n" + `{"tenant_id":"x","tenant_name":"` + strings.Repeat("n", 20<<10) + "\"},\n" + one + "\n]}\n", false},
		{"another order of fields", "{\"tenants\":[\n" + `{"tenant_name":"` + want + `","tenant_id":"` + tenants[1].ID + `"}` + "\n]}\n", false},
		{"one tenant over two lines", "{\"tenants\":[\n" + strings.Replace(one, ",", ",\n", 1) + "\n]}\n", false},
		{"cut off", "{\"tenants\":[\n" + one + ",\n", true},
		{"no JSON in the line that is meant", "{\"tenants\":[\n" + one[:len(one)-1] + "\n]}\n", true},
		{"empty", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := profile.Dir{Path: testdir.New(t)}
			path := filepath.Join(dir.Path, "tenants", "acme.json")
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(c.text), 0o600)); err != nil {
				t.Fatal(err)
			}
			list, err := dir.TenantsLike("acme", want)
			var damaged *profile.DamagedError
			if c.damaged != errors.As(err, &damaged) || !c.damaged && err != nil {
				t.Fatalf("error %v", err)
			}
			if found, err := profile.FindTenant(list, want, visible); !c.damaged && (err != nil || found.ID != tenants[1].ID) {
				t.Errorf("%v %+v", err, found)
			}
		})
	}
}

// FuzzTenantsLike: no name and no wish make a difference.
func FuzzTenantsLike(f *testing.F) {
	for _, name := range oddNames {
		f.Add(name, name)
		f.Add(name, visible(name))
	}
	f.Fuzz(func(t *testing.T, name, want string) {
		dir := profile.Dir{Path: testdir.New(t)}
		list := manyTenants(3)
		list[1].Name = name
		if err := dir.SaveTenants("acme", list); err != nil {
			t.Fatal(err)
		}
		all, errAll := dir.Tenants("acme")
		like, errLike := dir.TenantsLike("acme", want)
		if errAll != nil || errLike != nil {
			t.Fatal(errAll, errLike)
		}
		a, errA := profile.FindTenant(all, want, visible)
		b, errB := profile.FindTenant(like, want, visible)
		if !reflect.DeepEqual(a, b) || !errors.Is(errB, errA) {
			t.Errorf("%q: among all %q, %v; else %q, %v", want, a.ID, errA, b.ID, errB)
		}
	})
}
