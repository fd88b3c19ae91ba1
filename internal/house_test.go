// Package internal_test holds the rules of the house (docs/development.md):
// who may import whom, what the floors may do, what stands at the top.
package internal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/xeroauth/xeroauth/"

// floors says on which floor each package lives. Imports point down only.
var floors = map[string]int{
	"cmd/xeroauth": 4,
	"internal/cli": 3,

	"internal/login":   2,
	"internal/session": 2,
	"internal/doctor":  2,

	"internal/xero":     1,
	"internal/store":    1,
	"internal/loopback": 1,
	"internal/profile":  1,
	"internal/sandbox":  1,
	"internal/github":   1,
	"internal/shellenv": 1,
	"internal/term":     1,

	"internal/secret":     0,
	"internal/atomicfile": 0,
	"internal/testdir":    0,
	"internal/testhub":    0,
}

// testsOnly are packages that the program itself must not hold.
var testsOnly = []string{"internal/testdir", "internal/testhub"}

// floorOf places a package; the stores stand on the floor of store.
func floorOf(path string) (floor int, ok bool) {
	if strings.HasPrefix(path, "internal/store/") {
		path = "internal/store"
	}
	floor, ok = floors[path]
	return floor, ok
}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath, Dir      string
	GoFiles, TestGoFiles []string
	Imports, TestImports []string
	XTestImports         []string
	IgnoredGoFiles       []string
	XTestGoFiles         []string
}

func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// packages lists the module's packages, as this system and two others see them.
func packages(t *testing.T) []pkg {
	t.Helper()
	var out []pkg
	for _, system := range []string{"linux", "darwin", "windows"} {
		cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports", "./...")
		cmd.Dir = ".."
		cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		list, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v\n%s", err, &stderr)
		}
		for d := json.NewDecoder(bytes.NewReader(list)); ; {
			var p pkg
			if err := d.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			out = append(out, p)
		}
	}
	if len(out) < 3*10 {
		t.Fatalf("go list found only %d packages", len(out))
	}
	return out
}

// mayImport reports whether from may import to, both packages of ours.
func mayImport(from, to string) bool {
	a, okA := floorOf(from)
	b, okB := floorOf(to)
	switch {
	case !okA || !okB, from == "internal/sandbox", slices.Contains(testsOnly, to):
		return false // a simulator that shares the client's code repeats its mistakes
	case strings.HasPrefix(from, "internal/store/") && to == "internal/store":
		return true
	case strings.HasPrefix(to, "internal/store/"):
		return a >= 3 // the desk chooses the store; the jobs know only the interface
	}
	return a > b
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		from := p.name()
		if from == "internal" {
			continue // these tests
		}
		if _, ok := floorOf(from); !ok {
			t.Errorf("%s lives on no floor: give it one in internal/house_test.go and in docs/development.md", from)
			continue
		}
		for _, path := range p.Imports {
			if to, ours := strings.CutPrefix(path, module); ours && !mayImport(from, to) {
				t.Errorf("%s imports %s, which does not lie below it", from, to)
			}
		}
	}
}

