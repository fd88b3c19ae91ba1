package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// unknownCommand is the error for a word that is no command of cmd's.
func unknownCommand(cmd *cobra.Command, word string) error {
	hint := "run: " + cmd.CommandPath() + " --help"
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(word); len(near) > 0 {
		hint = "did you mean: " + cmd.CommandPath() + " " + strings.Join(near, " or ") + "; all commands: " + hint
	}
	return usagef(hint, "%q is no command of %s", word, cmd.CommandPath())
}

// flagError is the error for flags that cannot be read; for one that does not
// exist it says what was meant.
func flagError(cmd *cobra.Command, err error) error {
	hint := "run: " + cmd.CommandPath() + " --help"
	if near := nearestFlag(cmd, err); near != "" {
		hint = "did you mean: --" + near + "; all flags: " + hint
	}
	return usagef(hint, "%v", err)
}

func nearestFlag(cmd *cobra.Command, err error) string {
	var missing *pflag.NotExistError
	if !errors.As(err, &missing) {
		return ""
	}
	// -json is read as five short flags, of which the first does not exist.
	typed := missing.GetSpecifiedName()
	if letters := missing.GetSpecifiedShortnames(); len(letters) > 1 {
		typed = letters
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if near := nearest(typed, names); near != "" {
		return near
	}
	// A beginning, such as --client-secret, which takes no secret.
	if i := slices.IndexFunc(names, func(name string) bool { return len(typed) > 2 && strings.HasPrefix(name, typed) }); i >= 0 {
		return names[i]
	}
	return ""
}

// nearest returns the candidate that a typing slip away from word, or "".
func nearest(word string, candidates []string) string {
	best, bestDistance := "", 3
	for _, c := range candidates {
		if d := distance(word, c); d < bestDistance && d < len(word) {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance counts the insertions, deletions and substitutions between two
// short words (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
