package demo

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// A stranger's body that does not arrive holds no connection.
func TestUnfinishedBodiesHoldNoConnection(t *testing.T) {
	t.Parallel()
	accounts, err := NewAccounts(Users()...)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := newGitHandler(t.TempDir(), accounts)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	server.Config = httpServer(handler, 50*time.Millisecond)
	server.Start()
	t.Cleanup(server.Close)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil { // fails instead of waiting for ever
		t.Fatal(err)
	}
	fmt.Fprint(conn, "POST /scm/demo/x.git/git-upload-pack HTTP/1.1\r\nHost: git.test\r\nContent-Length: 50\r\n\r\n0")
	in := bufio.NewReader(conn)
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("%s", response.Status)
	}
	if _, err := io.Copy(io.Discard, in); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is still there")
	}
}
