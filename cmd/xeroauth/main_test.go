package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

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
		Cmds:                scriptWords(),
		Condition: func(name string) (bool, error) {
			if program, ok := strings.CutPrefix(name, "has:"); ok {
				_, err := exec.LookPath(program)
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
	})
}

// scriptWords are our words beside testscript's own.
func scriptWords() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"exits":       scriptExits,
		"parallel":    scriptParallel,
		"stopped":     scriptStopped,
		"elsewhere":   scriptElsewhere,
		"closedpipe":  scriptClosedPipe,
		"serves":      scriptServes,
		"sandbox":     scriptSandbox,
		"clock":       scriptClock,
		"github":      scriptGitHub,
		"occupy":      scriptOccupy,
		"await":       scriptAwait,
		"agekey":      scriptAgeKey,
		"errorobject": scriptErrorObject,
		"keys":        scriptKeys,
		"harmless":    scriptHarmless,
		"text":        scriptText,
		"terminal":    scriptTerminal,
		"fromfile":    scriptFromFile,
		"empty":       scriptEmpty,
		"checks":      scriptChecks,
		"fix":         scriptFix,
		"occupysix":   scriptOccupySix,
	}
}

// needPart is XEROAUTH_TEST_REQUIRE: parts whose absence is a failure where it
// is a skip elsewhere.
func needPart(t *testing.T, part string, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			lacksPart(t, part, p+" is not installed")
		}
	}
}

// lacksPart skips a test for want of a part, or fails it where the part is
// required.
func lacksPart(t *testing.T, part, why string) {
	t.Helper()
	if strings.Contains(","+os.Getenv("XEROAUTH_TEST_REQUIRE")+",", ","+part+",") {
		t.Fatalf("the part %q is required: %s", part, why)
	}
	t.Skipf("the part %q is not here: %s", part, why)
}

// scriptExits runs a command that must end with a certain exit code:
// exits 4 xeroauth header.
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS...")
	}
	checkExit(ts, args[0], args[1:], ts.Exec(args[1], args[2:]...))
}

func checkExit(ts *testscript.TestScript, want string, line []string, err error) {
	code := "0"
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = strconv.Itoa(exit.ExitCode())
	case err != nil:
		ts.Fatalf("running %s: %v", line[0], err)
	}
	if code != want {
		ts.Fatalf("%s ended with %s, not %s", strings.Join(line, " "), code, want)
	}
}

// scriptParallel runs N processes at once, all of which must succeed, and puts
// their stdouts into FILE: parallel N FILE COMMAND ARGS...; {n} in ARGS is the
// process's number from 1.
func scriptParallel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: parallel N FILE COMMAND ARGS...")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	outs, errs := make([]string, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		var line []string
		for _, a := range args[2:] {
			line = append(line, strings.ReplaceAll(a, "{n}", strconv.Itoa(i+1)))
		}
		p := newProcess(ts, line)
		all.Go(func() {
			if errs[i] = p.Run(); errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w: %s", strings.Join(line, " "), errs[i], &p.err)
			}
			outs[i] = p.out.String()
		})
	}
	all.Wait()
	ts.Check(errors.Join(errs...))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(outs, "")), 0o600))
}

// process is a command that a word of ours runs beside the script.
type process struct {
	*exec.Cmd
	out, err heard
}

// heard is what a process has said so far.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *heard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(b)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// newProcess prepares a command with the script's environment, which
// testscript hands out one name at a time.
func newProcess(ts *testscript.TestScript, line []string) *process {
	path := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if found, err := exec.LookPath(filepath.Join(dir, line[0])); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		ts.Fatalf("%s is not on PATH", line[0])
	}
	p := &process{Cmd: exec.Command(path, line[1:]...)}
	p.Args[0], p.Dir, p.Stdout, p.Stderr = line[0], ts.MkAbs("."), &p.out, &p.err
	for _, name := range []string{
		"PATH", "HOME", "AppData", "XDG_CONFIG_HOME", "TMPDIR", "SYSTEMROOT", "WORK", "GORACE", "CI", "BROWSER", "BROWSER_DO", "SANDBOX", "CLIENT", "REDIRECT", "NO_COLOR",
		"TEST_CAPTURED", "TEST_LOCKS", "TEST_CLOCK", "TEST_KEYCHAIN",
		"XEROAUTH_STORE", "XEROAUTH_PROFILE", "XEROAUTH_TENANT", "XEROAUTH_CONFIG_DIR", "XEROAUTH_FILE_KEY_FILE",
		"XEROAUTH_SESSION", "XEROAUTH_WRITEBACK", "XERO_CLIENT_SECRET", "RUNNER_TEMP", "XDG_RUNTIME_DIR",
		"GH_TOKEN", "GITHUB_TOKEN", "GITHUB_API_URL", "GITHUB_ENV", "TEST_ROOTS",
	} {
		p.Env = append(p.Env, name+"="+ts.Getenv(name))
	}
	return p
}

