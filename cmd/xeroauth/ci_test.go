package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/xeroauth/xeroauth/internal/sandbox"
)

// guide is docs/ci.md, taken apart.
type guide struct{ text string }

func readGuide(t *testing.T) guide {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "ci.md"))
	if err != nil {
		t.Fatal(err)
	}
	return guide{string(text)}
}

// blocks are the code blocks of a language under a heading, in their order.
func (g guide) blocks(t *testing.T, heading, language string) []string {
	t.Helper()
	_, section, ok := strings.Cut(g.text, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("docs/ci.md has no heading %q", heading)
	}
	// As far as the next heading of that kind or above.
	depth := strings.IndexByte(heading, ' ')
	if end := regexp.MustCompile(fmt.Sprintf("(?m)^#{2,%d} ", depth)).FindStringIndex(section); end != nil {
		section = section[:end[0]]
	}
	var found []string
	for _, m := range regexp.MustCompile("(?ms)^( *)```"+language+"\n(.*?)^ *```$").FindAllStringSubmatch(section, -1) {
		found = append(found, regexp.MustCompile("(?m)^"+m[1]).ReplaceAllString(m[2], ""))
	}
	return found
}

// yamlBlock is the one block of YAML under a heading.
func (g guide) yamlBlock(t *testing.T, heading string, into any) {
	t.Helper()
	blocks := g.blocks(t, heading, "yaml")
	if len(blocks) != 1 {
		t.Fatalf("%s has %d blocks of YAML, want one", heading, len(blocks))
	}
	if err := yaml.Unmarshal([]byte(blocks[0]), into); err != nil {
		t.Fatalf("%s: %v", heading, err)
	}
}

type githubWorkflow struct {
	Jobs map[string]struct {
		Environment string
		Concurrency struct{ Group string }
		Steps       []struct {
			Run, Shell string
			Env        map[string]string
		}
	}
}

// recipe collects a script and its files.
type recipe struct{ script, files strings.Builder }

func (r *recipe) line(format string, args ...any) { fmt.Fprintf(&r.script, format+"\n", args...) }

func (r *recipe) file(name, content string) { fmt.Fprintf(&r.files, "-- %s --\n%s\n", name, content) }

// runs adds a piece of shell that stands in the guide. What it sends to Xero goes
// to the sandbox.
func (r *recipe) runs(name, shell, content string) {
	r.line("exec %s %s", shell, name)
	r.file(name, strings.NewReplacer("https://api.xero.com", "$SANDBOX").Replace(content))
}

// step adds the step of a workflow that calls Xero, with GitHub's part played:
// secrets are what given says, and the shell is bash with pipefail.
func (r *recipe) step(t *testing.T, name string, w githubWorkflow, given map[string]string) {
	t.Helper()
	job := w.Jobs["xero"]
	last := job.Steps[len(job.Steps)-1]
	for variable, value := range last.Env {
		if m := regexp.MustCompile(`^\$\{\{ secrets\.(\w+) \}\}$`).FindStringSubmatch(value); m != nil {
			if value = given[m[1]]; value == "" {
				t.Fatalf("%s takes %s from a secret that nobody was told to make", name, m[1])
			}
		}
		r.line("env %s=%s", variable, value)
	}
	if last.Shell != "bash" || !strings.HasPrefix(last.Run, "xeroauth header") {
		t.Fatalf("%s: the last step is %+v", name, last)
	}
	r.runs(name+".sh", "bash --noprofile --norc -eo pipefail", last.Run)
	r.line(`stdout '"Organisations"'`)
	for variable := range last.Env {
		r.line("env %s=", variable)
	}
}

func (r *recipe) run(t *testing.T) {
	t.Helper()
	runScript(t, r.script.String()+r.files.String(), sandboxForXero)
}

// TestCIRecipes runs what docs/ci.md tells people to type, as it stands, with a
// sandbox for Xero and a stand-in for GitHub.
func TestCIRecipes(t *testing.T) {
	needPart(t, "shells", "sh", "bash", "curl")
	g := readGuide(t)
	var custom, user githubWorkflow
	g.yamlBlock(t, "## Custom connection", &custom)
	g.yamlBlock(t, "## User session on GitHub", &user)

	t.Run("custom connection", func(t *testing.T) {
		r := &recipe{}
		r.line("env HOME=")
		r.line("sandbox mark")
		r.step(t, "custom", custom, map[string]string{"XERO_CLIENT_ID": "$CUSTOM", "XERO_CLIENT_SECRET": sandbox.DefaultCustomClientSecret})
		r.line("sandbox count client_credentials 1")
		r.run(t)
	})
	t.Run("user session on GitHub", func(t *testing.T) {
		if user.Jobs["xero"].Environment == "" || user.Jobs["xero"].Concurrency.Group == "" {
			t.Error("the workflow has no environment or no concurrency group")
		}
		r := &recipe{}
		r.line("github serve\nexec xeroauth login --client-id $CLIENT --redirect-uri $REDIRECT")
		r.runs("seed.sh", "sh -eu", g.blocks(t, "## User session on GitHub", "sh")[0])
		r.line("mkdir runner\nenv RUNNER_TEMP=$WORK/runner\nenv HOME=\nclock 31m")
		r.line("github value SEEDED %s", jobSecret)
		r.step(t, "user", user, map[string]string{"XEROAUTH_SESSION": "$SEEDED", "XEROAUTH_GH_TOKEN": hubWriter})
		r.line("github writes %s 3", jobSecret)
		r.run(t)
	})
}

