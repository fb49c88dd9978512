package sandbox

import (
	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/specfile"
	"sdp/cmd/sdp/client/view"
	"sdp/cmd/sdp/usage"
)

func (a verbs) plan() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "plan -f sandbox.yaml [NAME]",
		Short: "Show what applying a sandbox.yaml would do, and what is in the way",
		Long: `Show what applying a sandbox.yaml would do: which services run another commit, restart, are answered by somebody else or
go; what is built and what is there already; settings and entries of the environment that change; ports, disk and base
images. Nothing is changed.

The plan has a hash. "sdp apply --plan HASH" does exactly that or nothing: it is refused if the sandbox, the file, the
environment or a branch has changed meanwhile.

The exit code is 1 if something is in the way.`,
		Example: `  sdp plan -f sandbox.yaml
  sdp sandbox export checkout | sdp plan -f -`,
		Args: usage.Args(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := specfile.Definition(a.App, file, args)
			if err != nil {
				return err
			}
			c, err := a.Connect()
			if err != nil {
				return err
			}
			plan, err := c.Plan(cmd.Context(), in)
			if err != nil {
				return err
			}
			return a.printPlan(plan, file)
		},
	}
	specfile.Flag(cmd, &file)
	return cli.Prints[rest.Plan](a.App, cmd)
}

func (a verbs) printPlan(p rest.Plan, file string) error {
	err := a.Screen.Data(p, func() {
		view.Plan(a.Screen, p)
		if p.Changes && len(p.Problems) == 0 {
			a.Screen.Notef("Do exactly this: sdp apply -f %s --plan %s", file, p.Hash)
		}
	})
	if err == nil && len(p.Problems) > 0 {
		return &cli.Shown{Problem: view.InTheWay(p)}
	}
	return err
}
