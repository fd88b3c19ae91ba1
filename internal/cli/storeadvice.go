package cli

import (
	"os/exec"
	"runtime"
	"strings"

	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/job"
)

// storeAdvice is one piece of advice for each class of store failure.
func (a *App) storeAdvice(e *store.Error) string {
	switch {
	case e.Store == job.Name && e.Class == store.Damaged:
		return "remove that file if nothing in this job needs it; the session in " + envSession + " may be older"
	case e.Store == job.Name && e.Class == store.Permissions:
		return "run the chmod above if there is one, or set RUNNER_TEMP to a folder of this user's own"
	}
	switch e.Class {
	case store.NoBus:
		return "there is no desktop session here (SSH, container, sudo, cron): use " + a.fileStore() + ", or start one with dbus-run-session"
	case store.NoService:
		return "install gnome-keyring, KWallet or KeePassXC, or use " + a.fileStore()
	case store.NoCollection:
		return `the keyring has no default collection: create "Login" in Seahorse, or use ` + a.fileStore()
	case store.Locked:
		if unlock := a.unlockCommand(); unlock != "" {
			return "unlock it with: " + unlock + "; then run the command again"
		}
		return "unlock the keychain (log in on the desktop), then run the command again"
	case store.Timeout:
		return "a dialog may be waiting on the desktop: answer it, then run the command again"
	case store.Denied:
		return "allow this user to use it, then run the command again"
	case store.NoLogonSession:
		return "run this in a local console or Remote Desktop session, not over SSH or WinRM, or use " + a.fileStore()
	case store.TooBig:
		return "ask for fewer scopes, or use " + a.fileStore()
	case store.Unproven:
		return "the store does not keep what it is given: use " + a.fileStore()
	case store.Unsupported:
		return "this system has no keychain that is known: use " + a.fileStore()
	case store.Permissions:
		return "run the chmod above, then run the command again"
	case store.NoKey:
		return "set XEROAUTH_FILE_KEY_FILE to the file of an age identity (age-keygen makes one)"
	case store.WrongKey:
		return "give the key that the session was saved with, in XEROAUTH_FILE_KEY or XEROAUTH_FILE_KEY_FILE"
	case store.Damaged:
		return "put a new session in its place: " + a.cmd("login")
	case store.Newer:
		return "update xeroauth, or remove that session: " + a.cmd("logout")
	case store.NotWritable:
		return "make that place writable for this user, then run the command again"
	case store.Other:
	}
	return "see what the store says with -v, or use " + a.fileStore()
}

// unlockCommand unlocks the keychain from a terminal; empty where a dialog on
// the desktop does.
func (a *App) unlockCommand() string {
	switch runtime.GOOS {
	case "darwin":
		return "security unlock-keychain"
	case "windows":
		return ""
	}
	_, err := exec.LookPath("gnome-keyring-daemon")
	if err != nil || a.env("DISPLAY") != "" || a.env("WAYLAND_DISPLAY") != "" {
		return ""
	}
	// printf is bash's own: the password stands in no list of processes.
	return `bash -c 'read -rsp "keyring password: " P; printf %s "$P" | gnome-keyring-daemon --replace --unlock --components=secrets'`
}

// fileStore is the command that gets a session into a file.
func (a *App) fileStore() string {
	switch {
	case strings.HasSuffix(a.command, " move"):
		return "another store; the session stays where it was"
	case a.hasProfile:
		return a.cmd("login --replace --store file")
	}
	return a.cmd("login --store file")
}
