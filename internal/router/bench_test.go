package router

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// benchResponse is what the target of a benchmark answers to everything, and what it costs is not measured: it is one
// write from a buffer.
var benchResponse = []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n" + strings.Repeat("x", 1024))

// startBenchTarget answers requests without a body.
func startBenchTarget(b *testing.B) string {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for skipHeader(in) == nil {
					if _, err := conn.Write(benchResponse); err != nil {
						return
					}
				}
			}()
		}
	}()
	return ln.Addr().String()
}

func skipHeader(in *bufio.Reader) error {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil || len(line) <= 2 {
			return err
		}
	}
}

// benchRequest is a browser's, roughly.
const benchRequest = "GET /account/orders?page=2 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n" +
	"Accept: text/html,application/json\r\nAccept-Encoding: gzip\r\nAccept-Language: en\r\nCookie: a=1; b=2\r\n\r\n"

// BenchmarkPlain is one plain request after the other over one connection: what allocates is net/http's server and the
// router.
func BenchmarkPlain(b *testing.B) {
	target := startBenchTarget(b)
	for name, route := range map[string]wire.ServiceRoute{
		"container": container("account", target, sha1),
		"url":       {Service: "account", Source: sdp.SourceURL, URL: "http://" + target},
	} {
		b.Run(name, func(b *testing.B) { benchmarkTable(b, tableOf(1, 0, route)) })
	}
}

func benchmarkTable(b *testing.B, table wire.RoutingTable) {
	n, port := startNode(b, Config{}), freePort(b)
	table.PublicPort = port
	n.apply(table)
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.WriteString(conn, benchRequest); err != nil {
			b.Fatal(err)
		}
		if err := skipHeader(in); err != nil {
			b.Fatal(err)
		}
		if _, err := in.Discard(1024); err != nil {
			b.Fatal(err)
		}
	}
}
