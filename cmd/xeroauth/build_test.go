package main

import (
	"archive/zip"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/cli"
)

func TestDescribe(t *testing.T) {
	recorded := func(version string, settings ...string) *debug.BuildInfo {
		info := &debug.BuildInfo{Main: debug.Module{Version: version}}
		for i := 0; i < len(settings); i += 2 {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: settings[i], Value: settings[i+1]})
		}
		return info
	}
	const (
		revision = "0123456789abcdef0123456789abcdef01234567"
		at       = "2026-01-02T03:04:05Z"
	)
	release := cli.Build{Version: "1.2.3", Commit: revision, Date: at}
	for _, c := range []struct {
		name   string
		linked cli.Build
		info   *debug.BuildInfo
		want   cli.Build
	}{
		{"a release", release, recorded("v9.9.9", "vcs.revision", "other", "vcs.time", "other"), release},
		{"the linker told the version alone", cli.Build{Version: "1.2.3"}, recorded("(devel)", "vcs.revision", revision, "vcs.time", at), release},
		{"go install of a version", cli.Build{}, recorded("v1.2.3"), cli.Build{Version: "1.2.3"}},
		{"go install of a commit after a tag", cli.Build{}, recorded("v1.2.4-0.20260102030405-0123456789ab"),
			cli.Build{Version: "1.2.4-0.20260102030405-0123456789ab", Commit: "0123456789ab", Date: at}},
		{"go install of a commit before the first tag", cli.Build{}, recorded("v0.0.0-20260102030405-0123456789ab"),
			cli.Build{Version: "0.0.0-20260102030405-0123456789ab", Commit: "0123456789ab", Date: at}},
		{"go install of a commit after a pre-release", cli.Build{}, recorded("v1.2.3-rc.1.0.20260102030405-0123456789ab"),
			cli.Build{Version: "1.2.3-rc.1.0.20260102030405-0123456789ab", Commit: "0123456789ab", Date: at}},
		{"go build in a clone at a tag", cli.Build{}, recorded("v1.2.3", "vcs.revision", revision, "vcs.time", at), release},
		{"go build in a changed clone", cli.Build{}, recorded("v1.2.4-0.20260102030405-0123456789ab+dirty", "vcs.revision", revision, "vcs.time", at, "vcs.modified", "true"),
			cli.Build{Version: "1.2.4-0.20260102030405-0123456789ab+dirty", Commit: revision, Date: at}},
		{"go run", cli.Build{}, recorded("(devel)"), cli.Build{Version: "dev"}},
		{"no record", cli.Build{}, nil, cli.Build{Version: "dev"}},
		{"a pre-release that looks like a commit", cli.Build{}, recorded("v1.2.3-99999999999999-0123456789ab"), cli.Build{Version: "1.2.3-99999999999999-0123456789ab"}},
		{"a pre-release", cli.Build{}, recorded("v1.2.3-rc.1"), cli.Build{Version: "1.2.3-rc.1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := describe(c.linked, c.info); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestVersionOfBuilds builds the program in each way in which people get it,
// and asks what it is.
func TestVersionOfBuilds(t *testing.T) {
	needPart(t, "git", "git")
	needPart(t, "go", "go")
	b := newBuilds(t)
	commit := strings.TrimSpace(b.run("git", "rev-parse", "HEAD"))
	const at = "2026-01-02T03:04:05Z"

	b.check("go build at a tag", b.goBuild(), about{Version: "1.2.3", Commit: commit, Date: at})
	b.write("cmd/xeroauth/more.go", "package main\n")
	b.check("go build in a changed clone", b.goBuild(), about{Version: "1.2.3+dirty", Commit: commit, Date: at})
	b.run("git", "add", ".")
	b.run("git", "commit", "-q", "-m", "more")
	commit = strings.TrimSpace(b.run("git", "rev-parse", "HEAD"))
	b.check("go build after a tag", b.goBuild(), about{Version: "1.2.4-0.20260102030405-" + commit[:12], Commit: commit, Date: at})
	b.check("the linker's words", b.goBuild("-ldflags=-X main.version=2.0.0 -X main.commit=c -X main.date=d"), about{Version: "2.0.0", Commit: "c", Date: "d"})
	b.check("no record of git", b.goBuild("-buildvcs=false"), about{Version: "dev"})
	b.check("go install of a tag", b.goInstall("v1.2.3"), about{Version: "1.2.3"})
	const untagged = "v0.0.0-20260102030405-0123456789ab"
	b.check("go install of a commit", b.goInstall(untagged), about{Version: untagged[1:], Commit: "0123456789ab", Date: at})
}

type about struct{ Version, Commit, Date, Go, Platform string }

// builds is a clone of this module, as it stands, with a Git history of its own.
type builds struct {
	t               *testing.T
	dir, clone, bin string
	program         string // where it is built
	env             []string
}

func newBuilds(t *testing.T) *builds {
	dir := t.TempDir()
	b := &builds{t: t, dir: dir, clone: filepath.Join(dir, "clone"), bin: filepath.Join(dir, "bin")}
	b.program = filepath.Join(b.bin, "xeroauth")
	if runtime.GOOS == "windows" {
		b.program += ".exe"
	}
	if err := os.Mkdir(b.clone, 0o700); err != nil {
		t.Fatal(err)
	}
	// -trimpath, because then Go's cache serves packages that it has built in
	// another folder.
	b.env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath -modcacherw", "GOWORK=off", "GOSUMDB=off", "GOTOOLCHAIN=local",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.com")
	// A module cache of its own, filled from the person's: Go notes in it what
	// versions of a module there are, and the ones here are invented.
	known := strings.TrimSpace(b.run("go", "env", "GOMODCACHE"))
	b.env = append(b.env, "GOBIN="+b.bin, "GOMODCACHE="+filepath.Join(dir, "modules"),
		"GOPROXY="+fileURL(filepath.Join(dir, "proxy"))+","+fileURL(filepath.Join(known, "cache", "download")))
	for name, content := range moduleFiles(t) {
		b.write(name, content)
	}
	for _, line := range []string{"init -q", "add .", "commit -q -m first", "tag v1.2.3"} {
		b.run("git", strings.Fields(line)...)
	}
	return b
}

// moduleFiles is what of this module the program is built from.
func moduleFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := os.DirFS(filepath.Join("..", ".."))
	for _, top := range []string{"go.mod", "go.sum", "cmd", "internal"} {
		err := fs.WalkDir(root, top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "/testdata/") {
				return err
			}
			content, err := fs.ReadFile(root, path)
			files[path] = string(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func (b *builds) write(name, content string) {
	b.t.Helper()
	path := filepath.Join(b.clone, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *builds) run(name string, args ...string) string {
	b.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = b.clone, b.env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		b.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}

func (b *builds) goBuild(flags ...string) string {
	b.t.Helper()
	b.run("go", append(append([]string{"build", "-o", b.program}, flags...), "./cmd/xeroauth")...)
	return b.run(b.program, "version", "--json")
}

// goInstall installs a version from a module proxy that is a folder.
func (b *builds) goInstall(version string) string {
	b.t.Helper()
	const path = "github.com/xeroauth/xeroauth"
	folder := filepath.Join(b.dir, "proxy", filepath.FromSlash(path), "@v")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		b.t.Fatal(err)
	}
	files := moduleFiles(b.t)
	var archive strings.Builder
	z := zip.NewWriter(&archive)
	for name, content := range files {
		w, err := z.Create(path + "@" + version + "/" + name)
		if err != nil {
			b.t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		b.t.Fatal(err)
	}
	for name, content := range map[string]string{"list": version, version + ".info": `{"Version":"` + version + `"}`, version + ".mod": files["go.mod"], version + ".zip": archive.String()} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	b.run("go", "install", path+"/cmd/xeroauth@"+version)
	return b.run(b.program, "version", "--json")
}

func fileURL(path string) string {
	return "file:///" + strings.TrimPrefix(filepath.ToSlash(path), "/")
}

// check compares what a build said of itself.
func (b *builds) check(how, answer string, want about) {
	b.t.Helper()
	var got about
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		b.t.Fatalf("%s: %v in %q", how, err, answer)
	}
	want.Go, want.Platform = runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH
	if got != want {
		b.t.Errorf("%s: the program says %+v, want %+v", how, got, want)
	}
}
