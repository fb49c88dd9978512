// Package client holds the verbs that talk to an SDP server: what developers and testers use all day.
package client

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
)

// DefaultServer is asked where neither --server nor SDP_SERVER nor a login says otherwise.
const DefaultServer = "http://127.0.0.1:7700"

// App is what all verbs share.
type App struct {
	In     io.Reader
	Screen *screen.Screen
	// Server is the value of --server; "" = SDP_SERVER, else where the last login went.
	Server string
}

// ErrShown is returned by a command that failed and has said so already.
var ErrShown = errors.New("the operation failed")

// Commands returns the verbs.
func Commands(a *App) []*cobra.Command {
	commands := []*cobra.Command{
		a.login(), a.logout(), a.whoami(), a.nodes(), a.ports(), a.repos(), a.branches(), a.sandbox(), a.plan(), a.apply(),
		a.deploy(), a.cancel(),
		a.restart(), a.stop(), a.history(), a.logs(), a.route(), a.routes(), a.traffic(), a.trace(), a.audit(), a.track(),
		a.env(), a.snapshot(), a.template(),
	}
	for _, c := range commands {
		c.GroupID = Group
	}
	return commands
}

// Group is the ID of the group of verbs in the program's help.
const Group = "client"

// connect returns a client of the server in question, signed in if there is a session.
func (a *App) connect() (*apiclient.Client, error) {
	sessions, err := openSessions()
	if err != nil {
		return nil, err
	}
	server := a.address(sessions)
	c, err := apiclient.New(server, sessions.Servers[server].Token)
	return c, usage.Wrap(err)
}

// ask is a verb that asks the server one thing and shows the answer.
func ask[T any](a *App, cmd *cobra.Command, get func(*apiclient.Client, context.Context) (T, error), show func(T)) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	answer, err := get(c, cmd.Context())
	if err != nil {
		return err
	}
	return a.Screen.Data(answer, func() { show(answer) })
}

// address decides which server is meant.
func (a *App) address(s *sessions) string {
	for _, server := range []string{a.Server, os.Getenv("SDP_SERVER"), s.Current} {
		if server != "" {
			return normal(server)
		}
	}
	return DefaultServer
}
