// Package egress says where the routes of a router may lead.
package egress

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"sdp/internal/sdp"
)

// Rules say where routes to URLs and to the shared environment may lead. Whoever may change a sandbox chooses URLs, and
// whoever reaches its port sends requests there, with the router's place in the network: to what listens on its machine
// for that machine only, to the cloud's metadata, to the control plane. All of these are refused unless the node's
// configuration allows them, by the address that is dialled, whatever it was called and whatever a name resolves to.
type Rules struct {
	node    string
	allow   []allowed
	network netip.Prefix // of the sandboxes on this node
	deny    []netip.Prefix
	control controlPlane
	serves  func(port uint16) bool // whether this router serves a sandbox at a public port
}

// Config is what the configuration of a node says of routes.
type Config struct {
	// Routes do not lead to this machine, to its sandboxes' networks and to the control plane, unless Allow has an entry for
	// it: "host:port", an IP address or a prefix.
	Allow        []string
	Deny         []string // prefixes they do not lead to either, unless Allow has an entry for it
	Networks     string   // prefix the sandboxes' networks are cut from; "" = none is known
	ControlPlane []string // hosts of the server and of Temporal
}

// New returns the rules of a node. serves reports whether its router serves a sandbox at a public port.
func New(node string, cfg Config, serves func(port uint16) bool) (*Rules, error) {
	e := &Rules{node: node, control: controlPlane{names: cfg.ControlPlane}, serves: serves}
	for _, entry := range cfg.Allow {
		a, err := parseAllowed(entry)
		if err != nil {
			return nil, err
		}
		e.allow = append(e.allow, a)
	}
	for _, entry := range cfg.Deny {
		prefix, err := netip.ParsePrefix(entry)
		if err != nil {
			return nil, sdp.Errorf(sdp.Invalid, "bad-deny", "%q is not a prefix", entry)
		}
		e.deny = append(e.deny, prefix)
	}
	if cfg.Networks == "" {
		return e, nil
	}
	var err error
	if e.network, err = netip.ParsePrefix(cfg.Networks); err != nil {
		return nil, sdp.Errorf(sdp.Invalid, "bad-networks", "%q is not a prefix", cfg.Networks)
	}
	return e, nil
}

// Forbidden is the error of dialling where no route may lead.
type Forbidden struct{ What, Node string }

// Error says what the target is, not its address: who sent the request need not know what a name resolves to.
func (f *Forbidden) Error() string {
	return "it leads to " + f.What + ", which the configuration of node " + f.Node + " does not allow"
}

// Guard returns what a dialer of address ("host:port") asks before it connects to what that resolved to.
func (e *Rules) Guard(address string) func(context.Context, string, string, syscall.RawConn) error {
	if slices.ContainsFunc(e.allow, func(a allowed) bool { return a.named(address) }) {
		return nil
	}
	return func(ctx context.Context, _, resolved string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(resolved)
		if err != nil {
			return &Forbidden{"an unspecified address", e.node} // "http://:80", which is this machine
		}
		to = netip.AddrPortFrom(to.Addr().Unmap().WithZone(""), to.Port())
		if slices.ContainsFunc(e.allow, func(a allowed) bool { return a.contains(to) }) {
			return nil
		}
		what, err := e.forbidden(ctx, to)
		if err != nil || what == "" {
			return err
		}
		return &Forbidden{what, e.node}
	}
}

// forbidden says what an address is if no route may lead there. The public port of a sandbox of this node may be anybody's
// target: it is as open to all others.
func (e *Rules) forbidden(ctx context.Context, to netip.AddrPort) (what string, err error) {
	ip := to.Addr()
	own, err := isOwn(ip)
	switch {
	case err != nil:
		return "", err
	case own && e.serves(to.Port()):
		return "", nil
	case ip.IsLoopback():
		return "a loopback address", nil
	case ip.IsUnspecified():
		return "an unspecified address", nil
	case ip.IsLinkLocalUnicast():
		return "a link-local address", nil
	case ip.IsMulticast():
		return "a multicast address", nil
	case own:
		return "an address of the node itself", nil
	case e.network.Contains(ip):
		return "the network of the node's sandboxes", nil
	case slices.ContainsFunc(e.deny, func(p netip.Prefix) bool { return p.Contains(ip) }):
		return "a network that routes are kept out of", nil
	case e.control.contains(ctx, ip):
		return "the machine of the control plane", nil
	}
	return "", nil
}

func isOwn(ip netip.Addr) (bool, error) {
	if ip.IsLoopback() {
		return true, nil
	}
	own, err := net.InterfaceAddrs()
	return slices.ContainsFunc(own, func(a net.Addr) bool {
		prefix, err := netip.ParsePrefix(a.String())
		return err == nil && prefix.Addr().Unmap() == ip
	}), err
}

// allowed is an entry of the list of exceptions: a name with a port, as URLs write it, or addresses with a port or all.
type allowed struct {
	name   string // "host:port"
	prefix netip.Prefix
	port   uint16 // 0 = all
}

func (a allowed) named(address string) bool { return a.name != "" && a.name == normal(address) }

func (a allowed) contains(to netip.AddrPort) bool {
	return a.prefix.Contains(to.Addr()) && (a.port == 0 || a.port == to.Port())
}

func normal(address string) string {
	host, port, _ := net.SplitHostPort(strings.ToLower(address))
	return net.JoinHostPort(strings.TrimSuffix(host, "."), port)
}

// CheckAllowed returns an error unless entry can stand in Config.Allow.
func CheckAllowed(entry string) error {
	_, err := parseAllowed(entry)
	return err
}

func parseAllowed(entry string) (allowed, error) {
	if prefix, err := netip.ParsePrefix(entry); err == nil {
		return allowed{prefix: prefix.Masked()}, nil
	}
	if ip, err := netip.ParseAddr(entry); err == nil {
		return allowed{prefix: netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen())}, nil
	}
	host, text, err := net.SplitHostPort(entry)
	port, portErr := strconv.ParseUint(text, 10, 16)
	if err != nil || portErr != nil || port == 0 || host == "" || strings.ContainsAny(host, "/@ ?#") {
		return allowed{}, sdp.Errorf(sdp.Invalid, "bad-allow", "%q is neither host:port, an IP address nor a prefix", entry).
			WithRemedy("write it as 10.20.0.5:8080, localhost:3000, 10.20.0.5 or 10.20.0.0/24, without http://")
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return allowed{prefix: netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()), port: uint16(port)}, nil
	}
	return allowed{name: normal(entry)}, nil
}
