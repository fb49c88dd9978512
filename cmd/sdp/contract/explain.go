// Package contract holds the verbs that tell a program what it may rely on: the codes of errors, the exit codes, and the
// schemas of what the other verbs print.
package contract

import (
	"strings"

	"github.com/spf13/cobra"

	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
	"sdp/internal/sdp/codes"
)

// ErrorCode is an entry of the list of error codes.
type ErrorCode struct {
	Code    string   `json:"code"`
	Kinds   []string `json:"kinds" doc:"what the caller can do about it, the usual one first"`
	Meaning string   `json:"meaning"`
	Remedy  string   `json:"remedy"`
	Command string   `json:"command,omitempty" doc:"command line of the remedy; words in capitals are to be filled in"`
}

func explainCommand(app *cli.App) *cobra.Command {
	return cli.Prints[[]ErrorCode](app, &cobra.Command{
		Use:   "explain [CODE]...",
		Short: "Say what error codes mean and what to do about them; without one, list all",
		Example: `  sdp explain branch-not-found
  sdp explain -o json`,
		Args: usage.Args(-1),
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := find(args)
			if err != nil {
				return err
			}
			return app.Screen.Data(list, func() { show(app.Screen, list) })
		},
	})
}

// find returns the entries of the codes that are named, all of them where none is.
func find(names []string) ([]ErrorCode, error) {
	var out []ErrorCode
	var all []string
	for _, c := range codes.All() {
		all = append(all, c.Code)
		if len(names) == 0 {
			out = append(out, view(c))
		}
	}
	for _, name := range names {
		c, found := codes.Find(name)
		if !found {
			remedy := "`sdp explain` lists them"
			if near := sdp.Nearest(name, all); len(near) > 0 {
				remedy = "did you mean " + near[0] + "? " + remedy
			}
			return nil, sdp.Errorf(sdp.NotFound, "unknown-code", "there is no error code %q", name).WithRemedy("%s", remedy)
		}
		out = append(out, view(c))
	}
	return out, nil
}

func view(c codes.Code) ErrorCode {
	out := ErrorCode{Code: c.Code, Meaning: c.Meaning, Remedy: c.Remedy, Command: c.Command()}
	for _, k := range c.Kinds {
		out.Kinds = append(out.Kinds, string(k))
	}
	return out
}

// show lists many codes as a table, and says all about a few.
func show(s *screen.Screen, list []ErrorCode) {
	if len(list) > 5 {
		t := s.Table("CODE", "KIND", "MEANING")
		for _, c := range list {
			t.Row(c.Code, strings.Join(c.Kinds, ", "), c.Meaning)
		}
		t.Print("There is no code.")
		return
	}
	for _, c := range list {
		s.Printf("%s (%s): %s", s.Paint(screen.Bold, c.Code), strings.Join(c.Kinds, ", "), c.Meaning)
		s.Printf("  -> %s", c.Remedy)
	}
}
