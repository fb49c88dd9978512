package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"sdp/internal/docker"
	"sdp/internal/git"
	"sdp/internal/logs"
	"sdp/internal/sdp"
)

// stopGrace is how long a container may take to stop by itself.
const stopGrace = 10 * time.Second

// Route makes this node's router serve a table. Error "port-held": something foreign holds the public port.
func (h *Host) Route(ctx context.Context, in RouteInput) error {
	return h.do(ctx, func(ctx context.Context) error {
		errs := []error{h.apply(ctx, in.Table), h.keep(ctx, in.Container)}
		deployments := []string{in.Deployment}
		for _, c := range in.More {
			errs = append(errs, h.keep(ctx, c.DockerID))
			deployments = append(deployments, c.Deployment)
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
		for _, d := range deployments {
			if d != "" {
				errs = append(errs, h.closeLog(d, "ROUTE", "requests go to the new container"))
			}
		}
		return errors.Join(errs...)
	})
}

// keep has Docker restart a container that ends. Before it was healthy once, that would hide why it ended.
func (h *Host) keep(ctx context.Context, container string) error {
	if container == "" {
		return nil
	}
	return h.Docker.Keep(ctx, container)
}

// closeLog writes a deployment's last line, once however often it is called, and marks its log as complete.
func (h *Host) closeLog(deployment, tag, text string) error {
	stream, err := h.Spool.Create(sdp.DeploymentStream(deployment), logs.Options{Masker: logs.NewMasker()})
	if err != nil {
		return diskError(h.Node, "writing the log", err)
	}
	end := "[" + tag + "] " + strings.ReplaceAll(text, "\n", "\n["+tag+"] ") + "\n"
	if stream.Tail(len(end)) != end {
		stream.Printf(tag, "%s", text)
	}
	return stream.Close()
}

// Discard removes what a failed or cancelled deployment left on this node and completes its log.
func (h *Host) Discard(ctx context.Context, in DiscardInput) error {
	return h.do(ctx, func(ctx context.Context) error {
		h.claims.drop(in.Deployment)
		err := errors.Join(h.Docker.RemoveDeployment(ctx, in.Deployment), os.RemoveAll(h.checkoutDir(in.Deployment)))
		return errors.Join(err, h.closeLog(in.Deployment, "END", in.Reason))
	})
}

// Retire lets a replaced container finish the requests it has and removes it. Its successor then takes over the
// canonical name.
func (h *Host) Retire(ctx context.Context, in RetireInput) error {
	return h.do(ctx, func(ctx context.Context) error {
		if in.Container.Address != "" {
			if _, err := h.Router.Drain(ctx, in.Container.Address, h.Drain); err != nil {
				return err
			}
		}
		if err := h.remove(ctx, in.Container.DockerID); err != nil {
			return err
		}
		return h.inherit(ctx, in)
	})
}

func (h *Host) remove(ctx context.Context, id string) error {
	if err := h.Docker.Stop(ctx, id, stopGrace); err != nil {
		return err
	}
	return h.Docker.Remove(ctx, id)
}

// inherit gives the canonical name to the successor, unless that has been replaced itself in the meantime.
func (h *Host) inherit(ctx context.Context, in RetireInput) error {
	own := sdp.GenerationName(in.Container.Sandbox, in.Container.Service, in.Successor)
	successor, found, err := h.Docker.Inspect(ctx, own)
	if in.Successor == "" || err != nil || !found {
		return err
	}
	err = h.Docker.Rename(ctx, successor.ID, sdp.ContainerName(in.Container.Sandbox, in.Container.Service))
	if sdp.KindOf(err) == sdp.Conflict || sdp.KindOf(err) == sdp.NotFound {
		return nil // another generation holds it; its own retirement passes the name on
	}
	return err
}

// StopTraffic makes this node's router refuse requests for a sandbox that is being deleted.
func (h *Host) StopTraffic(ctx context.Context, in TeardownInput) error {
	return h.do(ctx, func(ctx context.Context) error { return h.Router.Remove(ctx, in.Sandbox) })
}

// Teardown removes a sandbox's containers and network from this node. Only what carries our labels is touched.
func (h *Host) Teardown(ctx context.Context, in TeardownInput) error {
	return h.do(ctx, func(ctx context.Context) error {
		all, err := h.Docker.List(ctx)
		if err != nil {
			return err
		}
		mine := slices.DeleteFunc(all, func(c docker.Container) bool { return c.Sandbox != in.Sandbox })
		errs := make([]error, len(mine))
		var group sync.WaitGroup
		for i, c := range mine {
			group.Go(func() { errs[i] = h.remove(ctx, c.ID) })
		}
		group.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
		return errors.Join(h.Router.Remove(ctx, in.Sandbox), h.Docker.RemoveNetwork(ctx, in.Sandbox))
	})
}

// VerifyLogin proves credentials against a repository's git server.
func (h *Host) VerifyLogin(ctx context.Context, in LoginInput) error {
	return h.do(ctx, func(ctx context.Context) error {
		clone, cred, err := h.asked(in.Repository, in.Credentials, in.ID)
		if err != nil {
			return err
		}
		return git.Check(ctx, clone.RemoteURL(), cred)
	})
}

// Branches lists a repository's branches as its git server has them now.
func (h *Host) Branches(ctx context.Context, in BranchesInput) ([]sdp.Branch, error) {
	var out []sdp.Branch
	err := h.do(ctx, func(ctx context.Context) error {
		clone, cred, err := h.asked(in.Repository, in.Credentials, in.ID)
		if err != nil {
			return err
		}
		out, err = clone.Branches(ctx, cred, &h.described)
		return err
	})
	return out, err
}

func (h *Host) asked(repository string, box sdp.SealedBox, operation string) (*git.Clone, git.Credentials, error) {
	repo, err := h.repository(repository)
	if err != nil {
		return nil, git.Credentials{}, err
	}
	cred, err := h.credentials(box, operation)
	if err != nil {
		return nil, cred, err
	}
	clone, err := git.Open(repo.Path)
	return clone, cred, err
}

// traceTimeout bounds a traced request; traceBody is how much of the answer is kept, in bytes.
const (
	traceTimeout = 15 * time.Second
	traceBody    = 2 << 10
)

// SendTrace sends one tagged request to the sandbox's public port on this node.
func (h *Host) SendTrace(ctx context.Context, in TraceInput) (sdp.Trace, error) {
	path, _, _ := strings.Cut(in.Path, "?") // a query string may hold secrets, and traces are passed around
	out := sdp.Trace{ID: in.ID, Sandbox: in.Sandbox, Path: path}
	err := h.do(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, traceTimeout)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, in.Method, fmt.Sprintf("http://127.0.0.1:%d%s", in.Port, in.Path), nil)
		if err != nil {
			return sdp.Errorf(sdp.Invalid, "bad-path", "no request can be made of this method and path").
				WithRemedy("give a path such as /account/overview")
		}
		req.Header.Set(sdp.TraceHeader, in.ID)
		resp, err := http.DefaultTransport.RoundTrip(req) // redirects are shown, not followed
		if err != nil {
			return sdp.Errorf(sdp.Unavailable, "sandbox-unreachable", "the sandbox's port %d does not answer: %w", in.Port, err).
				WithRemedy("`sdp nodes` shows whether the gateway node's router runs")
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(io.LimitReader(resp.Body, traceBody))
		out.Status, out.Body = resp.StatusCode, string(body)
		return err
	})
	return out, err
}

// Hops returns what this node's router saw of a trace.
func (h *Host) Hops(ctx context.Context, in HopsInput) ([]sdp.Hop, error) {
	var out []sdp.Hop
	err := h.do(ctx, func(ctx context.Context) (err error) {
		out, err = h.Router.Hops(ctx, in.ID)
		return err
	})
	return out, err
}

// SortHops orders hops by their start.
func SortHops(hops []sdp.Hop) []sdp.Hop {
	slices.SortStableFunc(hops, func(a, b sdp.Hop) int { return cmp.Compare(a.StartedAt, b.StartedAt) })
	return hops
}
