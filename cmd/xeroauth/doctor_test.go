package main

import (
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// checkup is the answer of doctor --json.
type checkup struct {
	OK     bool `json:"ok"`
	Checks []struct{ ID, Outcome, Seen, Fix, Because string }
}

func readCheckup(ts *testscript.TestScript, file string) checkup {
	var c checkup
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &c))
	if len(c.Checks) < 19 {
		ts.Fatalf("%s has %d checks", file, len(c.Checks))
	}
	return c
}

// scriptChecks holds the outcomes of a doctor's JSON answer: those named, and
// ok for all others. Each fail and warn must have a fix, and nothing else may.
// checks FILE [ID=fail|warn|skipped:BECAUSE]...
func scriptChecks(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: checks FILE [ID=OUTCOME]...")
	}
	want := map[string]string{}
	for _, a := range args[1:] {
		id, outcome, _ := strings.Cut(a, "=")
		want[id] = outcome
	}
	c := readCheckup(ts, args[0])
	failed := false
	for _, r := range c.Checks {
		got := r.Outcome
		if r.Because != "" {
			got += ":" + r.Because
		}
		expected := want[r.ID]
		delete(want, r.ID)
		if expected == "" {
			expected = "ok"
		}
		wantsFix := r.Outcome == "fail" || r.Outcome == "warn"
		if got != expected || wantsFix != (r.Fix != "") || (r.Outcome == "skipped") != (r.Seen == "") {
			ts.Fatalf("%s is %s, not %s: %+v", r.ID, got, expected, r)
		}
		failed = failed || r.Outcome == "fail"
	}
	if len(want) > 0 {
		ts.Fatalf("no such checks: %v", want)
	}
	if c.OK == failed {
		ts.Fatalf("ok is %t", c.OK)
	}
}

// scriptFix types what a doctor's JSON answer says, as it stands but for words
// that only a person knows, and then calls the doctor again in the same shell:
// its answer is stdout. fix FILE ID [WORD=TEXT]...
func scriptFix(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: fix FILE ID [WORD=TEXT]...")
	}
	line := ""
	for _, r := range readCheckup(ts, args[0]).Checks {
		if r.ID == args[1] {
			line = r.Fix
		}
	}
	if line == "" {
		ts.Fatalf("%s has no fix", args[1])
	}
	for _, a := range args[2:] {
		word, text, _ := strings.Cut(a, "=")
		if !strings.Contains(line, word) {
			ts.Fatalf("%q does not leave %s to the person", line, word)
		}
		line = strings.ReplaceAll(line, word, text)
	}
	ts.Logf("typing: %s", line)
	const notMended = "9"
	err := ts.Exec("sh", "-c", "{ "+line+"\n} >asked-fix || exit "+notMended+"; xeroauth doctor --json")
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		ts.Fatalf("%s: %v", line, err)
	}
}

// scriptOccupySix takes ports on ::1 alone, in a process of its own that can be
// killed: occupysix URI.
func scriptOccupySix(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: occupysix URI")
	}
	u, err := url.Parse(args[0])
	ts.Check(err)
	l, err := net.Listen("tcp6", "[::1]:"+u.Port())
	ts.Check(err)
	file, err := l.(*net.TCPListener).File()
	ts.Check(err)
	ts.Check(l.Close())
	holder := exec.Command("sleep", "600")
	holder.ExtraFiles = []*os.File{file}
	ts.Check(holder.Start())
	ts.Check(file.Close())
	ended := make(chan struct{})
	go func() { _ = holder.Wait(); close(ended) }()
	ts.Defer(func() { _ = holder.Process.Kill(); <-ended })
}
