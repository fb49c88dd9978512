package nodeapi

import (
	"context"
	"errors"
	"strings"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Register takes what a node is and has.
func (e *Endpoints) Register(ctx context.Context, in *Report) (*Welcome, error) {
	var r wire.Registration
	if err := in.decode(&r); err != nil {
		return nil, err
	}
	if err := e.checkVersion(ctx, in.Node, r.Speaks); err != nil {
		return nil, err
	}
	if err := checkRegistration(in.Node, r.NodeRegistration); err != nil {
		return nil, err
	}
	r.Node.TokenIssued = e.TokenIssued(ctx)
	return welcome(e.DB.RegisterNode(ctx, r.NodeRegistration))
}

// Welcome tells a node which versions of the messages the server understands.
type Welcome struct{ Body wire.Welcome }

func welcome(err error) (*Welcome, error) {
	return &Welcome{wire.Welcome{Speaks: wire.Spoken()}}, err
}

// checkVersion refuses a worker that does not understand this server, and has the node's row say so. A worker asks again and
// again: what is no news is not audited.
func (e *Endpoints) checkVersion(ctx context.Context, node string, speaks wire.Versions) error {
	mismatch := wire.CheckNode(node, speaks)
	if mismatch == nil {
		return nil
	}
	news, err := e.DB.RefuseNode(ctx, node, mismatch.Error())
	if !news {
		e.Repeated(ctx)
	}
	return errors.Join(mismatch, err)
}

func checkRegistration(node string, r sdp.NodeRegistration) error {
	if r.Node.Name != node {
		return sdp.Errorf(sdp.Forbidden, "other-node", "node %s cannot register %q", node, sdp.Printable(r.Node.Name, 60))
	}
	switch r.Node.Type {
	case sdp.Micro, sdp.Gateway, sdp.Infra:
	default:
		return badNode("its type is not one of MICRO, GATEWAY and INFRA")
	}
	if r.Node.Address == "" {
		return badNode("it has no address")
	}
	if f, l := r.Node.PortFirst, r.Node.PortLast; f < 0 || l < f || l > 65535 || (f == 0) != (l == 0) {
		return badNode("its port range is not valid")
	}
	if l := r.Node.Limits; l.CPUs < 0 || l.Memory < 0 || l.PIDs < 0 {
		return badNode("its limits are not valid")
	}
	for _, repository := range r.Repositories {
		if err := sdp.CheckServiceName(repository.Name); err != nil {
			return err
		}
		if (repository.Port < 1 || repository.Port > 65535) && repository.Problem == "" {
			return badNode("repository " + repository.Name + " has no valid port")
		}
		if at := strings.LastIndexByte(repository.RemoteURL, '@'); at >= 0 && strings.Contains(repository.RemoteURL[:at], "://") {
			return badNode("the URL of repository " + repository.Name + " has credentials in it")
		}
		for key := range repository.Variables {
			if err := sdp.CheckEnvKey(key); err != nil {
				return err
			}
		}
	}
	return nil
}

func badNode(why string) error {
	return sdp.Errorf(sdp.Invalid, "bad-node", "the node cannot register: %s", why).WithRemedy("correct its node.yaml")
}
