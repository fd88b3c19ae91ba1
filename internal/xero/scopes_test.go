package xero

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// The catalogue is whole: the file is ours, and nothing else reads it before
// it ships.
func TestScopesCatalog(t *testing.T) {
	c := Scopes()
	for _, day := range []string{c.Date, c.RetiredSince} {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			t.Error(err)
		}
	}
	if len(c.Sources) == 0 || len(c.Scopes) < 50 {
		t.Errorf("%d sources, %d scopes", len(c.Sources), len(c.Scopes))
	}
	for i, s := range c.Scopes {
		kinds := 0
		for _, is := range []bool{s.Successors != nil, s.Restricted != "", s.ClientOnly} {
			if is {
				kinds++
			}
		}
		if s.Name == "" || strings.ContainsAny(s.Name, " ,@") || s.Opens == "" || kinds > 1 || slices.Index(c.Names(), s.Name) != i {
			t.Errorf("%+v", s)
		}
		// The name alone tells reading from writing.
		want := "write"
		if strings.HasSuffix(s.Name, ".read") {
			want = "read"
		} else if slices.Contains([]string{"openid", "profile", "email", "offline_access"}, s.Name) {
			want = "user"
		}
		if s.Access != want {
			t.Errorf("%s: access is %q; want %q", s.Name, s.Access, want)
		}
		for _, next := range s.Successors {
			if n, known := c.Scope(next); !known || n.Successors != nil || n.Restricted != "" || n.ClientOnly || n.Access != s.Access {
				t.Errorf("%s: its successor %s cannot take its place", s.Name, next)
			}
		}
	}
	if _, known := c.Scope("accounting.nothing"); known {
		t.Error("a made-up scope is known")
	}
}

// What a preset asks for is known, granular, for any app, fit for a browser
// login, and never a scope together with its .read twin.
func TestPresets(t *testing.T) {
	c := Scopes()
	if c.Presets[0].Name != DefaultPreset {
		t.Errorf("the first preset is %s", c.Presets[0].Name)
	}
	for _, p := range c.Presets {
		if !strings.HasPrefix(p.Name, "@") || p.Opens == "" || len(p.Scopes) == 0 {
			t.Errorf("%+v", p)
		}
		for _, name := range p.Scopes {
			s, known := c.Scope(name)
			if !known || s.ClientOnly || s.Successors != nil || s.Restricted != "" || slices.Contains(p.Scopes, name+".read") {
				t.Errorf("%s asks for %s", p.Name, name)
			}
		}
	}
	if _, known := c.Preset("@nothing"); known {
		t.Error("a made-up preset is known")
	}
}
