// Package listen opens TCP listeners for routers that share a machine.
package listen

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
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

// Taken reports whether more than own sockets listen on exactly this address. Where the kernel does not say, it
// reports false: then bind alone decides.
func Taken(address string, own int) bool {
	want, err := netip.ParseAddrPort(address)
	if err != nil || want.Port() == 0 {
		return false
	}
	count := 0
	for _, file := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		eachListening(file, func(a netip.AddrPort) {
			if a.Port() == want.Port() && sameAddress(a.Addr(), want.Addr()) {
				count++
			}
		})
	}
	return count > own
}

// eachListening calls f with the local address of each listening socket in a /proc/net/tcp file. The kernel lists those
// before all others, see proc_net_tcp.txt of its documentation, so a busy machine's thousands of connections are not
// looked at.
func eachListening(file string, f func(netip.AddrPort)) {
	const listening = "0A"
	in, err := os.Open(file)
	if err != nil {
		return
	}
	defer in.Close()
	lines := bufio.NewScanner(in)
	for lines.Scan(); lines.Scan(); { // the first line is the heading
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || fields[3] != listening {
			return
		}
		if a, ok := parseProcAddr(fields[1]); ok {
			f(a)
		}
	}
}

// parseProcAddr parses "0100007F:1F90": the address in 32-bit words as the machine reads them, the port as a number.
func parseProcAddr(s string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(s, ":")
	p, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	var raw []byte
	for ; len(host) >= 8; host = host[8:] {
		word, err := strconv.ParseUint(host[:8], 16, 32)
		if err != nil {
			return netip.AddrPort{}, false
		}
		raw = binary.NativeEndian.AppendUint32(raw, uint32(word))
	}
	ip, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(ip, uint16(p)), ok
}

// sameAddress treats the two "all addresses" as one, since the IPv6 one takes IPv4 connections as well.
func sameAddress(a, b netip.Addr) bool {
	a, b = a.Unmap(), b.Unmap()
	return a == b || a.IsUnspecified() && b.IsUnspecified()
}
