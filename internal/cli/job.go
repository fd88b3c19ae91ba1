package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store/job"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// jobLockWait is lockWait and the time of the two writebacks of one renewal.
const jobLockWait = lockWait + 2*writebackLimit

func addUnsavedFlag(cmd *cobra.Command, value *bool) {
	cmd.Flags().BoolVar(value, "allow-unsaved-rotation", false, "in a CI job without XEROAUTH_WRITEBACK: renew the session all the same")
}

// hasJobSession reports whether the session is that of XEROAUTH_SESSION. A
// profile named on the command line comes first, and that is said.
func (a *App) hasJobSession() bool {
	if a.env(envSession) == "" {
		return false
	}
	if a.flags.profile == "" {
		return true
	}
	if !a.toldSession {
		a.say("%s is not used: -p names a profile", envSession)
		a.toldSession = true
	}
	return false
}

// noJobSession refuses what makes no sense with the session of a job.
func (a *App) noJobSession(why string) error {
	if !a.hasJobSession() {
		return nil
	}
	return usagef("unset "+envSession+", or name a profile with -p", "%s is set: %s", envSession, why)
}

// jobTarget is the session of a job. It has no profile: what the seed tells
// stands in for one.
func (a *App) jobTarget() (target, error) {
	switch {
	case a.customConnection():
		return target{}, usagef("unset one of them", "%s and a custom connection exclude each other", envSession)
	case a.flags.store != "":
		return target{}, usagef("leave --store out, or name a profile with -p", "%s has a store of its own", envSession)
	}
	if _, _, err := parseWriteback(a.env(envWriteback)); err != nil {
		return target{}, err
	}
	st, err := job.New(job.Config{Dir: a.jobDir(), Value: secret.New(a.env(envSession)), Wait: jobLockWait, Holder: a.command})
	switch {
	case errors.Is(err, job.ErrNewerSeed):
		return target{}, usagef("update xeroauth in this job", "reading %s: %w", envSession, err)
	case err != nil:
		return target{}, usagef("seed it again, on the machine where you log in: xeroauth seed --help", "reading %s: %w", envSession, err)
	}
	r := st.Seed.Record
	a.jobFile, a.hasSecret = st.Path, r.App != profile.Public
	p := profile.Profile{ClientID: r.ClientID, App: r.App, Authority: r.Authority, Tenant: st.Seed.Tenant, Store: job.Name}
	return target{profile: p, store: st, account: job.Account, job: st}, nil
}

// jobDir is the folder that all steps of a job find, and no other job if the
// runner keeps to its word: GitHub empties RUNNER_TEMP after each job.
func (a *App) jobDir() string {
	for _, name := range []string{"RUNNER_TEMP", "XDG_RUNTIME_DIR"} {
		if dir := a.env(name); filepath.IsAbs(dir) {
			return filepath.Join(dir, "xeroauth-job")
		}
	}
	// The folder is everybody's: the name says whose, and the store checks.
	return filepath.Join(os.TempDir(), "xeroauth-job-"+strconv.Itoa(os.Getuid()))
}

// jobApp finds a web app's secret, which is never part of a seed.
func (a *App) jobApp(app xero.App) (xero.App, error) {
	text := strings.TrimSpace(a.env(envClientSecret))
	if text == "" {
		return app, usagef("set "+envClientSecret+" from a second secret", "the session in %s is a web app's, and needs its client secret", envSession)
	}
	app.Secret = secret.New(text)
	return app, nil
}

// label names a target to a person.
func (t target) label() string {
	if t.job != nil {
		return "the session of " + envSession
	}
	return fmt.Sprintf("profile %q", t.profile.Name)
}

// loginHint is what to do when only a login helps.
func (a *App) loginHint() string {
	if a.jobFile == "" {
		return "run: " + a.cmd("login")
	}
	return "seed a new session into " + envSession + ", on the machine where you log in: xeroauth seed --help"
}

// clock is a time of day for people in another zone than the runner's.
func clock(t time.Time) string { return t.Local().Format("15:04 MST") }
