package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/testdir"
)

// TestCrashJob kills a job's renewal before one system call after the other,
// and asks whether the session lives on: in turn for the next step of the same
// job, and for a next job that has nothing but what the secret holds then.
func TestCrashJob(t *testing.T) {
	needPart(t, "strace", "strace")
	w := newCrashWorld(t)
	j := newCrashJob(t, w)
	// One kind of call after the other: the calls of a Go program are spread
	// over its threads, each of which strace counts by itself, and a rare one
	// would hide behind the many.
	calls := []string{"write", "renameat", "fsync", "openat", "flock", "unlinkat", "connect", "read", "close", "newfstatat", "mkdirat"}
	kills, kind := 0, 0
	for n, round := 0, 0; round < *crashRounds/2; round++ {
		n++
		runner := filepath.Join(j.dir, fmt.Sprint("runner", round))
		if err := os.Mkdir(runner, 0o700); err != nil {
			t.Fatal(err)
		}
		w.env = j.env(t, runner)
		call := calls[kind%len(calls)]
		if j.kill(call, n) {
			kills++
		} else { // it came to its end
			n = 0
			kind++
		}
		if round%2 == 1 {
			w.env = j.env(t, filepath.Join(j.dir, "next"))
		}
		if code, out, errs := w.run(t, "token"); code != 0 || !w.works(t, strings.TrimSpace(out)) {
			t.Fatalf("after a kill before %s %d, round %d: exit %d\n%s", call, n, round, code, errs)
		}
		// What the secret holds is a session that a next job can renew.
		w.env = j.env(t, filepath.Join(j.dir, "next"))
		if code, _, errs := w.run(t, "refresh"); code != 0 {
			t.Fatalf("the job after a kill before %s %d, round %d: exit %d\n%s", call, n, round, code, errs)
		}
	}
	t.Logf("%d kills", kills)
	if kills == 0 {
		t.Error("nothing was killed")
	}
}

// crashJob is a job whose secret is a file that a program replaces whole.
type crashJob struct {
	*crashWorld
	dir, secret string
	base        []string
}

func newCrashJob(t *testing.T, w *crashWorld) *crashJob {
	dir := t.TempDir()
	j := &crashJob{crashWorld: w, dir: dir, secret: filepath.Join(dir, "secret"), base: w.env}
	testdir.Program(t, filepath.Join(dir, "writeback"), "#!/bin/sh\ncat >'"+j.secret+".new' && exec mv '"+j.secret+".new' '"+j.secret+"'\n")
	code, value, errs := w.run(t, "seed", "stdout", "--share-session")
	if code != 0 {
		t.Fatalf("seeding: exit %d\n%s", code, errs)
	}
	if err := os.WriteFile(j.secret, []byte(strings.TrimSpace(value)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "next"), 0o700); err != nil {
		t.Fatal(err)
	}
	return j
}

// env is what a job has that starts now.
func (j *crashJob) env(t *testing.T, runner string) []string {
	t.Helper()
	value, err := os.ReadFile(j.secret)
	if err != nil {
		t.Fatal(err)
	}
	return append(slices.Clone(j.base), "HOME=", "XEROAUTH_CONFIG_DIR=", "RUNNER_TEMP="+runner,
		"XEROAUTH_SESSION="+string(value), "XEROAUTH_WRITEBACK=exec:"+filepath.Join(j.dir, "writeback"))
}

// kill renews the job's session and reports whether it was killed before call n
// of one of its threads. The writeback's program is not followed: it would come
// to its n-th call first, and killed it is one that fails.
func (j *crashJob) kill(call string, n int) bool {
	cmd := exec.Command("strace", "-f", "-b", "execve", "-qq", "-o", os.DevNull, "-e", "trace="+call,
		"-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n), j.program, "refresh")
	cmd.Env = j.crashWorld.env
	return cmd.Run() != nil
}
