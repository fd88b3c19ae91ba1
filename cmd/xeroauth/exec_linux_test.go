package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/cli"
	"github.com/xeroauth/xeroauth/internal/sandbox"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// newExecWorld is a web app's session in the file store: every secret that the
// program can have is there, in its environment or in its store.
func newExecWorld(t *testing.T) *crashWorld {
	needPart(t, "shells", "sh", "env")
	w := newCrashWorld(t)
	w.env = append(w.env, "XERO_CLIENT_SECRET="+sandbox.DefaultWebClientSecret, "XEROAUTH_PROFILE=web")
	cmd, _, stderr := w.command(t, "login", "--no-browser", "--app", "web", "--authority", w.authority,
		"--client-id", sandbox.DefaultWebClientID, "--redirect-uri", w.uris[0])
	cmd.Env = w.env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go consentWhenAsked(stderr)
	if err := cmd.Wait(); err != nil {
		text, _ := os.ReadFile(stderr)
		t.Fatalf("%v\n%s", err, text)
	}
	return w
}

// start runs a program through exec, or by itself.
func (w *crashWorld) start(t *testing.T, through bool, environ []string, command ...string) (cmd *exec.Cmd, stdout *bytes.Buffer) {
	t.Helper()
	if through {
		command = append([]string{w.program, "exec", "--"}, command...)
	}
	cmd = exec.Command(command[0], command[1:]...)
	stdout = new(bytes.Buffer)
	cmd.Env, cmd.Stdout, cmd.Stderr = environ, stdout, stdout
	cmd.WaitDelay = 5 * time.Second // a child that was left behind must not hold the test
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, stdout
}

func (w *crashWorld) exec(t *testing.T, environ []string, command ...string) (int, string) {
	t.Helper()
	cmd, stdout := w.start(t, true, environ, command...)
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String()
}

// TestExec runs programs through exec, by the built program.
func TestExec(t *testing.T) {
	w := newExecWorld(t)
	t.Run("every exit code", func(t *testing.T) {
		for code := range 256 {
			if got, out := w.exec(t, w.env, "sh", "-c", fmt.Sprintf("exit %d", code)); got != code || out != "" {
				t.Errorf("exit %d became %d, %q", code, got, out)
			}
		}
	})
	t.Run("a shell sees 128 and the signal", func(t *testing.T) {
		for _, number := range []int{1, 2, 3, 6, 9, 11, 13, 15} {
			line := fmt.Sprintf(`ulimit -c 0; %s exec -- sh -c 'kill -%d $$' 2>/dev/null; echo "got $?"`, w.program, number)
			out, err := w.shell(line)
			if want := fmt.Sprintf("got %d\n", 128+number); err != nil || !strings.HasSuffix(out, want) {
				t.Errorf("signal %d: %v, %q; want %q", number, err, out, want)
			}
		}
	})
	t.Run("signals reach the program", w.checkSignals)
	t.Run("a large environment", w.checkLargeEnvironment)
	t.Run("secrets stay out", w.checkExecSecrets)
	t.Run("nothing of ours is inherited", w.checkInherited)
}

func (w *crashWorld) shell(line string) (string, error) {
	cmd := exec.Command("sh", "-c", line)
	cmd.Env = w.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// checkSignals sends signals to the process that was started: the program gets
// each, whether it dies of it or ends as it likes.
func (w *crashWorld) checkSignals(t *testing.T) {
	for name, s := range map[string]syscall.Signal{
		"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "QUIT": syscall.SIGQUIT, "USR1": syscall.SIGUSR1, "WINCH": syscall.SIGWINCH,
	} {
		ready := filepath.Join(t.TempDir(), "ready")
		cmd, out := w.start(t, true, w.env, "sh", "-c", fmt.Sprintf(
			`trap 'echo caught %[1]s; exit 7' %[1]s; echo $$ >%[2]s.part; mv %[2]s.part %[2]s; n=0; while [ $n -lt 3000 ]; do sleep 0.01; n=$((n+1)); done`, name, ready))
		awaitFile(t, ready)
		if pid, err := os.ReadFile(ready); err != nil || strings.TrimSpace(string(pid)) != fmt.Sprint(cmd.Process.Pid) {
			t.Errorf("the program is process %s, %v, and not the one that was started, %d", pid, err, cmd.Process.Pid)
		}
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 7 || out.String() != "caught "+name+"\n" {
			t.Errorf("%s: exit %d, %q", name, code, out)
		}
	}
	cmd, _ := w.start(t, true, w.env, "sleep", "60")
	awaitProgram(t, cmd, "sleep")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("a program that catches nothing ended with %v", cmd.ProcessState)
	}
}

