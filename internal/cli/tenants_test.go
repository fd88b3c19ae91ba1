package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/xero"
)

const (
	idA = "0a000000-0000-4000-8000-0000000000a1"
	idB = "0a000000-0000-4000-8000-0000000000b2"
	idC = "0a000000-0000-4000-8000-0000000000c3"
)

func tenant(id, name, event string) profile.Tenant {
	return profile.Tenant{ID: id, Name: name, AuthEventID: event, ConnectionID: "c" + id, Type: "ORGANISATION"}
}

func TestChooseDefault(t *testing.T) {
	a, b, c := tenant(idA, "A", "e1"), tenant(idB, "B", "e2"), tenant(idC, "C", "e2")
	tests := []struct {
		name           string
		tenants        []profile.Tenant
		present, event string
		want           string
	}{
		{"none connected", nil, "", "e1", ""},
		{"none connected any more", nil, idA, "e1", ""},
		{"the present one is still connected", []profile.Tenant{a, b}, idA, "e2", idA},
		{"the present one is gone, one is new", []profile.Tenant{a, b}, idC, "e2", idB},
		{"the only one", []profile.Tenant{a}, "", "e9", idA},
		{"the only one in place of one that is gone", []profile.Tenant{a}, idB, "", idA},
		{"the only one connected just now", []profile.Tenant{a, b}, "", "e1", idA},
		{"two connected just now", []profile.Tenant{a, b, c}, "", "e2", ""},
		{"none connected just now", []profile.Tenant{a, b}, "", "e9", ""},
		{"a token that names no consent", []profile.Tenant{tenant(idA, "A", ""), tenant(idB, "B", "e")}, "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := chooseDefault(tt.tenants, tt.present, tt.event); got != tt.want {
				t.Errorf("%q; want %q", got, tt.want)
			}
		})
	}
}

func TestPickTenant(t *testing.T) {
	a, b, twin := tenant(idA, "Acme", ""), tenant(idB, "Beta\x1b[31m", ""), tenant(idC, "Acme", "")
	tests := []struct {
		name          string
		tenants       []profile.Tenant
		present, want string
		id            string
		hint          string // part of it, when it fails
	}{
		{"by id", []profile.Tenant{a, b}, "", idB, idB, ""},
		{"by id in capitals", []profile.Tenant{a, b}, "", strings.ToUpper(idB), idB, ""},
		{"by name", []profile.Tenant{a, b}, idB, "Acme", idA, ""},
		{"by the name as a terminal shows it", []profile.Tenant{a, b}, "", "Beta[31m", idB, ""},
		{"by a beginning, never", []profile.Tenant{a, b}, "", "Acm", "", "xeroauth tenants"},
		{"by a name in other letters, never", []profile.Tenant{a, b}, "", "acme", "", "xeroauth tenants"},
		{"by a name that two have", []profile.Tenant{a, b, twin}, "", "Acme", "", "give the id instead of the name"},
		{"by the id of one of two of a name", []profile.Tenant{a, twin}, "", idC, idC, ""},
		{"the default", []profile.Tenant{a, b}, idB, "", idB, ""},
		{"a default that is gone, never the only one", []profile.Tenant{a}, idB, "", "", "xeroauth tenants use"},
		{"the only one", []profile.Tenant{a}, "", "", idA, ""},
		{"two and no default", []profile.Tenant{a, b}, "", "", "", "or add --tenant"},
		{"none", nil, "", "", "", "xeroauth login"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app, _ := desk()
			id, err := app.pickTenant(tt.tenants, tt.present, tt.want)
			if id != tt.id || (err == nil) != (tt.hint == "") {
				t.Fatalf("%q, %v; want %q", id, err, tt.id)
			}
			if err != nil {
				if exit, hint := app.advise(err); exit != exitTenant || !strings.Contains(hint, tt.hint) {
					t.Errorf("exit %d, %q; want 7 and %q", exit, hint, tt.hint)
				}
			}
		})
	}
}

