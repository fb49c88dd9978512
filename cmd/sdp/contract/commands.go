package contract

import (
	"github.com/spf13/cobra"

	"sdp/cmd/sdp/client/cli"
)

// Commands returns the verbs and the topics of the help.
func Commands(app *cli.App) []*cobra.Command {
	return []*cobra.Command{schemaCommand(app), explainCommand(app), exitCodes()}
}

// exitCodes is a topic of the help: `sdp help exit-codes`.
func exitCodes() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long: `Exit codes:

  0   what was asked for is done, or accepted where the verb does not wait for its end (deploy without --wait, restart with
      --wait=false); or Ctrl-C ended logs -f or events -f, which is how they end
  1   it failed: a deployment or an operation did not succeed, a plan cannot be applied, the server refused or does not answer,
      or Ctrl-C ended the wait for something that goes on
  2   the command line is wrong: an unknown verb or flag, a missing argument, a value of the wrong form, a file with a mistake

With -o json the reason of 1 and 2 is the last line on standard error, a JSON object: kind, code, detail, remedy, command.`,
	}
}
