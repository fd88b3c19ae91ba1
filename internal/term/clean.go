package term

import (
	"strings"
	"unicode/utf8"
)

// Hostile reports whether a terminal would obey r or change the order of what
// is shown: C0, DEL, C1, line and paragraph separators, direction marks.
func Hostile(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f:
		return true
	case r == 0x061c, r >= 0x200e && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return false
}

// maxShown is the most runes of a text from outside that are shown on a line.
const maxShown = 120

// Clean takes out of text from outside what is Hostile, so that it can be
// shown on one line of a terminal, and cuts it to a length that fits there.
func Clean(s string) string {
	s = Strip(s)
	if utf8.RuneCountInString(s) > maxShown {
		s = string([]rune(s)[:maxShown-1]) + "…"
	}
	return s
}

// Strip is Clean without the cut.
func Strip(s string) string {
	return strings.Map(func(r rune) rune {
		if Hostile(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
