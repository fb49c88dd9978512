package api

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sdp/internal/sdp"
	"sdp/workflows"
)

type imagesInput struct {
	Node string `query:"node" maxLength:"100" doc:"absent = all nodes"`
}

// listImages asks the nodes what images they have. One that is named must answer; of all, those that cannot be asked are
// named in the answer.
func (s *Server) listImages(ctx context.Context, in *imagesInput) (*body[Images], error) {
	nodes, missing, err := s.askableNodes(ctx, in.Node)
	if err != nil {
		return nil, err
	}
	out := Images{Items: []Image{}, Missing: missing}
	if len(nodes) > 0 {
		answer, err := s.cfg.Engine.Images(ctx, workflows.ImagesInput{ID: sdp.NewID("i-"), Nodes: nodes})
		if err != nil {
			return nil, err
		}
		if f, failed := answer.Failures[in.Node]; failed {
			return nil, sdp.Errorf(f.Kind, f.Code, "%s", f.Detail).WithRemedy("%s", f.Remedy)
		}
		out.Items = views(answer.Images, viewImage)
		for _, node := range slices.Sorted(maps.Keys(answer.Failures)) {
			out.Missing = append(out.Missing, MissingNode{node, answer.Failures[node].Detail})
		}
	}
	slices.SortStableFunc(out.Items, func(a, b Image) int { return cmp.Compare(a.Node, b.Node) })
	return &body[Images]{out}, nil
}

// askableNodes lists the nodes that can be asked something now: the one named, or all, and then which cannot and why.
func (s *Server) askableNodes(ctx context.Context, name string) (nodes []string, missing []MissingNode, err error) {
	if name != "" {
		n, err := s.dockerNode(ctx, name)
		return []string{n.Name}, nil, err
	}
	all, err := s.db.Nodes(ctx)
	for _, n := range all {
		if err := errOf(s.alive(n), dockerUp(n)); err != nil {
			missing = append(missing, MissingNode{n.Name, sdp.AsError(err).Detail})
			continue
		}
		nodes = append(nodes, n.Name)
	}
	return nodes, missing, err
}

func errOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// dockerNode returns a node, named by a caller, whose worker and Docker daemon answer.
func (s *Server) dockerNode(ctx context.Context, name string) (sdp.Node, error) {
	if err := sdp.CheckNodeName(name); err != nil {
		return sdp.Node{}, err
	}
	n, err := s.readyNode(ctx, name)
	if err != nil {
		return n, err
	}
	return n, dockerUp(n)
}

type pruneImagesInput struct {
	Node string `path:"node"`
	Body PruneImages
}

func (s *Server) pruneImages(ctx context.Context, in *pruneImagesInput) (*body[PruneReport], error) {
	info := infoOf(ctx)
	info.dryRun = in.Body.DryRun
	node, err := s.dockerNode(ctx, in.Node)
	if err != nil {
		return nil, err
	}
	report, err := s.cfg.Engine.PruneImages(ctx, workflows.PruneInput{ID: sdp.NewID("i-"), Node: node.Name, DryRun: in.Body.DryRun})
	if err != nil {
		return nil, err
	}
	info.event.Detail = describePrune(report)
	return &body[PruneReport]{viewPrune(report)}, nil
}

// describePrune is a prune in one line, for the audit.
func describePrune(r sdp.PruneReport) string {
	const named = 5
	text := fmt.Sprintf("node %s: removed %d images, %d MB", r.Node, len(r.Removed), r.Freed/1e6)
	var names []string
	for _, i := range r.Removed[:min(named, len(r.Removed))] {
		names = append(names, cmp.Or(i.Name, i.ID))
	}
	if more := len(r.Removed) - named; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	if len(names) > 0 {
		text += ": " + strings.Join(names, ", ")
	}
	return text
}

// neededImages tells a node what it must keep.
func (s *Server) neededImages(ctx context.Context, in *nodeInput) (*rawOutput, error) {
	needed, err := s.db.NeededImages(ctx, in.Node)
	if err != nil {
		return nil, err
	}
	return rawJSON(needed)
}

// prunedImages takes the report of a prune a node did by itself because its disk was too full.
func (s *Server) prunedImages(ctx context.Context, in *nodeReport) (*none, error) {
	var r sdp.WatermarkPrune
	if err := in.decode(&r); err != nil {
		return nil, err
	}
	r.Report.Node = in.Node
	e := sdp.AuditEvent{User: "system", Action: "images.prune", Outcome: sdp.Succeeded,
		Detail: fmt.Sprintf("its disk was %d%% full, above the watermark of %d%%; %s", r.Used, r.Watermark, describePrune(r.Report))}
	if r.Problem != "" {
		e.Outcome, e.Detail = sdp.OutcomeFailed, e.Detail+"; "+r.Problem
	}
	return nil, s.db.Audit(ctx, cleaned(e))
}

func viewImage(i sdp.NodeImage) Image {
	return Image{Node: i.Node, ID: i.ID, Name: i.Name, Kind: string(i.Kind), Repository: i.Repository, SHA: i.SHA, Size: i.Size,
		CreatedAt: utc(i.CreatedAt), NeededBy: append([]string{}, i.NeededBy...)}
}

func viewPrune(r sdp.PruneReport) PruneReport {
	return PruneReport{Node: r.Node, DryRun: r.DryRun, Removed: views(r.Removed, viewImage), Kept: views(r.Kept, viewImage),
		Freed: r.Freed, DiskFree: r.DiskFree, DiskTotal: r.DiskTotal}
}
