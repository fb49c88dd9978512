package router

import (
	"context"
	"io"
	"net"
	"time"
)

// A server that turns out not to speak HTTP/2 is asked again after a while, since it may have been replaced.
const (
	probeTimeout = 2 * time.Second
	probeAgain   = time.Minute
)

type probed struct {
	http2 bool
	at    time.Time
}

// speaksHTTP2 reports whether the server at address speaks HTTP/2 without TLS. Nothing in HTTP/1.1 says so, and a
// request sent the wrong way would be lost, so the router asks first: it opens a connection with the preface of RFC
// 9113 section 3.4 and sees whether a SETTINGS frame comes back.
func (p *pool) speaksHTTP2(ctx context.Context, address string) (bool, error) {
	if known, ok := p.probes.Load(address); ok {
		if known := known.(probed); known.http2 || time.Since(known.at) < probeAgain {
			return known.http2, nil
		}
	}
	conn, err := p.dial(ctx, "tcp", address)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	known := probed{http2: answersPreface(conn), at: time.Now()}
	p.probes.Store(address, known)
	return known.http2, nil
}

func answersPreface(conn net.Conn) bool {
	const settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00" // an empty SETTINGS frame
	conn.SetDeadline(time.Now().Add(probeTimeout))
	if _, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+settings); err != nil {
		return false
	}
	var header [9]byte // length (3), type, flags, stream (4)
	_, err := io.ReadFull(conn, header[:])
	return err == nil && header[3] == 4 && header[0] == 0 // 4 = SETTINGS, always short
}
