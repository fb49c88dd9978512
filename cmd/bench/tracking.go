package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"sdp/internal/sdp"
	"sdp/internal/secret"
)

const (
	lookOwners = 250 // each with all repositories of the fleet
	looksADay  = 24 * 60
	lookLimit  = 15 * time.Minute
)

// looks measures one look at the branches of 5,000 pairs of an owner and a repository: how large its history is, and so that
// of a day in which there is one each minute, and how long it takes.
func looks(ctx context.Context, s *stack) ([]figure, error) {
	if err := s.addFleet(ctx); err != nil {
		return nil, err
	}
	conn, err := s.database(ctx)
	if err != nil {
		return nil, err
	}
	c, err := s.temporal()
	if err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	defer c.Close()
	began, err := s.watchMany(ctx, conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	look, looked, err := firstLook(ctx, c, conn, began)
	if err = errors.Join(err, forgetMany(ctx, conn), conn.Close(ctx)); err != nil {
		return nil, err
	}
	const pairs = lookOwners * fleet
	size := float64(look.GetHistorySizeBytes())
	day := size * looksADay / 1e6
	return []figure{{name: fmt.Sprintf("tracking %d pairs: history of a day, a look a minute", pairs), ours: fmt.Sprintf("%.1f MB", day), theirs: "-",
		bar: "<= 50 MB", met: day <= 50 && looked == lookOwners, comments: []string{fmt.Sprintf("a look: %.1f kB, %d events, %s; %d of %d owners' credentials "+
			"were tried", size/1e3, look.GetHistoryLength(), show(look.GetCloseTime().AsTime().Sub(look.GetStartTime().AsTime())), looked, lookOwners)}}}, nil
}

// watchMany makes a sandbox for each owner, with a branch of each repository of the fleet, and stores the owners' credentials. They
// are rows only, as nothing is deployed by a look that finds nothing new.
func (s *stack) watchMany(ctx context.Context, conn *pgx.Conn) (time.Time, error) {
	keys, err := secret.LoadKeyring(filepath.Join(s.data, "keys", "master.key"))
	if err != nil {
		return time.Time{}, err
	}
	plain, err := json.Marshal(map[string]string{"user": "alice", "password": "alice-demo"})
	if err != nil {
		return time.Time{}, err
	}
	for n := range lookOwners {
		owner := fmt.Sprintf("owner-%03d", n)
		sealed, err := keys.Seal(sdp.SecretPurpose, plain, sdp.TrackingContext(owner))
		if err != nil {
			return time.Time{}, err
		}
		_, err = conn.Exec(ctx, `WITH made AS (INSERT INTO sandboxes (name, owner) VALUES ($1, $1) RETURNING id),
				known AS (INSERT INTO tracking_credentials (user_name, sealed) VALUES ($1, $2))
			INSERT INTO sandbox_services (sandbox_id, name, branch, source)
				SELECT made.id, r.name, 'main', 'sandbox' FROM made, repositories r WHERE r.name LIKE 'svc-%'`, owner, sealed)
		if err != nil {
			return time.Time{}, err
		}
	}
	var now time.Time
	return now, conn.QueryRow(ctx, `SELECT now()`).Scan(&now)
}

// firstLook waits for the first look that began since, and says of how many owners the credentials were tried.
func firstLook(ctx context.Context, c client.Client, conn *pgx.Conn, since time.Time) (look *workflow.WorkflowExecutionInfo, owners int, err error) {
	query := fmt.Sprintf("WorkflowType = 'Track' AND CloseTime IS NOT NULL AND StartTime > '%s'", since.UTC().Format(time.RFC3339Nano))
	err = await(ctx, "a look at the branches", lookLimit, func() (bool, error) {
		list, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query})
		if err != nil || len(list.GetExecutions()) == 0 {
			return false, err
		}
		of := list.GetExecutions()[len(list.GetExecutions())-1].GetExecution()
		described, err := c.DescribeWorkflowExecution(ctx, of.GetWorkflowId(), of.GetRunId())
		look = described.GetWorkflowExecutionInfo()
		return err == nil, err
	})
	return look, owners, errors.Join(err, conn.QueryRow(ctx, `SELECT count(*) FROM tracking_credentials
		WHERE user_name LIKE 'owner-%' AND checked_at IS NOT NULL AND problem = ''`).Scan(&owners))
}

func forgetMany(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `WITH gone AS (DELETE FROM sandbox_services v USING sandboxes s WHERE v.sandbox_id = s.id AND s.owner LIKE 'owner-%')
		DELETE FROM tracking_credentials WHERE user_name LIKE 'owner-%'`)
	if err == nil {
		_, err = conn.Exec(ctx, `DELETE FROM sandboxes WHERE owner LIKE 'owner-%'`)
	}
	return err
}
