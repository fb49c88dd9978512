package nodeapi

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"sdp/internal/control"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Chunk is a part of a log.
type Chunk struct {
	Node    string `path:"node"`
	Stream  string `path:"stream"`
	Offset  int64  `query:"offset" minimum:"0"`
	Final   bool   `query:"final"`
	RawBody []byte `contentType:"application/octet-stream" required:"false"`
}

// Appended says up to where the server has the log: 409 where the chunk does not begin there.
type Appended struct {
	Status int
	Body   wire.LogOffset
}

// AppendLog takes a part of a log from the node that writes it.
func (e *Endpoints) AppendLog(ctx context.Context, in *Chunk) (*Appended, error) {
	if err := e.owners.check(ctx, e.Control, in.Node, in.Stream); err != nil {
		return nil, err
	}
	committed, err := e.DB.AppendLog(ctx, in.Stream, in.Offset, in.RawBody, in.Final)
	switch {
	case sdp.KindOf(err) == sdp.Conflict:
		return &Appended{Status: http.StatusConflict, Body: wire.LogOffset{Offset: committed}}, nil
	case err != nil:
		return nil, err
	}
	return &Appended{Status: http.StatusOK, Body: wire.LogOffset{Offset: committed}}, nil
}

// streamOwners knows which node writes which stream: nobody else may. It remembers, because a stream's owner never
// changes and a chunk arrives every few milliseconds.
type streamOwners struct {
	mu    sync.Mutex
	nodes map[string]string
}

const maxOwners = 10_000

func (o *streamOwners) check(ctx context.Context, c *control.Control, node, stream string) error {
	o.mu.Lock()
	owner, known := o.nodes[stream]
	o.mu.Unlock()
	if !known {
		d, err := c.Deployment(ctx, deploymentOf(stream))
		if err != nil {
			return err
		}
		owner = d.Node
		o.remember(stream, owner)
	}
	if owner != node {
		return sdp.Errorf(sdp.Forbidden, "other-node", "stream %s belongs to another node", sdp.Printable(stream, 60))
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
