package redact_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/secret/redact"
)

const marker = "hunter2marker"

func TestLogHandlerRedacts(t *testing.T) {
	link := &url.URL{Scheme: "https", User: url.UserPassword("bob", marker), Host: "git"}
	withURL := errors.New("fetch https://bob:" + marker + "@git/x: refused")
	type inner struct{ URL string }
	attrs := map[string]slog.Attr{
		"value":          slog.Any("v", secret.New(marker)),
		"value pointer":  slog.Any("v", ptr(secret.New(marker))),
		"in a struct":    slog.Any("v", struct{ P secret.Value }{secret.New(marker)}),
		"error":          slog.Any("error", withURL),
		"wrapped error":  slog.Any("error", fmt.Errorf("step: %w", sdp.Errorf(sdp.Failed, "x", "y: %w", withURL))),
		"joined errors":  slog.Any("error", errors.Join(errors.New("a"), withURL)),
		"string":         slog.String("url", "https://bob:"+marker+"@git"),
		"key":            slog.String("dbPassword", marker),
		"key of bytes":   slog.Any("token", []byte(marker)),
		"stringer":       slog.Any("url", stringer("https://bob:"+marker+"@git")),
		"url":            slog.Any("url", link),
		"header":         slog.Any("h", http.Header{"Authorization": {marker}, "X-Sdp-Mesh-Token": {marker}}),
		"strings":        slog.Any("args", []string{"git", "fetch", "https://bob:" + marker + "@git"}),
		"struct":         slog.Any("v", inner{"https://bob:" + marker + "@git"}),
		"nested pointer": slog.Any("v", struct{ P *inner }{&inner{"https://bob:" + marker + "@git"}}),
		"map":            slog.Any("v", map[string]string{"password": marker}),
		"raw JSON":       slog.Any("v", json.RawMessage(`{"password":"`+marker+`"}`)),
		"group":          slog.Group("g", slog.String("password", marker), slog.Group("h", slog.Any("error", withURL))),
		"log valuer":     slog.Any("v", valuer{slog.StringValue("password=" + marker)}),
	}
	for name, attr := range attrs {
		t.Run(name, func(t *testing.T) {
			for _, out := range logged(func(l *slog.Logger) {
				l.Info("Happened", attr)
				l.With(attr).WithGroup("g").With(attr).Info("Happened")
			}) {
				if strings.Contains(out, marker) || !strings.Contains(out, secret.Redacted) {
					t.Error(out)
				}
			}
		})
	}
	t.Run("message", func(t *testing.T) {
		for _, out := range logged(func(l *slog.Logger) { l.Info("Fetched https://bob:" + marker + "@git/x") }) {
			if strings.Contains(out, marker) {
				t.Error(out)
			}
		}
	})
}

func TestLogHandlerKeepsTheRest(t *testing.T) {
	var nilURL *url.URL
	outs := logged(func(l *slog.Logger) {
		l.Info("Deployed", "sandbox", "demo", "took", 1500, "secretKeys", []string{"A", "B"}, "tokenFile", "/run/x",
			"error", errors.New("exit status 1"), "ok", true, "url", nilURL, "nothing", nil)
		l.Debug("Hidden")
	})
	for _, want := range []string{`"sandbox":"demo"`, `"took":1500`, `"secretKeys":["A","B"]`, `"tokenFile":"/run/x"`,
		`"error":"exit status 1"`, `"ok":true`, `"nothing":null`} {
		if !strings.Contains(outs[0], want) {
			t.Errorf("%s lacks %s", outs[0], want)
		}
	}
	if strings.Contains(outs[0], "Hidden") {
		t.Error("the level of the next handler was ignored")
	}
	if !redact.LogHandler(slog.NewTextHandler(&bytes.Buffer{}, nil)).Enabled(context.Background(), slog.LevelInfo) {
		t.Error("info is off")
	}
}

// logged returns what do logs, as JSON and as text.
func logged(do func(*slog.Logger)) []string {
	var j, x bytes.Buffer
	do(slog.New(redact.LogHandler(slog.NewJSONHandler(&j, nil))))
	do(slog.New(redact.LogHandler(slog.NewTextHandler(&x, nil))))
	return []string{j.String(), x.String()}
}

type stringer string

func (s stringer) String() string { return string(s) }

type valuer struct{ v slog.Value }

func (v valuer) LogValue() slog.Value { return v.v }

func ptr[T any](v T) *T { return &v }
