package apitest

import (
	"context"
	"crypto/sha1"
	"encoding/hex"

	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
	"sdp/internal/wire"
)

// SHA is the commit the git server of the bed has for a branch of a repository.
func SHA(repository, branch string) string {
	sum := sha1.Sum([]byte(repository + "@" + branch))
	return hex.EncodeToString(sum[:])
}

// Answer changes what the nodes say about services of a plan: it gets what they would say.
func (e *Engine) Answer(change func(*planning.PreflightResult)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = change
}

// Silence makes a node not answer preflights.
func (e *Engine) Silence(node string, f sdp.Failure) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.silent = map[string]sdp.Failure{node: f}
}

// Preflight implements control.Engine: every branch exists, nothing is cached, and there is room for all of it.
func (e *Engine) Preflight(_ context.Context, in wire.PlanInput) (wire.PlanAnswer, error) {
	out := wire.PlanAnswer{Failures: map[string]sdp.Failure{}}
	if err := e.failing("Preflight"); err != nil {
		return out, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, node := range in.Nodes {
		if err := e.prove(node.Credentials, node.Node, node.ID); err != nil {
			return out, err
		}
		if f, silent := e.silent[node.Node]; silent {
			out.Failures[node.Node] = f
			continue
		}
		report := planning.PreflightReport{Node: node.Node, DiskFree: 100 << 30}
		for _, item := range node.Items {
			report.Results = append(report.Results, e.result(item))
		}
		out.Reports = append(out.Reports, report)
	}
	return out, nil
}

func (e *Engine) result(item planning.PreflightItem) planning.PreflightResult {
	r := planning.PreflightResult{Service: item.Service, SHA: item.SHA, Need: 10 << 20}
	if r.SHA == "" {
		r.SHA = SHA(item.Repository, item.Branch)
	}
	r.Image = sdp.ImageName(item.Repository, r.SHA, "buildkey")
	if e.answer != nil {
		e.answer(&r)
	}
	return r
}
