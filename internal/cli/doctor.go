package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/doctor"
)

// doctorView is the answer of doctor in --json. Its field names are promised.
type doctorView struct {
	OK      bool        `json:"ok"`
	Version string      `json:"version"`
	Profile string      `json:"profile"`
	Checks  []checkView `json:"checks"`
}

// checkView has no place for a secret: five plain words of the doctor's.
type checkView struct {
	ID      string         `json:"id"`
	Outcome doctor.Outcome `json:"outcome"`
	Seen    string         `json:"seen"`
	Fix     string         `json:"fix"`
	Because string         `json:"because"`
}

func newDoctorCmd(a *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find what is wrong, and say what to type",
		Long: `Tries each part of the set-up for real, from the settings to a call of Xero's
API, and says what it saw; where something is wrong, one line says what to type.
A check that needs one that did not succeed is skipped, with its id.

Nothing is renewed, nobody is asked, no browser opens, and what is printed holds
no token, no secret and no name: it can go into a bug report as it is. Exit code
1 means that a check failed; the answer is printed all the same.`,
		Example: `  xeroauth doctor
  xeroauth doctor -p acme --json | jq -r '.checks[] | select(.outcome == "fail") | .fix'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd.Context(), a) },
	}
	cmd.AddCommand(newSecondProcessCmd(a))
	return cmd
}

func runDoctor(ctx context.Context, a *App) error {
	setup, err := a.doctorSetup()
	if err != nil {
		return err
	}
	results, err := doctor.Run(ctx, setup)
	if err != nil {
		return err
	}
	a.reportsState = true
	view := doctorView{OK: true, Version: a.Build.Version, Profile: setup.Profile.Name}
	var failed []string
	for _, r := range results {
		view.Checks = append(view.Checks, checkView(r))
		if r.Outcome == doctor.Fail {
			failed = append(failed, r.ID)
		}
	}
	view.OK = len(failed) == 0
	if a.flags.json {
		if err := a.printJSON(view); err != nil {
			return err
		}
	} else {
		a.print("%s", a.checkTable(view.Checks))
	}
	if view.OK {
		return nil
	}
	noun := "checks"
	if len(failed) == 1 {
		noun = "check"
	}
	return &advised{
		exit: exitFailure, hint: "do what the first fix says, then run: " + a.cmd("doctor"),
		err: fmt.Errorf("%d %s failed: %s", len(failed), noun, strings.Join(failed, ", ")),
	}
}

const (
	// doctorWidth is what a terminal has at least; lines to be typed are not
	// broken.
	doctorWidth = 80
	idColumn    = 9
	seenColumn  = 25
)

// checkTable has one line for each check, and below it what to type.
func (a *App) checkTable(checks []checkView) string {
	var b strings.Builder
	indent := "\n" + strings.Repeat(" ", seenColumn)
	for _, c := range checks {
		seen := c.Seen
		if c.Outcome == doctor.Skipped {
			seen = "(" + c.Because + ")"
		}
		text := strings.Join(wrap(seen, doctorWidth-seenColumn), indent)
		// Padded before it is painted: colours have no width.
		b.WriteString(a.paintOutcome(c.Outcome, fmt.Sprintf("%-*s", idColumn, c.Outcome)))
		fmt.Fprintf(&b, "%-*s%s\n", seenColumn-idColumn, c.ID, text)
		if c.Fix != "" {
			fmt.Fprintf(&b, "%*sfix: %s\n", idColumn, "", c.Fix)
		}
	}
	return b.String()
}

// paintOutcome colours for stdout, where the table goes.
func (a *App) paintOutcome(outcome doctor.Outcome, text string) string {
	attribute, known := map[doctor.Outcome]color.Attribute{
		doctor.OK: color.FgGreen, doctor.Warn: color.FgYellow, doctor.Fail: color.FgRed, doctor.Skipped: color.Faint,
	}[outcome]
	if !known || !a.colorsOn(a.Stdout) {
		return text
	}
	c := color.New(attribute)
	c.EnableColor()
	return c.Sprint(text)
}

// maxStdin bounds what a second process reads of the key for the file store.
const maxStdin = 64 << 10

// newSecondProcessCmd is what the doctor starts to see whether another process
// finds what this one saved, and waits for the lock that this one holds.
func newSecondProcessCmd(a *App) *cobra.Command {
	return &cobra.Command{
		Use: "second-process WHAT STORE ACCOUNT", Short: "Be the second process of a doctor", Hidden: true,
		Long:    "Reads the doctor's own entry, or tries its lock. The key of the file store\nmay stand on stdin.",
		Example: "  xeroauth doctor second-process read plain default#doctor",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 3 && strings.HasSuffix(args[2], doctor.ProbeSuffix) {
				return nil
			}
			return usagef("run: xeroauth doctor", "this command is for the doctor itself")
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := io.ReadAll(io.LimitReader(a.Stdin, maxStdin))
			if err != nil {
				return err
			}
			if len(key) > 0 {
				a.Environ = append(a.Environ, envFileKey+"="+string(key))
			}
			return a.secondProcess(cmd.Context(), args[0], args[1], args[2])
		},
	}
}
