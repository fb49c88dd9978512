package cli

import (
	"os"
	"testing"
)

func TestSessionsAreForTheirOwnerOnly(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	s, err := OpenSessions()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put("http://a:1", Session{User: "alice", Token: "t1"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Put("http://b:2", Session{User: "bob", Token: "t2"}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again, err := OpenSessions()
	if err != nil || again.Current != "http://b:2" || again.Servers["http://a:1"].Token != "t1" {
		t.Errorf("got %+v, %v", again, err)
	}
	if err := again.Drop("http://a:1"); err != nil {
		t.Fatal(err)
	}
	if last, _ := OpenSessions(); last.Servers["http://a:1"].Token != "" || last.Servers["http://b:2"].Token != "t2" {
		t.Errorf("got %+v", last)
	}
}

func TestAddressOfTheServer(t *testing.T) {
	s := &Sessions{Current: "http://current:1"}
	t.Setenv("SDP_SERVER", "")
	if got := (&App{}).Address(&Sessions{}); got != DefaultServer {
		t.Errorf("default: %s", got)
	}
	if got := (&App{}).Address(s); got != "http://current:1" {
		t.Errorf("session: %s", got)
	}
	t.Setenv("SDP_SERVER", "env:2/")
	if got := (&App{}).Address(s); got != "http://env:2" {
		t.Errorf("environment: %s", got)
	}
	if got := (&App{Server: "https://flag"}).Address(s); got != "https://flag" {
		t.Errorf("flag: %s", got)
	}
}
