package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// findLeaks is the canary: every token, code, verifier and secret that the
// sandbox ever issued or saw is searched for in all that the program printed,
// in its arguments and in every file of the script. It may stand only where it
// was asked for: the stdout of header and token, and files named asked-*.
func findLeaks(env *testscript.Env, secrets []string, captured string) {
	searched := 0
	err := filepath.WalkDir(env.WorkDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || wasAskedFor(path, captured) {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		searched++
		for _, s := range secrets {
			if bytes.Contains(body, []byte(s)) {
				env.T().Log(fmt.Sprintf("a secret of %d characters stands in %s", len(s), path))
				env.T().FailNow()
			}
		}
		return nil
	})
	if err != nil {
		env.T().Log(err)
		env.T().FailNow()
	}
	if searched == 0 {
		env.T().Log("the canary searched no file")
		env.T().FailNow()
	}
}

func wasAskedFor(path, captured string) bool {
	name := filepath.Base(path)
	if strings.HasPrefix(name, "asked-") {
		return true
	}
	if filepath.Dir(path) != captured {
		return false
	}
	for _, ok := range []string{".header.stdout", ".token.stdout", ".sandbox.stderr"} {
		if strings.HasSuffix(name, ok) {
			return true
		}
	}
	return false
}

func environOf(ts *testscript.TestScript) []string {
	env := []string{}
	for _, name := range []string{
		"PATH", "HOME", "AppData", "XDG_CONFIG_HOME", "XEROAUTH_STORE", "XEROAUTH_PROFILE", "XEROAUTH_CONFIG_DIR", "BROWSER", "CI", "TMPDIR", "SYSTEMROOT",
		"TEST_CAPTURED", "TEST_LOCKS", "TEST_CLOCK", "TEST_KEYCHAIN", "GORACE", "WORK",
	} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

func runProgram(env, line []string) (string, error) {
	path := ""
	for _, kv := range env {
		if dirs, ok := strings.CutPrefix(kv, "PATH="); ok {
			for _, dir := range filepath.SplitList(dirs) {
				if found, err := exec.LookPath(filepath.Join(dir, line[0])); err == nil && path == "" {
					path = found
				}
			}
		}
	}
	if path == "" {
		return "", fmt.Errorf("%s is not on PATH", line[0])
	}
	cmd := exec.Command(path, line[1:]...)
	cmd.Args[0] = line[0]
	cmd.Env = env
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(line, " "), err, errs.String())
	}
	return string(out), err
}
