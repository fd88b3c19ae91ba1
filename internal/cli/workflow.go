package cli

import (
	"encoding/json"
	"strings"

	"github.com/xeroauth/xeroauth/internal/github"
)

// githubTokenSecret is the secret that the workflow takes the writeback's token
// from: GitHub keeps names that begin with GITHUB_ for itself.
const githubTokenSecret = "XEROAUTH_GH_TOKEN"

// workflow is a workflow of GitHub Actions to start from. docs/ci.md has the
// same, word by word.
func workflow(place github.Place, webApp bool) string {
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, "") + "\n") }
	line("name: xero")
	line("on: workflow_dispatch")
	line("jobs:")
	line("  xero:")
	line("    runs-on: ubuntu-latest")
	if place.Environment != "" {
		line("    # An environment's secrets are read when the job starts: after a wait they are still the newest.")
		line("    environment: ", yamlText(place.Environment))
	}
	line("    # One job at a time: each renewal of the session ends the one before.")
	line("    concurrency:")
	line("      group: xeroauth-", place.Name)
	line("      cancel-in-progress: false")
	line("    steps:")
	line("      - run: |")
	line("          go install github.com/xeroauth/xeroauth/cmd/xeroauth@latest")
	line(`          echo "$(go env GOPATH)/bin" >> "$GITHUB_PATH"`)
	line("      - run: xeroauth header --api | curl -fsS -H @- https://api.xero.com/api.xro/2.0/Organisation")
	line("        shell: bash")
	line("        env:")
	line("          XEROAUTH_SESSION: ${{ secrets.", place.Name, " }}")
	line("          XEROAUTH_WRITEBACK: ", yamlText("github:"+place.String()))
	if webApp {
		line("          XERO_CLIENT_SECRET: ${{ secrets.XERO_CLIENT_SECRET }}")
	}
	line("          # A token that may write that secret. The job's own GITHUB_TOKEN may not.")
	line("          GH_TOKEN: ${{ secrets.", githubTokenSecret, " }}")
	return b.String()
}

// yamlText is a text as YAML has it: plain where nothing in it means anything
// there, else as JSON, which is YAML too.
func yamlText(text string) string {
	plain := text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-./:", r))
	})
	// Letters first, so that no number and no indicator begins it; a colon at
	// the end would make it a key. A few words mean true or false.
	first := strings.ToLower(text)
	if plain && 'a' <= first[0] && first[0] <= 'z' && !strings.HasSuffix(text, ":") && !strings.Contains(" y n yes no on off true false null ", " "+first+" ") {
		return text
	}
	b, _ := json.Marshal(text) // a string does not fail
	return string(b)
}
