package cli

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/xeroauth/xeroauth/internal/term"
)

// FuzzQuoting: whatever a tenant is called, --json is JSON that holds the name,
// and neither it nor a line for a person holds what a terminal would obey.
func FuzzQuoting(f *testing.F) {
	for _, seed := range []string{
		"Demo Company (AU)", "\x1b[31mred", "two\nlines\r", `"quotes" and \ and $(id)`, "\u202eright to left\u2069", "\u0085\u2028", "\xff\xfe", "\x00\x7f\u009b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		out, err := encodeJSON(map[string]string{"tenant_name": name}, "  ")
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]string
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("%v: %q", err, out)
		}
		if utf8.ValidString(name) && back["tenant_name"] != name {
			t.Errorf("%q came back as %q", name, back["tenant_name"])
		}
		for _, r := range string(out) {
			if r != '\n' && term.Hostile(r) {
				t.Errorf("JSON holds %U: %q", r, out)
			}
		}
		lines := (tenantView{ID: "id", Name: name}).shown() + oneLine(name)
		for _, r := range lines {
			if term.Hostile(r) {
				t.Errorf("a line holds %U", r)
			}
		}
	})
}