// What only one package may import.
func TestOwners(t *testing.T) {
	owners := map[string][]string{
		"golang.org/x/term":             {"internal/term"},
		"golang.org/x/crypto":           {"internal/github", "internal/testhub"},
		"golang.org/x/text":             {"internal/term"},
		"golang.org/x/oauth2":           {"internal/xero", "internal/login"}, // login: the verifier
		"github.com/coreos/go-oidc/v3":  {"internal/xero"},
		"github.com/zalando/go-keyring": {"internal/store/keychain"},
		"github.com/godbus/dbus/v5":     {"internal/store/keychain"},
		"github.com/gofrs/flock":        {"internal/store", "internal/store/job"},
		"filippo.io/age":                {"internal/store/file", "internal/store/job", "internal/cli"},
		"github.com/spf13/cobra":        {"internal/cli"},
		"github.com/spf13/pflag":        {"internal/cli"},
		"github.com/fatih/color":        {"internal/cli"},
		"github.com/pkg/browser":        {"internal/cli"},
		"flag":                          {},
		"os/signal":                     {"cmd/xeroauth", "internal/cli"},
		"math/rand":                     {},
		"math/rand/v2":                  {},
		"github.com/AlecAivazis/survey": {},
		"github.com/99designs/keyring":  {},
		"github.com/int128/oauth2cli":   {},
		"github.com/charmbracelet/huh":  {},
	}
	for _, p := range packages(t) {
		for _, path := range p.Imports {
			for library, allowed := range owners {
				if (path == library || strings.HasPrefix(path, library+"/")) && !slices.Contains(allowed, p.name()) {
					if library == "math/rand" && strings.HasPrefix(path, "math/rand/v2") {
						continue
					}
					t.Errorf("%s imports %s; only %q may", p.name(), path, allowed)
				}
			}
		}
	}
}

// source is one parsed file of the program, tests left out.
type source struct {
	pkg, path string
	file      *ast.File
	fset      *token.FileSet
}

func (s source) at(n ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.fset.Position(n.Pos()).Line)
}

// sources parses every Go file for every system.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	for _, top := range []string{"cmd", "internal"} {
		err := filepath.WalkDir(filepath.Join("..", top), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && d.Name() == "testdata" {
				return fs.SkipDir
			}
			if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			dir, err := filepath.Rel("..", filepath.Dir(path))
			out = append(out, source{filepath.ToSlash(dir), path, f, fset})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(out) < 50 {
		t.Fatalf("only %d files were found", len(out))
	}
	return out
}

// imported gives the local names of a file's imports.
func (s source) imported() map[string]string {
	out := map[string]string{}
	for _, i := range s.file.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			continue
		}
		name := path[strings.LastIndexByte(path, '/')+1:]
		if i.Name != nil {
			name = i.Name.Name
		}
		out[name] = path
	}
	return out
}

// used calls f with each pkg.Name that stands in n.
func (s source) used(n ast.Node, f func(at ast.Node, name string)) {
	names := s.imported()
	ast.Inspect(n, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && names[id.Name] != "" {
				f(sel, names[id.Name]+"."+sel.Sel.Name)
			}
		}
		return true
	})
}

// Below the desk nothing prints, reads the environment or exits; only the door
// touches the streams and exits.
func TestQuietFloors(t *testing.T) {
	printing := []string{"fmt.Print", "fmt.Printf", "fmt.Println", "log.Print", "log.Printf", "log.Println", "log.Fatal", "log.Fatalf", "log.Fatalln", "log.Panic", "log.Panicf", "log.Panicln"}
	below := slices.Concat(printing, []string{"os.Getenv", "os.LookupEnv", "os.Environ", "os.ExpandEnv", "os.Exit", "os.Stdin", "os.Stdout", "os.Stderr", "os.Args",
		"os.UserHomeDir", "os.UserConfigDir", "os.UserCacheDir"})
	desk := slices.Concat(printing, []string{"os.Getenv", "os.LookupEnv", "os.Environ", "os.ExpandEnv", "os.Exit", "os.Stdin", "os.Stdout", "os.Stderr", "os.Args"})
	for _, s := range sources(t) {
		forbidden := below
		switch floor, _ := floorOf(s.pkg); floor {
		case 4:
			forbidden = printing
		case 3:
			forbidden = desk
		}
		s.used(s.file, func(at ast.Node, name string) {
			if slices.Contains(forbidden, name) {
				t.Errorf("%s: %s", s.at(at), name)
			}
		})
		ast.Inspect(s.file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if id, ok := call.Fun.(*ast.Ident); ok && (id.Name == "print" || id.Name == "println") {
					t.Errorf("%s: %s", s.at(call), id.Name)
				}
			}
			return true
		})
	}
}

