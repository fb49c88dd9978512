package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// permanent is an error that waiting does not mend.
type permanent struct{ error }

// until calls check until it returns nil, a permanent error, or time is up; then it returns what check said last. It
// polls, because what it waits for is another process; nothing is assumed about how long that takes. Most checks run the CLI,
// so what takes long is asked less and less often: the processors belong to what is waited for.
func until(limit time.Duration, check func() error) error {
	deadline := time.Now().Add(limit)
	for wait := 20 * time.Millisecond; ; wait = min(wait*5/4, 250*time.Millisecond) {
		err := check()
		var final permanent
		if err == nil || errors.As(err, &final) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %s: %w", limit, err)
		}
		time.Sleep(wait)
	}
}

func eventually(t *testing.T, limit time.Duration, check func() error) {
	t.Helper()
	if err := until(limit, check); err != nil {
		t.Fatal(err)
	}
}

// The functions below that name no installation use the shared one.

// ok runs the CLI and fails the test unless it succeeds.
func (i *installation) ok(t *testing.T, args ...string) string {
	t.Helper()
	out, err := i.cli("", args...)
	if err != nil {
		t.Fatalf("sdp %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func sdpOK(t *testing.T, args ...string) string {
	t.Helper()
	return stack.ok(t, args...)
}

// fails runs the CLI, wants it to exit with code and its output to contain each of texts.
func (i *installation) fails(t *testing.T, code int, texts []string, args ...string) string {
	t.Helper()
	out, err := i.cli("", args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != code {
		t.Fatalf("sdp %s: ended with %v, want exit code %d\n%s", strings.Join(args, " "), err, code, out)
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			t.Errorf("sdp %s: the output lacks %q:\n%s", strings.Join(args, " "), text, out)
		}
	}
	return out
}

func sdpFails(t *testing.T, code int, texts []string, args ...string) string {
	t.Helper()
	return stack.fails(t, code, texts, args...)
}

func sdpJSON[T any](t *testing.T, args ...string) T {
	t.Helper()
	return askJSON[T](t, stack, args...)
}

// askJSON runs the CLI with -o json and decodes what it prints.
func askJSON[T any](t *testing.T, i *installation, args ...string) T {
	t.Helper()
	var v T
	out := i.ok(t, append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("sdp %s -o json: %v\n%s", strings.Join(args, " "), err, out)
	}
	return v
}

func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// want fails the test unless err is one whose text contains each of texts.
func want(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("it succeeded, want an error that says %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error lacks %q: %v", text, err)
		}
	}
}

func unwanted(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%q is shown:\n%s", secret, text)
		}
	}
}
