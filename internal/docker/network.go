package docker

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"

	"sdp/internal/containers"
	"sdp/internal/sdp"
)

// subnetBits is the size of a sandbox's network: 61 containers beside the gateway.
const subnetBits = 26

// codeNameTaken is the code of errors about a name that somebody else's container or network has.
const codeNameTaken = "name-taken"

// EnsureNetwork returns the sandbox's network and makes it if there is none. The subnet is the first of the pool that
// neither Docker nor this machine uses, because Docker's own pools end at about 31 networks.
func (c *Client) EnsureNetwork(ctx context.Context, sandbox string) (containers.Network, error) {
	name := sdp.NetworkName(sandbox, c.node)
	if n, found, err := c.network(ctx, name); found || err != nil {
		return n, err
	}
	c.networks.Lock()
	defer c.networks.Unlock()
	if n, found, err := c.network(ctx, name); found || err != nil { // made while we waited
		return n, err
	}
	taken, err := c.takenSubnets(ctx)
	if err != nil {
		return containers.Network{}, err
	}
	for subnet := range c.freeSubnets(taken) {
		err := c.createNetwork(ctx, name, sandbox, subnet)
		switch {
		case err == nil || errdefs.IsConflict(err): // a conflict: somebody made it meanwhile
			n, found, err := c.network(ctx, name)
			if err == nil && !found {
				err = sdp.Errorf(sdp.Unavailable, "network-vanished", "network %s was removed while it was made", name).
					WithRemedy("try again")
			}
			return n, err
		case overlaps(err): // the other node of this daemon was faster, or a route of this machine is in the way
			continue
		default:
			return containers.Network{}, c.fail(ctx, err, "make network %s", name)
		}
	}
	return containers.Network{}, sdp.Errorf(sdp.Exhausted, "no-network-left", "all %d networks of %s are in use on node %s",
		1<<(subnetBits-c.pool.Bits()), c.pool, c.node).
		WithRemedy("delete sandboxes, or give the node a larger `networks:` range")
}

func overlaps(err error) bool {
	text := strings.ToLower(err.Error())
	return strings.Contains(text, "pool overlaps") || strings.Contains(text, "overlapping ipv4") ||
		strings.Contains(text, "conflicts with network")
}

// network looks for a network of ours. One of the same name that is not ours is a Conflict.
func (c *Client) network(ctx context.Context, name string) (containers.Network, bool, error) {
	info, err := c.api.NetworkInspect(ctx, name, network.InspectOptions{})
	if errdefs.IsNotFound(err) {
		return containers.Network{}, false, nil
	}
	if err != nil {
		return containers.Network{}, false, c.fail(ctx, err, "look at network %s", name)
	}
	if !c.owns(info.Labels) {
		return containers.Network{}, false, c.networkTaken(name, info.Labels)
	}
	return networkOf(info), true, nil
}

func (c *Client) networkTaken(name string, labels map[string]string) error {
	if instance := labels[sdp.LabelInstance]; instance != "" {
		return sdp.Errorf(sdp.Conflict, codeNameTaken, "the network %s belongs to instance %s, which uses the same Docker daemon",
			name, instance).WithRemedy("choose another sandbox name, or delete the sandbox there")
	}
	return sdp.Errorf(sdp.Conflict, codeNameTaken, "Docker has a network %s that SDP did not make", name).
		WithRemedy("choose another sandbox name, or remove it: `docker network rm %s`", name)
}

func networkOf(info network.Inspect) containers.Network {
	n := containers.Network{Name: info.Name, Sandbox: info.Labels[sdp.LabelSandbox]}
	if len(info.IPAM.Config) > 0 {
		n.Gateway, n.Subnet = info.IPAM.Config[0].Gateway, info.IPAM.Config[0].Subnet
	}
	return n
}

