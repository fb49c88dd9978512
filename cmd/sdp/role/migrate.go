package role

import (
	"time"

	"github.com/spf13/cobra"

	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/node"
	"sdp/cmd/sdp/usage"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/secret"
)

// migrated is what `sdp migrate` prints.
type migrated struct {
	UpToDate bool `json:"upToDate"`
}

func migrateCommand(app *cli.App) *cobra.Command {
	var path string
	return cli.Prints[migrated](app, configFlag(&cobra.Command{
		Use:   "migrate --config FILE",
		Short: "Bring the database's schema up to date",
		Long: `Bring the database's schema up to date. "sdp server" does the same at start; this verb is for those who give the
server a database user that may not change the schema.`,
		Example: "  sdp migrate --config /etc/sdp/server.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			startLog("migrate")
			c, err := loadServerConfig(path)
			if err != nil {
				return err
			}
			password, err := c.password()
			if err != nil {
				return err
			}
			if err := postgres.Migrate(cmd.Context(), c.Database.URL, password); err != nil {
				return err
			}
			return app.Screen.Data(migrated{UpToDate: true}, func() { app.Screen.Printf("The database's schema is up to date.") })
		},
	}, &path, "server.yaml"))
}

func nodeCommand(app *cli.App) *cobra.Command {
	verbs := append(node.NodeCommands(app), nodeTokenCommand(app))
	return usage.Group(&cobra.Command{Use: "node", Short: "Add a node, take it out of service, give it up"}, verbs...)
}

// issuedToken is what `sdp node token` prints.
type issuedToken struct {
	Node  string `json:"node"`
	Token string `json:"token"`
}

func nodeTokenCommand(app *cli.App) *cobra.Command {
	var path string
	cmd := configFlag(&cobra.Command{
		Use:   "token NODE --config FILE",
		Short: "Print the token with which a node's worker proves who it is",
		Long: `Print the token with which a node's worker proves who it is to the server. Run it on the server and put the output
into the file that server.tokenFile of the node's configuration names, readable by the worker only. A token stays valid
when another one is issued; a node that was removed (sdp node remove) registers again only with one issued after that.`,
		Example: "  sdp node token micro-1 --config /etc/sdp/server.yaml | ssh micro-1 'umask 077; cat > /etc/sdp/token'",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := sdp.CheckNodeName(args[0]); err != nil {
				return usage.Wrap(err)
			}
			c, err := loadServerConfig(path)
			if err != nil {
				return err
			}
			token, err := issueToken(c.Keys.Master, args[0], time.Now())
			if err != nil {
				return err
			}
			return app.Screen.Data(issuedToken{Node: args[0], Token: token}, func() { app.Screen.Printf("%s", token) })
		},
	}, &path, "server.yaml")
	cmd.Args = usage.Args(0, "NODE")
	return cli.Prints[issuedToken](app, cmd)
}

// nodeToken is the token that a node has, if the server takes it for the node's, else that of a node that was never removed:
// always the same.
func nodeToken(masterKey, node, has string) (string, error) {
	keys, err := secret.LoadKeyring(masterKey)
	if err != nil {
		return "", err
	}
	if _, good := keys.CheckNodeToken(node, has); good {
		return has, nil
	}
	return keys.NodeToken(node, time.Time{}), nil
}

// issueToken derives a node's token from the master key in a file, which is made if it does not exist.
func issueToken(masterKey, node string, at time.Time) (string, error) {
	keys, err := secret.LoadKeyring(masterKey)
	if err != nil {
		return "", err
	}
	return keys.NodeToken(node, at), nil
}
