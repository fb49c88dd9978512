package pg

import (
	"encoding/base64"
	"strconv"

	"sdp/internal/sdp"
)

// Limits of a page. A caller that asks for none gets the default; one that asks for more gets the most there is.
const (
	defaultPage = 50
	maxPage     = 200
)

// Page asks for part of a list. Cursor is what the call for the part before returned as next, "" for the first part.
// Lists are paged by key, so rows that come and go meanwhile neither repeat nor hide others.
type Page struct {
	Limit  int
	Cursor string
}

func (p Page) Size() int {
	switch {
	case p.Limit <= 0:
		return defaultPage
	case p.Limit > maxPage:
		return maxPage
	}
	return p.Limit
}

// After returns the key the page starts behind, "" for the first page.
func (p Page) After() (string, error) {
	key, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil {
		return "", BadCursor()
	}
	return string(key), nil
}

// Before is After for lists ordered by a falling number; it returns nil for the first page.
func (p Page) Before() (*int64, error) {
	key, err := p.After()
	if err != nil || key == "" {
		return nil, err
	}
	n, err := strconv.ParseInt(key, 10, 64)
	if err != nil {
		return nil, BadCursor()
	}
	return &n, nil
}

func BadCursor() error {
	return sdp.Errorf(sdp.Invalid, "bad-cursor", "the page cursor is not one of ours").
		WithRemedy("start again without a cursor")
}

// Cut drops the extra row that was fetched to see whether there is more, and returns the cursor of the next page.
func Cut[T any](p Page, rows []T, key func(T) string) ([]T, string) {
	if len(rows) <= p.Size() {
		return rows, ""
	}
	rows = rows[:p.Size()]
	return rows, base64.RawURLEncoding.EncodeToString([]byte(key(rows[len(rows)-1])))
}

// Only is a condition that is in a query or not: written out, so that the planner can use the index made for it.
func Only(wanted bool, condition string) string {
	if wanted {
		return condition
	}
	return ""
}
