package client

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a *App) routes() *cobra.Command {
	return &cobra.Command{
		Use:     "routes SANDBOX",
		Short:   "Show who answers for each service of a sandbox",
		Example: "  sdp routes checkout",
		Args:    usage.Args(0, "SANDBOX"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connectFor(args[0])
			if err != nil {
				return err
			}
			r, err := c.Routes(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.Screen.Data(r, func() { a.showRoutes(r) })
		},
	}
}

func (a *App) showRoutes(r api.Routes) {
	gateway := "routed by path: /<service>/..."
	if r.Gateway != "" {
		gateway = "answered by " + r.Gateway
	}
	a.Screen.Printf("%s  %s, version %d", a.Screen.Paint(screen.Bold, r.URL), gateway, r.Version)
	a.Screen.Printf("")
	t := a.Screen.Table("SERVICE", "ADDRESS INSIDE", "SOURCE", "ANSWERED BY", "COMMIT", "NODE")
	for _, s := range r.Routes {
		t.Row(s.Service, fmt.Sprintf("http://%s:%d", s.Service, s.Port), sourceCell(s), cmp.Or(s.Address, s.URL, s.Reason),
			sdp.ShortSHA(s.SHA), s.Node)
	}
	t.Print("The sandbox has no routes.")
}

func sourceCell(s api.ServiceRoute) screen.Cell {
	switch {
	case s.Reason != "":
		return screen.Cell{Text: s.Source, Style: screen.Yellow}
	case s.Source == string(sdp.SourceSandbox):
		return screen.Cell{Text: s.Source, Style: screen.Green}
	default:
		return screen.Cell{Text: s.Source}
	}
}

func (a *App) trace() *cobra.Command {
	var method string
	cmd := &cobra.Command{
		Use:   "trace SANDBOX PATH",
		Short: "Send a request through a sandbox and show, hop by hop, which target and commit answered",
		Example: `  sdp trace checkout /account/42
  sdp trace checkout "/account/42?expand=points" -o json`,
		Args: usage.Args(0, "SANDBOX", "PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := args[1]
			if !strings.HasPrefix(path, "/") {
				path = "/" + path
			}
			method = strings.ToUpper(method)
			if !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, method) {
				return usage.Errorf("use GET, HEAD or OPTIONS: a trace must not change anything", "method %q is not allowed", method)
			}
			c, err := a.connectFor(args[0])
			if err != nil {
				return err
			}
			t, err := c.Trace(cmd.Context(), args[0], api.TraceRequest{Method: method, Path: path})
			if err != nil {
				return err
			}
			return a.Screen.Data(t, func() { a.showTrace(method, t) })
		},
	}
	cmd.Flags().StringVarP(&method, "request", "X", "GET", "method: GET, HEAD or OPTIONS")
	return cmd
}

func (a *App) showTrace(method string, t api.Trace) {
	a.Screen.Printf("%s %s -> %s  (trace %s)", method, t.Path, status(a.Screen, t.Status), t.ID)
	ShowHops(a.Screen, t)
	if body := strings.TrimSpace(t.Body); body != "" {
		a.Screen.Printf("")
		a.Screen.Printf("%s", body)
	}
}

// ShowHops shows who called whom in a traced request and which target and commit answered.
func ShowHops(s *screen.Screen, t api.Trace) {
	rows := tree(t.Hops)
	widths := make([]int, 4)
	for _, r := range rows {
		for i, cell := range r.cells() {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range rows {
		var line strings.Builder
		for i, cell := range r.cells() {
			line.WriteString(screen.Pad(cell, widths[i]) + "  ")
		}
		s.Printf("%s%s  %.1f ms%s", line.String(), status(s, r.hop.Status), r.hop.Millis, inferred(r.hop))
	}
	for _, node := range t.Missing {
		s.Printf("%s: %s did not report its hops", s.Paint(screen.Yellow, "incomplete"), node)
	}
}

func inferred(h api.Hop) string {
	if !h.Inferred {
		return ""
	}
	return "  (attributed by time: the caller did not pass " + sdp.TraceHeader + " on)"
}

func status(s *screen.Screen, code int) string {
	style := screen.Green
	if code >= 400 || code == 0 {
		style = screen.Red
	}
	return s.Paint(style, fmt.Sprint(code))
}

// branch is a hop with its place in the tree of who called whom.
type branch struct {
	indent string
	hop    api.Hop
}

func (b branch) cells() []string {
	target := b.hop.Target
	if b.hop.SHA != "" {
		target = sdp.ShortSHA(b.hop.SHA) + " at " + target
	}
	return []string{b.indent + b.hop.Service, b.hop.Source, target, "via " + b.hop.Node}
}

// tree orders hops below the hop that caused them: the latest one of the calling service that was still going on.
func tree(hops []api.Hop) []branch {
	children := map[int][]int{}
	for i, h := range hops {
		parent := parentOf(hops, i, h)
		children[parent] = append(children[parent], i)
	}
	var out []branch
	var walk func(parent int, indent string)
	walk = func(parent int, indent string) {
		for n, i := range children[parent] {
			edge, below := "├─ ", "│  "
			if n == len(children[parent])-1 {
				edge, below = "└─ ", "   "
			}
			out = append(out, branch{indent: indent + edge, hop: hops[i]})
			walk(i, indent+below)
		}
	}
	walk(-1, "")
	return out
}

// parentOf returns the index of the hop that caused hops[i], -1 for the client's own request.
func parentOf(hops []api.Hop, i int, h api.Hop) int {
	for p := i - 1; p >= 0; p-- {
		if hops[p].Service == h.From && h.From != "" {
			return p
		}
	}
	return -1
}
