package observe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

// shownEvents is how far back `sdp events` looks unless it is told.
const shownEvents = 24 * time.Hour

// eventQuery is which events are shown.
type eventQuery struct {
	filter apiclient.EventFilter
	after  int64 // seq of an event, -1 = not given
	limit  int   // 0 = all
	follow bool
}

func (q *eventQuery) check() (err error) {
	if q.after < -1 {
		return usage.Errorf("give the seq of an event", "--after must not be negative")
	}
	if q.follow && q.limit > 0 {
		return usage.Errorf("leave one of them out; -f --since 1h begins an hour ago",
			"--limit does not go with --follow, which does not end")
	}
	if q.filter.Type, err = eventType(q.filter.Type); err != nil {
		return err
	}
	return checkLimit(q.limit)
}

func (a verbs) events() *cobra.Command {
	var q eventQuery
	since := new(when)
	cmd := &cobra.Command{
		Use:   "events [-f] [--sandbox NAME]",
		Short: "Show what happened to deployments, their steps, and other operations, oldest first",
		Long: `Show what happened to deployments, their steps, and other operations, oldest first: FETCH_STARTED, BUILD_COMPLETED,
DEPLOY_FAILED, DELETE_COMPLETED. Without --since or --after those of the last day.

With -f events appear as they happen, from now on, or from --since or --after on, until Ctrl-C; a lost connection is resumed
where it broke, without missing or doubling an event. -o json and -o ndjson print one event a line.`,
		Example: "  sdp events --sandbox checkout\n  sdp events -f -o ndjson\n  sdp events --type DEPLOY_FAILED --since 72h\n" +
			"  sdp events -f --after 4711",
		Args: usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := q.check(); err != nil {
				return err
			}
			q.filter.Since = since.Time
			if q.follow {
				return a.followEvents(cmd.Context(), q)
			}
			return a.pastEvents(cmd.Context(), q)
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&q.follow, "follow", "f", false, "go on as events happen")
	flags.StringVar(&q.filter.Sandbox, "sandbox", "", "only of this sandbox")
	flags.StringVar(&q.filter.Service, "service", "", "only of this service")
	flags.StringVar(&q.filter.Deployment, "deployment", "", "only of this deployment")
	flags.StringVar(&q.filter.Type, "type", "", "only of this type, such as DEPLOY_COMPLETED")
	flags.Var(since, "since", "only from then on: a day, a time, or how long ago, such as 24h")
	flags.Int64Var(&q.after, "after", -1, "only what happened after the event with this seq")
	flags.IntVarP(&q.limit, "limit", "n", 0, "only the last of them, at most this many; 0 = all")
	return cli.PrintsLines[rest.LifecycleEvent](a.App, cmd)
}

// eventType is a type of events as the server knows it, whatever its case; "" = all.
func eventType(text string) (string, error) {
	name := strings.ToUpper(text)
	all := sdp.EventTypes()
	if name == "" || slices.Contains(all, sdp.EventType(name)) {
		return name, nil
	}
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = string(t)
	}
	remedy := "it is a step or an operation and how far it is: FETCH_STARTED, BUILD_FAILED, DEPLOY_COMPLETED, DELETE_CANCELLED"
	if near := sdp.Nearest(name, names); len(near) > 0 {
		remedy = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return "", usage.Errorf(remedy, "there is no type of events %q", text)
}

func (a verbs) followEvents(ctx context.Context, q eventQuery) error {
	c, err := a.Connect()
	if err != nil {
		return err
	}
	if q.after < 0 && !q.filter.Since.IsZero() {
		q.after = 0
	}
	err = c.FollowEvents(ctx, q.filter, q.after, a.showEvent)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // Ctrl-C is how following ends
	}
	return err
}

func (a verbs) pastEvents(ctx context.Context, q eventQuery) error {
	c, err := a.Connect()
	if err != nil {
		return err
	}
	if q.after < 0 && q.filter.Since.IsZero() {
		q.filter.Since = time.Now().Add(-shownEvents)
	}
	list, err := c.Events(ctx, q.filter, q.after)
	if err != nil {
		return err
	}
	if q.limit > 0 {
		list = list[max(0, len(list)-q.limit):]
	}
	if a.Screen.Format == screen.Text {
		a.showEvents(list)
		return nil
	}
	for _, e := range list {
		if err := a.showEvent(e); err != nil {
			return err
		}
	}
	return nil
}

func (a verbs) showEvents(list []rest.LifecycleEvent) {
	t := a.Screen.Table("SEQ", "WHEN", "EVENT", "SANDBOX", "SERVICE", "OF", "USER", "DETAIL")
	for _, e := range list {
		of, detail := eventCells(e)
		t.Row(e.Seq, e.At.Local().Format("2006-01-02 15:04:05"), e.Type, e.Sandbox, e.Service, of, e.User, detail)
	}
	t.Print("Nothing happened.")
}

// showEvent prints one event as soon as it is known.
func (a verbs) showEvent(e rest.LifecycleEvent) error {
	switch a.Screen.Format {
	case screen.Text:
		of, detail := eventCells(e)
		line := fmt.Sprintf("%s  %-20s %s %s %s %s", e.At.Local().Format("15:04:05"), e.Type,
			strings.TrimSuffix(e.Sandbox+"/"+e.Service, "/"), of, e.User, detail)
		a.Screen.Printf("%s", strings.TrimRight(line, " "))
		return nil
	case screen.NDJSON:
		return a.Screen.Line(cli.Line{Type: "event", Event: &e})
	default:
		return a.Screen.JSONLine(e)
	}
}

// eventCells are what an event is about, and what there is to say of it.
func eventCells(e rest.LifecycleEvent) (of, detail string) {
	of, detail = e.Deployment, e.Code
	if of == "" {
		of = e.Operation
	}
	if e.Cached {
		detail = "cached"
	}
	if e.SHA != "" {
		of += " " + sdp.ShortSHA(e.SHA)
	}
	return of, detail
}
