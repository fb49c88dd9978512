package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/outbox"
	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// cancelDeployments writes the end of those deployments of one (an operation, a sandbox) that have not ended, and what the
// audit says of it: nobody else will. c says why, unless somebody had cancelled them.
func cancelDeployments(ctx context.Context, tx pgx.Tx, of string, one any, c StateChange) error {
	left, err := pg.Query(ctx, tx, "reading what ends", pg.ByName(deploymentRow.domain), `SELECT `+deploymentColumns+`
		FROM deployments d JOIN sandboxes s ON s.id = d.sandbox_id WHERE `+of+` = $1 AND d.finished_at IS NULL ORDER BY d.seq`, one)
	if err != nil {
		return err
	}
	var b pgx.Batch
	for _, d := range left {
		its := c
		if by := sdp.CancelledBy(d.CancelRequestedBy); by != nil {
			its = StateChange{Failure: by}
		}
		if err := publish(ctx, tx, d.ID, sdp.DeployCancelled, its, brokenOff(d.Steps, sdp.StepCancelled)); err != nil {
			return err
		}
		outbox.Queue(&b, d.Ended(sdp.DeployCancelled, its.Failure))
	}
	return tx.SendBatch(ctx, &b).Close()
}

// cancelOperations is cancelDeployments for the operations of a sandbox but for deletes and except, which write their ends
// themselves.
func cancelOperations(ctx context.Context, tx pgx.Tx, sandbox int64, except string, why *sdp.Failure) error {
	left, err := pg.Query(ctx, tx, "reading what ends", pg.ByName(operationRow.domain), `SELECT `+operationColumns+`
		FROM operations o JOIN sandboxes s ON s.id = o.sandbox_id
		WHERE o.sandbox_id = $1 AND o.finished_at IS NULL AND o.kind <> 'delete' AND o.id <> $2 ORDER BY o.seq`, sandbox, except)
	if err != nil {
		return err
	}
	var b pgx.Batch
	for _, op := range left {
		its := why
		if by := sdp.CancelledBy(op.CancelRequestedBy); by != nil {
			its = by
		}
		if err := setOperation(ctx, tx, op.ID, sdp.OpCancelled, "", its); err != nil {
			return err
		}
		outbox.Queue(&b, op.Ref().Ended(sdp.OpCancelled, its))
	}
	return tx.SendBatch(ctx, &b).Close()
}