func (c *Client) createNetwork(ctx context.Context, name, sandbox string, subnet netip.Prefix) error {
	labels := c.ownLabels()
	labels[sdp.LabelSandbox] = sandbox
	_, err := c.api.NetworkCreate(ctx, name, network.CreateOptions{
		Driver: "bridge",
		IPAM: &network.IPAM{Config: []network.IPAMConfig{
			{Subnet: subnet.String(), Gateway: subnet.Addr().Next().String()},
		}},
		Labels: labels,
	})
	return err
}

// takenSubnets lists the ranges of Docker's networks and of this machine's own addresses.
func (c *Client) takenSubnets(ctx context.Context) ([]netip.Prefix, error) {
	list, err := c.api.NetworkList(ctx, network.ListOptions{})
	if err != nil {
		return nil, c.fail(ctx, err, "list networks")
	}
	var taken []netip.Prefix
	for _, n := range list {
		for _, config := range n.IPAM.Config {
			if p, err := netip.ParsePrefix(config.Subnet); err == nil {
				taken = append(taken, p)
			}
		}
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, c.fail(ctx, err, "list this machine's addresses")
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			taken = append(taken, p.Masked())
		}
	}
	return taken, nil
}

// freeSubnets goes through the pool's subnets that overlap none of the taken ones.
func (c *Client) freeSubnets(taken []netip.Prefix) func(yield func(netip.Prefix) bool) {
	return func(yield func(netip.Prefix) bool) {
		for at := c.pool.Addr(); c.pool.Contains(at); at = after(at) {
			subnet := netip.PrefixFrom(at, subnetBits)
			if !slices.ContainsFunc(taken, subnet.Overlaps) && !yield(subnet) {
				return
			}
		}
	}
}

// after returns the first address behind the subnet that starts at a; an invalid one at the end of the address space.
func after(a netip.Addr) netip.Addr {
	raw := a.As4()
	for i, step := 3, 1<<(32-subnetBits); i >= 0 && step > 0; i-- {
		sum := int(raw[i]) + step
		raw[i], step = byte(sum), sum>>8
		if i == 0 && step > 0 {
			return netip.Addr{}
		}
	}
	return netip.AddrFrom4(raw)
}

// RemoveNetwork removes the sandbox's network; one that is gone is no error, one with containers on it a Conflict. See
// UnlessMiscounted for one without that cannot be removed. One of the same name that is somebody else's is left alone.
func (c *Client) RemoveNetwork(ctx context.Context, sandbox string) error {
	name := sdp.NetworkName(sandbox, c.node)
	_, found, err := c.network(ctx, name)
	if sdp.KindOf(err) == sdp.Conflict {
		return nil
	}
	if err != nil || !found {
		return err
	}
	err = c.api.NetworkRemove(ctx, name)
	switch {
	case errdefs.IsNotFound(err):
		return nil
	case err != nil && strings.Contains(err.Error(), "active endpoints"):
		if info, e := c.api.NetworkInspect(ctx, name, network.InspectOptions{}); e == nil && len(info.Containers) == 0 {
			return sdp.Errorf(sdp.Unavailable, containers.CodeMiscounted, "Docker takes network %s, which has no containers, for one in use", name).
				WithRemedy("nothing: node %s removes it when Docker was started again", c.node)
		}
		return sdp.Errorf(sdp.Conflict, "network-busy", "network %s still has containers on it: %w", name, err).
			WithRemedy("`docker network inspect %s` shows them; those that SDP did not make must be disconnected by hand", name)
	}
	return c.fail(ctx, err, "remove network %s", name)
}

// Networks lists the networks of this node.
func (c *Client) Networks(ctx context.Context) ([]containers.Network, error) {
	list, err := c.api.NetworkList(ctx, network.ListOptions{Filters: c.ownFilter()})
	if err != nil {
		return nil, c.fail(ctx, err, "list networks")
	}
	networks := make([]containers.Network, 0, len(list))
	for _, n := range list {
		networks = append(networks, networkOf(n))
	}
	return networks, nil
}
