package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/xeroauth/xeroauth/internal/term"
)

// globalFlags are those that every command takes.
type globalFlags struct {
	profile, color, store string
	json, quiet, verbose  bool
	noInput, custom, yes  bool
}

// Run does what args (without the program's name) ask for, and returns the
// exit code. app is not changed.
func Run(ctx context.Context, app *App, args []string) int {
	a := *app
	a.answer = new(bytes.Buffer)
	root := newRootCmd(&a)
	root.SetArgs(args)
	root.SetIn(a.Stdin)
	root.SetOut(a.answer)
	root.SetErr(a.Stderr)
	root.SetContext(ctx)
	// A parse error comes before the flags are set, and --json must hold for it.
	a.flags.json = wantsJSON(args)
	err := root.Execute()
	if err == nil || a.reportsState {
		if _, writeErr := a.Stdout.Write(a.answer.Bytes()); writeErr != nil && err == nil {
			err = fmt.Errorf("writing the answer: %w", withoutFile(writeErr))
		}
	}
	if err == nil {
		return a.exit
	}
	return a.fail(ctx, err)
}

func wantsJSON(args []string) bool {
	for _, arg := range args {
		if arg == "--json" {
			return true
		}
		if arg == "--" {
			break
		}
	}
	return false
}

func withoutFile(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func newRootCmd(a *App) *cobra.Command {
	var version bool
	root := &cobra.Command{
		Use:   "xeroauth",
		Short: "Get a Xero OAuth 2.0 token onto a laptop, into a pipe and into CI",
		Long: `xeroauth logs you in to Xero through the browser, keeps the session in the
system keychain, renews it when it must, and hands tokens to your scripts.
The refresh token is saved before any new token is used, and never lost.`,
		Example: `  xeroauth login
  xeroauth header --api | curl -fsS -H @- https://api.xero.com/api.xro/2.0/Organisation
  xeroauth demo        # all of it, without a Xero account`,
		Args:              cobra.ArbitraryArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			a.command = cmd.CommandPath()
			if !a.onlyReads(cmd) {
				a.watch()
			}
			return a.checkFlags(cmd.Flags())
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if version {
				a.print("xeroauth %s\n", a.Build.Version)
				return nil
			}
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	// Not cobra's own version flag: with a template for it the linker could
	// leave no method out of the program.
	root.Flags().BoolVar(&version, "version", false, "version for xeroauth")
	root.SetFlagErrorFunc(flagError)
	f := root.PersistentFlags()
	f.StringVarP(&a.flags.profile, "profile", "p", "", "profile to use (else $XEROAUTH_PROFILE, else the one in use)")
	f.BoolVar(&a.flags.json, "json", false, "answer and errors as JSON")
	f.BoolVarP(&a.flags.quiet, "quiet", "q", false, "say only what went wrong")
	f.BoolVarP(&a.flags.verbose, "verbose", "v", false, "tell each step on stderr, without secrets")
	f.StringVar(&a.flags.color, "color", "auto", "colour: auto, always or never")
	f.BoolVar(&a.flags.noInput, "no-input", false, "never ask on the terminal")
	f.StringVar(&a.flags.store, "store", "", "where a new profile keeps its session: keychain, file or plain")
	f.BoolVar(&a.flags.custom, "custom-connection", false, "use a custom connection (client credentials)")
	f.BoolVarP(&a.flags.yes, "yes", "y", false, "answer yes to every question")
	root.AddCommand(
		newLoginCmd(a), newLogoutCmd(a), newRefreshCmd(a), newStatusCmd(a), newTenantsCmd(a),
		newHeaderCmd(a), newTokenCmd(a), newExecCmd(a), newExportCmd(a), newSeedCmd(a), newProfilesCmd(a), newScopesCmd(a),
		newDoctorCmd(a), newSandboxCmd(a), newDemoCmd(a), newCompletionCmd(a), newOfferCmd(a), newManCmd(a), newVersionCmd(a),
	)
	root.AddCommand(helpTopics()...)
	root.SetHelpCommand(newHelpCmd(a))
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		_ = a.help(cmd) // into memory, which takes it
	})
	return root
}

// onlyReads reports a command that changes nothing and asks nobody, until it
// takes a lock, sends a request or waits for a person. In a job the session may
// have to be written into its folder first.
func (a *App) onlyReads(cmd *cobra.Command) bool {
	switch cmd.Name() {
	case "header", "token", "version", "help", "__offer", cmd.Root().Name():
		return a.env(envSession) == ""
	}
	return false
}

// checkFlags refuses a flag that is given and empty: -p "$UNSET" must not fall
// to another profile, nor --tenant "$UNSET" to another ledger.
func (a *App) checkFlags(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" {
			err = usagef("leave it out, or give it a value", "--%s is empty", f.Name)
		}
	})
	if err != nil {
		return err
	}
	switch a.flags.color {
	case "auto", "always", "never":
		return nil
	}
	return usagef("use --color auto, always or never", "--color %q is none of the choices", a.flags.color)
}

// noArgs and oneArg are cobra's, as usage errors of ours.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasSubCommands() {
		return unknownCommand(cmd, args[0])
	}
	return usagef("run: "+cmd.CommandPath()+" --help", "%s takes no argument, and %q is one", cmd.CommandPath(), args[0])
}

func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 && args[0] != "" {
			return nil
		}
		return usagef("run: "+cmd.CommandPath()+" --help", "%s takes one argument: %s", cmd.CommandPath(), what)
	}
}

// mayAsk reports whether a person is there to answer a question.
func (a *App) mayAsk() bool {
	return !a.flags.noInput && a.env("CI") == "" && term.IsTerminal(a.Stdin) && term.IsTerminal(a.Stderr)
}

// confirm asks a yes-or-no question. Nobody there to answer is a usage error
// that names --yes.
func (a *App) confirm(ctx context.Context, question string) error {
	if a.flags.yes {
		return nil
	}
	if !a.mayAsk() {
		return usagef("add --yes to go ahead", "%s needs a yes, and nobody is there to ask", a.command)
	}
	answer, err := term.Ask(ctx, a.Stdin, a.Stderr, prefix+question+" [y/N] ")
	if err != nil {
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was done: the answer was no")
	}
	return nil
}
