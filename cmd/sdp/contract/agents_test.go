package contract

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"sdp/cmd/sdp/screen"
)

var (
	inline = regexp.MustCompile("`(sdp [^`]+)`")
	inBash = regexp.MustCompile(`(?m)^(sdp [^#\n]+)`)
)

// What AGENTS.md says to type exists: each verb, each flag, with arguments the verb takes.
func TestCommandsForAgentsExist(t *testing.T) {
	raw, err := os.ReadFile("../../../AGENTS.md")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(raw), "\n"); lines > 120 {
		t.Errorf("AGENTS.md has %d lines: nobody reads more than 120", lines)
	}
	found := append(inline.FindAllStringSubmatch(string(raw), -1), inBash.FindAllStringSubmatch(string(raw), -1)...)
	if len(found) < 15 {
		t.Fatalf("only %d commands were found", len(found))
	}
	for _, m := range found {
		if err := takes(m[1]); err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
	}
}

// takes parses a command line as the program would, and runs nothing.
func takes(line string) error {
	line, _, _ = strings.Cut(line, " < ")
	line, _, _ = strings.Cut(line, " > ")
	root, app := program(&screen.Screen{}, screen.Text)
	var format, server string
	root.PersistentFlags().StringVarP(&format, "output", "o", "text", "")
	root.PersistentFlags().StringVar(&server, "server", "", "")
	args := strings.Fields(line)[1:]
	if args[0] == "help" {
		args = args[1:]
	}
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if !cmd.Runnable() {
		return nil // a topic of the help
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		return err
	}
	if !slices.Contains(app.Formats(cmd), screen.Format(format)) {
		return fmt.Errorf("there is no -o %s", format)
	}
	return nil
}

// Each command that a remedy may name for a program to run is one the program has.
func TestCommandsOfRemediesExist(t *testing.T) {
	root, _ := program(&screen.Screen{}, screen.Text)
	docs, err := os.ReadFile("../../../internal/sdp/remedy.go")
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`"(sdp [a-z ]+)"`).FindAllStringSubmatch(string(docs), -1)
	if len(commands) < 15 {
		t.Fatalf("only %d commands were found", len(commands))
	}
	for _, m := range commands {
		args := strings.Fields(m[1])[1:]
		if cmd, rest, err := root.Find(args); err != nil || len(rest) > 0 || !cmd.Runnable() {
			t.Errorf("%q is not a verb", m[1])
		}
	}
}

// TestVerbsThatWaitAreDocumented: docs/cli.md says of each verb that can wait whether it does by itself.
func TestVerbsThatWaitAreDocumented(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	waits := map[string][]string{} // by whether they do by themselves
	root, _ := program(&screen.Screen{}, screen.Text)
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if flag := cmd.Flags().Lookup("wait"); flag != nil {
			waits[flag.DefValue] = append(waits[flag.DefValue], "`"+pathOf(cmd)+"`")
		}
		for _, below := range cmd.Commands() {
			walk(below)
		}
	}
	walk(root)
	for _, verbs := range waits {
		slices.Sort(verbs)
		if row := "\n| " + strings.Join(verbs, ", ") + " | "; !strings.Contains(string(raw), row) {
			t.Errorf("docs/cli.md, Waiting, lacks the row %s", row)
		}
	}
	if len(waits) != 2 {
		t.Errorf("got %v", waits)
	}
}
