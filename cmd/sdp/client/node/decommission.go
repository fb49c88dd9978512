package node

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

// NodeCommands are the verbs below `sdp node` that ask the server. The one that needs its configuration is a role's.
func NodeCommands(app *cli.App) []*cobra.Command {
	a := verbs{app}
	return []*cobra.Command{a.cordon(), a.uncordon(), a.drain(), a.remove()}
}

func (a verbs) cordon() *cobra.Command {
	return cli.Prints[rest.Node](a.App, &cobra.Command{
		Use:   "cordon NODE",
		Short: "Have nothing new placed on a node",
		Long: `Have nothing new placed on a node: deployments to it, and sandboxes whose public port it would have, are refused.
What runs there goes on.`,
		Example: "  sdp node cordon micro-1",
		Args:    usage.Args(0, "NODE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.AskAbout(a.App, cmd, a.connectForNode, args[0], (*apiclient.Client).CordonNode, func(n rest.Node) {
				a.Screen.Printf("%s takes nothing new (cordoned by %s); what runs there goes on.", n.Name, n.CordonedBy)
			})
		},
	})
}

func (a verbs) uncordon() *cobra.Command {
	return cli.Prints[rest.Node](a.App, &cobra.Command{
		Use:     "uncordon NODE",
		Short:   "Let a node take work again",
		Example: "  sdp node uncordon micro-1",
		Args:    usage.Args(0, "NODE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.AskAbout(a.App, cmd, a.connectForNode, args[0], (*apiclient.Client).UncordonNode, func(n rest.Node) {
				a.Screen.Printf("%s takes work again.", n.Name)
			})
		},
	})
}

func (a verbs) drain() *cobra.Command {
	return cli.Prints[rest.NodeDrain](a.App, &cobra.Command{
		Use:   "drain NODE",
		Short: "Cordon a node and stop what runs there",
		Long: `Cordon a node and stop what runs there: deployments under way are cancelled, and each service is stopped by an
operation of its own, as "sdp stop" would. It waits until all of that is done, and can be repeated. Sandboxes cannot be
moved to another gateway node: those whose public port the node has are named, and deleting them is for their owners.`,
		Example: "  sdp node drain micro-1",
		Args:    usage.Args(0, "NODE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connectForNode(args[0])
			if err != nil {
				return err
			}
			drained, err := a.drained(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if err := a.Screen.Data(drained, func() { a.showDrain(drained) }); err != nil {
				return err
			}
			return unlessDrained(drained)
		},
	})
}

// drained begins a drain and waits for its parts.
func (a verbs) drained(ctx context.Context, c *apiclient.Client, node string) (rest.NodeDrain, error) {
	drain, err := c.DrainNode(ctx, node)
	if err != nil {
		return drain, err
	}
	a.Screen.Notef("%s takes nothing new. Stopping %d services, cancelling %d deployments.", node, len(drain.Operations), len(drain.Cancelled))
	for _, id := range drain.Cancelled {
		if _, err := c.WaitDeployment(ctx, id, func(rest.Deployment) {}); err != nil {
			return drain, err
		}
	}
	for i, op := range drain.Operations {
		ended, err := c.WaitOperation(ctx, op.ID, func(rest.Operation) {})
		if err != nil {
			return drain, err
		}
		drain.Operations[i] = ended
		text := string(ended.State)
		if ended.Failure != nil {
			text += ": " + ended.Failure.Detail
		}
		a.Screen.Notef("%s of %s: %s", ended.Service, ended.Sandbox, text)
	}
	drain.Left, err = c.NodeWork(ctx, node)
	return drain, err
}

func (a verbs) showDrain(d rest.NodeDrain) {
	for _, why := range d.Refused {
		a.Screen.Printf("%s", a.Screen.Paint(screen.Yellow, why))
	}
	for _, c := range append(d.Left.Containers, d.Left.Deployments...) {
		a.Screen.Printf("%s: %s of sandbox %s is left (%s)", a.Screen.Paint(screen.Yellow, d.Node), c.Service, c.Sandbox, c.Deployment)
	}
	for _, p := range d.Left.Ports {
		a.Screen.Printf("%s: sandbox %s of %s has its public port %d; it cannot be moved: `sdp sandbox delete %s` when it is not needed any more",
			a.Screen.Paint(screen.Yellow, d.Node), p.Sandbox, p.Owner, p.Port, p.Sandbox)
	}
	if len(d.Left.Containers)+len(d.Left.Deployments)+len(d.Left.Ports) == 0 {
		a.Screen.Printf("%s is drained: `sdp node remove %s` gives it up, `sdp node uncordon %s` takes it back into service.", d.Node, d.Node, d.Node)
	}
}

func unlessDrained(d rest.NodeDrain) error {
	left := len(d.Left.Containers) + len(d.Left.Deployments)
	if left == 0 && len(d.Refused) == 0 {
		return nil
	}
	detail := fmt.Sprintf("node %s is not drained: %d containers and deployments are left", d.Node, left)
	if len(d.Refused) > 0 {
		detail += "; " + strings.Join(d.Refused, "; ")
	}
	return sdp.Errorf(sdp.Conflict, "node-not-drained", "%s", detail).WithRemedy("do what it says, then drain it again")
}

// removedNode is what `sdp node remove` prints.
type removedNode struct {
	Node string `json:"node"`
}

func (a verbs) remove() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "remove NODE",
		Short: "Give a node up",
		Long: `Give a node up: it is no node any more, its repositories leave the catalog and its token is refused. One that is
alive must be drained first. Of one that is down and does not come back, --force forgets what it ran; its sandboxes'
other services go on.

If the machine comes back, it is refused until it gets a new token ("sdp node token", on the server); it then removes
what nothing wants any more.`,
		Example: "  sdp node remove micro-1\n  sdp node remove micro-1 --force      # it burnt down",
		Args:    usage.Args(0, "NODE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connectForNode(args[0])
			if err == nil {
				err = c.RemoveNode(cmd.Context(), args[0], force)
			}
			if err != nil {
				return err
			}
			return a.Screen.Data(removedNode{args[0]}, func() { a.Screen.Printf("%s is removed.", args[0]) })
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "forget what it ran, if it is down and does not come back")
	return cli.Prints[removedNode](a.App, cmd)
}
