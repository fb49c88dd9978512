package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"sdp/internal/atomicfile"
	"sdp/internal/sdp"
)

// Names of the ports of a stack.
const (
	portServer   = "server"
	portPostgres = "postgres"
	portTemporal = "temporal"
	portHealth   = "temporal-health"
	portUI       = "temporal-ui"
	portGit      = "demo-git"
	portOCP      = "demo-ocp"
)

func portMesh(node string) string { return "mesh-" + node }

// ocpPorts is how many consecutive ports the demo's shared environment takes.
const ocpPorts = 8

// usualPorts are those of the default instance, as long as they are free; the others get ports from 20000 on.
var usualPorts = []struct {
	name  string
	port  int
	count int
}{
	{portServer, 7700, 1},
	{portMesh(MicroNode), 7711, 1},
	{portMesh(GatewayNode), 7712, 1},
	{portPostgres, 7732, 1},
	{portTemporal, 7233, 1},
	{portHealth, 7234, 1},
	{portUI, 8233, 1},
	{portGit, 7780, 1},
	{portOCP, 7790, ocpPorts},
}

// state is what was chosen at the first start and is kept in the data directory.
type state struct {
	Version     int            `json:"version"`
	Instance    string         `json:"instance"`
	Listen      string         `json:"listen"`
	PublicPorts string         `json:"publicPorts"`
	Ports       map[string]int `json:"ports"`
}

func loadState(path string) (state, error) {
	st := state{Version: 1, Ports: map[string]int{}}
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return st, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &st)
	}
	if err == nil && st.Version != 1 {
		err = fmt.Errorf("it has version %d, this program knows 1", st.Version)
	}
	if err != nil {
		return st, sdp.Errorf(sdp.Invalid, "bad-state", "the state file %s cannot be used: %w", path, err).
			WithRemedy("use the version of sdp that wrote it, or remove the file: new ports are chosen then")
	}
	return st, nil
}

func (st state) save(path string) error {
	raw, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(path, append(raw, '\n'), 0o644)
}

// choose fills st: what was chosen before stays if its ports are free now. It tells changed about what could not stay.
func (st *state) choose(ctx context.Context, cfg Config, instance string, changed func(string)) error {
	st.Instance = instance
	if cfg.PublicPorts != "" {
		st.PublicPorts = cfg.PublicPorts
	} else if st.PublicPorts == "" {
		st.PublicPorts = publicPorts(instance)
	}
	host := "127.0.0.1"
	if cfg.Listen != "" {
		if err := st.fixListen(ctx, cfg.Listen); err != nil {
			return err
		}
		host, _, _ = net.SplitHostPort(cfg.Listen)
	}
	taken := map[int]bool{}
	for i, usual := range usualPorts {
		if usual.name == portServer && cfg.Listen != "" {
			taken[st.Ports[portServer]] = true
			continue
		}
		wish := usual.port
		if number := instanceNumber(instance, 90); number > 0 {
			wish = 20000 + 100*number + 10*i
		}
		if err := st.choosePort(ctx, usual.name, wish, usual.count, taken, changed); err != nil {
			return err
		}
	}
	st.Listen = net.JoinHostPort(host, strconv.Itoa(st.Ports[portServer]))
	return nil
}

// fixListen takes the address the user gave; unlike the ports we choose ourselves it is not exchanged for another.
func (st *state) fixListen(ctx context.Context, address string) error {
	l, err := listen(ctx, address, oursPatience)
	if err != nil {
		return sdp.Errorf(sdp.Conflict, "port-held", "cannot listen on %s: %w", address, err).
			WithRemedy("stop what listens there (`ss -ltnp` names it) or choose another address with --listen")
	}
	defer l.Close()
	st.Ports[portServer] = l.Addr().(*net.TCPAddr).Port
	return nil
}

func (st *state) choosePort(
	ctx context.Context, name string, wish, count int, taken map[int]bool, changed func(string),
) error {
	before, had := st.Ports[name]
	if had && allFree(ctx, before, count, taken, oursPatience) {
		st.take(name, before, count, taken)
		return nil
	}
	for port := wish; port < wish+5000 && port+count < 32768; port++ {
		if allFree(ctx, port, count, taken, 0) {
			st.take(name, port, count, taken)
			if had {
				changed(fmt.Sprintf("port %d is in use by another program; %s uses %d from now on", before, name, port))
			}
			return nil
		}
	}
	return sdp.Errorf(sdp.Exhausted, "no-free-port", "found no free port for %s from %d on", name, wish).
		WithRemedy("`ss -ltnp` shows who listens")
}

func (st *state) take(name string, port, count int, taken map[int]bool) {
	st.Ports[name] = port
	for i := range count {
		taken[port+i] = true
	}
}

// oursPatience is how long a port that was ours may still be taken: the children of a run that was killed need a moment
// to go.
const oursPatience = 3 * time.Second

// allFree reports whether count ports from port on are free, or become so within patience.
func allFree(ctx context.Context, port, count int, taken map[int]bool, patience time.Duration) bool {
	for p := port; p < port+count; p++ {
		if taken[p] {
			return false
		}
		// All interfaces, not only loopback: that is refused if anybody listens on any of them.
		l, err := listen(ctx, net.JoinHostPort("", strconv.Itoa(p)), patience)
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

// listen is net.Listen, repeated until it works or patience is over.
func listen(ctx context.Context, address string, patience time.Duration) (net.Listener, error) {
	for deadline := time.Now().Add(patience); ; {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err == nil || !time.Now().Before(deadline) {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
