package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// Names that want to be a command, each with an id of its own. %s is the
// command: it leaves a file that the test looks for.
var hostileNames = []struct{ id, name string }{
	{"d1000000-0000-4000-8000-0000000000d1", "Harmless & Sons (AU)"},
	{"d2000000-0000-4000-8000-0000000000d2", "$(%s)"},
	{"d3000000-0000-4000-8000-0000000000d3", "`%s`"},
	{"d4000000-0000-4000-8000-0000000000d4", "x; %s;"},
	{"d5000000-0000-4000-8000-0000000000d5", "a' ; %s ; '"},
	{"d6000000-0000-4000-8000-0000000000d6", "a\" ; %s ; \""},
	{"d7000000-0000-4000-8000-0000000000d7", "a\n%s\nb"},
	{"d8000000-0000-4000-8000-0000000000d8", "a\t%s\tb"},
	{"d9000000-0000-4000-8000-0000000000d9", "a\r%s\rb\x03\x04"},
	{"da000000-0000-4000-8000-0000000000da", "a:b:%s:c"},
	{"db000000-0000-4000-8000-0000000000db", "\x1b[31m\x1b]0;t\x07\x1b[201~%s\r"},
	{"dc000000-0000-4000-8000-0000000000dc", "\u202e%s\u2066\u200f\u2028"},
	{"dd000000-0000-4000-8000-0000000000dd", "(%s)"},
	{"de000000-0000-4000-8000-0000000000de", "*(e:'%s':) %%(!.a.b) ~ {a,b}"},
	{"df000000-0000-4000-8000-0000000000df", "\\$(%s) | %[1]s || %[1]s & > x"},
	{"e0000000-0000-4000-8000-0000000000e0", "$(%s)1"},
	{"e0000000-0000-4000-8000-0000000000e1", "$(%s)2"},
}

// shellWorld is a folder of settings with hostile tenants and a program that
// notes how it was called, but completes as the real one does.
type shellWorld struct{ dir, calls, pwned string }

