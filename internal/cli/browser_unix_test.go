//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/testdir"
)

// program writes a script that tells of its arguments, and returns its path.
func program(t *testing.T, dir, name, last string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	text := "#!/bin/sh\nprintf '" + name + "'\nfor a; do printf ' [%s]' \"$a\"; done\nprintf ' %s\\n' \"$XERO_CLIENT_SECRET\"\n" + last + "\n"
	testdir.Program(t, path, text)
	return path
}

// $BROWSER is a list of commands; what they print goes to stderr, and they get
// no secret.
func TestRunBrowsers(t *testing.T) {
	dir := testdir.New(t)
	good, bad := program(t, dir, "good", "exit 0"), program(t, dir, "bad", "exit 3")
	missing := filepath.Join(dir, "missing")
	const address = "https://login.xero.com/x?a=b&c=%20d"
	tests := []struct {
		name, list string
		out        string
		err        string
	}{
		{"a command", good, "good [" + address + "] \n", ""},
		{"with %s", good + " --new %s --end", "good [--new] [" + address + "] [--end] \n", ""},
		{"%s within a word", good + " --url=%s", "good [--url=" + address + "] \n", ""},
		{"%s twice", good + " %s %s", "good [" + address + "] [" + address + "] \n", ""},
		{"options and no %s", good + " --new", "good [--new] [" + address + "] \n", ""},
		{"the first that works", missing + ":" + bad + ":" + good + ":" + bad, "bad [" + address + "] \ngood [" + address + "] \n", ""},
		{"empty places", "::" + good, "good [" + address + "] \n", ""},
		{"none works", missing + ":" + bad, "bad [" + address + "] \n", bad + ": exit status 3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, stderr := desk("PATH="+os.Getenv("PATH"), "XERO_CLIENT_SECRET=canary")
			err := a.runBrowsers(tt.list, address)
			if stderr.String() != tt.out {
				t.Errorf("%q\nwant %q", stderr, tt.out)
			}
			if (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("%v; want %q", err, tt.err)
			}
		})
	}
}

func TestNoBrowserReason(t *testing.T) {
	tests := []struct {
		name string
		env  []string
		want string
	}{
		{"told so", []string{"BROWSER=none", "DISPLAY=:0"}, "BROWSER=none"},
		{"one is chosen, even over SSH", []string{"BROWSER=w3m", "SSH_TTY=/dev/pts/0"}, ""},
		{"WSL without a desktop", []string{"WSL_DISTRO_NAME=Debian"}, whyWSL},
		{"WSL with one", []string{"WSL_DISTRO_NAME=Debian", "DISPLAY=:0"}, ""},
		{"a container without a desktop", []string{"container=podman"}, "this is a container"},
		{"a container with one", []string{"container=podman", "WAYLAND_DISPLAY=x"}, ""},
		{"SSH", []string{"SSH_CONNECTION=a 1 b 2", "DISPLAY=:0"}, "this is an SSH session"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, _ := desk(tt.env...)
			if got := a.noBrowserReason(); got != tt.want {
				t.Errorf("%q; want %q", got, tt.want)
			}
		})
	}
	a, _ := desk("SSH_CONNECTION=192.0.2.1 50000 198.51.100.7 22", "USER=ada")
	if got := a.sshDestination(); got != "ada@198.51.100.7" {
		t.Errorf("%q", got)
	}
	if a, _ := desk(); a.sshDestination() != "USER@THIS-MACHINE" || !strings.HasPrefix(portOf("http://localhost:8742/x"), "8742") || portOf("http://localhost/") != "80" {
		t.Error("the words for another machine are wrong")
	}
}
