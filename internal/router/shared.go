package router

import (
	"net/url"
	"slices"
	"unique"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// maxOutside bounds what shared remembers of what no table may lead to any more. One costs some hundred bytes.
const maxOutside = 10_000

// shared is what the tables of sandboxes have in common, so that it is in memory once: most routes of most sandboxes lead to
// the shared environment.
type shared struct {
	upstreams map[outsideKey]*upstream
}

type outsideKey struct {
	service string
	source  sdp.Source
	url     string
}

// outside returns the upstream of a route's URL; nil if that leads nowhere.
func (s *shared) outside(rt *route) *upstream {
	key := outsideKey{rt.Service, rt.Source, rt.URL}
	if up, ok := s.upstreams[key]; ok {
		return up
	}
	if len(s.upstreams) >= maxOutside || s.upstreams == nil {
		s.upstreams = map[outsideKey]*upstream{}
	}
	base, err := url.Parse(rt.URL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		s.upstreams[key] = nil
		return nil
	}
	base.User = nil
	s.upstreams[key] = &upstream{base: base, address: hostPort(base), name: base.Scheme + "://" + base.Host + base.Path,
		header: []string{rt.Service + "=" + string(rt.Source)}}
	return s.upstreams[key]
}

// table returns a table with what others have too.
func (s *shared) table(t wire.RoutingTable) wire.RoutingTable {
	t.GatewayNode, t.Gateway = one(t.GatewayNode), one(t.Gateway)
	t.Services = slices.Clone(t.Services)
	for i := range t.Services {
		r := &t.Services[i]
		r.Service, r.Source, r.URL, r.Reason = one(r.Service), one(r.Source), one(r.URL), one(r.Reason)
		if r.Target != nil {
			target := *r.Target
			target.Node, target.NodeAddress = one(target.Node), one(target.NodeAddress)
			r.Target = &target
		}
	}
	return t
}

// one returns the one of equal strings that all have.
func one[S ~string](s S) S { return unique.Make(s).Value() }
