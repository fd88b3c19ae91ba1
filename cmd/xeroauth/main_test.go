package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run the program, and a browser that follows
// redirects, as processes of their own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"xeroauth": scriptedXeroauth,
		"browser":  followRedirects,
	})
}

// TestScripts runs testdata/script/*.txtar: one file for each promise. Each
// has a sandbox, a folder of settings, a lock folder and redirect ports of its
// own, and ends with the leak canary.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUpScript,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":    scriptExits,
			"sandbox":  scriptSandbox,
			"parallel": scriptParallel,
			"clock":    scriptClock,
		},
		Condition: func(name string) (bool, error) {
			if program, ok := strings.CutPrefix(name, "has:"); ok {
				_, err := exec.LookPath(program)
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
	})
}

// scriptExits runs a command that must end with a certain exit code:
// exits 4 xeroauth header.
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = fmt.Sprint(exit.ExitCode())
	case err != nil:
		ts.Fatalf("running %s: %v", args[1], err)
	}
	if code != args[0] {
		ts.Fatalf("%s ended with %s, not %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// scriptClock moves the clocks of the program and of its sandbox.
func scriptClock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: clock DURATION (from the script's start)")
	}
	w := worldOf(ts)
	ts.Check(w.setClock(args[0]))
	ts.Setenv("TEST_CLOCK", args[0])
}

// requireParts is XEROAUTH_TEST_REQUIRE: parts whose absence is a failure
// where it is a skip elsewhere.
func needPart(t *testing.T, part string, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if strings.Contains(","+os.Getenv("XEROAUTH_TEST_REQUIRE")+",", ","+part+",") {
				t.Fatalf("the part %q is required, and %s is not installed", part, p)
			}
			t.Skipf("the part %q is not here: %s is not installed", part, p)
		}
	}
}
