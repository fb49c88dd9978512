// Package usage tells a command that was called wrongly (exit code 2) from one that failed (exit code 1).
package usage

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sdp/internal/sdp"
)

// Error is a wrong call: an unknown verb or flag, a missing argument, a value of the wrong form.
type Error struct{ err error }

func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.err }

// Wrap marks err as a wrong call.
func Wrap(err error) error {
	var known *sdp.Error
	switch {
	case err == nil || Is(err):
		return err
	case !errors.As(err, &known):
		err = sdp.Errorf(sdp.Invalid, "usage", "%w", err).WithRemedy("`sdp --help` lists verbs and flags")
	}
	return &Error{err: err}
}

// Errorf returns a wrong call with what to do about it.
func Errorf(remedy, format string, args ...any) error {
	return Wrap(sdp.Errorf(sdp.Invalid, "usage", format, args...).WithRemedy("%s", remedy))
}

// Is reports whether err is a wrong call.
func Is(err error) bool {
	var e *Error
	return errors.As(err, &e)
}

// Args checks the arguments: those named in required, then at most optional more (-1 = any number), and none of them empty.
// An unset variable of a script makes an empty one, and it would name the list of all there are.
func Args(optional int, required ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		remedy := "usage: " + cmd.UseLine()
		if len(args) < len(required) {
			missing := strings.Join(required[len(args):], " and ")
			return Errorf(remedy, "`%s` needs %s", cmd.CommandPath(), missing)
		}
		if limit := len(required) + optional; optional >= 0 && len(args) > limit {
			return Errorf(remedy, "`%s` does not know what to do with %q", cmd.CommandPath(), args[limit])
		}
		if i := slices.Index(args, ""); i >= len(required) {
			return Errorf(remedy, "argument %d of `%s` is empty", i+1, cmd.CommandPath())
		} else if i >= 0 {
			return Errorf(remedy, "`%s` needs %s, not an empty argument", cmd.CommandPath(), required[i])
		}
		return nil
	}
}

// Group makes cmd a verb that only has verbs below it: called without one, or with one it lacks, it is a wrong call.
func Group(cmd *cobra.Command, below ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(below...)
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknown(cmd, args[0])
		}
		return Errorf(fmt.Sprintf("choose one of: %s", strings.Join(verbs(cmd), ", ")), "`%s` needs a verb", cmd.CommandPath())
	}
	return cmd
}

// Root is Group for the program itself, which shows its help when called without a verb.
func Root(cmd *cobra.Command, below ...*cobra.Command) *cobra.Command {
	Group(cmd, below...)
	group := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return group(cmd, args)
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return Errorf(fmt.Sprintf("`%s --help` lists its flags", cmd.CommandPath()), "%w", valueOf(err))
	})
	return cmd
}

// valueOf says of a flag's value that is not a number what is wrong with it, and not which function of Go found it.
func valueOf(err error) error {
	var value *pflag.InvalidValueError
	var number *strconv.NumError
	if !errors.As(err, &value) || !errors.As(err, &number) {
		return err
	}
	flag := value.GetFlag()
	switch {
	case errors.Is(number, strconv.ErrRange):
		return fmt.Errorf("%s is too large a number for --%s", value.GetValue(), flag.Name)
	case flag.Value.Type() == "bool":
		return fmt.Errorf("--%s is true or false, not %q", flag.Name, value.GetValue())
	}
	return fmt.Errorf("--%s takes a number, not %q", flag.Name, value.GetValue())
}

// Help has the program's --help tell a verb that does not exist from one that does. Help cannot fail by itself, so what is
// wrong is kept in the error that wrong points to.
func Help(root *cobra.Command, wrong *error) {
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if below := cmd.Flags().Args(); cmd.HasSubCommands() && len(below) > 0 {
			*wrong = unknown(cmd, below[0])
			return
		}
		help(cmd, args)
	})
}

func unknown(cmd *cobra.Command, verb string) error {
	remedy := fmt.Sprintf("`%s --help` lists what there is", cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2 // edits; cobra's own default, set only on its own error path
	if near := cmd.SuggestionsFor(verb); len(near) > 0 {
		remedy = fmt.Sprintf("did you mean `%s %s`? %s", cmd.CommandPath(), near[0], remedy)
	}
	return Errorf(remedy, "`%s` has no verb %q", cmd.CommandPath(), verb)
}

func verbs(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}
