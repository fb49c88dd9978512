package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"sdp/internal/sdp"
)

// What nodes send are domain types as they are, decoded leniently: a worker may be newer or older than the server.

type nodeInput struct {
	Node string `path:"node"`
}

type nodeReport struct {
	Node    string `path:"node"`
	RawBody []byte `contentType:"application/json"`
}

func (r *nodeReport) decode(into any) error {
	if err := json.Unmarshal(r.RawBody, into); err != nil {
		return sdp.Errorf(sdp.Invalid, "bad-report", "the body is not what a worker sends").
			WithRemedy("run the same version of sdp on the node and on the server")
	}
	return nil
}

func (s *Server) register(ctx context.Context, in *nodeReport) (*none, error) {
	var r sdp.NodeRegistration
	if err := in.decode(&r); err != nil {
		return nil, err
	}
	if err := checkRegistration(in.Node, r); err != nil {
		return nil, err
	}
	return nil, s.db.RegisterNode(ctx, r)
}

func checkRegistration(node string, r sdp.NodeRegistration) error {
	if r.Node.Name != node {
		return sdp.Errorf(sdp.Forbidden, "other-node", "node %s cannot register %q", node, clean(r.Node.Name, 60))
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
		if repository.Port < 1 || repository.Port > 65535 {
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

func (s *Server) heartbeat(ctx context.Context, in *nodeReport) (*none, error) {
	var h sdp.Heartbeat
	if err := in.decode(&h); err != nil {
		return nil, err
	}
	return nil, s.db.Heartbeat(ctx, in.Node, h)
}

// rawOutput is JSON of a domain type. The schema of such bodies is the Go type; they are no part of the public API.
type rawOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (s *Server) desired(ctx context.Context, in *nodeInput) (*rawOutput, error) {
	d, err := s.db.Desired(ctx, in.Node)
	if err != nil {
		return nil, err
	}
	d.MeshToken = s.cfg.Keys.MeshToken()
	return rawJSON(d)
}

func rawJSON(v any) (*rawOutput, error) {
	raw, err := json.Marshal(v)
	return &rawOutput{ContentType: "application/json", Body: raw}, err
}

func (s *Server) observed(ctx context.Context, in *nodeReport) (*none, error) {
	var corrections []sdp.Correction
	if err := in.decode(&corrections); err != nil {
		return nil, err
	}
	return nil, s.db.Observe(ctx, in.Node, corrections)
}

type appendInput struct {
	Node    string `path:"node"`
	Stream  string `path:"stream"`
	Offset  int64  `query:"offset" minimum:"0"`
	Final   bool   `query:"final"`
	RawBody []byte `contentType:"application/octet-stream" required:"false"`
}

type appendOutput struct {
	Status int
	Body   LogOffset
}

// LogOffset is the answer to appended log bytes: where the next byte goes. With 409 the bytes did not fit there.
type LogOffset struct {
	Offset int64 `json:"offset"`
}

func (s *Server) appendLog(ctx context.Context, in *appendInput) (*appendOutput, error) {
	if err := s.owners.check(ctx, s, in.Node, in.Stream); err != nil {
		return nil, err
	}
	committed, err := s.db.AppendLog(ctx, in.Stream, in.Offset, in.RawBody, in.Final)
	switch {
	case sdp.KindOf(err) == sdp.Conflict:
		return &appendOutput{Status: http.StatusConflict, Body: LogOffset{committed}}, nil
	case err != nil:
		return nil, err
	}
	return &appendOutput{Status: http.StatusOK, Body: LogOffset{committed}}, nil
}

// streamOwners knows which node writes which stream: nobody else may. It remembers, because a stream's owner never
// changes and a chunk arrives every few milliseconds.
type streamOwners struct {
	mu    sync.Mutex
	nodes map[string]string
}

const maxOwners = 10_000

func (o *streamOwners) check(ctx context.Context, s *Server, node, stream string) error {
	o.mu.Lock()
	owner, known := o.nodes[stream]
	o.mu.Unlock()
	if !known {
		d, err := s.deployment(ctx, deploymentOf(stream))
		if err != nil {
			return err
		}
		owner = d.Node
		o.remember(stream, owner)
	}
	if owner != node {
		return sdp.Errorf(sdp.Forbidden, "other-node", "stream %s belongs to another node", clean(stream, 60))
	}
	return nil
}

func (o *streamOwners) remember(stream, node string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.nodes == nil || len(o.nodes) >= maxOwners {
		o.nodes = map[string]string{}
	}
	o.nodes[stream] = node
}

// deploymentOf is the deployment a stream belongs to, "" if the name is not that of a stream.
func deploymentOf(stream string) string {
	for _, prefix := range []string{sdp.DeploymentStream(""), sdp.ContainerStream("")} {
		if id, ok := strings.CutPrefix(stream, prefix); ok {
			return id
		}
	}
	return ""
}
