package main_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"sdp/api/rest"
)

// hostile holds what must not reach a terminal: the clipboard, the title, the cursor, C1, NUL, BS, CR, a text that is
// read backwards and one that is not seen.
const hostile = "a\x1b]52;c;ZXZpbA==\x07\x1b]0;title\x1b\\\x1b[2J\x1b[1;1Hb\u009b2Jc\u009d0;t\u009cd\x00\x08\re\u202ef\u2066g\u200bh\u0085i"

// hostileServer answers everything with hostile texts.
func hostileServer(t *testing.T) string {
	now := time.Now()
	d := rest.Deployment{ID: "d-aaaaaaaaaa", Sandbox: hostile, Service: hostile, Branch: hostile, RequestedBy: hostile, CreatedAt: now,
		State: "FAILED", Settled: true, Steps: []rest.Step{{Name: hostile, State: "failed", Detail: hostile}},
		Failure: &rest.Failure{Step: hostile, Detail: hostile, Remedy: hostile, Output: hostile + "\n" + hostile}}
	mux := http.NewServeMux()
	reply := func(path string, v any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(v)
		})
	}
	reply("GET /api/v1/repositories/{name}/branches", rest.Page[rest.Branch]{Items: []rest.Branch{
		{Name: hostile, SHA: hostile, Subject: hostile, Author: hostile, CommittedAt: now}}})
	reply("GET /api/v1/deployments", rest.Page[rest.Deployment]{Items: []rest.Deployment{d}})
	reply("GET /api/v1/deployments/{id}", d)
	reply("POST /api/v1/sandboxes/{name}/deployments", rest.Deployments{Deployments: []rest.Deployment{{ID: d.ID, Service: hostile}}})
	reply("GET /api/v1/audit", rest.Page[rest.AuditEvent]{Items: []rest.AuditEvent{
		{At: now, User: hostile, Action: hostile, Branch: hostile, Sandbox: hostile, Outcome: "refused", Detail: hostile}}})
	reply("GET /api/v1/sandboxes/{name}", rest.Sandbox{Name: hostile, Owner: hostile, Description: hostile, PortNote: hostile,
		URL: hostile, Services: []rest.Service{{Name: hostile, Branch: hostile, Source: "sandbox", Latest: &d}}})
	mux.HandleFunc("GET /api/v1/nodes", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusConflict)
		json.NewEncoder(w).Encode(rest.Problem{Status: 409, Kind: "conflict", Code: "x", Detail: hostile, Remedy: hostile})
	})
	mux.HandleFunc("GET /api/v1/audit.csv", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, hostile+"\n") })
	mux.HandleFunc("GET /api/v1/deployments/{id}/logs", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, hostile+"\x9b2J\x9d0;t\x07\xff \x1b[1;31mred\x1b[0m\n")
	})
	mux.HandleFunc("GET /api/v1/deployments/{id}/logs/stream", func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.CloseNow()
		for _, c := range hostile + " \x1b[1;31mred\x1b[0m\n" {
			_ = wsjson.Write(r.Context(), conn, rest.LogFrame{Data: string(c)}) // the client may be gone
		}
		_ = wsjson.Write(r.Context(), conn, rest.LogFrame{Final: true})
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// onTerminal runs the program on a terminal and returns every byte the terminal got.
func onTerminal(t *testing.T, args ...string) string {
	t.Helper()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	if err := unix.IoctlSetPointerInt(int(terminal.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	line, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := term.MakeRaw(int(line.Fd())); err != nil { // no byte is changed on its way
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Stdout, cmd.Stderr = line, line
	dir := t.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "TERM=xterm-256color"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line.Close()
	var got bytes.Buffer
	_, _ = io.Copy(&got, terminal) // ends with EIO when the program has gone
	_ = cmd.Wait()                 // some fail on purpose
	return got.String()
}

// own is what the program itself does to a terminal: colours, and taking away the lines of its progress.
var own = regexp.MustCompile(`\x1b\[[0-9;]*m|\x1b\[[0-9]+A\r\x1b\[J`)

func TestTerminalGetsNothingButText(t *testing.T) {
	t.Parallel()
	server := hostileServer(t)
	for _, args := range []string{
		"logs d-aaaaaaaaaa", "logs d-aaaaaaaaaa -f", "logs d-aaaaaaaaaa -o json", "branches account", "branches account -o json",
		"branches account -o yaml", "history", "audit", "audit -o csv", "sandbox show demo", "nodes",
		"deploy demo account@main --wait", "logs d-aaaaaaaaaa --offset -1",
	} {
		got := onTerminal(t, append(strings.Fields(args), "--server", server)...)
		if got == "" || !utf8.ValidString(got) {
			t.Errorf("sdp %s: %q", args, got)
		}
		for _, r := range own.ReplaceAllString(got, "") {
			if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Cf, r) && !strings.HasPrefix(args, "logs ") ||
				unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("sdp %s: %U reaches the terminal: %q", args, r, got)
				break
			}
		}
		for _, hidden := range []string{"title", "ZXZpbA=="} { // the texts of sequences go with them
			if strings.Contains(got, hidden) && !strings.Contains(args, " -o ") {
				t.Errorf("sdp %s: a part of a sequence is shown: %q", args, got)
			}
		}
		if strings.HasPrefix(args, "logs d") && !strings.Contains(args, "-") && !strings.Contains(got, "\x1b[1;31mred\x1b[0m") {
			t.Errorf("sdp %s: the log lost its colours: %q", args, got)
		}
	}
}

// Into a file and a pipe the log goes as it is.
func TestLogIntoAPipeIsAsItIs(t *testing.T) {
	t.Parallel()
	r := sdp(t, t.TempDir(), "", "logs", "d-aaaaaaaaaa", "--server", hostileServer(t))
	if want := hostile + "\x9b2J\x9d0;t\x07\xff \x1b[1;31mred\x1b[0m\n"; r.out != want {
		t.Errorf("got %q, want %q", r.out, want)
	}
}

// JSON stays JSON that means the same, wherever it is shown.
func TestJSONOnATerminal(t *testing.T) {
	t.Parallel()
	var got []rest.Branch
	out := onTerminal(t, "branches", "account", "-o", "json", "--server", hostileServer(t))
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got) != 1 || got[0].Name != hostile {
		t.Errorf("%v: %q", err, out)
	}
}
