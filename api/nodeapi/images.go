package nodeapi

import (
	"context"
	"fmt"

	"sdp/internal/control"
	"sdp/internal/sdp"
)

// maxDetail bounds what the audit is told, in bytes.
const maxDetail = 500

// NeededImages tells a node what it must keep.
func (e *Endpoints) NeededImages(ctx context.Context, in *Question) (*Raw, error) {
	needed, err := e.DB.NeededImages(ctx, in.Node)
	if err != nil {
		return nil, err
	}
	return rawJSON(needed)
}

// PrunedImages takes the report of a prune a node did by itself because its disk was too full.
func (e *Endpoints) PrunedImages(ctx context.Context, in *Report) (*struct{}, error) {
	var r sdp.WatermarkPrune
	if err := in.decode(&r); err != nil {
		return nil, err
	}
	r.Report.Node = in.Node
	event := sdp.AuditEvent{User: "system", Action: sdp.AuditImagesPrune, Outcome: sdp.Succeeded,
		Detail: fmt.Sprintf("its disk was %d%% full, above the watermark of %d%%; %s", r.Used, r.Watermark, control.DescribePrune(r.Report))}
	if r.Problem != "" {
		event.Outcome, event.Detail = sdp.OutcomeFailed, event.Detail+"; "+r.Problem
	}
	event.Detail = sdp.Printable(event.Detail, maxDetail)
	return nil, e.DB.Audit(ctx, event)
}
