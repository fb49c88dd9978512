package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"sdp/api/rest"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// AuditQuery selects audit events. It is exported because huma looks into exported embedded structs only.
type AuditQuery struct {
	Sandbox     string    `query:"sandbox" maxLength:"100"`
	Service     string    `query:"service" maxLength:"100"`
	Repository  string    `query:"repository" maxLength:"100"`
	Branch      string    `query:"branch" maxLength:"250"`
	Environment string    `query:"environment" maxLength:"100"`
	User        string    `query:"user" maxLength:"200"`
	Action      string    `query:"action" maxLength:"100" doc:"such as deployment.create"`
	Operation   string    `query:"operation" maxLength:"100" doc:"ID of a deployment or an operation"`
	Outcome     string    `query:"outcome" enum:"accepted,succeeded,refused,failed,cancelled"`
	Since       time.Time `query:"since" doc:"inclusive"`
	Until       time.Time `query:"until" doc:"exclusive"`
	Text        string    `query:"text" maxLength:"200" doc:"what one of the event's texts contains, upper and lower case alike"`
}

func (q AuditQuery) filter() postgres.AuditFilter {
	return postgres.AuditFilter{
		Sandbox: sdp.Printable(q.Sandbox, 100), Service: sdp.Printable(q.Service, 100), Repository: sdp.Printable(q.Repository, 100),
		Branch: sdp.Printable(q.Branch, 250), Environment: sdp.Printable(q.Environment, 100), User: sdp.Printable(q.User, 200),
		Action: sdp.AuditAction(sdp.Printable(q.Action, 100)), Operation: sdp.Printable(q.Operation, 100), Outcome: sdp.Outcome(q.Outcome),
		Since: q.Since, Until: q.Until, Text: sdp.Printable(q.Text, 200),
	}
}

type auditInput struct {
	PageQuery
	AuditQuery
}

func (s *Server) listAudit(ctx context.Context, in *auditInput) (*body[rest.Page[rest.AuditEvent]], error) {
	events, next, err := s.db.AuditEvents(ctx, in.filter(), in.page())
	if err != nil {
		return nil, err
	}
	return pageOf(events, next, rest.FromAuditEvent), nil
}

type auditFileInput struct{ AuditQuery }

const auditColumns = "id,at,user,action,sandbox,service,repository,branch,sha,environment,operation,outcome,detail"

// downloadAudit sends all events that are asked for, newest first, a page at a time: however many there are and however
// slow the reader is, it costs one page of memory and no transaction.
func (s *Server) downloadAudit(ctx context.Context, in *auditFileInput) (*huma.StreamResponse, error) {
	page := postgres.Page{Limit: 200}
	events, next, err := s.db.AuditEvents(ctx, in.filter(), page)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		c := humagin.Unwrap(hc)
		c.Header("Content-Type", "text/csv; charset=utf-8")
		c.Header("Content-Disposition", `attachment; filename="sdp-audit-`+s.cfg.Now().UTC().Format("2006-01-02")+`.csv"`)
		c.Status(http.StatusOK)
		rc := http.NewResponseController(c.Writer)
		defer func() { _ = rc.SetWriteDeadline(time.Time{}) }() // the connection may serve other requests
		text := auditColumns + "\r\n"
		for {
			for _, e := range events {
				text += auditRow(e)
			}
			_ = rc.SetWriteDeadline(time.Now().Add(downloadTimeout)) // not supported by a test's recorder
			_, err := c.Writer.WriteString(text)
			if err == nil && next != "" {
				text, page.Cursor = "", next
				events, next, err = s.db.AuditEvents(ctx, in.filter(), page)
			} else if err == nil {
				return
			}
			if err != nil {
				s.log.WarnContext(ctx, "Audit download was broken off", "error", err)
				panic(http.ErrAbortHandler) // half a list must not look like a whole one
			}
		}
	}}, nil
}

func auditRow(e sdp.AuditEvent) string {
	cells := []string{strconv.FormatInt(e.ID, 10), e.At.UTC().Format(time.RFC3339Nano), e.User, string(e.Action), e.Sandbox, e.Service,
		e.Repository, e.Branch, e.SHA, e.Environment, e.Operation, string(e.Outcome), e.Detail}
	for i, cell := range cells {
		cells[i] = csvCell(cell)
	}
	return strings.Join(cells, ",") + "\r\n"
}

// csvCell writes a cell of a CSV file (RFC 4180), always in quotes. Branches, users and details are what people typed, and
// a spreadsheet runs a cell that begins like a formula: such a one gets an apostrophe, which makes it text. So does a
// cell that begins with what some programs skip or take for the same (a tab, a line break, full-width signs).
func csvCell(text string) string {
	first, _ := utf8.DecodeRuneInString(text)
	if strings.ContainsRune("=+-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20", first) {
		text = "'" + text
	}
	return fmt.Sprintf(`"%s"`, strings.ReplaceAll(text, `"`, `""`))
}
