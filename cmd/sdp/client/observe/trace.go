package observe

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

func (a verbs) trace() *cobra.Command {
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
			c, err := a.ConnectFor(args[0])
			if err != nil {
				return err
			}
			t, err := c.Trace(cmd.Context(), args[0], rest.TraceRequest{Method: method, Path: path})
			if err != nil {
				return err
			}
			return a.Screen.Data(t, func() { a.showTrace(method, t) })
		},
	}
	cmd.Flags().StringVarP(&method, "request", "X", "GET", "method: GET, HEAD or OPTIONS")
	return cli.Prints[rest.Trace](a.App, cmd)
}

func (a verbs) showTrace(method string, t rest.Trace) {
	a.Screen.Printf("%s %s -> %s  (trace %s)", method, t.Path, status(a.Screen, t.Status), t.ID)
	ShowHops(a.Screen, t)
	if body := strings.TrimSpace(t.Body); body != "" {
		a.Screen.Printf("")
		a.Screen.Printf("%s", body)
	}
}

// ShowHops shows who called whom in a traced request and which target and commit answered.
func ShowHops(s *screen.Screen, t rest.Trace) {
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

func inferred(h rest.Hop) string {
	if !h.Inferred {
		return ""
	}
	return "  (attributed by time: the caller did not pass " + wire.TraceHeader + " on)"
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
	hop    rest.Hop
}

func (b branch) cells() []string {
	target := b.hop.Target
	if b.hop.SHA != "" {
		target = sdp.ShortSHA(b.hop.SHA) + " at " + target
	}
	return []string{b.indent + b.hop.Service, b.hop.Source, target, "via " + b.hop.Node}
}

// tree orders hops below the hop that caused them: the latest one of the calling service that was still going on.
func tree(hops []rest.Hop) []branch {
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
func parentOf(hops []rest.Hop, i int, h rest.Hop) int {
	for p := i - 1; p >= 0; p-- {
		if hops[p].Service == h.From && h.From != "" {
			return p
		}
	}
	return -1
}
