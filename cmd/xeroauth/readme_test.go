package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xeroauth/xeroauth/internal/sandbox"
)

// TestReadme runs the shell blocks of the README as they stand, in their
// order, against a sandbox in Xero's place.
func TestReadme(t *testing.T) {
	needPart(t, "shells", "sh", "curl")
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	var files strings.Builder
	ran := 0
	for _, block := range regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```$").FindAllStringSubmatch(string(text), -1) {
		if strings.HasPrefix(strings.TrimSpace(block[1]), "go ") {
			continue // these build the program that the others run
		}
		ran++
		fmt.Fprintf(&script, "exec sh -eu block-%d.sh\n", ran)
		// What a reader types at Xero's address goes to the sandbox, whose
		// apps have their redirect URI at a free port.
		body := strings.NewReplacer("https://api.xero.com", "$SANDBOX", "xeroauth login", "xeroauth login --timeout 30s --redirect-uri $REDIRECT").Replace(block[1])
		fmt.Fprintf(&files, "-- block-%d.sh --\n%s\n", ran, body)
	}
	if ran < 3 {
		t.Fatalf("the README has only %d blocks to run", ran)
	}
	fmt.Fprintf(&files, "-- asked-secret.txt --\n%s\n", sandbox.DefaultWebClientSecret)
	runScript(t, script.String()+strings.ReplaceAll(files.String(), " secret.txt", " asked-secret.txt"), sandboxForXero, func(env *testscript.Env) error {
		env.Setenv("CLIENT_ID", sandbox.DefaultPublicClientID)
		env.Setenv("WEB_CLIENT_ID", sandbox.DefaultWebClientID)
		return nil
	})
}