// standInProgram keeps what it gets on stdin, gives it back where it is asked
// for it, and notes its arguments. kubectl comes twice in one pipe.
const standInProgram = `#!/bin/sh
printf '%s\n' "$0 $*" >>"$WORK/argv"
case " $* " in
*" get "* | *" get-secret-value "*) exec cat "$WORK/asked-value" ;;
*" replace "*) exec cat >/dev/null ;;
esac
cat >"$WORK/asked-value"
echo stored
`

// TestCIStores runs the recipes for other secret stores, with stand-ins for
// their programs: the session goes over stdin and back, and never into argv.
func TestCIStores(t *testing.T) {
	needPart(t, "shells", "sh")
	g := readGuide(t)
	for _, store := range []struct{ heading, program string }{
		{"## GitLab, through glab", "glab"}, {"### vault", "vault"}, {"### aws", "aws"}, {"### op", "op"}, {"### kubectl", "kubectl"},
	} {
		t.Run(store.program, func(t *testing.T) {
			blocks := g.blocks(t, store.heading, "sh")
			if len(blocks) != 2 || !strings.HasPrefix(blocks[1], "#!/bin/sh\n") {
				t.Fatalf("%s has the blocks %q; want two, the second a program", store.heading, blocks)
			}
			seed, read, _ := strings.Cut(strings.TrimSpace(blocks[0]), "\n")
			r := &recipe{}
			r.line("chmod 755 bin/%s\nchmod 755 ci/xeroauth-writeback\nenv PATH=$WORK/bin:$PATH", store.program)
			r.line("exec xeroauth login --client-id $CLIENT --redirect-uri $REDIRECT\nsandbox settings '{\"strict\":true}'")
			r.runs("seed.sh", "sh -eu", seed)
			r.line("cp asked-value asked-seeded\nmkdir runner\nenv RUNNER_TEMP=$WORK/runner\nenv HOME=\nclock 31m")
			writeback := "exec:$WORK/ci/xeroauth-writeback"
			if store.program == "glab" {
				read = checkGitLab(t, g)
				writeback = "exec:$CI_PROJECT_DIR/ci/xeroauth-writeback"
				r.line("env CI_PROJECT_DIR=$WORK\nenv CI_PROJECT_PATH=octo/books\nfromfile XEROAUTH_SESSION asked-value")
			}
			r.line("env XEROAUTH_WRITEBACK=%s", writeback)
			r.runs("job.sh", "bash -eo pipefail", read+"\nxeroauth header --api | curl -fsS -H @- https://api.xero.com/api.xro/2.0/Organisation\n")
			r.line(`stdout '"Organisations"'`)
			r.line("! cmp asked-value asked-seeded")
			r.line("sandbox count refresh_token 2")
			r.line(`exec grep -c ^xs1 asked-value`)
			// The next job starts from what was written back.
			r.line("mkdir runner2\nenv RUNNER_TEMP=$WORK/runner2\nclock 62m")
			if store.program == "glab" {
				r.line("fromfile XEROAUTH_SESSION asked-value")
			}
			r.line("exec bash -eo pipefail job.sh\nsandbox count refresh_token 3")
			r.line(`exec cat argv` + "\n" + `! stdout 'xs1\.'` + "\n" + `stdout /bin/` + store.program)
			r.file("bin/"+store.program, standInProgram)
			r.file("ci/xeroauth-writeback", blocks[1])
			r.run(t)
		})
	}
}

// checkGitLab checks the pipeline, and returns what its job does before it
// calls Xero: nothing that could run here.
func checkGitLab(t *testing.T, g guide) string {
	t.Helper()
	var pipeline map[string]struct {
		ResourceGroup string `yaml:"resource_group"`
		Variables     map[string]string
		Script        []string
	}
	g.yamlBlock(t, "## GitLab, through glab", &pipeline)
	job := pipeline["xero"]
	if job.ResourceGroup == "" || job.Variables["XEROAUTH_WRITEBACK"] != "exec:$CI_PROJECT_DIR/ci/xeroauth-writeback" ||
		job.Script[len(job.Script)-1] != "xeroauth header --api | curl -fsS -H @- https://api.xero.com/api.xro/2.0/Organisation" {
		t.Errorf("the job is %+v", job)
	}
	return ":"
}
