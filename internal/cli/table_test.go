package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/term"
)

func TestTable(t *testing.T) {
	tests := []struct {
		name string
		rows [][]string
		want string
	}{
		{"nothing", nil, ""},
		{"one cell", [][]string{{"a"}}, "a\n"},
		{"columns line up, the last is not padded", [][]string{{"NAME", "ID"}, {"a", "1"}, {"longer", "2"}}, "NAME    ID\na       1\nlonger  2\n"},
		{"letters are counted, not bytes", [][]string{{"é", "x"}, {"ab", "y"}}, "é   x\nab  y\n"},
		{"wide letters count twice", [][]string{{"東京", "x"}, {"abcd", "y"}, {"a", "z"}}, "東京  x\nabcd  y\na     z\n"},
		{"marks do not count", [][]string{{"e\u0301a", "x"}, {"ab", "y"}}, "e\u0301a  x\nab  y\n"},
		{"rows of different length", [][]string{{"a"}, {"bb", "c", "d"}}, "a\nbb  c  d\n"},
		{"empty cells leave no space at the end", [][]string{{"a", "b"}, {"c", ""}}, "a  b\nc\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := table(tt.rows); got != tt.want {
				t.Errorf("%q; want %q", got, tt.want)
			}
		})
	}
}

func TestNarrow(t *testing.T) {
	const id, name = "0a000000-0000-4000-8000-0000000000a1", "The Long and Winding Road Transport Company Limited"
	rows := [][]string{{"NAME", "ID", "TYPE", ""}, {name, id, "ORGANISATION", "default"}, {"東京東京東京東京東京東京東京東京東京", id, "ORGANISATION", ""}, {"Short", id, "ORGANISATION", ""}}
	const rest = gap + len(id) + gap + len("ORGANISATION") + gap + len("default")
	for _, tt := range []struct {
		name         string
		spare, limit int
		first        string // of the row with the long name
		widest       int
	}{
		{"a pipe", 2, 0, name, 51 + rest},
		{"wide enough", 2, 200, name, 51 + rest},
		{"exactly wide enough", 2, 51 + rest, name, 51 + rest},
		{"what says the same goes first", 2, 51 + rest - 1, name, 51 + rest - gap - len("ORGANISATION")},
		{"then names are cut", 2, 80, "The Long and Winding Road Transp…", 80},
		{"nothing to spare", nothingSpare, 80, "The Long and Windi…", 80},
		{"a column that says something stays", 3, 80, "The Long and Windi…", 80},
		{"so narrow that rows break all the same", 2, 20, "The Long an…", leastCells + rest - gap - len("ORGANISATION")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := slices.Clone(rows[1])
			got := narrow(rows, 0, tt.spare, tt.limit)
			if got[1][0] != tt.first || got[1][1] != id || got[3][0] != "Short" || !slices.Equal(rows[1], before) {
				t.Errorf("%q; want %q", got, tt.first)
			}
			widest := 0
			for line := range strings.Lines(table(got)) {
				widest = max(widest, term.Cells(strings.TrimSuffix(line, "\n")))
			}
			if widest != tt.widest {
				t.Errorf("%d columns; want %d", widest, tt.widest)
			}
		})
	}
}

func TestHang(t *testing.T) {
	rows := [][]string{{"state", "ok"}, {"scopes", "openid profile email offline_access accounting.contacts"}}
	for _, tt := range []struct {
		name  string
		limit int
		want  string
	}{
		{"it fits", 100, "state   ok\nscopes  openid profile email offline_access accounting.contacts\n"},
		{"it goes on below itself", 40, "state   ok\nscopes  openid profile email\n        offline_access\n        accounting.contacts\n"},
		{"never less than two words' worth", 1, "state   ok\nscopes  openid profile email\n        offline_access\n        accounting.contacts\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := table(hang(rows, tt.limit)); got != tt.want {
				t.Errorf("%q; want %q", got, tt.want)
			}
		})
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", []string{""}}, {"one word", "word", []string{"word"}}, {"fits", "one two", []string{"one two"}},
		{"breaks", "one two three", []string{"one two", "three"}}, {"a long word", "a incomprehensible b", []string{"a", "incomprehensible", "b"}},
		{"wide letters", "東京 東京 a", []string{"東京", "東京 a"}}, {"two spaces stay", "a  b", []string{"a  b"}}, {"no space at an end", "one two   three", []string{"one two", "three"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := wrap(tt.text, 8); !slices.Equal(got, tt.want) {
				t.Errorf("%q; want %q", got, tt.want)
			}
		})
	}
}
