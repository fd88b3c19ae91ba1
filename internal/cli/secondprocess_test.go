//go:build unix

package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/doctor"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// The second process is told everything but the key on its command line, and
// the key over stdin: none of its arguments and variables is a secret.
func TestSecondProcess(t *testing.T) {
	dir := testdir.New(t)
	program := filepath.Join(dir, "program")
	testdir.Program(t, program, `#!/bin/sh
echo "$@" >`+dir+`/args
env >`+dir+`/env
cat >`+dir+`/stdin
echo '{"sum":"abc","locked":true}'
`)
	a, _ := desk()
	a.Program = func() (string, error) { return program, nil }
	a.Environ = []string{"PATH=" + os.Getenv("PATH"), "KEPT=yes"}
	for _, name := range []string{envClientSecret, envFileKey, "XEROAUTH_SESSION", "XEROAUTH_WRITEBACK"} {
		a.Environ = append(a.Environ, name+"=s3cr3t")
	}
	for storeName, stdin := range map[string]string{"file": "s3cr3t", "keychain": ""} {
		word, err := a.askSecondProcess(t.Context(), doctor.SecondRead, storeName, "acme"+doctor.ProbeSuffix)
		if err != nil || word.Sum != "abc" || !word.Locked || word.Err != nil {
			t.Errorf("%+v, %v", word, err)
		}
		for file, want := range map[string]string{"args": "doctor second-process read " + storeName + " acme#doctor\n", "stdin": stdin} {
			if got, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(got) != want {
				t.Errorf("%s: %q, %v; want %q", file, got, err, want)
			}
		}
		env, err := os.ReadFile(filepath.Join(dir, "env"))
		if err != nil || strings.Contains(string(env), "s3cr3t") || !strings.Contains(string(env), "KEPT=yes") {
			t.Errorf("%v\n%s", err, env)
		}
	}
}

func TestSecondProcessTrouble(t *testing.T) {
	dir := testdir.New(t)
	ask := func(script string) (doctor.SecondWord, error) {
		a, _ := desk()
		program := filepath.Join(dir, "program")
		testdir.Program(t, program, "#!/bin/sh\n"+script+"\n")
		a.Program = func() (string, error) { return program, nil }
		return a.askSecondProcess(context.Background(), doctor.SecondLock, "plain", "acme#doctor")
	}
	if _, err := ask("exit 3"); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("one that fails: %v", err)
	}
	if _, err := ask("echo hello"); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("one that answers something else: %v", err)
	}
	word, err := ask(`echo '{"store":"keychain","class":"locked","step":"reading","error":"no"}'`)
	if err != nil || !store.IsClass(word.Err, store.Locked) || word.Err.Error() != "reading: no" {
		t.Errorf("one that finds the store locked: %v, %v", word.Err, err)
	}
	if word, err = ask(`echo '{"error":"no"}'`); err != nil || word.Err == nil || word.Err.Error() != "no" {
		t.Errorf("one with another error: %v, %v", word.Err, err)
	}
	a, _ := desk()
	if _, err := a.askSecondProcess(context.Background(), doctor.SecondLock, "plain", "acme#doctor"); err == nil {
		t.Error("no program, and no error")
	}
	a.Program = func() (string, error) { return "", errors.New("lost") }
	if _, err := a.askSecondProcess(context.Background(), doctor.SecondLock, "plain", "acme#doctor"); err == nil || err.Error() != "lost" {
		t.Errorf("a program that is lost: %v", err)
	}
}
