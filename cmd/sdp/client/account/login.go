// Package account holds the verbs about who is signed in.
package account

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

// verbs are the verbs of this package.
type verbs struct{ *cli.App }

// Commands returns the verbs.
func Commands(app *cli.App) []*cobra.Command {
	a := verbs{app}
	return []*cobra.Command{a.login(), a.logout(), a.whoami()}
}

func (a verbs) login() *cobra.Command {
	var user string
	var fromStdin bool
	cmd := &cobra.Command{
		Use:   "login [--server URL] -u USER [--password-stdin]",
		Short: "Sign in with your Bitbucket user name and password",
		Long: `Sign in with your Bitbucket user name and password.

A worker proves them with a real ls-remote; the server does not store the password. The session is kept in
$XDG_CONFIG_HOME/sdp/session, readable by you only, and ends with "sdp logout" or after the server's session time.

The password is asked for without showing it. It is never an argument, because arguments are visible to everybody on
the machine.`,
		Example: `  sdp login -u alice
  sdp login --server http://sdp.example.com:7700 -u alice
  pass show bitbucket | sdp login -u alice --password-stdin`,
		Args: usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runLogin(cmd.Context(), user, fromStdin) },
	}
	cmd.Flags().StringVarP(&user, "user", "u", "", "Bitbucket user name; default: who signed in last")
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	return cli.Prints[rest.Session](a.App, cmd)
}

func (a verbs) runLogin(ctx context.Context, user string, fromStdin bool) error {
	all, err := cli.OpenSessions()
	if err != nil {
		return err
	}
	server := a.Address(all)
	if user = cmp.Or(user, all.Servers[server].User); user == "" {
		return usage.Errorf("sdp login -u USER", "`sdp login` needs a user name")
	}
	password, err := a.password(user, fromStdin)
	if err != nil {
		return err
	}
	c, err := apiclient.New(server, "")
	if err != nil {
		return usage.Wrap(err)
	}
	got, err := c.Login(ctx, user, password)
	if err != nil {
		return err
	}
	if err := all.Put(server, cli.Session{User: got.User, Token: got.Token, ExpiresAt: got.ExpiresAt}); err != nil {
		return err
	}
	got.Token = "" // it is in the file; a screen or a log is no place for it
	return a.Screen.Data(got, func() {
		a.Screen.Printf("Signed in to %s as %s until %s.", server, got.User, got.ExpiresAt.Local().Format("2 Jan 15:04"))
	})
}

// password reads the password from standard input, or asks for it where there is a terminal.
func (a verbs) password(user string, fromStdin bool) (string, error) {
	if fromStdin {
		line, err := bufio.NewReader(a.In).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		return checkPassword(strings.TrimRight(line, "\r\n"))
	}
	in, ok := a.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", usage.Errorf("sdp login -u USER --password-stdin < FILE",
			"there is no terminal to ask for the password")
	}
	fmt.Fprintf(a.Screen.Err, "Password of %s: ", user)
	typed, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(a.Screen.Err)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return checkPassword(string(typed))
}

func checkPassword(password string) (string, error) {
	if password == "" {
		return "", usage.Errorf("type it, or give it on standard input with --password-stdin", "the password is empty")
	}
	return password, nil
}

// SignedOut is what `sdp logout` prints. SignedOut is false where there was no session.
type SignedOut struct {
	Server    string `json:"server"`
	SignedOut bool   `json:"signedOut"`
}

func (a verbs) logout() *cobra.Command {
	return cli.Prints[SignedOut](a.App, &cobra.Command{
		Use:     "logout",
		Short:   "End the session and forget it",
		Example: "  sdp logout",
		Args:    usage.Args(0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runLogout(cmd.Context()) },
	})
}

func (a verbs) runLogout(ctx context.Context) error {
	all, err := cli.OpenSessions()
	if err != nil {
		return err
	}
	server := a.Address(all)
	if all.Servers[server].Token == "" {
		return a.Screen.Data(SignedOut{Server: server}, func() { a.Screen.Notef("Not signed in to %s.", server) })
	}
	c, err := apiclient.New(server, all.Servers[server].Token)
	if err != nil {
		return usage.Wrap(err)
	}
	revoked := c.Logout(ctx)
	if err := all.Drop(server); err != nil {
		return errors.Join(err, revoked)
	}
	if revoked != nil && sdp.KindOf(revoked) != sdp.Unauthenticated { // an expired session is as good as revoked
		e := sdp.AsError(revoked)
		return sdp.Errorf(e.Kind, e.Code, "forgotten here, but not revoked at the server: %w", e).
			WithRemedy("the session ends by itself when it expires")
	}
	return a.Screen.Data(SignedOut{Server: server, SignedOut: true}, func() { a.Screen.Notef("Signed out of %s.", server) })
}

func (a verbs) whoami() *cobra.Command {
	return cli.Prints[rest.Session](a.App, &cobra.Command{
		Use:   "whoami",
		Short: "Show who you are signed in as",
		Args:  usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.Connect()
			if err != nil {
				return err
			}
			s, err := c.Session(cmd.Context())
			if err != nil {
				return err
			}
			return a.Screen.Data(s, func() {
				a.Screen.Printf("%s, until %s", s.User, s.ExpiresAt.Local().Format("2 Jan 15:04"))
			})
		},
	})
}
