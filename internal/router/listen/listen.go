// Package listen opens TCP listeners for routers that share a machine.
package listen

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// TCP opens a TCP listener. freebind allows an address that the machine does not have yet.
//
// Public ports are opened on all addresses, service ports on those of sandbox networks, by routers that may share a
// machine; the kernel only allows the same port in both places if all sockets have SO_REUSEPORT, and then prefers the
// more specific address. But with SO_REUSEPORT it would also let two processes of one user listen on the very same
// address and deal connections out between them, so that is looked for separately.
func TCP(address string, freebind bool) (net.Listener, error) {
	if Taken(address, 0) {
		return nil, syscall.EADDRINUSE
	}
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error { return setOptions(c, freebind) }}
	config.SetMultipathTCP(false)
	ln, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	if Taken(ln.Addr().String(), 1) { // by somebody who looked at the same moment
		ln.Close()
		return nil, syscall.EADDRINUSE
	}
	return ln, nil
}

func setOptions(c syscall.RawConn, freebind bool) error {
	var err error
	set := func(fd uintptr) {
		if err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err == nil && freebind {
			err = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_FREEBIND, 1)
		}
	}
	if ctlErr := c.Control(set); ctlErr != nil {
		return ctlErr
	}
	return err
}

// InUse reports whether an error says that somebody else listens there.
func InUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

// Taken reports whether more than own sockets listen on exactly this address. Where the kernel does not say (it may lack the
// module tcp_diag), it reports false: then bind alone decides.
func Taken(address string, own int) bool {
	want, err := netip.ParseAddrPort(address)
	if err != nil || want.Port() == 0 {
		return false
	}
	count := 0
	err = listeningAt(want.Port(), func(a netip.AddrPort) {
		if a.Port() == want.Port() && sameAddress(a.Addr(), want.Addr()) {
			count++
		}
	})
	return err == nil && count > own
}

// sameAddress treats the two "all addresses" as one, since the IPv6 one takes IPv4 connections as well.
func sameAddress(a, b netip.Addr) bool {
	a, b = a.Unmap(), b.Unmap()
	return a == b || a.IsUnspecified() && b.IsUnspecified()
}
