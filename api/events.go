package api

import (
	"context"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"sdp/api/live"
	"sdp/api/rest"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// EventQuery selects events. It is exported because huma looks into exported embedded structs only.
type EventQuery struct {
	Sandbox    string        `query:"sandbox" maxLength:"100"`
	Service    string        `query:"service" maxLength:"100"`
	Deployment string        `query:"deployment" maxLength:"100"`
	Type       sdp.EventType `query:"type" doc:"such as DEPLOY_COMPLETED"`
	Since      time.Time     `query:"since" doc:"inclusive"`
}

func (q EventQuery) filter() postgres.EventFilter {
	return postgres.EventFilter{Sandbox: sdp.Printable(q.Sandbox, 100), Service: sdp.Printable(q.Service, 100),
		Deployment: sdp.Printable(q.Deployment, 100), Type: q.Type, Since: q.Since}
}

type listEventsInput struct {
	PageQuery
	EventQuery
}

// listEvents lists what happened, oldest first. A cursor is the seq of the last event of the page before.
func (s *Server) listEvents(ctx context.Context, in *listEventsInput) (*body[rest.Page[rest.LifecycleEvent]], error) {
	after := int64(0)
	if in.Cursor != "" {
		var err error
		if after, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil {
			return nil, sdp.Errorf(sdp.Invalid, "bad-cursor", "the page cursor is not one of ours").
				WithRemedy("start again without a cursor")
		}
	}
	events, err := s.db.Events(ctx, after, in.filter(), in.Limit)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(events) == in.Limit {
		next = strconv.FormatInt(events[len(events)-1].Seq, 10)
	}
	return pageOf(events, next, rest.FromEvent), nil
}

type streamEventsInput struct {
	EventQuery
	After int64 `query:"after" minimum:"-1" default:"-1" doc:"next of the last frame that arrived; -1 = from now on"`
}

func (s *Server) streamEvents(_ context.Context, in *streamEventsInput) (*huma.StreamResponse, error) {
	events := live.Events{DB: s.db, Hub: s.cfg.Hub, After: in.After, Filter: in.filter()}
	return s.socket(events.Send), nil
}

type eventsInput struct {
	Sandbox string `query:"sandbox" maxLength:"100" doc:"only what concerns this sandbox"`
}

// followEvents tells a reader what has changed, so that it need not poll. Log bytes are no events.
func (s *Server) followEvents(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
	if in.Sandbox != "" {
		if _, err := s.control.Sandbox(ctx, in.Sandbox); err != nil {
			return nil, err
		}
	}
	topic := "all"
	if in.Sandbox != "" {
		topic = "sandbox/" + in.Sandbox
	}
	return s.socket(live.Changes{Hub: s.cfg.Hub, Topic: topic}.Send), nil
}
