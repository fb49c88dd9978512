package env

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) envVersions() *cobra.Command {
	return cli.Prints[[]rest.EnvironmentVersion](a.App, &cobra.Command{
		Use: "versions NAME", Short: "List an environment's versions", Example: "  sdp env versions dev",
		Args: usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connectForEnv(args[0])
			if err != nil {
				return err
			}
			list, err := c.EnvironmentVersions(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.Screen.Data(list, func() {
				t := a.Screen.Table("VERSION", "BY", "MADE", "VARIABLES", "SECRETS", "FILES", "NOTE")
				for _, v := range list {
					t.Row(v.Version, v.Author, a.Screen.Age(v.CreatedAt), v.Variables, v.Secrets, v.Files, v.Note)
				}
				t.Print("There is no version.")
			})
		},
	})
}

func (a verbs) envDiff() *cobra.Command {
	return cli.Prints[rest.EnvironmentDiff](a.App, &cobra.Command{
		Use: "diff NAME [FROM [TO]]", Short: "Compare two versions of an environment",
		Long: `Compare two versions of an environment; without numbers the newest with the one before. Of secrets and files it is
told that they differ, not how.`,
		Example: "  sdp env diff dev\n  sdp env diff dev 3 5",
		Args:    usage.Args(2, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, to, err := versionRange(args[1:])
			if err != nil {
				return err
			}
			c, err := a.connectForEnv(args[0])
			if err != nil {
				return err
			}
			d, err := c.EnvironmentDiff(cmd.Context(), args[0], from, to)
			if err != nil {
				return err
			}
			return a.Screen.Data(d, func() { a.showEnvironmentDiff(d) })
		},
	})
}

func versionRange(args []string) (from, to int, err error) {
	numbers := []int{0, 0}
	for i, arg := range args {
		n, err := strconv.Atoi(strings.TrimPrefix(arg, "v"))
		if err != nil || n < 1 {
			return 0, 0, usage.Errorf("`sdp env versions` lists them", "%q is not a version", arg)
		}
		numbers[i] = n
	}
	return numbers[0], numbers[1], nil
}

func (a verbs) showEnvironmentDiff(d rest.EnvironmentDiff) {
	a.Screen.Printf("%s  version %d -> %d", a.Screen.Paint(screen.Bold, d.Name), d.From, d.To)
	t := a.Screen.Table("NAME", "KIND", "", "BEFORE", "AFTER")
	for _, x := range d.Differences {
		t.Row(x.Key, x.What, changeCell(x.Kind), x.Before, x.After)
	}
	t.Print("They do not differ.")
}

func changeCell(kind string) screen.Cell {
	style := map[string]screen.Style{string(sdp.Added): screen.Green, string(sdp.RemovedEntry): screen.Red}[kind]
	if style == "" {
		style = screen.Yellow
	}
	return screen.Cell{Text: kind, Style: style}
}
