package client

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

// setFlags are the flags of `sdp sandbox set`.
type setFlags struct {
	description, environment string
	environmentVersion       int
	labels, env, secrets     []string
	unset, unsetLabels       []string
	cpus, totalCPUs          float64
	memory, totalMemory      string
	pids, totalPIDs          int64
	idleAfter, deleteAfter   time.Duration
	changed                  func(flag string) bool
}

func (a *App) sandboxSet() *cobra.Command {
	var flags setFlags
	cmd := &cobra.Command{
		Use:   "set NAME [--env KEY=VALUE] [--secret KEY=-|KEY=@FILE] [--memory 512M] ...",
		Short: "Change a sandbox's settings without restarting anything",
		Long: `Change a sandbox's settings without restarting anything: what is not named stays as it is. Running containers keep what
they were started with; the command says which services are behind. "sdp restart", "sdp deploy" and "sdp apply" give them
the new settings.

--cpus, --memory and --pids bound each container, --total-cpus, --total-memory and --total-pids all of them together. 0, or
"" for an environment, takes a setting away. A secret's value on the command line is visible to everybody on this machine:
better give KEY=- to read it from standard input, or KEY=@FILE.`,
		Example: `  sdp sandbox set checkout --environment qa --label team=payments
  sdp sandbox set checkout --env LOG_LEVEL=debug --unset FEATURE_X
  pass show stripe | sdp sandbox set checkout --secret STRIPE_KEY=-
  sdp sandbox set checkout --memory 512M --total-memory 2G --idle-after 72h`,
		Args: usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.changed = cmd.Flags().Changed
			return a.runSandboxSet(cmd.Context(), args[0], flags)
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.description, "description", "", "what the sandbox is for")
	f.StringVar(&flags.environment, "environment", "", "name of the environment")
	f.IntVar(&flags.environmentVersion, "environment-version", 0, "stay at this version of the environment")
	f.StringArrayVar(&flags.labels, "label", nil, "set the label `KEY=VALUE`; may be repeated")
	f.StringArrayVar(&flags.unsetLabels, "unset-label", nil, "remove the label `KEY`; may be repeated")
	f.StringArrayVar(&flags.env, "env", nil, "set the variable `KEY=VALUE`; may be repeated")
	f.StringArrayVar(&flags.secrets, "secret", nil, "set a secret: `KEY=-` reads standard input, KEY=@FILE a file; may be repeated")
	f.StringArrayVar(&flags.unset, "unset", nil, "remove the variable or secret `KEY`; may be repeated")
	f.Float64Var(&flags.cpus, "cpus", 0, "CPUs of each container")
	f.StringVar(&flags.memory, "memory", "", "memory of each container, such as `512M`")
	f.Int64Var(&flags.pids, "pids", 0, "processes of each container")
	f.Float64Var(&flags.totalCPUs, "total-cpus", 0, "CPUs of all containers together")
	f.StringVar(&flags.totalMemory, "total-memory", "", "memory of all containers together, such as `2G`")
	f.Int64Var(&flags.totalPIDs, "total-pids", 0, "processes of all containers together")
	f.DurationVar(&flags.idleAfter, "idle-after", 0, "suspend after so long without a request, such as 72h")
	f.DurationVar(&flags.deleteAfter, "delete-after", 0, "delete so long after it was suspended")
	return cmd
}

func (a *App) runSandboxSet(ctx context.Context, name string, flags setFlags) error {
	in, err := a.settingsRequest(flags)
	if err != nil {
		return err
	}
	c, err := a.connectFor(name)
	if err != nil {
		return err
	}
	if flags.bounds() { // limits and expiry are replaced as a whole
		now, err := c.Sandbox(ctx, name)
		if err != nil {
			return err
		}
		if in.Limits, in.Expiry, err = flags.limits(now); err != nil {
			return err
		}
	}
	out, err := c.UpdateSandbox(ctx, name, in)
	if err != nil {
		return err
	}
	return a.Screen.Data(out, func() {
		a.Screen.Printf("The settings of %s are changed; nothing was restarted.", name)
		if len(out.Behind) > 0 {
			a.Screen.Printf("Behind, until they run anew: %s", strings.Join(out.Behind, ", "))
			a.Screen.Notef("For example: sdp restart %s %s", name, out.Behind[0])
		}
	})
}

