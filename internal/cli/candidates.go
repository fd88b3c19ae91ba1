package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/store/file"
	"github.com/xeroauth/xeroauth/internal/store/keychain"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// teachCompletion tells cobra what completes the flags and arguments of root's
// commands. It is done for completion alone, so that no other command pays.
func (a *App) teachCompletion(root *cobra.Command) {
	root.InitDefaultHelpCmd() // else it comes later
	flags, args := a.flagCandidates(), a.argCandidates()
	var teach func(cmd *cobra.Command)
	teach = func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			complete, known := flags[f.Name]
			switch {
			case !known && strings.HasSuffix(f.Name, "file"):
				return // the shell completes files
			case !known:
				complete = cobra.NoFileCompletions
			}
			// It fails for a flag that has one, such as an inherited one.
			_ = cmd.RegisterFlagCompletionFunc(f.Name, complete)
		})
		if cmd.ValidArgsFunction = args[wordsOf(cmd)]; cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		for _, c := range cmd.Commands() {
			teach(c)
		}
	}
	teach(root)
}

func (a *App) flagCandidates() map[string]cobra.CompletionFunc {
	return map[string]cobra.CompletionFunc{
		"profile":      a.completeProfile,
		"tenant":       a.completeTenant,
		"scopes":       completeScopes,
		"store":        oneOf(keychain.Name+"\tthe system's own", file.Name+"\tencrypted with an age key", file.PlainName+"\tnot encrypted"),
		"color":        oneOf("auto", "always", "never"),
		"app":          oneOf(profile.Public+"\tPKCE, no secret", profile.Web+"\twith a client secret"),
		"redirect-uri": oneOf(defaultRedirectURI),
		"format":       oneOf("sh", "fish", "powershell", "dotenv", "github"),
	}
}

func (a *App) argCandidates() map[string]cobra.CompletionFunc {
	return map[string]cobra.CompletionFunc{
		"tenants use":        firstOnly(a.completeTenant),
		"tenants disconnect": firstOnly(a.completeTenant),
		"profiles show":      firstOnly(a.completeProfile),
		"profiles use":       firstOnly(a.completeProfile),
		"profiles remove":    firstOnly(a.completeProfile),
		"profiles move":      firstOnly(a.completeProfile),
		"scopes":             completeScopes,
		"completion":         firstOnly(oneOf(shells()...)),
		"help":               completeHelp,
		"exec":               aProgram,
		"seed exec":          aProgram,
	}
}

// oneOf offers choices, each with what it is behind a tab.
func oneOf(choices ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return choices, cobra.ShellCompDirectiveNoFileComp
	}
}

// firstOnly completes a command's first argument.
func firstOnly(f cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return f(cmd, args, word)
	}
}

// aProgram leaves it to the shell.
func aProgram(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

func (a *App) completeProfile(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	dir, err := a.profiles()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, _ := dir.Names() // none is an answer too
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeTenant offers the ids in the list that is kept for the profile, with
// their names beside them. The names are text from outside: they never go into
// the command line.
func (a *App) completeTenant(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var offers []cobra.Completion
	for _, t := range a.offeredTenants() {
		if !xero.ValidUUID(t.ID) {
			continue
		}
		id, label := strings.ToLower(t.ID), t.label()
		if label == t.ID {
			label = ""
		}
		if t.Default {
			label = strings.TrimSpace(label + " (default)")
		}
		offers = append(offers, cobra.CompletionWithDesc(id, label))
	}
	return offers, cobra.ShellCompDirectiveNoFileComp
}

// offeredTenants are those of the profile that the line so far names; none if
// anything is amiss.
func (a *App) offeredTenants() []tenantView {
	dir, err := a.profiles()
	if err != nil {
		return nil
	}
	name, err := a.profileName(dir)
	if err != nil {
		return nil
	}
	tenants, err := dir.Tenants(name)
	if err != nil {
		return nil
	}
	p, _ := dir.Load(name) // without it no tenant is the default
	return viewTenants(tenants, p.Tenant, "")
}

// completeScopes offers presets and the scopes that any app may ask for; behind
// a comma those that do not stand before it.
func completeScopes(_ *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
	before := word[:strings.LastIndexByte(word, ',')+1]
	have := append(strings.Split(before, ","), args...)
	var offers []cobra.Completion
	for _, name := range offeredScopes() {
		if !slices.Contains(have, name) {
			offers = append(offers, before+name)
		}
	}
	return offers, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

func offeredScopes() []string {
	catalog := xero.Scopes()
	names := catalog.PresetNames()
	slices.Sort(names)
	for _, s := range catalog.Scopes {
		if !s.ClientOnly && s.Successors == nil {
			names = append(names, s.Name)
		}
	}
	return names
}

// completeHelp offers the commands below the words so far, and at first topics.
func completeHelp(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	about, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var offers []cobra.Completion
	for _, c := range about.Commands() {
		if !c.Hidden {
			offers = append(offers, cobra.CompletionWithDesc(c.Name(), c.Short))
		}
	}
	return offers, cobra.ShellCompDirectiveNoFileComp
}
