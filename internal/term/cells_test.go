package term

import (
	"strings"
	"testing"
)

func TestCells(t *testing.T) {
	tests := []struct {
		name, text string
		want       int
	}{
		{"empty", "", 0}, {"plain", "Demo Company (AU)", 17}, {"one sign for letter and mark", "é", 1}, {"letter, then mark", "e\u0301", 1},
		{"Chinese", "東京", 4}, {"Japanese, half width", "ﾄｳｷｮｳ", 5}, {"full width", "ＡＢ", 4}, {"Korean", "한국", 4},
		{"Korean, taken apart", "\u1112\u1161\u11ab", 2}, {"emoji", "🦊", 2}, {"joiner and selector", "☎\ufe0f\u200d", 1},
		{"many marks", "a" + strings.Repeat("\u0300", 50), 1}, {"Thai", "ที่", 1}, {"Arabic with marks", "مُ", 1}, {"Cyrillic", "Россия", 6},
		{"box and dash", "— …", 3}, {"broken", "a\xffb", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Cells(tt.text); got != tt.want {
				t.Errorf("Cells(%q) = %d; want %d", tt.text, got, tt.want)
			}
		})
	}
}

func TestCut(t *testing.T) {
	tests := []struct {
		name, text string
		cells      int
		want       string
	}{
		{"it fits", "abc", 3, "abc"}, {"one too many", "abcd", 3, "ab…"}, {"between wide ones", "東京都", 5, "東京…"}, {"not through a wide one", "東京都", 4, "東…"},
		{"a mark stays with its letter", "e\u0301abc", 2, "e\u0301…"}, {"no space before the cut", "ab cd", 4, "ab…"}, {"nothing", "", 0, ""}, {"no room", "abc", 1, "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Cut(tt.text, tt.cells)
			if got != tt.want || Cells(got) > max(tt.cells, 1) {
				t.Errorf("Cut(%q, %d) = %q; want %q", tt.text, tt.cells, got, tt.want)
			}
		})
	}
}

func TestWidth(t *testing.T) {
	if got := Width(new(strings.Builder)); got != 0 {
		t.Errorf("a builder is %d columns wide", got)
	}
}