// Nothing heavy when the program starts: --help must cost nothing.
func TestNothingAtInitialisation(t *testing.T) {
	heavy := []string{"regexp.MustCompile", "regexp.Compile", "regexp.MustCompilePOSIX", "html/template.Must", "text/template.Must", "html/template.New", "text/template.New"}
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					t.Errorf("%s: an init function", s.at(d))
				}
			case *ast.GenDecl:
				// The body of a function that is only stored runs later.
				ast.Inspect(d, func(n ast.Node) bool {
					if _, ok := n.(*ast.FuncLit); ok {
						return false
					}
					if n != nil {
						s.used(n, func(at ast.Node, name string) {
							if at == n && slices.Contains(heavy, name) {
								t.Errorf("%s: %s when the program starts", s.at(at), name)
							}
						})
					}
					return true
				})
			}
		}
	}
}

// Each package says once what it promises.
func TestPackageComments(t *testing.T) {
	comments := map[string][]string{}
	for _, s := range sources(t) {
		comments[s.pkg] = append(comments[s.pkg], "")
		if s.file.Doc != nil {
			comments[s.pkg][len(comments[s.pkg])-1] = s.file.Doc.Text()
		}
	}
	for name, texts := range comments {
		texts = slices.DeleteFunc(texts, func(s string) bool { return s == "" })
		if len(texts) != 1 {
			t.Errorf("%s has %d package comments; want one", name, len(texts))
			continue
		}
		begin := "Package " + filepath.Base(name) + " "
		if name == "cmd/xeroauth" {
			begin = "Command xeroauth "
			if strings.HasPrefix(texts[0], "Xeroauth ") {
				begin = "Xeroauth "
			}
		}
		if !strings.HasPrefix(texts[0], begin) {
			t.Errorf("%s: its comment begins with %.40q, not with %q", name, texts[0], begin)
		}
	}
}

// No package is a drawer.
func TestNoStrayNames(t *testing.T) {
	for _, s := range sources(t) {
		switch filepath.Base(s.pkg) {
		case "util", "utils", "common", "helpers", "types", "models", "misc":
			t.Errorf("%s: a package of that name says nothing", s.pkg)
		}
	}
}

// The top of the repository holds what it was built with and nothing else.
func TestTopLevel(t *testing.T) {
	allowed := []string{
		"cmd", "internal", "docs", "testdata", "go.mod", "go.sum", ".goreleaser.yaml", "README.md",
		"LICENSE", ".gitignore", ".golangci.yml", ".ci", ".github",
	}
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	ignored := []string{".git", "dist", "xeroauth"}
	for _, e := range entries {
		name := e.Name()
		if slices.Contains(allowed, name) || slices.Contains(ignored, name) || strings.HasSuffix(name, ".test") ||
			strings.HasSuffix(name, ".exe") || strings.HasSuffix(name, ".prof") || strings.HasPrefix(name, "coverage") {
			continue
		}
		t.Errorf("%s stands at the top of the repository and is none of %q", name, allowed)
	}
	for _, name := range allowed {
		if _, err := os.Stat(filepath.Join("..", name)); err != nil {
			t.Errorf("%s is missing", name)
		}
	}
}

// What is left to do is an issue, not a mark in a file.
func TestNoMarks(t *testing.T) {
	marks := []string{"TO" + "DO", "FIX" + "ME"}
	roots := []string{"cmd", "internal", "docs", "testdata", ".ci", ".github", "README.md"}
	for _, root := range roots {
		err := filepath.WalkDir(filepath.Join("..", root), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if strings.Contains(filepath.ToSlash(path), "/testdata/fuzz/") {
				return nil // what a fuzzer found
			}
			b, err := os.ReadFile(path)
			if err != nil || bytes.IndexByte(b, 0) >= 0 {
				return err
			}
			for i, line := range strings.Split(string(b), "\n") {
				for _, mark := range marks {
					if strings.Contains(line, mark) {
						t.Errorf("%s:%d: %s", path, i+1, mark)
					}
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
}
