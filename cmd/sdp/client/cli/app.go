// Package cli is what all verbs share: the connection to a server and its session, arguments that several verbs have, and the
// watching of what goes on until it has ended.
package cli

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

// App is what all verbs share.
type App struct {
	In     io.Reader
	Screen *screen.Screen
	// Server is the value of --server; "" = SDP_SERVER, else where the last login went.
	Server string

	outputs map[*cobra.Command]Output
}

// Shown is returned by a command that failed and has told people so. Programs are told what it holds.
type Shown struct{ Problem *sdp.Error }

func (s *Shown) Error() string { return s.Problem.Error() }

// Unwrap returns what went wrong.
func (s *Shown) Unwrap() error { return s.Problem }

// Connect returns a client of the server in question, signed in if there is a session.
func (a *App) Connect() (*apiclient.Client, error) {
	sessions, err := OpenSessions()
	if err != nil {
		return nil, err
	}
	server := a.Address(sessions)
	c, err := apiclient.New(server, sessions.Servers[server].Token)
	return c, usage.Wrap(err)
}

// Ask is a verb that asks the server one thing and shows the answer.
func Ask[T any](a *App, cmd *cobra.Command, get func(*apiclient.Client, context.Context) (T, error), show func(T)) error {
	connect := func(string) (*apiclient.Client, error) { return a.Connect() }
	named := func(c *apiclient.Client, ctx context.Context, _ string) (T, error) { return get(c, ctx) }
	return AskAbout(a, cmd, connect, "", named, show)
}

// AskAbout is Ask for a verb about the thing of a name. connect refuses a name that cannot be one, as ConnectFor does.
func AskAbout[T any](a *App, cmd *cobra.Command, connect func(name string) (*apiclient.Client, error), name string,
	get func(*apiclient.Client, context.Context, string) (T, error), show func(T)) error {
	c, err := connect(name)
	if err != nil {
		return err
	}
	answer, err := get(c, cmd.Context(), name)
	if err != nil {
		return err
	}
	return a.Screen.Data(answer, func() { show(answer) })
}

// Address decides which server is meant.
func (a *App) Address(s *Sessions) string {
	for _, server := range []string{a.Server, os.Getenv("SDP_SERVER"), s.Current} {
		if server != "" {
			return Normal(server)
		}
	}
	return DefaultServer
}

// DefaultServer is asked where neither --server nor SDP_SERVER nor a login says otherwise.
const DefaultServer = "http://127.0.0.1:7700"

// ConnectFor is Connect for a verb about one sandbox: a name that cannot be one is refused before anything is asked.
func (a *App) ConnectFor(sandbox string) (*apiclient.Client, error) {
	if err := sdp.CheckSandboxName(sandbox); err != nil {
		return nil, usage.Wrap(err)
	}
	return a.Connect()
}

// ConnectForService is Connect for a verb about one service of a sandbox.
func (a *App) ConnectForService(sandbox, service string) (*apiclient.Client, error) {
	if err := sdp.CheckServiceName(service); err != nil {
		return nil, usage.Wrap(err)
	}
	return a.ConnectFor(sandbox)
}
