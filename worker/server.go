package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// server is the control plane as a node sees it: where it registers, reports and learns what it should run.
type server struct {
	url   string
	node  string
	token string
	http  *http.Client
}

func newServer(c NodeConfig, token string) *server {
	return &server{url: strings.TrimRight(c.Server.URL, "/"), node: c.Node, token: token,
		http: &http.Client{Timeout: 10 * time.Second}}
}

// register introduces the node. An answer that does not say what the server speaks is that of an older one.
func (s *server) register(ctx context.Context, r sdp.NodeRegistration) error {
	return s.meet(ctx, "register", wire.Registration{Speaks: wire.Spoken(), NodeRegistration: r})
}

func (s *server) heartbeat(ctx context.Context, h sdp.Heartbeat) error {
	return s.meet(ctx, "heartbeat", wire.Heartbeat{Speaks: wire.Spoken(), Clock: time.Now(), Heartbeat: h})
}

func (s *server) meet(ctx context.Context, what string, in any) error {
	var welcome wire.Welcome
	if err := s.call(ctx, http.MethodPost, what, in, &welcome); err != nil {
		return err
	}
	return wire.CheckServer(s.node, welcome.Speaks)
}

// desired is what the node should run. What a server says that this node may misunderstand is not taken: acting on it would
// stop containers.
func (s *server) desired(ctx context.Context, have wire.TableVersions) (wire.Desired, error) {
	var d wire.Desired
	if err := s.call(ctx, http.MethodGet, "desired?have="+have.Digest(), nil, &d); err != nil {
		return d, err
	}
	if d.Same {
		d.Tables = have
	}
	return d, wire.CheckServer(s.node, d.Speaks)
}

// tables hands each of the sandboxes' routing tables to take. Those of sandboxes that have nothing to do with the node any
// more are left out.
func (s *server) tables(ctx context.Context, sandboxes []string, take func(wire.RoutingTable)) error {
	for len(sandboxes) > 0 {
		var answer wire.TablesAnswer
		if err := s.call(ctx, http.MethodPost, "tables", wire.TablesRequest{Sandboxes: sandboxes}, &answer); err != nil {
			return err
		}
		if err := wire.CheckServer(s.node, answer.Speaks); err != nil {
			return err
		}
		for _, t := range answer.Tables {
			take(t)
		}
		if len(answer.Rest) >= len(sandboxes) {
			return sdp.Errorf(sdp.Unavailable, "server-refused", "the server does not send the routing tables it was asked for")
		}
		sandboxes = answer.Rest
	}
	return nil
}

func (s *server) observed(ctx context.Context, c []sdp.Correction) error {
	return s.call(ctx, http.MethodPost, "observed", c, nil)
}

func (s *server) neededImages(ctx context.Context) (sdp.NeededImages, error) {
	var n sdp.NeededImages
	err := s.call(ctx, http.MethodGet, "images/needed", nil, &n)
	if err == nil && n.Images == nil { // an answer that does not say what is needed does not mean "nothing"
		err = sdp.Errorf(sdp.Unavailable, "server-refused", "the server does not say which images are needed")
	}
	return n, err
}

func (s *server) prunedImages(ctx context.Context, r sdp.WatermarkPrune) error {
	return s.call(ctx, http.MethodPost, "images/pruned", r, nil)
}

// Table returns a sandbox's routing table as it is now.
func (s *server) Table(ctx context.Context, sandbox string) (table wire.RoutingTable, err error) {
	err = s.tables(ctx, []string{sandbox}, func(t wire.RoutingTable) { table = t })
	if err == nil && table.Sandbox == "" {
		err = sdp.Errorf(sdp.NotFound, "sandbox-not-found", "the server has no routes of sandbox %s for node %s", sandbox, s.node)
	}
	return table, err
}

// Asks returns a page of questions for git servers.
func (s *server) Asks(ctx context.Context, in wire.AsksRequest) (wire.AsksPage, error) {
	var page wire.AsksPage
	if err := s.call(ctx, http.MethodPost, "look/asks", in, &page); err != nil {
		return page, err
	}
	return page, wire.CheckServer(s.node, page.Speaks)
}

// TakeAnswers gives the answers to a page back.
func (s *server) TakeAnswers(ctx context.Context, in wire.AnswersReport) error {
	return s.call(ctx, http.MethodPost, "look/answers", in, nil)
}

func (s *server) call(ctx context.Context, method, what string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url+"/node/v1/"+url.PathEscape(s.node)+"/"+what, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.http.Do(req)
	if err != nil {
		return sdp.Errorf(sdp.Unavailable, "server-unreachable", "the server does not answer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return refusal(resp)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil && !errors.Is(err, io.EOF) { // an older server's answer is empty
		return err
	}
	return nil
}

// refusal reads the problem the server answered with.
func refusal(resp *http.Response) error {
	var p struct{ Code, Detail, Remedy string }
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 16<<10)) // what cannot be read is described by the status alone
	if json.Unmarshal(raw, &p) != nil || p.Detail == "" {
		p.Code, p.Detail = "server-refused", fmt.Sprintf("the server answered %s", resp.Status)
	}
	kind := sdp.Internal
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		kind = sdp.Unauthenticated
	case resp.StatusCode == http.StatusConflict:
		kind = sdp.Conflict
	case resp.StatusCode >= 500:
		kind = sdp.Unavailable
	case resp.StatusCode >= 400:
		kind = sdp.Invalid
	}
	return sdp.Errorf(kind, p.Code, "%s", p.Detail).WithRemedy("%s", p.Remedy)
}
