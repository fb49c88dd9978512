package egress

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Names of the control plane's machines are resolved again after a while, in a moment or not at all: what was known
// stays, so that routes work while the control plane, or its name server, is down.
const (
	resolveAgain   = time.Minute
	resolveTimeout = time.Second
)

// controlPlane is the machines of the server and of Temporal.
type controlPlane struct {
	names []string
	mu    sync.Mutex
	known map[string][]netip.Addr
	asked time.Time
}

func (c *controlPlane) contains(ctx context.Context, ip netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.asked) >= resolveAgain {
		c.resolve(ctx)
	}
	for _, known := range c.known {
		if slices.ContainsFunc(known, func(a netip.Addr) bool { return a.Unmap() == ip }) {
			return true
		}
	}
	return false
}

func (c *controlPlane) resolve(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	if c.known == nil {
		c.known = map[string][]netip.Addr{}
	}
	for _, name := range c.names {
		if found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name); err == nil {
			c.known[name] = found
		}
	}
	c.asked = time.Now()
}
