package listen

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// Sizes of linux/inet_diag.h, in bytes. All numbers are as the machine has them but ports and addresses.
const (
	diagRequest  = 60 // inet_diag_req
	diagSocketAt = 4  // of inet_diag_sockid in both: source port, destination port, source address...
	diagListen   = 10 // TCP_LISTEN
	getSockets   = 18 // TCPDIAG_GETSOCK: of IPv4 and IPv6; newer requests want one or the other
)

// listeningAt calls f with the local address of each socket that listens at a port. The kernel picks them: its
// files in /proc/net list all sockets, so that reading them costs more with each one there is.
func listeningAt(port uint16, f func(netip.AddrPort)) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, diagAsk(port), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	buf := make([]byte, 16<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		messages, err := syscall.ParseNetlinkMessage(buf[:n])
		if err != nil {
			return err
		}
		for _, m := range messages {
			switch m.Header.Type {
			case unix.NLMSG_DONE:
				return nil
			case unix.NLMSG_ERROR:
				return errors.New("the kernel does not list sockets")
			}
			if a, ok := diagAddress(m.Data); ok {
				f(a)
			}
		}
	}
}

func diagAsk(port uint16) []byte {
	b := make([]byte, unix.SizeofNlMsghdr+diagRequest)
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], getSockets)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	req := b[unix.SizeofNlMsghdr:]
	req[0] = unix.AF_INET
	binary.BigEndian.PutUint16(req[diagSocketAt:], port)
	binary.NativeEndian.PutUint32(req[diagSocketAt+48:], 1<<diagListen)
	return b
}

func diagAddress(m []byte) (netip.AddrPort, bool) {
	if len(m) < diagSocketAt+20 {
		return netip.AddrPort{}, false
	}
	size := 4
	if m[0] == unix.AF_INET6 {
		size = 16
	}
	ip, ok := netip.AddrFromSlice(m[diagSocketAt+4 : diagSocketAt+4+size])
	return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(m[diagSocketAt:])), ok
}
