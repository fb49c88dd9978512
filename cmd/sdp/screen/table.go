package screen

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Table collects rows and prints them aligned. A row's cells may carry a style, see Cell.
type Table struct {
	screen *Screen
	head   []string
	rows   [][]Cell
}

// Cell is a table cell. Widths are counted before the style is applied.
type Cell struct {
	Text  string
	Style Style
}

// Table starts a table with these headings.
func (s *Screen) Table(head ...string) *Table { return &Table{screen: s, head: head} }

// Row adds a row of strings, Cells, or anything fmt prints.
func (t *Table) Row(values ...any) {
	row := make([]Cell, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case Cell:
			row[i] = v
		default:
			row[i] = Cell{Text: fmt.Sprint(v)}
		}
		row[i].Text = t.screen.clean(row[i].Text)
		if row[i].Text == "" {
			row[i].Text = "-"
		}
	}
	t.rows = append(t.rows, row)
}

// Print writes the table. Without rows it writes empty, the sentence that says so.
func (t *Table) Print(empty string) {
	if len(t.rows) == 0 {
		t.screen.Notef("%s", empty)
		return
	}
	head := make([]Cell, len(t.head))
	for i, h := range t.head {
		head[i] = Cell{Text: h, Style: Bold}
	}
	rows := append([][]Cell{head}, t.rows...)
	widths := make([]int, len(t.head))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.Text))
		}
	}
	for _, row := range rows {
		t.screen.Printf("%s", t.line(row, widths))
	}
}

func (t *Table) line(row []Cell, widths []int) string {
	var b strings.Builder
	for i, c := range row {
		b.WriteString(t.screen.paint(c.Style, c.Text))
		if i < len(row)-1 {
			b.WriteString(Pad("", widths[i]-utf8.RuneCountInString(c.Text)+2))
		}
	}
	return b.String()
}

// Pad fills text with spaces up to width characters.
func Pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// Age says how long ago t was: "12s ago", "3h ago", "never" for the zero time.
func (s *Screen) Age(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := s.Now().Sub(t)
	switch {
	case d < time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%dd ago", int(d.Hours()/24))
	}
}

// Took says how long something took: "0.14s", "12.3s", "3m04s".
func Took(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.2fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	default:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
}

// Bytes says a number of bytes: "512 B", "1.5 GB".
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n), ""
	for _, unit = range []string{"kB", "MB", "GB", "TB"} {
		if value /= 1000; value < 1000 {
			break
		}
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}

// Count says how many there are of something: "1 secret", "2 secrets".
func Count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
