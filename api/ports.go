package api

import (
	"context"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

func (s *Server) listPorts(ctx context.Context, _ *none) (*body[Page[NodePorts]], error) {
	ports, err := s.db.Ports(ctx)
	if err != nil {
		return nil, err
	}
	nodes, err := s.nodeViews(ctx)
	if err != nil {
		return nil, err
	}
	return pageOf(ports, "", func(p sdp.NodePorts) NodePorts { return viewPorts(p, nodes.hosts) }), nil
}

func viewPorts(p sdp.NodePorts, hosts map[string]string) NodePorts {
	return NodePorts{
		Node: p.Node, First: p.First, Last: p.Last, Free: p.Free(),
		Taken: views(p.Taken, func(t sdp.TakenPort) TakenPort {
			return TakenPort{Port: t.Port, Sandbox: t.Sandbox, Owner: t.Owner, State: string(t.State),
				URL: sandboxURL(hosts[p.Node], t.Port)}
		}),
		Foreign: views(p.Foreign, func(f sdp.ForeignPort) ForeignPort {
			return ForeignPort{Port: f.Port, Reason: f.Why, Until: utc(f.Until)}
		}),
	}
}

// portNote says why a sandbox does not have the port it was given first, "" if it has.
func (s *Server) portNote(ctx context.Context, b sdp.Sandbox) (string, error) {
	filter := postgres.AuditFilter{Sandbox: b.Name, Action: sdp.ActionPortReassigned, Since: b.CreatedAt}
	events, _, err := s.db.AuditEvents(ctx, filter, postgres.Page{Limit: 1})
	if err != nil || len(events) == 0 {
		return "", err
	}
	return events[0].Detail, nil
}
