package api_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"sdp/api"
	"sdp/api/apitest"
	"sdp/api/rest"
)

// soon bounds a wait for what must happen at once: a server that never does it fails the test instead of blocking it.
const soon = 10 * time.Second

// A body that does not arrive ends its request and its connection, whoever sends it and whether or not anything reads it.
func TestUnfinishedBodiesHoldNoConnection(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t, func(c *api.Config) { c.BodyTimeout = 50 * time.Millisecond })
	token := signedIn(t, bed).header.Get("Authorization")
	for name, test := range map[string]struct {
		request, authorization, code string
		status                       int
	}{
		"anonymous":           {"POST /api/v1/sandboxes", "", "not-signed-in", http.StatusUnauthorized},
		"signing in":          {"POST /api/v1/session", "", "slow-body", http.StatusRequestTimeout},
		"signed in":           {"POST /api/v1/sandboxes", token, "slow-body", http.StatusRequestTimeout},
		"with a key":          {"POST /api/v1/sandboxes", token + "\r\nIdempotency-Key: k", "slow-body", http.StatusRequestTimeout},
		"of another site":     {"POST /api/v1/sandboxes", token + "\r\nSec-Fetch-Site: cross-site", "cross-origin", http.StatusForbidden},
		"no node":             {"POST /node/v1/micro-1/register", "Bearer wrong", "bad-node-token", http.StatusUnauthorized},
		"no route":            {"POST /nothing", "", "no-route", http.StatusNotFound},
		"no such method":      {"PATCH /api/v1/sandboxes", token, "wrong-method", http.StatusMethodNotAllowed},
		"a read with a body":  {"GET /api/v1/sandboxes", token, "", http.StatusOK},
		"a page with a body":  {"GET /", "", "", http.StatusOK},
		"nobody waits for it": {"DELETE /api/v1/session", signedIn(t, bed).header.Get("Authorization"), "", http.StatusNoContent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, bed)
			c.send(test.request, test.authorization, "Content-Length: 50", "{")
			response, body := c.answer()
			var p rest.Problem
			if test.code != "" && json.Unmarshal(body, &p) != nil || p.Code != test.code || response.StatusCode != test.status {
				t.Errorf("%s %s, want %d %s", response.Status, body, test.status, test.code)
			}
			if p.Code == "slow-body" && p.Remedy == "" {
				t.Error("nothing says what to do")
			}
			c.ended()
		})
	}
}

// The time a body has is not the time the rest may take: neither the work, nor the next request of the connection.
func TestBodyDeadlineEndsWithTheBody(t *testing.T) {
	t.Parallel()
	const limit = 50 * time.Millisecond
	bed := apitest.New(t, func(c *api.Config) { c.BodyTimeout = limit })
	token := signedIn(t, bed).header.Get("Authorization")
	createShop(t, signedIn(t, bed))
	bed.Engine.FailWith(func(string) error { <-time.After(3 * limit); return nil })
	c := dial(t, bed)
	for range 2 {
		c.send("POST /api/v1/sandboxes/shop/trace", token, "Content-Length: 12", `{"path":"/"}`)
		if response, body := c.answer(); response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", response.Status, body)
		}
		c.send("GET /api/v1/sandboxes", token, "", "")
		if response, body := c.answer(); response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", response.Status, body)
		}
	}
}

// rawClient is a connection on which requests are written by hand.
type rawClient struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dial(t *testing.T, bed *apitest.Bed) *rawClient {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(bed.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(soon)); err != nil {
		t.Fatal(err)
	}
	return &rawClient{t, conn, bufio.NewReader(conn)}
}

func (c *rawClient) send(request, authorization, length, body string) {
	c.t.Helper()
	head := request + " HTTP/1.1\r\nHost: sdp.test\r\nContent-Type: application/json\r\n"
	if authorization != "" {
		head += "Authorization: " + authorization + "\r\n"
	}
	if length != "" {
		head += length + "\r\n"
	}
	if _, err := fmt.Fprint(c.conn, head+"\r\n"+body); err != nil {
		c.t.Fatal(err)
	}
}

func (c *rawClient) answer() (*http.Response, []byte) {
	c.t.Helper()
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response, body
}

// ended waits until the server has closed the connection.
func (c *rawClient) ended() {
	c.t.Helper()
	if _, err := c.in.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Errorf("the connection is still there: %v", err)
	}
}
