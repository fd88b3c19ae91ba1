package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/xeroauth/xeroauth/internal/github"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/session"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/job"
)

const (
	// writebackLimit is what proving or writing gets, all tries included.
	writebackLimit = 30 * time.Second
	// killWait is how long a killed program's open pipes are waited for.
	killWait = time.Second
	// pipeWait is far longer than filling a pipe takes.
	pipeWait       = time.Second
	writebackTries = 4
	writebackPause = time.Second
)

// parseWriteback reads XEROAUTH_WRITEBACK: a secret of GitHub's or a program;
// both are empty if nothing is set.
func parseWriteback(text string) (place github.Place, program string, err error) {
	const hint = "use github:OWNER/REPOSITORY:NAME or exec:/path/to/program"
	kind, rest, _ := strings.Cut(text, ":")
	switch {
	case text == "":
		return place, "", nil
	case kind == "github":
		if place, err = github.ParsePlace(rest); err != nil {
			return place, "", usagef(hint, "%s: %w", envWriteback, err)
		}
		return place, "", nil
	case kind == "exec" && filepath.IsAbs(rest):
		return place, rest, nil
	case kind == "exec":
		return place, "", usagef(hint, "%s: exec takes the whole path of one program, without arguments", envWriteback)
	}
	return place, "", usagef(hint, "%s is neither github: nor exec:", envWriteback)
}

// writeback is where a target's renewed session goes; nil where the store
// itself lasts, and where a person allowed that it does not.
func (a *App) writeback(t target) *session.Writeback {
	if t.job == nil {
		return nil
	}
	place, program, err := parseWriteback(a.env(envWriteback))
	switch {
	case err != nil:
		// jobTarget has looked at it already.
		return refuseWriteback(err)
	case program != "":
		return a.writesTo(t, func(ctx context.Context, text secret.Text) error { return a.runWriteback(ctx, program, text) })
	case place.Name != "":
		return a.writesTo(t, func(ctx context.Context, text secret.Text) error {
			return a.patiently(ctx, func(ctx context.Context, c *github.Client) error { return c.Put(ctx, place, text) })
		})
	case t.unsaved:
		a.trace("no %s: a renewed session will end with this job", envWriteback)
		return nil
	}
	return refuseWriteback(&advised{
		exit: exitFailure, hint: "set " + envWriteback + " (xeroauth help ci), or let the session end with this job: --allow-unsaved-rotation",
		err: fmt.Errorf("no %s says where the renewed session would go, and the one in %s would end", envWriteback, envSession),
	})
}

func refuseWriteback(err error) *session.Writeback {
	refuse := func(context.Context, store.Record) error { return err }
	return &session.Writeback{Prove: refuse, Write: refuse}
}

// writesTo proves a writeback by what it is for: the session as it stands goes
// through it before anything is renewed.
func (a *App) writesTo(t target, write func(context.Context, secret.Text) error) *session.Writeback {
	run := func(ctx context.Context, r store.Record) error {
		text, err := job.Seed{Record: r, Tenant: t.job.Seed.Tenant}.Pack()
		if err != nil {
			return err
		}
		return write(ctx, text)
	}
	return &session.Writeback{Prove: run, Write: run}
}

// patiently tries again what GitHub did not refuse for good, within the limit.
func (a *App) patiently(ctx context.Context, do func(context.Context, *github.Client) error) error {
	c, err := a.github()
	if err != nil {
		return err
	}
	end := a.Now().Add(writebackLimit)
	ctx, cancel := context.WithTimeout(ctx, writebackLimit)
	defer cancel()
	for try := 1; ; try++ {
		err := do(ctx, c)
		var e *github.Error
		if err == nil || !errors.As(err, &e) || e.Kind != github.Temporary && e.Kind != github.Limited || try == writebackTries {
			return err
		}
		wait := max(writebackPause<<(try-1), e.RetryAfter)
		if ctx.Err() != nil || a.Now().Add(wait).After(end) {
			return err
		}
		a.trace("try %d of %d: %v; trying again in %s", try, writebackTries, err, wait)
		a.Pause(ctx, wait)
	}
}

// runWriteback gives a session to the program: no shell, no arguments, its
// environment without our secrets. What it prints on stdout goes nowhere, for a
// careless one may print what it was given.
func (a *App) runWriteback(ctx context.Context, program string, value secret.Text) error {
	ctx, cancel := context.WithTimeout(ctx, writebackLimit)
	defer cancel()
	run := exec.CommandContext(ctx, program)
	run.Stderr = a.Stderr
	err := a.feed(run, value)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("it did not end within %s", writebackLimit)
	}
	if err != nil {
		return &advised{exit: exitFailure, hint: "see what the program says; it gets the session on stdin, no arguments, and 30 seconds",
			err: fmt.Errorf("running %s: %w", program, err)}
	}
	return nil
}

// feed runs a program with a session on its stdin, and without our secrets in
// its environment. The session lies in the pipe as a whole before the program
// starts: were it fed while it runs, it would take the death of this process
// for the end of a shorter session, and put that over the good one.
func (a *App) feed(run *exec.Cmd, value secret.Text) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	fed := make(chan error, 1)
	go func() {
		_, err := io.WriteString(w, value.Reveal())
		fed <- errors.Join(err, w.Close())
	}()
	select {
	case err := <-fed:
		if err != nil {
			return err
		}
	case <-time.After(pipeWait):
		// Windows' pipes may be smaller than a session: the program has to empty it.
	}
	run.Stdin, run.Env, run.WaitDelay = r, a.environWithoutSecrets(), killWait
	return run.Run()
}

// writebackAdvice says where a session is that could not be written back.
func (a *App) writebackAdvice(e *session.WritebackError) string {
	_, hint := a.advise(e.Err)
	if !e.Renewed() {
		return joinHints("nothing was renewed, and the session is as it was", hint)
	}
	return joinHints(fmt.Sprintf("the renewed session is kept in %s, and the next command of this job writes it back; until %s Xero also takes the one in %s",
		a.jobFile, clock(e.Until), envSession), hint)
}

func joinHints(first, second string) string {
	if second == "" {
		return first
	}
	return first + "; " + second
}
