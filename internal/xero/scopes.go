package xero

import (
	_ "embed"
	"encoding/json"
	"slices"
	"sync"
)

// DefaultPreset is what a login asks for when nothing else is said: the
// granular list that Xero's own CLI asks for (docs/xero.md section 8).
const DefaultPreset = "@accounting"

// Catalog is what is known of Xero's scopes, with its date and sources. The
// file scopes.json holds it.
type Catalog struct {
	// Date is the day on which the sources were read.
	Date string `json:"date"`
	// RetiredSince is the day from which new apps may not ask for the scopes
	// that have successors.
	RetiredSince string   `json:"retired_since"`
	Sources      []string `json:"sources"`
	Scopes       []Scope  `json:"scopes"`
	Presets      []Preset `json:"presets"`
}

// Scope is one scope. Those that are neither retired nor restricted nor
// client-only are for any app.
type Scope struct {
	Name string `json:"name"`
	// Opens says in a few words what it opens.
	Opens string `json:"opens"`
	// Access is "read", "write" (which reads too) or "user": what is known of
	// the person and their login, and nothing of an organisation.
	Access string `json:"access"`
	// Successors took the place of a retired broad scope.
	Successors []string `json:"successors"`
	// Restricted says which apps alone may ask for it.
	Restricted string `json:"restricted"`
	// ClientOnly is a scope that browser logins are refused for.
	ClientOnly bool `json:"client_only"`
}

// Preset is a named list of scopes.
type Preset struct {
	Name   string   `json:"name"`
	Opens  string   `json:"opens"`
	Scopes []string `json:"scopes"`
}

//go:embed scopes.json
var scopesJSON []byte

// catalog is parsed on first use: most commands need no catalogue. Not a
// sync.OnceValue, which would be made when the program starts.
var catalog struct {
	once   sync.Once
	parsed Catalog
}

// Scopes returns the catalogue. It is shared: do not change it.
func Scopes() Catalog {
	catalog.once.Do(func() {
		if err := json.Unmarshal(scopesJSON, &catalog.parsed); err != nil {
			panic(err) // our own embedded file, which a test reads
		}
	})
	return catalog.parsed
}

// Scope finds a scope by its name.
func (c Catalog) Scope(name string) (s Scope, known bool) {
	i := slices.IndexFunc(c.Scopes, func(s Scope) bool { return s.Name == name })
	if i < 0 {
		return Scope{}, false
	}
	return c.Scopes[i], true
}

// Preset finds a preset by its name, which begins with @.
func (c Catalog) Preset(name string) (p Preset, known bool) {
	i := slices.IndexFunc(c.Presets, func(p Preset) bool { return p.Name == name })
	if i < 0 {
		return Preset{}, false
	}
	return c.Presets[i], true
}

// UserOnly reports the scopes that belong to a person, and that no custom
// connection has (docs/xero.md section 8).
func UserOnly(scope string) bool {
	s, known := Scopes().Scope(scope)
	return known && s.Access == "user"
}

// Names lists every scope that Xero is known to have, retired ones too.
func (c Catalog) Names() []string {
	var names []string
	for _, s := range c.Scopes {
		names = append(names, s.Name)
	}
	return names
}

// PresetNames lists the presets.
func (c Catalog) PresetNames() []string {
	var names []string
	for _, p := range c.Presets {
		names = append(names, p.Name)
	}
	return names
}
