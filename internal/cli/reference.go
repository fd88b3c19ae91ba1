package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// What a command works with. Its exit codes and variables follow from that.
const (
	usesProfile  = "profile"  // settings in files
	usesStore    = "store"    // the keychain, or what takes its place
	usesSession  = "session"  // a login made before
	usesXero     = "xero"     // requests
	usesTenant   = "tenant"   // one organisation among several
	usesLogin    = "login"    // what a first login is told
	usesKeyless  = "keyless"  // custom connections without a profile
	usesBrowser  = "browser"  // a person in front of it
	usesQuestion = "question" // a yes that the command waits for
	usesStop     = "stop"     // a signal is how it is left
	usesJob      = "job"      // a session given to a CI job
	usesGitHub   = "github"   // secrets of GitHub Actions
	usesExport   = "export"   // a file that steps of a workflow share
	usesProgram  = "program"  // a program that takes this one's place
)

// exitCode is one way to end. Help on the terminal has the word, topics and
// manual pages have the meaning.
type exitCode struct {
	code          int
	word, meaning string
	uses          string // empty: every command
}

func exitCodes() []exitCode {
	return []exitCode{
		{exitOK, "done", "done", ""},
		{exitFailure, "another failure", "another failure", ""},
		{exitUsage, "usage", "usage: a flag, argument or setting is wrong", ""},
		{exitStore, "store", "the store is unavailable, locked or not writable", usesStore},
		{exitLogin, "login needed", "a login is needed (also: no such profile)", usesProfile},
		{exitTemporary, "try again", "temporary: network, Xero 5xx or 429, lock held too long; try again, nothing was lost", usesStore + " " + usesXero},
		{exitRefused, "Xero refused", "Xero refused: consent denied or not given in time, wrong client, secret, scope or redirect URI", usesXero},
		{exitTenant, "tenant", "no such tenant, ambiguous, or none to choose from", usesTenant},
		{exitCannotRun, "cannot be run", "exec: the program cannot be run", usesProgram},
		{exitNoProgram, "no such program", "exec: there is no such program", usesProgram},
		{130, "SIGINT", "stopped by SIGINT", usesStop},
		{143, "SIGTERM", "stopped by SIGTERM", usesStop},
	}
}

// variable is one that the program reads.
type variable struct{ name, meaning, uses string }

