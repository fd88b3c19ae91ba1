package cli

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/login"
	"github.com/xeroauth/xeroauth/internal/loopback"
	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/session"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// Every fact from below, with its exit code and the advice that goes with it.
func TestAdvise(t *testing.T) {
	at := testNow.Add(20 * time.Minute)
	refused := func(code string) error { return &login.RefusedError{Code: code} }
	web := func(e xero.Error) error { e.Step = "doing"; return &e }
	const again = "xeroauth login -p acme"
	tests := []struct {
		name string
		err  error
		exit int
		hint string
	}{
		{"an error nobody knows", errors.New("x"), exitFailure, ""},
		{"usage", usagef("do this", "x"), exitUsage, "do this"},
		{"tenant", tenantError("do that", "x"), exitTenant, "do that"},
		{"renewed, not saved", &session.UnsavedError{Until: at, Err: &store.Error{Class: store.Locked}}, exitStore,
			"Xero takes the session that is saved until " + at.Local().Format("15:04") + ": mend the store and run: xeroauth refresh -p acme"},
		{"store", &store.Error{Class: store.TooBig}, exitStore, "ask for fewer scopes, or use xeroauth login --store file -p acme"},
		{"login, not saved", &login.UnsavedError{Err: &store.Error{Class: store.TooBig}}, exitStore, "ask for fewer scopes, or use xeroauth login --store file -p acme"},
		{"lock held", &store.LockError{}, exitTemporary, "nothing was changed; try again"},
		{"replaced meanwhile", store.ErrReplaced, exitTemporary, "nothing was changed; try again"},
		{"login needed", &session.LoginError{Reason: "x"}, exitLogin, "run: " + again},
		{"nobody consented", &login.NoConsentError{RedirectURI: "URI"}, exitRefused,
			"if Xero's page showed an error, check that exactly URI is registered at developer.xero.com; then run: " + again},
		{"consent denied", refused("access_denied"), exitRefused, "to consent after all, run: " + again},
		{"consent: server error", refused("server_error"), exitTemporary, "try again: " + again},
		{"consent: unavailable", refused("temporarily_unavailable"), exitTemporary, "try again: " + again},
		{"consent: wrong scope", refused("invalid_scope"), exitRefused,
			"ask only for scopes that a browser login may have, and never for app.connections: xeroauth login --scopes @accounting -p acme"},
		{"consent: app.connections", &login.RefusedError{Code: "access_denied", Description: "Requested wrong apps scopes"}, exitRefused,
			"ask only for scopes that a browser login may have, and never for app.connections: xeroauth login --scopes @accounting -p acme"},
		{"consent: another error", refused("invalid_request"), exitRefused, "check the app's scopes and redirect URIs at developer.xero.com; then run: " + again},
		{"network", web(xero.Error{Kind: xero.Temporary}), exitTemporary, "nothing was lost; try again"},
		{"Retry-After", web(xero.Error{Kind: xero.Temporary, RetryAfter: time.Hour}), exitTemporary,
			"nothing was lost; try again after " + testNow.Add(time.Hour).Local().Format("2006-01-02 15:04:05")},
		{"code expired", web(xero.Error{Kind: xero.InvalidGrant}), exitRefused, "the code had expired or was used before; run: " + again},
		{"invalid_client", web(xero.Error{Kind: xero.Refused, Code: "invalid_client"}), exitRefused,
			"check the client id, the secret and the kind of app at developer.xero.com; then run: " + again},
		{"unauthorized_client", web(xero.Error{Kind: xero.Refused, Code: "unauthorized_client"}), exitRefused,
			"check the client id, the secret and the kind of app at developer.xero.com; then run: " + again},
		{"invalid_scope", web(xero.Error{Kind: xero.Refused, Code: "invalid_scope"}), exitRefused,
			"ask only for scopes that the app may have: xeroauth login --scopes @accounting -p acme"},
		{"refused otherwise", web(xero.Error{Kind: xero.Refused, Code: "x"}), exitRefused, "see what is wrong: xeroauth doctor -p acme"},
		{"damaged profile", &profile.DamagedError{Path: "p", Err: errors.New("x")}, exitFailure, "mend that file, or remove it and log in again"},
		{"profile's name", fmt.Errorf("%q: %w", "A", profile.ErrName), exitUsage, "run: xeroauth test --help"},
		{"redirect URI", fmt.Errorf("%q: %w", "A", loopback.ErrURI), exitUsage, "run: xeroauth test --help"},
		{"port in use", &loopback.BusyError{}, exitFailure, "stop that program, or register another redirect URI at developer.xero.com and add --redirect-uri"},
		{"port denied", &loopback.DeniedError{}, exitFailure, "register a redirect URI with a port above 1023 at developer.xero.com and add --redirect-uri"},
		{"another user", &login.OtherUserError{}, exitFailure,
			"keep both with another profile: xeroauth login -p NAME; or put the new one in its place: xeroauth login --replace -p acme"},
		{"another app", &login.OtherAppError{}, exitFailure,
			"keep both with another profile: xeroauth login -p NAME; or put the new one in its place: xeroauth login --replace -p acme"},
	}
	for _, tt := range tests {
		for _, err := range []error{tt.err, fmt.Errorf("doing something: %w", tt.err), errors.Join(errors.New("beside"), tt.err)} {
			t.Run(tt.name, func(t *testing.T) {
				a, _ := desk()
				a.flags.profile = "acme"
				if exit, hint := a.advise(err); exit != tt.exit || hint != tt.hint {
					t.Errorf("exit %d, %q\nwant %d, %q", exit, hint, tt.exit, tt.hint)
				}
			})
		}
	}
}

