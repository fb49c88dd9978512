// Package nodeapi is what nodes report to the server and ask it: their registration and health, what they should run and
// keep, and logs. Its methods are handlers of routes below /node/v1/{node}, which sdp/api registers; whoever calls one has
// the token of that node. None of it is part of the public API.
//
// What nodes send is decoded leniently: a worker may be newer or older than the server, as long as the two have a version
// of the messages in common.
package nodeapi

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"sdp/internal/control"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/wire"
)

// Endpoints answers nodes. All fields are required.
type Endpoints struct {
	DB      *postgres.DB
	Control *control.Control
	Keys    *secret.Keyring
	// Repeated is told of a request that is refused as one before it was: the audit has it already.
	Repeated func(context.Context)
	// TokenIssued is when the token of the request's node was issued.
	TokenIssued func(context.Context) time.Time
	Now         func() time.Time

	owners streamOwners
}

// Question is a request that has nothing to say but who asks.
type Question struct {
	Node string `path:"node"`
}

// Report is a request with a message in it.
type Report struct {
	Node    string `path:"node"`
	RawBody []byte `contentType:"application/json"`
}

func (r *Report) decode(into any) error {
	if err := json.Unmarshal(r.RawBody, into); err != nil {
		return sdp.Errorf(sdp.Invalid, "bad-report", "the body is not what a worker sends").
			WithRemedy("run the same version of sdp on the node and on the server")
	}
	return nil
}

// Heartbeat takes how a node is, with what its router counted.
func (e *Endpoints) Heartbeat(ctx context.Context, in *Report) (*Welcome, error) {
	var h wire.Heartbeat
	if err := in.decode(&h); err != nil {
		return nil, err
	}
	if err := e.checkVersion(ctx, in.Node, h.Speaks); err != nil {
		return nil, err
	}
	if !h.Clock.IsZero() {
		h.ClockAhead = h.Clock.Sub(e.Now()).Round(time.Second)
	}
	return welcome(e.DB.Heartbeat(ctx, in.Node, h.Heartbeat))
}

// Raw is JSON of a domain type. The schema of such bodies is the Go type.
type Raw struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// DesiredQuestion has the digest of the versions of the tables that the node's router has.
type DesiredQuestion struct {
	Question
	Have string `query:"have"`
}

// Desired says what a node should run.
func (e *Endpoints) Desired(ctx context.Context, in *DesiredQuestion) (*Raw, error) {
	d, err := e.DB.Desired(ctx, in.Node)
	if err != nil {
		return nil, err
	}
	if d.Same = in.Have == d.Tables.Digest(); d.Same {
		d.Tables = nil
	}
	d.Speaks = wire.Spoken()
	d.MeshToken = e.Keys.MeshToken()
	return rawJSON(d)
}

// tablesAtOnce is how many tables are computed together.
const tablesAtOnce = 20

// Tables answers with routing tables, as many as there is room for.
func (e *Endpoints) Tables(ctx context.Context, in *Report) (*Raw, error) {
	var asked wire.TablesRequest
	if err := in.decode(&asked); err != nil {
		return nil, err
	}
	answer := wire.TablesAnswer{Speaks: wire.Spoken(), Rest: asked.Sandboxes}
	for size := 0; len(answer.Rest) > 0 && size < wire.MaxTablesBytes; {
		some := answer.Rest[:min(len(answer.Rest), tablesAtOnce)]
		tables, err := e.DB.TablesFor(ctx, in.Node, some)
		if err != nil {
			return nil, err
		}
		answer.Rest = answer.Rest[len(some):]
		for _, t := range tables {
			if size >= wire.MaxTablesBytes {
				answer.Rest = asked.Sandboxes[slices.Index(asked.Sandboxes, t.Sandbox):]
				break
			}
			raw, err := json.Marshal(t)
			if err != nil {
				return nil, err
			}
			answer.Tables, size = append(answer.Tables, t), size+len(raw)
		}
	}
	return rawJSON(answer)
}

func rawJSON(v any) (*Raw, error) {
	raw, err := json.Marshal(v)
	return &Raw{ContentType: "application/json", Body: raw}, err
}

// Observed takes what a node had to put right.
func (e *Endpoints) Observed(ctx context.Context, in *Report) (*struct{}, error) {
	var corrections []sdp.Correction
	if err := in.decode(&corrections); err != nil {
		return nil, err
	}
	return nil, e.DB.Observe(ctx, in.Node, corrections)
}
