package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
)

var (
	addressField = regexp.MustCompile(`(?s)temporal:.*?address: *"?([0-9.:]+)`)
	idField      = regexp.MustCompile(`"id": *"([a-z0-9-]+)"`)
)

// shares says where the time of a sandbox's newest deployment went, from its history in Temporal: steps on nodes
// (between an activity's start and its end), database and workflow code (workflow tasks, in which the database
// activities run as local ones), and Temporal itself (everything between them).
func (s *stack) shares(ctx context.Context, sandbox string, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	out, err := s.sdp(ctx, "history", sandbox, "-o", "json")
	if err != nil {
		return nil, err
	}
	id := idField.FindStringSubmatch(out)
	if id == nil {
		return nil, fmt.Errorf("no deployment found")
	}
	c, err := s.temporal()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var split shareSplit
	events := c.GetWorkflowHistory(ctx, "deploy/"+id[1], "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return nil, err
		}
		split.add(e)
	}
	return []string{split.String()}, nil
}

func (s *stack) temporal() (client.Client, error) {
	config, err := os.ReadFile(filepath.Join(s.data, "config", "server.yaml"))
	if err != nil {
		return nil, err
	}
	address := addressField.FindSubmatch(config)
	if address == nil {
		return nil, fmt.Errorf("no address of Temporal found")
	}
	return client.Dial(client.Options{HostPort: string(address[1]), Namespace: "sdp"})
}

// shareSplit adds up a history's time by who had it.
type shareSplit struct {
	started         map[int64]time.Time
	begin, end      time.Time
	nodes, database time.Duration
	events          int
}

func (s *shareSplit) add(e *history.HistoryEvent) {
	at := e.GetEventTime().AsTime()
	s.events++
	if s.started == nil {
		s.started, s.begin = map[int64]time.Time{}, at
	}
	s.end = at
	switch e.GetEventType() {
	case enums.EVENT_TYPE_WORKFLOW_TASK_STARTED:
		s.started[e.GetEventId()] = at
	case enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
		s.database += at.Sub(s.started[e.GetWorkflowTaskCompletedEventAttributes().GetStartedEventId()])
	case enums.EVENT_TYPE_ACTIVITY_TASK_STARTED:
		s.started[e.GetEventId()] = at
	case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		s.nodes += at.Sub(s.started[e.GetActivityTaskCompletedEventAttributes().GetStartedEventId()])
	}
}

func (s *shareSplit) String() string {
	whole := s.end.Sub(s.begin)
	return fmt.Sprintf("its last workflow: %d events, %s = steps on nodes %s + database and workflow code %s + Temporal %s",
		s.events, show(whole), show(s.nodes), show(s.database), show(max(0, whole-s.nodes-s.database)))
}
