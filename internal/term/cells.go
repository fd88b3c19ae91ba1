package term

import (
	"strings"
	"unicode"

	xterm "golang.org/x/term"
	"golang.org/x/text/width"
)

// Cells is how many columns of a terminal s takes: letters of East Asia and
// most emoji take two, marks that sit on the letter before take none. Of
// sequences that terminals themselves draw differently (flags, families) it
// counts each sign, as most of them do.
func Cells(s string) int {
	n := 0
	for _, r := range s {
		n += cellsOf(r)
	}
	return n
}

func cellsOf(r rune) int {
	const jungseong, jongseongEnd = 0x1160, 0x11ff
	switch {
	case r < 0x300: // no mark is below; what Hostile names is gone already
		return 1
	case jungseong <= r && r <= jongseongEnd: // vowels and finals of a syllable
		return 0
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Cut shortens s to at most cells columns; where it cut stands "…".
func Cut(s string, cells int) string {
	if Cells(s) <= cells {
		return s
	}
	var b strings.Builder
	left := cells - 1
	for _, r := range s {
		if left -= cellsOf(r); left < 0 {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimRight(b.String(), " ") + "…"
}

// Width is how many columns the terminal has that stream is; 0 if it is none.
func Width(stream any) int {
	f, ok := stream.(interface{ Fd() uintptr })
	if !ok {
		return 0
	}
	columns, _, err := xterm.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}
