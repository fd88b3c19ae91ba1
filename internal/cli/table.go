package cli

import (
	"slices"
	"strings"

	"github.com/xeroauth/xeroauth/internal/term"
)

// gap is the space between two columns.
const gap = 2

// table lines up columns, the last of which is not padded. It measures in
// columns of a terminal, so that wide letters and marks do not break the lines.
func table(rows [][]string) string {
	width := columnWidths(rows)
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", width[i]-term.Cells(cell)+gap))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

func columnWidths(rows [][]string) []int {
	var width []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], term.Cells(cell))
		}
	}
	return width
}

// leastCells is what narrow leaves of a column: enough to tell names apart.
const leastCells = 12

// narrow makes rows no wider than limit, as far as that can be had; 0 is no
// limit. First the column spare goes if it says the same in each row under the
// heading, then the cells of column are cut.
func narrow(rows [][]string, column, spare, limit int) [][]string {
	if excess(rows, limit) > 0 && saysTheSame(rows, spare) {
		rows = without(rows, spare)
	}
	over := excess(rows, limit)
	if over <= 0 {
		return rows
	}
	room := max(columnWidths(rows)[column]-over, leastCells)
	out := make([][]string, len(rows))
	for i, row := range rows {
		out[i] = slices.Clone(row)
		out[i][column] = term.Cut(row[column], room)
	}
	return out
}

// excess is by how many columns rows are wider than limit.
func excess(rows [][]string, limit int) int {
	if limit == 0 {
		return 0
	}
	total := -gap
	for _, w := range columnWidths(rows) {
		total += w + gap
	}
	return total - limit
}

func saysTheSame(rows [][]string, column int) bool {
	for _, row := range rows[1:] {
		if column == nothingSpare || row[column] != rows[1][column] {
			return false
		}
	}
	return true
}

func without(rows [][]string, column int) [][]string {
	out := make([][]string, len(rows))
	for i, row := range rows {
		out[i] = slices.Delete(slices.Clone(row), column, column+1)
	}
	return out
}

const nothingSpare = -1

// printTable prints a heading and rows. On a terminal a column that can be
// spared and the cells of another give way, so that no row breaks; a pipe or a
// file gets all of it. spare, if any, is right of givesWay.
func (a *App) printTable(rows [][]string, givesWay, spare int) {
	heading, rest, _ := strings.Cut(table(narrow(rows, givesWay, spare, term.Width(a.Stdout))), "\n")
	a.print("%s\n%s", a.bold()(heading), rest)
}

// printFacts prints names and values; on a terminal a long value goes on below
// itself.
func (a *App) printFacts(rows [][]string) {
	if columns := term.Width(a.Stdout); columns > 0 {
		rows = hang(rows, columns)
	}
	a.print("%s", table(rows))
}

// hang breaks the second of two columns at spaces.
func hang(rows [][]string, limit int) [][]string {
	width := columnWidths(rows)
	if len(width) != 2 {
		return rows
	}
	var out [][]string
	for _, row := range rows {
		for i, line := range wrap(row[len(row)-1], max(limit-width[0]-gap, 2*leastCells)) {
			if i == 0 {
				out = append(out, []string{row[0], line})
			} else {
				out = append(out, []string{"", line})
			}
		}
	}
	return out
}

// wrap breaks text at spaces into lines of at most limit columns; a longer word
// has a line of its own.
func wrap(text string, limit int) []string {
	var lines []string
	line := ""
	for word := range strings.SplitSeq(text, " ") {
		switch {
		case line == "":
			line = word
		case term.Cells(line)+1+term.Cells(word) <= limit:
			line += " " + word
		default:
			lines = append(lines, strings.TrimRight(line, " "))
			line = word
		}
	}
	return append(lines, line)
}
