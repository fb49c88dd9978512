package devstack

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"

	"sdp/internal/atomicfile"
	"sdp/internal/sdp"
)

// writeConfigs brings the configuration files of the server and the nodes up to date. What depends on this machine and
// on the ports chosen is set; everything else belongs to whoever edits the files and is only proposed at first.
func writeConfigs(s Stack, st state, content Content) error {
	if err := writeServerConfig(s, st, content); err != nil {
		return err
	}
	for i, node := range s.Nodes {
		if err := writeNodeConfig(s, st, i, content); err != nil {
			return fmt.Errorf("configuration of node %s: %w", node, err)
		}
	}
	return nil
}

func head(what string) string {
	return "The configuration of " + what + ", written by `sdp up`.\n" +
		"It sets addresses, ports and files anew at every start; the rest is yours to edit."
}

func writeServerConfig(s Stack, st state, content Content) error {
	f, err := openYAML(s.Config["server"], head("the server"))
	if err != nil {
		return err
	}
	database := url.URL{
		Scheme: "postgres", User: url.User(roleSDP), Host: loopback(st.Ports[portPostgres]), Path: "/" + roleSDP,
		RawQuery: "sslmode=disable",
	}
	err = f.set(
		setting{"instance", s.Instance},
		setting{"listen", st.Listen},
		setting{"publicURL", s.URL},
		setting{"database", []setting{{"url", database.String()}, {"passwordFile", s.passwordFile(roleSDP)}}},
		setting{"temporal", []setting{{"address", loopback(st.Ports[portTemporal])}, {"namespace", namespace}, {"ui", s.UI}}},
		setting{"keys", []setting{{"master", s.MasterKey}, {"codec", s.CodecKeys}}},
	)
	if content.Login != "" {
		err = errors.Join(err, f.propose(setting{"login", []setting{{"repository", content.Login}}}))
	}
	if len(content.Shared) > 0 {
		err = errors.Join(err, f.set(setting{"ocp", content.Shared}))
	}
	if err != nil {
		return err
	}
	return f.save()
}

func writeNodeConfig(s Stack, st state, number int, content Content) error {
	node := s.Nodes[number]
	f, err := openYAML(s.Config[node], head("node "+node+", for its worker and its router")+
		"\nThe worker is started again when this file changes: add repositories at the end.")
	if err != nil {
		return err
	}
	err = f.set(
		setting{"node", node},
		setting{"type", string(nodeType(node))},
		setting{"instance", s.Instance},
		setting{"address", s.Address},
		setting{"data", s.path(node)},
		setting{"server", []setting{{"url", "http://" + reachable(st.Listen, "127.0.0.1")}, {"tokenFile", s.TokenFile(node)}}},
		setting{"temporal", []setting{{"address", loopback(st.Ports[portTemporal])}, {"namespace", namespace}}},
		setting{"codecKeys", s.CodecKeys},
		setting{"docker", s.Docker},
		setting{"meshPort", st.Ports[portMesh(node)]},
	)
	if nodeType(node) == sdp.Gateway {
		err = errors.Join(err, f.set(setting{"ports", s.Ports}))
	}
	err = errors.Join(err,
		f.set(setting{"networks", networkPool(s.Instance, number).String()}),
		f.propose(setting{"builds", []setting{{"concurrency", 2}, {"timeout", "15m"}, {"online", false}}}),
	)
	f.setMarked("routes", "deny", "repositories", "all sandboxes' networks on this machine, set by `sdp up`", []string{networks.String()})
	f.setMarked("routes", "allow", "repositories", "the demo's shared environment, set by `sdp up`", content.sharedAddresses())
	repositories := content.Repositories[node]
	elements := make([]any, len(repositories))
	for i, r := range repositories {
		elements[i] = r
	}
	err = errors.Join(err, f.setNamed("repositories", []string{"path", "ocp"}, elements...))
	if err != nil {
		return err
	}
	return f.save()
}

// sharedAddresses returns the "host:port" of everything in the shared environment.
func (c Content) sharedAddresses() []string {
	var urls, addresses []string
	for _, s := range c.Shared {
		urls = append(urls, s.URL)
	}
	for _, repositories := range c.Repositories {
		for _, r := range repositories {
			urls = append(urls, r.OCP)
		}
	}
	for _, raw := range urls {
		if u, err := url.Parse(raw); err == nil && u.Port() != "" { // without a port it is nothing `sdp up` started
			addresses = append(addresses, u.Host)
		}
	}
	slices.Sort(addresses)
	return slices.Compact(addresses)
}

func nodeType(node string) sdp.NodeType {
	if node == GatewayNode {
		return sdp.Gateway
	}
	return sdp.Micro
}

// writeTokens writes each node's token into a file only the node's user can read. One that is there and good stays: a node that
// was removed and is to come back was given another by hand.
func writeTokens(s Stack, token func(masterKey, node, has string) (string, error)) error {
	for _, node := range s.Nodes {
		has, err := os.ReadFile(s.TokenFile(node))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		t, err := token(s.MasterKey, node, strings.TrimSpace(string(has)))
		if err != nil {
			return fmt.Errorf("token of node %s: %w", node, err)
		}
		if err := atomicfile.Write(s.TokenFile(node), []byte(t+"\n"), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// makeDirectories creates the directories of a stack. The data directory itself can be entered by anybody, because
// PostgreSQL runs as a user of its own; what is secret in it is closed one level below.
func makeDirectories(s Stack) error {
	if err := os.MkdirAll(s.Data, 0o755); err != nil {
		return sdp.Errorf(sdp.Invalid, "bad-data-directory", "creating the data directory: %w", err).
			WithRemedy("choose one you may write to with --data")
	}
	modes := map[string]os.FileMode{"keys": 0o700, "config": 0o755, "log": 0o700, "demo": 0o755}
	for _, node := range s.Nodes {
		modes[node] = 0o700
	}
	for name, mode := range modes {
		if err := os.MkdirAll(s.path(name), mode); err != nil {
			return err
		}
	}
	return nil
}

// known lists what a data directory may hold; Down removes nothing else.
func known(s Stack) []string {
	return slices.Concat(
		[]string{"config", "demo", "keys", "log", "postgres", "postgres.new", "state.json"}, s.Nodes, []string{"lock"})
}

// foreign returns the entries of the data directory that are not ours.
func foreign(s Stack) ([]string, error) {
	entries, err := os.ReadDir(s.Data)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !slices.Contains(known(s), e.Name()) && !strings.HasPrefix(e.Name(), ".new-") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
