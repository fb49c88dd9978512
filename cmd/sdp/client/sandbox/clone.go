package sandbox

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
)

func (a verbs) sandboxClone() *cobra.Command {
	var in rest.CloneSandbox
	var dryRun, wait bool
	cmd := &cobra.Command{
		Use:   "clone NAME NEW [--follow] [--dry-run]",
		Short: "Make a sandbox like another one",
		Long: `Make a sandbox like another one: the same services at the same commits, the same environment, variables, secrets,
limits and routes, with a port, containers and networks of its own. The clone is yours, whoever owns the original. Its
images are there already, so it takes little more than the start of its containers.

What the clone does with each part is listed beforehand: copied (it has its own, equal one), regenerated (it gets a new
one) or shared (both use the same). --dry-run lists it and does nothing.

A clone stays at the commits that run in the original. With --follow it takes the newest commits of the same branches,
and tracks those that the original tracks. It is made all or not at all.`,
		Example: `  sdp sandbox clone checkout checkout-bob
  sdp sandbox clone checkout checkout-bob --dry-run
  sdp sandbox clone checkout checkout-next --follow`,
		Args: usage.Args(0, "NAME", "NEW"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Name = args[1]
			return a.runClone(cmd.Context(), args[0], in, dryRun, wait)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&in.Follow, "follow", false, "take the branches' newest commits, not those that run")
	f.BoolVar(&dryRun, "dry-run", false, "only list what would be copied, regenerated and shared")
	cli.WaitFlag(cmd, &wait)
	return cli.Instead[rest.CloneContract](a.App, cli.Follows[rest.Applied](a.App, cmd), "with --dry-run")
}

func (a verbs) runClone(ctx context.Context, name string, in rest.CloneSandbox, dryRun, wait bool) error {
	if err := sdp.CheckSandboxName(in.Name); err != nil {
		return usage.Wrap(err)
	}
	c, err := a.ConnectFor(name)
	if err != nil {
		return err
	}
	contract, err := c.CloneContract(ctx, name, in)
	if err != nil {
		return err
	}
	if dryRun {
		return a.Screen.Data(contract, func() { a.showContract(contract) })
	}
	if a.Screen.Format == screen.Text {
		a.showContract(contract)
		a.Screen.Printf("")
	}
	out, err := c.CloneSandbox(ctx, name, in)
	if err != nil {
		return err
	}
	return a.FinishChange(ctx, c, out, wait)
}

func (a verbs) showContract(contract rest.CloneContract) {
	count := map[string]int{}
	for _, i := range contract.Items {
		count[i.Disposition]++
	}
	a.Screen.Printf("Clone of %s as %s: %d parts copied, %d regenerated, %d shared", a.Screen.Paint(screen.Bold, contract.Sandbox),
		a.Screen.Paint(screen.Bold, contract.Name), count[string(planning.Copied)], count[string(planning.Regenerated)], count[string(planning.Shared)])
	a.Screen.Printf("")
	t := a.Screen.Table("OF", "PART", "WHICH", "IS", "DETAIL")
	for _, i := range grouped(contract.Items) {
		of := i.Service
		if of == "" {
			of = "(sandbox)"
		}
		t.Row(of, i.What, i.Key, disposition(i.Disposition), i.Detail)
	}
	t.Print("It has no parts.")
}

// grouped puts neighbours that differ only in their name into one line: a service may have dozens of variables.
func grouped(items []rest.ContractItem) []rest.ContractItem {
	var out []rest.ContractItem
	for _, i := range items {
		last := len(out) - 1
		if last >= 0 && i.Key != "" {
			same := out[last]
			same.Key = i.Key
			if same == i && len(out[last].Key) < 40 {
				out[last].Key = strings.Join([]string{out[last].Key, i.Key}, " ")
				continue
			}
		}
		out = append(out, i)
	}
	return out
}

func disposition(text string) screen.Cell {
	style := map[planning.Disposition]screen.Style{planning.Copied: screen.Green, planning.Regenerated: screen.Cyan, planning.Shared: screen.Yellow}
	return screen.Cell{Text: text, Style: style[planning.Disposition(text)]}
}
