package term

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestHostile(t *testing.T) {
	tests := []struct {
		name string
		r    rune
		want bool
	}{
		{"NUL", 0, true}, {"bell", 7, true}, {"backspace", 8, true}, {"tab", '\t', true}, {"line feed", '\n', true},
		{"carriage return", '\r', true}, {"escape", 0x1b, true}, {"last of C0", 0x1f, true}, {"space", ' ', false},
		{"tilde", '~', false}, {"DEL", 0x7f, true}, {"first of C1", 0x80, true}, {"next line", 0x85, true}, {"CSI in one byte", 0x9b, true},
		{"last of C1", 0x9f, true}, {"no-break space", 0xa0, false}, {"letter", 'é', false}, {"Arabic letter", 'ع', false},
		{"Arabic letter mark", 0x061c, true}, {"zero-width joiner, which names need", 0x200d, false}, {"left-to-right mark", 0x200e, true},
		{"right-to-left mark", 0x200f, true}, {"hyphen", 0x2010, false}, {"apostrophe", 0x2019, false}, {"bullet", 0x2022, false},
		{"line separator", 0x2028, true}, {"paragraph separator", 0x2029, true}, {"embedding", 0x202a, true}, {"pop", 0x202c, true},
		{"right-to-left override", 0x202e, true}, {"narrow no-break space", 0x202f, false}, {"before the isolates", 0x2065, false},
		{"left-to-right isolate", 0x2066, true}, {"pop isolate", 0x2069, true}, {"after the isolates", 0x206a, false},
		{"replacement", 0xfffd, false}, {"emoji", '🦊', false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Hostile(tt.r); got != tt.want {
				t.Errorf("Hostile(%U) = %t", tt.r, got)
			}
		})
	}
}

func TestStripAndClean(t *testing.T) {
	long := strings.Repeat("ü", 300)
	tests := []struct{ name, in, strip, clean string }{
		{"plain", "Demo Company (AU)", "Demo Company (AU)", "Demo Company (AU)"},
		{"empty", "", "", ""},
		{"colour", "a\x1b[31mred\x1b[0m", "a[31mred[0m", "a[31mred[0m"},
		{"title of the window", "\x1b]0;evil\x07x", "]0;evilx", "]0;evilx"},
		{"two lines", "a\r\nxeroauth: b", "axeroauth: b", "axeroauth: b"},
		{"shell and quotes stay", `$(id) "x" 'y' <b>`, `$(id) "x" 'y' <b>`, `$(id) "x" 'y' <b>`},
		{"right to left", "abc\u202edef\u2066ghi", "abcdefghi", "abcdefghi"},
		{"C1", "a\u009b31m", "a31m", "a31m"},
		{"broken UTF-8", "a\xff\x9b31mb", "a\uFFFD31mb", "a\uFFFD31mb"},
		{"only hostile", "\x00\x1b\u200f", "", ""},
		{"letters of the world", "Große Bäckerei 東京 ❤", "Große Bäckerei 東京 ❤", "Große Bäckerei 東京 ❤"},
		{"120 runes", long[:240], long[:240], long[:240]},
		{"121 runes", long[:242], long[:242], long[:238] + "…"},
		{"300 runes", long, long, long[:238] + "…"},
		{"cut after the hostile ones are gone", strings.Repeat("\x1b", 200) + "x", "x", "x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Strip(tt.in); got != tt.strip {
				t.Errorf("Strip = %q; want %q", got, tt.strip)
			}
			if got := Clean(tt.in); got != tt.clean {
				t.Errorf("Clean = %q; want %q", got, tt.clean)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"plain", "\x1b[31m", "\xff\xfe", "\u202e", strings.Repeat("é", 200), "\u2028", "\u009b", "a\x7fb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, got := range map[string]string{"Strip": Strip(s), "Clean": Clean(s)} {
			if !utf8.ValidString(got) {
				t.Fatalf("%s gives broken UTF-8: %q", name, got)
			}
			for _, r := range got {
				if Hostile(r) {
					t.Fatalf("%s lets %U through: %q", name, r, got)
				}
			}
		}
		if n := utf8.RuneCountInString(Clean(s)); n > maxShown {
			t.Fatalf("Clean leaves %d runes", n)
		}
		if got := Strip(Strip(s)); got != Strip(s) {
			t.Fatalf("Strip twice gives %q", got)
		}
	})
}
