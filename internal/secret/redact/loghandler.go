package redact

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"sdp/internal/secret"
)

// LogHandler returns a handler that passes records to next with secrets removed: secret.Values, attributes whose key names a
// secret ("password", "dbToken"), and what Text finds in the message, in strings, in error texts and inside structs.
func LogHandler(next slog.Handler) slog.Handler { return logHandler{next} }

type logHandler struct{ next slog.Handler }

func (h logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, Text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(redactAttr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.next.WithAttrs(redactAttrs(attrs))}
}

func (h logHandler) WithGroup(name string) slog.Handler { return logHandler{h.next.WithGroup(name)} }

func redactAttrs(attrs []slog.Attr) []slog.Attr {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = redactAttr(a)
	}
	return clean
}

func redactAttr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve() // may call a LogValuer, which may itself return a secret in clear
	switch v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(Text(v.String()))
	case slog.KindGroup:
		a.Value = slog.GroupValue(redactAttrs(v.Group())...)
		return a // "credentials" may be a group with harmless members
	case slog.KindAny:
		a.Value = redactAny(v.Any())
	default:
		return slog.Attr{Key: a.Key, Value: v} // numbers, times: no secret has such a form
	}
	if namesSecret(a.Key) {
		a.Value = slog.StringValue(secret.Redacted)
	}
	return a
}

// redactAny keeps v as it is unless a secret shows in a form in which a handler may print it.
func redactAny(v any) slog.Value {
	switch v := v.(type) {
	case nil:
		return slog.AnyValue(nil)
	case error:
		return slog.StringValue(Text(safely(v.Error)))
	case []byte:
		return slog.StringValue(Text(string(v)))
	case json.RawMessage:
		return slog.StringValue(Text(string(v)))
	case http.Header:
		return slog.AnyValue(redactHeader(v))
	case fmt.Stringer:
		return slog.StringValue(Text(safely(v.String)))
	}
	text := fmt.Sprintf("%+v", v)
	if clean := Text(text); clean != text {
		return slog.StringValue(clean)
	}
	if raw, err := json.Marshal(v); err == nil { // follows pointers, which %+v prints as addresses
		if clean := Text(string(raw)); clean != string(raw) {
			return slog.StringValue(clean)
		}
	}
	return slog.AnyValue(v)
}

// safely calls a method that panics on a nil pointer the way fmt does: without taking the program down.
func safely(text func() string) (s string) {
	defer func() {
		if recover() != nil {
			s = "<nil>"
		}
	}()
	return text()
}

func redactHeader(h http.Header) http.Header {
	clean := make(http.Header, len(h))
	for name, values := range h {
		for _, v := range values {
			if namesSecret(name) {
				v = secret.Redacted
			}
			clean[name] = append(clean[name], Text(v))
		}
	}
	return clean
}

var secretNames = []string{
	"password", "passwd", "passphrase", "secret", "token", "apikey", "privatekey", "authorization", "cookie",
	"credentials",
}

// namesSecret reports whether a key such as "DB_PASSWORD" or "X-Api-Key" names a secret. Only the end counts:
// "secretKeys" lists names, "tokenFile" is a path.
func namesSecret(key string) bool {
	key = strings.ToLower(key)
	key = strings.NewReplacer("_", "", "-", "", ".", "").Replace(key)
	for _, name := range secretNames {
		if strings.HasSuffix(key, name) {
			return true
		}
	}
	return false
}
