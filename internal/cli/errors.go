package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"syscall"

	"github.com/xeroauth/xeroauth/internal/github"
	"github.com/xeroauth/xeroauth/internal/login"
	"github.com/xeroauth/xeroauth/internal/loopback"
	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/session"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// The exit codes. `xeroauth help exit-codes` tells people the same.
const (
	exitOK        = 0
	exitFailure   = 1
	exitUsage     = 2
	exitStore     = 3
	exitLogin     = 4
	exitTemporary = 5
	exitRefused   = 6
	exitTenant    = 7
	// exec alone has these two, as shells do: a program that cannot be run,
	// and one that is not there.
	exitCannotRun = 126
	exitNoProgram = 127
)

// codes are the exit codes' names in --json. An array needs no work when the
// program starts, as a map would.
var codes = [...]string{
	exitFailure: "failed", exitUsage: "usage", exitStore: "store", exitLogin: "login_needed",
	exitTemporary: "temporary", exitRefused: "refused", exitTenant: "tenant",
	exitCannotRun: "cannot_run", exitNoProgram: "no_program",
}

// advised is an error that knows its exit code and advice.
type advised struct {
	exit int
	hint string
	err  error
}

func (e *advised) Error() string { return e.err.Error() }

func (e *advised) Unwrap() error { return e.err }

// usagef is a mistake in how the program was called.
func usagef(hint, format string, args ...any) error {
	return &advised{exit: exitUsage, hint: hint, err: fmt.Errorf(format, args...)}
}

// Interrupted is the cause of a context that a signal ended.
type Interrupted struct{ Signal os.Signal }

func (e *Interrupted) Error() string { return "stopped by the signal " + e.Signal.String() }

// ExitCode is 128 and the signal's number, as shells have it.
func (e *Interrupted) ExitCode() int {
	if n, ok := e.Signal.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return exitFailure
}

// fail prints an error and its advice, and returns the exit code.
func (a *App) fail(ctx context.Context, err error) int {
	exit, hint := a.advise(err)
	var code string
	if exit < len(codes) {
		code = codes[exit]
	}
	var stopped *Interrupted
	// Ctrl-C is a signal, or a key where the terminal makes no signal of it.
	if errors.As(context.Cause(ctx), &stopped) || errors.As(err, &stopped) {
		exit, hint, code, err = stopped.ExitCode(), "", "interrupted", stopped
	}
	message := oneLine(err.Error())
	if a.flags.json {
		type body struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			Hint    string `json:"hint"`
		}
		// Marshalling three strings does not fail.
		line, _ := encodeJSON(map[string]body{"error": {code, message, hint}}, "")
		_, _ = a.Stderr.Write(line)
		return exit
	}
	a.line("error: ", "%s", message)
	if hint != "" {
		a.line("hint: ", "%s", hint)
	}
	return exit
}

// advise is the one place where a fact from below becomes an exit code and
// something to type.
func (a *App) advise(err error) (exit int, hint string) {
	var known *advised
	var keep *store.Error
	var held *store.LockError
	var unsaved *session.UnsavedError
	var web *xero.Error
	var refused *login.RefusedError
	var late *login.NoConsentError
	var damaged *profile.DamagedError
	var unwritten *session.WritebackError
	var hub *github.Error
	switch {
	case errors.As(err, &unwritten):
		return exitFailure, a.writebackAdvice(unwritten)
	case errors.As(err, &known):
		return known.exit, known.hint
	case errors.As(err, &unsaved):
		return exitStore, fmt.Sprintf("Xero takes the session that is saved until %s: mend the store and run: %s",
			unsaved.Until.Local().Format("15:04"), a.cmd("refresh"))
	case errors.As(err, &keep):
		return exitStore, a.storeAdvice(keep)
	case errors.As(err, &held):
		return exitTemporary, "nothing was changed; try again"
	case errors.Is(err, session.ErrLoginRequired):
		return exitLogin, a.loginHint()
	case errors.As(err, &hub):
		return a.githubAdvice(hub)
	case errors.As(err, &late):
		return exitRefused, fmt.Sprintf("if Xero's page showed an error, check that exactly %s is registered at developer.xero.com; then run: %s", late.RedirectURI, a.cmd("login"))
	case errors.As(err, &refused):
		return consentAdvice(a, refused)
	case errors.As(err, &web):
		return a.xeroAdvice(web)
	case errors.Is(err, store.ErrReplaced):
		return exitTemporary, "nothing was changed; try again"
	case errors.As(err, &damaged):
		return exitFailure, "mend that file, or remove it and log in again"
	case errors.Is(err, profile.ErrName), errors.Is(err, loopback.ErrURI):
		return exitUsage, "run: " + a.command + " --help"
	}
	return a.loginAdvice(err)
}

