package pg

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// Document marshals v for a jsonb parameter. None of the types stored here can fail to marshal.
func Document(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// OrEmpty makes a nil map an empty JSON object.
func OrEmpty[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}

// Clean drops what PostgreSQL cannot store as text: containers and compilers may print any bytes.
func Clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// TimeOf is the zero time for a NULL.
func TimeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// DurationOf is 0 for a NULL.
func DurationOf(d *time.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return *d
}

// IntervalOf is NULL for 0.
func IntervalOf(d time.Duration) *time.Duration {
	if d == 0 {
		return nil
	}
	return &d
}

// OrNull is NULL for the zero time.
func OrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Texts turns named strings into plain ones, which the driver can send as an array without knowing the enum.
func Texts[S ~string](list []S) []string {
	plain := make([]string, len(list))
	for i, s := range list {
		plain[i] = string(s)
	}
	return plain
}

// First returns the only row of a query that found one.
func First[T any](rows []T, err error) (one T, _ error) {
	if err != nil {
		return one, err
	}
	return rows[0], nil
}

func SortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
