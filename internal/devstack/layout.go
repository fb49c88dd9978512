package devstack

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Stack describes a stack to the hooks: what it is called and where its parts are.
type Stack struct {
	Instance  string // value of the label sdp.instance of all its containers
	Data      string // data directory
	Docker    string // address of the Docker daemon
	URL       string // API and dashboard
	UI        string // Temporal Web UI
	Address   string // host of the sandboxes' public ports
	Ports     string // range of the sandboxes' public ports
	Nodes     []string
	MasterKey string            // file
	CodecKeys string            // file
	Config    map[string]string // configuration files, by "server", "micro-1", "gateway-1"
	LogDir    string
	Demo      DemoStack // zero without the demo
}

// DemoStack is where the parts of the demo are.
type DemoStack struct {
	GitURL  string // http://127.0.0.1:port
	GitRoot string // bare repositories
	OCPHost string // the shared environment listens here, see OCPPort
	OCPPort int    // first of ocpPorts consecutive ports
	OCPData string
	Clones  string // developers' clones: Clones/AppGolang/account, Clones/SDP, ...
}

// Files and directories below the data directory.
func (s Stack) path(parts ...string) string {
	return filepath.Join(append([]string{s.Data}, parts...)...)
}

func (s Stack) passwordFile(role string) string { return s.path("keys", role+".password") }
func (s Stack) TokenFile(node string) string    { return s.path("keys", node+".token") }
func (s Stack) postgresDir() string             { return s.path("postgres") }

// newStack describes the stack of a configuration whose defaults are filled in.
func newStack(cfg Config, st state) Stack {
	s := describe(cfg)
	s.URL = "http://" + reachable(st.Listen, cfg.Address)
	s.UI = "http://" + net.JoinHostPort(cfg.Address, strconv.Itoa(st.Ports[portUI]))
	s.Ports = st.PublicPorts
	if cfg.Demo {
		s.Demo = DemoStack{
			GitURL:  "http://" + loopback(st.Ports[portGit]),
			GitRoot: s.path("demo", "git"),
			OCPHost: "127.0.0.1",
			OCPPort: st.Ports[portOCP],
			OCPData: s.path("demo", "ocp"),
			Clones:  s.path("demo", "home"),
		}
	}
	return s
}

// describe is the part of newStack that holds whether or not the stack was ever started.
func describe(cfg Config) Stack {
	s := Stack{
		Instance: instanceName(cfg.Data), Data: cfg.Data, Docker: cfg.Docker, Address: cfg.Address,
		Nodes: []string{MicroNode, GatewayNode}, Config: map[string]string{},
	}
	s.MasterKey, s.CodecKeys, s.LogDir = s.path("keys", "master.key"), s.path("keys", "codec.keys"), s.path("log")
	for _, name := range []string{"server", MicroNode, GatewayNode} {
		s.Config[name] = s.path("config", name+".yaml")
	}
	return s
}

// instanceName is "default" for root's default data directory, a name of the user's for that of a user, and one made
// from the path for any other, so that all of them run side by side on one Docker daemon.
func instanceName(data string) string {
	switch {
	case data == "/var/lib/sdp":
		return "default"
	case data == DefaultData():
		return "user-" + strconv.Itoa(os.Geteuid())
	}
	sum := sha256.Sum256([]byte(data))
	return "data-" + hex.EncodeToString(sum[:4])
}

// instanceNumber spreads instances over n numbers; the default instance is always 0 and no other is.
func instanceNumber(instance string, n int) int {
	if instance == "default" {
		return 0
	}
	sum := sha256.Sum256([]byte(instance))
	return 1 + int(binary.BigEndian.Uint32(sum[:])%uint32(n-1))
}

// networkPool is the address range of a node's sandbox networks: a /20 of 10.213.0.0/16 for each instance, half of it
// for each node. Two instances may get the same one of the 16; then the nodes step over each other's networks.
func networkPool(instance string, node int) netip.Prefix {
	pool := networks.Addr().As4()
	pool[2] = byte(16*instanceNumber(instance, 16) + 8*node)
	return netip.PrefixFrom(netip.AddrFrom4(pool), 21)
}

// networks is what the networks of all instances and nodes are cut from.
var networks = netip.MustParsePrefix("10.213.0.0/16")

// publicPorts is the range of sandbox ports of an instance: 40 ports, each instance its own as far as 40 ranges go.
func publicPorts(instance string) string {
	first := 8080 + 40*instanceNumber(instance, 40)
	return fmt.Sprintf("%d-%d", first, first+39)
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// reachable is how something that listens on address is reached: at host where it listens on all interfaces.
func reachable(address, host string) string {
	listen, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip, err := netip.ParseAddr(listen); listen == "" || err == nil && ip.IsUnspecified() {
		listen = strings.Trim(host, "[]")
	}
	return net.JoinHostPort(listen, port)
}
