package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/xero"
)

// catalogView is the catalogue in --json. Its field names are promised.
type catalogView struct {
	Date         string       `json:"date"`
	RetiredSince string       `json:"retired_since"`
	Sources      []string     `json:"sources"`
	Scopes       []scopeView  `json:"scopes"`
	Presets      []presetView `json:"presets"`
}

type scopeView struct {
	Name   string `json:"name"`
	Opens  string `json:"opens"`
	Access string `json:"access"`
	// Status is "open", "retired", "restricted" or "client_only".
	Status     string   `json:"status"`
	Successors []string `json:"successors"`
	Note       string   `json:"note"`
	Presets    []string `json:"presets"`
}

type presetView struct {
	Name    string   `json:"name"`
	Opens   string   `json:"opens"`
	Default bool     `json:"default"`
	Scopes  []string `json:"scopes"`
}

func newScopesCmd(a *App) *cobra.Command {
	return &cobra.Command{
		Use:   "scopes [NAME or @PRESET...]",
		Short: "List Xero's scopes, what each opens, and the presets",
		Long: `Lists what a login can ask for: each scope, what it opens, and whether it reads
or writes (write reads too; user opens no organisation). Retired broad scopes
come with the granular ones that took their place, and presets with what they
stand for. Names and presets as arguments show those alone. Nothing is sent.`,
		Example: `  xeroauth scopes
  xeroauth scopes @read
  xeroauth scopes accounting.transactions --json`,
		RunE: func(_ *cobra.Command, args []string) error { return runScopes(a, args) },
	}
}

func runScopes(a *App, words []string) error {
	view, err := viewCatalog(xero.Scopes(), words)
	if err != nil {
		return err
	}
	if a.flags.json {
		return a.printJSON(view)
	}
	var presets [][]string
	for _, p := range view.Presets {
		presets = append(presets, []string{p.Name, p.Opens})
	}
	text := view.section("open", "") +
		view.section("restricted", "\nOnly for apps that Xero approved, or that had them before:\n") +
		view.section("retired", "\nRetired: apps made since 2 March 2026 may not ask for these, but for\n") +
		view.section("client_only", "\nNever in a browser login:\n")
	if len(presets) > 0 {
		text += "\nPresets, for --scopes:\n" + table(presets)
	}
	a.print("%s", strings.TrimPrefix(text, "\n"))
	a.say("as of %s, from Xero's public pages", view.Date)
	return nil
}

// viewCatalog is the whole catalogue, or the part that words name.
func viewCatalog(c xero.Catalog, words []string) (catalogView, error) {
	v := catalogView{Date: c.Date, RetiredSince: c.RetiredSince, Sources: c.Sources, Scopes: []scopeView{}, Presets: []presetView{}}
	wanted := map[string]bool{}
	for _, word := range scopeWords(strings.Join(words, " ")) {
		if strings.HasPrefix(word, "@") {
			p, err := presetNamed(word)
			if err != nil {
				return v, err
			}
			for _, s := range p.Scopes {
				wanted[s] = true
			}
		} else if _, known := c.Scope(word); !known {
			return v, unknownScope(word)
		}
		wanted[word] = true
	}
	for _, p := range c.Presets {
		if len(wanted) == 0 || wanted[p.Name] {
			v.Presets = append(v.Presets, presetView{Name: p.Name, Opens: p.Opens, Default: p.Name == xero.DefaultPreset, Scopes: p.Scopes})
		}
	}
	for _, s := range c.Scopes {
		if len(wanted) == 0 || wanted[s.Name] {
			v.Scopes = append(v.Scopes, viewScope(c, s))
		}
	}
	return v, nil
}

func unknownScope(word string) error {
	if err := misspelt(word); err != nil {
		return err
	}
	return usagef("see all of them: xeroauth scopes", "Xero has no scope %q that this program knows", word)
}

func viewScope(c xero.Catalog, s xero.Scope) scopeView {
	v := scopeView{Name: s.Name, Opens: s.Opens, Access: s.Access, Status: "open", Successors: []string{}, Note: s.Restricted, Presets: []string{}}
	switch {
	case s.ClientOnly:
		v.Status = "client_only"
	case s.Successors != nil:
		v.Status, v.Successors = "retired", s.Successors
	case s.Restricted != "":
		v.Status = "restricted"
	}
	for _, p := range c.Presets {
		if slices.Contains(p.Scopes, s.Name) {
			v.Presets = append(v.Presets, p.Name)
		}
	}
	return v
}

// section is the scopes of one status as text, each line within 80 columns.
func (v catalogView) section(status, title string) string {
	var rows [][]string
	var retired strings.Builder
	for _, s := range v.Scopes {
		switch {
		case s.Status != status:
		case status == "retired":
			fmt.Fprintf(&retired, "%s\n%s", s.Name, indented(strings.Join(s.Successors, " "), 4))
		default:
			rows = append(rows, []string{s.Name, s.Access, s.Opens})
		}
	}
	text := table(rows) + retired.String()
	if text != "" {
		text = title + text
	}
	return text
}
