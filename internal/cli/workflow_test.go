package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/xeroauth/xeroauth/internal/github"
)

// The workflow that seed prints is the one in docs/ci.md, word by word.
func TestWorkflowIsTheOneOfTheGuide(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "ci.md"))
	if err != nil {
		t.Fatal(err)
	}
	printed := workflow(github.Place{Owner: "octo", Repository: "books", Environment: "xero", Name: envSession}, false)
	if !strings.Contains(strings.ReplaceAll(string(guide), "\r\n", "\n"), "```yaml\n"+printed+"```\n") {
		t.Errorf("docs/ci.md does not have this workflow:\n%s", printed)
	}
}

// Whatever names people give, it is YAML and says what was meant.
func TestWorkflowIsYAML(t *testing.T) {
	environments := []string{"", "xero", "production", "a b", "eu: 1", "yes", "No", "null", "on", "12", "-x", "a #b", `"quoted"`, `back\slash`, "ünïcode", "a/b", "{x}", "*x", "x:", "%x", "'", "~", "1e3", "0x1f", "true "}
	for _, environment := range environments {
		for _, web := range []bool{false, true} {
			place := github.Place{Owner: "octo", Repository: "books", Environment: environment, Name: "XERO_1"}
			if err := place.Check(); err != nil {
				t.Fatal(err)
			}
			var got struct {
				Name string
				On   string
				Jobs map[string]struct {
					RunsOn      string `yaml:"runs-on"`
					Environment string
					Concurrency struct {
						Group  string
						Cancel *bool `yaml:"cancel-in-progress"`
					}
					Steps []struct {
						Run, Shell string
						Env        map[string]string
					}
				}
			}
			text := workflow(place, web)
			if err := yaml.Unmarshal([]byte(text), &got); err != nil {
				t.Errorf("%q: %v\n%s", environment, err, text)
				continue
			}
			job := got.Jobs["xero"]
			last := job.Steps[len(job.Steps)-1]
			if job.Environment != environment || job.Concurrency.Group != "xeroauth-XERO_1" || job.Concurrency.Cancel == nil || *job.Concurrency.Cancel {
				t.Errorf("%q: environment %q, concurrency %+v", environment, job.Environment, job.Concurrency)
			}
			want := map[string]string{
				"XEROAUTH_SESSION": "${{ secrets.XERO_1 }}", "XEROAUTH_WRITEBACK": "github:" + place.String(), "GH_TOKEN": "${{ secrets.XEROAUTH_GH_TOKEN }}",
			}
			if web {
				want["XERO_CLIENT_SECRET"] = "${{ secrets.XERO_CLIENT_SECRET }}"
			}
			for name, value := range want {
				if last.Env[name] != value {
					t.Errorf("%q: %s is %q, want %q", environment, name, last.Env[name], value)
				}
			}
			if len(last.Env) != len(want) || !strings.HasPrefix(last.Run, "xeroauth header --api | curl -fsS -H @- ") {
				t.Errorf("%q: the last step is %+v", environment, last)
			}
			if again, _, err := parseWriteback(last.Env["XEROAUTH_WRITEBACK"]); err != nil || again != place {
				t.Errorf("%q: the writeback is read as %+v, %v", environment, again, err)
			}
		}
	}
}