// tries bounds every wait of the words: half a minute in all.
const (
	tries    = 6000
	tryAfter = 5 * time.Millisecond
)

// wait waits until seen says yes. A process that ends before is a failure.
func (p *process) wait(ts *testscript.TestScript, what string, seen func() bool) {
	for range tries {
		if seen() {
			return
		}
		time.Sleep(tryAfter)
	}
	_ = p.Process.Kill()
	_ = p.Wait()
	ts.Fatalf("%s did not come to %s: %s", strings.Join(p.Args, " "), what, &p.err)
}

var consentAddress = regexp.MustCompile(`(?m)^ *(http://\S+/identity/connect/authorize\?\S+)$`)

// end collects a process and makes what it printed the script's stdout and
// stderr.
func (p *process) end(ts *testscript.TestScript, code string) {
	err := p.Wait()
	_, _ = fmt.Fprint(ts.Stdout(), p.out.String())
	_, _ = fmt.Fprint(ts.Stderr(), p.err.String())
	checkExit(ts, code, p.Args, err)
}

// scriptStopped runs a command, sends it a signal once it shows the consent
// address (WHEN is "asking") or once a token request has arrived (WHEN is
// "refreshing"), and checks its exit code: stopped INT 130 asking xeroauth login.
func scriptStopped(ts *testscript.TestScript, neg bool, args []string) {
	signal, known := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill}[args[0]]
	if neg || len(args) < 4 || !known || args[2] != "asking" && args[2] != "refreshing" {
		ts.Fatalf("usage: stopped INT|TERM|KILL CODE asking|refreshing COMMAND ARGS...")
	}
	if runtime.GOOS == "windows" {
		ts.Fatalf("Windows has no signals to send: put [!windows] in front")
	}
	s := worldOf(ts).sandbox()
	before := s.Count("/connect/token")
	p := newProcess(ts, args[3:])
	ts.Check(p.Start())
	p.wait(ts, args[2], func() bool {
		if args[2] == "asking" {
			return consentAddress.MatchString(p.err.String())
		}
		return s.Count("/connect/token") > before
	})
	ts.Check(p.Process.Signal(signal))
	p.end(ts, args[1])
}

// scriptElsewhere runs a login that opens no browser, and opens the address
// that it shows as a person would in a browser elsewhere.
func scriptElsewhere(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: elsewhere COMMAND ARGS...")
	}
	p := newProcess(ts, args)
	ts.Check(p.Start())
	p.wait(ts, "the consent address", func() bool { return consentAddress.MatchString(p.err.String()) })
	resp, err := http.Get(consentAddress.FindStringSubmatch(p.err.String())[1])
	if err == nil {
		err = resp.Body.Close()
	}
	p.end(ts, "0")
	ts.Check(err)
}

// scriptClosedPipe runs a command whose stdout nobody reads any more.
func scriptClosedPipe(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: closedpipe CODE COMMAND ARGS...")
	}
	p := newProcess(ts, args[1:])
	r, w, err := os.Pipe()
	ts.Check(err)
	ts.Check(r.Close())
	p.Stdout = w
	err = p.Start()
	ts.Check(errors.Join(err, w.Close()))
	p.end(ts, args[0])
}

// scriptServes starts a command that prints an address and goes on, and puts
// that into the variable NAME: serves NAME COMMAND ARGS... The word alone ends
// it with SIGTERM, which must be its 143; the end of the script kills it.
func scriptServes(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	if len(args) == 0 && w.server != nil {
		ts.Check(w.server.Process.Signal(syscall.SIGTERM))
		w.server.end(ts, "143")
		w.server = nil
		return
	}
	if neg || len(args) < 2 || w.server != nil {
		ts.Fatalf("usage: serves NAME COMMAND ARGS..., and later serves")
	}
	p := newProcess(ts, args[1:])
	ts.Check(p.Start())
	w.server = p
	ts.Defer(func() {
		if w.server != nil {
			_ = p.Process.Kill()
			_ = p.Wait()
		}
	})
	p.wait(ts, "its address", func() bool { return strings.HasSuffix(p.out.String(), "\n") })
	ts.Setenv(args[0], strings.TrimSpace(p.out.String()))
}

// scriptAwait waits for a file that another process is about to write.
func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	for range tries {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(tryAfter)
	}
	ts.Fatalf("%s did not come", args[0])
}
