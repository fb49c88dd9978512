package settings

import (
	"errors"
	"strings"
	"testing"

	"sdp/internal/sdp"
)

func TestFilePaths(t *testing.T) {
	for _, p := range []string{"/etc/app/settings.json", "/run/secrets/key.pem", "/app/.env", "/a", "/etc/app/ü.txt",
		"/etc/passwd.d/x", "/developer/x", "/system", "/etc/app/a..b", "/etc/hosts.allow"} {
		if err := CheckFilePath(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
	for _, p := range []string{"", "/", "etc/app", "./x", "../x", "/..", "/etc/../app", "/etc/app/..", "/etc//app", "/etc/./app",
		"/etc/app/", "//etc/app", "/proc/1/environ", "/proc", "/sys/kernel/x", "/dev/null", "/etc/passwd", "/etc/shadow",
		"/etc/group", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/etc/passwd/x", "/etc/pam.d/login", "/.dockerenv",
		"/etc/app\nx", "/etc/app\x00", "/etc/\x7f", "/etc/\xff", "C:\\x", "/" + strings.Repeat("x", MaxFilePath)} {
		wantBadPath(t, p, CheckFilePath(p))
	}
}

func TestFilePathsDoNotMeet(t *testing.T) {
	if err := CheckFilePaths([]string{"/etc/app/a", "/etc/app/b", "/etc/app.d/a"}); err != nil {
		t.Error(err)
	}
	for _, paths := range [][]string{{"/etc/app", "/etc/app/a"}, {"/x/y/z", "/x"}, {"/ok", "/etc/../x"}} {
		wantBadPath(t, strings.Join(paths, " "), CheckFilePaths(paths))
	}
}

// wantBadPath wants a refusal that can be shown on one line.
func wantBadPath(t *testing.T, p string, err error) {
	t.Helper()
	var e *sdp.Error
	if !errors.As(err, &e) || e.Kind != sdp.Invalid || e.Code != "bad-file-path" || e.Remedy == "" ||
		strings.ContainsAny(e.Error(), "\n\x00\x7f") || len(e.Detail) > 200 {
		t.Errorf("%q: %v", p, err)
	}
}
