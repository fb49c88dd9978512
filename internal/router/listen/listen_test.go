package listen

import (
	"net"
	"strings"
	"testing"
)

// An address is taken by who listens at exactly it, or at all addresses if that is what is asked for; others at the port, and
// connections, are not counted.
func TestTaken(t *testing.T) {
	ln, err := TCP("127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	address := ln.Addr().String()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, port, _ := strings.Cut(address, ":")
	for at, want := range map[string]bool{address: true, "127.0.0.2:" + port: false, "0.0.0.0:" + port: false, "[::]:" + port: false,
		"127.0.0.1:0": false, "nowhere": false, conn.LocalAddr().String(): false} {
		if got := Taken(at, 0); got != want {
			t.Errorf("Taken(%s) = %v", at, got)
		}
	}
	if Taken(address, 1) {
		t.Error("our own counts as another's")
	}
	if _, err := TCP(address, false); !InUse(err) {
		t.Errorf("a second listener: %v", err)
	}
	if all, err := TCP("[::]:0", false); err == nil { // a machine may have no IPv6
		defer all.Close()
		if _, port, _ := net.SplitHostPort(all.Addr().String()); !Taken("0.0.0.0:"+port, 0) {
			t.Error("a listener at all addresses is not seen")
		}
	}
}
