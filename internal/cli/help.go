package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpView is a command's help, from which --json, the terminal's text, manual
// pages and docs/commands.md are made. Its field names are promised.
type helpView struct {
	Command     string         `json:"command"`
	Short       string         `json:"short"`
	Long        string         `json:"long"`
	Usage       string         `json:"usage"`
	Example     string         `json:"example"`
	Flags       []flagView     `json:"flags"`
	Commands    []string       `json:"commands"`
	ExitCodes   []exitCodeView `json:"exit_codes"`
	Environment []variableView `json:"environment"`
	SeeAlso     []string       `json:"see_also"`

	topic bool
	// shelves are Commands with what they do, as the overview groups them.
	shelves []shelf
	// words are the exit codes in short.
	words []string
}

type flagView struct {
	Name      string `json:"name"`
	Shorthand string `json:"shorthand"`
	// Value names the value; empty for a flag that takes none.
	Value   string `json:"value"`
	Default string `json:"default"`
	Usage   string `json:"usage"`
	// Group is the heading that the flag stands under.
	Group string `json:"group"`
}

// The headings of flags that a command does not sort further.
const (
	flagsOwn   = "Flags"
	flagsOfAll = "Flags of every command"
)

type exitCodeView struct {
	Code    int    `json:"code"`
	Meaning string `json:"meaning"`
}

type variableView struct {
	Name    string `json:"name"`
	Meaning string `json:"meaning"`
}

// shelf is a group of commands.
type shelf struct {
	title string
	rows  [][]string // name and Short
}

func newHelpCmd(a *App) *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND or TOPIC]",
		Short:   "Help about a command or a topic",
		Long:    "Shows what a command does, or one of the topics environment, exit-codes, ci and security.",
		Example: "  xeroauth help login\n  xeroauth help exit-codes",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownTopic(cmd, about, args, rest)
			}
			about.InitDefaultHelpFlag()
			return a.help(about)
		},
	}
}

// unknownTopic is the error for words that are no command and no topic.
func unknownTopic(help, above *cobra.Command, args, rest []string) error {
	if above != nil && above.HasParent() && len(rest) > 0 {
		return unknownCommand(above, rest[0])
	}
	for _, topic := range helpTopics() {
		if near := nearest(args[0], []string{topic.Name()}); near != "" {
			return usagef("did you mean: "+help.CommandPath()+" "+near, "%q is no command and no topic", args[0])
		}
	}
	return unknownCommand(help.Root(), strings.Join(args, " "))
}

// help prints cmd's help, as text or in JSON.
func (a *App) help(cmd *cobra.Command) error {
	v := viewHelp(cmd)
	if a.flags.json {
		return a.printJSON(v)
	}
	a.print("%s", v.text(a.bold()))
	return nil
}

func viewHelp(cmd *cobra.Command) helpView {
	r := referenceOf(cmd)
	v := helpView{
		Command: cmd.CommandPath(), Short: cmd.Short, Long: cmd.Long, Usage: cmd.UseLine(), Example: cmd.Example,
		Flags: []flagView{}, Commands: []string{}, ExitCodes: []exitCodeView{}, Environment: []variableView{}, SeeAlso: []string{},
		topic: isTopic(cmd), shelves: shelvesOf(cmd),
	}
	codes, read := r.exitCodes(), r.variables()
	if v.topic {
		v.Usage, codes, read = "xeroauth help "+cmd.Name(), nil, nil
		switch cmd.Name() {
		case topicEnvironment:
			v.Long, read = environmentText(), variables()
		case topicExitCodes:
			v.Long, codes = exitCodesText(), exitCodes()
		}
	}
	for _, e := range codes {
		v.ExitCodes = append(v.ExitCodes, exitCodeView{e.code, e.meaning})
		v.words = append(v.words, e.word)
	}
	for _, x := range read {
		v.Environment = append(v.Environment, variableView{x.name, x.meaning})
	}
	for _, words := range r.see {
		if c, rest, err := cmd.Root().Find(strings.Fields(words)); err == nil && c.HasParent() && (len(rest) == 0 || c.Name() == "help") {
			v.SeeAlso = append(v.SeeAlso, "xeroauth "+words)
		}
	}
	if v.topic {
		return v
	}
	v.addFlags(r, cmd.NonInheritedFlags(), !cmd.HasParent())
	v.addFlags(r, cmd.InheritedFlags(), true)
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			v.Commands = append(v.Commands, c.Name())
		}
	}
	return v
}

// addFlags adds flags, shelf by shelf.
func (v *helpView) addFlags(r reference, flags *pflag.FlagSet, ofAll bool) {
	shelved := func(f *pflag.Flag) string {
		for _, s := range r.shelves {
			if slices.Contains(strings.Fields(s.flags), f.Name) {
				return s.title
			}
		}
		if ofAll || f.Name == "help" {
			return flagsOfAll
		}
		return flagsOwn
	}
	titles := []string{}
	for _, s := range r.shelves {
		titles = append(titles, s.title)
	}
	for _, title := range append(titles, flagsOwn, flagsOfAll) {
		flags.VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && shelved(f) == title {
				v.Flags = append(v.Flags, flagView{Name: f.Name, Shorthand: f.Shorthand, Value: valueName(f), Default: f.DefValue, Usage: f.Usage, Group: title})
			}
		})
	}
}

// valueName is how help names a flag's value: after its type where that says
// more, else after the last word of its name.
func valueName(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "bool":
		return ""
	case "duration":
		return "TIME"
	}
	switch f.Name {
	case "color":
		return "WHEN"
	case "profile", "organisation":
		return "NAME"
	case "tenant":
		return "NAME-or-ID"
	case "authority":
		return "ADDRESS"
	}
	return strings.ToUpper(f.Name[strings.LastIndexByte(f.Name, '-')+1:])
}

// isTopic reports a command that only has a text.
func isTopic(cmd *cobra.Command) bool { return !cmd.Runnable() && !cmd.HasSubCommands() }

// shelvesOf sorts the commands below cmd into groups; topics come last.
func shelvesOf(cmd *cobra.Command) []shelf {
	titled := map[string]*shelf{}
	var order []string
	if !cmd.HasParent() {
		order = groups()
	}
	const without, topics = "Commands", "Topics of xeroauth help"
	for _, title := range append(order, without, topics) {
		titled[title] = &shelf{title: title}
	}
	for _, c := range cmd.Commands() {
		title := referenceOf(c).group
		switch {
		case c.Hidden:
			continue
		case isTopic(c):
			title = topics
		case title == "" || cmd.HasParent():
			title = without
		}
		titled[title].rows = append(titled[title].rows, []string{c.Name(), c.Short})
	}
	var out []shelf
	for _, title := range append(order, without, topics) {
		if len(titled[title].rows) > 0 {
			out = append(out, *titled[title])
		}
	}
	return out
}
