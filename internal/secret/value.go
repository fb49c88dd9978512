package secret

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Redacted is printed in place of a secret.
const Redacted = "[redacted]"

// Value is a secret string. It prints Redacted through fmt (every verb), slog, JSON and YAML; only Reveal returns it.
// The zero Value is the empty string. Values cannot be compared with ==.
type Value struct {
	// A function, because fmt looks into unexported fields of a struct without calling their methods, and of a
	// function it can print nothing but the address.
	reveal func() string
}

// New returns s as a Value.
func New(s string) Value { return Value{reveal: func() string { return s }} }

// Reveal returns the secret itself.
func (v Value) Reveal() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// Empty reports whether the secret is the empty string.
func (v Value) Empty() bool { return v.Reveal() == "" }

// String returns Redacted.
func (v Value) String() string { return Redacted }

// GoString returns Redacted.
func (v Value) GoString() string { return Redacted }

// Format writes Redacted, whatever the verb.
func (v Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue returns Redacted.
func (v Value) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalJSON returns Redacted as a JSON string.
func (v Value) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalText returns Redacted; YAML and XML use it.
func (v Value) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// UnmarshalText takes the secret from a request or a configuration file. It refuses Redacted: that is a Value which
// was marshalled by mistake, and taking it would replace the secret silently.
func (v *Value) UnmarshalText(text []byte) error {
	if string(text) == Redacted {
		return errors.New("a redacted secret cannot be read back")
	}
	*v = New(string(text))
	return nil
}
