package control

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Images are the images of nodes that SDP has to do with.
type Images struct {
	Images  []sdp.NodeImage // sorted by node
	Missing []MissingNode
}

// MissingNode is a node that could not be asked.
type MissingNode struct{ Node, Why string }

// Images asks the nodes what images they have: the one named, which must answer, or all; those of all that cannot be asked
// are named in the answer.
func (c *Control) Images(ctx context.Context, call *Call, node string) (Images, error) {
	if err := c.permit(call, sdp.LookImages, Object{}); err != nil {
		return Images{}, err
	}
	nodes, missing, err := c.askableNodes(ctx, node)
	if err != nil {
		return Images{}, err
	}
	out := Images{Missing: missing}
	if len(nodes) > 0 {
		answer, err := c.engine.Images(ctx, wire.InventoryInput{ID: sdp.NewID("i-"), Nodes: nodes})
		if err != nil {
			return Images{}, err
		}
		if f, failed := answer.Failures[node]; failed {
			return Images{}, sdp.Errorf(f.Kind, f.Code, "%s", f.Detail).WithRemedy("%s", f.Remedy)
		}
		out.Images = answer.Images
		for _, node := range slices.Sorted(maps.Keys(answer.Failures)) {
			out.Missing = append(out.Missing, MissingNode{node, answer.Failures[node].Detail})
		}
	}
	slices.SortStableFunc(out.Images, func(a, b sdp.NodeImage) int { return cmp.Compare(a.Node, b.Node) })
	return out, nil
}

// askableNodes lists the nodes that can be asked something now: the one named, or all, and then which cannot and why.
func (c *Control) askableNodes(ctx context.Context, name string) (nodes []string, missing []MissingNode, err error) {
	if name != "" {
		n, err := c.dockerNode(ctx, name)
		return []string{n.Name}, nil, err
	}
	all, err := c.db.Nodes(ctx)
	for _, n := range all {
		if err := errOf(c.Alive(n), dockerUp(n)); err != nil {
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
func (c *Control) dockerNode(ctx context.Context, name string) (sdp.Node, error) {
	if err := sdp.CheckNodeName(name); err != nil {
		return sdp.Node{}, err
	}
	n, err := c.readyNode(ctx, name)
	if err != nil {
		return n, err
	}
	return n, dockerUp(n)
}

// PruneImages removes the images of a node that SDP made and nothing needs, or says what it would remove.
func (c *Control) PruneImages(ctx context.Context, call *Call, name string, dryRun bool) (sdp.PruneReport, error) {
	if err := c.permit(call, sdp.AuditImagesPrune, Object{}); err != nil {
		return sdp.PruneReport{}, err
	}
	call.DryRun = dryRun
	node, err := c.dockerNode(ctx, name)
	if err != nil {
		return sdp.PruneReport{}, err
	}
	report, err := c.engine.PruneImages(ctx, wire.PruneRequest{ID: sdp.NewID("i-"), Node: node.Name, DryRun: dryRun})
	if err == nil {
		call.Event.Detail = DescribePrune(report)
	}
	return report, err
}

// DescribePrune is a prune in one line, for the audit.
func DescribePrune(r sdp.PruneReport) string {
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
