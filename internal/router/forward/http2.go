package forward

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
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

// speaksHTTP2 reports whether a request goes on as HTTP/2: it came that way, and the server speaks it. A request sent the
// wrong way would be lost, so the server is asked first. WebSockets and the like always are HTTP/1.1.
func (p *Pool) speaksHTTP2(req *http.Request) (bool, error) {
	if req.ProtoMajor < 2 {
		return false, nil
	}
	ctx, scheme, address := req.Context(), req.URL.Scheme, req.URL.Host
	key := scheme + "://" + address
	if known, ok := p.probes.Load(key); ok {
		if known := known.(probed); known.http2 || time.Since(known.at) < probeAgain {
			return known.http2, nil
		}
	}
	conn, err := p.connect(ctx, address)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	known := probed{at: time.Now()}
	if scheme == "https" {
		secure, err := handshake(ctx, conn, address, "h2", "http/1.1")
		if err != nil {
			return false, err
		}
		known.http2 = secure.ConnectionState().NegotiatedProtocol == "h2"
	} else {
		known.http2 = answersPreface(conn)
	}
	p.probes.Store(key, known)
	return known.http2, nil
}

// handshake makes conn, which leads to address, a TLS connection with one of the protocols.
func handshake(ctx context.Context, conn net.Conn, address string, protocols ...string) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(conn, &tls.Config{ServerName: host, NextProtos: protocols})
	return secure, secure.HandshakeContext(ctx)
}

// answersPreface reports whether a server speaks HTTP/2 without TLS, which nothing in HTTP/1.1 says: it is sent the
// preface of RFC 9113 section 3.4, and a SETTINGS frame comes back or does not.
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
