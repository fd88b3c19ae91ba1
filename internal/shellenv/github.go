package shellenv

import (
	"fmt"
	"strings"
)

// GitHubEnv writes what is appended to the file $GITHUB_ENV of a GitHub
// workflow, each value between two lines with the delimiter. The caller makes
// that up at random, so that no value can hold it; one that does is an error.
func GitHubEnv(vars []Var, delimiter string) (string, error) {
	var b strings.Builder
	for _, v := range vars {
		if err := check("github", v, noReturn); err != nil {
			return "", err
		}
		if !validName(delimiter) || strings.Contains(v.Value, delimiter) {
			return "", fmt.Errorf("the delimiter for $GITHUB_ENV does not fit the value of %s", v.Name)
		}
		fmt.Fprintf(&b, "%s<<%s\n%s\n%s\n", v.Name, delimiter, v.Value, delimiter)
	}
	return b.String(), nil
}

// noReturn refuses what runners on Windows take for a part of a line's end.
func noReturn(value string) string {
	if strings.Contains(value, "\r") {
		return "it holds a carriage return"
	}
	return ""
}

// GitHubMask writes the workflow command after which the log shows *** in place
// of the value. It must come before anything else can print the value. An empty
// value needs none.
func GitHubMask(value string) string {
	if value == "" {
		return ""
	}
	// The runner reads commands line by line and undoes these three escapes,
	// %25 last.
	return "::add-mask::" + strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(value) + "\n"
}