// Connected just now first, then by name; equals stay in Xero's order.
func TestViewTenants(t *testing.T) {
	views := viewTenants([]profile.Tenant{
		tenant(idB, "Zeta", ""), tenant(idC, "Mid", "e1"), tenant(idA, "Alpha", "e2"), tenant("1", "Alpha", ""),
	}, idB, "e1")
	var got []string
	for _, v := range views {
		got = append(got, fmt.Sprint(v.Name, " ", v.ID, " ", v.ConnectedNow, " ", v.Default))
	}
	want := []string{"Mid " + idC + " true false", "Alpha " + idA + " false false", "Alpha 1 false false", "Zeta " + idB + " false true"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if v := viewTenants([]profile.Tenant{tenant(idA, "A", "")}, "", ""); v[0].ConnectedNow || v[0].Default {
		t.Error("an empty event or default matches an empty one")
	}
	if got, err := encodeJSON(viewTenants(nil, "", ""), ""); err != nil || string(got) != "[]\n" {
		t.Errorf("no tenants are %s, %v; want []", got, err)
	}
}

func TestTenantShown(t *testing.T) {
	tests := []struct {
		name string
		view tenantView
		want string
	}{
		{"plain", tenantView{ID: "id", Name: "Acme"}, "Acme  id"},
		{"marks", tenantView{ID: "id", Name: "Acme", ConnectedNow: true, Default: true}, "Acme  id  (connected just now)  (default)"},
		{"no name", tenantView{ID: "id"}, "id  id"},
		{"a name of spaces and marks", tenantView{ID: "id", Name: " \u202e\x1b "}, "id  id"},
		{"hostile", tenantView{ID: "id", Name: "A\x1b[31m\nB\u202e"}, "A[31mB  id"},
		{"long", tenantView{ID: "id", Name: strings.Repeat("n", 300)}, strings.Repeat("n", 119) + "…  id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.view.shown(); got != tt.want {
				t.Errorf("%q; want %q", got, tt.want)
			}
		})
	}
}

func TestExpandScopes(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
		hint       string
	}{
		{"names", "openid files", []string{"openid", "files"}, ""},
		{"commas, spaces, lines and tabs", " openid,files,\n\tassets ", []string{"openid", "files", "assets"}, ""},
		{"a name twice", "files files", []string{"files"}, ""},
		{"preset", "@identity", []string{"openid", "profile", "email"}, ""},
		{"preset and names, each once", "email @identity files", []string{"email", "openid", "profile", "files"}, ""},
		{"unknown preset", "@everything", nil, "the presets are @accounting @files @identity @payroll @read"},
		{"misspelt preset", "@reed", nil, "did you mean: @read"},
		{"nothing", " , ", nil, "for example: --scopes @accounting"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := expandScopes(tt.text)
			app, _ := desk()
			if !slices.Equal(got, tt.want) || (err == nil) != (tt.hint == "") {
				t.Fatalf("%q, %v; want %q", got, err, tt.want)
			}
			if err != nil {
				if exit, hint := app.advise(err); exit != exitUsage || hint != tt.hint {
					t.Errorf("exit %d, %q; want 2, %q", exit, hint, tt.hint)
				}
			}
		})
	}
}

func TestCheckScopes(t *testing.T) {
	tests := []struct {
		name, scopes string
		hint         string // when refused
		warns        []string
	}{
		{"the default", strings.Join(defaultScopes(t), " "), "", nil},
		{"a slip", "openid offline_access accounting.contact", "did you mean: accounting.contacts", nil},
		{"for apps only", "offline_access app.connections", "leave it out of --scopes", nil},
		{"unknown", "offline_access brand.new.scope", "", []string{`"brand.new.scope" is not one that this program knows`}},
		{"for approved apps", "offline_access bankfeeds", "", []string{`"bankfeeds" is only for apps that Xero approved`}},
		{"retired", "offline_access accounting.transactions", "", []string{`"accounting.transactions" is retired`}},
		{"no refresh token", "openid", "", []string{"without the scope offline_access"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app, stderr := desk()
			err := app.checkScopes(strings.Fields(tt.scopes))
			if (err == nil) != (tt.hint == "") {
				t.Fatalf("%v; want the hint %q", err, tt.hint)
			}
			if err != nil {
				if exit, hint := app.advise(err); exit != exitUsage || hint != tt.hint {
					t.Errorf("exit %d, %q; want 2, %q", exit, hint, tt.hint)
				}
			}
			if n := strings.Count(stderr.String(), "\n"); n != len(tt.warns) {
				t.Errorf("%d warnings: %s", n, stderr)
			}
			for _, w := range tt.warns {
				if !strings.Contains(stderr.String(), w) {
					t.Errorf("%q lacks %q", stderr, w)
				}
			}
		})
	}
}

func defaultScopes(t *testing.T) []string {
	p, known := xero.Scopes().Preset(xero.DefaultPreset)
	if !known {
		t.Fatal("there is no default preset")
	}
	return p.Scopes
}

func TestNearest(t *testing.T) {
	candidates := []string{"default", "acme", "acme-two"}
	for _, tt := range []struct{ name, word, want string }{
		{"the same", "acme", "acme"}, {"a letter wrong", "acne", "acme"}, {"a letter missing", "ame", "acme"}, {"a letter more", "accme", "acme"},
		{"two slips", "defalut", "default"}, {"three slips", "dfalt1", ""}, {"nothing alike", "zzzzzz", ""}, {"short words are like anything", "ab", ""}, {"empty", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := nearest(tt.word, candidates); got != tt.want {
				t.Errorf("nearest(%q) = %q; want %q", tt.word, got, tt.want)
			}
		})
	}
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"same", "same", 0}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q) = %d; want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