func (a *App) settingsRequest(f setFlags) (in api.UpdateSandbox, err error) {
	any := false
	for _, flag := range []string{"description", "environment", "environment-version", "label", "unset-label", "env", "secret", "unset"} {
		any = any || f.changed(flag)
	}
	if !any && !f.bounds() {
		return in, usage.Errorf("`sdp sandbox set --help` lists what can be set", "nothing is to be set")
	}
	if f.changed("description") {
		in.Description = &f.description
	}
	if f.changed("environment") {
		in.Environment = &f.environment
	}
	if f.changed("environment-version") {
		in.EnvironmentVersion = &f.environmentVersion
	}
	if in.Labels, err = parseLabels(f.labels); err != nil {
		return in, err
	}
	if in.Variables, err = parseEnv(f.env); err != nil {
		return in, err
	}
	in.Unset, in.UnsetLabels = f.unset, f.unsetLabels
	in.Secrets, err = parseSecrets(f.secrets, a.In)
	return in, err
}

func parseLabels(args []string) (map[string]string, error) {
	labels := map[string]string{}
	for _, arg := range args {
		key, value, found := strings.Cut(arg, "=")
		if !found || key == "" {
			return nil, usage.Errorf("write --label KEY=VALUE", "%q is no label", arg)
		}
		labels[key] = value
	}
	return labels, nil
}

// bounds reports whether limits or expiry are to be changed.
func (f setFlags) bounds() bool {
	for _, flag := range []string{"cpus", "memory", "pids", "total-cpus", "total-memory", "total-pids", "idle-after", "delete-after"} {
		if f.changed(flag) {
			return true
		}
	}
	return false
}

// limits are the sandbox's with what the flags change.
func (f setFlags) limits(now api.Sandbox) (*api.SandboxLimits, *api.Expiry, error) {
	limits, expiry := api.SandboxLimits{}, api.Expiry{}
	if now.Limits != nil {
		limits = *now.Limits
	}
	if now.Expiry != nil {
		expiry = *now.Expiry
	}
	var err error
	if limits.Container, err = f.bound(limits.Container, "", f.cpus, f.memory, f.pids); err != nil {
		return nil, nil, err
	}
	if limits.Total, err = f.bound(limits.Total, "total-", f.totalCPUs, f.totalMemory, f.totalPIDs); err != nil {
		return nil, nil, err
	}
	if f.changed("idle-after") {
		expiry.IdleAfter = span(f.idleAfter)
	}
	if f.changed("delete-after") {
		expiry.DeleteAfter = span(f.deleteAfter)
	}
	return &limits, &expiry, nil
}

func (f setFlags) bound(now *api.Limits, prefix string, cpus float64, memory string, pids int64) (*api.Limits, error) {
	var next api.Limits
	if now != nil {
		next = *now
	}
	if f.changed(prefix + "cpus") {
		next.CPUs = cpus
	}
	if f.changed(prefix + "memory") {
		bytes, err := sdp.ParseBytes(memory)
		if err != nil {
			return nil, usage.Wrap(err)
		}
		next.Memory = bytes
	}
	if f.changed(prefix + "pids") {
		next.PIDs = pids
	}
	return &next, nil
}

func (a *App) sandboxExport() *cobra.Command {
	var pinned bool
	var file string
	cmd := &cobra.Command{
		Use:   "export NAME [--pinned]",
		Short: "Print a sandbox as a sandbox.yaml",
		Long: `Print a sandbox as a sandbox.yaml: applied as it is, it changes nothing. Secrets are never printed; they stay with the
sandbox. With --pinned every service stays at the commit it runs now instead of following its branch.`,
		Example: `  sdp sandbox export checkout > sandbox.yaml
  sdp sandbox export checkout --pinned --file release.yaml`,
		Args: usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connectFor(args[0])
			if err != nil {
				return err
			}
			spec, err := c.Definition(cmd.Context(), args[0], pinned)
			if err != nil {
				return err
			}
			return a.export(spec, file)
		},
	}
	cmd.Flags().BoolVar(&pinned, "pinned", false, "pin every service to the commit it runs")
	cmd.Flags().StringVar(&file, "file", "", "write to this new `file` instead of the screen")
	return cmd
}

func (a *App) export(spec api.SandboxSpec, file string) error {
	if file != "" {
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return usage.Errorf("choose a file that does not exist in a directory you may write to", "%w", err)
		}
		if err := fileOf(spec).write(f); err != nil {
			f.Close()
			return err
		}
		return f.Close()
	}
	var failed error
	if err := a.Screen.Data(spec, func() { failed = fileOf(spec).write(a.Screen.Out) }); err != nil {
		return err
	}
	return failed
}
