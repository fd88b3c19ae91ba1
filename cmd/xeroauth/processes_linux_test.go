package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestProcessList holds what docs/scripts.md says of arguments: while a call is
// under way, only -H "$(xeroauth header)" shows the token to whoever lists the
// processes.
func TestProcessList(t *testing.T) {
	needPart(t, "shells", "sh", "curl")
	w := newCrashWorld(t)
	for name, c := range map[string]struct {
		line  string
		shown bool
	}{
		"as an argument": {`curl -fsS -H "$(xeroauth header)" $API`, true},
		"by stdin":       {`xeroauth header | curl -fsS -H @- $API`, false},
		"in two steps":   {`headers=$(xeroauth header); printf '%s\n' "$headers" | curl -fsS -H @- $API`, false},
		"by exec":        {`xeroauth exec -- sh -c 'printf "Authorization: Bearer %s\n" "$XERO_ACCESS_TOKEN" | curl -fsS -H @- $API'`, false},
	} {
		t.Run(name, func(t *testing.T) {
			asked, shown := 0, false
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				asked++
				token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
				shown = len(token) < 100 || isArgument(t, token)
			}))
			defer server.Close()
			cmd := exec.Command("sh", "-euc", c.line)
			cmd.Env = append(w.env, "API="+server.URL, "PATH="+filepath.Dir(w.program)+":"+os.Getenv("PATH"))
			if out, err := cmd.CombinedOutput(); err != nil || asked != 1 || shown != c.shown {
				t.Errorf("%v, %d calls, the token is shown: %v; want %v\n%s", err, asked, shown, c.shown, out)
			}
		})
	}
}

// isArgument reports whether the text stands in the arguments of any process.
func isArgument(t *testing.T, text string) bool {
	lists, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(lists) == 0 {
		t.Errorf("no processes are listed: %v", err)
	}
	for _, name := range lists {
		if args, err := os.ReadFile(name); err == nil && bytes.Contains(args, []byte(text)) {
			return true
		}
	}
	return false
}
