package cli

import "strings"

// bashWords splits a line as bash does and takes the quotes off. It expands
// nothing: a variable stays its name, a substitution its text. The last word is
// the one at the end of the line, empty after a space; its quote may be open.
func bashWords(line string) []string {
	var words []string
	var word strings.Builder
	inWord := false
	var quote rune
	runes := []rune(line)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		next := rune(-1)
		if i+1 < len(runes) {
			next = runes[i+1]
		}
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == '\'':
			word.WriteRune(r)
		case r == '\\' && (quote == 0 || strings.ContainsRune("$`\"\\\n", next)):
			if i++; next > 0 && next != '\n' { // a line that goes on
				word.WriteRune(next)
			}
			inWord = true
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	return append(words, word.String())
}
