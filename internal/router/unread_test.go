package router

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// Where the router itself answers, nobody wants the rest of a body: waiting for it must not hold the connection.
func TestUnfinishedBodiesHoldNoConnection(t *testing.T) {
	n := startNode(t, Config{MeshAddr: "127.0.0.1:0"})
	port := freePort(t)
	n.apply(tableOf(1, port, container("account", "127.0.0.1:1", sha1))) // nothing listens there
	for name, address := range map[string]string{"mesh": n.meshAddr(), "public": fmt.Sprint("127.0.0.1:", port)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetReadDeadline(time.Now().Add(4 * unreadTimeout)); err != nil { // fails instead of waiting for ever
				t.Fatal(err)
			}
			fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
			in := bufio.NewReader(conn)
			response, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			response.Body.Close()
			if response.StatusCode < 400 {
				t.Errorf("%s", response.Status)
			}
			if _, err := io.Copy(io.Discard, in); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection is still there")
			}
		})
	}
}
