package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// The test binary plays the other process.
const asOther = "XEROAUTH_TEST_OTHER"

func TestMain(m *testing.M) {
	switch os.Getenv(asOther) {
	case "":
		os.Exit(m.Run())
	case "hold":
		otherHolds(os.Args[1])
	case "count":
		otherCounts(os.Args[1], os.Args[2], os.Args[3])
	case "lockdir":
		dir, err := store.LockDir()
		fmt.Printf("%s\n%v\n", dir, err)
	}
}

func otherLocks(dir string) *store.Locks {
	return &store.Locks{Dir: dir, Wait: time.Minute, Holder: "xeroauth refresh"}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// otherHolds takes the lock, says so, and holds it until its stdin ends.
func otherHolds(dir string) {
	unlock, err := otherLocks(dir).Take(context.Background(), "acme")
	must(err)
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	unlock()
}

// otherCounts adds to the number in a file, n times, without any care of its
// own: without the lock the processes lose each other's additions.
func otherCounts(dir, file, n string) {
	times, err := strconv.Atoi(n)
	must(err)
	for range times {
		unlock, err := otherLocks(dir).Take(context.Background(), "acme")
		must(err)
		b, err := os.ReadFile(file)
		must(err)
		count, err := strconv.Atoi(string(b))
		must(err)
		runtime.Gosched()
		must(os.WriteFile(file, []byte(strconv.Itoa(count+1)), 0o600))
		unlock()
	}
}

func other(t *testing.T, what string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asOther+"="+what, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	return cmd
}

// holder starts a process that holds the lock; ending its stdin ends it.
func holder(t *testing.T, dir string) (*exec.Cmd, io.WriteCloser) {
	t.Helper()
	cmd := other(t, "hold", dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(stdout).ReadString('\n'); strings.TrimSpace(line) != "held" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	return cmd, stdin
}

// fileInTheWay is a folder that can't be made, for root either.
func fileInTheWay(t *testing.T) string {
	t.Helper()
	file := filepath.Join(testdir.New(t), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(file, "locks")
}

func TestLockExcludesOtherProcesses(t *testing.T) {
	const processes, times = 4, 15
	dir, file := testdir.New(t), filepath.Join(testdir.New(t), "count")
	if err := os.WriteFile(file, []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	var all []*exec.Cmd
	for range processes {
		cmd := other(t, "count", dir, file, strconv.Itoa(times))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
	}
	for _, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	b, err := os.ReadFile(file)
	if got, want := string(b), strconv.Itoa(processes*times); err != nil || got != want {
		t.Errorf("%d processes counted to %s, want %s; %v", processes, got, want, err)
	}
}

func TestLockOfAKilledProcessIsFree(t *testing.T) {
	dir := testdir.New(t)
	cmd, _ := holder(t, dir)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	unlock, err := otherLocks(dir).Take(t.Context(), "acme")
	if err != nil {
		t.Fatalf("the lock of a killed process: %v", err)
	}
	unlock()
}

func TestWaiterIsToldWhoHoldsTheLock(t *testing.T) {
	dir := testdir.New(t)
	cmd, stdin := holder(t, dir)
	waiting := &store.Locks{Dir: dir, Wait: time.Millisecond, Holder: "xeroauth header"}
	unlock, err := waiting.Take(t.Context(), "acme")
	var held *store.LockError
	if !errors.As(err, &held) {
		t.Fatalf("a lock that another process holds: %v", err)
	}
	if unlock != nil {
		t.Error("unlock came with the error")
	}
	if held.Name != "acme" || held.Waited != time.Millisecond {
		t.Errorf("the error says name %q after %s", held.Name, held.Waited)
	}
	if want := fmt.Sprintf("xeroauth refresh (process %d)", cmd.Process.Pid); held.Holder != want {
		t.Errorf("the holder is %q, want %q", held.Holder, want)
	}
	if !strings.Contains(err.Error(), held.Holder) {
		t.Errorf("the text does not name the holder: %v", err)
	}
	if other, err := waiting.Take(t.Context(), "other"); err != nil {
		t.Errorf("another account's lock: %v", err)
	} else {
		other()
	}
	// A holder that ends lets a waiter in.
	stdin.Close()
	patient := &store.Locks{Dir: dir, Wait: time.Minute}
	unlock, err = patient.Take(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestHolderThatLeftNoNote(t *testing.T) {
	dir := testdir.New(t)
	unlock, err := (&store.Locks{Dir: dir, Wait: time.Minute}).Take(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	for _, note := range []string{"", "garbage"} {
		if err := os.WriteFile(filepath.Join(dir, "acme.lock.holder"), []byte(note), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = (&store.Locks{Dir: dir, Wait: time.Millisecond}).Take(t.Context(), "acme")
		var held *store.LockError
		if !errors.As(err, &held) || held.Holder != "" || !strings.Contains(err.Error(), "another process") {
			t.Errorf("with the note %q: %v", note, err)
		}
	}
}

func TestLockEndsWithTheContext(t *testing.T) {
	dir := testdir.New(t)
	locks := &store.Locks{Dir: dir, Wait: time.Minute}
	cause := errors.New("a signal came")
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		if _, err := locks.Take(ctx, "acme"); !errors.Is(err, cause) {
			t.Errorf("error %v, want the cause", err)
		}
	})
	t.Run("while waiting", func(t *testing.T) {
		unlock, err := locks.Take(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() { _, err := locks.Take(ctx, "acme"); done <- err }()
		cancel(cause)
		if err := <-done; !errors.Is(err, cause) {
			t.Errorf("error %v, want the cause", err)
		}
	})
	// Neither left the lock behind.
	unlock, err := (&store.Locks{Dir: dir, Wait: time.Minute}).Take(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestLockThatCannotBeMade(t *testing.T) {
	dir := testdir.New(t)
	if err := os.Mkdir(filepath.Join(dir, "acme.lock"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]string{"a file stands where the folder goes": fileInTheWay(t), "a folder stands where the file goes": dir} {
		t.Run(name, func(t *testing.T) {
			unlock, err := (&store.Locks{Dir: in, Wait: time.Minute}).Take(t.Context(), "acme")
			if !store.IsClass(err, store.NotWritable) {
				t.Errorf("error %v, want class %s", err, store.NotWritable)
			}
			if unlock != nil {
				t.Error("unlock came with the error")
			}
		})
	}
}

// TestLockFileStays: a lock file that is unlinked lets two processes lock two
// files of one name.
func TestLockFileStays(t *testing.T) {
	dir := filepath.Join(testdir.New(t), "a", "b")
	locks := &store.Locks{Dir: dir, Wait: time.Minute, Holder: "a test"}
	unlock, err := locks.Take(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	during, err := os.Stat(filepath.Join(dir, "acme.lock"))
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	after, err := os.Stat(filepath.Join(dir, "acme.lock"))
	if err != nil || !os.SameFile(during, after) {
		t.Errorf("the lock file was replaced or is gone: %v", err)
	}
	if runtime.GOOS == "windows" {
		return // no mode bits
	}
	folder, err := os.Stat(dir)
	if err != nil || folder.Mode().Perm() != 0o700 || after.Mode().Perm() != 0o600 {
		t.Errorf("the folder has mode %v and the file %v; %v", folder.Mode(), after.Mode(), err)
	}
}

// lockDirIn asks another process, because the user database is read once in
// each.
func lockDirIn(t *testing.T, change func(*exec.Cmd), env ...string) string {
	t.Helper()
	cmd := other(t, "lockdir")
	cmd.Env = append(cmd.Env, env...)
	if change != nil {
		change(cmd)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	dir, problem, _ := strings.Cut(strings.ReplaceAll(string(out), "\r", ""), "\n")
	if strings.TrimSpace(problem) != "<nil>" {
		t.Fatalf("LockDir: %s", problem)
	}
	return dir
}

func TestLockDirIsUnmovedByTheEnvironment(t *testing.T) {
	want := lockDirIn(t, nil)
	if !filepath.IsAbs(want) {
		t.Errorf("%q is not absolute", want)
	}
	elsewhere := testdir.New(t)
	var all []string
	for _, name := range []string{
		"HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "TMPDIR", "TMP", "TEMP",
		"USER", "LOGNAME", "USERNAME", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "HOMEPATH", "XEROAUTH_CONFIG_DIR",
	} {
		all = append(all, name+"="+elsewhere)
		if got := lockDirIn(t, nil, name+"="+elsewhere); got != want {
			t.Errorf("%s moves the locks from %s to %s", name, want, got)
		}
	}
	if got := lockDirIn(t, nil, all...); got != want {
		t.Errorf("all together move the locks from %s to %s", want, got)
	}
}
