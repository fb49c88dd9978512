package main_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"sdp/api/rest"
)

// problem is what programs read on standard error: its last line. What people are told meanwhile is above it.
type problem struct{ Kind, Code, Detail, Remedy, Command string }

func problemIn(t *testing.T, text string) problem {
	t.Helper()
	var p problem
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &p); err != nil {
		t.Fatalf("standard error does not end with a JSON object on a line: %v\n%s", err, text)
	}
	return p
}

func TestErrorsForProgramsAreOneJSONObject(t *testing.T) {
	s, dir := fakeServer(t), t.TempDir()
	wrong := sdp(t, dir, "", "nodes", "extra", "-o", "json")
	if p := problemIn(t, wrong.err); wrong.code != 2 || p.Code != "usage" || p.Remedy == "" {
		t.Errorf("exit code %d: %+v", wrong.code, p)
	}
	away := sdp(t, dir, "", "nodes", "-o", "json", "--server", "http://127.0.0.1:1")
	if p := problemIn(t, away.err); away.code != 1 || p.Kind != "unavailable" || p.Code != "server-unreachable" || away.out != "" {
		t.Errorf("exit code %d: %+v", away.code, p)
	}
	sdp(t, dir, "right", "login", "--server", s.URL, "-u", "alice", "--password-stdin")
	failed := sdp(t, dir, "", "deploy", "demo", "account@main", "payment@main", "--wait", "-o", "json")
	if p := problemIn(t, failed.err); failed.code != 1 || p.Code != "compile-error" || p.Remedy != "correct it" {
		t.Errorf("exit code %d: %+v", failed.code, p)
	}
	var ended []rest.Deployment
	if err := json.Unmarshal([]byte(failed.out), &ended); err != nil || len(ended) != 2 {
		t.Errorf("%v: %s", err, failed.out)
	}
}

// line is a line of -o ndjson.
type line struct {
	Type       string
	Deployment *rest.Deployment
	Log        *rest.LogFrame
	Outcome    string
	ExitCode   int
	Problem    *problem
	Result     json.RawMessage
}

func linesOf(t *testing.T, out string) []line {
	t.Helper()
	var all []line
	decoder := json.NewDecoder(strings.NewReader(out))
	for decoder.More() {
		var one line
		if err := decoder.Decode(&one); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		all = append(all, one)
	}
	if len(all) != strings.Count(out, "\n") {
		t.Fatalf("not one object a line:\n%s", out)
	}
	return all
}

func TestLinesSayWhatHappensAndHowItEnded(t *testing.T) {
	s, dir := fakeServer(t), t.TempDir()
	sdp(t, dir, "right", "login", "--server", s.URL, "-u", "alice", "--password-stdin")
	good := sdp(t, dir, "", "deploy", "demo", "account@main", "--wait", "-o", "ndjson")
	lines := linesOf(t, good.out)
	last := lines[len(lines)-1]
	var result []rest.Deployment
	if err := json.Unmarshal(last.Result, &result); err != nil || good.code != 0 || last.Type != "end" || last.Outcome != "succeeded" ||
		last.ExitCode != 0 || len(result) != 1 || lines[0].Type != "deployment" || lines[0].Deployment.State != "QUEUED" {
		t.Errorf("exit code %d, %v\n%s", good.code, err, good.out)
	}
	bad := sdp(t, dir, "", "deploy", "demo", "payment@main", "payment2@main", "--wait", "-o", "ndjson")
	lines = linesOf(t, bad.out)
	problemIn(t, bad.err)
	if last = lines[len(lines)-1]; strings.Count(bad.err, "\n") != 1 || bad.code != 1 || last.Outcome != "failed" || last.ExitCode != 1 || last.Problem.Code != "compile-error" {
		t.Errorf("exit code %d\n%s", bad.code, bad.out)
	}
	log := linesOf(t, sdp(t, dir, "", "logs", "d-aaaaaaaaa0", "-o", "ndjson").out)
	if len(log) != 2 || log[0].Type != "log" || log[0].Log.Next != 24 || log[1].Outcome != "succeeded" {
		t.Errorf("log %+v", log)
	}
	if r := sdp(t, dir, "", "nodes", "-o", "ndjson"); r.code != 2 || !strings.Contains(r.err, "no output format") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

func TestCtrlCEndsTheLines(t *testing.T) {
	s, dir := fakeServer(t), t.TempDir()
	sdp(t, dir, "right", "login", "--server", s.URL, "-u", "alice", "--password-stdin")
	cmd := exec.CommandContext(t.Context(), binary, "deploy", "demo", "account@slow", "--wait", "-o", "ndjson")
	cmd.Env = []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir}
	var out bytes.Buffer
	first := make(chan struct{}, 1)
	cmd.Stdout = writer(func(p []byte) {
		out.Write(p)
		select {
		case first <- struct{}{}:
		default:
		}
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-first
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the exit code is looked at below
	lines := linesOf(t, out.String())
	if last := lines[len(lines)-1]; cmd.ProcessState.ExitCode() != 1 || last.Outcome != "detached" || last.Problem.Code != "interrupted" ||
		strings.Contains(last.Problem.Detail, "\n") || last.Problem.Command != "sdp logs "+slow+" -f" ||
		!strings.Contains(last.Problem.Remedy, "`sdp cancel "+slow+"` cancels it") {
		t.Errorf("exit code %d\n%s", cmd.ProcessState.ExitCode(), &out)
	}
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }

// Remedies name `sdp login`: it can be run as it is.
func TestLoginTakesTheUserOfTheLastLogin(t *testing.T) {
	s, dir := fakeServer(t), t.TempDir()
	sdp(t, dir, "right", "login", "--server", s.URL, "-u", "alice", "--password-stdin")
	if r := sdp(t, dir, "right", "login", "--password-stdin"); r.code != 0 || !strings.Contains(r.out, "as alice") {
		t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
	}
}

func TestExplainAndSchema(t *testing.T) {
	dir := t.TempDir()
	if r := sdp(t, dir, "", "explain", "branch-not-found"); r.code != 0 || !strings.Contains(r.out, "The repository has no such branch.") {
		t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
	}
	if r := sdp(t, dir, "", "explain", "branch-not-fund"); r.code != 1 || !strings.Contains(r.err, "did you mean branch-not-found?") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
	r := sdp(t, dir, "", "schema", "deploy", "--ndjson")
	var schema struct {
		ID string `json:"$id"`
	}
	if err := json.Unmarshal([]byte(r.out), &schema); err != nil || schema.ID != "urn:sdp:cli:deploy:ndjson:v1" {
		t.Errorf("%v: %s%s", err, r.out, r.err)
	}
	for args, want := range map[string]string{
		"schema nodes --ndjson": "`sdp nodes` follows nothing", "schema up": "`sdp up` prints no JSON",
		"schema no-such-verb": "there is no verb `sdp no-such-verb`", "schema sandbox no-such": "there is no verb `sdp sandbox no-such`",
	} {
		if r := sdp(t, dir, "", strings.Fields(args)...); r.code != 2 || !strings.Contains(r.err, want) {
			t.Errorf("sdp %s: exit code %d: %s%s", args, r.code, r.out, r.err)
		}
	}
}
