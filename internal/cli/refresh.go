package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/session"
)

type refreshOptions struct {
	all         bool
	unsaved     bool
	ifOlderThan durationFlag
}

// refreshView is the answer of refresh in --json. Its field names are promised.
type refreshView struct {
	Profile         string          `json:"profile"`
	Outcome         session.Outcome `json:"outcome"`
	AccessExpiresAt *time.Time      `json:"access_token_expires_at"`
}

func newRefreshCmd(a *App) *cobra.Command {
	var o refreshOptions
	cmd := &cobra.Command{
		Use:   "refresh",
		Short: "Renew the session now",
		Long: `Trades the refresh token for a new one now, and saves it before anything else.
A refresh token that is not used for 60 days dies; a weekly
"xeroauth refresh --all" keeps every session alive. Prints nothing on stdout
without --json.`,
		Example: `  xeroauth refresh
  xeroauth refresh --all --if-older-than 30d`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRefresh(cmd.Context(), a, o) },
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "renew the session of every profile")
	addUnsavedFlag(cmd, &o.unsaved)
	cmd.Flags().Var(&o.ifOlderThan, "if-older-than", "only if the refresh token is at least this old, such as 30d or 12h")
	return cmd
}

func runRefresh(ctx context.Context, a *App, o refreshOptions) error {
	age := time.Duration(o.ifOlderThan)
	if o.all {
		return a.refreshAll(ctx, age)
	}
	view, err := a.refreshChosen(ctx, o)
	if view.Outcome != "" && a.flags.json {
		a.reportsState = true
		return errors.Join(err, a.printJSON(view))
	}
	return err
}

// refreshChosen renews the session of the job, else that of the profile in hand.
func (a *App) refreshChosen(ctx context.Context, o refreshOptions) (refreshView, error) {
	age := time.Duration(o.ifOlderThan)
	if a.hasJobSession() {
		t, err := a.jobTarget()
		if err != nil {
			return refreshView{}, err
		}
		t.unsaved = o.unsaved
		return a.refreshTarget(ctx, t, refreshView{}, age)
	}
	dir, err := a.profiles()
	if err != nil {
		return refreshView{}, err
	}
	name, err := a.profileName(dir)
	if err != nil {
		return refreshView{}, err
	}
	return a.refreshOne(ctx, dir, name, age)
}

// worstFirst is the order of exit codes for --all: what needs a person first.
var worstFirst = []int{exitLogin, exitStore, exitRefused, exitTemporary, exitFailure}

// refreshAll tries every profile and ends with the first of the exit codes 4,
// 3, 6, 5, 1 that occurred: what needs a person comes first.
func (a *App) refreshAll(ctx context.Context, age time.Duration) error {
	switch {
	case a.flags.profile != "":
		return usagef("use one of them", "--all and --profile exclude each other")
	case a.flags.store != "":
		return usagef("leave --store out: each profile has its own", "--all and --store exclude each other")
	case a.env(envSession) != "":
		return usagef("run: xeroauth refresh", "--all is about profiles, and %s is set", envSession)
	}
	dir, err := a.profiles()
	if err != nil {
		return err
	}
	names, err := dir.Names()
	if err != nil {
		return err
	}
	views := make([]refreshView, 0, len(names))
	failures := map[int]error{}
	for _, name := range names {
		view, err := a.refreshOne(ctx, dir, name, age)
		if err == nil {
			views = append(views, view)
			continue
		}
		if ctx.Err() != nil {
			return err
		}
		named := *a
		named.flags.profile = name
		exit, hint := named.advise(err)
		a.warn("profile %q: %v", name, err)
		if view.Outcome == "" {
			view = refreshView{Profile: name, Outcome: session.Kept}
		}
		views = append(views, view)
		if !slices.Contains(worstFirst, exit) {
			exit = exitFailure
		}
		failures[exit] = &advised{exit: exit, hint: hint, err: fmt.Errorf("profile %q: %w", name, err)}
	}
	if len(names) == 0 {
		a.say("there is no profile yet")
	}
	if a.flags.json {
		a.reportsState = true
		if err := a.printJSON(views); err != nil {
			return err
		}
	}
	for _, exit := range worstFirst {
		if err := failures[exit]; err != nil {
			return err
		}
	}
	return nil
}

// refreshOne renews one profile's session. The view tells the outcome even of
// an error, unless the error came before the session was looked at.
func (a *App) refreshOne(ctx context.Context, dir profile.Dir, name string, age time.Duration) (refreshView, error) {
	view := refreshView{Profile: name}
	t, err := a.targetNamed(dir, name)
	if err != nil {
		if errors.Is(err, session.ErrLoginRequired) {
			view.Outcome = session.LoginNeeded
		}
		return view, err
	}
	return a.refreshTarget(ctx, t, view, age)
}

func (a *App) refreshTarget(ctx context.Context, t target, view refreshView, age time.Duration) (refreshView, error) {
	result, err := a.withSession(&t, func(k *session.Keeper) (session.Result, error) { return k.Rotate(ctx, age) })
	switch {
	case err != nil && result.Outcome != "": // a signal, after the save
		view.Outcome, view.AccessExpiresAt = result.Outcome, shortTime(result.Record.Expiry)
		return view, err
	case errors.Is(err, session.ErrLoginRequired):
		view.Outcome = session.LoginNeeded
		return view, err
	case err != nil:
		view.Outcome = session.Kept
		return view, err
	}
	view.Outcome, view.AccessExpiresAt = result.Outcome, shortTime(result.Record.Expiry)
	a.tellSkewOf(result.Skew)
	a.say("%s: %s, access token until %s", t.label(), strings.ReplaceAll(string(result.Outcome), "_", " "),
		result.Record.Expiry.Local().Format("15:04:05"))
	return view, nil
}