func variables() []variable {
	return []variable{
		{envClientID, "the app's client id", usesLogin + " " + usesKeyless},
		{envClientSecret, "the app's secret (web apps, custom connections)", usesLogin + " " + usesKeyless},
		{envScopes, "scopes and presets to ask for", usesLogin},
		{envProfile, "profile to use, like -p", usesProfile},
		{envTenant, "tenant to choose, by id or exact name; it never adds a header line by itself", usesTenant},
		{envStore, "store of a new profile: keychain, file, plain", usesLogin},
		{envConfigDir, "folder of the profiles", usesProfile},
		{envFileKey, `age identity of the store "file"`, usesStore},
		{envFileKeyFile, "file that holds it", usesStore},
		{envCustom, "1: use a custom connection", usesLogin + " " + usesKeyless},
		{envSession, "in a CI job: the session, as seed writes it", usesJob},
		{envWriteback, "in a CI job: where a renewed session goes; see xeroauth help ci", usesJob},
		{"RUNNER_TEMP, XDG_RUNTIME_DIR", "in a CI job: folder of its session's file", usesJob},
		{"GH_TOKEN, GITHUB_TOKEN", "token for secrets of GitHub Actions", usesJob + " " + usesGitHub},
		{"GITHUB_API_URL", "address of GitHub's API, https only", usesJob + " " + usesGitHub},
		{envGitHubEnv, `file that "export --format github" adds to`, usesExport},
		{"BROWSER", "command that opens an address; none: open nothing", usesBrowser},
		{"NO_COLOR, CLICOLOR_FORCE", "colour: never, always; --color comes first", "everything"},
		{"HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "the usual proxies; loopback uses none", usesXero},
		{"CI", "set: never ask on the terminal", usesQuestion},
	}
}

// reference is what the tree of commands does not say of a command.
type reference struct {
	group string
	uses  string
	// exits are meanings that a code has for this command alone.
	exits []exitCode
	see   []string
	// shelves sort the flags of a command that has many.
	shelves []flagShelf
}

// flagShelf is a group of flags by name.
type flagShelf struct{ title, flags string }

// The groups of the overview, in their order.
const (
	groupAccess   = "Log in and out"
	groupTokens   = "Hand out tokens"
	groupSettings = "Organisations and settings"
	groupCI       = "CI"
	groupFind     = "Try it and find what is wrong"
	groupProgram  = "This program"
)

func groups() []string {
	return []string{groupAccess, groupTokens, groupSettings, groupCI, groupFind, groupProgram}
}

// references holds every command that is not like the one above it in the
// tree. A command that is missing here has the codes of any command and no
// variable; a test finds it.
func references() map[string]reference {
	const (
		file    = usesProfile + " "
		session = file + usesStore + " " + usesSession + " "
		request = session + usesXero + " "
		token   = request + usesKeyless + " " + usesTenant + " " + usesJob
	)
	return map[string]reference{
		"": {},

		"login": {group: groupAccess, uses: request + usesLogin + " " + usesTenant + " " + usesBrowser + " " + usesQuestion + " " + usesStop, see: []string{"status", "logout", "scopes", "profiles"}, shelves: []flagShelf{
			{"The app", "client-id app client-secret-file client-secret-stdin redirect-uri port"},
			{"What to ask for", "scopes tenant"},
			{"How", "no-browser timeout replace authority"},
		}},
		"logout": {group: groupAccess, uses: request + usesQuestion, see: []string{"login", "profiles remove"}},
		"status": {group: groupAccess, uses: session, see: []string{"login", "doctor"}},

		"header":  {group: groupTokens, uses: token, see: []string{"token", "exec", "tenants"}},
		"token":   {group: groupTokens, uses: token, see: []string{"header", "exec"}},
		"exec":    {group: groupTokens, uses: token + " " + usesProgram, see: []string{"export", "header"}},
		"export":  {group: groupTokens, uses: token + " " + usesExport, see: []string{"exec", "header"}},
		"refresh": {group: groupTokens, uses: request + usesJob, see: []string{"status", "login"}},

		"tenants":         {group: groupSettings, uses: request, see: []string{"header", "login"}},
		"tenants use":     {uses: request + usesTenant, see: []string{"tenants", "header"}},
		"profiles":        {group: groupSettings, uses: file, see: []string{"login", "status"}},
		"profiles remove": {uses: file + usesStore + " " + usesQuestion, see: []string{"profiles", "logout"}},
		"profiles move":   {uses: session, see: []string{"profiles"}},
		"scopes":          {group: groupSettings, see: []string{"login"}},

		"tenants disconnect": {uses: request + usesTenant + " " + usesQuestion, see: []string{"tenants", "logout"}},

		"seed":        {group: groupCI, uses: request + usesBrowser + " " + usesQuestion, see: []string{"login", "help ci"}},
		"seed github": {uses: request + usesBrowser + " " + usesQuestion + " " + usesGitHub, see: []string{"seed", "help ci"}},

		"doctor": {group: groupFind, uses: token, see: []string{"status", "help exit-codes"}, exits: []exitCode{{code: exitFailure, word: "a check failed", meaning: "a check failed"}}},
		"sandbox": {group: groupFind, uses: usesStop, see: []string{"demo", "login"}, shelves: []flagShelf{
			{"What it has", "port redirect-uri organisation auto-consent"},
			{"How tokens live", "code-lifetime access-lifetime refresh-lifetime grace strict"},
		}},
		"demo": {group: groupFind, uses: usesStore + " " + usesXero + " " + usesBrowser + " " + usesStop, see: []string{"sandbox", "login"}},

		"completion": {group: groupProgram, see: []string{"help"}},
		"version":    {group: groupProgram, see: []string{"help"}},
		"help":       {group: groupProgram, see: []string{"help environment", "help exit-codes", "help ci", "help security"}},
	}
}

// wordsOf is a command's path without the program's name.
func wordsOf(cmd *cobra.Command) string {
	_, words, _ := strings.Cut(cmd.CommandPath(), " ")
	return words
}

// referenceOf is cmd's, else that of the command above it.
func referenceOf(cmd *cobra.Command) reference {
	all := references()
	r, known := all[wordsOf(cmd)]
	for c := cmd; !known && c.HasParent(); {
		c = c.Parent()
		if r, known = all[wordsOf(c)]; c.HasParent() {
			r.see = []string{wordsOf(c)}
		}
	}
	return r
}

// overlap reports whether two lists of words have one in common.
func overlap(a, b string) bool {
	words := strings.Fields(b)
	return slices.ContainsFunc(strings.Fields(a), func(w string) bool { return slices.Contains(words, w) })
}

func (r reference) exitCodes() []exitCode {
	var out []exitCode
	for _, e := range exitCodes() {
		if own := slices.IndexFunc(r.exits, func(o exitCode) bool { return o.code == e.code }); own >= 0 {
			out = append(out, r.exits[own])
		} else if e.uses == "" || overlap(e.uses, r.uses) {
			out = append(out, e)
		}
	}
	for _, own := range r.exits {
		if !slices.ContainsFunc(out, func(e exitCode) bool { return e.code == own.code }) {
			out = append(out, own)
		}
	}
	return out
}

func (r reference) variables() []variable {
	var out []variable
	for _, v := range variables() {
		if overlap(v.uses, r.uses) {
			out = append(out, v)
		}
	}
	return out
}