// classes reads the names of store's classes from its source, so that a new
// one without advice is noticed.
func classes(t *testing.T) []store.Class {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "store", "store.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []store.Class
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := v.Type.(*ast.Ident); ok && id.Name == "Class" && len(v.Values) == 1 {
			text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Error(err)
			}
			out = append(out, store.Class(text))
		}
		return true
	})
	if len(out) < 17 {
		t.Fatalf("only %d classes were found: %q", len(out), out)
	}
	return out
}

// Every class of store failure has a piece of advice of its own, and exit 3.
func TestStoreAdvice(t *testing.T) {
	a, _ := desk()
	seen := map[string]store.Class{}
	for _, class := range classes(t) {
		exit, hint := a.advise(&store.Error{Class: class, Err: errors.New("x")})
		if exit != exitStore || hint == "" {
			t.Errorf("%s: exit %d, %q; want 3 and advice", class, exit, hint)
		}
		if other, twice := seen[hint]; twice {
			t.Errorf("%s and %s have the same advice: %q", class, other, hint)
		}
		seen[hint] = class
		if strings.HasSuffix(hint, ".") || strings.ContainsAny(hint, "\n") {
			t.Errorf("%s: %q is no line of advice", class, hint)
		}
	}
	if seen[a.storeAdvice(&store.Error{Class: "made-up"})] != store.Other {
		t.Error("a class nobody knows has not the advice of Other")
	}
}

func TestFail(t *testing.T) {
	stopped, cancel := context.WithCancelCause(context.Background())
	cancel(&Interrupted{Signal: syscall.SIGTERM})
	err := usagef("do this", "what %s", "\x1b[31mis\nthis")
	tests := []struct {
		name string
		ctx  context.Context
		json bool
		err  error
		exit int
		want string
	}{
		{"in words", context.Background(), false, err, 2, "xeroauth: error: what [31mis; this\nxeroauth: hint: do this\n"},
		{"without a hint", context.Background(), false, errors.New("x"), 1, "xeroauth: error: x\n"},
		{"in JSON", context.Background(), true, err, 2, `{"error":{"code":"usage","message":"what [31mis; this","hint":"do this"}}` + "\n"},
		{"stopped by a signal", stopped, false, errors.New("x"), 143, "xeroauth: error: stopped by the signal terminated\n"},
		{"stopped by a signal, in JSON", stopped, true, errors.New("x"), 143, `{"error":{"code":"interrupted","message":"stopped by the signal terminated","hint":""}}` + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, stderr := desk()
			a.flags.json = tt.json
			if exit := a.fail(tt.ctx, tt.err); exit != tt.exit || stderr.String() != tt.want {
				t.Errorf("exit %d, %q\nwant %d, %q", exit, stderr, tt.exit, tt.want)
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	for signal, want := range map[os.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		if got := (&Interrupted{Signal: signal}).ExitCode(); got != want {
			t.Errorf("%v: %d; want %d", signal, got, want)
		}
	}
	// help exit-codes tells of each.
	for _, code := range []int{exitOK, exitFailure, exitUsage, exitStore, exitLogin, exitTemporary, exitRefused, exitTenant, exitCannotRun, exitNoProgram, 130, 143} {
		if !strings.Contains("\n"+exitCodesText(), fmt.Sprintf("\n%5d  ", code)) {
			t.Errorf("help exit-codes is silent on %d", code)
		}
		if code != exitOK && code < 128 && codes[code] == "" {
			t.Errorf("exit code %d has no name in --json", code)
		}
	}
}
