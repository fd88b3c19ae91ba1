package main

import (
	"cmp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/xeroauth/xeroauth/internal/cli"
)

// Set by the linker in releases, and by whoever builds without Git.
var version, commit, date string

// build names this program: by the linker's words, else by Go's own record,
// which takes time to read and is left alone by header in a release.
func build() cli.Build {
	linked := cli.Build{Version: version, Commit: commit, Date: date}
	if version != "" && commit != "" && date != "" {
		return linked
	}
	info, _ := debug.ReadBuildInfo()
	return describe(linked, info)
}

// describe completes what the linker said with what Go wrote into the program:
// the module's version (go install, and go build in a clone), the commit and
// its time (go build in a clone). A pseudo-version holds both. info may be nil.
func describe(b cli.Build, info *debug.BuildInfo) cli.Build {
	if info == nil {
		info = &debug.BuildInfo{}
	}
	recorded := cli.Build{Version: strings.TrimPrefix(info.Main.Version, "v")}
	if recorded.Version == "" || recorded.Version == "(devel)" {
		recorded.Version = "dev"
	}
	recorded.Date, recorded.Commit = pseudoVersion(info.Main.Version)
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			recorded.Commit = s.Value
		case "vcs.time":
			recorded.Date = s.Value
		}
	}
	return cli.Build{
		Version: cmp.Or(b.Version, recorded.Version),
		Commit:  cmp.Or(b.Commit, recorded.Commit),
		Date:    cmp.Or(b.Date, recorded.Date),
	}
}

// pseudoVersion finds the commit and its time in a version that Go made for a
// commit without a tag: v1.2.4-0.20260102030405-0123456789ab
// (https://go.dev/ref/mod#pseudo-versions).
func pseudoVersion(v string) (at, revision string) {
	v, _, _ = strings.Cut(v, "+")
	last := max(0, strings.LastIndexByte(v, '-'))
	rest, revision := v[:last], strings.TrimPrefix(v[last:], "-")
	t, err := time.Parse("20060102150405", rest[max(0, len(rest)-14):])
	if err != nil || len(revision) != 12 || strings.Trim(revision, "0123456789abcdef") != "" {
		return "", ""
	}
	return t.Format(time.RFC3339), revision
}
