package cli

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/pkg/browser"
)

// whyWSL is the reason in a Linux under Windows.
const whyWSL = "this is WSL without a browser"

// wslOpener opens an address in Windows' own browser, where it is installed.
const wslOpener = "wslview"

// noBrowserReason says why no browser can be expected here; "" when one can.
func (a *App) noBrowserReason() string {
	chosen := a.env("BROWSER")
	display := a.env("DISPLAY") != "" || a.env("WAYLAND_DISPLAY") != ""
	switch {
	case a.Browser != nil:
		return ""
	case chosen == "none":
		return "BROWSER=none"
	case chosen != "":
		return ""
	case a.env("SSH_CONNECTION") != "" || a.env("SSH_TTY") != "":
		return "this is an SSH session"
	case a.env("WSL_DISTRO_NAME") != "" && !display && !onPath(wslOpener):
		return whyWSL
	case a.inContainer() && !display:
		return "this is a container"
	case runtime.GOOS == "linux" && !display && a.env("WSL_DISTRO_NAME") == "":
		return "there is no desktop here"
	}
	return ""
}

func onPath(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

func (a *App) inContainer() bool {
	if a.env("container") != "" { // podman and systemd set it
		return true
	}
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	return false
}

// openBrowser starts the person's browser without waiting for it. What it
// prints goes to stderr: stdout is for answers.
func (a *App) openBrowser(address string) {
	go func() {
		if err := a.open(address); err != nil {
			a.warn("the browser could not be opened (%v): open the address above yourself", err)
		}
	}()
}

// open starts the browser and may wait for it.
func (a *App) open(address string) error {
	if a.Browser != nil {
		return a.Browser(address)
	}
	if list := a.env("BROWSER"); list != "" {
		return a.runBrowsers(list, address)
	}
	if a.env("WSL_DISTRO_NAME") != "" && onPath(wslOpener) {
		return a.runBrowsers(wslOpener, address)
	}
	for _, kv := range a.Environ { // pkg/browser starts programs with our own environment
		if name, _, _ := strings.Cut(kv, "="); isSecretVariable(name) {
			_ = os.Unsetenv(name)
		}
	}
	browser.Stdout, browser.Stderr = a.Stderr, a.Stderr
	return browser.OpenURL(address)
}

// runBrowsers tries the commands of $BROWSER, which pkg/browser does not read:
// separated by colons, with %s for the address or the address at the end.
func (a *App) runBrowsers(list, address string) error {
	separator := ":"
	if runtime.GOOS == "windows" {
		separator = ";"
	}
	var err error
	for command := range strings.SplitSeq(list, separator) {
		words := strings.Fields(command)
		if len(words) == 0 {
			continue
		}
		placed := false
		for i := range words[1:] {
			if strings.Contains(words[i+1], "%s") {
				words[i+1], placed = strings.ReplaceAll(words[i+1], "%s", address), true
			}
		}
		if !placed {
			words = append(words, address)
		}
		run := exec.Command(words[0], words[1:]...)
		run.Stdout, run.Stderr, run.Env = a.Stderr, a.Stderr, a.environWithoutSecrets()
		if err = run.Run(); err == nil {
			return nil
		}
		err = fmt.Errorf("%s: %w", words[0], err)
	}
	return err
}

func portOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Port() == "" {
		return "80"
	}
	return u.Port()
}

// sshDestination is this machine as its SSH client knows it, as far as the
// connection tells.
func (a *App) sshDestination() string {
	user := firstOf(a.env("USER"), "USER")
	if f := strings.Fields(a.env("SSH_CONNECTION")); len(f) == 4 {
		return user + "@" + f[2]
	}
	return user + "@THIS-MACHINE"
}
