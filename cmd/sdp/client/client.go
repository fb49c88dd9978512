// Package client holds the verbs that talk to an SDP server: what developers and testers use all day. Each subject has a
// package of its own below it; cli is what they share, view what several of them show.
package client

import (
	"slices"

	"github.com/spf13/cobra"

	"sdp/cmd/sdp/client/account"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/deploy"
	"sdp/cmd/sdp/client/env"
	"sdp/cmd/sdp/client/node"
	"sdp/cmd/sdp/client/observe"
	"sdp/cmd/sdp/client/sandbox"
	"sdp/cmd/sdp/client/snapshot"
	"sdp/cmd/sdp/client/template"
)

// Group is the ID of the group of verbs in the program's help.
const Group = "client"

// Commands returns the verbs, in the order people need them.
func Commands(a *cli.App) []*cobra.Command {
	commands := slices.Concat(account.Commands(a), node.Commands(a), sandbox.Commands(a), deploy.Commands(a),
		observe.Commands(a), []*cobra.Command{env.Command(a), snapshot.Command(a), template.Command(a)})
	for _, c := range commands {
		c.GroupID = Group
	}
	return commands
}