func newShellWorld(t *testing.T) *shellWorld {
	t.Helper()
	dir := t.TempDir()
	w := &shellWorld{dir: dir, calls: filepath.Join(dir, "calls"), pwned: filepath.Join(dir, "pwned")}
	real := filepath.Join(dir, "real")
	if out, err := exec.Command("go", "build", "-o", real, ".").CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	testdir.Program(t, filepath.Join(dir, "bin", "xeroauth"), fmt.Sprintf(`#!/bin/sh
[ "$1" != __offer ] || exec '%s' "$@"
for word; do printf '%%s\n' "$word"; done >'%s.part'
mv '%[2]s.part' '%[2]s'
`, real, w.calls))
	settings := profile.Dir{Path: filepath.Join(dir, "settings")}
	var tenants []profile.Tenant
	for _, h := range hostileNames {
		tenants = append(tenants, profile.Tenant{ID: h.id, Name: w.filled(h.name), Type: "ORGANISATION"})
	}
	// A list that was tampered with: an id that is none, and one that is there twice.
	tenants = append(tenants, profile.Tenant{ID: w.filled("$(%s)"), Name: "x"}, profile.Tenant{ID: strings.ToUpper(hostileNames[0].id), Name: "zz $(id)"})
	for _, name := range []string{"acme", "acme-two", "default", "zeta"} {
		if err := settings.Save(profile.Profile{Name: name, App: profile.Public, Store: "keychain"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := settings.SaveTenants("acme", tenants); err != nil {
		t.Fatal(err)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script, err := exec.Command(real, "completion", shell).Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "script."+shell), script, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *shellWorld) filled(name string) string {
	if strings.Contains(name, "%") {
		return fmt.Sprintf(name, "touch "+w.pwned)
	}
	return name
}

func (w *shellWorld) environ() []string {
	return []string{
		"PATH=" + filepath.Join(w.dir, "bin") + ":" + os.Getenv("PATH"), "HOME=" + w.dir, "ZDOTDIR=" + w.dir, "TERM=xterm", "LC_ALL=C.UTF-8",
		"XDG_CONFIG_HOME=" + w.dir, "XDG_DATA_HOME=" + w.dir, "XEROAUTH_CONFIG_DIR=" + filepath.Join(w.dir, "settings"), "PS1=> ",
		// Whoever asks for a keychain finds none.
		"DBUS_SESSION_BUS_ADDRESS=unix:path=" + filepath.Join(w.dir, "no-bus"),
	}
}

// person is somebody at a shell on a pseudo-terminal.
type person struct {
	*shellWorld
	t      *testing.T
	master *os.File
	screen chan []byte
	seen   []byte
}

func (w *shellWorld) sitDown(t *testing.T, line ...string) *person {
	t.Helper()
	master, slave := openTerminal(t)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env, cmd.Dir = w.environ(), w.dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	p := &person{shellWorld: w, t: t, master: master, screen: make(chan []byte, 1000)}
	go func() {
		defer close(p.screen)
		for {
			buf := make([]byte, 4096)
			n, err := master.Read(buf)
			if n > 0 {
				p.screen <- buf[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		p.isUnharmed()
	})
	return p
}

func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	ioctl := func(request uintptr, arg unsafe.Pointer) {
		if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(arg)); e != 0 {
			t.Skip("no pseudo-terminals here:", e)
		}
	}
	var number, unlocked int32
	ioctl(syscall.TIOCGPTN, unsafe.Pointer(&number))
	ioctl(syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	size := [4]uint16{60, 160}
	ioctl(syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	return master, slave
}

func (p *person) types(text string) {
	p.t.Helper()
	if _, err := p.master.WriteString(text); err != nil {
		p.t.Fatal(err)
	}
}

// sees waits until text stands on what was shown since the last time.
func (p *person) sees(text string) {
	p.t.Helper()
	limit := time.After(30 * time.Second)
	for {
		if i := bytes.Index(p.seen, []byte(text)); i >= 0 {
			p.seen = p.seen[i+len(text):]
			return
		}
		select {
		case b, ok := <-p.screen:
			if !ok {
				p.t.Fatalf("the shell ended; %q did not come: %q", text, p.seen)
			}
			p.seen = append(p.seen, b...)
		case <-limit:
			p.t.Fatalf("%q did not come: %q", text, p.seen)
		}
	}
}

// runs presses Enter and checks what the program was called with.
func (p *person) runs(want ...string) {
	p.t.Helper()
	p.types("\r")
	var got []byte
	for range tries {
		var err error
		if got, err = os.ReadFile(p.calls); err == nil {
			break
		}
		time.Sleep(tryAfter)
	}
	if words := strings.Split(strings.TrimSuffix(string(got), "\n"), "\n"); !slices.Equal(words, want) {
		p.t.Errorf("the program was called with %q; want %q\n%q", words, want, p.seen)
	}
	_ = os.Remove(p.calls)
	p.isUnharmed()
	p.types("echo re''ady\r")
	p.sees("ready")
}

func (p *person) isUnharmed() {
	p.t.Helper()
	if _, err := os.Stat(p.pwned); err == nil {
		p.t.Error("a tenant's name ran as a command")
		_ = os.Remove(p.pwned)
	}
}

const (
	tab      = "\t"
	firstID  = "d1000000-0000-4000-8000-0000000000d1"
	atTenant = "xeroauth header -p acme --tenant "
)

// TestShells completes in the real shells, at a terminal, with tenants whose
// names want to be commands.
func TestShells(t *testing.T) {
	needPart(t, "shells", "bash", "zsh", "fish")
	w := newShellWorld(t)
	for _, shell := range []struct {
		name  string
		start []string
		// setUp is typed first; list shows what there is; menu makes TAB walk
		// through what there is, with menuKeys to take the second.
		setUp, list, menu, menuKeys string
	}{
		{"bash", []string{"bash", "--norc", "--noprofile", "-i"}, "source script.bash", tab + tab, `bind 'TAB: menu-complete'`, tab + tab},
		{"bash, all at once", []string{"bash", "--norc", "--noprofile", "-i"}, `source script.bash; bind 'set show-all-if-ambiguous on'`, tab, "", ""},
		{"zsh", []string{"zsh", "-f", "-i"}, "autoload -U compinit; compinit -u -D; source script.zsh", tab, "setopt menucomplete", tab + tab},
		{"fish", []string{"fish", "--no-config", "-i"}, "source script.fish", tab, "", ""},
	} {
		t.Run(shell.name, func(t *testing.T) {
			p := w.sitDown(t, shell.start...)
			p.types(shell.setUp + "; echo re''ady\r")
			p.sees("ready")

			// ids, with names that a terminal does not obey
			p.types(atTenant + shell.list)
			p.sees(firstID)
			p.sees("Harmless & Sons (AU)")
			// the first letters of one
			p.types("d1" + tab)
			p.sees("-0000-4000-8000-0000000000d1")
			p.runs("header", "-p", "acme", "--tenant", firstID)
			p.types("xeroauth header -p acme --tenant=d1" + tab)
			p.sees("-0000-4000-8000-0000000000d1")
			p.runs("header", "-p", "acme", "--tenant="+firstID)
			p.types("xeroauth profiles list --color=" + tab + "al" + tab)
			p.sees("ways")
			p.runs("profiles", "list", "--color=always")
			p.types("xeroauth tenants use -p acme 'd1" + tab)
			p.sees("-0000-4000-8000-0000000000d1")
			p.runs("tenants", "use", "-p", "acme", firstID)
			// what two have in common, and no more of them
			p.types(atTenant + "e" + tab)
			p.sees("-0000-4000-8000-0000000000e")
			p.types("1")
			p.runs("header", "-p", "acme", "--tenant", "e0000000-0000-4000-8000-0000000000e1")

			// profiles, scopes, flags, commands
			p.types("xeroauth header -p z" + tab)
			p.sees("eta")
			p.runs("header", "-p", "zeta")
			p.types("xeroauth profiles use z" + tab)
			p.sees("eta")
			p.runs("profiles", "use", "zeta")
			p.types("xeroauth login --scopes @rea" + tab)
			p.sees("@read")
			p.runs("login", "--scopes", "@read")
			p.types("xeroauth login --scopes openid,prof" + tab)
			p.sees("ile")
			p.runs("login", "--scopes", "openid,profile")
			p.types("xeroauth login --redirect-uri http:" + tab)
			p.sees("//localhost:8742/callback")
			p.runs("login", "--redirect-uri", "http://localhost:8742/callback")
			p.types("xeroauth stat" + tab)
			p.sees("us")
			p.runs("status")

			// a name in quotes before the word that is completed
			for _, h := range hostileNames {
				name := w.filled(h.name)
				if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x2028 }) || strings.ContainsAny(name, `'\`) {
					continue // what a line cannot hold, or one shell quotes unlike another
				}
				p.types("xeroauth header --tenant '" + name + "' --min-ttl 3m --allow-s" + tab)
				p.sees("tale")
				p.runs("header", "--tenant", name, "--min-ttl", "3m", "--allow-stale")
			}
			if shell.menu != "" {
				p.types(shell.menu + "; echo re''ady\r")
				p.sees("ready")
				p.types(atTenant + shell.menuKeys)
				p.sees("000000-0000-4000-8000-0000000000d2")
				p.runs("header", "-p", "acme", "--tenant", "d2000000-0000-4000-8000-0000000000d2")
			}
		})
	}
}

// The scripts are valid to the shells that read them.
func TestCompletionScriptsParse(t *testing.T) {
	needPart(t, "shells", "bash", "zsh", "fish")
	w := newShellWorld(t)
	for _, line := range [][]string{{"bash", "-n", "script.bash"}, {"zsh", "-n", "script.zsh"}, {"fish", "-n", "script.fish"}} {
		cmd := exec.Command(line[0], line[1:]...)
		cmd.Dir, cmd.Env = w.dir, w.environ()
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%q: %v\n%s", line, err, out)
		}
	}
}
