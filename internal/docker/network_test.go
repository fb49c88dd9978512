package docker

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"sdp/internal/sdp"
)

// Two nodes of one daemon make networks side by side without getting in each other's way.
func TestNetworks(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	other := clientFor(t, c.instance, "gateway-1")
	ctx := context.Background()
	sandbox := sdp.NewID("s")
	var mu sync.Mutex
	var subnets []string
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name, client := sandbox, []*Client{c, other}[i%2]
			if i >= 4 {
				name = sdp.NewID("s")
			}
			n, err := client.EnsureNetwork(ctx, name)
			if err != nil {
				t.Error(err)
				return
			}
			subnet := netip.MustParsePrefix(n.Subnet)
			if n.Name != sdp.NetworkName(name, client.node) || n.Sandbox != name || subnet.Bits() != subnetBits ||
				!c.pool.Overlaps(subnet) || subnet.Addr().Next().String() != n.Gateway {
				t.Errorf("network = %+v", n)
			}
			mu.Lock()
			defer mu.Unlock()
			subnets = append(subnets, n.Subnet)
		})
	}
	wg.Wait()
	slices.Sort(subnets)
	if distinct := len(slices.Compact(subnets)); distinct != 6 {
		t.Errorf("subnets %v, want 6 distinct ones", subnets)
	}
	for client, want := range map[*Client]int{c: 3, other: 3} {
		if list, err := client.Networks(ctx); err != nil || len(list) != want {
			t.Errorf("Networks = %+v, %v; want %d", list, err, want)
		}
	}
	for range 2 {
		if err := c.RemoveNetwork(ctx, sandbox); err != nil {
			t.Error(err)
		}
	}
	if _, found, err := other.network(ctx, sdp.NetworkName(sandbox, other.node)); err != nil || !found {
		t.Errorf("the other node's network is gone: %v", err)
	}
}

// A network of the same name that another instance made is refused, and left alone when the sandbox is deleted.
func TestNetworkOfAnotherInstance(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := newClient(t)
	other := clientFor(t, c.instance+"b", c.node)
	sandbox := sdp.NewID("s")
	if _, err := c.EnsureNetwork(ctx, sandbox); err != nil {
		t.Fatal(err)
	}
	_, err := other.EnsureNetwork(ctx, sandbox)
	wantCode(t, err, sdp.Conflict, "name-taken")
	if !strings.Contains(err.Error(), "belongs to instance "+c.instance) {
		t.Errorf("error = %v", err)
	}
	if err := other.RemoveNetwork(ctx, sandbox); err != nil {
		t.Error(err)
	}
	if _, found, err := c.network(ctx, sdp.NetworkName(sandbox, c.node)); err != nil || !found {
		t.Errorf("the network is gone: %v", err)
	}
}

func TestNetworkPoolEnds(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.pool = netip.MustParsePrefix("10.214.128.0/25")
	ctx := context.Background()
	for _, want := range []string{"10.214.128.0/26", "10.214.128.64/26"} {
		if n, err := c.EnsureNetwork(ctx, sdp.NewID("s")); err != nil || n.Subnet != want {
			t.Errorf("network = %+v, %v; want %s", n, err, want)
		}
	}
	_, err := c.EnsureNetwork(ctx, sdp.NewID("s"))
	wantCode(t, err, sdp.Exhausted, "no-network-left")
}

func TestNetworkInUse(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	s := spec(t, c)
	start(t, c, s)
	wantCode(t, c.RemoveNetwork(context.Background(), s.Sandbox), sdp.Conflict, "network-busy")
}

func TestAfter(t *testing.T) {
	for from, want := range map[string]string{
		"10.0.0.0": "10.0.0.64", "10.0.0.192": "10.0.1.0", "10.0.255.192": "10.1.0.0", "255.255.255.192": "invalid IP",
	} {
		if got := after(netip.MustParseAddr(from)).String(); got != want {
			t.Errorf("after(%s) = %s, want %s", from, got, want)
		}
	}
}