func (a *App) loginAdvice(err error) (exit int, hint string) {
	var busy *loopback.BusyError
	var denied *loopback.DeniedError
	var user *login.OtherUserError
	var app *login.OtherAppError
	switch {
	case errors.As(err, &busy):
		return exitFailure, "stop that program, or register another redirect URI at developer.xero.com and add --redirect-uri"
	case errors.As(err, &denied):
		return exitFailure, "register a redirect URI with a port above 1023 at developer.xero.com and add --redirect-uri"
	case errors.As(err, &user), errors.As(err, &app):
		return exitFailure, "keep both with another profile: xeroauth login -p NAME; or put the new one in its place: " + a.cmd("login --replace")
	}
	return exitFailure, ""
}

func consentAdvice(a *App, e *login.RefusedError) (exit int, hint string) {
	switch {
	case e.Code == "server_error" || e.Code == "temporarily_unavailable":
		return exitTemporary, "try again: " + a.cmd("login")
	case aboutScopes(e):
		return exitRefused, "ask only for scopes that a browser login may have, and never for app.connections: " + a.cmd("login --scopes @accounting")
	case e.Code == login.Denied:
		return exitRefused, "to consent after all, run: " + a.cmd("login")
	}
	return exitRefused, "check the app's scopes and redirect URIs at developer.xero.com; then run: " + a.cmd("login")
}

func (a *App) xeroAdvice(e *xero.Error) (exit int, hint string) {
	var unproven *tls.CertificateVerificationError
	switch {
	case errors.As(e, &unproven):
		return exitTemporary, "nothing was lost; if a proxy here reads TLS, its CA must be among the system's roots, or in the file that SSL_CERT_FILE names"
	case e.Kind == xero.Temporary && e.RetryAfter > 0:
		return exitTemporary, fmt.Sprintf("nothing was lost; try again after %s", a.Now().Add(e.RetryAfter).Local().Format("2006-01-02 15:04:05"))
	case e.Kind == xero.Temporary:
		return exitTemporary, "nothing was lost; try again"
	case e.Kind == xero.InvalidGrant:
		return exitRefused, "the code had expired or was used before; run: " + a.cmd("login")
	}
	switch e.Code {
	case "invalid_client", "unauthorized_client":
		if a.hasSecret {
			return exitRefused, "check the client id and the kind of app at developer.xero.com; if the secret was made anew: " + a.cmd("login --client-secret-file FILE")
		}
		return exitRefused, "check the client id, the secret and the kind of app at developer.xero.com; then run: " + a.cmd("login")
	case "invalid_scope":
		return exitRefused, "ask only for scopes that the app may have: " + a.cmd("login --scopes @accounting")
	}
	if e.Status == http.StatusUnauthorized {
		return exitRefused, "the token is not taken any more; run: " + a.cmd("refresh")
	}
	return exitRefused, "see what is wrong: " + a.cmd("doctor")
}

// cmd is a command line of ours for the profile that was named.
func (a *App) cmd(words string) string {
	line := "xeroauth " + words
	if a.flags.profile != "" {
		line += " -p " + a.flags.profile
	}
	return line
}
