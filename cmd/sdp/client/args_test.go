package client

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sdp/api"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

const commit = "3f2a9c1d0b7e4f5a6b7c8d9e0f1a2b3c4d5e6f70"

func TestParseServices(t *testing.T) {
	got, err := parseServices([]string{"account@feature/a@b", "payment@" + commit, "user@" + strings.ToUpper(commit)})
	if err != nil {
		t.Fatal(err)
	}
	want := []api.DeployService{{Service: "account", Branch: "feature/a@b"}, {Service: "payment", Commit: commit},
		{Service: "user", Branch: strings.ToUpper(commit)}}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
}

func TestWrongServicesAreWrongUsage(t *testing.T) {
	for _, args := range [][]string{
		{"account"}, {"account@"}, {"@main"}, {"Account@main"}, {"a/../b@main"}, {"account@-x"}, {"account@a..b"},
		{"account@main", "account@other"}, {"account@a b"}, {strings.Repeat("a", 25) + "@main"},
	} {
		_, err := parseServices(args)
		if !usage.Is(err) || sdp.AsError(err).Remedy == "" {
			t.Errorf("%q: got %v, want a wrong call with a remedy", args, err)
		}
	}
}

func TestParseSecrets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := parseSecrets([]string{"A=-", "B=@" + file, "C=in=line"}, strings.NewReader("line 1\nline 2\n"))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"A": "line 1\nline 2", "B": "from file", "C": "in=line"} {
		if got[key] != want {
			t.Errorf("%s = %q, want %q", key, got[key], want)
		}
	}
}

func TestWrongPairsAreWrongUsageAndNeverShowTheValue(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	for _, args := range [][]string{
		{"hunter2"}, {"1A=hunter2"}, {"A=hunter2", "A=hunter2"}, {"A=-", "B=-"}, {"A=@" + missing}, {"=hunter2"}, {"EMPTY=-"},
	} {
		stdin := "hunter2"
		if args[0] == "EMPTY=-" {
			stdin = "\n"
		}
		_, err := parseSecrets(args, strings.NewReader(stdin))
		if !usage.Is(err) {
			t.Errorf("%q: got %v, want a wrong call", args, err)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the value is shown: %v", err)
		}
	}
}

func TestParseSource(t *testing.T) {
	for arg, want := range map[string]api.SetRoute{
		"ocp":                  {Source: "ocp"},
		"sandbox":              {Source: "sandbox"},
		"http://10.0.0.1:9000": {Source: "url", URL: "http://10.0.0.1:9000"},
	} {
		if got, err := parseSource(arg); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", arg, got, err)
		}
	}
	for _, arg := range []string{"", "url", "ftp://x", "http://", "http://u:hunter2@x", "javascript:1"} {
		if _, err := parseSource(arg); !usage.Is(err) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", arg, err)
		}
	}
}

func TestParseTarget(t *testing.T) {
	for arg, want := range map[string]target{
		"d-abcdefghij": {deployment: "d-abcdefghij"},
		"demo/account": {sandbox: "demo", service: "account"},
	} {
		if got, err := parseTarget(arg); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", arg, got, err)
		}
	}
	for _, arg := range []string{"", "../x", "demo/", "/account", "demo/a/b", "D-ABC", "d-1?x=y"} {
		if _, err := parseTarget(arg); !usage.Is(err) {
			t.Errorf("%s: got %v", arg, err)
		}
	}
}

func create(t *testing.T, text, name string, flags createFlags) (api.SandboxSpec, error) {
	t.Helper()
	flags.file = filepath.Join(t.TempDir(), "sandbox.yaml")
	if err := os.WriteFile(flags.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return new(App).createRequest(flags, name)
}

func TestSandboxFile(t *testing.T) {
	got, err := create(t, `
sandbox: checkout
description: points
environment: dev
gateway: {branch: main}
services:
  account: {branch: feature/x}
  payment: {use_ocp: true}
  rates: {url: "http://10.0.0.1"}
`, "checkout", createFlags{services: []string{"user@main"}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]api.ServiceSpec{"account": {Branch: "feature/x"}, "payment": {UseOCP: true},
		"rates": {URL: "http://10.0.0.1"}, "user": {Branch: "main"}}
	for name := range want {
		if !reflect.DeepEqual(got.Services[name], want[name]) {
			t.Errorf("%s: got %+v", name, got.Services[name])
		}
	}
	if got.Name != "checkout" || got.Description != "points" || got.Environment != "dev" || got.Gateway.Branch != "main" {
		t.Errorf("got %+v", got)
	}
}

func TestWrongSandboxFilesNameLineAndRemedy(t *testing.T) {
	for text, want := range map[string]string{
		"services:\n  account: {brunch: x}\n":            `sandbox.yaml:2: unknown key "services.account.brunch"; did you mean "branch"?`,
		"sandbox: other\n":                               `"checkout" on the command line and "other"`,
		"services:\n  account:\n":                        "sandbox.yaml:2: services.account says 0 of branch",
		"services:\n  a: {branch: x, use_ocp: true}\n":   "sandbox.yaml:2: services.a says 2 of branch",
		"gateway: {repository: gateway}\n":               "sandbox.yaml:1: the gateway does not say what it runs",
		"environment: dev\nservices:\n  A b: {url: x}\n": "sandbox.yaml:3: service name",
	} {
		_, err := create(t, text, "checkout", createFlags{})
		if !usage.Is(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestSessionsAreForTheirOwnerOnly(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	s, err := openSessions()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.put("http://a:1", session{User: "alice", Token: "t1"}); err != nil {
		t.Fatal(err)
	}
	if err := s.put("http://b:2", session{User: "bob", Token: "t2"}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again, err := openSessions()
	if err != nil || again.Current != "http://b:2" || again.Servers["http://a:1"].Token != "t1" {
		t.Errorf("got %+v, %v", again, err)
	}
	if err := again.drop("http://a:1"); err != nil {
		t.Fatal(err)
	}
	if last, _ := openSessions(); last.Servers["http://a:1"].Token != "" || last.Servers["http://b:2"].Token != "t2" {
		t.Errorf("got %+v", last)
	}
}

func TestAddressOfTheServer(t *testing.T) {
	s := &sessions{Current: "http://current:1"}
	t.Setenv("SDP_SERVER", "")
	if got := (&App{}).address(&sessions{}); got != DefaultServer {
		t.Errorf("default: %s", got)
	}
	if got := (&App{}).address(s); got != "http://current:1" {
		t.Errorf("session: %s", got)
	}
	t.Setenv("SDP_SERVER", "env:2/")
	if got := (&App{}).address(s); got != "http://env:2" {
		t.Errorf("environment: %s", got)
	}
	if got := (&App{Server: "https://flag"}).address(s); got != "https://flag" {
		t.Errorf("flag: %s", got)
	}
}
