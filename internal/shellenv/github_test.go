package shellenv

import (
	"strings"
	"testing"
)

// readAsRunner reads $GITHUB_ENV as the runner documents it: NAME=VALUE lines,
// and NAME<<DELIMITER, after which all lines up to the delimiter are the value.
func readAsRunner(t *testing.T, text string) map[string]string {
	t.Helper()
	got := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		name, delimiter, heredoc := strings.Cut(lines[i], "<<")
		if before, value, ok := strings.Cut(lines[i], "="); ok && (!heredoc || len(before) < len(name)) {
			got[before] = value
			continue
		}
		if !heredoc {
			t.Fatalf("the runner refuses the line %q", lines[i])
		}
		var value []string
		for i++; i < len(lines) && lines[i] != delimiter; i++ {
			value = append(value, lines[i])
		}
		if i == len(lines) {
			t.Fatalf("the runner finds no end of %s", name)
		}
		got[name] = strings.Join(value, "\n")
	}
	return got
}

func checkGitHub(t *testing.T, value, delimiter string) {
	t.Helper()
	text, err := GitHubEnv([]Var{{"V", value}, {"AFTER", "x"}}, delimiter)
	switch {
	case strings.ContainsAny(value, "\r\x00"):
		wantValueError(t, err, "github")
		return
	case strings.Contains(value, delimiter) || strings.Contains("x", delimiter):
		if err == nil || text != "" || len(value) > 40 && strings.Contains(err.Error(), value) {
			t.Errorf("a value that holds the delimiter: %q, %v", text, err)
		}
		return
	case err != nil:
		t.Fatalf("%q: %v", value, err)
	}
	if got := readAsRunner(t, text); len(got) != 2 || got["V"] != value || got["AFTER"] != "x" {
		t.Errorf("%q came back as %q", value, got)
	}
}

func TestGitHubEnv(t *testing.T) {
	for _, value := range append(hostile, "DELIMITER", "a\nDELIMITER\nEVIL=1", "EVIL<<DELIMITER") {
		checkGitHub(t, value, "DELIMITER")
	}
}

// FuzzGitHubEnv: no value ends early, and none adds a variable.
func FuzzGitHubEnv(f *testing.F) {
	for _, value := range hostile {
		f.Add(value, "D1")
	}
	f.Add("a\nD\nB=c", "D")
	f.Fuzz(func(t *testing.T, value, delimiter string) {
		if !validName(delimiter) {
			return
		}
		checkGitHub(t, value, delimiter)
	})
}

// A mask is one command on one line, from which the runner gets the value.
func TestGitHubMask(t *testing.T) {
	for _, value := range hostile {
		text := GitHubMask(value)
		if value == "" {
			if text != "" {
				t.Errorf("a mask for nothing would mask everything: %q", text)
			}
			continue
		}
		data, ok := strings.CutPrefix(text, "::add-mask::")
		if !ok || strings.Count(text, "\n") != 1 || strings.Contains(text, "\r") || !strings.HasSuffix(text, "\n") {
			t.Errorf("%q is not one command", text)
		}
		data = strings.TrimSuffix(data, "\n")
		for _, undo := range [][2]string{{"%0D", "\r"}, {"%0A", "\n"}, {"%25", "%"}} {
			data = strings.ReplaceAll(data, undo[0], undo[1])
		}
		if data != value {
			t.Errorf("%q came back as %q", value, data)
		}
	}
}
