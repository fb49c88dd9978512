package sdp

import (
	"math"
	"strconv"
	"strings"
)

// Units of memory and disk, each 1024 times the one before it.
var byteUnits = []string{"B", "K", "M", "G", "T"}

// FormatBytes writes a number of bytes as ParseBytes reads it, in the largest unit that is exact: "512M". What has no
// exact form in a unit but bytes is rounded to one decimal of the largest unit: "1.4G".
func FormatBytes(n int64) string {
	unit, rest := 0, n
	for unit < len(byteUnits)-1 && rest != 0 && rest%1024 == 0 {
		rest /= 1024
		unit++
	}
	if unit > 0 || n < 1024 && n > -1024 {
		return strconv.FormatInt(rest, 10) + strings.TrimPrefix(byteUnits[unit], "B")
	}
	return rounded(n)
}

// RoundBytes writes a number of bytes for people, with one decimal at the most: "23.5G", "8G".
func RoundBytes(n int64) string {
	if n < 1024 && n > -1024 {
		return strconv.FormatInt(n, 10) + "B"
	}
	text := rounded(n)
	unit := text[len(strings.TrimRight(text, "KMGT")):]
	return strings.TrimSuffix(strings.TrimSuffix(text, unit), ".0") + unit
}

func rounded(n int64) string {
	unit, size := 0, float64(n)
	for unit < len(byteUnits)-1 && math.Abs(size) >= 1024 {
		size /= 1024
		unit++
	}
	return strconv.FormatFloat(size, 'f', 1, 64) + byteUnits[unit]
}

// ParseBytes reads "512M", "1G", "1.5G", "64MiB", "64MB" or a plain number of bytes. Units are powers of 1024, as Docker
// counts memory.
func ParseBytes(text string) (int64, error) {
	digits := strings.TrimRight(strings.ToUpper(strings.TrimSpace(text)), "KMGTIB")
	unit := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(text))[len(digits):], "B"), "I")
	size, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	factor := int64(1)
	known := unit == ""
	for i, name := range byteUnits[1:] {
		if unit == name {
			factor, known = int64(1)<<(10*(i+1)), true
		}
	}
	if err != nil || !known || size < 0 || size*float64(factor) > math.MaxInt64/2 || math.IsNaN(size) {
		return 0, Errorf(Invalid, "bad-size", "%q is not a size", short(text, 40)).
			WithRemedy(`write "512M", "1G" or a number of bytes`)
	}
	return int64(size * float64(factor)), nil
}

// Bytes is an amount of memory: a number in JSON, "512M" in files.
type Bytes int64

// String is FormatBytes.
func (b Bytes) String() string { return FormatBytes(int64(b)) }

// UnmarshalYAML reads what ParseBytes does.
func (b *Bytes) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	err := unmarshal(&text)
	if err == nil {
		var n int64
		if n, err = ParseBytes(text); err == nil {
			*b = Bytes(n)
			return nil
		}
	}
	return Errorf(Invalid, "bad-size", "expected a size such as 512M or 1G, found %q", text).WithRemedy("correct the value")
}

// MarshalYAML writes bytes where there is no exact short form.
func (b Bytes) MarshalYAML() (any, error) {
	text := b.String()
	if exact, err := ParseBytes(text); err != nil || exact != int64(b) {
		text = strconv.FormatInt(int64(b), 10)
	}
	return text, nil
}