func awaitFile(t *testing.T, path string) {
	t.Helper()
	await(t, path, func() bool { _, err := os.Stat(path); return err == nil })
}

// awaitProgram waits until the process that was started runs the program.
func awaitProgram(t *testing.T, cmd *exec.Cmd, name string) {
	t.Helper()
	await(t, name, func() bool {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", cmd.Process.Pid))
		return strings.TrimSpace(string(text)) == name
	})
}

func (w *crashWorld) checkLargeEnvironment(t *testing.T) {
	environ := w.env
	for i := range 20 {
		environ = append(environ, fmt.Sprintf("LARGE_%d=%s", i, strings.Repeat("x", 10<<10)))
	}
	code, out := w.exec(t, environ, "env")
	if n := strings.Count(out, strings.Repeat("x", 10<<10)); code != 0 || n != 20 || !strings.Contains(out, "\nXERO_ACCESS_TOKEN=ey") {
		t.Errorf("exit %d, %d of 20 large variables", code, n)
	}
}

// checkExecSecrets: of all that the program had in its hands the child gets
// the access token, in its environment, and nothing else anywhere.
func (w *crashWorld) checkExecSecrets(t *testing.T) {
	environ := append(w.env, "XEROAUTH_SESSION=canary-session-value", "XEROAUTH_WRITEBACK=exec:/canary-writeback-value", "XEROAUTH_PROFILE=web")
	look := filepath.Join(t.TempDir(), "look")
	testdir.Program(t, look, "#!/bin/sh\ncat /proc/$$/environ /proc/$$/cmdline /proc/$PPID/cmdline\nls -l /proc/$$/fd\n")
	cmd := exec.Command(w.program, "exec", "-p", "web", "--", look)
	cmd.Env = environ
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	token := regexp.MustCompile(`XERO_ACCESS_TOKEN=([^\x00]+)`).FindSubmatch(out)
	if token == nil || bytes.Count(out, token[1]) != 2 {
		t.Fatalf("the token is not there twice: %q", out)
	}
	seen := 0
	for _, s := range w.sandbox.Secrets() {
		if seen++; s != string(token[1]) && bytes.Contains(out, []byte(s)) {
			t.Errorf("the program sees a secret of %d characters that it was not given", len(s))
		}
	}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		switch name {
		case "XERO_CLIENT_SECRET", "XEROAUTH_FILE_KEY", "XEROAUTH_SESSION", "XEROAUTH_WRITEBACK":
			seen++
			if bytes.Contains(out, []byte(value)) || bytes.Contains(out, []byte(name+"=")) {
				t.Errorf("the program sees %s", name)
			}
		}
	}
	if seen < 8 {
		t.Errorf("only %d secrets were looked for", seen)
	}
}

// checkInherited: the program starts as it would without us: the same signals
// ignored and blocked, the same open files.
func (w *crashWorld) checkInherited(t *testing.T) {
	for _, prepare := range []string{"", "trap '' HUP; ", "trap '' INT; "} {
		look := `grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status; ls /proc/self/fd`
		direct, err := w.shell(prepare + "exec sh -c \"" + look + "\"")
		if err != nil {
			t.Fatal(err)
		}
		through, err := w.shell(prepare + "exec " + w.program + " exec -- sh -c \"" + look + "\"")
		if err != nil || through != direct {
			t.Errorf("after %q: %v\n%s\nwithout us:\n%s", prepare, err, through, direct)
		}
	}
}

// TestSignalBeforeProgram: a signal that came before the program is run ends
// xeroauth, and the program is not run.
func TestSignalBeforeProgram(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	letGo := handleSignals(cancel)
	// To this thread, so that the signal has arrived when the call returns.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, _, e := syscall.Syscall(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(syscall.Gettid()), uintptr(syscall.SIGTERM)); e != 0 {
		t.Fatal(e)
	}
	// Were it run, it would take the place of this test.
	_, err := becomer(ctx, letGo)("/bin/false", []string{"false"}, nil)
	var stopped *cli.Interrupted
	if !errors.As(err, &stopped) || stopped.ExitCode() != 143 {
		t.Errorf("%v; want that SIGTERM came", err)
	}
}

func await(t *testing.T, what string, seen func() bool) {
	t.Helper()
	for range tries {
		if seen() {
			return
		}
		time.Sleep(tryAfter)
	}
	t.Fatalf("%s did not come", what)
}
